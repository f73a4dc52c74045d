"""An installation that says it is in production has no token and no clock of the example's."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.basudara.cli import app
from deploy.basudara.tokens import LocalIssuer

RUNNER = CliRunner()
MOVE = ("clock", "move", "2027-01-18T09:00+09:00")
TOKEN = ("token", "an-agency", "clerk")


def home_of(folder: Path, *, production: bool) -> Path:
    """As `up` leaves it, with the local issuer's key in it."""
    said = {"kafka": "", "mongo": "", "gateway": "", "urls": {}, "databases": {}, "foreground": False}
    (folder / "stack.json").write_text(json.dumps({**said, "home": str(folder), "production": production}))
    (folder / "secrets").mkdir()
    LocalIssuer(folder / "secrets").prepare()
    return folder


@pytest.mark.parametrize(("asked", "what"), [(TOKEN, "tokens of the local issuer"), (MOVE, "moves of the clock")])
def test_in_production_it_is_refused_in_one_line(asked: tuple[str, ...], what: str, tmp_path: Path) -> None:
    home = home_of(tmp_path, production=True)
    done = RUNNER.invoke(app, [*asked, "--home", str(home)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"basudara: {home}: production: {what} are for the example only\n"
    assert not (home / "clock").exists()


@pytest.mark.parametrize("asked", [TOKEN, MOVE])
def test_in_the_example_it_is_done(asked: tuple[str, ...], tmp_path: Path) -> None:
    done = RUNNER.invoke(app, [*asked, "--home", str(home_of(tmp_path, production=False))])
    assert (done.exit_code, done.stderr) == (0, "")
    assert (done.stdout.count(".") == 2) == (asked is TOKEN)
    assert (tmp_path / "clock").exists() == (asked is MOVE)
