-- The register of adjustments (docs/decisions/0004-adjustments.md). Rows are only ever added; of two
-- with one id the first recorded counts. `points` is an exact decimal as text.

CREATE TABLE IF NOT EXISTS adjustments
(
    cycle String,                        -- name of a window of kind cycle
    unit String,
    id String,
    kind LowCardinality(String),         -- adjustment, or withdrawal
    points String,
    withdraws String,                    -- the adjustment that a withdrawal names, or ""
    ground LowCardinality(String),
    approver LowCardinality(String),
    decided_at DateTime64(6, 'UTC'),
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (cycle, unit, recorded_at, id);
