"""A whole service on a real broker and a real database: what it hears, says, refuses and does on time."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import toy

from chassis import ids
from chassis.envelope import to_record
from chassis.testing import Running
from chassis.work import Duty

CASE = "prt_" + "a" * 26


def referral(number: int, field: str = "WELDING", case_ref: str = CASE) -> dict[str, Any]:
    return {
        "referral_id": f"ref_{number:026d}".replace("0", "a").replace("1", "b"),
        "case_ref": case_ref,
        "field": field,
    }


async def tell(service: Running, number: int, field: str = "WELDING", **more: Any) -> Any:
    return await service.hear(
        toy.REQUESTED, referral(number, field), source=service.partner, subject=f"ref-{number}", **more
    )


async def tally(service: Running) -> toy.Tally:
    return await service.service.store.get(toy.Tally, CASE)


async def test_each_event_has_its_effect_once_and_is_answered(toy_service: Running) -> None:
    events = [await tell(toy_service, number) for number in range(2, 7)]
    answers = await toy_service.said(toy.Accepted.TYPE)
    assert len((await tally(toy_service)).seen) == 5
    assert [answer.causationid for answer in answers] == [event.id for event in events]
    assert [answer.aggregateversion for answer in answers] == [1, 2, 3, 4, 5]
    assert {answer.correlationid for answer in answers} == {event.correlationid for event in events}


async def test_a_second_copy_of_an_event_changes_nothing(toy_service: Running) -> None:
    first = await tell(toy_service, 2)
    await toy_service.settled()
    await tell(toy_service, 2, id=first.id)
    await tell(toy_service, 3)
    assert len(await toy_service.said(toy.Accepted.TYPE)) == 2
    assert (await tally(toy_service)).version == 2


async def test_a_refused_event_is_parked_with_its_reason_and_the_good_ones_around_it_pass(toy_service: Running) -> None:
    await tell(toy_service, 2)
    bad = await tell(toy_service, 3, "BAKERY")
    await tell(toy_service, 4)
    parked = await toy_service.parked()
    assert len(parked) == 1
    headers = dict(parked[0].headers)
    assert headers["basudara-reason"] == b"conflict field_code=BAKERY"
    assert headers["basudara-source-topic"].decode().startswith(toy_service.partner)
    assert parked[0].value == to_record(bad)[0]
    assert len((await tally(toy_service)).seen) == 2, "what the refused handler had staged is taken back"


async def test_a_defect_of_a_handler_parks_its_event_only(toy_service: Running) -> None:
    await tell(toy_service, 2, "SEWING")
    await tell(toy_service, 3)
    parked = await toy_service.parked()
    assert [dict(row.headers)["basudara-reason"] for row in parked] == [b"defect handler=ZeroDivisionError"]
    assert len((await tally(toy_service)).seen) == 1


async def test_an_event_before_its_cause_is_tried_again_then_parked(toy_service: Running) -> None:
    await tell(toy_service, 2, "BARISTA")
    for _ in range(100):
        if parked := await toy_service.parked():
            break
        await asyncio.sleep(0.1)
    assert [dict(row.headers)["basudara-attempts"] for row in parked] == [b"4"]
    assert await toy_service.service.store.find(toy.Tally, CASE) is None


async def test_no_record_stops_a_partition(toy_service: Running) -> None:
    good = await tell(toy_service, 2)
    topic = f"{toy_service.partner}.referral.referral.to.{toy_service.agency}.v1"
    value, headers = to_record(good)
    bad: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
        (None, headers),
        (b"", headers),
        (b"\xff\xfe", headers),
        (b"[]", []),
        (b'{"a":1,"a":2}', []),
        (b'{"id":NaN}', []),
        (b"[" * 100_000, []),
        (value.replace(b'"1.0"', b'"0.3"'), headers),
        (value.replace(toy_service.partner.encode(), b"somebody-else"), headers),
        (value, [("content-type", b"\xff\xff")]),
        (value.replace(b'"case_ref":"prt_', b'"case_ref":null,"x":"'), headers),
        (value.replace(b"WELDING", b"\\ud800"), headers),
    ]
    for raw, its_headers in bad:
        await toy_service.put(topic, raw, its_headers, key=CASE.encode())
    await tell(toy_service, 3)
    parked = await toy_service.parked()
    assert len((await tally(toy_service)).seen) == 2
    assert len(parked) == len(bad)
    assert all(0 < len(dict(row.headers)["basudara-reason"]) <= 500 for row in parked)


async def test_a_due_duty_is_done_once_and_late_is_marked(toy_service: Running) -> None:
    await tell(toy_service, 2)
    await toy_service.settled()
    store, now = toy_service.service.store, toy_service.now()

    async def plan(due_in: timedelta, work: Any) -> None:
        work.schedule("toy.beat", CASE, now + due_in)

    await store.transact(plan, timedelta(hours=2), toy_service.service.store.work(cause(toy_service)).cause)
    await asyncio.sleep(1)
    assert (await tally(toy_service)).beats == 0
    toy_service.set_clock(now + timedelta(hours=3))
    for _ in range(50):
        if (await tally(toy_service)).beats:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.6)
    assert (await tally(toy_service)).beats == 1
    assert await store.due(toy_service.now(), 10) == []


async def test_what_is_due_together_is_one_unit_of_work_and_each_has_a_cause_of_its_own(
    toy_service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fails costs only itself, and persons are not joined by what happened to be due at once."""
    store, now, cases = toy_service.service.store, toy_service.now(), [f"prt_{letter * 26}" for letter in "abc"]
    for number, case_ref in enumerate(cases, 2):
        said = referral(number, case_ref=case_ref)
        await toy_service.hear(toy.REQUESTED, said, source=toy_service.partner, subject=f"ref-{number}")
    await toy_service.settled()
    commit, together = store.commit, []

    async def counted(work: Any, notes: Any = (), done: Any = ()) -> None:
        await commit(work, notes, done)
        together.append(len(done))

    monkeypatch.setattr(store, "commit", counted)

    async def plan(_: None, work: Any) -> None:
        for subject in (*cases, "prt_nobody"):
            work.schedule("toy.chime", subject, now + timedelta(hours=2))

    await store.transact(plan, None, store.work(cause(toy_service)).cause)
    toy_service.set_clock(now + timedelta(hours=3))
    left: list[Any] = []
    for _ in range(100):
        left = await store.database.find("duties", {})
        if len(left) == 1 and "reason" in left[0]:
            break
        await asyncio.sleep(0.1)
    assert [(one["subject"], one["reason"].split()[0]) for one in left] == [("prt_nobody", "not_found")]
    assert max(together) == len(cases)
    chimed = [await store.get(toy.Tally, case_ref) for case_ref in cases]
    assert [one.beats for one in chimed] == [1, 1, 1]
    assert len({one.cause for one in chimed}) == len(cases)


