-- Every table that shards write has a `*_in` table (engine Null) in front of it, and a view that
-- lets a row pass only under the greatest fence claimed for its shard: a worker that lost its
-- partition cannot overwrite its successor. Writers insert into `*_in`, readers read the table. The
-- `*_in` tables have plain strings, which the engine turns into dictionaries faster than Python.
-- Instants are DateTime64(6, 'UTC'). Replacing tables are read with FINAL (never with PREWHERE).
-- Every statement may be run again: a migration that was cut off is repeated from its start.
-- Keys begin with the shard where a worker loads by shard; a new part then meets few old ones.

CREATE TABLE IF NOT EXISTS shard_claims
(
    shard UInt16,
    fence UInt64,                        -- epoch << 44 | token
    claimant String,                     -- drawn by the claimer: two with one fence both lose
    claimed_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (shard, fence);

-- The archive: one row for each content of an event. `precedence` is greater the earlier the log
-- holds it, so that of identical copies the first position stays.
CREATE TABLE IF NOT EXISTS events
(
    shard UInt16,
    epoch UInt32,
    offset Int64,
    frame_index UInt32,
    subject String,
    source LowCardinality(String),
    id String,
    digest FixedString(16),
    type LowCardinality(String),
    occurred_at DateTime64(6, 'UTC'),
    data String,                         -- canonical JSON of the listed fields
    dropped Array(LowCardinality(String)),
    precedence UInt128,
    INDEX by_position (epoch, offset) TYPE minmax
)
ENGINE = ReplacingMergeTree(precedence) ORDER BY (shard, subject, source, id, digest)
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS events_in
(
    fence UInt64,
    shard UInt16,
    epoch UInt32,
    offset Int64,
    frame_index UInt32,
    subject String,
    source String,
    id String,
    digest FixedString(16),
    type String,
    occurred_at DateTime64(6, 'UTC'),
    data String,
    dropped Array(String),
    precedence UInt128
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS events_fenced TO events AS
SELECT * EXCEPT fence FROM events_in
WHERE (shard, fence) IN (SELECT shard, max(fence) FROM shard_claims GROUP BY shard);

-- One row an order: which events it has folded, and its contributions as spans [begins_at, ends_at).
CREATE TABLE IF NOT EXISTS work_orders
(
    ruleset UInt32,
    shard UInt16,
    subject String,
    version UInt128,
    folded Array(FixedString(16)),
    source LowCardinality(String),
    unit LowCardinality(String),
    received_at Nullable(DateTime64(6, 'UTC')),
    demand_type LowCardinality(String),
    channel LowCardinality(String),
    urgency LowCardinality(String),
    category Array(LowCardinality(String)),
    community LowCardinality(String),
    resolve_due Nullable(DateTime64(6, 'UTC')),
    resolved_at Nullable(DateTime64(6, 'UTC')),
    boundaries Array(DateTime64(6, 'UTC')),
    last_boundary DateTime64(6, 'UTC'),
    `span.begins_at` Array(DateTime64(6, 'UTC')),
    `span.ends_at` Array(DateTime64(6, 'UTC')),
    `span.ranking` Array(LowCardinality(String)),
    `span.unit` Array(LowCardinality(String)),
    `span.indicator` Array(LowCardinality(String)),
    `span.attributed_at` Array(DateTime64(6, 'UTC')),
    `span.denominator` Array(Int32),
    `span.numerator` Array(Int32),
    attributed_from DateTime64(6, 'UTC') MATERIALIZED arrayMin(`span.attributed_at`),
    attributed_to DateTime64(6, 'UTC') MATERIALIZED arrayMax(`span.attributed_at`),
    INDEX by_attribution (attributed_from, attributed_to) TYPE minmax
)
ENGINE = ReplacingMergeTree(version) ORDER BY (ruleset, shard, subject)
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS work_orders_in
(
    fence UInt64,
    ruleset UInt32,
    shard UInt16,
    subject String,
    version UInt128,
    folded Array(FixedString(16)),
    source String,
    unit String,
    received_at Nullable(DateTime64(6, 'UTC')),
    demand_type String,
    channel String,
    urgency String,
    category Array(String),
    community String,
    resolve_due Nullable(DateTime64(6, 'UTC')),
    resolved_at Nullable(DateTime64(6, 'UTC')),
    boundaries Array(DateTime64(6, 'UTC')),
    last_boundary DateTime64(6, 'UTC'),
    `span.begins_at` Array(DateTime64(6, 'UTC')),
    `span.ends_at` Array(DateTime64(6, 'UTC')),
    `span.ranking` Array(String),
    `span.unit` Array(String),
    `span.indicator` Array(String),
    `span.attributed_at` Array(DateTime64(6, 'UTC')),
    `span.denominator` Array(Int32),
    `span.numerator` Array(Int32)
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS work_orders_fenced TO work_orders AS
SELECT * EXCEPT fence FROM work_orders_in
WHERE (shard, fence) IN (SELECT shard, max(fence) FROM shard_claims GROUP BY shard);

-- Absolute sums of the contributions in force at the shard's clock.
CREATE TABLE IF NOT EXISTS counters
(
    ruleset UInt32,
    shard UInt16,
    ranking LowCardinality(String),
    unit LowCardinality(String),
    indicator LowCardinality(String),
    bucket DateTime64(6, 'UTC'),         -- first instant of a quarter hour of UTC
    denominator Int64,
    numerator Int64,                     -- thousandths
    version UInt128
)
ENGINE = ReplacingMergeTree(version) ORDER BY (ruleset, shard, ranking, bucket, indicator, unit);

CREATE TABLE IF NOT EXISTS counters_in
(
    fence UInt64,
    ruleset UInt32,
    shard UInt16,
    ranking String,
    unit String,
    indicator String,
    bucket DateTime64(6, 'UTC'),
    denominator Int64,
    numerator Int64,
    version UInt128
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS counters_fenced TO counters AS
SELECT * EXCEPT fence FROM counters_in
WHERE (shard, fence) IN (SELECT shard, max(fence) FROM shard_claims GROUP BY shard);

-- Only what lies at or before the newest row of a shard counts as stored.
CREATE TABLE IF NOT EXISTS shard_flushes
(
    ruleset UInt32,
    shard UInt16,
    version UInt128,                     -- fence << 48 | flush number
    fence UInt64,
    flush UInt64,
    epoch UInt32,
    offset Int64,                        -- last log offset folded; -1 before the first
    clock DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(version) ORDER BY (ruleset, shard);

CREATE TABLE IF NOT EXISTS shard_flushes_in
(
    ruleset UInt32,
    shard UInt16,
    version UInt128,
    fence UInt64,
    flush UInt64,
    epoch UInt32,
    offset Int64,
    clock DateTime64(6, 'UTC')
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS shard_flushes_fenced TO shard_flushes AS
SELECT * FROM shard_flushes_in
WHERE (shard, fence) IN (SELECT shard, max(fence) FROM shard_claims GROUP BY shard);

-- Keyed by place in the log, so that handling it twice changes nothing.
CREATE TABLE IF NOT EXISTS dead_letters
(
    topic LowCardinality(String),
    partition UInt16,
    epoch UInt32,
    offset Int64,
    frame_index UInt32,
    reason LowCardinality(String),
    path String,
    detail String,
    source String,
    id String,
    subject String,
    type LowCardinality(String),
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(recorded_at) ORDER BY (topic, partition, epoch, offset, frame_index, reason);

CREATE TABLE IF NOT EXISTS rulesets
(
    ruleset UInt32,
    policy_id String,
    policy_version String,
    checksum String,                     -- of document and calendar
    document String,
    activated_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(activated_at) ORDER BY ruleset;

CREATE TABLE IF NOT EXISTS units
(
    code String,
    name String,
    kind LowCardinality(String),
    parent String,
    peer_group LowCardinality(String),
    registered_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(registered_at) ORDER BY code;

-- One row an evaluation of one ranking: the list, the bottom, and the alerts it gave, in one insert.
CREATE TABLE IF NOT EXISTS evaluations
(
    ruleset UInt32,
    ranking LowCardinality(String),
    kind LowCardinality(String),
    peer_group LowCardinality(String),   -- "" for the ranking of all units of the kind
    window_kind LowCardinality(String),
    window_name String,
    window_from DateTime64(6, 'UTC'),
    window_to DateTime64(6, 'UTC'),
    number UInt64,
    as_of DateTime64(6, 'UTC'),
    positions Array(Tuple(shard UInt16, epoch UInt32, offset Int64)),
    `ranked.unit` Array(String),
    `ranked.rank` Array(UInt32),
    `ranked.score` Array(String),
    bottom Array(String),
    `alert.id` Array(String),
    `alert.kind` Array(LowCardinality(String)),
    `alert.unit` Array(String)
)
ENGINE = ReplacingMergeTree(number) ORDER BY (ruleset, ranking, kind, peer_group, window_kind, window_name, number);
