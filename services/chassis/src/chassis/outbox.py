"""Rows to send, and the relay that sends them.

Rows commit with the state they tell of, those of one unit of work in one document. The relay reads the unsent ones in
order, sends them, marks them: each round is the sweep, so rows of this process, of other replicas and of a killed
predecessor take the same way, in order.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import jsonschema_rs
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from chassis import ids, measures, spans
from chassis.catalogue import Catalogue, Channel, NotInCatalogue
from chassis.clock import Clock
from chassis.database import Database, Moved, UpdateOne, Writes, told_as_ours
from chassis.envelope import Event, mirrored, value_of
from chassis.errors import Expected, TooLarge
from chassis.lease import Lease, Lost
from chassis.spans import Spans
from chassis.wire import Said
from chassis.work import Aggregate, Cause, Row

log = structlog.get_logger()

Place = tuple[str, bytes | None]  # topic and key

LARGEST_BYTES = 900_000  # below Kafka's default of 1 MiB, with room for the headers of retry and parking
BATCH_BYTES = 256 * 1024  # sent to the broker at once; a larger record goes alone
TOGETHER_ROWS, TOGETHER_BYTES = 100, 4 * 1024 * 1024  # of one document, unless a single row is larger
ROUND_DOCUMENTS = 200  # and never more than one answer of the store, 16 MiB
BREATH_ROWS = 200  # sent at a stretch: a thousand take the loop for 30 ms, and the door waits
SHUT = timedelta(seconds=15)  # so long a topic that refuses us is left alone
LOOK_SECONDS = 0.5  # how often a relay looks for rows of other replicas without being woken
MARK_SECONDS, MARK_QUIET_SECONDS = 0.25, 0.03  # sent rows are marked after so long, or when none came for so long
MARK_ROWS = 1000  # or when they are so many


class BreaksItsContract(Expected):
    """A defect: this service was about to send what its own published schema refuses. Facts: `event_type`, `at`."""

    code = "breaks_its_contract"


class Outbox:
    """Makes events ready to send: topic and key by the catalogue, payload held against its published schema."""

    def __init__(self, agency: str, service: str, catalogue: Catalogue) -> None:
        self._agency, self._service, self._catalogue = agency, service, catalogue
        self.source = f"/{agency}/{service}"
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self._topics: dict[tuple[str, str], str] = {}

    def compose(self, said: Said, aggregate: Aggregate, cause: Cause, to: str | None, number: int = 0) -> Row:
        """One row, its id made of its cause: said once more after a restore, it is known (decision 0014).

        Raises TooLarge (413); BreaksItsContract and NotInCatalogue, which are defects.
        """
        channel = self._catalogue.channel_of(said.TYPE)
        if channel.service != self._service:
            raise NotInCatalogue(event_type=said.TYPE, service=self._service)
        data = said.model_dump(mode="json")
        self._check(said.TYPE, data)
        of = f"{type(aggregate).__name__}:{aggregate.id}"
        since = cause.event.time if cause.event else cause.at
        id = ids.event_id_from(cause.id, self.source, said.TYPE, of, at=since, number=number)
        event = Event(
            id=id,
            source=self.source,
            type=said.TYPE,
            subject=str(data[said.SUBJECT]) if said.SUBJECT else aggregate.id,
            time=cause.at,
            correlationid=cause.correlation_id,
            causationid=cause.id,
            traceparent=spans.said_under(cause.traceparent, id),
            aggregateversion=aggregate.version,
            data=data,
        )
        value = value_of(event)
        if len(value) > LARGEST_BYTES:
            raise TooLarge(event_type=said.TYPE, limit_bytes=LARGEST_BYTES)
        return Row(
            id=event.id,
            topic=self._topic(channel, to or ""),
            key=channel.key_of(data).encode(),
            value=value,
            headers=None,
            aggregate=of,
            version=aggregate.version,
            at=cause.at,
        )

    def _topic(self, channel: Channel, reader: str) -> str:
        if (channel.name, reader) not in self._topics:
            self._topics[channel.name, reader] = channel.topic(owner=self._agency, reader=reader)
        return self._topics[channel.name, reader]

    def unlinked(self, cause: Cause) -> Cause:
        """The same moment with ids that lead nowhere: for what must not be joined with a person."""
        fresh = ids.event_id()
        return replace(cause, id=fresh, correlation_id=fresh, traceparent=spans.unlinked_context())

    def _check(self, kind: str, data: dict[str, Any]) -> None:
        if kind not in self._validators:
            self._validators[kind] = self._catalogue.validator(kind)
        if not self._validators[kind].is_valid(data):
            error = next(iter(self._validators[kind].iter_errors(data)))  # its text quotes the value: the place is told
            raise BreaksItsContract(event_type=kind, at="/".join(map(str, error.instance_path))[:100] or "/")


def documents_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What one unit of work says, in as few documents as can be: each is stored, read and marked as one (0009)."""
    documents: list[dict[str, Any]] = []
    room = 0
    for row in rows:
        size = len(row.value or b"")
        if not documents or len(documents[-1]["rows"]) == TOGETHER_ROWS or size > room:
            # ids of events follow their causes, not the order of commits
            documents.append({"_id": ids.event_id(), "at": row.at, "sent": False, "rows": []})
            room = TOGETHER_BYTES
        documents[-1]["rows"].append(_kept(row))
        room -= size
    return documents


