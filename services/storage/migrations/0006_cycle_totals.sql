-- The sums of whole cycles stand in `counters` too, under the ranking with "/cycle" behind it, with the
-- cycle's first instant as bucket. Flush rows of before know none: what they cover is added up.
ALTER TABLE shard_flushes ADD COLUMN IF NOT EXISTS totals Bool DEFAULT false;

ALTER TABLE shard_flushes_in ADD COLUMN IF NOT EXISTS totals Bool DEFAULT false;

ALTER TABLE shard_flushes_fenced MODIFY QUERY
SELECT ruleset, shard, version, fence, flush, epoch, offset, clock, totals FROM shard_flushes_in
WHERE (shard, fence) IN (SELECT shard, max(fence) FROM shard_claims GROUP BY shard);
