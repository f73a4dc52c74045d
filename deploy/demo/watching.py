"""An event subscriber of its own: plain aiokafka, no reading code of ours. Sees every topic, remembers what it saw."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer

from deploy.basudara.records import Seen

BY_THE_WAY = ("retry", "parked")  # a consumer's own topics: copies of records, not events
ENDS_OF_A_MESSAGE = frozenset({"delivered", "suppressed", "expired", "resolved"})
LOOK_SECONDS = 0.3
GATHER_SECONDS = 0.05


@dataclass
class Watch:
    """All that was seen. `again`: records whose id was seen before; `aside`: retry and parked records by topic."""

    kafka: dict[str, Any]
    told: Callable[[Seen], None] = lambda _: None
    events: list[Seen] = field(default_factory=list)
    again: list[Seen] = field(default_factory=list)
    aside: Counter[str] = field(default_factory=Counter)
    raw: list[bytes] = field(default_factory=list)
    of_ref: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    of_subject: Counter[tuple[str, str]] = field(default_factory=Counter)
    of_kind: dict[str, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    by_kind: Counter[tuple[str, str]] = field(default_factory=Counter)
    _messages: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _ended: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _ids: set[str] = field(default_factory=set)
    _read_to: Counter[tuple[str, int]] = field(default_factory=Counter)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _consumer: Any = None

    async def start(self) -> None:
        """Raises what aiokafka raises when the broker is not there."""
        self._consumer = AIOKafkaConsumer(
            **self.kafka,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            enable_auto_commit=False,
            metadata_max_age_ms=2000,
            fetch_min_bytes=16_384,  # each fetch asks for hundreds of partitions: few and full ones spare the broker
            fetch_max_wait_ms=100,
        )
        self._consumer.subscribe(pattern=r"^[a-z].*\.v1$")
        await self._consumer.start()
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._consumer is not None:
            await self._consumer.stop()

    async def until(self, holds: Callable[[], bool], within: float) -> bool:
        """Whether it came to hold in time; looked at whenever something new was read."""
        end = time.monotonic() + within
        while not holds():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(left, LOOK_SECONDS))
            await asyncio.sleep(GATHER_SECONDS)  # news come in crowds: one look for all of it
        return True

    async def caught_up(self, within: float = 20) -> bool:
        """Whether all that stands in the topics was read."""
        assigned = self._consumer.assignment()
        ends = await self._consumer.end_offsets(list(assigned))
        end = time.monotonic() + within
        for partition, last in ends.items():
            while await self._consumer.position(partition) < last:
                if time.monotonic() > end:
                    return False
                await asyncio.sleep(0.05)
        return True

    @property
    def repeated(self) -> dict[tuple[str, str, int], set[str]]:
        """(type, subject, version) told by more than one event: an effect that happened twice."""
        ids: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        for event in self.events:
            ids[(event.kind, event.subject, event.version)].add(event.id)
        return {what: which for what, which in ids.items() if len(which) > 1}

    def of(self, *refs: str) -> list[Seen]:
        """Events about a person, known under these pseudonyms, in order of their time."""
        return sorted((one for one in self.events if one.ref in refs), key=lambda one: (one.time, one.id))

    def messages_of(self, agency: str) -> set[str]:
        """Ids of the messages of which anything was told."""
        return self._messages[agency]

    def ended_of(self, agency: str) -> int:
        """How many of them came to an end that was told."""
        return len(self._ended[agency])

    async def _read(self) -> None:
        while True:
            polled = await self._consumer.getmany(timeout_ms=200, max_records=500)
            for records in polled.values():
                for record in records:
                    self._take(record)
            if polled:
                self._news.set()

    def _take(self, record: Any) -> None:
        place = (record.topic, record.partition)
        if record.offset < self._read_to[place]:
            return  # when topics are added the client may begin all of them anew: read again is not sent again
        self._read_to[place] = record.offset + 1
        self.raw.append(bytes(record.value or b"") + b"".join(value or b"" for _, value in record.headers))
        if record.topic.rsplit(".", 2)[-2] in BY_THE_WAY:
            self.aside[record.topic] += 1
            return
        event = _event(record)
        if event.id in self._ids:
            self.again.append(event)
            return
        self._ids.add(event.id)
        self.events.append(event)
        if event.ref is not None:
            self.of_ref[event.ref][event.kind] += 1
        self.of_subject[(event.kind, event.subject)] += 1
        self.by_kind[(event.agency, event.kind)] += 1
        self.of_kind[event.kind].append(event)
        if "message_id" in event.data:
            self._messages[event.agency].add(event.data["message_id"])
            if event.kind.rsplit(".", 1)[1] in ENDS_OF_A_MESSAGE:
                self._ended[event.agency].add(event.data["message_id"])
        self.told(event)


def _event(record: Any) -> Seen:
    """CloudEvents in structured mode."""
    said = json.loads(record.value)
    return Seen(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode(),
        id=said["id"],
        source=said["source"],
        type=said["type"],
        subject=said["subject"],
        version=int(said["aggregateversion"]),
        time=datetime.fromisoformat(said["time"]),
        correlation=said["correlationid"],
        cause=said["causationid"],
        data=said["data"],
    )
