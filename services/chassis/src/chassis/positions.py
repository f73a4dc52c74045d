"""Up to where each partition is handled, told to the broker a little later: many polls in one answer of its."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from chassis import measures

log = structlog.get_logger()

TELL_SECONDS = 0.2
SLOWEST_SECONDS = 5.0


class Positions:
    """What a crash left untold is read again, and the inbox knows it (decision 0008)."""

    def __init__(self) -> None:
        self._handled: dict[TopicPartition, int] = {}  # the offset of the next record to handle
        self._untold: dict[TopicPartition, int] = {}
        self._telling: asyncio.Task[None] | None = None
        self._ended = False
        self.failing: str | None = None  # why the broker does not take them at present

    def begin(self, first: Mapping[TopicPartition, int]) -> None:
        """Records were read from here on; what is known already stays."""
        self._handled = {**first, **self._handled}

    def note(self, consumer: Any, handled: Mapping[TopicPartition, int]) -> None:
        self._handled.update(handled)
        self._untold.update(handled)
        if not self._ended and (self._telling is None or self._telling.done()):
            self._telling = asyncio.ensure_future(self._tell_soon(consumer))

    def forget(self) -> None:
        """Another assignment: its partitions begin where the broker says."""
        self._handled.clear()
        self._untold.clear()

    def end(self) -> None:
        """After the last telling: nothing more is told by itself."""
        self._ended = True
        if self._telling is not None:
            self._telling.cancel()

    def lag(self, consumer: Any) -> int:
        """Records not handled, as far as the broker has told this reader of them."""
        if consumer is None:  # before the start and after the stop
            return 0
        told = {one: consumer.highwater(one) or 0 for one in consumer.assignment() & self._handled.keys()}
        return sum(max(0, there - self._handled[one]) for one, there in told.items())

    async def _tell_soon(self, consumer: Any) -> None:
        pause = TELL_SECONDS
        while self._untold:
            await asyncio.sleep(pause)
            await self.tell(consumer)
            pause = min(pause * 2, SLOWEST_SECONDS) if self.failing else TELL_SECONDS

    async def tell(self, consumer: Any) -> None:
        """Tell the broker now. What it does not take stays untold; a broken membership is healed by the client, which
        joins again, and counted here."""
        mine = consumer.assignment()
        told = {one: offset for one, offset in self._untold.items() if one in mine}
        try:
            if told:
                await consumer.commit(told)
        except Exception as error:  # whatever it is: counted, named by readiness, and told again later
            self.failing = type(error).__name__
            measures.POLL_FAILED.labels(self.failing).inc()
            if not isinstance(error, KafkaError):
                measures.DEFECTS.labels("positions").inc()
            log.warning("consumer.positions_not_told", error_code=self.failing, exc_info=error)
            return
        self.failing = None
        # what was noted meanwhile is told next
        self._untold = {one: offset for one, offset in self._untold.items() if told.get(one) != offset}
