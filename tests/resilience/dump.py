"""A dump of a town for the checker, read from its stores and topics by their own clients."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from chassis.envelope import Event
from tests.resilience.checker import check
from tests.resilience.tally import ACCEPTED, GROUPS, REQUESTED
from tests.resilience.town import Town

COLLECTIONS = {"tallies", "requests"}
HEARD = {"training": REQUESTED, "referral": ACCEPTED}


def command(event: Event) -> dict[str, Any]:
    """A request that the test put on its topic itself, as the sender's journal would tell of it."""
    cause = event.causationid
    return {"agency": event.agency, "service": event.service, "subject": event.subject, "cause": cause}


async def findings(town: Town, commands: Iterable[dict[str, Any]] = ()) -> list[str]:
    """What the checker finds in the town now."""
    return [str(one) for one in check(await dump(town, commands))]


async def dump(town: Town, commands: Iterable[dict[str, Any]] = ()) -> list[str]:
    """One JSON object a line, in the form that `checker.py` describes. `commands`: the caller's journal."""
    lines = [{"kind": "command", **one} for one in commands]
    for service, agency in town.agency_of.items():
        owner = {"agency": agency, "service": service}
        if service in {process.service for process in town.processes}:
            lines.append({"kind": "reading", **owner, "group": GROUPS[service], "type": HEARD[service]})
        lines += [{**owner, **line} async for line in _stored(town, service)]
    lines += _told(await town.records(*town.topics()))
    return [json.dumps(line) for line in lines]


async def _stored(town: Town, service: str) -> Any:
    database = town.database(service)
    for collection in COLLECTIONS & set(await database.list_collection_names()):
        async for one in database[collection].find({}, {"version": 1}):
            yield {"kind": "aggregate", "collection": collection, "id": one["_id"], "version": one["version"]}
    async for note in database["inbox"].find():
        yield {"kind": "note", "note": note["_id"], "at": note["at"].isoformat()}
    async for document, row in _rows(database):
        # an event's headers repeat its attributes and are made when it is sent; those of a copy are kept with it
        named = (
            json.loads(row["value"])
            if row["headers"] is None
            else {name.removeprefix("ce_"): bytes(value).decode(errors="replace") for name, value in row["headers"]}
        )
        yield {
            "kind": "row", "id": row["id"], "topic": row["topic"], "key": bytes(row["key"] or b"").decode(),
            "aggregate": row["aggregate"], "version": row["version"],
            "sent": document["sent"] or row.get("sent", False), "held": document.get("held", {}).get(row["id"]),
            **{name: named.get(name) for name in ("type", "subject", "causationid")},
        }  # fmt: skip


async def _rows(database: Any) -> Any:
    async for document in database["outbox"].find():
        for row in document["rows"]:
            yield document, row


def _told(records: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for record in records:
        headers = {name: value.decode(errors="replace") for name, value in record.headers}
        named = {name.removeprefix("ce_"): value for name, value in headers.items()}
        attributes = ("id", "type", "subject", "aggregateversion", "causationid", "correlationid", "source")
        yield {
            "kind": "record", "topic": record.topic, "partition": record.partition, "offset": record.offset,
            "key": (record.key or b"").decode(errors="replace"), "headers": headers,
            **{name: named.get(name) for name in attributes},
        }  # fmt: skip
