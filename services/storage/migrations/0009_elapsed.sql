-- How long the lead of an order took for each step (docs/storage.md): written with the row, read by the
-- quantiles only. Rows of before know none (`timed` is false) until the order is evaluated again.
ALTER TABLE work_orders ADD COLUMN IF NOT EXISTS timed Bool DEFAULT false;

ALTER TABLE work_orders ADD COLUMN IF NOT EXISTS `elapsed.begins_at` Array(DateTime64(6, 'UTC'));

ALTER TABLE work_orders ADD COLUMN IF NOT EXISTS `elapsed.ends_at` Array(DateTime64(6, 'UTC'));

ALTER TABLE work_orders ADD COLUMN IF NOT EXISTS `elapsed.step` Array(LowCardinality(String));

ALTER TABLE work_orders ADD COLUMN IF NOT EXISTS `elapsed.took` Array(Int64);

ALTER TABLE work_orders_in ADD COLUMN IF NOT EXISTS timed Bool DEFAULT false;

ALTER TABLE work_orders_in ADD COLUMN IF NOT EXISTS `elapsed.begins_at` Array(DateTime64(6, 'UTC'));

ALTER TABLE work_orders_in ADD COLUMN IF NOT EXISTS `elapsed.ends_at` Array(DateTime64(6, 'UTC'));

ALTER TABLE work_orders_in ADD COLUMN IF NOT EXISTS `elapsed.step` Array(String);

ALTER TABLE work_orders_in ADD COLUMN IF NOT EXISTS `elapsed.took` Array(Int64);

ALTER TABLE work_orders_fenced MODIFY QUERY
SELECT
    ruleset, shard, subject, version, folded, source, unit, received_at, demand_type, channel, urgency,
    category, community, resolve_due, resolved_at, boundaries, last_boundary,
    `span.begins_at`, `span.ends_at`, `span.ranking`, `span.unit`, `span.indicator`,
    `span.attributed_at`, `span.denominator`, `span.numerator`,
    timed, `elapsed.begins_at`, `elapsed.ends_at`, `elapsed.step`, `elapsed.took`
FROM work_orders_in
WHERE (shard, fence) IN (SELECT shard, max(fence) FROM shard_claims GROUP BY shard);
