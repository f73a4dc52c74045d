"""How a contract is changed without breaking anybody (README), and what the command says."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .catalogue import CONTRACTS, ROOT
from .changing import HEARD_BY, REQUESTED, TRAINING, Contracts, breaking, broken_by, member, with_member

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
