"""Programmes and cohorts: planned, opened to the line, run, moved, finished, cancelled."""

from datetime import date

from training_world import TYPE, World, wit


async def test_programmes_and_cohorts_are_told_to_all_parties_without_any_person(world: World) -> None:
    await world.programme()
    await world.cohort()
    await world.enrol()
    await world.run_class()
    dates = {"starts_on": "2027-02-02", "ends_on": "2027-03-31", "reason_code": "INSTRUCTOR"}
    await world.do("/cohorts/WELD-2027-01/moves/reschedule", dates)
    events = [event for event in await world.svc.said() if "cohort_code" in event.data or "units" in event.data]
    public = [event for event in events if "enrolment_id" not in event.data]
    assert [event.type for event in public] == [
        TYPE.format(f"training.{name}")
        for name in ("programme.published", "cohort.planned", "cohort.opened", "cohort.started", "cohort.rescheduled")
    ]
    states = [(event.data["state"], event.data["reason_code"]) for event in public[1:]]
    assert states == [("planned", None), ("open", None), ("running", None), ("running", "INSTRUCTOR")]
    for event in public:
        assert not {"case_ref", "referral_id", "enrolment_id", "taken", "seats_free"} & set(event.data)


async def test_opening_gives_seats_to_those_who_wait_in_their_order(world: World) -> None:
    await world.programme()
    waiting = [(await world.accept(await world.refer()))["enrolment_id"] for _ in range(3)]
    await world.cohort(capacity=2)
    assert [(await world.enrolment(one))["state"] for one in waiting] == ["reserved", "reserved", "waitlisted"]
    assert (await world.enrolment(waiting[2]))["place_in_line"] == 1
    seats = [event.data["enrolment_id"] for event in await world.svc.said(TYPE.format("training.seat.reserved"))]
    assert seats == waiting[:2]


async def test_people_of_a_cancelled_cohort_go_to_the_head_of_the_line_and_into_the_next_class(world: World) -> None:
    await world.programme()
    await world.cohort("WELD-1", capacity=2)
    first = (await world.enrol())["enrolment_id"]
    second = (await world.accept(await world.refer()))["enrolment_id"]
    third = (await world.accept(await world.refer()))["enrolment_id"]
    cancel = "/cohorts/WELD-1/moves/cancel"
    assert await world.refused(cancel, {"reason_code": "BUDGET"}) == (403, "not_allowed")
    await world.do(cancel, {"reason_code": "BUDGET"}, "head_of_opd")
    assert [(await world.enrolment(one))["place_in_line"] for one in (first, second, third)] == [1, 2, 3]
    back = (await world.svc.said(TYPE.format("training.seat.waitlisted")))[-2:]
    assert [(one.data["enrolment_id"], one.data["place_in_line"], one.data["reason_code"]) for one in back] == [
        (first, 1, "COHORT_CANCELLED"),
        (second, 2, "COHORT_CANCELLED"),
    ]
    await world.cohort("WELD-2", capacity=2)
    states = [(await world.enrolment(one))["state"] for one in (first, second, third)]
    assert states == ["reserved", "reserved", "waitlisted"]
    assert (await world.enrolment(first))["cohort_code"] == "WELD-2"


async def test_a_cohort_starts_with_enough_people_and_finishes_when_all_have_ended(world: World) -> None:
    await world.programme(hours=40)
    await world.cohort()
    assert await world.refused("/cohorts/WELD-2027-01/moves/start", {}) == (409, "too_few")
    enrolment_id = (await world.enrol())["enrolment_id"]
    only_reserved = (await world.accept(await world.refer()))["enrolment_id"]
    await world.run_class()
    await world.session("S1", date(2027, 2, 1))
    await world.attend("S1", enrolment_id)
    finish = "/cohorts/WELD-2027-01/moves/finish"
    assert await world.refused(finish, {}) == (409, "still_in_use")
    await world.close("S1")
    assert await world.refused(finish, {}) == (409, "still_in_use")
    await world.complete(enrolment_id)
    assert (await world.do(finish))["state"] == "finished"
    assert (await world.enrolment(only_reserved))["place_in_line"] == 1


async def test_nobody_is_seated_in_a_running_class_once_80_percent_is_out_of_reach(world: World) -> None:
    await world.programme(hours=40)
    await world.cohort()
    await world.enrol()
    await world.run_class()
    await world.session("S1", date(2027, 2, 1), 8)
    await world.close("S1")
    assert (await world.accept(await world.refer()))["state"] == "reserved"
    await world.session("S2", date(2027, 2, 2), 1)
    world.svc.set_clock(wit(2027, 2, 2, 10))
    await world.close("S2")
    assert (await world.accept(await world.refer()))["state"] == "waitlisted"


