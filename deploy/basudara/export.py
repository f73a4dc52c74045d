"""`basudara events export`: one JSON line for each command, stored aggregate, inbox note, outbox row and record.

The format is described in `events.md` and `events.schema.json` beside this file. No payload leaves here: only
identifiers, versions, types and headers.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pymongo.database import Database

from chassis.catalogue import Catalogue
from chassis.envelope import instant
from deploy.basudara import records
from deploy.basudara.console import Refusal
from deploy.basudara.reach import Reach
from deploy.basudara.records import Record

# collections of the chassis; all others hold aggregates
MACHINERY = ("inbox", "outbox", "duties", "leases", "audit_open", "shapes", "restored")
BATCH = 1000
SAYS = {"sent": 1, "held": 1, "rows": 1}

Line = dict[str, Any]


def lines(catalogue: Catalogue, reach: Reach, databases: Mapping[str, str], journal: Path | None) -> Iterator[Line]:
    """All lines, as they are read: commands, who reads what, then service by service, then records. `databases`: by
    "agency/service".

    Not one moment's picture: what happens meanwhile may stand in one part and not in another.
    Raises Refusal for a journal that can't be read, RuntimeError, KafkaException, PyMongoError.
    """
    if journal is not None:
        yield from commands(journal)
    for name in databases:
        yield from readings(catalogue, *name.split("/"))
    with reach.store() as client:
        for name, database in databases.items():
            agency, service = name.split("/")
            for line in _kept(client[database]):
                yield {"kind": line.pop("kind"), "agency": agency, "service": service, **line}
    for record in records.until_now(reach.broker, records.topics_of(catalogue.channels.values())):
        yield line_of(record)


def readings(catalogue: Catalogue, agency: str, service: str) -> Iterator[Line]:
    """Which types a service's groups must handle, and from which topics."""
    for reading in catalogue.readings:
        if reading.service == service:
            for kind in sorted(reading.types):
                told = {"group": reading.group, "type": kind, "topics": reading.pattern(agency)}
                yield {"kind": "reading", "agency": agency, "service": service, **told}


def commands(journal: Path) -> Iterator[Line]:
    """The caller's own lines, marked as commands. Raises Refusal with the number of a line that is no JSON object."""
    try:
        with journal.open(encoding="utf-8") as open_journal:
            for number, text in enumerate(open_journal, start=1):
                if text.strip():
                    yield {**_object(text, f"{journal}: line {number}"), "kind": "command"}
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{journal}: cannot be read: {type(error).__name__}") from None


def _object(text: str, where: str) -> Line:
    try:
        said = json.loads(text)
    except ValueError:
        raise Refusal(f"{where}: not JSON") from None
    if not isinstance(said, dict):
        raise Refusal(f"{where}: not a JSON object")
    return said


def _kept(database: Database[Line]) -> Iterator[Line]:
    """What one service keeps: its aggregates, the events it has handled, the events it has to say."""
    for collection in sorted(set(database.list_collection_names()) - set(MACHINERY)):
        for found in _documents(database, collection, {"version": 1}):
            yield {"kind": "aggregate", "collection": collection, "id": found["_id"], "version": found["version"]}
    for found in _documents(database, "inbox", {"at": 1}):
        yield {"kind": "note", "note": found["_id"], "at": instant(found["at"])}
    for found in _documents(database, "outbox", SAYS):
        for row in found["rows"]:
            yield _row(row, found["sent"] or row.get("sent", False), found.get("held", {}).get(row["id"]))


def _documents(database: Database[Line], collection: str, members: Mapping[str, int]) -> Iterator[Line]:
    return iter(database[collection].find({}, members, batch_size=BATCH).sort("_id", 1))


def _row(found: Line, sent: bool, held: str | None) -> Line:
    event = records.event_in(found["value"], found["headers"] or ())
    plain = {name: found[name] for name in ("topic", "aggregate", "version")}
    named = {name: event and getattr(event, name) for name in ("type", "subject", "causationid")}
    told = {"id": found["id"], "key": text_of(found["key"]), "sent": sent, "held": held}
    return {"kind": "row", **told, **plain, **named}


def line_of(record: Record) -> Line:
    """A record's line. What its value does not readably say is null."""
    event = records.seen(record)
    said = {
        "id": event and event.id,
        "type": event and event.type,
        "subject": event and event.subject,
        "aggregateversion": event and event.version,
        "causationid": event and event.cause,
        "correlationid": event and event.correlation,
        "source": event and event.source,
    }
    headers = {name: text_of(value) for name, value in reversed(record.headers)}  # the first of a name stays
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return {"kind": "record", **place, "key": text_of(record.key), **said, "headers": headers}


def text_of(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
