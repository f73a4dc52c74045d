"""Files under `contracts/` that are taken from a service's code: written, or held in step with it."""

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "referral", "training", "notification")


class CannotImport(Exception):
    """A service whose code can't be read: which, and what is missing."""


def imported(service: str, *names: str) -> list[Any]:
    """Modules of a service or of the chassis, from their sources. Raises CannotImport."""
    for name in ("chassis", service):
        source = str(ROOT / "services" / name / "src")
        if source not in sys.path:
            sys.path.append(source)
    try:
        return [importlib.import_module(name) for name in names]
    except ModuleNotFoundError as missing:
        raise CannotImport(f"{service}: no module {missing.name}") from None


def main(
    prog: str,
    description: str | None,
    write: Callable[[str], None],
    findings: Callable[[str], list[str]],
    arguments: list[str] | None,
) -> int:
    """0: in step; 1: findings; 2: a service could not be read."""
    parser = argparse.ArgumentParser(prog=f"python -m {prog}", description=description)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the files of each service")
    mode.add_argument("--check", action="store_true", help="change nothing, say what is out of step")
    parser.add_argument(
        "services", nargs="*", metavar="SERVICE", help=f"of {', '.join(SERVICES)}; all if none is named"
    )
    given = parser.parse_args(arguments)
    outcome = 0
    for service in given.services or SERVICES:
        try:
            if given.write:
                write(service)
            found = findings(service)
        except CannotImport as missing:
            print(missing)
            outcome = 2
            continue
        for one in found:
            print(one)
        outcome = max(outcome, 1 if found else 0)
    return outcome
