"""`basudara contracts validate`: what is shipped passes, and each thing that can be wrong is named with its place."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from chassis import strict_yaml
from deploy.basudara.cli import app
from deploy.basudara.contracts.catalogues import Contracts
from deploy.basudara.contracts.validate import Kind, judge
from deploy.basudara.stack import ROOT
from deploy.basudara.tests.contracts.bad_files import BAD, GOOD, TYPE, Bad, changed


def validate(*given: object) -> Result:
    """What is not meant to be raised is raised here."""
    return CliRunner().invoke(app, ["contracts", "validate", *map(str, given)], catch_exceptions=False)


def findings(*given: object) -> list[dict[str, Any]]:
    (one,) = json.loads(validate("--json", *given).stdout)
    found: list[dict[str, Any]] = one["findings"]
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contracts, manifests and agreements as they are shipped, to be spoilt one file at a time."""
    home = tmp_path_factory.mktemp("checkout")
    for name in ("contracts", "deploy/agencies", "deploy/agreements"):
        shutil.copytree(ROOT / name, home / name)
    return home


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts(ROOT / "contracts")


@pytest.fixture
def spoilt(copy: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    bad: Bad = request.param
    file = copy / GOOD[bad.kind]
    good = file.read_text()
    read = json.loads(good) if file.suffix == ".json" else strict_yaml.loads(good)
    document = json.loads(json.dumps(read, default=str))  # days as texts
    file.write_text(json.dumps(changed(document, bad.changes)))
    yield file
    file.write_text(good)


def test_everything_that_is_shipped_keeps_the_published_rules() -> None:
    done = validate("--json", ROOT / "contracts", ROOT / "deploy" / "agencies", ROOT / "deploy" / "agreements")
    judged = json.loads(done.stdout)
    assert [one for one in judged if one["findings"]] == []
    assert done.exit_code == 0
    kinds = {one["kind"] for one in judged}
    assert kinds >= {"example", "schema", "asyncapi", "reader", "manifest", "agreement"}
    shipped = [*(ROOT / "contracts" / "events").rglob("*.json"), *(ROOT / "contracts" / "readers").rglob("*.json")]
    assert {one["file"] for one in judged if one["kind"]} >= set(map(str, shipped))


@pytest.mark.parametrize(("spoilt", "bad"), [(bad, bad) for bad in BAD], indirect=["spoilt"],
                         ids=[f"{bad.kind}: {bad.name}" for bad in BAD])  # fmt: skip
def test_what_is_wrong_is_named_with_its_place_and_its_rule(spoilt: Path, bad: Bad, contracts: Contracts) -> None:
    found = judge(spoilt, bad.kind, lambda: contracts).findings
    assert {(one.pointer, one.rule) for one in found} == bad.expected
    assert all(one.found for one in found)


def test_there_are_bad_files_of_every_kind() -> None:
    assert len(BAD) >= 60
    assert {bad.kind for bad in BAD} == set(GOOD)
    assert len({(bad.kind, bad.name) for bad in BAD}) == len(BAD)


def test_one_line_says_file_place_rule_and_what_was_found(copy: Path, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    event = json.loads((copy / GOOD["event"]).read_text())
    event["data"]["field"] = "Yopi Contoh"
    file.write_text(json.dumps(event))
    done = validate(file)
    assert done.exit_code == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"{file}#/data/field: enum: must be one of SEWING, WELDING,")
    assert line.endswith("; found a text of 11 characters"), "what stands in an event may be about a person"


def test_no_finding_shows_what_stands_in_an_event(copy: Path, contracts: Contracts, tmp_path: Path) -> None:
    """In whatever attribute or member a name was put."""
    event = json.loads((copy / GOOD["event"]).read_text())
    file = tmp_path / "event.json"
    for holder in (event, event["data"]):
        for name, good in list(holder.items()):
            holder[name] = "Salma Misal"
            file.write_text(json.dumps(event))
            assert "Salma" not in str(judge(file, "event", lambda: contracts).findings), name
            holder[name] = good


@pytest.mark.parametrize("kind", GOOD)
def test_the_kind_of_a_file_is_told_by_its_place_or_else_its_content(kind: Kind, copy: Path, tmp_path: Path) -> None:
    """And the output says which it took."""
    name = Path(GOOD[kind]).name
    elsewhere = tmp_path / ("some" + Path(name).suffix)
    shutil.copy(copy / GOOD[kind], elsewhere)
    (here,), (there,) = (json.loads(validate("--json", file).stdout) for file in (copy / GOOD[kind], elsewhere))
    assert here["kind"] == ("example" if kind == "event" else kind)
    assert there["kind"] == ("event" if kind == "example" else kind)
    assert f"ok ({here['kind']})" in validate(copy / GOOD[kind]).stdout


def test_what_is_of_no_kind_is_a_finding_where_it_is_asked_for_by_name(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    file.write_text("one: satu\n")
    assert [one["rule"] for one in findings(file)] == ["kind"]
    done = validate(tmp_path)
    assert (done.exit_code, done.stdout) == (0, f"{file}: ok (of no kind known here: only that it can be read)\n")


@pytest.mark.parametrize("given", [["nowhere.json"], ["--contracts", "nowhere", GOOD["event"]], ["deploy/demo/tests"]])
def test_what_could_not_be_looked_at_is_one_line_and_exit_code_2(given: list[str], monkeypatch: Any) -> None:
    monkeypatch.chdir(ROOT)
    done = validate(*given)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("basudara: ")
    assert done.stderr.count("\n") == 1


def test_an_event_is_held_against_the_contracts_that_it_lies_in(copy: Path) -> None:
    file = copy / "contracts" / "events" / TYPE / "schema.json"
    good = file.read_text()
    file.write_text(good.replace('"WELDING",', ""))
    try:
        assert [one["pointer"] for one in findings(copy / GOOD["example"])] == ["/data/field"]
    finally:
        file.write_text(good)


def test_a_catalogue_that_cannot_be_used_refuses_events_in_one_line(copy: Path) -> None:
    file = copy / GOOD["asyncapi"]
    good = file.read_text()
    try:
        for text in ("asyncapi: 3.0.0\nchannels: 7\n", "a: [", "{}\n", "asyncapi: 3.0.0\nchannels: {}\n"):
            file.write_text(text)
            done = validate(copy / GOOD["example"])
            assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    finally:
        file.write_text(good)


def test_a_name_outside_a_z_0_9_cannot_leave_a_service(copy: Path, tmp_path: Path) -> None:
    """As a type, an attribute, a header, an address or a member: a contract with such a name is refused."""
    folder = tmp_path / "contracts" / "events" / "id.basudara.referral.Referral.requested.v1"
    folder.mkdir(parents=True)
    shutil.copy(copy / GOOD["schema"], folder / "schema.json")
    assert validate(folder / "schema.json").exit_code == 1
    assert [one["rule"] for one in findings(folder / "schema.json")] == ["type-name"]
    named = {(bad.kind, rule) for bad in BAD if "outside a-z0-9" in bad.name for _, rule in bad.expected}
    assert named == {("schema", "name"), ("asyncapi", "name")}
