"""Withdrawal stops everything at once and is confirmed; expiry stops nothing by clock but limits what is told."""

from training_world import World, wit

from chassis.ids import new_id


async def seated_and_waiting(world: World, case: str) -> tuple[str, str]:
    """Enrolment ids: somebody in training with a card in the only seat, and the next in line."""
    await world.programme(hours=40)
    await world.cohort(capacity=1)
    seated = (await world.enrol(case))["enrolment_id"]
    waiting = (await world.accept(await world.refer()))["enrolment_id"]
    return seated, waiting


async def test_withdrawal_in_mid_course_stops_training_card_and_seat_and_is_confirmed(world: World) -> None:
    case = new_id("prt")
    consent_id = await world.consent(case, "TRAINING")
    seated, waiting = await seated_and_waiting(world, case)
    await world.run_class()
    await world.session("S1", wit(2027, 2, 1).date())
    await world.attend("S1", seated)
    await world.withdraw_consent(consent_id, case, "TRAINING")
    ended = await world.enrolment(seated)
    assert (ended["state"], ended["reason_code"]) == ("withdrawn", "CONSENT_WITHDRAWN")
    assert ended["hours_present"] == 8, "totals stay for the budget audit"
    assert (await world.enrolment(waiting))["state"] == "reserved"
    assert await world.status(f"/enrolments/{seated}/card", "programme_officer") == 410
    database = world.svc.service.database
    assert (await database["person_keys"].find_one({"_id": case}))["wrapped"] is None
    assert (await database["cards"].find_one({"_id": seated}))["sealed"] is None
    told = await world.told()
    assert set(told[-4:]) == {"enrolment.withdrawn", "seat.released", "seat.reserved", "consent.stopped"}
    assert told.index("seat.released") < len(told) - 1 - told[::-1].index("seat.reserved")
    stopped = await world.last("consent.stopped")
    assert (stopped["consent_id"], stopped["case_ref"], stopped["purpose"]) == (consent_id, case, "TRAINING")


async def test_what_was_stopped_is_not_brought_back_by_old_or_repeated_events(world: World) -> None:
    case = new_id("prt")
    consent_id = await world.consent(case, "TRAINING")
    referral_id = await world.refer(case, accommodations=["SIGN_LANGUAGE"])
    await world.withdraw_consent(consent_id, case, "TRAINING")
    await world.withdraw_consent(consent_id, case, "TRAINING", version=4)
    await world.consent(case, "TRAINING", consent_id=consent_id)
    await world.refer(case, referral_id=referral_id)
    placement = await world.get(f"/placements/{referral_id}")
    assert (placement["state"], placement["accommodations"]) == ("stopped", [])
    assert await world.told() == ["consent.stopped"]
    again = await world.refer(case)
    await world.consent(case, "TRAINING")
    assert (await world.accept(again))["state"] == "waitlisted", "a new consent and referral start afresh"


async def test_withdrawal_is_confirmed_also_where_nothing_runs_and_for_the_follow_up(world: World) -> None:
    for purpose, receipts in (("TRAINING", 1), ("LIVELIHOOD_FOLLOWUP", 1), ("MESSAGING", 0)):
        consent_id, case = new_id("csn"), new_id("prt")
        await world.withdraw_consent(consent_id, case, purpose)
        found = [event for event in await world.svc.said() if event.subject == consent_id]
        assert len(found) == receipts, purpose


async def test_withdrawal_before_the_answer_stops_the_placement(world: World) -> None:
    case = new_id("prt")
    consent_id = await world.consent(case, "TRAINING")
    referral_id = await world.refer(case)
    await world.withdraw_consent(consent_id, case, "TRAINING")
    answer = {"place_code": "blk-passo", "accommodations_met": True}
    assert await world.refused(f"/placements/{referral_id}/moves/accept", answer) == (409, "illegal_move")


async def test_an_expired_consent_asks_the_officer_and_a_new_one_answers(world: World) -> None:
    case = new_id("prt")
    consent_id = await world.consent(case, "TRAINING")
    seated, _ = await seated_and_waiting(world, case)
    await world.expire_consent(consent_id, case, "TRAINING", "COMING_OF_AGE")
    one = await world.enrolment(seated)
    assert (one["state"], one["flags"]) == ("enrolled", ["CONSENT_LAPSED"])
    await world.consent(case, "TRAINING")
    assert (await world.enrolment(seated))["flags"] == []


async def completed(world: World, case: str) -> str:
    seated, _ = await seated_and_waiting(world, case)
    await world.run_class()
    await world.session("S1", wit(2027, 2, 1).date())
    await world.attend("S1", seated)
    await world.close("S1")
    await world.complete(seated)
    return seated


async def test_withdrawing_the_follow_up_stops_it_and_takes_the_card(world: World) -> None:
    case = new_id("prt")
    consent_id = await world.consent(case, "LIVELIHOOD_FOLLOWUP")
    done = await completed(world, case)
    await world.withdraw_consent(consent_id, case, "LIVELIHOOD_FOLLOWUP")
    followups = await world.get(f"/followups?enrolment_id={done}")
    assert [one["state"] for one in followups] == ["stopped"] * 3
    assert await world.status(f"/enrolments/{done}/card", "programme_officer") == 410
    world.svc.set_clock(wit(2027, 3, 3))
    await world.due_is_done()
    assert "followup.due" not in await world.told()
    assert (await world.enrolment(done))["state"] == "completed"


async def test_nobody_is_asked_how_they_live_without_a_consent_for_it(world: World) -> None:
    done = await completed(world, new_id("prt"))
    world.svc.set_clock(wit(2027, 3, 3))
    [first, *_] = await world.wait_for(lambda: _stopped(world, done))
    assert (first["day"], first["state"]) == (30, "stopped")
    assert "followup.due" not in await world.told()


async def _stopped(world: World, enrolment_id: str) -> object:
    found = await world.get(f"/followups?enrolment_id={enrolment_id}")
    return found if found[0]["state"] != "planned" else None
