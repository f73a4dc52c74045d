"""Writes and checks `contracts/readers/`: the fields of each event that a service uses, taken from its `wire.py`.

python -m deploy.basudara.readers --write | --check [SERVICE...]
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.basudara import derived
from deploy.basudara.derived import ROOT

READERS = ROOT / "contracts" / "readers"

Document = dict[str, Any]


def reader_files(service: str) -> dict[str, Document]:
    """What the folder of this service should hold, by event type. Raises CannotImport."""
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
    home = f"{service}.wire"
    base = derived.imported(service, home, "chassis.wire")[1].Heard
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
    """One line per file that is missing, left over or not in step. Raises CannotImport."""
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
    """Make the folder hold what `reader_files` says, and nothing else. Raises CannotImport."""
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
    return derived.main("deploy.basudara.readers", __doc__, write, differences, arguments)


if __name__ == "__main__":
    sys.exit(main())
