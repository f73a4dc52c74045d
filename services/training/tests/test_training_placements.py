"""Referrals come in and are answered: events in, HTTP, events out, on a real broker and store."""

from training_world import World

from chassis.ids import new_id


async def test_a_referral_under_an_agreement_waits_for_the_officers_answer(world: World) -> None:
    referral_id = await world.refer()
    [one] = await world.get("/placements?state=received")
    assert (one["referral_id"], one["due_on"], one["from_agency"]) == (referral_id, "2027-01-25", world.svc.partner)
    assert await world.told() == []


async def test_accepting_tells_the_yes_and_the_seat_together(world: World) -> None:
    await world.programme()
    await world.cohort()
    referral_id = await world.refer()
    enrolment = await world.accept(referral_id)
    assert (enrolment["state"], enrolment["cohort_code"]) == ("reserved", "WELD-2027-01")
    assert await world.told(about=referral_id) == ["placement.accepted", "seat.reserved"]
    assert (await world.last("seat.reserved"))["starts_on"] == "2027-02-01"


async def test_accepting_without_a_free_seat_gives_a_place_in_line(world: World) -> None:
    first, second = await world.refer(), await world.refer()
    assert (await world.accept(first))["place_in_line"] == 1
    assert (await world.accept(second))["place_in_line"] == 2
    assert await world.told(about=second) == ["placement.accepted", "seat.waitlisted"]
    assert (await world.last("seat.waitlisted")) == {
        **(await world.last("seat.waitlisted")),
        "place_in_line": 2,
        "reason_code": None,
    }
    line = await world.get("/waitlist?field=WELDING&place_code=blk-passo")
    assert [one["place_in_line"] for one in line] == [1, 2]
    assert set(line[0]) == {"place_in_line", "enrolment_id", "minor", "since"}


async def test_declining_tells_the_reason_and_ends_it(world: World) -> None:
    referral_id = await world.refer()
    await world.do(f"/placements/{referral_id}/moves/decline", {"reason_code": "CAPACITY_FULL"})
    assert await world.told() == ["placement.declined"]
    assert (await world.last("placement.declined"))["reason_code"] == "CAPACITY_FULL"
    answer = {"place_code": "blk-passo", "accommodations_met": True}
    assert await world.refused(f"/placements/{referral_id}/moves/accept", answer) == (409, "illegal_move")


async def test_a_referral_that_no_agreement_in_force_covers_is_parked_with_its_reason(world: World) -> None:
    await world.refer(field="BARISTA")
    await world.agree(state="SUSPENDED", version=2)
    await world.refer()
    reasons = [dict(row.headers)["basudara-reason"].decode() for row in await world.svc.parked()]
    assert len(reasons) == 2
    assert all(reason.startswith("not_covered") for reason in reasons)
    assert "rule=field" in reasons[0]
    assert "rule=in_force" in reasons[1]
    assert await world.get("/placements") == []


async def test_a_referral_of_an_agency_that_no_agreement_names_is_parked(world: World) -> None:
    """Promise 37: nobody here knows who that is."""
    await world.agree(version=2, sender="bapas-lain")
    await world.refer()
    (parked,) = await world.svc.parked()
    assert b"rule=sender" in dict(parked.headers)["basudara-reason"]
    assert await world.get("/placements") == []


async def test_an_older_word_of_the_register_that_comes_late_changes_nothing(world: World) -> None:
    await world.agree(state="SUSPENDED", version=3)
    await world.agree(state="ACTIVE", version=2)
    await world.refer()
    assert len(await world.svc.parked()) == 1


async def test_a_referral_that_overtakes_its_agreement_is_received_after_it(world: World) -> None:
    world.agreement = world.agreement.replace("PKS", "PKS-BARU")
    referral_id = await world.refer(settle=False)
    await world.agree()
    placement = await world.wait_for(lambda: _received(world, referral_id))
    assert placement["agreement_number"] == world.agreement


async def _received(world: World, referral_id: str) -> object:
    return next((one for one in await world.get("/placements") if one["referral_id"] == referral_id), None)


