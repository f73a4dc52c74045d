"""The gate names foreign software that said what it uses, and only that; no service need read the same."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from deploy.basudara.cli import app

from .catalogue import ROOT
from .changing import CLOSED, Contracts, broken_by, member, without_member

BOARD, PARTY = "disnaker-ambon.papan-informasi", "disnaker-ambon papan-informasi -"  # as its manifest has it
OTHER, OTHER_PARTY = "dinkop-ambon.arsip", "dinkop-ambon arsip -"
PUBLISHED = "id.basudara.training.programme.published.v1"
CHANNEL = "training.programme"


def brought(contracts: Contracts, reader: str, kind: str, fields: dict[str, str]) -> None:
    file = contracts.folder / "readers" / reader / f"{kind}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"type": kind, "fields": fields}))


@pytest.fixture
def before(contracts: Contracts, tmp_path: Path) -> Path:
    """The contracts with a second subscriber, of what no service reads; `contracts` go on from there."""
    brought(contracts, OTHER, CLOSED, {"/consent_id": "string"})
    return Path(shutil.copytree(contracts.folder, tmp_path / "before"))


def test_who_brought_a_file_is_named_by_what_breaks_it(contracts: Contracts, before: Path) -> None:
    contracts.schema(PUBLISHED, member("title", type=["string", "null"]))
    contracts.schema(CLOSED, without_member("consent_id"))
    found = contracts.since(before)
    assert {one.file for one in found if one.breaking} >= {f"events/{kind}/schema.json" for kind in (PUBLISHED, CLOSED)}
    assert broken_by(found) == {PARTY, OTHER_PARTY}


def test_a_member_that_he_does_not_use_passes_him_by(contracts: Contracts, tmp_path: Path) -> None:
    brought(contracts, OTHER, PUBLISHED, {"/min_age": "integer"})
    shutil.copytree(contracts.folder, tmp_path / "both")
    contracts.schema(PUBLISHED, without_member("min_age"))
    assert broken_by(contracts.since(tmp_path / "both")) == {OTHER_PARTY}


def test_a_type_or_a_channel_that_goes_names_him(contracts: Contracts, before: Path) -> None:
    contracts.remove(f"events/{CLOSED}")
    assert OTHER_PARTY in broken_by(contracts.since(before))

    def shorter(document: Any) -> None:
        document["channels"][CHANNEL]["x-basudara"]["key"] = ["title"]

    contracts.catalogue(shorter)
    (key,) = [one for one in contracts.since(before) if one.rule == "key"]
    assert {str(party) for party in key.breaks} == {PARTY}


def test_a_file_that_asks_for_more_than_was_promised_breaks_himself(contracts: Contracts, before: Path) -> None:
    """His needs must have been given before: records of then are still there."""
    contracts.schema(PUBLISHED, lambda schema: schema["properties"].update(fee={"type": "integer"}))
    brought(contracts, BOARD, PUBLISHED, {"/fee": "integer"})
    assert broken_by(contracts.since(before)) == {PARTY}


@pytest.mark.parametrize(
    ("reader", "kind", "rule"),
    [
        (BOARD, CLOSED, "subscriber"),  # not of his channels
        ("disnaker-ambon.papan", PUBLISHED, "subscriber"),
        ("dinkop-ambon.papan-informasi", PUBLISHED, "subscriber"),
        ("nobody.papan-informasi", PUBLISHED, "subscriber"),
        ("papan-informasi", PUBLISHED, "operation"),
        (BOARD, PUBLISHED, ""),
    ],
)
def test_a_file_belongs_to_a_subscriber_of_a_manifest(contracts: Contracts, reader: str, kind: str, rule: str) -> None:
    brought(contracts, reader, kind, {})
    file = contracts.folder / "readers" / reader / f"{kind}.json"
    done = CliRunner().invoke(app, ["contracts", "validate", str(file), "--json"])
    (judged,) = json.loads(done.stdout)
    assert [(one["pointer"], one["rule"]) for one in judged["findings"]] == ([("/type", rule)] if rule else [])
    assert done.exit_code == (1 if rule else 0)


def test_the_manifest_beside_the_contracts_is_the_one_that_counts(contracts: Contracts) -> None:
    folder = contracts.folder.parent / "deploy" / "agencies"
    shutil.copytree(ROOT / "deploy" / "agencies", folder)
    told = yaml.safe_load((folder / "disnaker-ambon.yaml").read_text())
    del told["subscribers"]
    (folder / "disnaker-ambon.yaml").write_text(yaml.safe_dump(told))
    file = contracts.folder / "readers" / BOARD / f"{PUBLISHED}.json"
    done = CliRunner().invoke(app, ["contracts", "validate", str(file)])
    assert (done.exit_code, "subscriber" in done.stdout) == (1, True)
