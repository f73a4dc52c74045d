"""The gate on whole catalogues: each kind of change, whom it breaks, and how a contract is changed without that."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.basudara.contracts import gate
from deploy.basudara.contracts.compare.sides import Change, Side
from deploy.basudara.manifests import agencies

from .catalogue import CONTRACTS, ROOT

REQUESTED = "id.basudara.referral.referral.requested.v1"
CLOSED = "id.basudara.intake.consent.closed.v1"  # no service reads it
PLACED = "id.basudara.training.placement.accepted.v1"
HEARD_BY = {  # of REQUESTED, by catalogue and manifests
    "bapas-ambon notification messages", "dinkop-ambon training placements", "disnaker-ambon notification messages",
    "disnaker-ambon training placements", "disperindag-ambon training placements",
}  # fmt: skip
TRAINING = {party for party in HEARD_BY if " training " in party}
Edit = Callable[[Any], None]


ALL = agencies(ROOT / "deploy" / "agencies")


@cache
def side(folder: Path) -> Side:
    return Side(folder, ALL)


class Contracts:
    """A copy of the contracts to be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(CONTRACTS, folder)

    def schema(self, kind: str, edit: Edit) -> None:
        self.json(f"events/{kind}/schema.json", edit)

    def json(self, name: str, edit: Edit) -> None:
        file = self.folder / name
        document = json.loads(file.read_text())
        edit(document)
        file.write_text(json.dumps(document))

    def catalogue(self, edit: Edit) -> None:
        file = self.folder / "asyncapi.yaml"
        document = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
        edit(document)
        file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False))

    def remove(self, name: str) -> None:
        place = self.folder / name
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()

    def since(self, old: Path = CONTRACTS) -> list[Change]:
        return gate.changes(side(old) if old == CONTRACTS else Side(old, ALL), Side(self.folder, ALL))


@pytest.fixture
def contracts(tmp_path: Path) -> Contracts:
    return Contracts(tmp_path / "contracts")


def breaking(found: list[Change]) -> list[Change]:
    return [one for one in found if one.breaking]


def broken_by(found: list[Change]) -> set[str]:
    return {str(party) for one in breaking(found) for party in one.breaks}


def member(name: str, **new: Any) -> Edit:
    return lambda schema: schema["properties"][name].update(new)


def without_member(name: str) -> Edit:
    def edit(schema: Any) -> None:
        del schema["properties"][name]
        schema["required"].remove(name)

    return edit


def with_member(name: str, schema_of_it: Any) -> Edit:
    def edit(schema: Any) -> None:
        schema["properties"][name] = schema_of_it
        schema["required"].append(name)

    return edit


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


# -- the catalogue -----------------------------------------------------------------------------------------------------

CHANNEL = "training.placement.to"


def own(**new: Any) -> Edit:
    return lambda document: document["channels"][CHANNEL]["x-basudara"].update(new)


def kafka(**new: Any) -> Edit:
    return lambda document: document["components"]["channelBindings"]["person"]["kafka"].update(new)


def setting(name: str, value: Any) -> Edit:
    def edit(document: Any) -> None:
        document["components"]["channelBindings"]["person"]["kafka"]["topicConfiguration"][name] = value

    return edit


def moved(document: Any) -> None:
    channels, operations = document["channels"], document["operations"]
    channels["training.enrolment.to"]["messages"][PLACED] = channels[CHANNEL]["messages"].pop(PLACED)
    for row in operations.values():
        row["messages"] = [one for one in row["messages"] if not one["$ref"].endswith(PLACED)]


def without(part: str, name: str) -> Edit:
    return lambda document: document[part].pop(name)


def operation(name: str, **new: Any) -> Edit:
    return lambda document: document["operations"][name]["x-basudara"].update(new)


