"""What failed and is put back: it has its effect once, and nothing newer is overwritten by it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from chassis.delivery import ATTEMPTS, DUE, REASON
from chassis.envelope import to_record
from chassis.running import Service
from chassis.testing import Running
from tests.resilience import ledger
from tests.resilience.town import case, request, until

RETRY_PAUSE = 0.3


@pytest.fixture
async def office(running_service: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Running]:
    """A release whose handler has a fault; its oven is the file `oven` in `tmp_path`."""
    pauses = (RETRY_PAUSE,) * 30
    build = ledger.built(mended=False)
    async with running_service(
        "training", ledger.Settings, build, oven=tmp_path / "oven", retry_seconds=pauses
    ) as service:
        yield service


async def entry(office: Running, referral_id: str) -> ledger.Entry | None:
    return await office.service.store.find(ledger.Entry, referral_id)


async def say(office: Running, field: str, referral_id: str, version: int = 1) -> str:
    """The partner says this version of a referral. Returns the event's id."""
    free = {"version": version}
    data = {"referral_id": referral_id, "case_ref": case(1), "field": field, "free": free}
    event = request(office.partner, case(1), aggregateversion=version, data=data)
    value, headers = to_record(event)
    topic = f"{office.partner}.referral.referral.to.{office.agency}.v1"
    await office.put(topic, value, headers, key=case(1).encode())
    return event.id


async def put_back(office: Running, parked: Any) -> None:
    """As an operator replays: bytes, key and source as they were, on the reader's own retry topic, attempts anew."""
    kept = [(name, value) for name, value in parked.headers if name not in (ATTEMPTS, DUE, REASON)]
    await office.put(office.service.consumer.retry_topic, parked.value, kept, key=parked.key)


async def mended(office: Running) -> None:
    """The next release: the same settings, and a handler without the fault."""
    before = office.service
    await before.stop()
    office.service = Service("training", before.settings, ledger.built(mended=True)(before.settings))
    await office.service.start()


async def test_an_event_whose_handler_failed_after_its_first_write_has_its_effect_once_when_it_is_put_back(
    office: Running,
) -> None:
    """Promise 19: it was not noted as handled, since its effect did not commit; after the effect did, it is."""
    told = await say(office, "BAKERY", "ref-1")
    (parked,) = await office.parked()
    assert await entry(office, "ref-1") is None, "what the handler wrote before it failed is not there"
    await mended(office)
    for _ in range(2):  # an operator may press twice
        await put_back(office, parked)
        await office.settled()
    kept = await entry(office, "ref-1")
    assert kept is not None
    assert (kept.version, kept.heard) == (1, (told,))
    assert len(await office.parked()) == 1


async def test_a_late_first_version_does_not_move_back_what_the_third_has_said(office: Running, tmp_path: Path) -> None:
    """Promise 24: v1 waits for its cause, v2 and v3 pass, then v1 is handled, by the rule, and put back once more."""
    first = await say(office, "BARISTA", "ref-1", 1)
    later = [await say(office, "WELDING", "ref-1", version) for version in (2, 3)]

    async def third() -> bool:
        kept = await entry(office, "ref-1")
        return kept is not None and kept.news == 3

    await until(third, "the third version is there while the first one waits")
    noted = office.service.database["inbox"]
    group = office.service.parts.listener.group
    assert not await noted.count_documents({"_id": f"{group}:{first}"})
    (tmp_path / "oven").touch()

    async def handled() -> bool:
        return bool(await noted.count_documents({"_id": f"{group}:{first}"}))

    await until(handled, "the first version is handled")
    await say(office, "WELDING", "ref-1", 1)
    await office.settled()
    kept = await entry(office, "ref-1")
    assert kept is not None
    assert (kept.news, kept.heard, kept.free) == (3, tuple(later), {"version": 3})
    assert not await office.parked()
