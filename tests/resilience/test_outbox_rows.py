"""Rows of the outbox that are missing, can't be sent, or were left by somebody else: all others go their way."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer

from chassis.envelope import from_record, to_record
from tests.resilience.dump import command, findings
from tests.resilience.proxy import Proxy
from tests.resilience.town import LIMIT_SECONDS, Process, Town, case, request, until

MEBIBYTE = 1024 * 1024


async def lease_held_elsewhere(town: Town, service: str) -> None:
    """As if another replica led: what this service writes stays unsent."""
    until_ = datetime.now(UTC) + timedelta(hours=1)
    await town.database(service)["leases"].insert_one(
        {"_id": "relay", "holder": "elsewhere", "fence": 7, "until": until_}
    )


async def lease_given_up(town: Town, service: str) -> None:
    await town.database(service)["leases"].update_one({"_id": "relay"}, {"$set": {"until": datetime.now(UTC)}})


async def unsent(town: Town, service: str) -> list[dict[str, Any]]:
    documents = await town.database(service)["outbox"].find({"sent": False}).sort("_id").to_list()
    return [row for document in documents for row in document["rows"]]


async def test_a_row_deleted_by_hand_does_not_stop_those_behind_it_and_leaves_a_gap_to_be_seen(town: Town) -> None:
    """Promise 16."""
    await lease_held_elsewhere(town, "training")
    await town.start("training")
    asked = [await town.put_request(case(1)) for _ in range(5)]

    async def five() -> bool:
        return len(await unsent(town, "training")) == 5

    await until(five, "five answers wait")
    third = (await unsent(town, "training"))[2]
    await town.database("training")["outbox"].update_many({}, {"$pull": {"rows": {"id": third["id"]}}})
    await lease_given_up(town, "training")
    await town.settled("training")
    answers = [from_record(one.value, one.headers) for one in await town.answers()]
    assert [answer.aggregateversion for answer in answers] == [1, 2, 4, 5]
    found = await findings(town, map(command, asked))
    assert [one for one in found if one.startswith("gap") and one.endswith("no event of version 3")], found


async def test_rows_that_a_killed_process_left_and_those_of_its_successor_are_all_sent_in_order(
    town: Town, broker_way: Proxy
) -> None:
    """Promise 13: there is no feed that could fail to resume; whoever leads reads the outbox itself."""
    doomed = await town.start("referral", "1", kafka=f"127.0.0.1:{broker_way.port}")
    await broker_way.cut()
    asked = [(await town.ask(doomed, case(1)))[0] for _ in range(20)]
    assert len(await unsent(town, "referral")) == 20, "commands are answered while the broker is away"
    doomed.kill()
    successor = await town.start("referral", "1")
    asked += [(await town.ask(successor, case(1)))[0] for _ in range(20)]
    await town.settled("referral")
    heard = [from_record(one.value, one.headers).subject for one in await town.records(town.requests_topic)]
    assert list(dict.fromkeys(heard)) == asked, "each at least once, and in the order of the commands"


def row_of(town: Town, case_ref: str) -> dict[str, Any]:
    """An unsent row as the service itself would leave it."""
    event = request(town.sender, case_ref)
    value, headers = to_record(event)
    return {
        "id": event.id, "topic": town.requests_topic, "key": case_ref.encode(), "value": value,
        "headers": [list(header) for header in headers], "aggregate": f"Request:{event.subject}", "version": 1,
    }  # fmt: skip


def document_of(*rows: dict[str, Any]) -> dict[str, Any]:
    """What one unit of work has said."""
    return {"_id": rows[0]["id"], "at": datetime.now(UTC), "sent": False, "rows": list(rows)}


UNSENDABLE: dict[str, dict[str, Any]] = {
    "larger than this service can send": {"value": b"x" * 3 * MEBIBYTE},
    "larger than the topic takes": {"value": b"x" * (MEBIBYTE + MEBIBYTE // 2)},
    "of text where bytes belong": {"value": "x"},
    "with a header that is no pair of name and bytes": {"headers": [["name", 7]]},
}


async def test_a_row_that_cannot_be_sent_holds_back_its_own_case_only_and_is_shown(town: Town) -> None:
    """Promise 20."""
    sender = await town.start("referral")
    outbox = town.database("referral")["outbox"]
    bad = [{**row_of(town, case(number)), **fault} for number, fault in enumerate(UNSENDABLE.values())]
    behind = [row_of(town, case(number)) for number in range(len(bad))]
    await outbox.insert_many([document_of(row) for row in (*bad, *behind)])

    async def held() -> bool:
        return await sender.metric("basudara_outbox_held") == len(bad)

    await until(held, "the rows are shown as held")
    others = [(await town.ask(sender, case(number)))[0] for number in range(10, 30)]
    await until(partial(_sent, town, len(others)), "other cases flow")
    assert {row["_id"] async for row in outbox.find({"sent": False})} == {row["id"] for row in (*bad, *behind)}
    told = [(row["_id"], row["held"]) async for row in outbox.find({"held": {"$exists": True}})]
    assert all(list(held) == [id] and held[id] for id, held in told), "the operator sees which, and why"
    assert len(told) == len(bad)
    assert not sender.lines("service.part_ended")
    await outbox.delete_many({"_id": {"$in": [row["id"] for row in bad]}})
    await until(partial(_sent, town, len(others) + len(behind)), "their cases go on when the operator has acted")
    heard = [from_record(one.value, one.headers).subject for one in await town.records(town.requests_topic)]
    assert set(heard) == {*others, *(row["aggregate"].removeprefix("Request:") for row in behind)}


async def test_of_what_one_unit_of_work_says_a_row_that_cannot_go_holds_back_only_its_own_case(town: Town) -> None:
    """Promise 20: the others are sent once and noted as sent, so that no restart sends them again."""
    outbox = town.database("referral")["outbox"]
    rows = [row_of(town, case(number)) for number in (1, 2, 1, 3)]
    bad = {**row_of(town, case(1)), **UNSENDABLE["larger than this service can send"]}
    await outbox.insert_one(document_of(rows[0], bad, *rows[1:]))
    sender = await town.start("referral")

    async def part_sent() -> bool:
        document = await outbox.find_one({})
        return [bool(row.get("sent")) for row in document["rows"]] == [True, False, True, False, True]

    await until(part_sent, "the rows of other cases are noted as sent")
    sender.kill()
    await town.start("referral")
    await outbox.update_one({}, {"$pull": {"rows": {"id": bad["id"]}}})
    await until(partial(_sent, town, 1), "the case goes on when the operator has acted")
    heard = [from_record(one.value, one.headers).id for one in await town.records(town.requests_topic)]
    assert sorted(heard) == sorted(row["id"] for row in rows), "each sent once, over the restart"
    assert heard.index(rows[0]["id"]) < heard.index(rows[2]["id"])


async def _sent(town: Town, rows: int) -> bool:
    return bool(await town.database("referral")["outbox"].count_documents({"sent": True}) == rows)


async def test_what_an_event_tells_can_be_read_at_its_owner_when_it_is_heard(town: Town) -> None:
    """Promise 21: never 404, never an older version."""
    office = await town.start("training")
    told = 120
    for number in range(told):
        await town.put_request(case(number % 6))
    listening = AIOKafkaConsumer(
        town.answers_topic, bootstrap_servers=town.backend.kafka, auto_offset_reset="earliest"
    )  # fmt: skip
    await listening.start()
    try:
        for _ in range(told):
            record = await asyncio.wait_for(listening.getone(), LIMIT_SECONDS)
            answer = from_record(record.value, record.headers)
            shown = await _shown(office, answer.data["case_ref"])
            assert shown["version"] >= answer.aggregateversion
            assert answer.data["referral_id"] in shown["seen"]
    finally:
        await listening.stop()


async def _shown(office: Process, case_ref: str) -> dict[str, Any]:
    reply = await office.http.get(f"/tallies/{case_ref}")
    assert reply.status_code == 200
    shown: dict[str, Any] = reply.json()
    return shown