async def test_the_same_request_twice_opens_one_file(world: World) -> None:
    referral_id = await world.refer()
    await world.do(f"/placements/{referral_id}/moves/decline", {"reason_code": "NO_BUDGET"})
    await world.refer(referral_id=referral_id)
    [one] = await world.get("/placements")
    assert one["state"] == "declined"


async def test_a_cancelled_referral_releases_the_seat_to_the_next_in_line(world: World) -> None:
    await world.programme()
    await world.cohort(capacity=1)
    case = new_id("prt")
    first, second = await world.refer(case), await world.refer()
    await world.accept(first)
    waiting = await world.accept(second)
    await world.tell_referral("cancelled", first, case, reason_code="PARTICIPANT_UNAVAILABLE")
    assert (await world.get(f"/placements/{first}"))["state"] == "stopped"
    assert (await world.enrolment(waiting["enrolment_id"]))["state"] == "reserved"
    told = await world.told()
    assert told[-2:] == ["seat.released", "seat.reserved"]
    assert (await world.last("seat.released"))["reason_code"] == "REFERRAL_STOPPED"


async def test_a_referral_cancelled_before_its_request_arrived_never_comes_to_life(world: World) -> None:
    referral_id, case = new_id("ref"), new_id("prt")
    await world.tell_referral("cancelled", referral_id, case, reason_code="MOVED")
    await world.refer(case, referral_id=referral_id)
    assert await world.get("/placements") == []


async def test_another_agency_cannot_stop_a_referral_that_is_not_its_own(world: World) -> None:
    case = new_id("prt")
    referral_id = await world.refer(case)
    placement = await world.get(f"/placements/{referral_id}")
    database = world.svc.service.database["placements"]
    await database.update_one({"_id": referral_id}, {"$set": {"from_agency": "bapas-lain"}})
    await world.tell_referral("cancelled", referral_id, case, reason_code="MOVED")
    assert (await world.get(f"/placements/{referral_id}"))["state"] == placement["state"]
    assert len(await world.svc.parked()) == 1


async def test_a_voided_referral_stops_and_erases(world: World) -> None:
    await world.programme()
    await world.cohort()
    case = new_id("prt")
    enrolment = await world.enrol(case)
    referral_id = (await world.enrolment(enrolment["enrolment_id"]))["referral_id"]
    await world.tell_referral("voided", referral_id, case, reason_code="WRONG_PERSON")
    assert (await world.enrolment(enrolment["enrolment_id"]))["state"] == "withdrawn"
    assert await world.status(f"/enrolments/{enrolment['enrolment_id']}/card", "programme_officer") == 410


async def test_an_accommodation_that_is_not_met_is_no_yes(world: World) -> None:
    referral_id = await world.refer(accommodations=["SIGN_LANGUAGE"])
    answer = {"place_code": "blk-passo", "accommodations_met": False}
    assert await world.refused(f"/placements/{referral_id}/moves/accept", answer) == (409, "accommodation_not_met")


async def test_a_stale_version_is_refused_and_changes_nothing(world: World) -> None:
    referral_id = await world.refer()
    stale = {"reason_code": "NO_BUDGET", "expected_version": 7}
    assert await world.refused(f"/placements/{referral_id}/moves/decline", stale) == (409, "stale_version")


async def test_whoever_is_not_of_the_office_sees_and_answers_no_placement(world: World) -> None:
    referral_id = await world.refer()
    for role in ("instructor", "assessor", "training_host", "probation_officer", "service"):
        assert await world.status("/placements", role) == 403
        assert await world.status(f"/placements/{referral_id}", role) == 403
        path = f"/placements/{referral_id}/moves/decline"
        assert await world.refused(path, {"reason_code": "NO_BUDGET"}, role) == (403, "not_allowed")
    assert (await world.get(f"/placements/{referral_id}"))["state"] == "received"


async def test_the_senders_officers_do_not_enter(world: World) -> None:
    headers = world.svc.as_("programme_officer", agency=world.svc.partner)
    assert (await world.svc.http.get("/placements", headers=headers)).status_code == 403
