"""Whether the numbers are what the log says: four sources compared, the first difference named.

    street-rates ─ counters ─ sums of the stored orders ─ the archive, evaluated again
                   └ totals of cycles

Nothing is locked while a shard is compared. What a flush may be changing at the moment is read
again, and only what is known to be at rest is called a difference (decision 0017).
"""