HEARS = "referral.referrals.receives.training.placement.to"


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (lambda document: document["channels"][CHANNEL].update(address="{owner}.answer.{reader}.v1"), "address"),
        (own(key=["referral_id"]), "key"),
        (own(owner="referral"), "owner"),
        (own(data_class="S"), "data-class"),
        (own(readers=["own"]), "readers"),
        (kafka(partitions=3), "partitions"),
        (kafka(partitions=12), "partitions"),
        (setting("retention.ms", 1000), "retention"),
        (setting("cleanup.policy", ["compact"]), "topic-setting"),
        (setting("min.compaction.lag.ms", 5), "topic-setting"),
        (setting("max.message.bytes", 5), "record-size"),
        (moved, "message-moved"),
        (lambda document: document["channels"][CHANNEL]["messages"].pop(PLACED), "message-removed"),
        (without("channels", CHANNEL), "channel-removed"),
        (without("operations", HEARS), "operation-removed"),
        (without("operations", "training.sends.training.placement.to"), "operation-removed"),
        (operation(HEARS, group="answers"), "group"),
        (operation(HEARS, **{"from": "own"}), "from"),
        (lambda document: document["channels"][CHANNEL].update(servers=[]), "not-understood"),
        (lambda document: document["components"]["messages"][PLACED].update(contentType="text/csv"), "not-understood"),
        (lambda document: document.update(defaultContentType="application/json"), "content-type"),
        (lambda document: document["components"]["schemas"]["envelope"]["required"].remove("subject"), "required"),
        (lambda document: document["components"]["parameters"]["group"]["enum"].remove("referrals"), "parameter"),
    ],
)  # fmt: skip
def test_a_change_of_a_channel_is_seen_and_names_its_readers(contracts: Contracts, edit: Edit, rule: str) -> None:
    contracts.catalogue(lambda document: tidy(document, edit))
    found = breaking(contracts.since())
    assert rule in {one.rule for one in found}
    assert "bapas-ambon referral referrals" in {str(party) for one in found if one.rule == rule for party in one.breaks}


def tidy(document: Any, edit: Edit) -> None:
    """After an edit, operations of a channel or message that is gone go too."""
    edit(document)
    channels, operations = document["channels"], document["operations"]
    for name, row in list(operations.items()):
        channel = row["channel"]["$ref"].removeprefix("#/channels/")
        kept = channels.get(channel, {}).get("messages", {})
        row["messages"] = [one for one in row["messages"] if one["$ref"].rsplit("/", 1)[1] in kept]
        if channel not in channels:
            del operations[name]


@pytest.mark.parametrize(
    "edit",
    [
        own(data_class="N"),
        setting("retention.ms", -1),
        lambda document: document["channels"][CHANNEL].update(description="another"),
        lambda document: document["components"]["messages"][PLACED].update(summary="another", title="another"),
        lambda document: document["info"].update(version="2.0.0"),
        lambda document: document["components"]["schemas"]["envelope"]["properties"].update(note={"type": "string"}),
    ],
)
def test_what_no_reader_can_notice_breaks_nobody(contracts: Contracts, edit: Edit) -> None:
    contracts.catalogue(edit)
    assert breaking(contracts.since()) == []


def test_an_example_that_is_removed_is_told_and_one_that_is_renamed_is_not(contracts: Contracts) -> None:
    examples = contracts.folder / "events" / REQUESTED / "examples"
    (examples / "adult.json").rename(examples / "grown-up.json")
    assert contracts.since() == []
    (examples / "child.json").unlink()
    assert [one.rule for one in breaking(contracts.since())] == ["example-removed"]


# -- how to change a contract: README ----------------------------------------------------------------------------------


def with_v2(document: Any) -> None:
    """The second version beside the first: its message, on the channel, sent by the same service."""
    for kind, channel in ((REQUESTED, "referral.referral.to"),):
        second = kind.replace(".v1", ".v2")
        message = json.loads(json.dumps(document["components"]["messages"][kind]).replace(kind, second))
        document["components"]["messages"][second] = message
        document["channels"][channel]["messages"][second] = {"$ref": f"#/components/messages/{second}"}
        sends = document["operations"]["referral.sends.referral.referral.to"]["messages"]
        sends.append({"$ref": f"#/channels/{channel}/messages/{second}"})


def add_v2(contracts: Contracts) -> None:
    second = REQUESTED.replace(".v1", ".v2")
    shutil.copytree(contracts.folder / "events" / REQUESTED, contracts.folder / "events" / second)
    contracts.schema(second, member("field", enum=["SEWING", "POTTERY"]))
    contracts.catalogue(with_v2)


def leave(contracts: Contracts, kind: str) -> None:
    """Every reader of a type stops reading it."""
    for file in contracts.folder.glob(f"readers/*/{kind}.json"):
        file.unlink()

    def edit(document: Any) -> None:
        for row in document["operations"].values():
            if row["action"] == "receive":
                row["messages"] = [one for one in row["messages"] if not one["$ref"].endswith(f"/{kind}")]

    contracts.catalogue(edit)


def retire(contracts: Contracts, kind: str) -> None:
    contracts.remove(f"events/{kind}")

    def edit(document: Any) -> None:
        del document["components"]["messages"][kind]
        for row in document["channels"].values():
            row.get("messages", {}).pop(kind, None)
        for row in document["operations"].values():
            row["messages"] = [one for one in row["messages"] if not one["$ref"].endswith(f"/{kind}")]

    contracts.catalogue(edit)


