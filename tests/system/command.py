"""The operator's command as an operator meets it: what it prints, what it says on standard error, how it ends."""

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from deploy.basudara.cli import app
from deploy.basudara.stack import Stack


@dataclass(frozen=True)
class Ended:
    """How one command ended."""

    status: int
    shown: str
    told: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.told
        return json.loads(self.shown)


def basudara(stack: Stack, *given: str) -> Ended:
    """Run `basudara GROUP COMMAND …` in this process; what it was not meant to raise is raised here."""
    words = [*given[:2], "--home", str(stack.home), *given[2:]]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    return Ended(done.exit_code, done.stdout, done.stderr)


def refused(stack: Stack, *given: str) -> str:
    """The one line with which it is refused."""
    ended = basudara(stack, *given)
    assert (ended.status, ended.shown) == (2, "")
    assert ended.told.startswith("basudara: ")
    assert ended.told.count("\n") == 1
    return ended.told
