"""Records of an installation's topics as the operator's commands read and write them, and events as anybody sees them.

Read without a consumer group and without commits: looking on changes nothing for the services.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

from chassis.catalogue import Channel
from chassis.envelope import Event, Headers, from_record
from chassis.errors import Expected

PREFIX, VERSION = "id.basudara.", ".v1"
UNREADABLE = "?"
NO_ANSWER_SECONDS = 15
LOOK_FOR_TOPICS_SECONDS = 2.0
_LATEST = -1  # what the protocol calls the end of a partition

Wanted = Callable[[str], bool]
Broker = Mapping[str, Any]  # what a client is told of the broker and of itself: `Reach.broker`


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One Kafka record as it is. `at`: when the broker got it, by real time."""

    topic: str
    partition: int
    offset: int
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def place(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"

    def header(self, name: str) -> str | None:
        """The first of this name, as text; None where it is missing or has no value."""
        found = next((value for key, value in self.headers if key == name), None)
        return None if found is None else found.decode("utf-8", "replace")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One event as a subscriber meets it."""

    topic: str
    partition: int
    offset: int
    key: str
    id: str
    source: str
    type: str
    subject: str
    version: int
    time: datetime
    correlation: str
    cause: str
    data: dict[str, Any]

    @property
    def agency(self) -> str:
        return self.source.split("/")[1]

    @property
    def kind(self) -> str:
        """The type without what all types share."""
        return short(self.type)

    @property
    def service(self) -> str:
        return self.kind.split(".", 1)[0]

    @property
    def ref(self) -> str | None:
        """The pseudonym under which it tells of a person; none for a programme or a count."""
        found: str | None = self.data.get("case_ref")
        return found


def short(kind: str) -> str:
    """A type without what all types share: `training.seat.reserved`."""
    return kind.removeprefix(PREFIX).removesuffix(VERSION)


def topics_of(channels: Iterable[Channel], **parameters: str) -> Wanted:
    """Whether a topic's name is one that these channels of the catalogue have with these parameters."""
    pattern = re.compile("|".join(one.pattern(**parameters) for one in channels))
    return lambda topic: pattern.fullmatch(topic) is not None


def event_in(value: bytes | None, headers: Headers) -> Event | None:
    """Structured or binary mode; None where a reader would refuse it."""
    try:
        return from_record(value, headers)
    except Expected:
        return None


def seen(record: Record) -> Seen | None:
    """The event in a record, as a subscriber meets it; None for what is no event."""
    event = event_in(record.value, record.headers)
    if event is None:
        return None
    return Seen(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode("utf-8", "replace"),
        id=event.id,
        source=event.source,
        type=event.type,
        subject=event.subject,
        version=event.aggregateversion,
        time=event.time,
        correlation=event.correlationid,
        cause=event.causationid,
        data=dict(event.data),
    )


def until_now(broker: Broker, wanted: Wanted) -> Iterator[Record]:
    """All that stands in the wanted topics; in order within a partition.

    Raises RuntimeError, also where no wanted topic is there or may be read, and KafkaException.
    """
    consumer = _consumer(broker)
    try:
        parts = _partitions(consumer, wanted)
        if not parts:
            raise RuntimeError("Kafka: none of the topics asked for is there or may be read")
        yield from _to_the_end(consumer, parts)
    finally:
        consumer.close()


def from_place(broker: Broker, topic: str, partition: int, offset: int) -> Iterator[Record]:
    """What stands in one partition from this offset on; from the oldest record kept, where it is not there.

    Raises RuntimeError, KafkaException.
    """
    consumer = _consumer(broker)
    try:
        there = any(one.partition == partition for one in _partitions(consumer, lambda name: name == topic))
        yield from _to_the_end(consumer, [TopicPartition(topic, partition, offset)] if there else [])
    finally:
        consumer.close()


def since(broker: Broker, wanted: Wanted, places: Mapping[str, Mapping[int, int]]) -> Iterator[Record]:
    """What stands in the wanted topics from these places on; all of it, where a partition has none.

    Raises RuntimeError, KafkaException.
    """
    consumer = _consumer(broker)
    try:
        parts = _partitions(consumer, wanted)
        for one in parts:
            one.offset = places.get(one.topic, {}).get(one.partition, OFFSET_BEGINNING)
        yield from _to_the_end(consumer, parts)
    finally:
        consumer.close()


def as_they_come(broker: Broker, wanted: Wanted, *, beginning: bool, ready: Callable[[int], None]) -> Iterator[Record]:
    """Records as they arrive, without end; topics made meanwhile are read too, from their first record.

    `ready` is told the number of topics once nothing that arrives from then on can be missed.
    """
    consumer = _consumer(broker)
    try:
        first = _partitions(consumer, wanted)
        if first and not beginning:
            ends = [TopicPartition(one.topic, one.partition, _LATEST) for one in first]
            first = consumer.offsets_for_times(ends, timeout=NO_ANSWER_SECONDS)
        consumer.assign(first)
        ready(len({one.topic for one in first}))
        known = {(one.topic, one.partition) for one in first}
        look = time.monotonic() + LOOK_FOR_TOPICS_SECONDS
        while True:
            if time.monotonic() >= look:
                made = [one for one in _partitions(consumer, wanted) if (one.topic, one.partition) not in known]
                if made:
                    consumer.incremental_assign(made)
                known |= {(one.topic, one.partition) for one in made}
                look = time.monotonic() + LOOK_FOR_TOPICS_SECONDS
            message = consumer.poll(0.2)
            if message is not None and not _is_end(message):
                yield _record(message)
    finally:
        consumer.close()


def send(
    broker: Broker,
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    partition: int = -1,
) -> None:
    """Put one record on a topic and wait until it is kept. Raises RuntimeError."""
    producer = Producer({**broker, "enable.idempotence": True, "acks": "all", "log_level": 0})
    failed: list[str] = []
    told: Any = list(headers)  # the stub knows lists of str or bytes, not of both and None
    producer.produce(
        topic,
        value,
        key,
        partition,
        headers=told,
        on_delivery=lambda error, _: failed.append(error.str()) if error else None,
    )
    if producer.flush(NO_ANSWER_SECONDS) or failed:
        raise RuntimeError(f"{topic}: not kept: {failed[0] if failed else f'no answer in {NO_ANSWER_SECONDS} s'}")


def _consumer(broker: Broker) -> Consumer:
    quick = {"fetch.wait.max.ms": 50, "fetch.error.backoff.ms": 20, "retry.backoff.ms": 20}  # else half a second idle
    small = {"queued.max.messages.kbytes": 16_384}  # the whole of a topic never stands in memory
    return Consumer(
        {
            **broker,
            "group.id": "basudara-looking-on",  # asked for by the client, never joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "log_level": 0,
            **quick,
            **small,
        }
    )


def _partitions(consumer: Consumer, wanted: Wanted) -> list[TopicPartition]:
    """Every partition of the wanted topics that the caller may see, from its beginning."""
    listed = consumer.list_topics(timeout=NO_ANSWER_SECONDS).topics
    return [
        TopicPartition(name, number, OFFSET_BEGINNING)
        for name, about in sorted(listed.items())
        if wanted(name)
        for number in sorted(about.partitions)
    ]


def _to_the_end(consumer: Consumer, parts: Iterable[TopicPartition]) -> Iterator[Record]:
    left = {(part.topic, part.partition): part for part in parts}
    consumer.assign(list(left.values()))
    while left:
        message = consumer.poll(NO_ANSWER_SECONDS)
        if message is None:
            raise RuntimeError(f"Kafka: no answer within {NO_ANSWER_SECONDS} s")
        if _is_end(message):
            left.pop((str(message.topic()), int(message.partition() or 0)), None)
        elif (message.topic(), message.partition()) in left:  # what came later belongs to the next look
            yield _record(message)


def _is_end(message: Any) -> bool:
    """Raises RuntimeError for what is neither a record nor the end of a partition."""
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise RuntimeError(f"{message.topic()}: {error.str()}")
    return error is not None


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        at=datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
        key=message.key(),
        value=message.value(),
        headers=_headers(message),
    )


def _headers(message: Any) -> tuple[tuple[str, bytes | None], ...]:
    """One header UNREADABLE in place of all where a name is not UTF-8: the client then gives none of them."""
    try:
        return tuple(message.headers() or ())
    except (SystemError, UnicodeDecodeError):  # what one careless client sent must not end every look at the topics
        return ((UNREADABLE, None),)
