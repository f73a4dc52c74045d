"""When a copy on the retry topic is due, whatever its header says: one that never is would shut its partition."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from chassis.clock import Clock
from chassis.consuming import Consumer, Listener
from chassis.delivery import DUE, is_due
from chassis.errors import Unavailable

NOW = datetime(2027, 1, 18, 0, 0, tzinfo=UTC)


def copy(due: bytes | None) -> SimpleNamespace:
    return SimpleNamespace(headers=[(DUE, due)])


@pytest.mark.parametrize(
    ("due", "now"),
    [
        (b"2027-01-17T23:59:59.000Z", True),
        (b"2027-01-18T09:00:00+09:00", True),
        (b"2027-01-18T00:05:00.000Z", False),
        (b"2027-01-18T23:59:59.000Z", False),
    ],
)
def test_a_copy_is_due_when_its_header_says(due: bytes, now: bool) -> None:
    assert is_due(copy(due), NOW) is now


@pytest.mark.parametrize("due", [None, b"", b"\xff\xfe", b"soon", b"2027-01-18T00:05:00", b"20270119", b"2027-W03-2"])
def test_a_copy_without_a_due_time_that_can_be_compared_is_due(due: bytes | None) -> None:
    assert is_due(copy(due), NOW)


@pytest.mark.parametrize("due", [b"9999-12-31T23:59:59Z", b"9999-12-31T23:59:59-14:00", b"2027-01-19T00:00:01Z"])
def test_a_due_time_further_off_than_any_pause_is_none(due: bytes) -> None:
    """Of a clock that went wrong, or of somebody else: the copies behind it would wait as long."""
    assert is_due(copy(due), NOW)


class Reading:
    """The client of a poll: where it was told to read on."""

    def __init__(self) -> None:
        self.sought: dict[TopicPartition, int] = {}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought[partition] = offset


class NoClock(Clock):
    def now(self) -> datetime:
        raise Unavailable(clock="offset file unreadable")


async def test_a_poll_that_nobody_can_tell_the_time_for_is_read_again() -> None:
    """It was passed over: what raised before the poll's own care left the client where the poll ended."""
    store: Any = None  # is not reached
    consumer = Consumer(Listener("training", "placements"), store, NoClock(), "retry", "parked", (1.0,), 5)
    records = [SimpleNamespace(topic="retry", partition=0, offset=offset, headers=[]) for offset in (7, 8)]
    reading = Reading()
    poll: Any = SimpleNamespace(raw_message=records, consumer=reading)
    await consumer.on_poll(poll)
    assert reading.sought == {TopicPartition("retry", 0): 7}
    assert consumer.failing == "unavailable"