def test_how_to_add_a_field(contracts: Contracts, tmp_path: Path) -> None:
    """First the writer, then the readers: not both in one change."""
    contracts.schema(REQUESTED, with_member("shift", {"enum": ["DAY", "NIGHT"]}))
    assert breaking(contracts.since()) == []
    readers = Contracts(tmp_path / "later")
    shutil.rmtree(readers.folder)
    shutil.copytree(contracts.folder, readers.folder)
    readers.json(f"readers/training/{REQUESTED}.json", lambda reader: reader["fields"].update({"/shift": "string"}))
    assert breaking(readers.since(contracts.folder)) == []


def test_how_to_add_an_event(contracts: Contracts) -> None:
    add_v2(contracts)
    assert contracts.since() == []


def test_how_to_deprecate(contracts: Contracts) -> None:
    contracts.schema(REQUESTED, lambda schema: schema.update(deprecated=True))
    contracts.schema(REQUESTED, member("field", deprecated=True, description="Read v2 instead."))
    assert contracts.since() == []


def test_how_to_break_with_a_second_version_beside_the_first(contracts: Contracts) -> None:
    """The same change within v1 breaks; as v2 it breaks nobody."""
    add_v2(contracts)
    assert breaking(contracts.since()) == []
    contracts.schema(REQUESTED, member("field", enum=["SEWING", "POTTERY"]))
    assert broken_by(contracts.since()) == TRAINING


def test_how_to_retire(contracts: Contracts, tmp_path: Path) -> None:
    """Readers leave first; the type goes in a later change."""
    at_once = Contracts(tmp_path / "at-once")
    leave(at_once, REQUESTED)
    retire(at_once, REQUESTED)
    assert [one.rule for one in breaking(at_once.since())] == ["type-removed"]
    assert broken_by(at_once.since()) == HEARD_BY
    leave(contracts, REQUESTED)
    assert breaking(contracts.since()) == []
    gone = Contracts(tmp_path / "gone")
    leave(gone, REQUESTED)
    retire(gone, REQUESTED)
    assert breaking(gone.since(contracts.folder)) == []


# -- the command -------------------------------------------------------------------------------------------------------


def basudara(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.basudara.cli", "contracts", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_breaking_change_ends_with_one_and_prints_who_and_by_what(contracts: Contracts) -> None:
    contracts.schema(REQUESTED, member("field", enum=["SEWING", "POTTERY"]))
    done = basudara("diff", CONTRACTS, contracts.folder)
    line = done.stdout.splitlines()[0]
    assert done.returncode == 1
    assert line.startswith(f"events/{REQUESTED}/schema.json#/properties/field/enum: enum: ")
    assert "; breaks dinkop-ambon training placements, disnaker-ambon training placements, " in line
    assert json.loads(line.partition("; witness ")[2])["field"] == "POTTERY"
    rows = json.loads(basudara("diff", CONTRACTS, contracts.folder, "--json").stdout)
    assert rows[0]["witness"]["field"] == "POTTERY"
    assert {"agency": "dinkop-ambon", "service": "training", "group": "placements"} in rows[0]["breaks"]


def test_two_schema_files_are_compared_in_either_direction(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text('{"enum": ["A"]}')
    new.write_text('{"enum": ["A", "B"]}')
    assert basudara("diff", old, new).stdout == (
        f'{old}#/enum: enum: "B" is not one of "A"; witness "B"\n1 breaking\n'
    )  # fmt: skip
    assert basudara("diff", old, new, "--change", "reader").returncode == 0
    assert basudara("diff", old, old).stdout == "nothing breaks\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"type": "strin"}', "no schema of JSON Schema 2020-12"),
        ('{"type": "string", "type": "null"}', "repeated"),
        ("{", "json: "),
        ('{"$schema": "http://json-schema.org/draft-07/schema#"}', "is not https://json-schema.org/draft/2020-12"),
    ],
)
def test_what_cannot_be_compared_ends_with_two_and_one_line(tmp_path: Path, text: str, says: str) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text("true")
    bad.write_text(text)
    done = basudara("diff", good, bad)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert str(bad) in done.stderr
    assert says in done.stderr


def test_a_path_that_is_not_there_ends_with_two(tmp_path: Path) -> None:
    for old, new in ((tmp_path / "none", CONTRACTS), (CONTRACTS, tmp_path), (CONTRACTS, CONTRACTS / "asyncapi.yaml")):
        done = basudara("diff", old, new)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