def _kept(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "topic": row.topic,
        "key": row.key,
        "value": row.value,
        "headers": None if row.headers is None else [list(header) for header in row.headers],
        "aggregate": row.aggregate,
        "version": row.version,
    }


class Relay:
    """Sends the rows of one service. Runs as a task; `wake` makes it look at once."""

    def __init__(
        self, database: Database, producer: AIOKafkaProducer, holder: str, clock: Clock, told: Spans | None = None
    ) -> None:
        self._database, self._producer, self._clock, self._spans = database, producer, clock, told
        # the lease runs on real time: moving the example's clock must not make a holder lose it
        self.lease = Lease(database, holder, Clock().now)
        self._woken = asyncio.Event()
        self._shut: dict[str, datetime] = {}  # topics that refuse us, until when they are left alone
        self._held: list[Place] = []  # where rows can't be sent, as far as last looked
        self._look_at = 0.0
        self._fence = 0
        self._sent: dict[str, str] = {}  # rows acknowledged by the broker and not marked yet, each with its document
        self._done: list[str] = []  # documents of which every row was sent, not marked yet
        self._mark_at = 0.0
        self._more = False  # the last look may not have seen all
        self.oldest_seconds = 0.0

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled. A failed round is told and tried again after a pause: no row gets lost by it."""
        pause = 0.1
        while True:
            self._woken.clear()
            try:
                more = await self.round() and self._more
                if self._owes() and (len(self._sent) >= MARK_ROWS or time.monotonic() >= self._mark_at):
                    await self.mark()
                pause = 0.1
            except (Expected, KafkaError, Lost, Moved) as error:
                log.warning("relay.round_failed", exc_info=error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5)
                continue
            if more:
                continue
            if not await self._woken_within(MARK_QUIET_SECONDS if self._owes() else LOOK_SECONDS):
                self._mark_at = 0.0  # it is quiet: what was sent is marked now

    async def _woken_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def let_go(self) -> None:
        """At a stop: mark what was sent, and give up the lease, so that a successor neither sends again nor waits."""
        if self._owes():
            await self.mark()
        await self.lease.give_up()

    async def round(self) -> int:
        """Send what is unsent, in order per topic and key. Returns how many rows were sent; `mark` marks them."""
        if not await self.lease.hold():
            self._forget()
            return 0
        documents = await self._unsent()
        futures = []
        behind = set(self._held)  # places whose earlier row could not go
        for number, (document, row) in enumerate(sorted_by_version(list(self._rows(documents)))):
            if number % BREATH_ROWS == BREATH_ROWS - 1:
                await asyncio.sleep(0)
            if place_of(row) in behind or row["topic"] in self._shut:
                continue
            try:
                future = await self._producer.send(row["topic"], row["value"], row["key"], headers=_headers(row))
            except (MessageSizeTooLargeError, ValueError, AssertionError, TypeError) as error:
                behind.add(place_of(row))
                await self._hold(document, row, error)
            except (UnknownTopicOrPartitionError, TopicAuthorizationFailedError) as error:
                self._shut[row["topic"]] = Clock().now() + SHUT
                log.error("relay.topic_refuses", topic=row["topic"], exc_info=error)
            else:
                futures.append((document, row, future))
        try:
            return await self._gather(futures)
        finally:
            self._done += [one["_id"] for one in documents if not any(self._rows([one]))]

    def _rows(self, documents: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rows that were not sent yet, each with its document's id."""
        for document in documents:
            for row in document["rows"]:
                if not row.get("sent") and row["id"] not in self._sent:
                    yield document["_id"], row

    async def _unsent(self) -> list[dict[str, Any]]:
        """Documents with a row to send now: one that is not behind a held row of its place, nor to a topic that
        refuses us."""
        now = Clock().now()
        self._shut = {topic: until for topic, until in self._shut.items() if until > now}
        if time.monotonic() >= self._look_at or self._fence != self.lease.fence:
            await self._look_for_held()
        query: dict[str, Any] = {"sent": False}
        if self._done:
            query["_id"] = {"$nin": self._done}
        if self._held or self._shut:
            apart: list[dict[str, Any]] = [{"topic": topic, "key": key} for topic, key in self._held]
            apart += [{"topic": topic} for topic in self._shut]
            query["rows"] = {"$elemMatch": {"sent": {"$ne": True}, "$nor": apart}}
        found = await self._database.snapshot("outbox", query, sort="_id", limit=ROUND_DOCUMENTS)
        self._more = len(found) == ROUND_DOCUMENTS or sum(len(one["rows"]) for one in found) > MARK_ROWS
        measures.UNSENT.set(sum(1 for _ in self._rows(found)))
        self.oldest_seconds = (self._clock.now() - found[0]["at"]).total_seconds() if found else 0.0
        measures.OLDEST.set(self.oldest_seconds)
        return found

    async def _look_for_held(self) -> None:
        found = await self._database.find("outbox", {"held": {"$exists": True}, "sent": False})
        held = [row for one in found for row in one["rows"] if row["id"] in one["held"]]
        measures.HELD.set(len(held))
        self._held = [place_of(row) for row in held]
        self._look_at, self._fence = time.monotonic() + LOOK_SECONDS, self.lease.fence

    async def _gather(self, futures: list[tuple[str, dict[str, Any], Any]]) -> int:
        outcomes = await asyncio.gather(*(future for _, _, future in futures), return_exceptions=True)
        told = [(document, row, outcome) for (document, row, _), outcome in zip(futures, outcomes, strict=True)]
        failed = {place_of(row) for _, row, outcome in told if isinstance(outcome, BaseException)}
        # a later row of a failed key may have arrived: it stays unmarked too and is sent again behind the failed one
        sent = {row["id"]: document for document, row, _ in told if place_of(row) not in failed}
        if sent and not self._sent:
            self._mark_at = time.monotonic() + MARK_SECONDS
        self._sent |= sent
        if self._spans is not None:
            for _, row, outcome in told:
                if row["id"] in sent:
                    self._spans.sent(row, outcome)
        for document, row, outcome in told:
            # such a row went in a batch of its own: the broker's answer is about it and no other
            if isinstance(outcome, MessageSizeTooLargeError) and len(row["value"]) > BATCH_BYTES:
                await self._hold(document, row, outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        return len(sent)

    async def mark(self) -> None:
        """Note what was sent, much of it at once. A crash before it sends it again; inboxes know it. Raises Lost."""
        done, sent = set(self._done), dict(self._sent)
        rest: dict[str, list[str]] = {}  # of documents that other rows hold back
        for row, document in sent.items():
            if document not in done:
                rest.setdefault(document, []).append(row)

        def write(writes: Writes) -> None:
            self.lease.prove(writes)
            writes.update("outbox", {"_id": {"$in": list(done)}}, {"$set": {"sent": True, "sent_at": Clock().now()}})
            if rest:
                writes.bulk("outbox", [_part_sent(*one) for one in rest.items()])

        try:
            await self._database.together(write)
        except Lost:
            self._forget()
            raise
        measures.SENT.inc(len(sent))
        self._forget()

    def _owes(self) -> bool:
        return bool(self._sent or self._done)

    def _forget(self) -> None:
        """What is marked, or what the holder of now sends once more."""
        self._sent, self._done = {}, []

    async def _hold(self, document: str, row: dict[str, Any], error: Exception) -> None:
        log.error("relay.row_held", event_id=row["id"], topic=row["topic"], exc_info=error)
        self._look_at = 0.0
        with told_as_ours():
            held = {"$set": {f"held.{row['id']}": type(error).__name__}}
            await self._database["outbox"].bulk_write([UpdateOne({"_id": document}, held)])


def _part_sent(document: str, rows: list[str]) -> UpdateOne:
    sent = {"$set": {"rows.$[one].sent": True}}
    return UpdateOne({"_id": document}, sent, array_filters=[{"one.id": {"$in": rows}}])


def place_of(row: dict[str, Any]) -> Place:
    """Where order is kept: a row that can't go holds back those of its topic and key."""
    return row["topic"], row["key"]


def _headers(row: dict[str, Any]) -> list[tuple[str, bytes]]:
    return mirrored(row["value"]) if row["headers"] is None else [(name, value) for name, value in row["headers"]]


def sorted_by_version(rows: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Order of commit per aggregate even where replicas' clocks differ: each aggregate's rows take its own places,
    filled by version. Ids order the rest, and within one version the order in which they were said."""
    places: dict[str, list[int]] = {}
    for place, (_, row) in enumerate(rows):
        places.setdefault(row["aggregate"], []).append(place)
    ordered = list(rows)
    for own in places.values():
        if len(own) > 1:
            by_version = sorted((rows[one] for one in own), key=lambda one: one[1]["version"])
            for place, found in zip(own, by_version, strict=True):
                ordered[place] = found
    return ordered
