"""A store that was restored from a backup: what was said since is heard before the service does anything else.

`basudara restore` leaves a note in the store: up to where the topics reached. Until all of that is heard, no duty falls
due and the door stays shut: a person who was erased since is forgotten again before anybody can ask (decision 0017).
"""

import asyncio
from typing import Any

import structlog
from aiokafka import TopicPartition

from chassis.database import Database, told_as_ours
from chassis.errors import Expected

log = structlog.get_logger()

RESTORED = "restored"  # collection: at most one note
NOTE = "restored"
LOOK_SECONDS = 0.2


class HalfRestored(Expected):
    """A restore ended in the middle: what lies there is neither the old nor the new. Begin it again."""

    code = "half_restored"


async def must_be_whole(database: Database) -> None:
    """Raises HalfRestored, and has closed the database then."""
    note = await _note(database)
    if note is not None and not note["whole"]:
        database.close()
        raise HalfRestored(database=note["database"])


async def heard_all_since(database: Database, consumer: Any) -> None:
    """Returns when the group has heard what the note names, at once where there is none. Then the note is gone."""
    note = await _note(database)
    if note is None:
        return
    left = {TopicPartition(one["topic"], one["partition"]): one["until"] for one in note["until"]}
    log.info("service.hears_what_came_since", records=len(left))
    while left:
        for part in list(left):
            if (await consumer.committed(part) or 0) >= left[part]:
                del left[part]
        await asyncio.sleep(LOOK_SECONDS)
    with told_as_ours():
        await database[RESTORED].delete_one({"_id": NOTE})
    log.info("service.restored")


async def _note(database: Database) -> dict[str, Any] | None:
    found = await database.find(RESTORED, {"_id": NOTE})
    return found[0] if found else None
