"""Messages that are due together are woken together: a unit of work for each would take longer than to send them."""

import asyncio
from datetime import datetime

import structlog

from chassis import measures
from chassis.database import Moved
from chassis.running import Service
from chassis.work import Duty, Work
from notification.application import messages
from notification.application.keeping import DUE
from notification.domain.message import Message
from notification.domain.policy import Policy

log = structlog.get_logger()

TOGETHER = 200  # as many as the chassis reads in one look
LATE_SECONDS = 60  # as the chassis marks what it does itself


class Waking:
    """Until `run` has begun, each message is woken alone."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._service: Service | None = None
        self._along: set[tuple[str, datetime]] = set()  # taken along by one before; each is met once after that

    async def run(self, service: Service) -> None:
        """Lasts as long as the service."""
        self._service = service
        await asyncio.Event().wait()

    async def wake(self, duty: Duty, work: Work) -> None:
        """Raises Moved for a duty that was taken along: if that did not commit, the next look finds it again."""
        if (duty.subject, duty.due_at) in self._along:
            self._along.remove((duty.subject, duty.due_at))
            measures.DUTIES.labels(DUE).inc()
            if duty.late_seconds > LATE_SECONDS:
                log.warning("duties.late", duty=duty.name, late_seconds=duty.late_seconds)
            raise Moved
        await messages.wake_message(messages.Wake(message_id=duty.subject, policy=self._policy), work)
        if self._service is not None:
            self._along = await self._take_along(duty, await self._service.store.due(work.cause.at, TOGETHER), work)

    async def _take_along(self, first: Duty, due: list[Duty], work: Work) -> set[tuple[str, datetime]]:
        """What can't be done fails in its own turn, alone."""
        others = [one for one in due if one.name == DUE and one.id != first.id]
        await work.prefetch(Message, [one.subject for one in others])
        along = set()
        for one in others:
            mark = work.mark()
            try:
                done = await messages.wake_along(messages.Wake(message_id=one.subject, policy=self._policy), work)
            except Exception:  # told when its own turn comes and it fails again
                work.take_back(mark)
                continue
            if done:
                along.add((one.subject, one.due_at))
        return along
