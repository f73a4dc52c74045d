"""Bad records on a real topic, with good ones between: each bad one is parked with its reason, the good ones apply."""

import json
import random
import uuid
from dataclasses import replace
from typing import Any

import pytest

from deploy.basudara.stack import Stack
from tests.system.offices import BAPAS, Offices
from tests.system.play import Played
from tests.system.seeing import Record, put, records, settled

OPD = "disperindag-ambon"
TOPIC = f"{BAPAS}.referral.referral.to.{OPD}.v1"
PARKED = f"{OPD}.training.placements.parked.v1"
REQUESTED = "id.basudara.referral.referral.requested.v1"
STRUCTURED = (("content-type", b"application/cloudevents+json"),)


def new_id(prefix: str) -> str:
    return prefix + "_" + "".join(random.choices("abcdefghijklmnopqrstuvwxyz234567", k=26))


def request(changes: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """A good `referral.requested`, and what is changed of it; None takes a member away."""
    referral_id = new_id("ref")
    facts: dict[str, Any] = {
        "referral_id": referral_id, "case_ref": new_id("prt"), "field": "HANDICRAFT", "age_group": "ADULT",
        "accommodations": [], "availability": ["MORNING"], "agreement_number": "PKS-002/CONTOH",
        "eligible_until": "2027-12-31", "due_on": "2027-12-01", "requested_at": "2027-08-28T00:00:00.000Z",
        **(data or {}),
    }  # fmt: skip
    said: dict[str, Any] = {
        "specversion": "1.0", "id": str(uuid.uuid4()), "source": f"/{BAPAS}/referral", "type": REQUESTED,
        "subject": referral_id, "time": "2027-08-28T00:00:00.000Z", "datacontenttype": "application/json",
        "dataschema": f"urn:basudara:events:{REQUESTED}", "correlationid": str(uuid.uuid4()),
        "causationid": str(uuid.uuid4()), "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "aggregateversion": 1, "data": {name: value for name, value in facts.items() if value is not None},
        **(changes or {}),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def record(said: Any, headers: Any = STRUCTURED) -> Record:
    value = said if isinstance(said, bytes) or said is None else json.dumps(said).encode()
    key = uuid.uuid4().hex.encode()
    return Record(topic=TOPIC, partition=-1, offset=-1, key=key, value=value, headers=headers)


def binary(said: dict[str, Any], *more: tuple[str, bytes]) -> Record:
    """The same event in binary mode: attributes in headers, data in the value."""
    attributes = [(f"ce_{name}", str(value).encode()) for name, value in said.items() if name != "data"]
    headers = (("content-type", b"application/json"), *attributes, *more)
    return record(json.dumps(said["data"]).encode(), headers)


def bad_records() -> list[tuple[str, Record]]:
    """What is parked, and how its reason starts."""
    plain = json.dumps(request())

    def odd(member: bytes) -> Record:
        return record(plain[:-1].encode() + b', "x": ' + member + b"}")

    of = "invalid field={} rule={}".format
    return [
        (of("value", "a record without a value is no event"), record(None)),
        (of("body", "not JSON at character 0"), record(b"")),
        (of("body", "not JSON at character"), record(b"Salma Misal")),
        (of("body", "not UTF-8"), record(b'{"specversion": "\xff"}')),
        (of("value", "a CloudEvent is a JSON object"), record(b"[]")),
        (of("body", "a member name is repeated"), record(('{"id": "1",' + plain[1:]).encode())),
        (
            of("body", "NaN and Infinity are not JSON"),
            odd(b"NaN"),
        ),
        (of("body", "an integer is beyond 64 bit"), odd(b"9" * 300)),
        (
            of("body", "nested deeper than 20"),
            odd(b"[" * 5000 + b"]" * 5000),
        ),
        (of("body", "a text holds control"), record(request({"subject": "Salma\u202eMisal"}))),
        *broken_envelopes(),
    ]


def broken_envelopes() -> list[tuple[str, Record]]:
    """JSON that is no event of this topic's owner, or not one that the reader knows."""
    of = "invalid field={} rule={}".format
    return [
        (of("specversion", "must be 1.0"), record(request({"specversion": "0.3"}))),
        (of("id", "must be a text"), record(request({"id": None}))),
        (of("id", "must be a text"), record(request({"id": 7}))),
        (of("subject", "must be a text"), record(request({"subject": "x" * 301}))),
        (of("type", "is not of the published form"), record(request({"type": "referral.requested"}))),
        (of("source", "is not of the published form"), record(request({"source": "bapas"}))),
        (of("time", "must be an RFC 3339 instant"), record(request({"time": "kemarin"}))),
        (of("time", "must carry an offset"), record(request({"time": "2027-08-28T00:00:00"}))),
        (of("traceparent", "is not of the published form"), record(request({"traceparent": "00-xyz"}))),
        (of("aggregateversion", "must be an integer"), record(request({"aggregateversion": 0}))),
        (of("aggregateversion", "must be an integer"), record(request({"aggregateversion": True}))),
        (of("aggregateversion", "must be an integer"), record(request({"aggregateversion": "satu"}))),
        (of("data", "must be a JSON object"), record(request({"data": None}))),
        (of("data", "must be a JSON object"), record(request({"data": []}))),
        (of("data/referral_id", "missing"), record(request(data={"referral_id": None}))),
        (of("data/due_on", "date"), record(request(data={"due_on": "besok"}))),
        (of("data/availability", ""), record(request(data={"availability": "MORNING"}))),
        (of("ce_id", "the header is repeated"), binary(request(), ("ce_id", b"2"))),
        (of("ce_subject", "not UTF-8"), binary(request({"subject": None}), ("ce_subject", b"\xff"))),
        ("not_allowed source=does not own the topic", record(request({"source": "/lapas-contoh/referral"}))),
        ("not_allowed source=does not own the topic", record(request({"source": f"/{BAPAS}/intake"}))),
    ]


@pytest.fixture(scope="module")
def told(stack: Stack, played: Played) -> tuple[list[tuple[str, Record]], list[str]]:
    """The bad ones and the ids of the good ones that were put between them."""
    assert played.yopi.case
    bad, good = bad_records(), []
    for _, one in bad:
        fine = request()
        good.append(fine["subject"])
        put(stack, one, record(fine) if len(good) % 2 else binary(fine))
    settled(stack)
    return bad, good


def test_every_bad_record_is_parked_with_its_reason(stack: Stack, told: Any) -> None:
    bad, _ = told
    parked = {one.key: one for one in records(stack, PARKED)}
    assert len(bad) >= 20
    for reason, one in bad:
        copy = parked.pop(one.key)
        assert copy.header("basudara-reason").startswith(reason)
        assert copy.value == one.value, "what was read must stay as it was"
        assert copy.header("basudara-source-topic") == TOPIC
        assert copy.header("basudara-attempts") == "1"
    assert parked == {}, "a good record was parked"


def test_every_good_record_between_them_is_applied(stack: Stack, told: Any) -> None:
    _, good = told
    held = Offices(stack).opd(OPD).get("/placements", state="received")
    assert {one["referral_id"] for one in held} >= set(good)
    assert len(good) >= 20


def test_a_type_that_nobody_asked_for_passes_by(stack: Stack, told: Any) -> None:
    before = len(records(stack, PARKED))
    put(stack, record(request({"type": "id.basudara.referral.referral.applauded.v1"}, data={"referral_id": None})))
    settled(stack)
    assert told
    assert len(records(stack, PARKED)) == before


def test_a_member_that_the_writer_added_is_no_fault(stack: Stack, told: Any) -> None:
    newer = request(data={"added_later": {"deep": [1, 2]}})
    put(stack, record(newer))
    settled(stack)
    assert told
    assert Offices(stack).opd(OPD).get(f"/placements/{newer['subject']}")["state"] == "received"


def test_a_parked_record_read_twice_is_parked_once(stack: Stack, told: Any) -> None:
    """The same bytes put again are another record: it is parked on its own, and the good ones stay as they are."""
    bad, good = told
    before = len(records(stack, PARKED))
    put(stack, replace(bad[0][1], key=b"again"))
    settled(stack)
    assert len(records(stack, PARKED)) == before + 1
    held = Offices(stack).opd(OPD).get("/placements", state="received")
    assert [one["referral_id"] for one in held].count(good[0]) == 1
