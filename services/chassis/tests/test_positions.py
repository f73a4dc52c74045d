"""What is told to the broker about positions, and when: a scripted client shows what no timing of a real one would."""

import asyncio
from collections.abc import Mapping

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError

from chassis import positions
from chassis.positions import Positions

ONE, OTHER, FOREIGN = (TopicPartition("a.b.c.v1", number) for number in range(3))


class Client:
    """Takes positions when it is let, and knows which partitions are its own."""

    def __init__(self) -> None:
        self.told: list[dict[TopicPartition, int]] = []
        self.let = asyncio.Event()
        self.refusals = 0

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset({ONE, OTHER})

    async def commit(self, told: Mapping[TopicPartition, int]) -> None:
        await self.let.wait()
        if self.refusals:
            self.refusals -= 1
            raise CommitFailedError("another generation")
        self.told.append(dict(told))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "TELL_SECONDS", 0.001)


async def _told(client: Client, wanted: list[dict[TopicPartition, int]]) -> None:
    async with asyncio.timeout(5):
        while client.told != wanted:
            await asyncio.sleep(0.001)


async def test_what_is_noted_while_positions_are_told_is_told_next() -> None:
    client, noted = Client(), Positions()
    noted.note(client, {ONE: 5})
    await asyncio.sleep(0.02)  # the client has them and does not answer yet
    noted.note(client, {ONE: 7})
    noted.note(client, {OTHER: 3})
    client.let.set()
    await _told(client, [{ONE: 5}, {ONE: 7, OTHER: 3}])


async def test_what_the_broker_refuses_is_told_again_and_named_meanwhile() -> None:
    client, noted = Client(), Positions()
    client.refusals = 1
    client.let.set()
    noted.note(client, {ONE: 5})
    async with asyncio.timeout(5):
        while noted.failing is None:
            await asyncio.sleep(0)
    assert noted.failing == "CommitFailedError"
    noted.note(client, {OTHER: 2})
    await _told(client, [{ONE: 5, OTHER: 2}])
    assert noted.failing is None


async def test_a_defect_of_the_client_is_counted_and_the_positions_are_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, noted = Client(), Positions()
    client.let.set()
    commit, broken = client.commit, [ValueError("no such structure")]

    async def breaks_once(told: Mapping[TopicPartition, int]) -> None:
        if broken:
            raise broken.pop()
        await commit(told)

    monkeypatch.setattr(client, "commit", breaks_once)
    noted.note(client, {ONE: 5})
    await _told(client, [{ONE: 5}])
    assert not broken


async def test_after_the_end_nothing_is_told() -> None:
    client, noted = Client(), Positions()
    noted.note(client, {ONE: 5})
    noted.end()
    noted.note(client, {OTHER: 3})
    client.let.set()
    await asyncio.sleep(0.02)
    assert client.told == []


async def test_another_assignment_begins_where_the_broker_says() -> None:
    client, noted = Client(), Positions()
    noted.note(client, {ONE: 5, FOREIGN: 9})
    noted.forget()
    client.let.set()
    noted.note(client, {OTHER: 4})
    await _told(client, [{OTHER: 4}])
