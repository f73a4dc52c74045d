"""A person is erased at the sender's word: card and key go for good, what runs stops, the receipt is given once."""

from pathlib import Path
from typing import Any

import pytest
from training_world import World, a_world, wit

from chassis.ids import new_id
from chassis.testing import new_code


async def seated(world: World, case: str) -> str:
    """Somebody in training, with a card."""
    await world.programme(hours=40)
    await world.cohort(capacity=2)
    return str((await world.enrol(case))["enrolment_id"])


async def receipts(world: World, case: str) -> list[str]:
    """Ids of the erasures whose receipt was given for this case."""
    said = await world.svc.said("id.basudara.training.erasure.done.v1")
    return [str(event.data["erasure_id"]) for event in said if event.data["case_ref"] == case]


async def test_what_runs_stops_and_card_and_key_go_in_the_commit_of_the_receipt(world: World) -> None:
    case = new_id("prt")
    enrolment_id = await seated(world, case)
    other = (await world.enrol())["enrolment_id"]
    await world.run_class()
    await world.session("S1", wit(2027, 2, 1).date())
    await world.attend("S1", enrolment_id)
    erasure_id = await world.ask_to_erase(case)
    ended = await world.enrolment(enrolment_id)
    assert (ended["state"], ended["reason_code"]) == ("withdrawn", "PARTICIPANT_UNAVAILABLE")
    assert ended["hours_present"] == 8, "totals stay for the budget audit"
    assert await world.status(f"/enrolments/{enrolment_id}/card", "programme_officer") == 410
    database = world.svc.service.database
    assert (await database["cards"].find_one({"_id": enrolment_id}))["sealed"] is None
    assert (await database["person_keys"].find_one({"_id": case}))["wrapped"] is None
    told = await world.told()
    assert set(told[-3:]) == {"enrolment.withdrawn", "seat.released", "erasure.done"}
    assert await receipts(world, case) == [erasure_id]
    assert await world.status(f"/enrolments/{other}/card", "programme_officer") == 200, "nobody else was touched"


async def test_the_card_of_whoever_completed_goes_too_and_nobody_is_asked_how_they_live(world: World) -> None:
    case = new_id("prt")
    await world.consent(case, "LIVELIHOOD_FOLLOWUP")
    enrolment_id = await seated(world, case)
    await world.run_class()
    await world.session("S1", wit(2027, 2, 1).date())
    await world.attend("S1", enrolment_id)
    await world.close("S1")
    await world.complete(enrolment_id)
    await world.ask_to_erase(case)
    ended = await world.enrolment(enrolment_id)
    placement = await world.get(f"/placements/{ended['referral_id']}")
    assert (ended["state"], placement["state"]) == ("completed", "accepted"), "what was reached stays reached"
    assert await world.status(f"/enrolments/{enrolment_id}/card", "programme_officer") == 410
    assert (await world.svc.service.database["cards"].find_one({"_id": enrolment_id}))["sealed"] is None
    followups = await world.get(f"/followups?enrolment_id={enrolment_id}")
    assert [one["state"] for one in followups] == ["stopped"] * 3


async def test_the_receipt_is_given_also_where_there_is_no_card_and_given_once(world: World) -> None:
    case, nobody = new_id("prt"), new_id("prt")
    referral_id = await world.refer(case)
    erasure_id = await world.ask_to_erase(case)
    assert (await world.get(f"/placements/{referral_id}"))["state"] == "stopped"
    unknown = await world.ask_to_erase(nobody)
    for again in (erasure_id, erasure_id):
        await world.ask_to_erase(case, erasure_id=again)
    assert await receipts(world, case) == [erasure_id]
    assert await receipts(world, nobody) == [unknown]
    assert await world.svc.parked() == []


async def test_asked_anew_under_another_id_the_receipt_is_given_anew(world: World) -> None:
    case = new_id("prt")
    first, second = await world.ask_to_erase(case), await world.ask_to_erase(case)
    assert await receipts(world, case) == [first, second]


async def test_a_card_that_was_on_its_way_is_not_kept(world: World) -> None:
    """The sender's intake answers 410 by then; this one was asked a moment before."""
    case = new_id("prt")
    await world.programme(hours=40)
    await world.cohort()
    await world.ask_to_erase(case)
    one = await world.accept(await world.refer(case))
    path = f"/enrolments/{one['enrolment_id']}/moves/fetch-card"
    assert await world.refused(path, {}) == (410, "gone")
    assert await world.svc.service.database.find("cards", {}) == []


async def test_nobody_but_its_sender_has_a_person_erased(
    running_service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, stranger = new_id("prt"), new_code("bapas")
    async with a_world(running_service, tmp_path, monkeypatch, others=(stranger,)) as world:
        enrolment_id = await seated(world, case)
        await world.ask_to_erase(case, source=stranger)
        [parked] = await world.svc.parked()
        assert dict(parked.headers)["basudara-reason"].startswith(b"not_allowed")
        assert await world.status(f"/enrolments/{enrolment_id}/card", "programme_officer") == 200
        assert await receipts(world, case) == []
