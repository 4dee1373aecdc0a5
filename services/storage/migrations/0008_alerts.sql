-- Alerts by rule (docs/alerts.md): what each carries, the state of the rules, who took note.

ALTER TABLE evaluations ADD COLUMN IF NOT EXISTS `alert.withheld` Array(LowCardinality(String));

-- JSON: name of the rule, recipients, evidence, not before when it may wake somebody.
ALTER TABLE evaluations ADD COLUMN IF NOT EXISTS `alert.detail` Array(String);

-- JSON: by rule and unit what is known between two evaluations. One insert with list and alerts.
ALTER TABLE evaluations ADD COLUMN IF NOT EXISTS state String;

-- Rows are only ever added; an alert may be acknowledged more than once.
CREATE TABLE IF NOT EXISTS alert_acknowledgements
(
    alert String,
    id String,
    note String,
    recorded_by LowCardinality(String),
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (alert, recorded_at, id);

-- unit, district, city; empty: all.
ALTER TABLE push_endpoints ADD COLUMN IF NOT EXISTS recipients Array(String);
