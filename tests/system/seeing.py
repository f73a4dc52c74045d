"""Looking at a running stack from outside: every record, every document, every log line, and whether all is quiet."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from bson import json_util
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from deploy.basudara.reach import Reach
from deploy.basudara.stack import Stack

GROUPS = {"intake": "receipts", "referral": "referrals", "training": "placements", "notification": "messages"}
# of the relay and of the sender of messages, renewed even when nothing happens; the record, which is sealed by itself
BEATING = ("leases", "turns", "audit", "audit_open")
QUIET_SECONDS = 90
LATEST, EARLIEST = -1, -2  # what the protocol calls the ends of a partition


@dataclass(frozen=True, kw_only=True)
class Record:
    """One Kafka record. `said` is the envelope, empty where the value is no event."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def said(self) -> dict[str, Any]:
        try:
            found = json.loads(self.value or b"")
        except (ValueError, RecursionError):  # what no reader can read is no event
            return {}
        return found if isinstance(found, dict) and isinstance(found.get("data"), dict) else {}

    @property
    def whole(self) -> bytes:
        """Everything a subscriber can read of it."""
        parts = [self.topic.encode(), self.key or b"", self.value or b""]
        for name, value in self.headers:
            parts += [name.encode(), value or b""]
        return b"\n".join(parts)

    def header(self, name: str) -> str:
        return next(((value or b"").decode() for key, value in self.headers if key == name), "")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event about a person: `kind` is the type without what all types share."""

    kind: str
    id: str
    cause: str
    subject: str
    version: int
    time: datetime
    topic: str
    data: dict[str, Any]


def records(stack: Stack, *topics: str) -> list[Record]:
    """All records of these topics (all topics if none is named), by topic, partition and offset."""
    consumer = Consumer({**stack.reach.broker, "group.id": "looking-on", "enable.auto.commit": False})
    try:
        listed = consumer.list_topics(timeout=20).topics
        parts = [
            TopicPartition(name, number, OFFSET_BEGINNING)
            for name, about in listed.items()
            if (name in topics if topics else not name.startswith("__"))
            for number in about.partitions
        ]
        left: dict[tuple[str, int], int] = {}
        for part in parts:
            low, high = consumer.get_watermark_offsets(part, timeout=20)
            if high > low:
                left[part.topic, part.partition] = high
        consumer.assign([part for part in parts if (part.topic, part.partition) in left])
        return sorted(_read(consumer, left), key=lambda one: (one.topic, one.partition, one.offset))
    finally:
        consumer.close()


def _read(consumer: Consumer, left: dict[tuple[str, int], int]) -> Iterable[Record]:
    until = time.monotonic() + QUIET_SECONDS
    while left:
        assert time.monotonic() < until, "the broker does not give what it has"
        for message in consumer.consume(500, timeout=1.0):
            if message.error() is not None:
                raise KafkaException(message.error())
            headers: Any = message.headers() or ()
            one = Record(
                topic=str(message.topic()), partition=int(message.partition() or 0),
                offset=int(message.offset() or 0), key=_bytes(message.key()), value=_bytes(message.value()),
                headers=tuple((str(name), value) for name, value in headers),
            )  # fmt: skip
            yield one
            if one.offset + 1 >= left.get((one.topic, one.partition), 1 << 62):
                del left[one.topic, one.partition]


def _bytes(given: str | bytes | None) -> bytes | None:
    return given.encode() if isinstance(given, str) else given


def put(stack: Stack, *found: Record) -> None:
    """Put these records on their topics, in this order."""
    producer = Producer({**stack.reach.broker, "acks": "all"})
    failed: list[object] = []
    for one in found:
        producer.produce(
            one.topic, one.value, one.key, headers=list(one.headers),
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )  # fmt: skip
    assert producer.flush(30) == 0
    assert failed == []


def events(found: Iterable[Record], *refs: str) -> list[Event]:
    """Events that carry one of these pseudonyms, each id once, by time; retry and parked copies left out."""
    seen: dict[str, Event] = {}
    for one in found:
        said = one.said
        if one.topic.rsplit(".", 2)[-2] in ("retry", "parked") or said.get("data", {}).get("case_ref") not in refs:
            continue
        seen.setdefault(said["id"], event_of(one))
    return sorted(seen.values(), key=lambda event: (event.time, event.id))


def event_of(one: Record) -> Event:
    said = one.said
    return Event(
        kind=said["type"].removeprefix("id.basudara.").removesuffix(".v1").split(".", 1)[1],
        id=said["id"],
        cause=said["causationid"],
        subject=said["subject"],
        version=int(said["aggregateversion"]),
        time=datetime.fromisoformat(said["time"]),
        topic=one.topic,
        data=said["data"],
    )


def documents(stack: Stack) -> dict[str, dict[str, list[str]]]:
    """ "agency/service" to collection to its documents as JSON texts, in order."""
    found: dict[str, dict[str, list[str]]] = {}
    with stack.reach.store() as mongo:
        for name, database in stack.databases.items():
            found[name] = {
                collection: sorted(json_util.dumps(row, sort_keys=True) for row in mongo[place][collection].find())
                for place in (database, f"{database}-audit")
                for collection in sorted(mongo[place].list_collection_names())
            }
    return found


def at_rest(stack: Stack, within: float = QUIET_SECONDS) -> dict[str, dict[str, list[str]]]:
    """All documents, once they stay the same: receipts of messages come in by themselves for a while.

    What is renewed even when nothing happens is left out.
    """
    until, before = time.monotonic() + within, {"": {"": ["?"]}}
    while True:
        settled(stack)
        held = documents(stack)
        now = {
            name: {kind: rows for kind, rows in kinds.items() if kind not in BEATING} for name, kinds in held.items()
        }
        if now == before:
            return now
        assert time.monotonic() < until, "the stack does not come to rest"
        before = now
        time.sleep(1)


def logs(stack: Stack) -> dict[str, str]:
    """Of the services; the gateway stands in for a provider, which has the numbers it calls."""
    files = [*stack.logs.glob("*.log"), *(stack.home / "engine" / "logs").glob("*")]
    return {one.name: one.read_text(errors="replace") for one in files if not one.name.startswith("gateway")}


def settled(stack: Stack, within: float = QUIET_SECONDS) -> None:
    """Wait until every service has read what is there for it and has sent all it had to say."""
    until, quiet = time.monotonic() + within, 0
    with stack.reach.store() as mongo:
        while quiet < 2:
            unsent = {
                name: mongo[database]["outbox"].count_documents({"sent": False})
                for name, database in stack.databases.items()
            }
            lag = {name: 1 if any(unsent.values()) else _lag(stack.reach, name) for name in stack.urls}
            busy = {**{k: v for k, v in lag.items() if v}, **{f"{k} unsent": v for k, v in unsent.items() if v}}
            assert not busy or time.monotonic() < until, f"still busy: {busy}"
            quiet = 0 if busy else quiet + 1
            time.sleep(0.1)


@cache
def _looker(reach: Reach) -> tuple[AdminClient, Consumer]:
    """Connections for looking at groups, kept while the tests run."""
    admin = AdminClient(reach.broker)
    own: dict[str, str | int | float | bool] = {"group.id": "looking-on", "enable.auto.commit": False}
    return admin, Consumer({**reach.broker, **own})


def let_go(stack: Stack) -> None:
    """Close what was kept, before the broker ends."""
    _looker(stack.reach)[1].close()
    _looker.cache_clear()


def _lag(reach: Reach, name: str) -> int:
    """Records not yet committed by the group of this service, or 1 while it reads nothing or a topic has no leader."""
    try:
        return _behind(reach, name)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
            raise
        return 1  # a topic was made just now


def _behind(reach: Reach, name: str) -> int:
    """On all that it may read: what it was not assigned yet, since the topic is new, waits for it too."""
    admin, consumer = _looker(reach)
    agency, service = name.split("/")
    group = f"{agency}.{service}.{GROUPS[service]}"
    if not any(m.assignment.topic_partitions for m in _described(admin, group).members):
        return 1
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(timeout=20)
    done = {(one.topic, one.partition): one.offset for one in asked.topic_partitions}
    there = consumer.list_topics(timeout=20).topics
    parts = [(topic, part) for topic in _readable(admin, f"{agency}.{service}") for part in there[topic].partitions]
    ends = consumer.offsets_for_times([TopicPartition(*part, LATEST) for part in parts], timeout=20)
    fresh = [TopicPartition(*part, EARLIEST) for part in parts if done.get(part, -1) < 0]
    begins = consumer.offsets_for_times(fresh, timeout=20) if fresh else []
    done |= {(one.topic, one.partition): one.offset for one in begins}
    return sum(max(0, int(one.offset) - int(done[one.topic, one.partition])) for one in ends)


def _described(admin: AdminClient, group: str) -> Any:
    return admin.describe_consumer_groups([group])[group].result(timeout=20)


def _readable(admin: AdminClient, user: str) -> list[str]:
    """Topics that the broker lets this user read."""
    every: Any = None
    of = (f"User:{user}", every, AclOperation.READ, AclPermissionType.ALLOW)
    rights = AclBindingFilter(ResourceType.TOPIC, every, ResourcePatternType.LITERAL, *of)
    return [one.name for one in admin.describe_acls(rights).result(timeout=20)]