def cause(service: Running) -> Any:
    from chassis.work import Cause

    return Cause(id="c", correlation_id="c", traceparent=ids.traceparent(), at=service.now())


async def test_fifty_parallel_commands_on_one_aggregate_all_count(toy_service: Running) -> None:
    await tell(toy_service, 2)
    await toy_service.settled()
    replies = await asyncio.gather(
        *(toy_service.http.post("/beats", json={"case_ref": CASE}, headers=toy_service.as_("clerk")) for _ in range(50))
    )
    assert {reply.status_code for reply in replies} == {201}
    assert sorted(reply.json()["version"] for reply in replies) == list(range(2, 52))


async def test_the_door_refuses_in_one_form(toy_service: Running) -> None:
    http, clerk = toy_service.http, toy_service.as_("clerk")
    raw = {**clerk, "content-type": "application/json"}
    bodies = (
        b"",
        b"{",
        b'{"case_ref":"a","case_ref":"b"}',
        b'{"case_ref":"\\u0000"}',
        b'{"case_ref":7,"x":1}',
        b'{"case_ref":"\\u202e"}',
    )
    asked = {"case_ref": CASE}
    replies = {
        401: [
            await http.post("/beats", json=asked),
            await http.post("/beats", headers={"Authorization": "Bearer x.y.z"}),
        ],
        403: [await http.post("/beats", json=asked, headers=toy_service.as_("clerk", agency="other"))],
        404: [await http.post("/beats", json={"case_ref": "none"}, headers=clerk), await http.get("/nothing")],
        405: [await http.get("/beats")],
        413: [await http.post("/beats", content=b" " * 300_000, headers=raw)],
        422: [await http.post("/beats", content=body, headers=raw) for body in bodies],
    }
    for status, found in replies.items():
        for reply in found:
            assert reply.status_code == status, reply.text
            assert reply.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "instance"} <= set(reply.json())


async def test_readiness_names_nothing_when_all_is_well(toy_service: Running) -> None:
    reply = await toy_service.http.get("/ready")
    assert (reply.status_code, reply.json()) == (200, {"ready": True, "causes": {}})
    assert (await toy_service.http.get("/live")).status_code == 200
    assert "basudara_events_handled" in (await toy_service.http.get("/metrics")).text


def test_a_duty_is_known_by_name_and_subject() -> None:
    now = __import__("datetime").datetime.now(__import__("datetime").UTC)
    assert Duty(name="a", subject="b", due_at=now).id == "a:b"
