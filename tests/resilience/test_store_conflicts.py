"""Commands that meet each other, and a store that hesitates: one lawful winner, and no word of it to the asker."""

import asyncio
from typing import Any

import httpx

from chassis import ids
from tests.resilience.machines import Machines
from tests.resilience.town import Process, Town, case, until

CASE = case(1)
ALMOST_FOR_EVER = 100_000
WRITE_CONFLICT = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
UNKNOWN_RESULT = {"writeConcernError": {"code": 64, "errmsg": "not confirmed in time"}}  # it is committed nevertheless
HUNG_UP = {"closeConnection": True}  # it is not


async def office_with_a_case(town: Town) -> Process:
    office = await town.start("training")
    await town.put_request(CASE)
    await town.settled("training")
    return office


async def beat(office: Process) -> httpx.Response:
    return await office.http.post("/beats", json={"case_ref": CASE})


def only(town: Town, service: str) -> dict[str, str]:
    """The fail point is for this service's connections; others, such as this test's, are served."""
    return {"appName": f"{town.agency_of[service]}/{service}/1"}


async def test_of_fifty_commands_on_one_case_each_counts_once_and_none_meets_a_500(
    town: Town, machines: Machines
) -> None:
    """Promise 11, with a store that adds write conflicts of its own."""
    office = await office_with_a_case(town)
    machines.fail_command(20, ["update"], **WRITE_CONFLICT, **only(town, "training"))
    replies = await asyncio.gather(*(beat(office) for _ in range(50)))
    machines.fail_no_more()
    counted = [reply.json()["version"] for reply in replies if reply.status_code == 201]
    assert {reply.status_code for reply in replies} <= {201, 503}, "a conflict among writers is no answer to an asker"
    assert len(counted) > 25
    assert sorted(counted) == list(range(2, len(counted) + 2)), "one winner of each step"
    tally = (await office.http.get(f"/tallies/{CASE}")).json()
    assert tally["beats"] == len(counted)


async def test_of_fifty_twins_of_a_command_one_wins_and_the_others_are_told_of_the_conflict(
    town: Town, machines: Machines
) -> None:
    """Promise 11: the business answer, 409, comes from the rule that was broken and not from the store."""
    sender = await town.start("referral")
    machines.fail_command(20, ["insert"], **WRITE_CONFLICT, **only(town, "referral"))
    twin = ids.new_id("ref")
    asked = await asyncio.gather(*(town.ask(sender, CASE, referral_id=twin) for _ in range(50)))
    machines.fail_no_more()
    assert sorted(reply.status_code for _, reply in asked) == [201] + [409] * 49
    await town.settled("referral")
    assert len(await town.records(town.requests_topic)) == 1


async def test_a_conflict_that_does_not_end_is_told_as_ours_and_ends_with_its_cause(
    town: Town, machines: Machines
) -> None:
    """Promise 11: a time limit, after which the asker is told to come again."""
    office = await office_with_a_case(town)
    machines.fail_command(ALMOST_FOR_EVER, ["update"], **WRITE_CONFLICT, **only(town, "training"))
    late = await beat(office)
    machines.fail_no_more()
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")
    assert (await beat(office)).json() == {"version": 2}


async def each_unclear_commit(town: Town, machines: Machines, service: str, act: Any) -> None:
    """Do `act` under every way in which the answer to a commit gets lost, once and twice in a row."""
    for fault in (UNKNOWN_RESULT, HUNG_UP):
        for times in (1, 2):
            await town.settled(service)  # so that the next commit is not one of the relay
            machines.fail_command(times, ["commitTransaction"], **fault, **only(town, service))
            await act()
            machines.fail_no_more()


async def test_a_command_whose_commit_is_answered_with_unknown_happens_once(town: Town, machines: Machines) -> None:
    """Promise 12, at the door: one state change and one event for each command."""
    sender = await town.start("referral")
    replies: list[httpx.Response] = []

    async def ask() -> None:
        replies.append((await town.ask(sender, CASE))[1])

    await each_unclear_commit(town, machines, "referral", ask)
    assert [reply.status_code for reply in replies] == [201] * 4, "what did commit is not refused as its own twin"
    await town.settled("referral")
    assert await town.database("referral")["requests"].count_documents({}) == 4
    assert len(await town.records(town.requests_topic)) == 4


async def test_a_step_whose_commit_is_answered_with_unknown_is_one_step(town: Town, machines: Machines) -> None:
    """Promise 12: nothing in this command would find its own twin."""
    office = await office_with_a_case(town)
    replies: list[httpx.Response] = []

    async def touch() -> None:
        replies.append(await beat(office))

    await each_unclear_commit(town, machines, "training", touch)
    assert [reply.json() for reply in replies] == [{"version": version} for version in (2, 3, 4, 5)]


async def test_an_event_whose_commit_is_answered_with_unknown_has_one_effect_and_one_answer(
    town: Town, machines: Machines
) -> None:
    """Promise 12, where events are read."""
    await office_with_a_case(town)
    told: list[str] = []

    async def tell() -> None:
        event = await town.put_request(CASE)
        told.append(event.subject)

        async def counted() -> bool:
            return event.subject in await town.seen()

        await until(counted, "the referral is counted")

    await each_unclear_commit(town, machines, "training", tell)
    await town.settled("training")
    assert (await town.seen())[1:] == told
    assert len({dict(one.headers)["ce_id"] for one in await town.answers()}) == 5
    assert not await town.parked()


async def test_a_commit_that_is_never_confirmed_is_told_as_ours_and_no_event_is_parked_for_it(
    town: Town, machines: Machines
) -> None:
    """Promise 12: what can't be known is asked again, where there is a note of it, and not guessed."""
    office = await office_with_a_case(town)
    machines.fail_command(ALMOST_FOR_EVER, ["commitTransaction"], **UNKNOWN_RESULT, **only(town, "training"))
    unclear = await beat(office)
    event = await town.put_request(CASE)

    async def failing() -> bool:
        return bool(office.lines("consumer.poll_failed"))

    await until(failing, "the poll can't be confirmed")
    machines.fail_no_more()
    await town.settled("training")
    assert (unclear.status_code, unclear.headers["retry-after"]) == (503, "1")
    assert (await town.seen())[1:] == [event.subject]
    assert not await town.parked()


async def test_a_body_that_runs_twice_says_its_event_once(town: Town, machines: Machines) -> None:
    """Promise 12: the store refuses the first run's writes; what that run had staged is forgotten."""
    sender = await town.start("referral")
    office = await office_with_a_case(town)
    for service in ("referral", "training"):
        machines.fail_command(1, ["insert"], **WRITE_CONFLICT, **only(town, service))
        if service == "referral":
            assert (await town.ask(sender, CASE))[1].status_code == 201
        else:
            await town.put_request(CASE)
        await town.settled("referral", "training")
        machines.fail_no_more()
    assert len(await town.records(town.requests_topic)) == 3
    assert len(await town.answers()) == len(await town.seen()) == 3
    assert await office.metric("basudara_transaction_conflicts_total") >= 1, "it did run twice"
