"""What the sender has to find among all messages."""

from collections.abc import Set

from chassis.store import Store
from notification.domain.message import READY, Message


async def ready(store: Store, limit: int, but: Set[str]) -> list[Message]:
    """So many that are ready, but for those in hand already; which ones is left to the index.

    Sorted by anything but the member that is searched for, a look would read all that waits, or all that is done.
    """
    wanted = limit + len(but)
    rows = await store.database.find("messages", {"stage": READY}, sort="stage", limit=wanted)
    ids = [row["_id"] for row in rows if row["_id"] not in but][:limit]
    found: list[Message] = await store.load(Message, ids) if ids else []
    return found
