"""One record as a consumer meets it: any bytes become a delivery, and its headers say how often it came before."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from chassis import measures
from chassis.envelope import Event, from_record
from chassis.errors import Expected, Invalid, NotAllowed
from chassis.wire import Heard

log = structlog.get_logger()

REASON, ATTEMPTS, DUE, COPY = "basudara-reason", "basudara-attempts", "basudara-due", "basudara-copy"
SOURCE_TOPIC, SOURCE_PARTITION, SOURCE_OFFSET = (
    "basudara-source-topic",
    "basudara-source-partition",
    "basudara-source-offset",
)
LONGEST_PAUSE = timedelta(days=1)
OURS = (REASON, ATTEMPTS, DUE, COPY, SOURCE_TOPIC, SOURCE_PARTITION, SOURCE_OFFSET)

Handler = Callable[[Any, Any], Awaitable[None]]
Loads = Callable[[Any], list[tuple[type[Any], str]]]
Known = Callable[[type[Any], str], Any]  # what was read of a poll so far: kind, id → aggregate or None
Then = Callable[[Any, Event, Known], list[tuple[type[Any], str]]]


@dataclass(frozen=True)
class Reader:
    """One function registered for one type, and the aggregates it will ask for: at once, and after those are read."""

    model: type[Heard]
    handler: Handler
    loads: Loads | None
    then: Then | None = None


@dataclass(frozen=True)
class Undecodable:
    """Stands in a poll for a record that the client can't decode: only its place is known. Its bytes stay there."""

    topic: str
    partition: int
    offset: int
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class Delivery:
    """A record with what could be read from it: an event for one of our readers, an error, or nothing for us."""

    record: Any  # the driver's: topic, partition, offset, key, value, headers
    event: Event | None = None
    reader: Reader | None = None
    heard: Heard | None = None
    error: Expected | None = None

    @property
    def place(self) -> str:
        return f"{self.record.topic}:{self.record.partition}:{self.record.offset}"


def read(record: Any, readers: Mapping[str, Reader], retry_topic: str) -> Delivery:
    """What can't be read carries its reason. Never raises."""
    try:
        if isinstance(record, Undecodable):
            raise Invalid(field="headers", rule="a name is not UTF-8")
        event = from_record(record.value, record.headers)
        _check_writer(record, event, retry_topic)
        reader = readers.get(event.type)
        if reader is None:
            return Delivery(record, event=event)
        return Delivery(record, event, reader, reader.model.model_validate(event.data))
    except ValidationError as error:  # its text quotes the input: only place and rule are told
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = "/".join(map(str, ("data", *first["loc"])))[:100]
        return Delivery(record, error=Invalid(field=where, rule=first["type"]))
    except Expected as error:
        return Delivery(record, error=error)
    except Exception as error:
        measures.DEFECTS.labels("parse").inc()
        log.error("consumer.parse_failed", exc_info=error)
        return Delivery(record, error=Expected(parse=type(error).__name__))


def _check_writer(record: Any, event: Event, retry_topic: str) -> None:
    """A topic has one writer: an event that names another agency or service was not put there by its owner."""
    topic = source_of(record, retry_topic)[SOURCE_TOPIC].decode("utf-8", "replace")
    if topic.split(".")[:2] != [event.agency, event.service]:
        raise NotAllowed(source="does not own the topic")


def attempts_of(record: Any, retry_topic: str) -> int:
    """How often it was tried before."""
    told = _header(record, ATTEMPTS) or b"0"
    return int(told) if record.topic == retry_topic and told.isdigit() and len(told) < 4 else 0


def source_of(record: Any, retry_topic: str) -> dict[str, bytes]:
    """Where the record was first read, kept over all hops. Believed only from our own retry topic."""
    here = {
        SOURCE_TOPIC: record.topic.encode(),
        SOURCE_PARTITION: str(record.partition).encode(),
        SOURCE_OFFSET: str(record.offset).encode(),
    }
    if record.topic != retry_topic:
        return here
    return {name: _header(record, name) or value for name, value in here.items()}


def copy_of(record: Any, retry_topic: str) -> str:
    """Which copy this is: a relay that died before it marked sends one twice. A replay is none, and is handled anew."""
    told = _header(record, COPY) if record.topic == retry_topic else None
    return (told or b"").decode("ascii", "replace")[:100]


def is_due(record: Any, now: datetime) -> bool:
    try:
        due = datetime.fromisoformat((_header(record, DUE) or b"").decode())
    except (UnicodeDecodeError, ValueError):
        return True  # no readable due time: waiting can't help
    # one without an offset can't be compared, and one further off than any pause would shut its partition for as long
    return due.tzinfo is None or not now < due <= now + LONGEST_PAUSE


def _header(record: Any, name: str) -> bytes | None:
    return next((value for key, value in record.headers if key == name), None)
