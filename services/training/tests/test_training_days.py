"""Promise 49: a day is the agency's. From midnight to nine in Ambon it is still the day before in UTC."""

from datetime import date

from training_world import World, wit

from chassis.ids import new_id

LATE, EARLY = wit(2027, 2, 1, 23, 30), wit(2027, 2, 2, 0, 30)


async def in_class(world: World) -> tuple[str, str]:
    """Two who were present in every session."""
    await world.programme(hours=40)
    await world.cohort()
    both = [str((await world.enrol(new_id("prt")))["enrolment_id"]) for _ in range(2)]
    await world.run_class()
    await world.session("S1", date(2027, 2, 1))
    for one in both:
        await world.attend("S1", one)
    await world.close("S1")
    return both[0], both[1]


async def test_what_is_done_at_half_past_midnight_bears_the_day_that_began_in_ambon(world: World) -> None:
    first, second = await in_class(world)
    world.svc.set_clock(LATE)
    await world.complete(first)
    world.svc.set_clock(EARLY)
    await world.complete(second)
    told = await world.svc.said("id.basudara.training.enrolment.completed.v1")
    assert [one.data["completed_on"] for one in told] == ["2027-02-01", "2027-02-02"]
    windows = [(await world.get(f"/followups?enrolment_id={one}"))[0]["window_from"] for one in (first, second)]
    assert windows == ["2027-02-24", "2027-02-25"]
    [draft] = await world.get(f"/certificates?enrolment_id={first}")
    issued = await world.do(f"/certificates/{draft['certificate_id']}/moves/issue", {}, "head_of_opd", "off-head")
    assert issued["issued_on"] == (await world.last("certificate.issued"))["issued_on"] == "2027-02-02"


async def test_a_list_is_taken_from_the_first_minute_of_the_sessions_day_in_ambon(world: World) -> None:
    await world.programme(hours=40)
    await world.cohort()
    enrolment_id = (await world.enrol())["enrolment_id"]
    await world.run_class()
    await world.session("S2", date(2027, 2, 2))
    world.svc.set_clock(LATE)
    entry = {"entries": [{"enrolment_id": enrolment_id, "state": "PRESENT", "hours": 8}]}
    early = await world.refused("/sessions/S2/attendance", entry, "instructor", "ins-ona")
    assert early == (409, "session_ahead")
    world.svc.set_clock(EARLY)
    await world.attend("S2", enrolment_id)
