"""Runs schemathesis at one face, with what it needs to get past the door, and reads its report."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.basudara.stack import ROOT, Stack
from tests.http.world import CANARIES, Face

DOCUMENTS = ROOT / "contracts" / "http"
# A schema tells of forms, the handbook's rules of more: a NIK's day of birth, a date in the future, a move without its
# reason. Such a refusal is a 422 with the rule, or 410 once a person is erased; and 413 or 415 for a file.
JUDGED = ["2xx", "401", "403", "404", "409", "410", "422"]
REFUSED = ["401", "403", "404", "405", "409", "410", "413", "415", "422"]
ALL_ON: dict[str, Any] = {
    "positive_data_acceptance": {"expected-statuses": JUDGED},
    "negative_data_rejection": {"expected-statuses": REFUSED},
    "missing_required_header": {"expected-statuses": REFUSED},
}


@dataclass(frozen=True)
class Tried:
    good: bool
    cases: int
    said: str


def configuration(face: Face, folder: Path, examples: int) -> dict[str, Any]:
    """Ids of what is there in most requests, a canary in some, every check on."""
    dictionaries = {place.replace(".", "_"): {"values": ids} for place, ids in face.ids.items()}
    texts, numbers = ([one for one in CANARIES if isinstance(one, kind)] for kind in (str, int))
    return {
        "dictionaries": {**dictionaries, "texts": {"values": texts}, "numbers": {"values": numbers}},
        "parameters": {
            place: {"dictionary": place.replace(".", "_"), "probability": 0.8} for place in face.ids
        },
        "generation": {
            "max-examples": examples,
            "no-shrink": True,
            "dictionaries": {
                "string": {"dictionary": "texts", "probability": 0.1},
                "integer": {"dictionary": "numbers", "probability": 0.1},
            },
        },
        "checks": {"enabled": True, **ALL_ON},
        "reports": {"json": {"enabled": True, "path": str(folder / "report.json")}},
        "hooks": "tests.http.hooks",
        "cache": {"enabled": False},
    }  # fmt: skip


def try_face(face: Face, stack: Stack, folder: Path, examples: int, more: Sequence[str] = ()) -> Tried:
    document = DOCUMENTS / f"{face.service}.yaml"
    given = folder / "given.json"
    secret = (stack.home / "secrets" / "gateway").read_text().strip()
    told = {"tokens": face.tokens, "secret": secret, "document": document.read_text()}
    given.write_text(json.dumps(told))
    config = folder / "schemathesis.toml"
    config.write_text(toml(configuration(face, folder, examples)))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", str(document), "--url", face.url, "--continue-on-failure", *more),
    ]
    environment = {**os.environ, "HTTP_FACES": str(given), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return Tried(done.returncode == 0, _cases(folder / "report.json"), done.stdout + done.stderr)


def _cases(report: Path) -> int:
    """None where schemathesis could not begin."""
    return int(json.loads(report.read_text())["test_cases"]["generated"]) if report.exists() else 0


def toml(table: dict[str, Any]) -> str:
    """Inline tables are JSON with `=` for `:`."""
    return "".join(f"{json.dumps(name)} = {_inline(value)}\n" for name, value in table.items())


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_inline(member)}" for name, member in value.items()) + "}"
    return json.dumps(value)
