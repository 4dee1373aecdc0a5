"""Who delivers: the first of the processes that are alive, by the store's own clock.

Each process that could deliver adds a beat every few seconds. Alive is whoever's last beat is
younger than `LEASE_SECONDS`; of those the one that began first delivers. Two may believe it for a
moment, when one was paused or the store was away: receivers then see an id twice.
"""

from __future__ import annotations

from typing import Final

from services.storage.database import Database

BEAT_SECONDS: Final = 3
LEASE_SECONDS: Final = 12


def beat(db: Database, holder: str) -> bool:
    """Add a beat and return whether this process delivers."""
    db.execute(
        "INSERT INTO push_beats (holder, began_at)"
        " SELECT {holder:String}, if(count() = 0, now64(6, 'UTC'), min(began_at))"
        " FROM push_beats WHERE holder = {holder:String}",
        {"holder": holder},
    )
    found = db.query(
        "SELECT holder FROM push_beats"
        " WHERE beat_at > now64(6, 'UTC') - toIntervalSecond({lease:UInt32})"
        " GROUP BY holder ORDER BY min(began_at), holder LIMIT 1",
        {"lease": LEASE_SECONDS},
    )
    return bool(found) and found[0][0] == holder
