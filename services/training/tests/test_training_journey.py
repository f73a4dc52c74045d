"""A person's whole way: from the referral to the 180th day, on a real broker and store."""

from datetime import date

from training_world import World, is_working, wit

from chassis.ids import new_id


async def twenty_days(world: World, enrolment_id: str, hours: list[int]) -> None:
    """One session of 8 hours on each working day from 1 February; `hours` present, 0 is ABSENT."""
    day, number = date(2027, 2, 1), 0
    while number < len(hours):
        if is_working(day):
            await world.session(f"S{number:02d}", day)
            world.svc.set_clock(wit(2027, day.month, day.day, 17))
            await world.attend(f"S{number:02d}", enrolment_id, "PRESENT" if hours[number] else "ABSENT", hours[number])
            await world.close(f"S{number:02d}")
            number += 1
        day = date.fromordinal(day.toordinal() + 1)


async def test_welding_from_the_referral_to_the_last_follow_up(world: World) -> None:
    case = new_id("prt")
    consents = {purpose: await world.consent(case, purpose) for purpose in ("TRAINING", "LIVELIHOOD_FOLLOWUP")}
    await world.programme()
    await world.cohort()
    enrolment_id = (await world.enrol(case))["enrolment_id"]
    await world.run_class()
    await twenty_days(world, enrolment_id, [8] * 18 + [4, 0])
    results = [("SAFETY", "PASS"), ("JOINT", "FAIL"), ("JOINT", "PASS")]
    done = await world.complete(enrolment_id, *results)
    assert (done["state"], done["percent"], done["passed"]) == ("completed", 92.5, True)
    assert done["units"]["JOINT"] == {"attempts": 2, "result": "PASS"}
    completed = await world.last("enrolment.completed")
    assert (completed["percent"], completed["passed"]) == (92.5, True)

    await sign_all(world, enrolment_id)
    await world.do("/cohorts/WELD-2027-01/moves/finish")
    assert (await world.told())[-1] == "cohort.finished"

    day_0 = date.fromisoformat(completed["completed_on"])
    await answer_at(world, enrolment_id, day_0, 30, "JOB_SEEKING")
    recorded = await world.last("followup.recorded")
    assert (recorded["case_ref"], recorded["outcome_code"]) == (case, "JOB_SEEKING")
    await answer_at(world, enrolment_id, day_0, 90, "EMPLOYED_INFORMAL")
    told_day_90 = (await world.last("followup.due"))["followup_id"]
    await world.expire_consent(consents["TRAINING"], case, "TRAINING", "CASE_CLOSED")
    await answer_at(world, enrolment_id, day_0, 180, "EMPLOYED_FORMAL")
    await nothing_joins_the_last_answer(world, told_day_90)

    told = await world.told()
    assert [name for name in told if not name.startswith(("cohort", "programme"))] == [
        "placement.accepted", "seat.reserved", "enrolment.confirmed", "enrolment.started", "enrolment.completed",
        "certificate.issued", "certificate.issued", "certificate.registered",
        "followup.due", "followup.recorded", "followup.due", "followup.recorded", "followup.recorded",
    ]  # fmt: skip


async def sign_all(world: World, enrolment_id: str) -> None:
    drafts = await world.get(f"/certificates?enrolment_id={enrolment_id}")
    assert {one["kind"] for one in drafts} == {"TRAINING_PASS", "COMPLETION_STATEMENT"}
    assert {one["state"] for one in drafts} == {"drafted"}
    path = f"/certificates/{drafts[0]['certificate_id']}/moves/issue"
    assert await world.refused(path, {}, "training_host", "ass-rudi") == (403, "signer_was_assessor")
    for one in drafts:
        await world.do(f"/certificates/{one['certificate_id']}/moves/issue", {}, "head_of_opd", "off-head")
    seen = {"number": "BNSP 7212-1", "lsp": "LSP-LAS", "expires_on": "2030-03-01"}
    await world.do(f"/enrolments/{enrolment_id}/certificates", seen)
    assert await world.refused(f"/enrolments/{enrolment_id}/certificates", seen) == (409, "already_registered")


async def answer_at(world: World, enrolment_id: str, day_0: date, day: int, outcome: str) -> None:
    """On the named day; its window has opened before."""
    when = date.fromordinal(day_0.toordinal() + day)
    world.svc.set_clock(wit(when.year, when.month, when.day))
    one = await world.wait_for(lambda: due(world, enrolment_id, day))
    await world.do(f"/followups/{one['followup_id']}/record", {"outcome_code": outcome, "answered": True})


async def due(world: World, enrolment_id: str, day: int) -> object:
    found = await world.get(f"/followups?enrolment_id={enrolment_id}")
    return next((one for one in found if one["day"] == day and one["state"] == "due"), None)


async def nothing_joins_the_last_answer(world: World, told_before: str) -> None:
    """After the case was closed, the outcome is counted; neither ids nor correlation lead to the person."""
    events = await world.svc.said()
    last = events[-1]
    assert last.data["outcome_code"] == "EMPLOYED_FORMAL"
    assert [last.data[name] for name in ("enrolment_id", "referral_id", "case_ref")] == [None, None, None]
    earlier = events[:-1]
    assert last.subject == last.data["followup_id"] != told_before
    assert last.data["followup_id"] not in {event.data.get("followup_id") for event in earlier}
    assert last.correlationid not in {event.correlationid for event in earlier}
    database = world.svc.service.database
    assert await database["followups"].find_one({"_id": last.data["followup_id"]}) is None


