"""The lease: one replica of a service relays at a time, and proves it with a number that rises."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from chassis.database import Database, Writes, told_as_ours

log = structlog.get_logger()

LEASE = timedelta(seconds=10)


class Lost(Exception):
    """Another replica holds the lease now: what this one sent it may not mark."""


class Lease:
    """Who may relay for a service. The fencing number rises with every holder, and marks carry it."""

    def __init__(self, database: Database, holder: str, clock: Callable[[], datetime]) -> None:
        self._leases, self._holder, self._clock = database["leases"], holder, clock
        self.fence = 0
        self._until: datetime | None = None

    async def hold(self) -> bool:
        """Take or keep the lease; False while another holds it."""
        now = self._clock()
        if self._until is not None and now < self._until - LEASE / 2:
            return True
        with told_as_ours():
            kept = await self._leases.update_one(
                {"_id": "relay", "holder": self._holder, "fence": self.fence, "until": {"$gt": now}},
                {"$set": {"until": now + LEASE}},
            )
            if not kept.matched_count and not await self._take(now):
                self._until = None
                return False
        self._until = now + LEASE
        return True

    async def _take(self, now: datetime) -> bool:
        fence = int((await self._leases.find_one({"_id": "relay"}) or {"fence": 0})["fence"])
        if fence == 0:
            await self._leases.update_one(
                {"_id": "relay"}, {"$setOnInsert": {"fence": 1, "until": now, "holder": ""}}, upsert=True
            )
            fence = 1
        taken = await self._leases.update_one(
            # a name that is ours with a fence that is not: this instance was killed and has come back
            {"_id": "relay", "fence": fence, "$or": [{"until": {"$lte": now}}, {"holder": self._holder}]},
            {"$set": {"holder": self._holder, "fence": fence + 1, "until": now + LEASE}},
        )
        if not taken.matched_count:
            return False
        self.fence = fence + 1
        log.info("relay.leads", fence=self.fence)
        return True

    def prove(self, writes: Writes) -> None:
        """In the transaction that marks: a holder whose lease was taken meanwhile can't mark. Raises Lost."""
        mine = {"_id": "relay", "holder": self._holder, "fence": self.fence}
        if not writes.update("leases", mine, {"$inc": {"marks": 1}}):
            self._until = None
            raise Lost

    async def give_up(self) -> None:
        """At a stop: the successor need not wait for the end of the lease."""
        with told_as_ours():
            await self._leases.update_one(
                {"_id": "relay", "holder": self._holder, "fence": self.fence}, {"$set": {"until": self._clock()}}
            )
