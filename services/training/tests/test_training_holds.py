"""Pauses that come from the sender, holds that come from the office, and the echo between them."""

from datetime import date

from training_world import World

from chassis.ids import new_id

HOLD = {"reason_code": "PARTICIPANT_UNAVAILABLE"}


async def in_training(world: World, case: str, hours: int = 160) -> tuple[str, str]:
    """Enrolment and referral id of somebody active."""
    await world.programme(hours=hours)
    await world.cohort()
    one = await world.enrol(case)
    await world.run_class()
    await world.session("S1", date(2027, 2, 1))
    await world.attend("S1", one["enrolment_id"])
    return one["enrolment_id"], one["referral_id"]


async def test_a_pause_of_the_sender_holds_and_its_resuming_returns(world: World) -> None:
    case = new_id("prt")
    enrolment_id, referral_id = await in_training(world, case)
    await world.tell_referral("paused", referral_id, case, **HOLD)
    held = await world.enrolment(enrolment_id)
    assert (held["state"], held["reason_code"]) == ("suspended", "PARTICIPANT_UNAVAILABLE")
    await world.tell_referral("resumed", referral_id, case, resumed_at="2027-02-02T01:00:00.000Z")
    assert (await world.enrolment(enrolment_id))["state"] == "active"
    assert (await world.told())[-2:] == ["enrolment.suspended", "enrolment.resumed"]


async def test_the_echo_of_our_own_hold_does_not_hold_again(world: World) -> None:
    case = new_id("prt")
    enrolment_id, referral_id = await in_training(world, case)
    await world.do(f"/enrolments/{enrolment_id}/moves/hold", HOLD)
    await world.do(f"/enrolments/{enrolment_id}/moves/return")
    suspended, resumed = (await world.svc.said())[-2:]
    await world.tell_referral("paused", referral_id, case, correlation=suspended.correlationid, **HOLD)
    assert (await world.enrolment(enrolment_id))["state"] == "active"
    at = {"resumed_at": "2027-02-02T01:00:00.000Z"}
    await world.tell_referral("resumed", referral_id, case, correlation=resumed.correlationid, **at)
    assert (await world.told())[-2:] == ["enrolment.suspended", "enrolment.resumed"], "nothing was answered anew"


async def test_a_pause_that_is_told_again_or_late_holds_nobody(world: World) -> None:
    """Under another id and correlation. Promises 24 and 37."""
    case = new_id("prt")
    enrolment_id, referral_id = await in_training(world, case)
    resumed = {"version": 6, "resumed_at": "2027-02-02T01:00:00.000Z"}
    await world.tell_referral("paused", referral_id, case, version=5, **HOLD)
    await world.tell_referral("resumed", referral_id, case, **resumed)
    await world.tell_referral("paused", referral_id, case, version=5, **HOLD)
    assert (await world.enrolment(enrolment_id))["state"] == "active"
    await world.tell_referral("paused", referral_id, case, version=7, **HOLD)
    await world.tell_referral("resumed", referral_id, case, **resumed)
    assert (await world.enrolment(enrolment_id))["state"] == "suspended", "nor does the resuming of before return"
    assert (await world.told())[-3:] == ["enrolment.suspended", "enrolment.resumed", "enrolment.suspended"]
    assert await world.svc.parked() == []


async def test_a_pause_finds_nobody_in_training_and_changes_nothing(world: World) -> None:
    case = new_id("prt")
    one = await world.accept(await world.refer(case))
    await world.tell_referral("paused", one["referral_id"], case, **HOLD)
    assert (await world.enrolment(one["enrolment_id"]))["state"] == "waitlisted"
    assert await world.svc.parked() == []


async def test_whoever_cannot_reach_80_percent_any_more_returns_only_with_a_plan(world: World) -> None:
    case = new_id("prt")
    enrolment_id, referral_id = await in_training(world, case, hours=40)
    await world.close("S1")
    await world.tell_referral("paused", referral_id, case, **HOLD)
    for number, day in ((2, date(2027, 2, 2)), (3, date(2027, 2, 3))):
        await world.session(f"S{number}", day, 10)
        world.svc.set_clock(world.svc.now().replace(month=2, day=day.day, hour=8))
        await world.close(f"S{number}")
    await world.tell_referral("resumed", referral_id, case, resumed_at="2027-02-03T09:00:00.000Z")
    one = await world.enrolment(enrolment_id)
    assert (one["state"], one["flags"]) == ("suspended", ["OUT_OF_REACH"])
    back = f"/enrolments/{enrolment_id}/moves/return"
    assert await world.refused(back, {}) == (409, "out_of_reach")
    assert await world.refused(back, {"make_up_hours": 11}) == (409, "out_of_reach")
    await world.do(back, {"make_up_hours": 12})
    assert (await world.last("enrolment.resumed"))["make_up_hours"] == 12
    assert (await world.enrolment(enrolment_id))["flags"] == []


async def test_a_referral_failed_by_a_person_ends_the_training_and_frees_the_seat(world: World) -> None:
    case = new_id("prt")
    enrolment_id, referral_id = await in_training(world, case)
    await world.tell_referral("paused", referral_id, case, **HOLD)
    await world.tell_referral("failed", referral_id, case, reason_code="HOLD_LIMIT")
    assert (await world.enrolment(enrolment_id))["state"] == "withdrawn"
    assert (await world.told())[-2:] == ["enrolment.withdrawn", "seat.released"]


async def test_our_own_drop_comes_back_as_failed_and_stays_a_drop(world: World) -> None:
    case = new_id("prt")
    enrolment_id, referral_id = await in_training(world, case)
    for number, day in ((2, date(2027, 2, 2)), (3, date(2027, 2, 3)), (4, date(2027, 2, 4))):
        await world.session(f"S{number}", day)
        world.svc.set_clock(world.svc.now().replace(month=2, day=day.day, hour=8))
        await world.attend(f"S{number}", enrolment_id, "ABSENT", 0)
    drop = f"/enrolments/{enrolment_id}/moves/drop"
    assert await world.refused(drop, {"reason_code": "NO_SHOW"}) == (409, "not_asked")
    await world.do(drop, {"reason_code": "NO_SHOW", "asked_officer": True})
    await world.tell_referral("failed", referral_id, case, reason_code="NO_SHOW")
    assert (await world.enrolment(enrolment_id))["state"] == "dropped"
    assert (await world.told())[-2:] == ["enrolment.dropped", "seat.released"]
    assert (await world.last("seat.released"))["reason_code"] == "DROPPED"
    assert await world.svc.parked() == []
