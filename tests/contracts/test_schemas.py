"""Each event on its own: its schema keeps the house's promises, its examples keep the schema's."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from .catalogue import CATALOGUE, CHANNELS, EVENTS, EXAMPLES, FOLDERS, kinds_of, members, nodes, schema_of

TYPES = [folder.name for folder in FOLDERS]
PERSONAL = {
    "name", "alias", "nik", "birth", "born", "sex", "gender", "phone", "mobile", "whatsapp", "email", "address",
    "street", "village", "kecamatan", "education", "diploma", "disability", "guardian", "guarantor", "supervision",
    "register", "sdp", "offence", "crime", "verdict", "risk", "need", "violation", "nib", "photo", "note", "comment",
}  # fmt: skip
FORM_VARIES = {"reason_code", "replaced_by"}  # codes of its type; an id of the kind that is replaced
AGENCIES = re.compile(r"ambon|maluku|kanwil-|bapas-|-sbb")
by_type = pytest.mark.parametrize("kind", TYPES)


def singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


@by_type
def test_schema_is_valid_and_named_after_its_folder(kind: str) -> None:
    schema = schema_of(kind)
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:basudara:events:{kind}"
    assert schema["title"] == ".".join(kind.split(".")[3:-1])


@by_type
def test_schema_says_when_the_event_is_sent_and_by_which_rule(kind: str) -> None:
    description = schema_of(kind)["description"]
    assert description.startswith("Sent "), "the first sentence says when"
    assert "Source: " in description


@by_type
def test_payload_is_closed_and_complete_at_every_object(kind: str) -> None:
    for path, node in nodes(schema_of(kind)):
        if "type" in node and isinstance(node["type"], str | list) and "object" in kinds_of(node):
            assert node.get("additionalProperties") is False, path
            assert sorted(node["required"]) == sorted(node["properties"]), f"{path}: unknown is null, never absent"


@by_type
def test_every_member_is_described_and_bounded(kind: str) -> None:
    for path, member in members(schema_of(kind)):
        assert member.get("description", "").endswith("."), f"{path} says nothing"
        kinds = kinds_of(member) - {"null", "boolean", "object"}
        if "enum" in member:
            continue
        bounds = {"string": {"minLength", "maxLength"}, "array": {"minItems", "maxItems", "items"}}
        for one in kinds:
            missing = bounds.get(one, {"minimum", "maximum"}) - member.keys()
            assert not missing, f"{path} has no {missing}"


@by_type
def test_schema_can_be_taken_alone(kind: str) -> None:
    assert not [path for path, node in nodes(schema_of(kind)) if "$ref" in node or "$dynamicRef" in node]


@by_type
def test_no_member_can_hold_identity(kind: str) -> None:
    for path, _ in members(schema_of(kind)):
        words = {singular(word) for word in path.rsplit("/", 1)[1].lower().split("_")}
        assert not words & PERSONAL, path


@by_type
def test_no_agency_is_named_in_a_schema(kind: str) -> None:
    assert not AGENCIES.search((EVENTS / kind / "schema.json").read_text())


@by_type
def test_suffix_of_a_member_says_its_form(kind: str) -> None:
    forms = {"at": "date-time", "on": "date", "until": "date", "from": "date"}
    for path, member in members(schema_of(kind)):
        form = forms.get(path.rsplit("_", 1)[1]) if "_" in path else None
        assert form is None or member.get("format") == form, path


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
    event: dict[str, Any] = json.loads(file.read_text())
    kind = file.parts[-3]
    envelope = CATALOGUE["components"]["schemas"]["envelope"]
    jsonschema_rs.Draft202012Validator(envelope, validate_formats=True).validate(event)
    jsonschema_rs.Draft202012Validator(schema_of(kind), validate_formats=True).validate(event["data"])
    assert event.keys() <= envelope["properties"].keys()
    assert event["type"] == kind
    assert event["source"].split("/")[2] == kind.split(".")[2]
    assert event["dataschema"] == schema_of(kind)["$id"]
    assert event["subject"] in event["data"].values()
    assert event["time"].endswith("Z")


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
