"""What `basudara contracts conform` says of one record after another, without a broker."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import (
    KafkaMessage,
    from_binary,
    from_kafka,
    from_structured,
    to_binary,
    to_structured,
)
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from chassis.envelope import mirrored
from deploy.basudara.contracts.catalogues import Contracts
from deploy.basudara.contracts.conform import EXAMPLES, Report
from deploy.basudara.contracts.judging import Judge
from deploy.basudara.records import Record
from deploy.basudara.stack import ROOT

NOW = datetime(2040, 1, 1, tzinfo=UTC)
FILES = sorted((ROOT / "contracts" / "events").glob("*/examples/*.json"))
REQUESTED = ROOT / "contracts/events/id.basudara.referral.referral.requested.v1/examples/adult.json"
TOPIC = "bapas-ambon.referral.referral.to.disnaker-ambon.v1"
PARKED = "disnaker-ambon.training.placements.parked.v1"
WROTE = {  # what a consumer adds to a record that it puts aside
    "basudara-reason": "invalid field=id", "basudara-source-topic": TOPIC, "basudara-source-partition": "0",
    "basudara-source-offset": "7", "basudara-attempts": "1",
}  # fmt: skip
DECIDED = {
    "basudara-decision": "dropped", "basudara-decision-of": "0:7", "basudara-decided-by": "op-1",
    "basudara-reason": "sent by mistake",
}  # fmt: skip


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts(ROOT / "contracts")


@pytest.fixture
def judge(contracts: Contracts) -> Judge:
    return Judge(contracts, NOW)


def record_of(event: dict[str, Any], contracts: Contracts) -> Record:
    """As its owner would send it."""
    value = json.dumps(event).encode()
    channel = contracts.catalogue.channel_of(event["type"])
    owner = event["source"].split("/")[1]
    return Record(
        topic=channel.topic(owner=owner, reader="disnaker-ambon"), partition=0, offset=0,
        at=datetime.fromisoformat(event["time"]), key=channel.key_of(event["data"]).encode(), value=value,
        headers=tuple(mirrored(value)),
    )  # fmt: skip


def requested() -> dict[str, Any]:
    event: dict[str, Any] = json.loads(REQUESTED.read_text())
    return event


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_every_example_as_its_owner_sends_it_is_clean(file: Path, judge: Judge, contracts: Contracts) -> None:
    assert judge.findings(record_of(json.loads(file.read_text()), contracts)) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_every_example_is_read_by_the_cloudevents_sdk_in_both_modes(file: Path, contracts: Contracts) -> None:
    event = json.loads(file.read_text())
    for message in (structured_of(event, contracts), binary_of(event)):
        # by content-type, as the standard's Kafka binding says
        is_structured = message.headers["content-type"].startswith(b"application/cloudevents")
        read = (from_structured if is_structured else from_binary)(message, JSONFormat())
        told = {**read.get_attributes(), "aggregateversion": int(read.get_attributes()["aggregateversion"])}
        assert told.pop("time") == datetime.fromisoformat(event["time"])
        assert told == {name: value for name, value in event.items() if name not in ("time", "data")}
        assert read.get_data() == event["data"]


def test_the_sdks_guess_goes_by_any_ce_header_and_so_takes_the_whole_record_for_the_payload(
    contracts: Contracts,
) -> None:
    """Against the binding, which decides by content-type: a subscriber must choose himself (contracts/validation.md).
    When this fails the SDK has been mended, and the warning there can go."""
    read = from_kafka(structured_of(requested(), contracts), JSONFormat())
    assert read.get_type() == requested()["type"]
    assert read.get_data() != requested()["data"]


def structured_of(event: dict[str, Any], contracts: Contracts) -> KafkaMessage:
    sent = record_of(event, contracts)
    return KafkaMessage({name: value or b"" for name, value in sent.headers}, None, sent.value or b"")


def binary_of(event: dict[str, Any]) -> KafkaMessage:
    attributes = {name: value for name, value in event.items() if name not in ("data", "datacontenttype")}
    headers = {f"ce_{name}": str(value).encode() for name, value in attributes.items()}
    return KafkaMessage({**headers, "content-type": b"application/json"}, None, json.dumps(event["data"]).encode())


def sdk_event() -> CloudEvent:
    event = requested()
    data = event.pop("data")
    return CloudEvent({**event, "time": datetime.fromisoformat(event["time"])}, data)


def test_what_the_cloudevents_sdk_writes_in_binary_mode_is_clean(judge: Judge, contracts: Contracts) -> None:
    message = to_binary(sdk_event(), JSONFormat())
    sent = replace(record_of(requested(), contracts), value=message.value, headers=tuple(message.headers.items()))
    assert judge.findings(sent) == []


def test_what_the_cloudevents_sdk_writes_in_structured_mode_lacks_the_headers(
    judge: Judge, contracts: Contracts
) -> None:
    """It mirrors no attribute; by our contract a reader may choose by headers alone."""
    message = to_structured(sdk_event(), JSONFormat())
    sent = replace(record_of(requested(), contracts), value=message.value, headers=tuple(message.headers.items()))
    found = judge.findings(sent)
    assert {(one.pointer, one.rule) for one in found} == {("/headers", "required")}
    mirrors = tuple(mirrored(message.value))
    assert judge.findings(replace(sent, offset=1, headers=mirrors))[0].rule == "duplicate", "all else is right"


Change = Callable[[Record], Record]


def header(name: str, value: bytes | None) -> Change:
    """With this value; without the header for None."""

    def change(one: Record) -> Record:
        rest = tuple(row for row in one.headers if row[0] != name)
        return replace(one, headers=rest if value is None else (*rest, (name, value)))

    return change


def event(**members: Any) -> Change:
    def change(one: Record) -> Record:
        value = json.dumps({**json.loads(one.value or b""), **members}).encode()
        return replace(one, value=value, headers=tuple(mirrored(value)))

    return change


def raw(**members: Any) -> Change:
    return lambda one: replace(one, **members)


def requested_headers() -> tuple[tuple[str, bytes | None], ...]:
    return tuple(mirrored(REQUESTED.read_bytes()))


BROKEN: dict[str, tuple[Change, set[tuple[str, str]]]] = {
    "no value": (raw(value=None), {("/value", "value")}),
    "not JSON": (raw(value=b"Yopi Contoh"), {("/value", "json")}),
    "not UTF-8": (raw(value=b"\xff"), {("/value", "utf-8")}),
    "no object": (raw(value=b"[]", headers=requested_headers()[:1]), {("/value", "event"), ("/headers", "required")}),
    "a member twice": (raw(value=b'{"id": "1", "id": "2"}'), {("/value/id", "repeated")}),
    "no key": (raw(key=None), {("/key", "key")}),
    "another key": (raw(key=b"prt_other"), {("/key", "key")}),
    "no content type": (header("content-type", None), {("/headers", "required")}),
    "a missing header": (header("ce_type", None), {("/headers", "required")}),
    "a header that says something else": (header("ce_subject", b"ref_other"), {("/headers/ce_subject", "mirror")}),
    "a header of no attribute": (header("ce_other", b"x"), {("/headers/ce_other", "mirror")}),
    "a header that is not UTF-8": (header("ce_id", b"\xff"), {("/headers/ce_id", "utf-8"), ("/headers", "required")}),
    "a header twice": (lambda one: replace(one, headers=(*one.headers, ("ce_id", b"x"))),
                       {("/headers/ce_id", "repeated")}),
    "header names that no client can give": (raw(headers=(("?", None),)), {("/headers", "utf-8")}),
    "a topic of no channel": (raw(topic="bapas-ambon.referral.v1"), {("", "channel")}),
    "a topic of another owner": (raw(topic=TOPIC.replace("bapas-ambon", "lapas-contoh")), {("/value/source", "owner")}),
    "a topic of another channel": (raw(topic="bapas-ambon.intake.case.v1"), {("/value/type", "channel")}),
    "another service": (event(source="/bapas-ambon/intake"), {("/value/source", "owner")}),
    "an unknown type": (event(type="id.basudara.referral.referral.applauded.v1"), {("/value/type", "unknown-type")}),
    "a payload that is open": (event(data={**requested()["data"], "nik": "8171"}),
                               {("/value/data", "additionalProperties")}),
    "a time in the future": (event(time="2040-01-01T00:06:00.000Z"), {("/value/time", "time")}),
    "a time before all years": (event(time="0001-01-01T00:00:00+14:00"), {("/value/time", "utc")}),
    "a time long ago": (event(time="2025-01-01T00:00:00.000Z"), {("/value/time", "time")}),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_record_breaks_is_named_with_its_place(name: str, judge: Judge, contracts: Contracts) -> None:
    change, expected = BROKEN[name]
    found = judge.findings(change(record_of(requested(), contracts)))
    assert {(one.pointer, one.rule) for one in found} == expected
    assert "Yopi" not in str(found)
    assert "8171" not in str(found)


def numbered(contracts: Contracts, version: int, *, hours: int = 0, **members: Any) -> Record:
    """An event of the same referral: its id by its version."""
    moment = datetime(2027, 1, 18, 1, 30, tzinfo=UTC) + timedelta(hours=hours)
    told = {"id": f"01a3266a-55c0-7270-b142-{version:012d}", "aggregateversion": version,
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}  # fmt: skip
    return replace(record_of({**requested(), **told, **members}, contracts), offset=version)


def test_versions_of_a_subject_rise_and_time_goes_on(judge: Judge, contracts: Contracts) -> None:
    for version in (1, 2, 4):
        assert judge.findings(numbered(contracts, version, hours=version)) == []
    assert [one.rule for one in judge.findings(numbered(contracts, 3, hours=5))] == ["version"]
    same = numbered(contracts, 4, hours=5, id="01a3266a-55c0-7270-b142-999999999999")
    assert [one.rule for one in judge.findings(same)] == ["version"]
    assert [one.rule for one in judge.findings(numbered(contracts, 5, hours=1))] == ["time"]
    assert judge.findings(numbered(contracts, 6, hours=6)) == []


def test_an_id_is_used_once(judge: Judge, contracts: Contracts) -> None:
    first = numbered(contracts, 1)
    assert judge.findings(first) == []
    (again,) = judge.findings(replace(first, offset=8))
    assert (again.pointer, again.rule) == ("/value/id", "duplicate")
    assert again.found == f"sent again: the id is that of {TOPIC}:0:1"
    other = numbered(contracts, 2, id=json.loads(first.value or b"")["id"])
    assert judge.findings(other)[0].found.startswith("another event: the id is that of")


def test_a_copy_that_a_consumer_put_aside_says_where_it_comes_from(judge: Judge) -> None:
    copy = Record(topic=PARKED, partition=0, offset=0, at=NOW, key=b"x", value=b"\xff anything", headers=())
    headers = tuple((name, value.encode()) for name, value in WROTE.items())
    assert judge.findings(replace(copy, headers=headers)) == []
    assert {(one.pointer, one.rule) for one in judge.findings(copy)} == {("/headers", "required")}
    spoilt = (*headers[:3], ("basudara-source-offset", b"seven"), headers[4])
    assert [one.pointer for one in judge.findings(replace(copy, headers=spoilt))] == ["/headers/basudara-source-offset"]
    decided = tuple((name, value.encode()) for name, value in DECIDED.items())
    assert judge.findings(replace(copy, value=None, headers=decided)) == []
    assert [one.pointer for one in judge.findings(replace(copy, headers=decided))] == ["/value"]


def test_findings_are_counted_with_the_first_places(contracts: Contracts, judge: Judge) -> None:
    report = Report()
    for offset in range(10):
        report.add(replace(numbered(contracts, offset + 1), offset=offset, key=b"x"), judge)
    (row,) = report.rows()
    assert (row["count"], row["examples"]) == (10, [f"0:{offset}" for offset in range(EXAMPLES)])
    assert (row["topic"], row["pointer"], row["rule"]) == (TOPIC, "/key", "key")
    assert report.records[TOPIC] == 10
