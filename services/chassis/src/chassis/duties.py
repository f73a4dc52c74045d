"""Timed duties: due dates in the store, done once each, marked when late."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from chassis import ids, measures
from chassis.clock import Clock
from chassis.database import Moved
from chassis.errors import Expected
from chassis.spans import Spans
from chassis.store import Store
from chassis.work import Cause, Duty, Work, read_ahead

log = structlog.get_logger()

LOOK_SECONDS = 0.5
AT_ONCE = 200  # duties read in one look, and done in one unit of work at most
LATE_SECONDS = 60

DutyHandler = Callable[[Duty, Work], Awaitable[None]]
DutyLoads = Callable[[Duty], list[tuple[type[Any], str]]]


@dataclass(frozen=True)
class Doing:
    handler: DutyHandler
    loads: DutyLoads | None


class Duties:
    """The functions of a service by the name of the duty they do. Registered in `entrypoints/jobs.py`."""

    def __init__(self) -> None:
        self.doings: dict[str, Doing] = {}

    def on(self, name: str, loads: DutyLoads | None = None) -> Callable[[DutyHandler], DutyHandler]:
        """Register the one function for this duty.

        With `loads`, the aggregates it will ask for, those that are due together are done together: in one unit of
        work, each under a cause of its own. One that fails is done alone, and costs only itself.
        """

        def register(handler: DutyHandler) -> DutyHandler:
            self.doings[name] = Doing(handler, loads)
            return handler

        return register


class DutyRunner:
    """Does what is due. Replicas may run at once: the duty's own row lets one win."""

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
        named: dict[str, list[Duty]] = {}
        for duty in due:
            named.setdefault(duty.name, []).append(duty)
        done = 0
        for name, duties in named.items():
            doing = self._duties.doings.get(name)
            if doing is not None and doing.loads is not None and len(duties) > 1:
                before = len(duties)
                duties = await self._together(duties, doing.handler, doing.loads)
                done += before - len(duties)
            done += sum([await self._alone(duty) for duty in duties])
        return done

    async def _together(self, duties: Sequence[Duty], handler: DutyHandler, loads: DutyLoads) -> list[Duty]:
        """In one unit of work. Returns those left to be done alone: all of them, if it did not commit."""
        work, done, left = self._store.work(self._cause(duties[0])), dict[str, tuple[Duty, Cause]](), []
        await read_ahead(work, [pair for duty in duties for pair in loads(duty)])
        for duty in duties:
            mark, work.cause = work.mark(), self._cause(duty)
            try:
                await handler(duty, work)
            except Exception:  # told when it fails again, alone
                work.take_back(mark)
                left.append(duty)
            else:
                done[duty.id] = (duty, work.cause)
        try:
            await self._store.commit(work, done=[duty for duty, _ in done.values()])
        except Exception as error:  # told where each fails alone
            log.info("duties.one_by_one", duty=duties[0].name, records=len(duties), exc_info=error)
            return list(duties)
        for duty, cause in done.values():
            self._tell_done(duty, cause)
        return left

    async def _alone(self, duty: Duty) -> bool:
        doing, cause = self._duties.doings.get(duty.name), self._cause(duty)
        with bound_contextvars(duty=duty.name, correlation_id=cause.correlation_id):
            try:
                if doing is None:
                    raise Expected(duty=duty.name)  # an older or newer release left it: shown, kept, tried later
                work = self._store.work(cause)
                await doing.handler(duty, work)
                await self._store.commit(work, done=[duty])
            except Moved:
                return False  # another replica did it, or what it read changed: the next look sees
            except Exception as error:  # one duty must not stop the others: counted, told, kept, tried later
                await self._tell_failed(duty, cause, error)
                return False
            self._tell_done(duty, cause)
        return True

    def _cause(self, duty: Duty) -> Cause:
        """The same for the same duty: what it says has the same ids when it is done once more after a restore."""
        id = ids.event_id_from("", self._store.source, duty.id, duty.due_at.isoformat(), at=duty.due_at)
        return Cause(id=id, correlation_id=id, traceparent=ids.traceparent(), at=self._clock.now())

    def _tell_done(self, duty: Duty, cause: Cause) -> None:
        measures.DUTIES.labels(duty.name).inc()
        if self._spans is not None:
            self._spans.done(duty.name, cause)
        if duty.late_seconds > LATE_SECONDS:
            log.warning("duties.late", duty=duty.name, late_seconds=duty.late_seconds)

    async def _tell_failed(self, duty: Duty, cause: Cause, error: Exception) -> None:
        measures.DEFECTS.labels("duty").inc()
        log.error("duties.failed", exc_info=error)
        if self._spans is not None:
            self._spans.done(duty.name, cause, error)
        reason = error.reason() if isinstance(error, Expected) else type(error).__name__
        await self._store.put_off(duty, cause.at, reason)
