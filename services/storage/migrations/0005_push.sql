-- Webhooks and channels, what was sent to them, and which process sends (docs/push.md). Rows are
-- only ever added; of the rows of one endpoint, or of one delivery, the greatest number counts.

CREATE TABLE IF NOT EXISTS push_endpoints
(
    id String,
    number UInt32,                       -- from 1; each change of the endpoint adds one
    kind LowCardinality(String),         -- webhook, or channel
    address String,                      -- URL of a webhook; of a channel what may be shown of it
    description String,
    rules Array(String),                 -- alert rules; empty: all
    units Array(String),                 -- unit codes; empty: all
    state LowCardinality(String),        -- on, off, disabled, or deleted
    reason LowCardinality(String),       -- why it was disabled, or ""
    since UInt64,                        -- alerts after this sequence are its own
    created_at DateTime64(6, 'UTC'),
    changed_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (id, number);

-- Apart from the endpoints, so that accounts that read everything else can be kept from it.
CREATE TABLE IF NOT EXISTS push_secrets
(
    endpoint String,
    secret String                        -- signing secret of a webhook, or URL of a channel
)
ENGINE = MergeTree ORDER BY endpoint;

CREATE TABLE IF NOT EXISTS push_deliveries
(
    endpoint String,
    id String,                           -- webhook-id: of the alert, the test, or the notice
    number UInt32,                       -- from 1; grows with each row of the delivery
    sequence UInt64,                     -- of the alert; 0 for tests and notices
    kind LowCardinality(String),         -- alert, test, or notice
    state LowCardinality(String),        -- waiting, delivered, or given_up
    attempt UInt16,                      -- attempts made since it was last asked for
    next_at DateTime64(6, 'UTC'),        -- not before, while it waits
    status UInt16,                       -- of the last answer, or 0
    problem LowCardinality(String),      -- code of the last failure, or ""
    body String,                         -- JSON as it is sent
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (endpoint, id, number)
TTL toDateTime(recorded_at) + INTERVAL 90 DAY;

-- Who is alive, by the store's own clock; the first of them delivers.
CREATE TABLE IF NOT EXISTS push_beats
(
    holder String,
    began_at DateTime64(6, 'UTC'),
    beat_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (beat_at, holder)
TTL toDateTime(beat_at) + INTERVAL 1 DAY;

-- The order in which evaluations were stored, which positions of the stream and of deliveries name:
-- microseconds of the engine's clock at the insert. One process at a time evaluates.
CREATE TABLE IF NOT EXISTS evaluation_log
(
    sequence UInt64,
    ruleset UInt32,
    ranking LowCardinality(String),
    kind LowCardinality(String),
    peer_group LowCardinality(String),
    window_kind LowCardinality(String),
    window_name String,
    number UInt64,
    alerts UInt32                        -- how many the evaluation gave
)
ENGINE = MergeTree ORDER BY sequence;

CREATE MATERIALIZED VIEW IF NOT EXISTS evaluation_log_of TO evaluation_log AS
SELECT
    toUInt64(toUnixTimestamp64Micro(now64(6, 'UTC'))) AS sequence,
    ruleset, ranking, kind, peer_group, window_kind, window_name, number,
    toUInt32(length(`alert.id`)) AS alerts
FROM evaluations;
