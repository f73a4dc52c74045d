"""What a payload schema must be: JSON Schema 2020-12 that means what it says, and the house's promises to readers."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

from deploy.basudara.contracts.catalogues import DIALECT, dialect, unknown_format, validator_of
from deploy.basudara.contracts.findings import Finding, Steps, finding, of_schema, quoted
from deploy.basudara.contracts.references import leads

TYPE = re.compile(r"id\.basudara(\.[a-z0-9]+){3}\.v[1-9][0-9]*")
TYPE_RULE = "must be id.basudara.{service}.{aggregate}.{past}.v1, each part of a-z and 0-9"
MEMBER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# words that no payload may have: identity never travels by event
PERSONAL = {
    "name", "alias", "nik", "birth", "born", "sex", "gender", "phone", "mobile", "whatsapp", "email", "address",
    "street", "village", "kecamatan", "education", "diploma", "disability", "guardian", "guarantor", "supervision",
    "register", "sdp", "offence", "crime", "verdict", "risk", "need", "violation", "nib", "photo", "note",
    "comment",
}  # fmt: skip
FORMS = {"at": "date-time", "on": "date", "until": "date", "from": "date"}  # what a member's suffix says it is
BOUNDS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems", "items"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
}
# keywords that hold one schema, schemas by name, a list of schemas, and none
_ONE = {
    "additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties", "contentSchema",
}  # fmt: skip
_MANY = {"properties", "patternProperties", "dependentSchemas", "$defs"}
_LIST = {"allOf", "anyOf", "oneOf", "prefixItems"}
_NONE = {
    "$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$comment", "title", "description",
    "type", "enum", "const", "format", "pattern", "default", "examples", "deprecated", "readOnly", "writeOnly",
    "required", "dependentRequired", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains",
    "minProperties", "maxProperties", "contentEncoding", "contentMediaType",
}  # fmt: skip
KEYWORDS = frozenset(_ONE | _MANY | _LIST | _NONE)


def broken(schema: Any, file: Path) -> Iterator[Finding]:
    """Everything that is wrong with the schema in `file`, which lies in its type's folder."""
    faults = list(_no_schema(schema))
    yield from faults
    if faults:
        return
    yield from _identity(schema, file)
    for at, part in parts(schema):
        yield from _keywords(part, at)
        yield from _described(part, at)
        yield from _closed(part, at)
        yield from _bounded(part, at)
        yield from _names(part, at)
    yield from unknown_format(schema)


def _no_schema(schema: Any) -> Iterator[Finding]:
    if not isinstance(schema, dict):
        yield finding((), "schema", f"must be a JSON object, found {quoted(schema)}")
        return
    if schema.get("$schema") != DIALECT:
        yield finding(["$schema"], "dialect", f"must be {DIALECT}")
        return
    faults = list(of_schema(dialect(), schema))
    yield from faults
    if faults:
        return
    references = list(_references(schema))
    yield from references
    if not references:
        try:
            validator_of(schema)
        except jsonschema_rs.ValidationError as error:
            yield finding(error.instance_path, str(error.kind.name), " ".join(error.message.split())[:200])


def _references(schema: Mapping[str, Any]) -> Iterator[Finding]:
    """Each file stands alone: a reference leads to a place in the same file."""
    for at, part in parts(schema):
        for name in ("$ref", "$dynamicRef"):
            target = part.get(name)
            if target is None:
                continue
            if not target.startswith("#"):
                yield finding([*at, name], "reference", f"{quoted(target)} leads out of the file")
            elif target.startswith("#/") and not leads(schema, target):
                yield finding([*at, name], "reference", f"{quoted(target)} leads nowhere")


