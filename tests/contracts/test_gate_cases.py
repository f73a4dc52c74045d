"""The gate's judgement of two schemas, on cases written by hand: a breaking one has a witness that another validator
confirms, and a safe one withstands random documents."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import jsonschema_rs
import pytest
import yaml

from deploy.basudara.contracts.compare.verdicts import gaps
from deploy.basudara.tests.contracts.documents import Documents

ROWS = yaml.safe_load((Path(__file__).parent / "data" / "gate" / "cases.yaml").read_text())
SAFE = {"narrower": (True, False), "same": (True, True), "apart": (False, False)}  # forth and back
DOCUMENTS, TRIES = 500, 20_000

FORMATS = jsonschema.FormatChecker(["date", "uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def is_instant(text: object) -> bool:
    """The validator leaves this format to a package that we do not need otherwise."""
    return not isinstance(text, str) or (
        text[10:11] in ("T", "t") and datetime.fromisoformat(text.upper()).tzinfo is not None
    )


@FORMATS.checks("email")
def is_address(text: object) -> bool:
    """Its own rule is only that there is an @."""
    return not isinstance(text, str) or re.fullmatch(r"[^@\s]+@[^@\s]+", text) is not None


class Case(NamedTuple):
    name: str
    new: Any
    old: Any
    safe: bool


def cases() -> list[Case]:
    found = []
    for row in ROWS:
        forth, back = SAFE[row["how"]]
        found.append(Case(f"{row['name']}, forth", row["one"], row["other"], forth))
        found.append(Case(f"{row['name']}, back", row["other"], row["one"], back))
    return found


CASES = cases()
each = pytest.mark.parametrize
named = {"ids": lambda case: case.name}


def other_judge(schema: Any) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema, format_checker=FORMATS)


def test_there_are_cases_enough_and_each_has_its_own_name() -> None:
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(case.safe for case in CASES) >= 60 <= sum(not case.safe for case in CASES)


@each("case", [case for case in CASES if not case.safe], **named)
def test_a_breaking_change_has_a_witness_that_another_validator_confirms(case: Case) -> None:
    found = gaps(case.new, case.old)
    assert found, "taken for safe"
    for gap in found:
        assert gap.decided, gap.found
        assert other_judge(case.new).is_valid(gap.witness), f"the new writer may not write {json.dumps(gap.witness)}"
        assert not other_judge(case.old).is_valid(gap.witness), f"it was allowed: {json.dumps(gap.witness)}"


@each("case", [case for case in CASES if case.safe], **named)
def test_a_safe_change_withstands_random_documents(case: Case) -> None:
    assert gaps(case.new, case.old) == []
    allows_nothing = gaps(case.new, False) == []
    documents = Documents(case.new, seed=7).allowed(DOCUMENTS, DOCUMENTS if allows_nothing else TRIES)
    old = jsonschema_rs.Draft202012Validator(case.old, validate_formats=True)
    assert [one for one in documents if not old.is_valid(one)] == []
    assert len(documents) == (0 if allows_nothing else DOCUMENTS)
