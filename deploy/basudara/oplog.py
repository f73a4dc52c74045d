"""What was deleted from an outbox before it was sent: no topic tells of it, and no row; the log of the store does."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Timestamp
from pymongo import MongoClient

LOOK_BACK = timedelta(days=1)  # the log is read from there on: it has no index by collection

Entry = Mapping[str, Any]


def deleted_unsent(client: "MongoClient[dict[str, Any]]", database: str) -> list[str]:
    """Ids of the events. What was inserted before LOOK_BACK is not told."""
    name = f"{database}.outbox"
    unsent: dict[Any, list[str]] = {}
    gone: list[str] = []
    for change in _changes(client, name):
        if change["op"] == "i" and not change["o"]["sent"]:
            unsent[change["o"]["_id"]] = [row["id"] for row in change["o"]["rows"]]
        elif change["op"] == "u" and _is_sent(change["o"]):
            unsent.pop(change["o2"]["_id"], None)
        elif change["op"] == "d":
            gone += unsent.pop(change["o"]["_id"], [])
    return gone


def _changes(client: "MongoClient[dict[str, Any]]", name: str) -> Iterator[Entry]:
    """Of one collection, in order; those of a transaction stand together in one entry."""
    since = Timestamp(int((datetime.now(UTC) - LOOK_BACK).timestamp()), 0)
    query = {"ts": {"$gt": since}, "$or": [{"ns": name}, {"op": "c", "o.applyOps.ns": name}]}
    whole = {"o.rows.value": 0, "o.applyOps.o.rows.value": 0}
    for entry in client["local"]["oplog.rs"].find(query, whole).sort("$natural", 1):
        together = entry["o"].get("applyOps", ()) if entry["op"] == "c" else (entry,)
        yield from (one for one in together if one["ns"] == name)


def _is_sent(change: Entry) -> bool:
    """By the two forms in which the log tells an update: what differs, or the whole document."""
    return bool(change.get("diff", {}).get("u", change).get("sent"))
