"""The participant card: fetched once from the sender's intake, sealed, seen by few, gone with its purpose."""

import json
from typing import Any

from training_world import CHILD_CARD, World, wit

NAME, PHONE = "Yopi Contoh", "+6281000000021"


async def reserved(world: World, **given: Any) -> str:
    await world.programme()
    await world.cohort()
    return str((await world.accept(await world.refer(**given)))["enrolment_id"])


async def test_the_card_is_asked_of_the_sender_with_our_own_credential_and_kept_sealed(world: World) -> None:
    enrolment_id = await reserved(world)
    one = await world.enrolment(enrolment_id)
    await world.do(f"/enrolments/{enrolment_id}/moves/fetch-card")
    [(path, credential)] = world.intake.asked
    assert path == f"/participant-cards/{one['case_ref']}?referral_id={one['referral_id']}"
    assert credential.startswith("Bearer ")
    card = await world.get(f"/enrolments/{enrolment_id}/card")
    assert (card["full_name"], card["phone"], card["guardian"]) == (NAME, PHONE, None)
    assert "nik" not in card
    assert await world.get(f"/enrolments/{enrolment_id}/card", "instructor", "ins-ona") == {"full_name": NAME}
    for role, subject in (
        ("instructor", "ins-lain"),
        ("assessor", "ass-rudi"),
        ("head_of_opd", "x1"),
        ("training_host", "x1"),
    ):
        assert await world.status(f"/enrolments/{enrolment_id}/card", role, subject) == 403, role
    await no_trace_of_a_name(world)


async def no_trace_of_a_name(world: World) -> None:
    """Neither in any collection nor in anything sent."""
    database = world.svc.service.database
    for collection in (*database_collections(), "outbox", "inbox", "duties"):
        documents = await database.find(collection, {})
        assert NAME not in repr(documents), collection
        assert PHONE not in repr(documents), collection
    assert NAME not in json.dumps([dict(event.data) for event in await world.svc.said()])


def database_collections() -> list[str]:
    from training.bootstrap import KEPT

    return [row.collection for row in KEPT]


async def test_what_intake_refuses_is_passed_on_and_what_is_down_is_tried_again(world: World) -> None:
    enrolment_id = await reserved(world)
    path = f"/enrolments/{enrolment_id}/moves/fetch-card"
    for status, code, ours in (
        (410, "gone", (410, "gone")), (403, "no_consent", (403, "not_allowed")), (404, "not_found", (404, "not_found")),
        (500, "defect", (503, "unavailable")), (401, "not_authenticated", (503, "unavailable")),
    ):  # fmt: skip
        world.intake.refuse(status, code)
        assert await world.refused(path, {}) == ours
    world.intake.status, world.intake.body = 200, b'{"full_name": 7}'
    assert await world.refused(path, {}) == (503, "unavailable")
    world.intake.body, world.intake.delay_seconds = {"full_name": NAME, "birth_date": "1999-05-02"}, 1.5
    assert await world.refused(path, {}) == (503, "unavailable")
    world.intake.delay_seconds = 0
    assert await world.refused(f"/enrolments/{enrolment_id}/moves/confirm", {}) == (409, "card_missing")
    assert (await world.do(path))["card_fetched"]


async def test_nobody_but_the_officer_asks_for_a_card_and_intake_is_not_bothered(world: World) -> None:
    enrolment_id = await reserved(world)
    path = f"/enrolments/{enrolment_id}/moves/fetch-card"
    for role in ("instructor", "assessor", "head_of_opd", "training_host", "service"):
        assert (await world.refused(path, {}, role))[0] == 403
    assert await world.refused(path, {"expected_version": 9}) == (409, "stale_version")
    waiting = (await world.accept(await world.refer(), "blk-lain"))["enrolment_id"]
    assert await world.refused(f"/enrolments/{waiting}/moves/fetch-card", {}) == (409, "illegal_move")
    assert world.intake.asked == []


async def test_a_childs_seat_needs_the_guardian_on_the_card(world: World) -> None:
    await world.programme("SEW", field="SEWING", hours=60, min_age=14, units=[{"unit": "CUT", "critical": True}])
    await world.cohort("SEW-1", programme="SEW", minors_only=True, hazard_plan="rencana K3")
    one = await world.accept(await world.refer(field="SEWING", age_group="CHILD_16_17"))
    assert one["cohort_code"] == "SEW-1"
    fetch, confirm = (f"/enrolments/{one['enrolment_id']}/moves/{move}" for move in ("fetch-card", "confirm"))
    world.intake.body = {**CHILD_CARD, "guardian": None}
    await world.do(fetch)
    assert await world.refused(confirm, {}) == (409, "guardian_missing")
    world.intake.body = dict(CHILD_CARD)
    await world.do(fetch)
    assert (await world.do(confirm))["state"] == "enrolled"


async def test_a_child_whom_the_card_shows_is_not_confirmed_among_adults(world: World) -> None:
    enrolment_id = await reserved(world)
    world.intake.body = dict(CHILD_CARD)
    await world.do(f"/enrolments/{enrolment_id}/moves/fetch-card")
    assert await world.refused(f"/enrolments/{enrolment_id}/moves/confirm", {}) == (409, "age_rule")


async def test_the_class_sees_no_reference_of_the_sender_and_only_its_own_people(world: World) -> None:
    enrolment_id = await reserved(world)
    seen = await world.get(f"/enrolments/{enrolment_id}", "instructor", "ins-ona")
    assert (seen["referral_id"], seen["case_ref"], seen["reason_code"], seen["flags"]) == (None, None, None, [])
    assert world.svc.partner not in json.dumps(seen)
    assert await world.status(f"/enrolments/{enrolment_id}", "instructor", "ins-lain") == 403
    assert await world.status("/enrolments?cohort_code=WELD-2027-01", "assessor", "ass-rudi") == 200
    assert await world.status("/enrolments?cohort_code=WELD-2027-01", "assessor", "ass-lain") == 403
    assert await world.status("/enrolments?state=reserved", "instructor", "ins-ona") == 403
    assert await world.status(f"/enrolments/{enrolment_id}", "training_host") == 403


async def test_a_card_goes_when_its_person_leaves(world: World) -> None:
    enrolment_id = await reserved(world)
    for move in ("fetch-card", "confirm"):
        await world.do(f"/enrolments/{enrolment_id}/moves/{move}")
    await world.do(f"/enrolments/{enrolment_id}/moves/withdraw", {"reason_code": "MOVED"})
    assert await world.status(f"/enrolments/{enrolment_id}/card", "programme_officer") == 410
    assert (await world.told())[-2:] == ["enrolment.withdrawn", "seat.released"]


async def test_the_card_of_whoever_completed_goes_90_days_after_the_last_follow_up(world: World) -> None:
    await world.programme(hours=40)
    await world.cohort()
    enrolment_id = (await world.enrol())["enrolment_id"]
    await world.run_class()
    await world.session("S1", wit(2027, 2, 1).date())
    await world.attend("S1", enrolment_id)
    await world.close("S1")
    await world.complete(enrolment_id)  # 1 February: the last window ends on 21 August, 90 days later is 19 November
    world.svc.set_clock(wit(2027, 11, 19, 23))
    await world.due_is_done()
    assert await world.status(f"/enrolments/{enrolment_id}/card", "programme_officer") == 200
    world.svc.set_clock(wit(2027, 11, 20, 0, 1))
    assert await world.wait_for(lambda: _gone(world, enrolment_id))


async def _gone(world: World, enrolment_id: str) -> bool:
    return await world.status(f"/enrolments/{enrolment_id}/card", "programme_officer") == 410
