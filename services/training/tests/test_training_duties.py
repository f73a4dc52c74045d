"""What the clock does, once; and what it leaves to a person."""

from datetime import date
from typing import Any

from training_world import World, wit

from chassis.ids import new_id


async def test_a_seat_not_confirmed_in_ten_working_days_goes_to_the_next(world: World) -> None:
    await world.programme()
    await world.cohort(capacity=1)
    first = (await world.accept(await world.refer()))["enrolment_id"]
    second = (await world.accept(await world.refer()))["enrolment_id"]
    world.svc.set_clock(wit(2027, 2, 1, 23, 50))  # day 10 of Mon 18 January
    await world.due_is_done()
    assert (await world.enrolment(first))["state"] == "reserved"
    world.svc.set_clock(wit(2027, 2, 2, 0, 1))
    await world.wait_for(lambda: _is(world, first, "released"))
    assert (await world.enrolment(second))["state"] == "reserved"
    assert (await world.told())[-2:] == ["seat.released", "seat.reserved"]
    released = await world.last("seat.released")
    assert (released["reason_code"], released["cohort_code"]) == ("NOT_CONFIRMED", "WELD-2027-01")


async def test_a_confirmed_seat_is_not_released_by_the_clock(world: World) -> None:
    await world.programme()
    await world.cohort()
    enrolment_id = (await world.enrol())["enrolment_id"]
    world.svc.set_clock(wit(2027, 2, 20))
    assert await world.svc.service.database["duties"].count_documents({}) == 0
    assert (await world.enrolment(enrolment_id))["state"] == "enrolled"


async def test_after_90_days_in_line_the_officer_decides_and_not_the_clock(world: World) -> None:
    enrolment_id = (await world.accept(await world.refer()))["enrolment_id"]
    withdraw = f"/enrolments/{enrolment_id}/moves/withdraw"
    assert await world.refused(withdraw, {"reason_code": "WAITLIST_LIMIT"}) == (409, "waitlist_limit_ahead")
    world.svc.set_clock(wit(2027, 4, 19, 0, 1))
    flagged = await world.wait_for(lambda: _flagged(world, enrolment_id))
    assert (flagged["state"], flagged["flags"]) == ("waitlisted", ["WAITLIST_LIMIT"])
    assert (await world.told())[-1] == "seat.waitlisted", "the clock told nothing"
    await world.do(withdraw, {"reason_code": "WAITLIST_LIMIT"})
    assert (await world.told())[-2:] == ["enrolment.withdrawn", "seat.released"]
    assert (await world.last("seat.released"))["cohort_code"] is None
    assert await world.get("/waitlist?field=WELDING&place_code=blk-passo") == []


async def _flagged(world: World, enrolment_id: str) -> Any:
    one = await world.enrolment(enrolment_id)
    return one if one["flags"] else None


async def _is(world: World, enrolment_id: str, state: str) -> bool:
    return bool((await world.enrolment(enrolment_id))["state"] == state)


async def completed(world: World, case: str) -> str:
    await world.programme(hours=40)
    await world.cohort()
    enrolment_id = str((await world.enrol(case))["enrolment_id"])
    await world.run_class()
    await world.session("S1", date(2027, 2, 1))
    await world.attend("S1", enrolment_id)
    await world.close("S1")
    await world.complete(enrolment_id)
    return enrolment_id


async def test_a_bnsp_certificate_expires_after_its_last_day_and_others_never(world: World) -> None:
    enrolment_id = await completed(world, new_id("prt"))
    [draft] = await world.get(f"/certificates?enrolment_id={enrolment_id}")
    await world.do(f"/certificates/{draft['certificate_id']}/moves/issue", {}, "head_of_opd", "off-head")
    seen = {"number": "B-1", "lsp": "LSP-LAS", "expires_on": "2030-02-01"}
    bnsp = (await world.do(f"/enrolments/{enrolment_id}/certificates", seen))["certificate_id"]
    world.svc.set_clock(wit(2030, 2, 2, 0, 1))
    await world.wait_for(lambda: _expired(world, bnsp))
    assert (await world.last("certificate.expired"))["expired_on"] == "2030-02-01"
    assert (await world.get(f"/certificates/{draft['certificate_id']}"))["state"] == "issued"


async def _expired(world: World, certificate_id: str) -> bool:
    return bool((await world.get(f"/certificates/{certificate_id}"))["state"] == "expired")


async def test_three_days_without_an_answer_end_as_unreachable(world: World) -> None:
    case = new_id("prt")
    await world.consent(case, "LIVELIHOOD_FOLLOWUP")
    enrolment_id = await completed(world, case)
    [first, *_] = await world.get(f"/followups?enrolment_id={enrolment_id}")
    assert (first["window_from"], first["window_until"]) == ("2027-02-24", "2027-03-10")
    record = f"/followups/{first['followup_id']}/record"
    early = {"answered": True, "outcome_code": "JOB_SEEKING"}
    assert await world.refused(record, early) == (409, "illegal_move"), "before the window"
    for day in (24, 25, 26):
        world.svc.set_clock(wit(2027, 2, day))
        await world.wait_for(lambda: _due(world, enrolment_id))
        await world.do(record, {"answered": False, "outcome_code": "UNREACHABLE"})
        if day < 26:
            assert await world.refused(record, {"answered": False}) == (409, "asked_today")
    told = await world.last("followup.recorded")
    assert (told["outcome_code"], told["recorded_on"]) == ("UNREACHABLE", "2027-02-26")
    assert await world.refused(record, early) == (409, "illegal_move")


async def _due(world: World, enrolment_id: str) -> bool:
    return bool((await world.get(f"/followups?enrolment_id={enrolment_id}"))[0]["state"] == "due")