async def test_classes_keep_to_working_days_dates_and_the_own_instructor(world: World) -> None:
    await world.programme()
    await world.cohort()
    one = await world.enrol()
    sessions = "/cohorts/WELD-2027-01/sessions"
    body = {"session_id": "S1", "held_on": "2027-02-05", "hours": 8, "starts_at": "08:00"}
    assert await world.refused(sessions, body) == (409, "not_a_working_day")  # cuti bersama
    assert await world.refused(sessions, {**body, "held_on": "2027-04-01"}) == (422, "invalid")
    monday = {**body, "held_on": "2027-02-01"}
    assert await world.refused(sessions, monday, "instructor", "ins-lain") == (403, "not_allowed")
    await world.do(sessions, monday, "instructor", "ins-ona")
    assert await world.refused(sessions, monday) == (409, "code_taken")
    line = {"entries": [{"enrolment_id": one["enrolment_id"], "state": "PRESENT", "hours": 8}]}
    path = "/sessions/S1/attendance"
    assert await world.refused(path, line, "instructor", "ins-ona") == (409, "session_ahead")
    world.svc.set_clock(wit(2027, 2, 1, 17))
    assert await world.refused(path, line, "instructor", "ins-ona") == (409, "illegal_move"), (
        "the cohort has not started"
    )
    await world.run_class()
    assert await world.refused(path, line, "instructor", "ins-lain") == (403, "not_allowed")
    assert await world.refused(path, line, "programme_officer") == (403, "not_allowed")
    long = {"entries": [{**line["entries"][0], "hours": 9}]}
    assert await world.refused(path, long, "instructor", "ins-ona") == (422, "invalid")
    twice = {"entries": line["entries"] * 2}
    assert await world.refused(path, twice, "instructor", "ins-ona") == (422, "invalid")
    assert (await world.enrolment(one["enrolment_id"]))["state"] == "enrolled", "a refused list leaves no line behind"


async def test_children_learn_off_the_job_with_a_plan_after_school(world: World) -> None:
    sewing = {"field": "SEWING", "hours": 60, "min_age": 14, "units": [{"unit": "CUT", "critical": True}]}
    await world.programme("SEW-SALE", **sewing, mode="ON_JOB")
    await world.programme("SEW", **sewing)
    body = {
        "cohort_code": "SEW-1", "programme_code": "SEW-SALE", "capacity": 16, "place_code": "blk-passo",
        "starts_on": "2027-02-01", "ends_on": "2027-03-31", "minors_only": True, "budget_line": "5.1",
    }  # fmt: skip
    assert await world.refused("/cohorts", body) == (409, "age_rule")
    await world.do("/cohorts", {**body, "programme_code": "SEW"})
    staff = {"instructor_id": "ins-ona", "assessor_ids": ["ass-rudi"]}
    assert await world.refused("/cohorts/SEW-1/moves/open", staff) == (422, "missing_fact")
    await world.do("/cohorts/SEW-1/moves/open", {**staff, "hazard_plan": "rencana K3"})
    adult = await world.accept(await world.refer(field="SEWING"))
    child = await world.accept(await world.refer(field="SEWING", age_group="CHILD_14_15"))
    assert (adult["state"], child["state"]) == ("waitlisted", "reserved")
    session = {"session_id": "S1", "held_on": "2027-02-01", "hours": 3, "starts_at": "10:00"}
    assert await world.refused("/cohorts/SEW-1/sessions", session) == (409, "age_rule")
    assert await world.refused("/cohorts/SEW-1/sessions", {**session, "starts_at": "13:30", "hours": 4}) == (
        409,
        "age_rule",
    )
    await world.do("/cohorts/SEW-1/sessions", {**session, "starts_at": "13:30"})


async def test_codes_are_given_once_and_shapes_are_kept(world: World) -> None:
    await world.programme()
    again = {
        "programme_code": "WELD", "title": "Lain", "field": "WELDING", "units": [{"unit": "A", "critical": False}],
        "hours": 40, "mode": "OFF_JOB", "hazard_listed": False, "min_age": 18,
    }  # fmt: skip
    assert await world.refused("/programmes", again) == (409, "code_taken")
    assert await world.refused("/programmes", {**again, "programme_code": "weld"}) == (422, "invalid")
    assert await world.refused("/programmes", {**again, "title": "a\u202eb"}) == (422, "invalid")
    assert await world.refused("/programmes", {**again, "surprise": 1}) == (422, "invalid")
    assert await world.refused("/programmes", {**again, "programme_code": "W2"}, "head_of_opd") == (403, "not_allowed")
    assert await world.refused("/cohorts/NONE/moves/fly", {"expected_version": 1}) == (404, "unknown_move")
    assert [one["title"] for one in await world.get("/programmes")] == ["Las dasar"]
