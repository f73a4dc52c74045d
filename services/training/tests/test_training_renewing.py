"""A new key of the agency's: the keys of persons' cards come under it, and the former one is dropped."""

import asyncio
import base64
from typing import Any

import pytest
from training_world import World

from chassis.keyring import Keyring
from chassis.running import Service
from training.adapters.sealing import AesSeals, Unreadable
from training.bootstrap import build
from training.domain.card import Card, PersonKey

NEW = "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw="  # 32 times the letter l


async def card_fetched(world: World) -> str:
    enrolment_id = str((await world.accept(await world.refer()))["enrolment_id"])
    await world.do(f"/enrolments/{enrolment_id}/moves/fetch-card")
    return enrolment_id


async def started_with(world: World, ring: str) -> None:
    """The same service once more, as after a restart, with this ring in its file."""
    svc = world.svc
    await svc.service.stop()
    settings: Any = svc.service.settings
    settings.agency_key_file.write_text(ring)
    svc.service = Service("training", settings, build(settings))
    await svc.service.start()
    svc.http.base_url = f"http://127.0.0.1:{svc.service.port}"


async def under_former(world: World) -> int:
    keys = await world.svc.service.store.read(PersonKey)
    return sum(":" not in key.wrapped for key in keys if key.wrapped is not None)


async def test_cards_are_read_before_and_after_and_who_was_erased_stays_erased(world: World) -> None:
    await world.programme()
    await world.cohort()
    kept, left = await card_fetched(world), await card_fetched(world)
    await world.do(f"/enrolments/{left}/moves/confirm")
    await world.do(f"/enrolments/{left}/moves/withdraw", {"reason_code": "MOVED"})
    old = world.svc.service.settings.agency_key_file.read_text().strip()  # type: ignore[attr-defined]
    await started_with(world, f"current {old}\nnext {NEW}\n")
    late = await card_fetched(world)
    assert await under_former(world) == 2, "what is next wraps nothing yet"
    await started_with(world, f"former {old}\ncurrent {NEW}\n")
    async with asyncio.timeout(30):
        while await under_former(world):
            await asyncio.sleep(0.05)
    trace = Keyring.of(old).current.trace
    await started_with(world, f"dropped {base64.b64encode(trace).decode()}\ncurrent {NEW}\n")
    newest = await card_fetched(world)
    for enrolment_id in (kept, late, newest):
        assert (await world.get(f"/enrolments/{enrolment_id}/card"))["full_name"] == "Yopi Contoh"
    assert await world.status(f"/enrolments/{left}/card", "programme_officer") == 410
    await whoever_holds_the_former_key_reads_nothing(world, old)


async def whoever_holds_the_former_key_reads_nothing(world: World, old: str) -> None:
    store, former = world.svc.service.store, AesSeals(Keyring.of(old))
    keys = {key.id: key for key in await store.read(PersonKey)}
    cards = [card for card in await store.read(Card) if card.sealed is not None]
    assert len(cards) == 3
    for card in cards:
        wrapped = keys[card.key_id].wrapped
        assert wrapped is not None
        with pytest.raises(Unreadable):  # taking the name off helps nobody
            former.open(card.sealed or "", card.key_id, wrapped.rpartition(":")[2], card.id)
