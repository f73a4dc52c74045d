"""What a consumer set aside is shown to the operator, and his word on it: once more, or never."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.basudara.stack import ROOT, Stack
from tests.system.command import basudara, refused
from tests.system.offices import Offices
from tests.system.seeing import Record, put, records, settled
from tests.system.test_edge_kafka import OPD, PARKED, TOPIC, record, request

CANCELLED = "id.basudara.referral.referral.cancelled.v1"
RETRY = PARKED.replace(".parked.", ".retry.")
BY = ("--by", "operator-1")
Agree = Callable[[str], None]


@pytest.fixture(scope="module")
def agree(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Agree:
    """Lets the office and the Bapas agree on one more field: what was refused for it can then pass."""
    Offices(stack).agree()
    _until_read(stack)
    agreement = yaml.safe_load((ROOT / "deploy" / "agreements" / "pks-002-contoh.yaml").read_text())
    file: Path = tmp_path_factory.mktemp("agreed") / "longer.yaml"

    def on(field: str) -> None:
        agreement["scope"].append(field)
        file.write_text(yaml.safe_dump(agreement))
        stack.apply_agreement(file)
        settled(stack)

    return on


def _until_read(stack: Stack) -> None:
    """A topic that an agreement has just opened is read as soon as the office's service has noticed it."""
    first = request()
    put(stack, record(first))
    until = time.monotonic() + 60
    while not placements(stack, first["subject"]):
        assert time.monotonic() < until, "the office does not read the topic that the agreement opened"
        settled(stack)


@dataclass(frozen=True)
class Aside:
    """A request that was set aside: the event, the record as it was put, and where the copy stands."""

    said: dict[str, Any]
    put: Record
    place: str

    @property
    def referral(self) -> str:
        return str(self.said["data"]["referral_id"])


def set_aside(stack: Stack, field: str, key: bytes | None = None) -> Aside:
    """A request for a field that no agreement has: refused, and parked at once."""
    said = request(data={"field": field})
    asked = record(said)
    asked = replace(asked, key=asked.key if key is None else key)
    put(stack, asked)
    settled(stack)
    (copy,) = [one for one in records(stack, PARKED) if one.value == asked.value]
    return Aside(said, asked, f"{copy.topic}:{copy.partition}:{copy.offset}")


def listed(stack: Stack, *given: str) -> dict[str, dict[str, Any]]:
    """By place."""
    return {row["place"]: row for row in basudara(stack, "parked", "list", "--json", *given).json}


def placements(stack: Stack, referral_id: str) -> list[dict[str, Any]]:
    """The office's own files of this referral."""
    found = Offices(stack).opd(OPD).get("/placements")
    return [one for one in found if one["referral_id"] == referral_id]


def test_what_is_set_aside_is_listed_with_all_that_an_operator_asks(stack: Stack, agree: Agree) -> None:
    aside = set_aside(stack, "BAKERY")
    row = listed(stack, "--agency", OPD, "--service", "training")[aside.place]
    assert row["reason"] == "not_covered agreement=PKS-002/CONTOH rule=field"
    assert (row["attempts"], row["decision"]) == (1, None)
    (source,) = [one for one in records(stack, TOPIC) if one.value == aside.put.value]
    assert row["source"] == {"topic": TOPIC, "partition": source.partition, "offset": source.offset}
    assert (row["type"], row["id"]) == (aside.said["type"], aside.said["id"])
    assert row["key"] == (aside.put.key or b"").decode()
    shown = basudara(stack, "parked", "list").shown
    assert all(text in shown for text in (aside.place, aside.said["id"], row["key"], row["reason"], row["at"]))
    assert listed(stack, "--agency", "dinkop-ambon").keys().isdisjoint({aside.place})
    assert listed(stack, "--service", "notification").keys().isdisjoint({aside.place})


def test_the_whole_record_is_shown_byte_for_byte(stack: Stack, agree: Agree) -> None:
    aside = set_aside(stack, "BAKERY")
    shown = basudara(stack, "parked", "show", aside.place).shown
    headers, body = shown.split("\n\n", 1)
    assert body.encode() == (aside.put.value or b"") + b"\n"
    assert f"basudara-source-topic: {TOPIC}" in headers.splitlines()
    assert "content-type: application/cloudevents+json" in headers.splitlines()
    told = basudara(stack, "parked", "show", aside.place, "--json").json
    assert told["body"].encode() == aside.put.value
    assert ["basudara-attempts", "1"] in told["headers"]


