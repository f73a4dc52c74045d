"""Whether a resource is what its published schema allows, and nothing besides: a member it does not know is refused."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from deploy.basudara.kubernetes.places import Document

SCHEMAS = Path(__file__).resolve().parents[2] / "k8s" / "schemas"
_META = {"$ref": "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}


def breaches(document: Document) -> Iterator[str]:
    """Each as "where: what"."""
    kind = f"{document.get('apiVersion')} {document.get('kind')}"
    validator = _validators().get(kind)
    if validator is None:
        yield f"kind: {kind} has no published schema here"
        return
    for error in validator.iter_errors(document):
        yield f"{'.'.join(map(str, error.instance_path)) or 'resource'}: {error.message}"


@cache
def _validators() -> dict[str, jsonschema_rs.Draft202012Validator]:
    """By "apiVersion kind"."""
    kubernetes = json.loads((SCHEMAS / "kubernetes.json").read_text())
    custom = json.loads((SCHEMAS / "custom.json").read_text())
    defs = {name: _strict(schema) for name, schema in kubernetes["$defs"].items()}
    found = {}
    for kind, name in kubernetes["kinds"].items():
        found[kind] = {"$ref": f"#/$defs/{name}", "required": ["metadata"]}
    for kind, schema in custom["kinds"].items():
        found[kind] = _strict({**schema, "properties": {**schema["properties"], "metadata": _META}})
        found[kind]["required"] = ["metadata", "spec"]
    return {kind: jsonschema_rs.Draft202012Validator({**schema, "$defs": defs}) for kind, schema in found.items()}


def _strict(part: Any) -> Any:
    """Closed at every object whose members are named, as a server does that is asked for strict validation."""
    if isinstance(part, list):
        return [_strict(one) for one in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _strict(value) for key, value in part.items()}
    named = isinstance(part.get("properties"), dict) and part.get("type", "object") in ("object", ["object", "null"])
    if named and not part.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    if part.get("x-kubernetes-int-or-string"):
        closed["type"] = ["integer", "string"]
    return closed
