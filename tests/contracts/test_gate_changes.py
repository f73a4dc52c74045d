"""The gate on whole catalogues: what a writer or a reader changes, and whom it breaks."""

import json
from typing import Any

import jsonschema
import pytest

from .catalogue import CONTRACTS
from .changing import (
    CLOSED,
    HEARD_BY,
    REQUESTED,
    TRAINING,
    Contracts,
    Edit,
    breaking,
    broken_by,
    member,
    with_member,
    without_member,
)

# -- what a writer changes ---------------------------------------------------------------------------------------------


def test_contracts_are_safe_against_themselves(contracts: Contracts) -> None:
    assert contracts.since() == []


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (without_member("field"), "required"),
        (member("accommodations", type=["array", "null"]), "type"),
        (member("field", enum=["SEWING", "WELDING", "POTTERY"]), "enum"),
        (member("referral_id", pattern="^ref_[a-z0-9]{26}$"), "pattern"),
        (lambda schema: schema["properties"]["due_on"].pop("format"), "format"),
        (lambda schema: schema["required"].remove("field"), "required"),
        (member("accommodations", items={"type": "integer"}), "type"),
        (member("accommodations", items={"type": "string", "grade": 3}), "undecided"),
    ],
)
def test_a_value_that_a_reader_did_not_know_breaks_it(contracts: Contracts, edit: Edit, rule: str) -> None:
    """The witness is what the new writer may write and the old schema refused, by another validator's word."""
    contracts.schema(REQUESTED, edit)
    found = breaking(contracts.since())
    assert rule in {one.rule for one in found}
    assert any(party in HEARD_BY for party in broken_by(found))
    new = json.loads((contracts.folder / "events" / REQUESTED / "schema.json").read_text())
    old = json.loads((CONTRACTS / "events" / REQUESTED / "schema.json").read_text())
    for one in found:
        if one.file.startswith("events/") and one.has_witness:
            assert jsonschema.Draft202012Validator(new).is_valid(one.witness)
            assert not judge(old).is_valid(one.witness)


def judge(schema: Any) -> jsonschema.Draft202012Validator:
    checker = jsonschema.FormatChecker(["date"])
    return jsonschema.Draft202012Validator(schema, format_checker=checker)


def test_everybody_who_breaks_is_named(contracts: Contracts) -> None:
    contracts.schema(REQUESTED, member("referral_id", type=["string", "null"]))
    assert broken_by(contracts.since()) == HEARD_BY


def test_an_agency_that_does_not_run_the_writer_does_not_break_by_its_private_channel(contracts: Contracts) -> None:
    """Two agencies run notification; only one has cases of its own."""
    contracts.schema("id.basudara.intake.case.registered.v1", member("case_ref", type=["string", "null"]))
    assert broken_by(contracts.since()) == {"bapas-ambon notification messages", "bapas-ambon referral referrals"}


def test_who_does_not_use_a_field_does_not_break_by_it(contracts: Contracts) -> None:
    told = json.loads((CONTRACTS / "readers" / "notification" / f"{REQUESTED}.json").read_text())["fields"]
    assert "/availability" not in told
    contracts.schema(REQUESTED, member("availability", type=["array", "null"]))
    assert broken_by(contracts.since()) == TRAINING


def test_a_member_more_breaks_nobody_and_is_not_even_told(contracts: Contracts) -> None:
    contracts.schema(REQUESTED, with_member("shift", {"enum": ["DAY", "NIGHT"]}))
    assert contracts.since() == []


def test_a_narrower_member_breaks_nobody(contracts: Contracts) -> None:
    contracts.schema(REQUESTED, member("field", enum=["SEWING"]))
    assert contracts.since() == []


def test_a_change_that_nobody_reads_is_told_and_breaks_nobody(contracts: Contracts) -> None:
    contracts.schema(CLOSED, lambda schema: schema["required"].clear())
    found = contracts.since()
    assert found
    assert breaking(found) == []
    assert all(one.has_witness for one in found)


# -- what a reader changes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "kinds"),
    [("/salary", "integer"), ("/field", "integer"), ("/accommodations/*", "object"), ("/due_on/day", "string")],
)
def test_a_reader_that_needs_what_was_never_written_breaks(contracts: Contracts, field: str, kinds: str) -> None:
    contracts.json(f"readers/training/{REQUESTED}.json", lambda reader: reader["fields"].update({field: kinds}))
    found = breaking(contracts.since())
    if field == "/due_on/day":  # asked only of objects, and a text is none
        assert found == []
        return
    assert {one.file for one in found} == {f"readers/training/{REQUESTED}.json"}
    assert broken_by(found) == TRAINING


def test_a_reader_that_asks_for_a_field_which_comes_in_the_same_change_breaks_by_older_records(
    contracts: Contracts,
) -> None:
    contracts.schema(REQUESTED, with_member("shift", {"enum": ["DAY", "NIGHT"]}))
    contracts.json(f"readers/training/{REQUESTED}.json", lambda reader: reader["fields"].update({"/shift": "string"}))
    found = breaking(contracts.since())
    assert [one.rule for one in found] == ["required"]
    assert "shift" not in found[0].witness


def test_a_reader_that_takes_more_or_asks_less_is_safe(contracts: Contracts) -> None:
    def edit(reader: Any) -> None:
        reader["fields"]["/field"] = "string|null"
        del reader["fields"]["/due_on"]

    contracts.json(f"readers/training/{REQUESTED}.json", edit)
    assert contracts.since() == []
