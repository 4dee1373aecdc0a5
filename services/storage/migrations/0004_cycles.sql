-- Frozen cycles (docs/cycles.md). Rows are only ever added. Of two revisions with one number the
-- first recorded counts; orders belong to a revision by the id of its computation, so what a
-- computation that was cut off has left belongs to none.

CREATE TABLE IF NOT EXISTS cycle_revisions
(
    cycle String,                        -- name of a window of kind cycle
    revision UInt32,                     -- from 1
    computation String,
    inputs String,                       -- JSON: positions, as_of, policy, units, adjustments, engine
    results String,                      -- JSON: sums, lists, what no rule could evaluate
    checksum String,                     -- SHA-256 over inputs, results, ground and approver
    ground String,
    approver String,
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (cycle, revision, recorded_at);

CREATE TABLE IF NOT EXISTS cycle_orders
(
    computation String,
    subject String,
    next_change Int64,                   -- microseconds: until then only an event can change it
    contributions String CODEC(ZSTD)     -- JSON: what the order adds to the cycle, sorted
)
ENGINE = MergeTree ORDER BY (computation, subject);

-- The governed list (治理类). Rows are only ever added; of two with one id the first recorded counts.
CREATE TABLE IF NOT EXISTS governed
(
    id String,
    kind LowCardinality(String),         -- added, removed, or note
    unit String,
    at DateTime64(6, 'UTC'),             -- from when on; of a note when it was made
    cycle String,                        -- of a note, or ""
    progress LowCardinality(String),     -- of a note: on_track, or slow
    text String,                         -- of a note, or ""
    ground LowCardinality(String),
    approver LowCardinality(String),
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (unit, at, recorded_at, id);

-- What came of talks (约谈). Rows are only ever added; the last one that says something counts.
CREATE TABLE IF NOT EXISTS talks
(
    cycle String,
    unit String,
    talked_at Int64,                     -- microseconds; 0 where the row says nothing of it
    received_at Int64,                   -- the rectification statement (整改说明) came; 0 likewise
    approver LowCardinality(String),
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (cycle, unit, recorded_at);
