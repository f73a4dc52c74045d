"""Intake's models against the published events: what it says keeps the promise, what it hears is understood."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from chassis.wire import Heard, Said
from intake import wire

EVENTS = Path(__file__).parents[3] / "contracts" / "events"
REF, CONSENT, AT, DAY = "prt_" + "a" * 26, "csn_" + "a" * 26, datetime(2027, 3, 4, 3, tzinfo=UTC), date(2027, 9, 30)
ERASURE = "era_" + "a" * 26
ABOUT: dict[str, Any] = {"consent_id": CONSENT, "case_ref": REF, "purpose": "TRAINING"}
SAMPLES = [
    wire.CaseRegistered(
        case_ref=REF, age_group="ADULT", age_group_until=None, home_area="81.71", voluntary=True, referable_until=DAY
    ),
    wire.CaseAssigned(case_ref=REF, officer_id="pk-1"),
    wire.EligibilityDecided(case_ref=REF, outcome="ELIGIBLE", fields=("WELDING",), valid_until=DAY, reason_code=None),
    wire.EligibilityDecided(case_ref=REF, outcome="NOT_ELIGIBLE", fields=(), valid_until=None, reason_code="NOT_READY"),
    wire.CaseOpened(case_ref=REF),
    wire.CaseSuspended(case_ref=REF, reason_code="CUSTODY"),
    wire.CaseResumed(case_ref=REF),
    wire.CaseClosed(case_ref=REF, reason_code="ENDED", aftercare=True),
    wire.ConsentAsked(
        consent_id=CONSENT,
        case_ref=REF,
        agency="dinkop-ambon",
        agency_case_ref="prt_" + "b" * 26,
        purpose="TRAINING",
        text_version="2027-1",
    ),
    wire.ConsentRefused(consent_id=CONSENT, case_ref=REF),
    wire.ConsentGranted(**ABOUT, given_by=("CHILD", "GUARDIAN"), granted_at=AT, valid_until=DAY),
    wire.ConsentWithdrawn(**ABOUT, received_at=AT, stop_by=AT),
    wire.ConsentClosed(**ABOUT, closed_at=AT),
    wire.ConsentExpired(**ABOUT, expired_at=AT, cause="COMING_OF_AGE"),
    wire.ConsentSuperseded(**ABOUT, replaced_by=CONSENT),
    wire.ErasureBegun(erasure_id=ERASURE, case_ref=REF, reason_code="ORDERED", erase_by=AT),
    wire.ErasureAsked(erasure_id=ERASURE, case_ref=REF, erase_by=AT),
    wire.ErasureOverdue(erasure_id=ERASURE, case_ref=REF, missing=("dinkop-ambon/training",), late_seconds=0),
    wire.ErasureClosed(erasure_id=ERASURE, case_ref=REF, closed_at=AT),
    wire.DeadlineMissed(**ABOUT, stop_by=AT, missing=("notification", "training"), late_seconds=1),
]


def types_of(base: type[Any]) -> Iterator[type[Any]]:
    for model in base.__subclasses__():
        if model.__module__ == wire.__name__ and "TYPE" in vars(model):
            yield model
        yield from types_of(model)


@pytest.mark.parametrize("said", SAMPLES, ids=lambda said: said.TYPE)
def test_intake_keeps_its_published_promises(said: Said) -> None:
    schema = json.loads((EVENTS / said.TYPE / "schema.json").read_text())
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(said.model_dump(mode="json"))


def test_every_event_of_intake_has_a_sample_and_a_place_in_the_contracts() -> None:
    said = {model.TYPE for model in types_of(Said)}
    assert said == {sample.TYPE for sample in SAMPLES}
    assert said == {folder.name for folder in EVENTS.glob("id.basudara.intake.*")}


@pytest.mark.parametrize("model", list(types_of(Heard)), ids=lambda model: model.TYPE)
def test_intake_understands_every_published_example_and_what_is_added_next_year(model: type[Heard]) -> None:
    examples = sorted((EVENTS / model.TYPE / "examples").glob("*.json"))
    assert examples, "an event without an example is not published"
    for example in examples:
        data = json.loads(example.read_text())["data"]
        assert model.model_validate(data) == model.model_validate({**data, "added_next_year": 1})
