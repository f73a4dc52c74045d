"""A schema as one reader sees it: only the fields that it uses, and whatever else there is passes by unread."""

from collections.abc import Collection, Mapping
from typing import Any

from deploy.basudara.contracts.compare.schemas import IDENTITY, Schema, note

CLOSING = ("additionalProperties", "unevaluatedProperties", "maxProperties")  # about members that a reader lets pass
Fields = Mapping[str, str]


def used(schema: Schema, fields: Collection[str] | None = None) -> Schema:
    """What the schema promises of these fields, of all for None. A path is `/` before each name, `*` for an item.

    What can't be reduced to fields (`oneOf`, `not`, `if` and so on) stays as it is: rather too much than too little.
    """
    if not isinstance(schema, dict) or _refers(schema):
        return schema
    return _used(schema, fields, "")


def _refers(schema: Any) -> bool:
    """A reference may lead to a place that would be another one in the reduced schema."""
    if isinstance(schema, dict):
        return any(name in ("$ref", "$dynamicRef") or _refers(value) for name, value in schema.items())
    return isinstance(schema, list) and any(map(_refers, schema))


def _used(schema: Schema, fields: Collection[str] | None, path: str) -> Schema:
    if not isinstance(schema, dict):
        return schema if schema or not path else True
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if name in IDENTITY or note(name) or (name in CLOSING and value is not True and _tolerated(name, value)):
            continue
        if name == "minProperties" and fields is not None:
            continue
        if name == "required":
            found[name] = [one for one in value if _is_used(fields, f"{path}/{one}")]
        elif name == "properties":
            found[name] = {
                one: _used(sub, fields, f"{path}/{one}")
                for one, sub in value.items()
                if _is_used(fields, f"{path}/{one}")
            }
        elif name == "items":
            if _is_used(fields, f"{path}/*"):
                found[name] = _used(value, fields, f"{path}/*")
        elif name in ("allOf", "anyOf"):
            found[name] = [_used(one, fields, path) for one in value]
        else:
            found[name] = value
    return found


def _tolerated(name: str, value: Any) -> bool:
    """A schema for further members may be what a reader reads them by; only what closes the object is let go."""
    return value is False or name == "maxProperties"


def _is_used(fields: Collection[str] | None, path: str) -> bool:
    return fields is None or any(one == path or one.startswith(f"{path}/") for one in fields)


def needs(fields: Fields) -> Schema:
    """The least that a document must have for a reader of these fields: each there, of a type that it takes."""
    found: dict[str, Any] = {}
    for path, kinds in sorted(fields.items()):
        place = found
        for step in path.split("/")[1:]:
            place = _below(place, step)
        if kinds != "any":
            place["type"] = kinds.split("|")
    return found


def _below(place: dict[str, Any], step: str) -> dict[str, Any]:
    if step == "*":
        return place.setdefault("items", {})  # type: ignore[no-any-return]
    if step not in place.setdefault("required", []):
        place["required"].append(step)
    return place.setdefault("properties", {}).setdefault(step, {})  # type: ignore[no-any-return]
