"""Promises that were found broken while the system was put together; each test is named after what went wrong."""

import asyncio
from dataclasses import replace

import toy
from prometheus_client import REGISTRY
from test_a_running_service import CASE, cause, referral, tell

from chassis.running import Service
from chassis.testing import Running, drop_topics, make_topics, new_code
from chassis.work import Work


def polls_given_up() -> float:
    return REGISTRY.get_sample_value("basudara_polls_failed_total", {"code": "contended"}) or 0.0


async def test_topics_made_while_a_service_was_down_are_read_after_its_start(toy_service: Running) -> None:
    """The broker gives a static member its old assignment back, and nobody tells it of the new topics."""
    await tell(toy_service, 2)
    await toy_service.settled()
    before = toy_service.service
    await before.stop()  # a static member stays in its group, as after a kill
    newcomer = new_code("partner")
    services = {newcomer: frozenset({"referral"})}
    pairs = frozenset({(newcomer, toy_service.agency)})
    make_topics(toy_service.kafka, toy_service.catalogue, services, pairs)
    toy_service.service = Service("training", before.settings, toy.build(before.settings))
    await toy_service.service.start()
    try:
        await toy_service.hear(toy.REQUESTED, referral(3), source=newcomer, subject="ref-3")
        for _ in range(100):
            tally = await toy_service.service.store.get(toy.Tally, CASE)
            if len(tally.seen) == 2:
                break
            await asyncio.sleep(0.1)
        assert len(tally.seen) == 2
    finally:
        drop_topics(toy_service.kafka, sorted(toy_service.catalogue.topics(services, pairs)))


async def test_a_poll_that_others_keep_overtaking_gets_through_in_parts(toy_service: Running) -> None:
    """Ten cases in one poll, each of them changed by rivals all the time: whole, the poll would never commit."""
    cases = [f"prt_{letter * 26}" for letter in "abcdefghij"]
    numbers = [int(f"{one:o}") for one in range(8, 48)]  # ids hold the digits 2 to 7 only; the toy spells 0 and 1
    for number, case_ref in zip(numbers[:10], cases, strict=True):
        await toy_service.hear(
            toy.REQUESTED, referral(number, case_ref=case_ref), source=toy_service.partner, subject=f"ref-{number}"
        )
    await toy_service.settled()
    store, done = toy_service.service.store, asyncio.Event()

    async def beat(case_ref: str, work: Work) -> None:
        tally = await work.get(toy.Tally, case_ref)
        work.save(replace(tally, version=tally.version + 1, beats=tally.beats + 1))

    async def rival(own: list[str]) -> None:
        while not done.is_set():
            for case_ref in own:
                await store.transact(beat, case_ref, cause(toy_service))

    failed = polls_given_up()
    rivals = [asyncio.create_task(rival([case_ref])) for case_ref in cases]
    try:
        burst = (
            toy_service.hear(
                toy.REQUESTED, referral(number, case_ref=one), source=toy_service.partner, subject=f"ref-{number}"
            )
            for number, one in zip(numbers[10:20], cases, strict=True)
        )
        await asyncio.gather(*burst)
        await toy_service.settled(30)
    finally:
        done.set()
        await asyncio.gather(*rivals)
    assert polls_given_up() == failed
    assert [len((await store.get(toy.Tally, one)).seen) for one in cases] == [2] * len(cases)
