-- What was told of single orders (docs/alerts.md): rule, instant and order of each, in the same
-- insert as the alert. None is told twice, whoever ranks and under whichever ruleset.
ALTER TABLE evaluations ADD COLUMN IF NOT EXISTS told Array(String);
