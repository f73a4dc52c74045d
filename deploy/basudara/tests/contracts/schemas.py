"""Random schemas over a small world of names and values, where two of them often meet."""

from random import Random
from typing import Any

NAMES = ("a", "b", "c")
TEXTS = ("a", "ab", "b1", "")
PATTERNS = ("^a", "b$", "^[ab]+$", "[0-9]", "^a?$")


def random_schema(chance: Random, depth: int = 3, refs: bool = False) -> Any:
    """A schema of a few keywords. `refs`: it may refer to `#/$defs/x` and to itself."""
    if depth <= 0 or chance.random() < 0.08:
        return chance.choice((True, True, False, {"type": "string"}, {"type": "integer"}, {"const": 1}))
    found: dict[str, Any] = {}
    for _ in range(chance.randint(1, 3)):
        found |= chance.choice(MAKERS)(chance, lambda: random_schema(chance, depth - 1, refs))
    if refs and chance.random() < 0.25:
        found["$ref"] = "#/$defs/x"
    return found


def with_references(chance: Random) -> Any:
    """Schemas that refer to each other, below a member so that every document has an end."""
    inner = {"$ref": "#"} if chance.random() < 0.5 else {"$ref": "#/$defs/x"}
    return {
        **_as_members(random_schema(chance, 2, refs=True)),
        "$defs": {"x": {"type": ["object", "integer"], "properties": {"a": inner, "b": random_schema(chance, 1)}}},
    }


def _as_members(schema: Any) -> dict[str, Any]:
    return schema if isinstance(schema, dict) else {"not": not schema}


def changed(schema: Any, chance: Random) -> Any:
    """The schema with one keyword dropped, added or changed somewhere."""
    if not isinstance(schema, dict) or not schema or chance.random() < 0.15:
        return random_schema(chance, 1)
    name = chance.choice(list(schema))
    value = schema[name]
    if isinstance(value, dict) and name not in ("const",):
        return {**schema, name: _changed_in(value, name, chance)}
    if isinstance(value, list) and name in ("allOf", "anyOf", "oneOf", "prefixItems"):
        at = chance.randrange(len(value))
        return {**schema, name: [changed(one, chance) if place == at else one for place, one in enumerate(value)]}
    if chance.random() < 0.5:
        return {other: one for other, one in schema.items() if other != name}
    return {**schema, **chance.choice(MAKERS)(chance, lambda: random_schema(chance, 1))}


def _changed_in(value: dict[str, Any], name: str, chance: Random) -> Any:
    if name in ("properties", "patternProperties", "dependentSchemas", "$defs") and value:
        member = chance.choice(list(value))
        return {**value, member: changed(value[member], chance)}
    return value if name == "dependentRequired" else changed(value, chance)


MAKERS = (
    lambda c, _s: {"type": c.choice(["object", "array", "string", "integer", "number", ["object", "null"]])},
    lambda c, _s: {"enum": c.sample([1, 2, "a", None, True, [], {}, "b1", {"a": 1}], c.randint(1, 4))},
    lambda c, _s: {"const": c.choice([0, 1, "a", [1], {"a": 1}])},
    lambda c, s: {"properties": {name: s() for name in c.sample(NAMES, c.randint(1, 2))}},
    lambda c, s: {"properties": {"a": s(), "b": s()}, "required": ["a"], "additionalProperties": False},
    lambda c, s: {"patternProperties": {c.choice(PATTERNS): s()}},
    lambda _c, s: {"additionalProperties": s()},
    lambda c, _s: {"propertyNames": {"pattern": c.choice(PATTERNS)}},
    lambda c, _s: {"required": c.sample(NAMES, c.randint(1, 2))},
    lambda c, _s: {"minProperties": c.randint(0, 3)},
    lambda c, _s: {"maxProperties": c.randint(0, 3)},
    lambda c, _s: {"dependentRequired": {c.choice(NAMES): [c.choice(NAMES)]}},
    lambda c, s: {"dependentSchemas": {c.choice(NAMES): s()}},
    lambda _c, s: {"items": s()},
    lambda _c, s: {"prefixItems": [s(), s()]},
    lambda _c, s: {"prefixItems": [s()], "items": s()},
    lambda c, s: {"contains": s(), "minContains": c.randint(0, 2)},
    lambda c, s: {"contains": s(), "maxContains": c.randint(1, 2)},
    lambda c, _s: {"minItems": c.randint(0, 3)},
    lambda c, _s: {"maxItems": c.randint(0, 3)},
    lambda c, _s: {"uniqueItems": c.random() < 0.8},
    lambda c, _s: {"minimum": c.randint(-2, 3)},
    lambda c, _s: {"exclusiveMaximum": c.randint(-2, 5)},
    lambda c, _s: {"multipleOf": c.choice([1, 2, 3, 0.5])},
    lambda c, _s: {"pattern": c.choice(PATTERNS)},
    lambda c, _s: {"minLength": c.randint(0, 3)},
    lambda c, _s: {"maxLength": c.randint(0, 3)},
    lambda _c, s: {"anyOf": [s(), s()]},
    lambda _c, s: {"oneOf": [s(), s()]},
    lambda _c, s: {"allOf": [s(), s()]},
    lambda _c, s: {"not": s()},
    lambda _c, s: {"if": s(), "then": s(), "else": s()},
    lambda _c, s: {"if": s(), "then": s()},
    lambda _c, s: {"allOf": [s()], "unevaluatedProperties": s()},
    lambda _c, s: {"anyOf": [s(), s()], "unevaluatedProperties": False},
    lambda _c, s: {"prefixItems": [s()], "contains": s(), "unevaluatedItems": s()},
    lambda _c, s: {"anyOf": [s(), s()], "unevaluatedItems": False},
)
