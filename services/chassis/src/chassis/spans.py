"""Spans: what was done, under what, from when to when. Told after the fact and off by default (decision 0010).

Nothing of OpenTelemetry's SDK is imported here: `exporting.py` does that, and is imported only where spans are on.
"""

import asyncio
import contextvars
import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import structlog

from chassis import ids, measures
from chassis.clock import Clock
from chassis.delivery import Delivery
from chassis.envelope import Event, from_record
from chassis.errors import Expected, Invalid
from chassis.work import Cause

log = structlog.get_logger()

WAITING_SPANS = 10_000  # some 10 MB; what is more is dropped and counted
TOGETHER_SPANS = 500
GATHER_SECONDS = 0.2  # so long a span waits for others to go with
NONE_ABOVE = "0" * 16  # span id of a cause that has no span: what is said under it begins its trace
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ASKED: contextvars.ContextVar[str] = contextvars.ContextVar("asked", default="")

Kind = Literal["SERVER", "INTERNAL", "PRODUCER", "CONSUMER"]
Attributes = Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """`context`: its own traceparent; `under`: the span id of its parent, None for the first of a trace.

    Attributes are codes, topics, routes and ids of events: nothing that names or counts a person's things.
    """

    name: str
    kind: Kind
    context: str
    under: str | None
    begun_at: datetime
    ended_at: datetime
    attributes: Attributes
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record: `what` is handled, duplicate, retried or parked. `cause`: under which its handler
    ran, None where it did not."""

    what: str
    delivery: Delivery
    cause: Cause | None = None
    error: Expected | None = None


class Exports(Protocol):
    """Where spans go: a file or a collector. May block: it is called in a thread of its own."""

    def export(self, spans: Sequence[Span]) -> bool: ...
    def shutdown(self) -> None: ...


class SpansRefused(Expected):
    """Spans are asked for and can't be told: the service does not start. Facts: `package` or `folder`."""

    code = "spans_refused"


def said_under(parent: str, event_id: str) -> str:
    """The trace context of an event: its cause's trace, and its cause's span id turned by the event's own id.

    So whoever sends the row knows the span it belongs under, another replica too and after a restart, and nothing more
    is stored.
    """
    return f"{parent[:36]}{_turned(parent[36:52], event_id)}{parent[52:]}"


def unlinked_context() -> str:
    """For what is said under nothing: a trace that its event begins."""
    version, trace, _, flags = ids.traceparent().split("-")
    return f"{version}-{trace}-{NONE_ABOVE}-{flags}"


def _turned(span: str, event_id: str) -> str:
    turn = hashlib.sha256(event_id.encode()).digest()[:8]
    return f"{int(span, 16) ^ int.from_bytes(turn):016x}"


def begin(where: str, agency: str, service: str, instance: str, clock: Clock) -> "Spans | None":
    """None where spans are off. Raises SpansRefused."""
    if where == "off":
        return None
    try:
        from chassis.exporting import exporter
    except ImportError:
        raise SpansRefused(package="opentelemetry-sdk is not installed") from None
    return Spans(exporter(where, agency, service, instance), clock)


