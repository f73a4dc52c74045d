"""Each event on its own: its schema keeps the house's promises, its examples keep the schema's.

What one file alone must keep is `basudara contracts validate`'s to say (deploy/basudara/tests/contracts shows that it
does): here it has nothing to say, and what several files or other validators must agree on is looked at.
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from deploy.basudara.contracts.schemas import broken, singular

from .catalogue import CATALOGUE, CHANNELS, EVENTS, EXAMPLES, FOLDERS, kinds_of, members, schema_of

TYPES = [folder.name for folder in FOLDERS]
FORM_VARIES = {"reason_code", "replaced_by"}  # codes of its type; an id of the kind that is replaced
AGENCIES = re.compile(r"ambon|maluku|kanwil-|bapas-|-sbb")
by_type = pytest.mark.parametrize("kind", TYPES)


@by_type
def test_schema_keeps_every_rule_of_one(kind: str) -> None:
    assert list(broken(schema_of(kind), EVENTS / kind / "schema.json")) == []


@by_type
def test_no_agency_is_named_in_a_schema(kind: str) -> None:
    assert not AGENCIES.search((EVENTS / kind / "schema.json").read_text())


def test_a_member_has_one_spelling_and_one_form() -> None:
    """A list may have its item's name in the plural: `fields` of `field`."""
    spellings: dict[tuple[str, bool], set[str]] = {}
    forms: dict[str, dict[str, str]] = {}
    for kind in TYPES:
        for path, member in members(schema_of(kind)):
            name = path.rsplit("/", 1)[1]
            kinds = sorted(kinds_of(member) - {"null"})
            if name == "*" or not kinds:
                continue
            spelled = singular(name.replace("_", "").replace("-", "").lower())
            spellings.setdefault((spelled, kinds == ["array"]), set()).add(name)
            free = "enum" in member or name in FORM_VARIES
            form = json.dumps([kinds, [] if free else [member.get(key) for key in ("format", "pattern", "maxLength")]])
            forms.setdefault(name, {})[form] = kind
    assert {names for names in map(frozenset, spellings.values()) if len(names) > 1} == set()
    assert {name: list(found.values()) for name, found in forms.items() if len(found) > 1} == {}


@by_type
def test_every_event_is_published_with_an_example(kind: str) -> None:
    assert list((EVENTS / kind / "examples").glob("*.json")), "an event without an example is not published"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_example_is_a_whole_event_of_its_type(file: Path) -> None:
    """By the plain schemas, without any rule of ours."""
    event: dict[str, Any] = json.loads(file.read_text())
    kind = file.parts[-3]
    for schema, value in ((CATALOGUE["components"]["schemas"]["envelope"], event), (schema_of(kind), event["data"])):
        jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(value)
    assert (event["type"], event["dataschema"]) == (kind, schema_of(kind)["$id"])


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_example_has_a_key_of_the_published_form(file: Path) -> None:
    event: dict[str, Any] = json.loads(file.read_text())
    (channel,) = (channel for channel in CHANNELS.values() if event["type"] in channel.get("messages", {}))
    key = next(event["data"][name] for name in channel["x-basudara"]["key"] if event["data"].get(name))
    binding = CATALOGUE["components"]["messages"][event["type"]]["bindings"]["$ref"].rsplit("/", 1)[1]
    assert re.fullmatch(CATALOGUE["components"]["messageBindings"][binding]["kafka"]["key"]["pattern"], key)


def test_follow_up_names_its_person_whole_or_not_at_all() -> None:
    folder = EVENTS / "id.basudara.training.followup.recorded.v1"
    validator = jsonschema_rs.Draft202012Validator(schema_of(folder.name))
    data = json.loads((folder / "examples" / "with-person.json").read_text())["data"]
    for member in ("case_ref", "referral_id", "enrolment_id"):
        assert not validator.is_valid({**data, member: None})


@by_type
def test_nothing_but_the_published_members_passes(kind: str) -> None:
    """The validator that services use asserts what the schema says, in each of its examples."""
    validator = jsonschema_rs.Draft202012Validator(schema_of(kind), validate_formats=True)
    for file in (EVENTS / kind / "examples").glob("*.json"):
        data = json.loads(file.read_text())["data"]
        assert not validator.is_valid({**data, "full_name": "Yopi Contoh"})
        for member in data:
            assert not validator.is_valid({name: value for name, value in data.items() if name != member}), member


def test_files_are_written_in_one_way() -> None:
    for file in [*EXAMPLES, *(folder / "schema.json" for folder in FOLDERS)]:
        text = file.read_text()
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", file
