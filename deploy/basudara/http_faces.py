"""Writes and checks `contracts/http/`: the OpenAPI document of each service, taken from its routes.

python -m deploy.basudara.http_faces --write | --check [SERVICE...]
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "referral", "training", "notification")
FACES = ROOT / "contracts" / "http"


class NoFace(Exception):
    """The service has no routes that can be imported."""


class _Plain(yaml.SafeDumper):
    """Without anchors: what is said twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)


def face(service: str) -> str:
    """The text of `contracts/http/<service>.yaml`. Raises NoFace."""
    for name in ("chassis", service):
        source = str(ROOT / "services" / name / "src")
        if source not in sys.path:
            sys.path.append(source)
    try:
        importlib.import_module(f"{service}.bootstrap")  # as the service does it, so that every refusal is known
        http = importlib.import_module(f"{service}.entrypoints.http")
        chassis = importlib.import_module("chassis.http")
    except ModuleNotFoundError as missing:
        raise NoFace(f"{service}: no module {missing.name}") from None
    document = chassis.faced_app(http.ROUTERS, http.TITLE, http.DESCRIPTION).openapi()
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def finding(service: str) -> str | None:
    """What is wrong with the file, in one line. Raises NoFace."""
    file, wanted = FACES / f"{service}.yaml", face(service)
    if not file.exists():
        return f"contracts/http/{file.name} is missing"
    if file.read_text() != wanted:
        return f"contracts/http/{file.name} is not in step with the routes of {service}"
    return None


def write(service: str) -> None:
    """Raises NoFace."""
    FACES.mkdir(parents=True, exist_ok=True)
    (FACES / f"{service}.yaml").write_text(face(service))


def main(arguments: list[str] | None = None) -> int:
    """0: in step; 1: findings; 2: a service could not be read."""
    parser = argparse.ArgumentParser(prog="python -m deploy.basudara.http_faces", description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the file of each service")
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
            told = finding(service)
        except NoFace as missing:
            print(missing)
            outcome = 2
            continue
        if told is not None:
            print(told)
            outcome = max(outcome, 1)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
