"""Reading what has arrived: one poll after the other, past records that the client can't decode."""

from itertools import chain
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from chassis import measures
from chassis.delivery import Undecodable

log = structlog.get_logger()

WAIT_MS = 500
EACH_MS = 50  # waited for each partition while they are read one by one


class Poll:
    """Called for the next poll. Waits for its first record, and returns empty to let a stop be seen.

    The client raises where the name of a header is not UTF-8, would meet that record for ever, and forgets what it had
    taken from other partitions in the same call. Then all are read again from what is committed, each by itself, until
    the one record is found; it takes its place in the poll as an `Undecodable`.
    """

    def __init__(self, records: int) -> None:
        self._records = records
        self._careful = False
        self._flooded = False

    async def __call__(self, consumer: Any) -> tuple[Any, ...]:
        try:
            if self._careful:
                return await self._each(consumer)
            found = await (self._in_turns(consumer) if self._flooded else self._first(consumer))
            self._flooded = len(found) > self._records // 2
            return tuple(found)
        except UnicodeDecodeError as error:
            log.warning("consumer.reads_carefully", exc_info=error)
            await _back_to_committed(consumer)
            self._careful = True
            return ()
        except KafkaError as error:
            measures.POLL_FAILED.labels(type(error).__name__).inc()
            log.warning("consumer.poll_not_read", exc_info=error)
            raise  # the framework waits and asks again

    async def _first(self, consumer: Any) -> list[Any]:
        found = await consumer.getmany(timeout_ms=WAIT_MS, max_records=self._records)
        return list(chain.from_iterable(found.values()))

    async def _in_turns(self, consumer: Any) -> list[Any]:
        """A share of each partition, again and again until the poll is full: the client by itself would empty one
        after the other, and who sends little would wait for all of who sends much."""
        found: list[Any] = []
        partitions = list(consumer.assignment())
        share = max(1, self._records // max(1, len(partitions)))
        while len(found) < self._records:
            before = len(found)
            for partition in partitions:
                left = self._records - len(found)
                if left:
                    rows = await consumer.getmany(partition, timeout_ms=0, max_records=min(share, left))
                    found += chain.from_iterable(rows.values())
            if len(found) == before:
                break
        return found

    async def _each(self, consumer: Any) -> tuple[Any, ...]:
        found: list[Any] = []
        for partition in consumer.assignment():
            found += await self._of(consumer, partition, self._records)
        return tuple(found)

    async def _of(self, consumer: Any, partition: Any, records: int) -> list[Any]:
        """Up to so many of one partition; fewer where the client fails, down to the one that it can't decode."""
        try:
            found = await consumer.getmany(partition, timeout_ms=EACH_MS, max_records=records)
            return list(chain.from_iterable(found.values()))
        except UnicodeDecodeError:
            if records > 1:
                return await self._of(consumer, partition, records // 2)
            offset = await consumer.position(partition)
            consumer.seek(partition, offset + 1)
            self._careful = False
            return [Undecodable(partition.topic, partition.partition, offset)]


async def _back_to_committed(consumer: Any) -> None:
    for partition in consumer.assignment():
        offset = await consumer.committed(partition)
        if offset is None:
            await consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, offset)
