-- Who may do what, and who did what (docs/access.md). Rows are only ever added.

-- The row with the greatest number of an id says what the key is now.
CREATE TABLE IF NOT EXISTS access_keys
(
    id String,
    number UInt32,                       -- from 1; grows with each change
    digest String,                       -- SHA-256 of the whole key, hexadecimal; never the key
    label String,
    scopes Array(String),                -- ingest, read, govern, admin
    units Array(String),                 -- codes; a district covers its streets; empty: whole city
    expires_at Int64,                    -- microseconds UTC; 0: never
    state LowCardinality(String),        -- valid or revoked
    created_at DateTime64(6, 'UTC'),
    changed_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY (id, number);

-- One row for each request that changes something, or was refused to a known caller. No bodies.
CREATE TABLE IF NOT EXISTS audit_log
(
    at DateTime64(6, 'UTC'),
    id String,
    who String,                          -- "key:ID", or "open" while no keys are asked for
    method LowCardinality(String),
    route String,                        -- the template of its path
    target String,                       -- what stood in its path; empty if it was refused
    status UInt16                        -- of the answer
)
ENGINE = MergeTree ORDER BY (at, id);
