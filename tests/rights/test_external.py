"""Agencies and agreements on a broker and a store that the stack did not start: found by a file in the home."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from deploy.basudara import records
from deploy.basudara.cli import app
from deploy.basudara.external import FILE
from deploy.basudara.stack import AGENCIES, ROOT, Stack
from deploy.local.engine import Engine, engine
from tests.rights import trying

READER, DATABASE = "disnaker-ambon.training", "disnaker-ambon-training"
ASKED = "bapas-ambon.referral.referral.to.disnaker-ambon.v1"
AGREEMENTS = ROOT / "deploy" / "agreements"
GOOD = {"kafka": "127.0.0.1:9", "mongo": "mongodb://127.0.0.1:9", "operator": "operator", "password_file": "password"}


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Engine]:
    with engine(ROOT / ".local" / "external-test", fresh=True, rights=True) as running:
        yield running


def asked(home: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(home: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
    return done.stderr


def described(home: Path, **told: Any) -> None:
    (home / "password").write_text("a-password\n")
    (home / FILE).write_text(yaml.safe_dump({**GOOD, "agencies": str(AGENCIES), **told}))


def test_an_installation_is_made_and_an_agreement_comes_and_goes(elsewhere: Engine, tmp_path: Path) -> None:
    operator = elsewhere.operator
    assert operator is not None
    described(
        tmp_path, kafka=elsewhere.kafka, mongo=elsewhere.mongo, operator=operator.user,
        ca_file=str(operator.authorities),
    )  # fmt: skip
    (tmp_path / "password").write_text(operator.password)
    plan = asked(tmp_path, "agency", "apply", "bapas-ambon", "--plan")
    assert asked(tmp_path, "agency", "apply", "bapas-ambon") == plan, "before there is a register"
    assert "broker user bapas-ambon.referral\n" in plan
    assert "service" not in plan, "those run elsewhere"
    for one in sorted(AGENCIES.glob("*.yaml")):
        asked(tmp_path, "agency", "apply", one.stem)
        assert asked(tmp_path, "agency", "apply", one.stem) == "nothing to do\n"
    for name in ("kb-001", "pks-001"):
        file = AGREEMENTS / f"{name}-contoh.yaml"
        assert asked(tmp_path, "agreement", "apply", str(file)) == f"{file.name}: recorded\n"
    records.send(Stack.load(tmp_path).reach.broker, ASKED, b"key", b"there", [])
    reader = Stack.load(tmp_path).reach_as(READER)
    assert trying.topics(reader, [ASKED]) == {ASKED: "rd"}
    kept = Stack.load(tmp_path).reach_as(READER, "mongo")
    assert trying.databases(kept, DATABASE, [DATABASE]) == {DATABASE: "rwd"}
    taken = asked(tmp_path, "agreement", "end", str(AGREEMENTS / "pks-001-contoh.yaml"), "--readers-off")
    assert f"right taken {READER} READ topic {ASKED}\n" in taken
    assert trying.topics(reader, [ASKED]) == {ASKED: ""}
    asked(tmp_path, "agency", "rotate", "disnaker-ambon")
    assert trying.databases(Stack.load(tmp_path).reach_as(READER, "mongo"), DATABASE, [DATABASE]) == {DATABASE: "rwd"}
    assert asked(tmp_path, "agency", "doctor", "disnaker-ambon").startswith("disnaker-ambon: all that was tried works")
    assert {one.name for one in tmp_path.iterdir()} == {FILE, "password", "secrets"}, "nothing was started"


@pytest.mark.parametrize("words", [("up",), ("token", "bapas-ambon", "clerk"), ("clock", "move", "2027-01-18T09:00Z")])
def test_what_only_the_example_has_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    described(tmp_path)
    assert str(tmp_path) in refused(tmp_path, *words)


@pytest.mark.parametrize(
    ("told", "rule"),
    [
        ({"kafka": "broker"}, f"{FILE}: kafka: String should match"),
        ({"mongo": "mongodb://operator:secret@store:27017"}, f"{FILE}: mongo: String should match"),
        ({"password_file": "nowhere"}, "nowhere: not a readable password file"),
        ({"ca_file": "password"}, "password: not a readable file of certificates"),
        ({"agencies": "nowhere"}, "nowhere: no manifest"),
        ({"password": "secret"}, f"{FILE}: password: Extra inputs"),
        ({"production": "perhaps"}, f"{FILE}: production: Input should be"),
    ],
)
def test_a_file_that_does_not_tell_enough_is_refused(told: dict[str, Any], rule: str, tmp_path: Path) -> None:
    described(tmp_path, **told)
    said = refused(tmp_path, "agency", "apply", "bapas-ambon")
    assert rule in said
    assert "secret" not in said
