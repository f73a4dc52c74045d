"""Several officers at once: parallel HTTP requests on a real store. Seats are never oversold, the line never skips."""

import asyncio
from collections import Counter
from typing import Any

import httpx
from training_world import World, a_replica, wit

from chassis import measures
from chassis.ids import new_id


def conflicts() -> float:
    return float(measures.CONFLICTS._value.get())


async def answer(world: World, referral_id: str, place_code: str, door: httpx.AsyncClient | None = None) -> int:
    body = {"place_code": place_code, "accommodations_met": True, "expected_version": 1}
    headers = world.svc.as_("programme_officer", subject="off-sari")
    reply = await (door or world.svc.http).post(f"/placements/{referral_id}/moves/accept", json=body, headers=headers)
    return reply.status_code


async def enrolments_of(world: World, *referrals: str) -> list[dict[str, Any]]:
    return [(await world.get(f"/enrolments?referral_id={one}"))[0] for one in referrals]


async def test_two_officers_at_the_last_seat_give_one_seat_and_one_place_in_line(world: World) -> None:
    await world.programme()
    before = conflicts()
    for number in range(20):
        place = f"blk-{number}"
        await world.cohort(f"WELD-{number}", capacity=1, place_code=place)
        first, second = await world.refer(settle=False), await world.refer()
        assert await asyncio.gather(answer(world, first, place), answer(world, second, place)) == [200, 200]
        both = await enrolments_of(world, first, second)
        assert sorted(one["state"] for one in both) == ["reserved", "waitlisted"], f"round {number}"
        assert {one["place_in_line"] for one in both if one["state"] == "waitlisted"} == {1}
        assert (await world.get(f"/cohorts/WELD-{number}"))["seats_free"] == 0
    told = Counter(await world.told())
    assert (told["placement.accepted"], told["seat.reserved"], told["seat.waitlisted"]) == (40, 20, 20)
    assert conflicts() > before, "the requests never met: this proved nothing"


async def test_two_replicas_at_the_last_seat_give_one_seat_and_one_place_in_line(world: World) -> None:
    await world.programme()
    async with a_replica(world) as other:
        for number in range(5):
            place = f"blk-{number}"
            await world.cohort(f"WELD-{number}", capacity=1, place_code=place)
            first, second = await world.refer(settle=False), await world.refer()
            await world.wait_for(lambda ids=(first, second): _received(world, *ids))
            answers = answer(world, first, place), answer(world, second, place, other)
            assert await asyncio.gather(*answers) == [200, 200]
            both = await enrolments_of(world, first, second)
            assert sorted(one["state"] for one in both) == ["reserved", "waitlisted"], f"round {number}"


async def _received(world: World, *referrals: str) -> bool:
    found = {one["referral_id"] for one in await world.get("/placements?state=received")}
    return set(referrals) <= found


async def test_twelve_officers_at_four_seats_seat_four_and_number_the_others_without_a_gap(world: World) -> None:
    await world.programme()
    await world.cohort(capacity=4)
    referrals = [await world.refer(settle=False) for _ in range(12)]
    await world.svc.settled()
    assert set(await asyncio.gather(*(answer(world, one, "blk-passo") for one in referrals))) == {200}
    states = Counter(one["state"] for one in await enrolments_of(world, *referrals))
    assert states == {"reserved": 4, "waitlisted": 8}
    line = await world.get("/waitlist?field=WELDING&place_code=blk-passo")
    assert [one["place_in_line"] for one in line] == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_the_same_yes_twice_at_once_is_one_yes(world: World) -> None:
    await world.programme()
    await world.cohort()
    for _ in range(10):
        referral_id = await world.refer()
        answers = await asyncio.gather(*(answer(world, referral_id, "blk-passo") for _ in range(4)))
        assert sorted(answers) == [200, 409, 409, 409]
        assert len(await world.get(f"/enrolments?referral_id={referral_id}")) == 1


