-- Who takes the next number of a policy. Two that take one at the same time both leave it, so a
-- number never stands for two documents.
CREATE TABLE IF NOT EXISTS ruleset_claims
(
    ruleset UInt32,
    claimant String
)
ENGINE = MergeTree ORDER BY ruleset;

-- The policies that the settings named at a start, by the document's text: a later start with the
-- same settings undoes no activation made since.
CREATE TABLE IF NOT EXISTS policy_settings
(
    number UInt64,
    document String,
    read_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY number;
