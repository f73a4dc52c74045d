"""Writes and checks `contracts/readers/`: the fields of each event that a service uses, taken from its `wire.py`.

python -m deploy.basudara.readers --write | --check [SERVICE...]
"""

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "referral", "training", "notification")
READERS = ROOT / "contracts" / "readers"

Document = dict[str, Any]


class NoWire(Exception):
    """The service has no wire module that can be imported."""


def reader_files(service: str) -> dict[str, Document]:
    """What the folder of this service should hold, by event type. Raises NoWire."""
    fields: dict[str, dict[str, set[str]]] = {}
    for model in _heard(service):
        schema = model.model_json_schema()
        used = fields.setdefault(model.TYPE, {})
        for path, kinds in _members(schema, schema.get("$defs", {}), ""):
            used.setdefault(path, set()).update(kinds)
    return {
        kind: {"type": kind, "fields": {path: _joined(used[path]) for path in sorted(used)}}
        for kind, used in sorted(fields.items())
    }


def _heard(service: str) -> list[Any]:
    """The models of `<service>.wire`, a module or a package, that name a type they hear."""
    for name in ("chassis", service):
        source = str(ROOT / "services" / name / "src")
        if source not in sys.path:
            sys.path.append(source)
    try:
        importlib.import_module(f"{service}.wire")
        base = importlib.import_module("chassis.wire").Heard
    except ModuleNotFoundError as missing:
        raise NoWire(f"{service}: no module {missing.name}") from None
    home = f"{service}.wire"
    return [
        model
        for model in _below(base)
        if getattr(model, "TYPE", None) and (model.__module__ == home or model.__module__.startswith(home + "."))
    ]


def _below(base: type[Any]) -> Iterator[type[Any]]:
    for model in base.__subclasses__():
        yield model
        yield from _below(model)


def _members(schema: Mapping[str, Any], shared: Mapping[str, Any], path: str) -> Iterator[tuple[str, set[str]]]:
    """Each member below `path` with its JSON types; an item of a list is the step `*`."""
    for branch in _branches(schema, shared):
        for name, member in branch.get("properties", {}).items():
            yield f"{path}/{name}", _kinds(member, shared)
            yield from _members(member, shared, f"{path}/{name}")
        if "items" in branch:
            yield f"{path}/*", _kinds(branch["items"], shared)
            yield from _members(branch["items"], shared, f"{path}/*")


def _branches(schema: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema without references and choices: every form that a value may have."""
    if "$ref" in schema:
        yield from _branches(shared[schema["$ref"].rsplit("/", 1)[1]], shared)
    elif choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        for choice in choices:
            yield from _branches(choice, shared)
    else:
        yield schema


def _kinds(schema: Mapping[str, Any], shared: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for branch in _branches(schema, shared):
        kind = branch.get("type", "any")
        found.update([kind] if isinstance(kind, str) else kind)
    return found


def _joined(kinds: set[str]) -> str:
    return "any" if "any" in kinds else "|".join(sorted(kinds, key=lambda kind: (kind == "null", kind)))


def differences(service: str) -> list[str]:
    """One line per file that is missing, left over or not in step. Raises NoWire."""
    wanted = {f"{kind}.json": _text(document) for kind, document in reader_files(service).items()}
    found = {file.name: file.read_text() for file in (READERS / service).glob("*.json")}
    says = {True: "is missing", False: "is heard no longer"}
    return [
        f"contracts/readers/{service}/{name} "
        + (says[name in wanted] if (name in wanted) != (name in found) else "is not in step with wire.py")
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]


def write(service: str) -> None:
    """Make the folder hold what `reader_files` says, and nothing else. Raises NoWire."""
    documents = reader_files(service)
    folder = READERS / service
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.json"):
        if file.stem not in documents:
            file.unlink()
    for kind, document in documents.items():
        (folder / f"{kind}.json").write_text(_text(document))


def _text(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """0: in step; 1: findings; 2: a service could not be read."""
    parser = argparse.ArgumentParser(prog="python -m deploy.basudara.readers", description=__doc__)
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
            findings = differences(service)
        except NoWire as missing:
            print(missing)
            outcome = 2
            continue
        for finding in findings:
            print(finding)
        outcome = max(outcome, 1 if findings else 0)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