async def test_excused_hours_are_made_up_and_no_reason_is_kept(world: World) -> None:
    await world.programme(hours=40)
    await world.cohort()
    enrolment_id = (await world.enrol())["enrolment_id"]
    await world.run_class()
    await twenty_days(world, enrolment_id, [8, 8, 8])
    day = date(2027, 2, 4)
    await world.session("S-REPORT", day)
    world.svc.set_clock(wit(2027, 2, 4, 17))
    await world.attend("S-REPORT", enrolment_id, "EXCUSED", 0)
    await world.close("S-REPORT")
    assert (await world.enrolment(enrolment_id))["percent"] == 60.0
    late = {"entries": [{"enrolment_id": enrolment_id, "state": "PRESENT", "hours": 8}]}
    assert await world.refused("/sessions/S-REPORT/attendance", late, "instructor", "ins-ona") == (409, "illegal_move")
    await world.attend("S-REPORT", enrolment_id, "MADE_UP", 8)
    done = await world.complete(enrolment_id)
    assert (done["percent"], done["passed"]) == (80.0, True)
    entries = (await world.svc.service.database["enrolments"].find_one({"_id": enrolment_id}))["entries"]
    assert [entry["state"] for entry in entries] == ["PRESENT", "PRESENT", "PRESENT", "EXCUSED", "MADE_UP"]
    assert set(entries[3]) == {"session_id", "cohort_code", "held_on", "state", "hours", "at", "by"}


async def test_a_failed_critical_unit_earns_a_statement_of_completion_only(world: World) -> None:
    await world.programme(hours=40)
    await world.cohort()
    enrolment_id = (await world.enrol())["enrolment_id"]
    await world.run_class()
    await twenty_days(world, enrolment_id, [8] * 5)
    done = await world.complete(
        enrolment_id, ("SAFETY", "FAIL"), ("SAFETY", "FAIL"), ("SAFETY", "FAIL"), ("JOINT", "PASS")
    )
    assert (done["percent"], done["passed"]) == (100.0, False)
    [one] = await world.get(f"/certificates?enrolment_id={enrolment_id}")
    assert one["kind"] == "COMPLETION_STATEMENT"
    path = f"/enrolments/{enrolment_id}/assessments"
    assert (await world.refused(path, {"unit": "SAFETY", "result": "PASS"}, "assessor", "ass-rudi"))[0] == 409


async def test_under_80_percent_earns_a_statement_of_participation(world: World) -> None:
    await world.programme(hours=40)
    await world.cohort()
    enrolment_id = (await world.enrol())["enrolment_id"]
    await world.run_class()
    await twenty_days(world, enrolment_id, [8, 8, 0, 8, 7])
    done = await world.complete(enrolment_id)
    assert (done["percent"], done["passed"]) == (77.5, False)
    [one] = await world.get(f"/certificates?enrolment_id={enrolment_id}")
    assert one["kind"] == "PARTICIPATION_STATEMENT"


async def test_finishing_is_for_an_assessor_of_the_cohort_and_then_the_officer(world: World) -> None:
    await world.programme(hours=40)
    await world.cohort()
    enrolment_id = (await world.enrol())["enrolment_id"]
    await world.run_class()
    await world.session("S1", date(2027, 2, 1))
    await world.attend("S1", enrolment_id)
    finish, grade = f"/enrolments/{enrolment_id}/moves/finish", f"/enrolments/{enrolment_id}/assessments"
    assert await world.refused(grade, {"unit": "SAFETY", "result": "PASS"}, "assessor", "ass-lain") == (
        403,
        "not_allowed",
    )
    for unit in ("SAFETY", "JOINT"):
        await world.do(grade, {"unit": unit, "result": "PASS"}, "assessor", "ass-rudi")
    assert await world.refused(finish, {}, "assessor", "ass-rudi") == (409, "attendance_open")
    await world.close("S1")
    assert await world.refused(finish, {}) == (409, "not_finished_by_assessor")
    assert await world.refused(finish, {}, "assessor", "ass-lain") == (403, "not_allowed")
    await world.finish(enrolment_id, "assessor", "ass-rudi")
    assert (await world.finish(enrolment_id))["state"] == "completed"


async def test_a_certificate_is_corrected_by_two_and_revoked_by_the_head(world: World) -> None:
    await world.programme(hours=40)
    await world.cohort()
    enrolment_id = (await world.enrol())["enrolment_id"]
    await world.run_class()
    await twenty_days(world, enrolment_id, [8])
    await world.complete(enrolment_id)
    [draft] = await world.get(f"/certificates?enrolment_id={enrolment_id}")
    path = f"/certificates/{draft['certificate_id']}/moves"
    await world.do(f"{path}/issue", {}, "training_host", "host-1")
    alone = {"reason_code": "ERROR_IN_RECORD", "second_person": "host-1"}
    assert await world.refused(f"{path}/correct", alone, "training_host", "host-1") == (409, "second_person")
    new = await world.do(f"{path}/correct", {**alone, "second_person": "off-sari"}, "training_host", "host-1")
    assert (new["state"], new["replaces"]) == ("issued", draft["certificate_id"])
    assert (await world.get(f"/certificates/{draft['certificate_id']}"))["state"] == "superseded"
    revoke = f"/certificates/{new['certificate_id']}/moves/revoke"
    assert await world.refused(revoke, {"reason_code": "NEW_OFFENCE"}, "head_of_opd") == (422, "invalid")
    await world.do(revoke, {"reason_code": "WRONG_PERSON"}, "head_of_opd")
    assert (await world.told())[-4:] == [
        "certificate.issued", "certificate.superseded", "certificate.issued", "certificate.revoked",
    ]  # fmt: skip