def parts(schema: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every schema in a schema, with its place: not the names in `properties`, not values in `enum`."""
    if not isinstance(schema, dict):
        return
    yield at, schema
    for name, value in schema.items():
        if name in _ONE:
            yield from parts(value, (*at, name))
        elif name in _MANY and isinstance(value, dict):
            for key, one in value.items():
                yield from parts(one, (*at, name, key))
        elif name in _LIST and isinstance(value, list):
            for place, one in enumerate(value):
                yield from parts(one, (*at, name, place))


def _identity(schema: Mapping[str, Any], file: Path) -> Iterator[Finding]:
    kind = file.resolve().parent.name
    if not TYPE.fullmatch(kind):
        yield finding((), "type-name", f"the folder {quoted(kind)} is no type: {TYPE_RULE}")
        return
    if schema.get("$id") != f"urn:basudara:events:{kind}":
        yield finding(["$id"], "id", f"must be urn:basudara:events:{kind}")
    title = ".".join(kind.split(".")[3:-1])
    if schema.get("title") != title:
        yield finding(["title"], "title", f"must be {title}")
    told = schema.get("description", "")
    if not told.startswith("Sent ") or "Source: " not in told:
        yield finding(["description"], "described", 'must begin with when it is "Sent …" and name its "Source: …"')
    if kinds_of(schema) != {"object"}:
        yield finding(["type"], "object", "a payload is an object")


def _keywords(part: Mapping[str, Any], at: Steps) -> Iterator[Finding]:
    for name in part.keys() - KEYWORDS:
        if not name.startswith("x-"):
            yield finding([*at, name], "keyword", "no keyword of JSON Schema 2020-12: it would be ignored")


def _is_member(at: Steps) -> bool:
    """A member of an object or the items of a list, not a branch of if, allOf and the like."""
    return bool(at) and (at[-1] == "items" or (len(at) > 1 and at[-2] == "properties")) and not _branched(at)


def _branched(at: Steps) -> bool:
    """Whether it is in a condition or a choice, which need not say again what holds for all."""
    return any(step in ("if", "then", "else", "not", "allOf", "anyOf", "oneOf", "contains") for step in at)


def _described(part: Mapping[str, Any], at: Steps) -> Iterator[Finding]:
    if _is_member(at) and not str(part.get("description", "")).endswith("."):
        yield finding(at, "described", "needs a description that ends in a full stop")


def _closed(part: Mapping[str, Any], at: Steps) -> Iterator[Finding]:
    if "object" not in kinds_of(part):
        return
    if part.get("additionalProperties") is not False:
        yield finding(at, "closed", "an object needs additionalProperties: false")
    optional = part.get("properties", {}).keys() - set(part.get("required", []))
    for name in sorted(optional):
        yield finding([*at, "properties", name], "complete", "must be required: what is unknown is null, never absent")
    for name in sorted(set(part.get("required", [])) - part.get("properties", {}).keys()):
        yield finding([*at, "required"], "complete", f"{quoted(name)} is required and not allowed")


def _bounded(part: Mapping[str, Any], at: Steps) -> Iterator[Finding]:
    if "enum" in part or "const" in part or _branched(at):
        return
    for kind in sorted(kinds_of(part)):
        missing = [name for name in BOUNDS.get(kind, ()) if name not in part]
        if missing:
            yield finding(at, "bounded", f"needs {' and '.join(missing)}")


def _names(part: Mapping[str, Any], at: Steps) -> Iterator[Finding]:
    for name, member in part.get("properties", {}).items():
        place = [*at, "properties", name]
        if not MEMBER.fullmatch(name):
            yield finding(place, "name", "a member's name is of a-z, 0-9 and single _")
            continue
        personal = {singular(word) for word in name.split("_")} & PERSONAL
        if personal:
            yield finding(place, "identity", f"{quoted(personal.pop())} is of a person's identity, which never travels")
        form = FORMS.get(name.rsplit("_", 1)[1]) if "_" in name else None
        if form and isinstance(member, dict) and member.get("format", form if _branched(at) else None) != form:
            yield finding(place, "suffix", f"its name says that it is a {form}")


def singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def kinds_of(part: Mapping[str, Any]) -> set[str]:
    """JSON types that a schema names."""
    kind = part.get("type", [])
    return {kind} if isinstance(kind, str) else set(kind)