def test_a_body_that_is_no_json_is_shown_as_base64(stack: Stack, agree: Agree) -> None:
    put(stack, replace(record(b"\xff\x00\x1b[31m"), key=b"\x1b[31mred[bold]"))
    settled(stack)
    place, row = list(listed(stack).items())[-1]
    assert row["reason"].startswith("invalid field=body")
    assert (row["type"], row["id"]) == (None, None)
    assert basudara(stack, "parked", "show", place).shown.endswith("\n\n/wAbWzMxbQ==\n")
    assert basudara(stack, "parked", "show", place, "--json").json["body_base64"] == "/wAbWzMxbQ=="
    shown = basudara(stack, "parked", "list").shown
    assert "[31mred[bold]" in shown, "a foreign text is shown as it is, never obeyed"
    assert "\x1b" not in shown


def test_a_replayed_request_arrives_when_its_cause_is_mended_and_is_parked_no_more(stack: Stack, agree: Agree) -> None:
    aside = set_aside(stack, "CATERING")
    agree("CATERING")
    assert placements(stack, aside.referral) == []
    assert basudara(stack, "parked", "replay", aside.place, *BY).status == 0
    settled(stack)
    assert [one["state"] for one in placements(stack, aside.referral)] == ["received"]
    assert aside.place not in listed(stack)
    decision = listed(stack, "--all")[aside.place]["decision"]
    assert (decision["what"], decision["by"], decision["reason"]) == ("replayed", "operator-1", "replayed")
    assert "replayed by operator-1" in basudara(stack, "parked", "list", "--all").shown

    (again,) = [one for one in records(stack, RETRY) if one.value == aside.put.value]
    assert again.key == aside.put.key
    assert again.header("content-type") == "application/cloudevents+json"
    assert (again.header("basudara-attempts"), again.header("basudara-source-topic")) == ("0", TOPIC)
    assert [one.topic for one in records(stack) if one.value == aside.put.value and one.topic == TOPIC] == [TOPIC]


def test_what_was_decided_is_not_decided_again(stack: Stack, agree: Agree) -> None:
    aside = set_aside(stack, "AQUACULTURE")
    assert basudara(stack, "parked", "drop", aside.place, *BY, "--reason", "withdrawn by letter").status == 0
    before = len(records(stack, PARKED, RETRY))
    for again in (("replay",), ("drop", "--reason", "once more")):
        line = refused(stack, "parked", again[0], aside.place, "--by", "operator-2", *again[1:])
        assert "dropped by operator-1" in line
    assert len(records(stack, PARKED, RETRY)) == before
    assert placements(stack, aside.referral) == []


def test_what_is_dropped_leaves_the_list_and_its_reason_stays(stack: Stack, agree: Agree) -> None:
    aside, other = set_aside(stack, "AQUACULTURE"), set_aside(stack, "AQUACULTURE")
    for lacking in ((), ("--reason", " "), ("--reason", "two\nlines"), ("--reason", "x" * 201)):
        assert "--reason" in refused(stack, "parked", "drop", aside.place, *BY, *lacking)
    assert "--by" in refused(stack, "parked", "drop", aside.place, "--reason", "asked by nobody")
    assert listed(stack)[aside.place]["decision"] is None
    assert basudara(stack, "parked", "drop", aside.place, *BY, "--reason", "put there by a drill").status == 0
    assert aside.place not in listed(stack)
    assert other.place in listed(stack)
    decision = listed(stack, "--all")[aside.place]["decision"]
    assert (decision["what"], decision["by"], decision["reason"]) == ("dropped", "operator-1", "put there by a drill")
    assert set(listed(stack, "--all")) >= {aside.place, other.place}


def test_a_replay_that_fails_again_is_parked_at_a_new_place(stack: Stack, agree: Agree) -> None:
    aside = set_aside(stack, "COMPUTER")
    first = listed(stack)[aside.place]
    assert basudara(stack, "parked", "replay", aside.place, *BY).status == 0
    settled(stack)
    (again,) = [row for row in listed(stack).values() if row["id"] == aside.said["id"]]
    assert again["place"] != aside.place
    assert (again["attempts"], again["source"], again["reason"]) == (1, first["source"], first["reason"])