async def test_a_seat_given_back_while_somebody_is_accepted_goes_to_the_head_of_the_line(world: World) -> None:
    await world.programme()
    for number in range(8):
        place, case = f"blk-{number}", new_id("prt")
        await world.cohort(f"WELD-{number}", capacity=1, place_code=place)
        leaving, waiting, newcomer = await world.refer(case), await world.refer(), await world.refer()
        await world.accept(leaving, place)
        await world.accept(waiting, place)
        data = {"referral_id": leaving, "case_ref": case, "reason_code": "MOVED"}
        cancelled = world.hear("referral.cancelled", data, subject=leaving, version=5)
        await asyncio.gather(cancelled, answer(world, newcomer, place))
        await world.svc.settled()
        left, seated, queued = await enrolments_of(world, leaving, waiting, newcomer)
        assert (left["state"], seated["state"], queued["state"]) == ("released", "reserved", "waitlisted"), (
            f"round {number}"
        )


async def test_a_cohort_cancelled_while_somebody_is_accepted_or_confirmed_leaves_nobody_in_it(world: World) -> None:
    await world.programme()
    for number in range(8):
        place, code = f"blk-{number}", f"WELD-{number}"
        await world.cohort(code, capacity=5, place_code=place)
        first, second = await world.refer(), await world.refer()
        one = await world.accept(first, place)
        await world.do(f"/enrolments/{one['enrolment_id']}/moves/fetch-card")
        cancel = {"expected_version": await world.version(f"/cohorts/{code}"), "reason_code": "BUDGET"}
        confirm = {"expected_version": await world.version(f"/enrolments/{one['enrolment_id']}")}
        await asyncio.gather(
            world.post(f"/cohorts/{code}/moves/cancel", cancel, "head_of_opd"),
            world.post(f"/enrolments/{one['enrolment_id']}/moves/confirm", confirm),
            answer(world, second, place),
        )
        states = {one["state"] for one in await enrolments_of(world, first, second)}
        assert states == {"waitlisted"}, f"round {number}"
        line = await world.get(f"/waitlist?field=WELDING&place_code={place}")
        assert len(line) == 2
        assert line[0]["enrolment_id"] == one["enrolment_id"], "who came first stands first"


async def test_two_sessions_at_once_never_exceed_a_childs_day(world: World) -> None:
    await world.programme("SEW", field="SEWING", hours=60, min_age=14, units=[{"unit": "CUT", "critical": True}])
    await world.cohort("SEW-1", programme="SEW", minors_only=True, hazard_plan="rencana K3")
    for number, day in enumerate(("2027-02-01", "2027-02-02", "2027-02-03", "2027-02-04")):
        bodies = [
            {"session_id": f"S{number}-{half}", "held_on": day, "hours": 2, "starts_at": f"1{3 + half * 2}:00"}
            for half in (0, 1)
        ]
        replies = await asyncio.gather(*(world.post("/cohorts/SEW-1/sessions", body) for body in bodies))
        assert sorted(reply.status_code for reply in replies) == [201, 409], day


async def test_two_due_duties_and_an_officer_at_one_seat_end_it_once(world: World) -> None:
    await world.programme()
    await world.cohort(capacity=1)
    one, two = await world.accept(await world.refer()), await world.accept(await world.refer())
    await world.do(f"/enrolments/{one['enrolment_id']}/moves/fetch-card")
    confirm = {"expected_version": await world.version(f"/enrolments/{one['enrolment_id']}")}
    world.svc.set_clock(wit(2027, 2, 2, 0, 1))  # 10 working days after 18 January are over
    reply, _ = await asyncio.gather(
        world.post(f"/enrolments/{one['enrolment_id']}/moves/confirm", confirm), asyncio.sleep(1.5)
    )
    first = (await world.enrolment(one["enrolment_id"]))["state"]
    second = (await world.enrolment(two["enrolment_id"]))["state"]
    assert (first, second) == (("enrolled", "waitlisted") if reply.status_code == 200 else ("released", "reserved"))
