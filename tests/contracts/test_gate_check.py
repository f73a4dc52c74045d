"""`basudara contracts check`: the contracts of a checkout against those of a commit, in every kind of clone."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from deploy.basudara import cli
from deploy.basudara.contracts import gate

from .catalogue import ROOT

REQUESTED = "id.basudara.referral.referral.requested.v1"
SCHEMA = f"contracts/events/{REQUESTED}/schema.json"


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Checkout:
    """A small repository with the contracts and manifests of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def made(cls, folder: Path) -> "Checkout":
        for name in ("contracts", "deploy/agencies"):
            shutil.copytree(ROOT / name, folder / name)
        one = cls(folder)
        one.git("init", "--quiet", "--initial-branch=main")
        one.commit()
        return one

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
        command = ["git", *who, *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True, env=without_ci())
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "--short", "HEAD")

    def clone(self, to: Path, *options: str) -> "Checkout":
        self.git("clone", "--quiet", *options, f"file://{self.folder}", str(to))
        return Checkout(to)

    def add_code(self, code: str) -> None:
        file = self.folder / SCHEMA
        schema = json.loads(file.read_text())
        schema["properties"]["field"]["enum"].append(code)
        file.write_text(json.dumps(schema, indent=2) + "\n")

    def check(self, *arguments: str, ci: str | None = None) -> Done:
        with pytest.MonkeyPatch.context() as here:
            here.setattr(gate, "ROOT", self.folder)
            done = CliRunner().invoke(cli.app, ["contracts", "check", *arguments], env={"CI": ci})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Done(done.exit_code, done.stdout, done.stderr)


def without_ci() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("GIT_")}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout.made(tmp_path / "one")


def test_a_breaking_commit_is_refused_with_agency_group_and_witness(checkout: Checkout) -> None:
    first = checkout.git("rev-parse", "--short", "HEAD")
    checkout.add_code("POTTERY")
    checkout.commit()
    done = checkout.check()
    assert done.returncode == 1, done.stderr
    line = done.stdout.splitlines()[0]
    assert "disnaker-ambon training placements" in line
    assert json.loads(line.partition("; witness ")[2])["field"] == "POTTERY"
    assert done.stdout.splitlines()[-1] == f"1 breaking, compared with HEAD~1 ({first})"


def test_what_is_not_committed_yet_is_judged_too(checkout: Checkout) -> None:
    checkout.commit()
    assert checkout.check().returncode == 0
    checkout.add_code("POTTERY")
    assert checkout.check().returncode == 1


def test_a_branch_is_compared_with_where_it_left_its_upstream(checkout: Checkout, tmp_path: Path) -> None:
    """A break in the first of two commits is seen from the second."""
    branch = checkout.clone(tmp_path / "two")
    branch.git("checkout", "--quiet", "-b", "work")
    branch.add_code("POTTERY")
    branch.commit()
    branch.commit()
    done = branch.check()
    assert done.returncode == 1, done.stderr
    assert checkout.git("rev-parse", "--short", "HEAD") in done.stdout.splitlines()[-1]


def test_a_named_base_is_obeyed_and_a_wrong_one_is_refused_in_one_line(checkout: Checkout) -> None:
    first = checkout.git("rev-parse", "--short", "HEAD")
    checkout.add_code("POTTERY")
    last = checkout.commit()
    assert checkout.check("--base", last).returncode == 0
    assert checkout.check("--base", first).returncode == 1
    for wrong in ("no-such-commit", "--help-me", "HEAD:contracts"):
        done = checkout.check(f"--base={wrong}")
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr


def test_where_history_begins_only_what_is_not_committed_can_be_judged(checkout: Checkout) -> None:
    assert "compared with HEAD (" in checkout.check().stdout
    checkout.add_code("POTTERY")
    assert checkout.check().returncode == 1


def test_a_shallow_clone_is_said_to_a_newcomer_and_refused_to_ci(checkout: Checkout, tmp_path: Path) -> None:
    checkout.add_code("POTTERY")
    checkout.commit()
    shallow = checkout.clone(tmp_path / "shallow", "--depth", "1")
    assert "compared with HEAD (" in shallow.check().stdout
    done = shallow.check(ci="true")
    assert (done.returncode, done.stdout) == (2, "")
    assert "git fetch --deepen 1" in done.stderr
    shallow.git("fetch", "--quiet", "--deepen", "1")
    assert shallow.check(ci="true").returncode == 1


def test_a_base_without_contracts_breaks_nobody(checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "--orphan", "before")
    checkout.git("rm", "--quiet", "-r", "--cached", ".")
    checkout.git("commit", "--quiet", "--allow-empty", "--message", "empty")
    done = checkout.check("--base", "before")
    assert (done.returncode, done.stderr) == (0, "")
    assert "has no contracts yet" in done.stdout