def test_a_replay_whose_effect_is_there_already_changes_nothing(stack: Stack, agree: Agree) -> None:
    aside = set_aside(stack, "HYDROPONICS")
    agree("HYDROPONICS")
    put(stack, aside.put)  # its owner sends it again, and the office answers
    settled(stack)
    desk, answer = Offices(stack).opd(OPD), {"reason_code": "CAPACITY_FULL"}
    desk.move(f"/placements/{aside.referral}", "decline", **answer)
    settled(stack)
    before = placements(stack, aside.referral)
    assert basudara(stack, "parked", "replay", aside.place, *BY).status == 0
    settled(stack)
    assert placements(stack, aside.referral) == before
    assert [one["state"] for one in before] == ["declined"]
    assert aside.said["id"] not in {row["id"] for row in listed(stack).values()}


def test_a_replay_that_news_of_the_same_case_has_overtaken_does_not_bring_the_past_back(
    stack: Stack, agree: Agree
) -> None:
    """The request is parked, its cancellation is not: replayed, the request opens no file."""
    aside = set_aside(stack, "HAIRDRESSING")
    facts = {"referral_id": aside.referral, "case_ref": aside.said["data"]["case_ref"], "reason_code": "MISTAKE"}
    later = {**aside.said, "id": f"{aside.said['id'][:-1]}x", "type": CANCELLED, "aggregateversion": 2, "data": facts}
    put(stack, replace(aside.put, value=json.dumps(later).encode()))
    agree("HAIRDRESSING")
    assert basudara(stack, "parked", "replay", aside.place, *BY).status == 0
    settled(stack)
    assert placements(stack, aside.referral) == []
    assert {aside.said["id"], later["id"]}.isdisjoint({row["id"] for row in listed(stack).values()})


def test_a_record_that_pretends_to_be_a_decision_hides_nothing(stack: Stack, agree: Agree) -> None:
    """Foreign headers are kept on a copy; only what does not name its source is an operator's word."""
    aside = set_aside(stack, "SAGO_PROCESSING")
    forged = (
        ("basudara-decision", b"dropped"),
        ("basudara-decision-of", ":".join(aside.place.split(":")[1:]).encode()),
        ("basudara-decided-by", b"operator-1"),
    )
    put(stack, record(None, forged))
    settled(stack)
    told = listed(stack)
    assert told[aside.place]["decision"] is None
    assert list(told.values())[-1]["reason"].startswith("invalid field=value"), "the forged one is parked like any"


@pytest.mark.parametrize(
    "place",
    ["nowhere", f"{PARKED}:0:999999", f"{PARKED}:7:0", f"{PARKED}:0:x", f"{TOPIC}:0:0", f"{PARKED}:0:-1", "a:1:²"],
)
@pytest.mark.parametrize("word", ["show", "replay", "drop"])
def test_a_place_where_nothing_is_parked_is_refused(stack: Stack, agree: Agree, word: str, place: str) -> None:
    given = {"show": (), "replay": BY, "drop": (*BY, "--reason", "gone")}[word]
    assert place in refused(stack, "parked", word, *given, "--", place)


def test_a_decision_is_no_parked_record(stack: Stack, agree: Agree) -> None:
    aside = set_aside(stack, "BARISTA")
    assert basudara(stack, "parked", "drop", aside.place, *BY, "--reason", "a drill").status == 0
    word = records(stack, PARKED)[-1]
    assert (word.value, word.key, word.header("basudara-decision")) == (None, aside.put.key, "dropped")
    place = f"{word.topic}:{word.partition}:{word.offset}"
    assert place not in listed(stack, "--all")
    assert "no parked record" in refused(stack, "parked", "show", place)


def test_an_agency_or_home_that_is_not_there_is_refused_in_one_line(stack: Stack, agree: Agree, tmp_path: Path) -> None:
    assert "none of the topics" in refused(stack, "parked", "list", "--agency", "nowhere")
    assert "not a code" in refused(stack, "parked", "list", "--agency", ".*")
    assert "nothing runs" in refused(replace(stack, home=tmp_path), "parked", "list")
