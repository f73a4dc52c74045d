"""Puts records on topics as the operator can, and keeps a journal of all that the broker took."""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

from confluent_kafka import KafkaException, Message, Producer

from deploy.basudara.records import event_in
from deploy.basudara.stack import Stack
from tests.fuzz.events import Draft, Events, Target

KEPT_WITHIN_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Put:
    """A record that the broker took. `event`: id and type, where a reader can read one."""

    number: int
    topic: str
    partition: int
    offset: int
    what: str
    event: tuple[str, str] | None

    @property
    def place(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


class Journal:
    """What was put. `refused`: by the broker itself, for which reason and how often."""

    def __init__(self, stack: Stack) -> None:
        self.puts: list[Put] = []
        self.refused: Counter[str] = Counter()
        self._number = 0
        self._producer = Producer({**stack.reach.broker, "acks": "all", "message.max.bytes": 2_000_000})

    def put(self, target: Target, draft: Draft, number: int) -> None:
        event = event_in(draft.value, tuple(draft.headers))
        said = None if event is None else (event.id, event.type)

        def taken(error: Any, message: Message) -> None:
            if error is not None:
                self.refused[error.name()] += 1
                return
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            row = Put(
                number=number, topic=target.topic, partition=partition, offset=offset, what=draft.what, event=said
            )
            self.puts.append(row)

        headers: Any = draft.headers  # the stub knows lists of str or bytes, not of both and None
        try:
            self._producer.produce(target.topic, draft.value, draft.key, headers=headers, on_delivery=taken)
        except KafkaException as error:
            self.refused[error.args[0].name()] += 1
        self._producer.poll(0)

    def kept(self) -> None:
        """Until the broker has answered for all. Raises RuntimeError."""
        if self._producer.flush(KEPT_WITHIN_SECONDS):
            raise RuntimeError(f"Kafka: records not kept within {KEPT_WITHIN_SECONDS} s")


def put_for_a_while(
    journal: Journal, events: Events, targets: list[Target], rate: float, until: float, stop: threading.Event
) -> None:
    """So many records a second, on topics by turns."""
    begun, number, chance = time.monotonic(), 0, Random(events.chance.random())
    while time.monotonic() < until and not stop.is_set():
        target = chance.choice(targets)
        journal.put(target, events.draft(target, number), number)
        number += 1
        stop.wait(max(0.0, begun + number / rate - time.monotonic()))
    journal.kept()
