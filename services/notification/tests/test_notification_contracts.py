"""Both sides of every event against the published data."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator
from notification_examples import NOON, PAIR, asked, sending

from chassis.wire import Heard, Said
from notification import wire
from notification.domain.message import Step
from notification.domain.people import ConsentStop

EVENTS = Path(__file__).resolve().parents[3] / "contracts" / "events"


def below(base: type[Heard]) -> Iterator[type[Heard]]:
    for model in base.__subclasses__():
        if "TYPE" in model.__dict__ and model.__module__ == wire.__name__:
            yield model
        yield from below(model)


@pytest.mark.parametrize("model", sorted(below(Heard), key=lambda one: one.TYPE), ids=lambda one: one.TYPE)
def test_reader_understands_every_published_example(model: type[Heard]) -> None:
    examples = sorted((EVENTS / model.TYPE / "examples").glob("*.json"))
    assert examples, "an event without an example is not published"
    for example in examples:
        data = json.loads(example.read_text())["data"]
        assert model.model_validate(data) == model.model_validate({**data, "added_next_year": 1})


def said(step: Step | None) -> Said:
    assert step is not None
    assert step.told is not None
    return wire.said(step.message, step.told)


DELIVERED = sending().told_delivered(1, NOON)
assert DELIVERED is not None
ESCALATED = sending("SMS").escalate("UNKNOWN", date(2027, 1, 14)).message
SAMPLES = [
    said(asked().send("SMS", NOON, NOON)),
    said(DELIVERED),
    *(said(asked().suppress(reason)) for reason in ("NO_CONSENT", "CASE_CLOSED", "DUPLICATE", "IN_CUSTODY")),
    *(said(asked().suppress(reason)) for reason in ("DAILY_LIMIT", "NO_CONTACT")),
    *(said(sending().fall_back(reason, NOON)) for reason in ("FAILED", "UNDELIVERED", "NO_OPT_IN")),
    said(DELIVERED.message.reopen(NOON)),
    said(DELIVERED.message.escalate_bounced(date(2027, 1, 14))),
    *(said(sending("SMS").escalate(reason, date(2027, 1, 14))) for reason in ("FAILED", "UNKNOWN")),
    said(ESCALATED.resolve("probation_officer", ESCALATED.version, True)),
    said(asked().expire()),
    wire.stopped(ConsentStop(id="csn_" + "d" * 26, version=1, case_ref=PAIR, purpose="MESSAGING", stopped_at=NOON)),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: type(one).__name__)
def test_writer_keeps_the_published_promise(sample: Said) -> None:
    schema = json.loads((EVENTS / sample.TYPE / "schema.json").read_text())
    Draft202012Validator(schema, validate_formats=True).validate(sample.model_dump(mode="json"))


def test_every_event_that_is_said_has_a_sample() -> None:
    published = {folder.name for folder in EVENTS.glob("id.basudara.notification.*")}
    assert {sample.TYPE for sample in SAMPLES} == published
