"""What the store would refuse is refused before: with a 4xx at the door, in the parked topic for an event."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from chassis import ids
from chassis.envelope import to_record
from chassis.testing import Running
from tests.resilience import ledger
from tests.resilience.town import case, request

HOSTILE = {
    "NUL in a name": rb'{"a\u0000b": 1}',
    "NUL in a text": rb'{"a": "b\u0000c"}',
    "a NUL as it is": b'{"a": "b\x00c"}',
    "an operator": b'{"$set": {"version": 9}}',
    "an operator deeper down": b'{"a": [{"$where": "1"}]}',
    "a reference": b'{"a": {"$ref": "entries", "$id": 1, "$db": "admin"}}',
    "a name with dots": b'{"a.b.c": 1, ".": 2}',
    "a name that is empty": b'{"": 1}',
    "the store's own name of an id": b'{"_id": {"_id": null}}',
    "an integer of 64 bit": b'{"a": 9223372036854775807, "b": -9223372036854775808}',
    "an integer beyond": b'{"a": 9223372036854775808}',
    "an integer far beyond": b'{"a": 1' + b"0" * 5000 + b"}",
    "a number beyond": b'{"a": 1e400}',
    "a number of no size": b'{"a": -0.0, "b": 5e-324}',
    "not a number": b'{"a": NaN}',
    "a lone surrogate": rb'{"a": "\ud800"}',
    "a lone surrogate in a name": rb'{"\udfff": 1}',
    "very deep": b'{"a":' * 19 + b"1" + b"}" * 19,
    "deeper than the store can": b'{"a":' * 300 + b"1" + b"}" * 300,
    "many members": json.dumps({f"m{number}": number for number in range(5000)}).encode(),
}


@pytest.fixture
async def office(running_service: Callable[..., Any]) -> AsyncIterator[Running]:
    async with running_service("training", ledger.Settings, ledger.built(mended=True)) as service:
        yield service


async def test_a_free_member_of_any_form_is_kept_whole_or_refused_at_the_door(office: Running) -> None:
    """Promise 15, over HTTP: never a 5xx."""
    clerk = {**office.as_("clerk"), "content-type": "application/json"}
    kept = []
    for number, (what, hostile) in enumerate(HOSTILE.items()):
        raw = b'{"id": "entry-%d", "free": %s}' % (number, hostile)
        reply = await office.http.post("/entries", content=raw, headers=clerk)
        assert reply.status_code in (201, 422), what
        shown = await office.http.get(f"/entries/entry-{number}", headers=clerk)
        if reply.status_code == 201:
            assert (shown.status_code, shown.json()) == (200, json.loads(hostile)), what
            kept.append(what)
        else:
            assert shown.status_code == 404, what
    assert "a name with dots" in kept
    assert "an integer of 64 bit" in kept


async def test_an_event_with_members_of_any_form_is_kept_whole_or_parked(office: Running) -> None:
    """Promise 15, as event data: never a poll that fails, and the good event behind them is handled."""
    defects = _defects()
    topic = f"{office.partner}.referral.referral.to.{office.agency}.v1"
    wanted: dict[str, Any] = {}
    for hostile in (*HOSTILE.values(), b'{"good": true}'):
        fresh = ids.new_id("ref")
        event = request(
            office.partner, case(1), data={"referral_id": fresh, "case_ref": case(1), "field": "WELDING", "free": 0}
        )
        value, headers = to_record(event)
        await office.put(topic, value.replace(b'"free":0', b'"free":' + hostile), headers, key=case(1).encode())
        wanted[fresh] = hostile
    parked = await office.parked()
    kept = {one.id: one.free for one in await office.service.store.read(ledger.Entry)}
    assert len(kept) + len(parked) == len(wanted)
    assert all(free == json.loads(wanted[id]) for id, free in kept.items())
    assert {"good": True} in kept.values()
    assert {dict(one.headers)["basudara-reason"].split()[0] for one in parked} == {b"invalid"}
    assert _defects() == defects


def _defects() -> float:
    metrics = [one for one in REGISTRY.collect() if one.name == "basudara_defects"]
    return sum(sample.value for one in metrics for sample in one.samples if sample.name.endswith("_total"))
