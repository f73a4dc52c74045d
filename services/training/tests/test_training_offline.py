"""Officers who were offline: a command carries the time it was made, and no value at the edge breaks the store."""

from training_world import World


async def test_a_yes_made_offline_keeps_the_time_it_was_made_in_any_offset(world: World) -> None:
    referral_id = await world.refer()
    answer = {"place_code": "blk-passo", "accommodations_met": True, "made_at": "2027-01-15T16:20:00.123456+09:00"}
    await world.do(f"/placements/{referral_id}/moves/accept", answer)
    [accepted] = [event for event in await world.svc.said() if event.type.endswith("placement.accepted.v1")]
    assert accepted.data["accepted_at"] == "2027-01-15T07:20:00.123000Z"
    assert accepted.time.date().isoformat() == "2027-01-18", "it was taken in now"


async def test_a_time_that_cannot_be_is_refused(world: World) -> None:
    referral_id = await world.refer()
    path = f"/placements/{referral_id}/moves/accept"
    for made_at in (
        "2027-01-18T09:05:00+09:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00",
        "2027-01-03T09:00:00+09:00", "2027-01-18T09:00:00",
    ):  # fmt: skip
        answer = {"place_code": "blk-passo", "accommodations_met": True, "made_at": made_at}
        assert await world.refused(path, answer) == (422, "invalid"), made_at
    assert (await world.get(f"/placements/{referral_id}"))["state"] == "received"


async def test_numbers_and_texts_that_no_store_takes_are_refused_at_the_door(world: World) -> None:
    programme = {
        "programme_code": "WELD", "title": "Las", "field": "WELDING", "units": [{"unit": "A", "critical": False}],
        "hours": 40, "mode": "OFF_JOB", "hazard_listed": False, "min_age": 18,
    }  # fmt: skip
    for wrong in (
        {"min_age": 2**70},
        {"hours": -(2**70)},
        {"title": "\x00"},
        {"title": " "},
        {"hours": True},
    ):
        assert await world.refused("/programmes", {**programme, **wrong}) == (422, "invalid"), wrong
    assert await world.get("/programmes") == []
    for path in ("/placements/%00", "/enrolments/$where", "/cohorts/%F0%9F%92%A5"):
        assert await world.status(path, "programme_officer") in (404, 422), path
    assert await world.status("/placements?state=%00", "programme_officer") in (200, 422)
