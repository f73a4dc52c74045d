"""Both sides against the published data, and the machines' events against the catalogue."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from chassis import wire as base
from training import wire
from training.domain import certificate, cohort, enrolment, followup, placement, programme

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"
EVENTS = CONTRACTS / "events"


def examples(kind: str) -> list[dict[str, Any]]:
    found = [json.loads(path.read_text())["data"] for path in sorted((EVENTS / kind / "examples").glob("*.json"))]
    assert found, "an event without an example is not published"
    return found


@pytest.mark.parametrize("model", wire.Heard.__subclasses__(), ids=lambda model: model.TYPE)
def test_reader_understands_every_published_example(model: type[base.Heard]) -> None:
    for data in examples(model.TYPE):
        assert model.model_validate(data) == model.model_validate({**data, "added_next_year": 1})


@pytest.mark.parametrize("model", wire.SAID, ids=lambda model: model.TYPE)
def test_writer_says_exactly_the_published_members(model: type[base.Said]) -> None:
    schema = jsonschema_rs.Draft202012Validator(
        json.loads((EVENTS / model.TYPE / "schema.json").read_text()), validate_formats=True
    )
    for data in examples(model.TYPE):
        said = model.model_validate(data).model_dump(mode="json")
        schema.validate(said)
        assert set(said) == set(data)


def test_every_type_of_training_in_the_catalogue_is_said_and_no_other() -> None:
    document = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    ours = [row for row in document["channels"].values() if row["x-basudara"]["owner"] == "training"]
    published = {kind for row in ours for kind in row.get("messages", {})}
    assert {model.TYPE for model in wire.SAID} == published


def test_training_hears_exactly_what_the_catalogue_says_it_hears() -> None:
    document = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    operations = [row for row in document["operations"].values() if row["action"] == "receive"]
    ours = [row for row in operations if row["x-basudara"].get("service") == "training"]
    listed = {message["$ref"].rsplit("/", 1)[1] for row in ours for message in row["messages"]}
    assert {model.TYPE for model in wire.Heard.__subclasses__()} == listed


def test_every_event_that_a_move_tells_exists() -> None:
    machines = (placement.MOVES, enrolment.MOVES, cohort.MOVES, certificate.MOVES, followup.MOVES, programme.MOVES)
    told = {move.told for machine in machines for move in machine.values() if move.told}
    assert told | {"consent.stopped", "erasure.done"} == {
        model.TYPE.split("id.basudara.training.")[1][:-3] for model in wire.SAID
    }
