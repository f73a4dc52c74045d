"""Promise 39: what nobody said stays unknown."""

from training_world import World


async def test_what_the_senders_card_does_not_say_stays_unknown(world: World) -> None:
    await world.programme()
    await world.cohort()
    enrolment_id = (await world.accept(await world.refer()))["enrolment_id"]
    world.intake.body = {"full_name": "Yopi Contoh", "birth_date": "1999-05-02"}
    await world.do(f"/enrolments/{enrolment_id}/moves/fetch-card")
    card = await world.get(f"/enrolments/{enrolment_id}/card")
    unknown = dict.fromkeys(("sex", "phone", "guardian", "kecamatan", "education", "has_diploma"))
    assert card == {**world.intake.body, **unknown, "accommodations": []}


async def test_what_has_not_come_about_yet_is_unknown_and_no_result(world: World) -> None:
    await world.programme()
    await world.cohort()
    one = await world.enrol()
    assert (one["passed"], one["completed_on"], one["reason_code"], one["units"]) == (None, None, None, {})
    queued = await world.accept(await world.refer(field="SEWING"))
    assert (queued["cohort_code"], queued["state"]) == (None, "waitlisted")
