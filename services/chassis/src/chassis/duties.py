"""Timed duties: due dates in the store, done once each, marked when late."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from structlog.contextvars import bound_contextvars

from chassis import ids, measures
from chassis.clock import Clock
from chassis.database import Moved
from chassis.errors import Expected
from chassis.spans import Spans
from chassis.store import Store
from chassis.work import Cause, Duty, Work

log = structlog.get_logger()

LOOK_SECONDS = 0.5
AT_ONCE = 200  # duties read in one look

DutyHandler = Callable[[Duty, Work], Awaitable[None]]


class Duties:
    """The functions of a service by the name of the duty they do. Registered in `entrypoints/jobs.py`."""

    def __init__(self) -> None:
        self.handlers: dict[str, DutyHandler] = {}

    def on(self, name: str) -> Callable[[DutyHandler], DutyHandler]:
        def register(handler: DutyHandler) -> DutyHandler:
            self.handlers[name] = handler
            return handler

        return register


class DutyRunner:
    """Does what is due, one unit of work each. Replicas may run at once: the duty's own row lets one win."""

    def __init__(self, duties: Duties, store: Store, clock: Clock, spans: Spans | None = None) -> None:
        self._duties, self._store, self._clock, self._spans = duties, store, clock, spans

    async def run(self) -> None:
        """Until cancelled. A failed round is told and tried again after a growing pause."""
        pause = LOOK_SECONDS
        while True:
            try:
                done = await self.round()
                pause = LOOK_SECONDS
            except (Expected, Moved) as error:
                log.warning("duties.round_failed", exc_info=error)
                done, pause = 0, min(pause * 2, 5)
            if not done:
                await asyncio.sleep(pause)

    async def round(self) -> int:
        """Do all that is due now. Returns how many were done."""
        due = await self._store.due(self._clock.now(), AT_ONCE)
        return sum([await self._do(duty) for duty in due])

    async def _do(self, duty: Duty) -> bool:
        handler = self._duties.handlers.get(duty.name)
        fresh = ids.event_id()
        now = self._clock.now()
        cause = Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=now)
        with bound_contextvars(duty=duty.name, correlation_id=fresh):
            try:
                if handler is None:
                    raise Expected(duty=duty.name)  # an older or newer release left it: shown, kept, tried later
                work = self._store.work(cause)
                await handler(duty, work)
                await self._store.commit(work, done=duty)
            except Moved:
                return False  # another replica did it, or what it read changed: the next look sees
            except Exception as error:  # one duty must not stop the others: counted, told, kept, tried later
                measures.DEFECTS.labels("duty").inc()
                log.error("duties.failed", exc_info=error)
                if self._spans is not None:
                    self._spans.done(duty.name, cause, error)
                reason = error.reason() if isinstance(error, Expected) else type(error).__name__
                await self._store.put_off(duty, now, reason)
                return False
        measures.DUTIES.labels(duty.name).inc()
        if self._spans is not None:
            self._spans.done(duty.name, cause)
        if duty.late_seconds > 60:
            log.warning("duties.late", duty=duty.name, late_seconds=duty.late_seconds)
        return True
