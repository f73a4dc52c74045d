"""Walks of a job through all that is kept of one kind, to make anew what is not as it should be."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from chassis import ids
from chassis.clock import Clock
from chassis.database import Moved
from chassis.errors import Expected
from chassis.store import Store
from chassis.work import Aggregate, Cause, Work

log = structlog.get_logger()

A = TypeVar("A", bound=Aggregate)

AT_ONCE = 100  # in one unit of work at most
AGAIN_SECONDS = 60.0  # replicas that end may still write as before


async def keep_renewing(store: Store, clock: Clock, *jobs: Callable[[Store, Cause], Awaitable[int]]) -> None:
    """Until cancelled: walk, rest, walk again. A walk that fails is told and begun anew."""
    while True:
        for job in jobs:
            fresh = ids.event_id()
            cause = Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=clock.now())
            try:
                if renewed := await job(store, cause):
                    log.info("renewing.done", reason=job.__name__, records=renewed)
            except (Expected, Moved) as error:
                log.warning("renewing.interrupted", exc_info=error)
        await asyncio.sleep(AGAIN_SECONDS)


async def renew_all(
    store: Store,
    kind: type[A],
    is_old: Callable[[A], bool],
    renew: Callable[[list[str], Work], Awaitable[None]],
    cause: Cause,
) -> int:
    """One walk: `renew` gets ids of what is old, so many at once, and must look again: others work on it too."""
    after, renewed = "", 0
    while page := await store.page(kind, after, AT_ONCE):
        after = page[-1].id
        old = [one.id for one in page if is_old(one)]
        if old:
            await store.transact(renew, old, cause)
        renewed += len(old)
    return renewed
