"""What the catalogue says of each event beyond its schema: meaning, law, move, who decides, history."""

import re
from typing import Any

import pytest
import yaml

from tests.architecture.tree import ROOT

from .catalogue import CATALOGUE, CONTRACTS, SERVICES, schema_of

MESSAGES: dict[str, Any] = CATALOGUE["components"]["messages"]
LAWS = re.compile(r"(UU|PP|Permenkumham|Permenaker|Permendagri|Kep\.) \d+(/[A-Z]+)?/\d{4}")
MACHINES = {"Case", "Consent", "Referral", "Placement", "Enrolment", "Cohort", "Certificate", "Message", "Erasure"}
SERVICE_OF = {
    "Case": "intake",
    "Consent": "intake",
    "Erasure": "intake",
    "Referral": "referral",
    "Message": "notification",
}
by_type = pytest.mark.parametrize("kind", MESSAGES)


@by_type
def test_an_event_says_what_it_means_who_decides_and_since_when(kind: str) -> None:
    told = MESSAGES[kind]["x-basudara"]
    assert told.keys() <= {"meaning", "law", "move", "by", "history"}
    assert told["meaning"].endswith("."), "whole sentences"
    assert told["by"], "somebody decides, or the system does"
    versions = [change["version"] for change in told["history"]]
    assert versions == sorted(set(versions), key=numbers)
    assert numbers(versions[-1]) <= numbers(CATALOGUE["info"]["version"])


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@by_type
def test_a_law_named_as_basis_is_one_that_the_schema_names(kind: str) -> None:
    """The structured member and the sentence for people must not part ways."""
    source = schema_of(kind)["description"].split("Source: ", 1)[1]
    for law in MESSAGES[kind]["x-basudara"].get("law", []):
        (number,) = [match.group(0) for match in LAWS.finditer(law)]
        assert number in source, law
    for match in LAWS.finditer(source):
        named = " ".join(MESSAGES[kind]["x-basudara"].get("law", []))
        assert match.group(0) in named, f"{match.group(0)} is in the schema's description only"


@by_type
def test_a_move_is_of_a_machine_of_the_service_and_the_one_that_the_schema_names(kind: str) -> None:
    move, source = MESSAGES[kind]["x-basudara"].get("move"), schema_of(kind)["description"]
    machines = re.findall(r"state machine (\w+)", source)
    if move is None:
        assert machines == [] or "deadline" in kind
        return
    assert machines in ([], [move["machine"]])
    assert move["machine"] in MACHINES
    assert SERVICE_OF.get(move["machine"], "training") == kind.split(".")[2]


def test_the_services_are_told_and_no_others() -> None:
    told = CATALOGUE["x-basudara"]["services"]
    assert set(told) == {*SERVICES, "agreement"}
    for service in told.values():
        assert service["meaning"].endswith(".")
        assert set(service["run_by"]) <= {"sender", "trainer", "register"}


def test_the_translation_is_of_whole_sentences_with_their_marks() -> None:
    told = yaml.safe_load((CONTRACTS / "indonesian.yaml").read_text())
    for english, indonesian in told.items():
        assert english.endswith(".") == indonesian.endswith("."), english
        assert sorted(re.findall(r"`[^`]+`", english)) == sorted(re.findall(r"`[^`]+`", indonesian)), english
        assert re.findall(r"\d+", english) == re.findall(r"\d+", indonesian) or "numbers differ" in english, english
        assert english != indonesian or LAWS.search(english), f"not translated: {english}"
    assert ROOT / "contracts" == CONTRACTS