class Spans:
    """What the hooks of door, store, relay, reader and duties tell. Never waits, never raises: a span that finds no
    room is dropped and counted."""

    def __init__(self, exports: Exports, clock: Clock) -> None:
        self._exports, self._clock = exports, clock
        self._waiting: deque[Span] = deque()
        self._some, self._ending = threading.Event(), threading.Event()
        self._failing = False
        run = contextvars.copy_context().run  # the thread's log lines name the service too
        self._thread = threading.Thread(target=run, args=(self._send_all,), name="spans", daemon=True)
        self._thread.start()

    # -- what is told ----------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The service's clock; real time while that can't be read."""
        try:
            return self._clock.now()
        except Expected:
            return datetime.now(UTC)

    def asked(self, context: str) -> datetime:
        """A request has come: its commands are under it. Returns when."""
        _ASKED.set(context)
        return self.now()

    def replied(self, context: str, begun_at: datetime, method: str, route: str, status: int) -> None:
        method = method if method in METHODS else "_OTHER"
        attributes: dict[str, str | int] = {"http.request.method": method, "http.route": route}
        attributes["http.response.status_code"] = status
        error_code = str(status) if status >= 500 else None
        self.tell("SERVER", f"{method} {route}", context, None, begun_at, attributes, error_code)

    def sent(self, row: Mapping[str, Any], record: Any) -> None:
        """The broker has acknowledged a row. It begins when its cause began, so that the wait in the outbox is seen."""
        if row["headers"] is not None:
            return  # a copy: the event in it has its span from whoever sent it first
        event = json.loads(row["value"])
        span = _turned(event["traceparent"].split("-")[2], event["id"])
        attributes = {
            **_about(record, event["type"], event["id"]),
            "messaging.operation.name": "send",
        }
        begun_at = datetime.fromisoformat(event["time"])
        under = None if span == NONE_ABOVE else span
        self.tell("PRODUCER", f"send {_short(event['type'])}", event["traceparent"], under, begun_at, attributes)

    def heard(self, one: Outcome) -> None:
        """The transaction with this record is committed."""
        event, cause = one.delivery.event or _event_of(one.delivery), one.cause
        if event is None:
            return  # what can't be read belongs to no trace: log and parked topic tell of it
        context = cause.traceparent if cause is not None else ids.child_of(event.traceparent)
        attributes = {
            **_about(one.delivery.record, event.type, event.id),
            "messaging.operation.name": "process",
            "basudara.outcome": one.what,
        }
        begun_at, under = self.now() if cause is None else cause.at, event.traceparent.split("-")[2]
        error_code = None if one.error is None else one.error.code
        self.tell("CONSUMER", f"process {_short(event.type)}", context, under, begun_at, attributes, error_code)

    def done(self, duty: str, cause: Cause, error: Exception | None = None) -> None:
        """A duty was done or has failed. It begins a trace."""
        attributes = {"basudara.duty": duty, "basudara.outcome": "failed" if error else "done"}
        error_code = None if error is None else code_of(error)
        self.tell("INTERNAL", f"duty {duty}", cause.traceparent, None, cause.at, attributes, error_code)

    def tell(
        self, kind: Kind, name: str, context: str, under: str | None, begun_at: datetime, attributes: Attributes,
        error_code: str | None = None,
    ) -> None:  # fmt: skip
        """Ends now. What its trace's first sender did not sample is not told."""
        if not int(context[-2:], 16) & 1:
            return
        if len(self._waiting) >= WAITING_SPANS:
            measures.SPANS_DROPPED.inc()
            return
        self._waiting.append(
            Span(
                name=name, kind=kind, context=context, under=under, begun_at=begun_at,
                ended_at=max(self.now(), begun_at), attributes=attributes, error_code=error_code,
            )
        )  # fmt: skip
        self._some.set()

    # -- the thread that sends them --------------------------------------------------------------------------------

    def _send_all(self) -> None:
        ending = False
        while not ending:
            self._some.wait()
            self._some.clear()
            ending = self._ending.wait(GATHER_SECONDS)
            while self._waiting:
                self._send([self._waiting.popleft() for _ in range(min(TOGETHER_SPANS, len(self._waiting)))])
        self._exports.shutdown()

    def _send(self, spans: list[Span]) -> None:
        try:
            failed = None if self._exports.export(spans) else "refused"
        except Exception as error:  # whatever it is, it must not end the thread: the spans are counted as dropped
            failed = type(error).__name__
        if failed:
            measures.SPANS_DROPPED.inc(len(spans))
        if bool(failed) != self._failing:
            self._failing = bool(failed)
            log.warning("spans.not_told" if failed else "spans.told_again", error_code=failed)

    async def stop(self, seconds: float) -> None:
        """Send what waits, within so long; the rest is dropped and counted."""
        self._ending.set()
        self._some.set()
        await asyncio.to_thread(self._thread.join, seconds)
        if self._thread.is_alive():
            measures.SPANS_DROPPED.inc(len(self._waiting))
            log.warning("spans.stop_cut_short")


def is_asked(context: str) -> bool:
    """Whether this is the context of the request that is being answered here."""
    return _ASKED.get() == context


def code_of(error: Exception) -> str:
    return error.code if isinstance(error, Expected) else type(error).__name__


def _about(record: Any, kind: str, event_id: str) -> dict[str, str | int]:
    told: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.destination.name": record.topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
        "cloudevents.event_type": kind,
    }
    if _UUID.fullmatch(event_id):  # others may write any text there
        told["cloudevents.event_id"] = event_id
    return told


def _event_of(delivery: Delivery) -> Event | None:
    """The event whose payload was refused: its attributes could be read."""
    if not isinstance(delivery.error, Invalid):
        return None
    try:
        return from_record(delivery.record.value, delivery.record.headers)
    except Expected:
        return None


def _short(kind: str) -> str:
    return kind.removeprefix("id.basudara.").removesuffix(".v1")
