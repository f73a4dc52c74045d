"""Both sides of referral's Kafka doors against the published data."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from referral_people import NOON, RULES, referral

from chassis.wire import Heard
from referral import wire
from referral.domain import referral as domain
from referral.domain.referral import Told
from referral.entrypoints.consumers import listening

CONTRACTS = Path(__file__).parents[3] / "contracts"
EVENTS = CONTRACTS / "events"
SAMPLES = {
    "referral.requested": {
        "field": "WELDING",
        "age_group": "ADULT",
        "accommodations": ("CHILDCARE", "FEMALE_INSTRUCTOR"),
        "availability": ("MORNING",),
        "agreement_number": "PKS-001/CONTOH",
        "eligible_until": date(2027, 4, 15),
        "due_on": date(2027, 1, 25),
        "requested_at": NOON,
    },
    "referral.accepted": {"accepted_at": datetime(2027, 1, 21, 3, 0, 0, 123000, tzinfo=UTC)},
    "referral.rejected": {"reason_code": "CAPACITY_FULL"},
    "referral.progressed": {"business_status": "waitlisted", "reason_code": None},
    "referral.started": {"started_at": NOON},
    "referral.paused": {"reason_code": "PARTICIPANT_UNAVAILABLE"},
    "referral.resumed": {"resumed_at": NOON},
    "referral.completed": {"passed": True},
    "referral.failed": {"reason_code": "HOLD_LIMIT"},
    "referral.cancelled": {"reason_code": "CONSENT_WITHDRAWN"},
    "referral.voided": {"reason_code": "WRONG_PERSON"},
    "deadline.neared": {"kind": "ANSWER", "due_on": date(2027, 1, 25)},
    "deadline.missed": {"kind": "HOLD", "due_on": date(2027, 2, 17), "late_seconds": 0},
}


def heard(base: type[Heard] = Heard) -> Iterator[type[Heard]]:
    for model in base.__subclasses__():
        if model.__module__ == wire.__name__ and "TYPE" in vars(model):
            yield model
        yield from heard(model)


@pytest.mark.parametrize("model", list(heard()), ids=lambda model: model.TYPE)
def test_reader_understands_every_published_example(model: type[Heard]) -> None:
    examples = sorted((EVENTS / model.TYPE / "examples").glob("*.json"))
    assert examples, "an event without an example is not published"
    for example in examples:
        data = json.loads(example.read_text())["data"]
        assert model.model_validate(data) == model.model_validate({**data, "added_next_year": 1})


def test_referral_hears_exactly_what_the_catalogue_says() -> None:
    operations = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())["operations"]
    mine = {
        message["$ref"].rsplit("/", 1)[1]
        for row in operations.values()
        if row["action"] == "receive" and row["x-basudara"].get("group") == "referrals"
        for message in row["messages"]
    }
    assert set(listening(RULES).readers) == mine == {model.TYPE for model in heard()}


@pytest.mark.parametrize("name", sorted(wire.SAID))
def test_writer_keeps_the_published_promise(name: str) -> None:
    said = wire.said(referral("requested"), Told(name, SAMPLES[name]))
    schema = json.loads((EVENTS / said.TYPE / "schema.json").read_text())
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    assert list(validator.iter_errors(said.model_dump(mode="json"))) == []


def test_referral_says_all_that_the_catalogue_gives_it_to_say() -> None:
    operations = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())["operations"]
    mine = {
        message["$ref"].rsplit("/", 1)[1]
        for row in operations.values()
        if row["action"] == "send" and row["x-basudara"].get("service") == "referral"
        for message in row["messages"]
    }
    assert {model.TYPE for model in wire.SAID.values()} == mine


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("referral.rejected", domain.REJECT_CODES),
        ("referral.paused", domain.STOP_CODES),
        ("referral.cancelled", domain.STOP_CODES),
        ("referral.failed", domain.FAIL_CODES),
        ("referral.voided", domain.VOID_CODES),
    ],
)
def test_reason_codes_are_the_published_ones(kind: str, codes: frozenset[str]) -> None:
    schema = json.loads((EVENTS / wire.SAID[kind].TYPE / "schema.json").read_text())
    assert set(schema["properties"]["reason_code"]["enum"]) == codes


def test_every_row_of_the_table_that_tells_has_its_event() -> None:
    assert {move.told for move in domain.MOVES.values() if move.told} <= set(wire.SAID)
