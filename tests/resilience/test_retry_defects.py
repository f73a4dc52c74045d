"""Every fault is counted, told with what it belongs to, and its cause is kept: nothing is swallowed."""

from tests.resilience.town import Process, Town, case, until

SPOILT = case(7)


async def defects(office: Process, where: str) -> float:
    return await office.metric("basudara_defects_total", where=where)


async def test_a_fault_in_any_handler_is_counted_told_with_its_cause_and_kept(town: Town) -> None:
    """Promise 38: a fault in a handler of events, in a commit, in a duty and in a command."""
    office = await town.start("training")
    failing = [await town.put_request(case(1), "SEWING") for _ in range(3)]
    await town.database("training")["tallies"].insert_one({"_id": SPOILT, "version": "of no number", "seen": 7})
    uncommitted = await town.put_request(SPOILT)
    await town.settled("training")
    reply = await office.http.get(f"/tallies/{SPOILT}")
    await office.http.post("/beats", json={"case_ref": SPOILT, "due_in_seconds": 0})
    duties = town.database("training")["duties"]

    async def failed_twice() -> bool:
        return bool(await duties.count_documents({"failures": {"$gte": 2}}))

    await until(failed_twice, "the duty has failed, and is tried again")

    handlers = office.lines("consumer.handler_failed")
    assert [line["event_id"] for line in handlers] == [event.id for event in failing]
    assert [line["correlation_id"] for line in handlers] == [event.correlationid for event in failing]
    assert await defects(office, "handler") == len(failing)
    (commit,) = office.lines("consumer.commit_refused")
    assert (commit["event_id"], commit["correlation_id"]) == (uncommitted.id, uncommitted.correlationid)
    assert await defects(office, "commit") == 1
    parked = office.lines("consumer.parked")
    assert sorted(line["event_id"] for line in parked) == sorted(one.id for one in (*failing, uncommitted))
    assert len(await town.parked()) == len(failing) + 1

    assert reply.status_code == 500
    (told,) = office.lines("http.defect")
    assert told["instance"] == reply.json()["instance"]
    assert await defects(office, "http") == 1

    failures = office.lines("duties.failed")
    assert await defects(office, "duty") == len(failures) >= 2
    assert all(line["correlation_id"] and line["duty"] == "tally.beat" for line in failures)
    assert all("ValidationError" in line["error"] for line in (commit, told, *failures))
    assert all("ZeroDivisionError" in line["error"] for line in handlers)
