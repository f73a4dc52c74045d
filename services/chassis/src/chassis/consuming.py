"""Reading events: the only place that acknowledges, retries and parks.

One poll of records is one unit of work and one transaction. A record that is refused is taken back alone and parked by
the same transaction; one whose cause has not arrived goes to the retry topic likewise. Offsets are committed by
position some time after the transaction, so nothing is passed over; the inbox makes a second delivery harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, TypeVar

import structlog
from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError
from faststream.kafka import KafkaMessage

from chassis import ids, logs, measures
from chassis.clock import Clock
from chassis.database import Moved
from chassis.delivery import (
    ATTEMPTS,
    COPY,
    DUE,
    OURS,
    REASON,
    Delivery,
    Known,
    Reader,
    attempts_of,
    copy_of,
    is_due,
    read,
    source_of,
)
from chassis.envelope import Event, instant
from chassis.errors import Contended, Expected, TooSlow, Unavailable
from chassis.positions import Positions
from chassis.spans import Outcome, Spans
from chassis.store import RUN_AGAIN_SECONDS, Store
from chassis.wire import Heard
from chassis.work import Cause, Row, Work, read_ahead

log = structlog.get_logger()

H = TypeVar("H", bound=Heard)

NOT_DUE_PAUSE_SECONDS = 0.2
TOGETHER_SECONDS = 0.5  # so long a poll is tried whole while others overtake it


class Listener:
    """What one group of a service does with the events it hears; filled in `entrypoints/consumers.py`."""

    def __init__(self, service: str, group: str) -> None:
        self.service, self.group = service, group
        self.readers: dict[str, Reader] = {}

    def to(
        self,
        model: type[H],
        loads: Callable[[H], list[tuple[type[Any], str]]] | None = None,
        then: Callable[[H, Event, Known], list[tuple[type[Any], str]]] | None = None,
    ) -> Callable[[Callable[[H, Work], Awaitable[None]]], Callable[[H, Work], Awaitable[None]]]:
        """Register the one function for this type.

        `loads` names aggregates to read for a whole poll at once, `then` those that can be named only by what was
        read or by the event's own attributes. What neither names is read when the handler asks, one by one.
        """

        def register(handler: Callable[[H, Work], Awaitable[None]]) -> Callable[[H, Work], Awaitable[None]]:
            if model.TYPE in self.readers:
                raise ValueError(f"{model.TYPE} has a function already")
            self.readers[model.TYPE] = Reader(model, handler, loads, then)
            return handler

        return register


class Consumer(ConsumerRebalanceListener):
    """Drives a `Listener` on one FastStream batch subscriber."""

    def __init__(
        self,
        listener: Listener,
        store: Store,
        clock: Clock,
        retry_topic: str,
        parked_topic: str,
        pauses: Sequence[float],
        handler_seconds: float,
        spans: Spans | None = None,
    ) -> None:
        self._listener, self._store, self._clock, self._spans = listener, store, clock, spans
        self.retry_topic, self._parked_topic, self._pauses = retry_topic, parked_topic, pauses
        self._handler_seconds = handler_seconds
        self._positions = Positions()
        self._busy = asyncio.Lock()
        self._backoff = 0.1
        self._failing: str | None = None
        self._reading: Any = None  # the client of the last poll

    def lag(self, consumer: Any) -> int:
        return self._positions.lag(consumer)

    @property
    def failing(self) -> str | None:
        """Why polls or positions can't be committed at present: readiness tells it."""
        return self._failing or self._positions.failing

    def end(self) -> None:
        self._positions.end()

    async def let_go(self, consumer: Any) -> None:
        """Before a stop or another assignment: the running poll ends, and its positions are told."""
        async with self._busy:
            await self._positions.tell(consumer)

    # -- the poll --------------------------------------------------------------------------------------------------

    async def on_poll(self, message: KafkaMessage) -> None:
        """One poll. Never raises: what can't be committed is rewound and read again after a growing pause."""
        records: Any = message.raw_message
        consumer: Any = message.consumer
        async with self._busy:
            self._reading = consumer
            self._positions.begin(_first(records))
            try:
                due, waiting = self._split(records)
                if due:
                    await self._commit_or_bisect(
                        [read(record, self._listener.readers, self.retry_topic) for record in due]
                    )
                self._rewind(consumer, waiting)
                self._positions.note(consumer, _positions(due))
                self._backoff, self._failing = 0.1, None
            except Exception as error:  # the poll as a whole: rewound, counted, told; nothing is passed over
                self._tell_failure(error, len(records))
                self._rewind(consumer, records)
                pause = self._backoff
                self._backoff = min(self._backoff * 2, 5)
            else:
                pause = NOT_DUE_PAUSE_SECONDS if waiting and not due else 0
        if pause:
            await asyncio.sleep(pause)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """A rebalance waits for the running poll, so that its positions are told by their owner."""
        if self._reading is not None:
            await self.let_go(self._reading)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._positions.forget()
        measures.ASSIGNED.inc()
        log.info("consumer.assigned", topics=len({one.topic for one in assigned}))

    def _split(self, records: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Records to handle now, and those of the retry topic from the first that is not due yet."""
        due, waiting, now = [], [], self._clock.now()
        shut: set[int] = set()
        for record in records:
            if record.topic == self.retry_topic and (record.partition in shut or not is_due(record, now)):
                shut.add(record.partition)
                waiting.append(record)
            else:
                due.append(record)
        return due, waiting

    def _rewind(self, consumer: Any, records: Sequence[Any]) -> None:
        for partition, offset in _first(records).items():
            try:
                consumer.seek(partition, offset)
            except IllegalStateError:
                log.info("consumer.not_ours_any_more", topic=partition.topic, partition=partition.partition)

    def _tell_failure(self, error: Exception, records: int) -> None:
        code = error.code if isinstance(error, Expected) else type(error).__name__
        measures.POLL_FAILED.labels(code).inc()
        self._failing = code
        if isinstance(error, Expected | KafkaError):
            log.warning("consumer.poll_failed", error_code=code, records=records, exc_info=error)
        else:
            measures.DEFECTS.labels("poll").inc()
            log.error("consumer.poll_failed", error_code=code, records=records, exc_info=error)

    # -- one transaction -------------------------------------------------------------------------------------------

    async def _commit_or_bisect(self, deliveries: Sequence[Delivery]) -> None:
        """Commit all in one transaction. What the commit refuses stands alone in the end, and is parked; a poll that
        others keep overtaking is halved too, since fewer aggregates meet fewer rivals."""
        alone, times = len(deliveries) == 1, count()
        try:
            await self._store.again_while_moved(
                lambda: self._commit(deliveries, trusting=next(times) == 0),
                RUN_AGAIN_SECONDS if alone else TOGETHER_SECONDS,
            )
        except Contended:
            if alone:
                raise
            await self._halve(deliveries)
        except (Unavailable, Moved, KafkaError):
            raise
        except Exception as error:
            if not alone:
                await self._halve(deliveries)
                return
            measures.DEFECTS.labels("commit").inc()
            with logs.about(partial(_context, deliveries[0])):
                log.error("consumer.commit_refused", exc_info=error)
            culprit = replace(deliveries[0], reader=None, error=Expected(commit=type(error).__name__))
            await self._store.again_while_moved(lambda: self._commit([culprit], trusting=False))

    async def _halve(self, deliveries: Sequence[Delivery]) -> None:
        middle = len(deliveries) // 2
        await self._commit_or_bisect(deliveries[:middle])
        await self._commit_or_bisect(deliveries[middle:])

    async def _commit(self, deliveries: Sequence[Delivery], *, trusting: bool) -> None:
        """Most records come once. A first try trusts in that: the inbox refuses what it holds, and the next one asks
        it before (decision 0005)."""
        work = self._store.work(_nobody(self._clock.now()))
        told = [(one, self._notes(one)) for one in deliveries]
        seen = set() if trusting else await self._store.noted([note for _, own in told for note in own])
        await self._prefetch(work, [one for one, own in told if own[0] not in seen])
        notes: dict[str, None] = {}
        outcomes: list[Outcome] = []
        for delivery, own in told:
            if delivery.error is None and delivery.reader is None:
                continue  # a type nobody asked for passes by
            if any(note in seen or note in notes for note in own):
                outcomes.append(Outcome("duplicate", delivery))
                continue
            with logs.about(partial(_context, delivery)):
                cause = self._cause(delivery)
                error = delivery.error or await self._apply(delivery, work, cause)
                if error is None:
                    notes[own[0]] = None
                    outcomes.append(Outcome("handled", delivery, cause))
                else:
                    notes.update(dict.fromkeys(own[1:]))
                    outcomes.append(Outcome(self._put_aside(delivery, error, work), delivery, cause, error))
        work.cause = _nobody(self._clock.now())
        await self._store.commit(work, list(notes))
        self._count(outcomes)

    async def _prefetch(self, work: Work, deliveries: Sequence[Delivery]) -> None:
        fresh = [
            (one.reader, one.heard, one.event) for one in deliveries if one.reader is not None and one.event is not None
        ]
        at_once = [pair for reader, heard, _ in fresh if reader.loads for pair in reader.loads(heard)]
        await read_ahead(work, at_once)
        after = [
            pair for reader, heard, event in fresh if reader.then for pair in reader.then(heard, event, work.known)
        ]
        await read_ahead(work, after)

    def _cause(self, delivery: Delivery) -> Cause | None:
        event = delivery.event
        if event is None:
            return None
        context = event.traceparent if self._spans is None else ids.child_of(event.traceparent)
        id, correlation_id, at = event.id, event.correlationid, self._clock.now()
        return Cause(id=id, correlation_id=correlation_id, traceparent=context, at=at, event=event)

    async def _apply(self, delivery: Delivery, work: Work, cause: Cause | None) -> Expected | None:
        """Run the one handler; its staged changes are taken back if it raises. Returns why, if it was refused."""
        if delivery.reader is None or cause is None:
            raise TypeError("only a readable event can be applied")
        mark = work.mark()
        work.cause = cause
        try:
            await self._in_time(delivery.reader.handler(delivery.heard, work))
        except Moved:
            raise
        except Unavailable as error:
            if "store" in error.facts:
                raise  # the store is down for all of the poll: an outage is not a bad record
            work.take_back(mark)
            return error
        except Expected as error:
            work.take_back(mark)
            return error
        except Exception as error:
            work.take_back(mark)
            measures.DEFECTS.labels("handler").inc()
            log.error("consumer.handler_failed", exc_info=error)
            return Expected(handler=type(error).__name__)
        return None

    async def _in_time(self, handled: Awaitable[None]) -> None:
        """One slow record must not hold up its partition, nor a rebalance of the group, which waits for the poll."""
        try:
            async with asyncio.timeout(self._handler_seconds) as limit:
                await handled
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TooSlow(limit_seconds=str(self._handler_seconds)) from error

    def _put_aside(self, delivery: Delivery, error: Expected, work: Work) -> str:
        """Stage the copy of a record for the retry topic, or for the parked one when nothing or no attempt is left."""
        attempts = attempts_of(delivery.record, self.retry_topic) + 1
        again = isinstance(error, Unavailable) and attempts <= len(self._pauses)
        topic = self.retry_topic if again else self._parked_topic
        event, now = delivery.event, self._clock.now()
        copy = ids.event_id_from(event.id if event else "", "copy", delivery.place, at=event.time if event else now)
        headers = {
            COPY: copy.encode(),
            REASON: error.reason().encode("ascii", "replace"),
            ATTEMPTS: str(attempts).encode(),
            **source_of(delivery.record, self.retry_topic),
        }
        if again:
            due = now + timedelta(seconds=self._pauses[attempts - 1])
            headers[DUE] = instant(due).encode()
        kept = [(name, value) for name, value in delivery.record.headers if name not in OURS and value is not None]
        work.send(
            Row(
                id=copy,
                topic=topic,
                key=_sendable_key(delivery.record),
                value=delivery.record.value,
                headers=(*kept, *headers.items()),
                aggregate=f"record:{delivery.place}",
                version=1,
                at=now,
            )
        )
        level = log.warning if again else log.info
        level(
            "consumer.retried" if again else "consumer.parked",
            error_code=error.code,
            reason=error.reason(),
            attempt=attempts,
        )
        return "retried" if again else "parked"

    def _count(self, outcomes: list[Outcome]) -> None:
        """After the commit, so that a poll that is read again is not counted twice."""
        for one in outcomes:
            if one.error is not None:
                (measures.RETRIED if one.what == "retried" else measures.PARKED).labels(one.error.code).inc()
            else:
                event = one.delivery.event
                counter = measures.HANDLED if one.what == "handled" else measures.DUPLICATES
                counter.labels(event.type if event else "unreadable").inc()
            if self._spans is not None:
                self._spans.heard(one)
        if outcomes:
            measures.COMMITTED.observe(len(outcomes))

    def _notes(self, delivery: Delivery) -> list[str]:
        """The note that this event was handled, then those that this record was put aside."""
        event = delivery.event.id if delivery.event else f"unreadable:{delivery.place}"
        copy, group = copy_of(delivery.record, self.retry_topic), self._listener.group
        notes = [f"{group}:{event}", f"{group}:record:{delivery.place}"]
        return [*notes, f"{group}:copy:{copy}"] if copy else notes


def _first(records: Sequence[Any]) -> dict[TopicPartition, int]:
    """The offset of the first record of each partition."""
    return {TopicPartition(record.topic, record.partition): record.offset for record in reversed(records)}


def _sendable_key(record: Any) -> bytes | None:
    """Our client sends no record without key and value, and others' clients do: its copy has an empty key."""
    key: bytes | None = record.key
    return b"" if key is None and record.value is None else key


def _positions(records: Sequence[Any]) -> dict[TopicPartition, int]:
    """The offset after the last handled record of each partition."""
    return {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}


def _nobody(now: datetime) -> Cause:
    return Cause(id="poll", correlation_id="poll", traceparent=ids.traceparent(), at=now)


def _context(delivery: Delivery) -> dict[str, Any]:
    record, event = delivery.record, delivery.event
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    if event is None:
        return place
    return {**place, "event_id": event.id, "event_type": event.type, "correlation_id": event.correlationid}
