"""Random documents for a schema, and random schemas: they look for what a proof overlooked."""

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import jsonschema_rs

from deploy.basudara.contracts.compare import formats
from deploy.basudara.contracts.compare.patterns import NotRegular, Part, _Parser

DEEPEST = 4
KINDS = ("object", "array", "string", "integer", "number", "boolean", "null")
Schema = dict[str, Any] | bool


class Documents:
    """Documents near a schema: made along its keywords, changed at random, kept when it allows them."""

    def __init__(self, schema: Schema, seed: int) -> None:
        self.schema = schema
        self.chance = Random(seed)
        self.values, self.names = vocabulary(schema)
        self.judge = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)

    def allowed(self, wanted: int, tries: int) -> list[Any]:
        """Up to `wanted` documents that the schema allows."""
        found: list[Any] = []
        for _ in range(tries):
            if len(found) == wanted:
                break
            one = self.along(self.schema, DEEPEST) if self.chance.random() < 0.7 or not found else None
            if one is None and found:
                one = self.changed(json.loads(json.dumps(self.chance.choice(found))))
            if self.judge.is_valid(one):
                found.append(one)
        return found

    def along(self, schema: Schema, depth: int) -> Any:
        flat = self.flat(schema, depth)
        if "const" in flat:
            return flat["const"]
        if "enum" in flat:
            return self.chance.choice(flat["enum"])
        kinds = flat.get("type", self.likely(flat))
        kind = kinds if isinstance(kinds, str) else self.chance.choice(kinds)
        makers = {"object": self.an_object, "array": self.an_array, "string": self.a_string}
        if kind in makers:
            return makers[kind](flat, depth)
        if kind in ("number", "integer"):
            return self.a_number(flat, kind)
        return None if kind == "null" else self.chance.random() < 0.5

    def flat(self, schema: Schema, depth: int) -> dict[str, Any]:
        """One schema for its branches: some of them, merged."""
        if isinstance(schema, bool):
            return {}
        found = {
            name: value for name, value in schema.items() if name not in ("allOf", "anyOf", "oneOf", "then", "else")
        }
        parts = list(schema.get("allOf", ()))
        parts += [self.chance.choice(schema[name]) for name in ("anyOf", "oneOf") if schema.get(name)]
        parts += [schema[name] for name in ("if", "then") if name in schema and self.chance.random() < 0.6]
        parts += [schema["else"]] if "else" in schema and self.chance.random() < 0.4 else []
        parts += [one for one in schema.get("dependentSchemas", {}).values() if self.chance.random() < 0.5]
        if "$ref" in schema and depth > 0:
            parts.append(self.pointed_at(schema["$ref"]))
        for part in parts:
            for name, value in self.flat(part, depth - 1).items():
                if name == "properties":
                    found[name] = {**found.get(name, {}), **value}
                elif name == "required":
                    found[name] = [*found.get(name, ()), *value]
                elif name == "pattern" and name in found:
                    found["patterns"] = [*found.get("patterns", [found[name]]), value]
                else:
                    found[name] = value
        return found

    def pointed_at(self, reference: str) -> Any:
        target: Any = self.schema
        for step in reference.partition("#")[2].split("/")[1:]:
            target = target[int(step)] if isinstance(target, list) else target.get(step, True)
        return target

    def likely(self, flat: Mapping[str, Any]) -> list[str]:
        hints = {
            "object": ("properties", "required", "patternProperties", "propertyNames", "minProperties"),
            "array": ("items", "prefixItems", "contains", "minItems"),
            "string": ("pattern", "minLength", "format"),
            "number": ("minimum", "maximum", "multipleOf"),
        }
        found = [kind for kind, names in hints.items() if any(name in flat for name in names)]
        return found * 4 + list(KINDS)

    def an_object(self, flat: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = flat.get("properties", {})
        names = list(flat.get("required", ())) + [name for name in properties if self.chance.random() < 0.6]
        if flat.get("additionalProperties") is not False or flat.get("patternProperties"):
            names += [self.chance.choice(self.names) for _ in range(self.chance.choice((0, 0, 1, 2, 3)))]
        return {
            name: self.along(properties.get(name, self.matching(flat, name)), depth - 1) if depth > 0 else None
            for name in names
        }

    def matching(self, flat: Mapping[str, Any], name: str) -> Any:
        fits = [sub for pattern, sub in flat.get("patternProperties", {}).items() if formats.found(pattern, name)]
        return fits[0] if fits else flat.get("additionalProperties", True)

    def an_array(self, flat: Mapping[str, Any], depth: int) -> list[Any]:
        least = int(flat.get("minItems", 0))
        most = int(flat.get("maxItems", max(least, len(flat.get("prefixItems", ()))) + 3))
        if depth <= 0:
            most = least
        first = flat.get("prefixItems", [])
        rest = [flat.get("items", True)] + ([flat["contains"]] * 2 if "contains" in flat else [])
        length = self.chance.randint(least, max(least, most))
        return [
            self.along(first[at] if at < len(first) else self.chance.choice(rest), depth - 1) for at in range(length)
        ]

    def a_string(self, flat: Mapping[str, Any], _depth: int) -> str:
        samples = formats.SAMPLES.get(flat.get("format", ""))
        if samples and self.chance.random() < (0.7 if "pattern" in flat else 1):
            return self.chance.choice(samples)
        if "pattern" in flat and self.chance.random() < 0.9:
            return "".join(sample(one, self.chance) for one in flat.get("patterns", [flat["pattern"]]))
        texts = [value for value in self.values if isinstance(value, str)]
        if texts and self.chance.random() < 0.4:
            return self.chance.choice(texts)
        least = int(flat.get("minLength", 0))
        length = self.chance.randint(least, max(least, int(flat.get("maxLength", least + 4))))
        return "".join(self.chance.choice("abzAZ09_- é") for _ in range(min(length, 300)))

    def a_number(self, flat: Mapping[str, Any], kind: str) -> Any:
        numbers = [value for value in self.values if isinstance(value, int | float) and not isinstance(value, bool)]
        value = self.chance.choice([*numbers, 0, 1, -1, self.chance.randint(-20, 20)])
        if "multipleOf" in flat and self.chance.random() < 0.9:
            return flat["multipleOf"] * self.chance.randint(-9, 9)
        if kind == "number" and self.chance.random() < 0.4:
            return value + 0.5
        return int(value)

    def changed(self, value: Any) -> Any:
        """One small change somewhere within."""
        if isinstance(value, dict) and value and self.chance.random() < 0.8:
            name = self.chance.choice(list(value))
            done = self.chance.choice(("drop", "add", "change", "change"))
            if done == "drop":
                del value[name]
            elif done == "add":
                value[self.chance.choice(self.names)] = self.chance.choice(self.values)
            else:
                value[name] = self.changed(value[name])
            return value
        if isinstance(value, list) and value and self.chance.random() < 0.8:
            at = self.chance.randrange(len(value))
            value[at : at + self.chance.randint(0, 1)] = [self.chance.choice([*self.values, self.changed(value[at])])]
            return value
        return self.chance.choice(self.values)


def sample(pattern: str, chance: Random) -> str:
    """A text with a match of the pattern; any text where we cannot tell."""
    try:
        return "".join(_sampled(_Parser(pattern).whole(), chance))
    except NotRegular:
        return chance.choice(("", "a", "aa", "ab", "a1"))


def _sampled(part: Part, chance: Random) -> Iterator[str]:
    if part.op == "chars":
        low, high = chance.choice(part.chars)
        yield chr(chance.randint(low, min(high, max(low, 0x7E))))
    elif part.op == "cat":
        for one in part.parts:
            yield from _sampled(one, chance)
    elif part.op == "alt":
        yield from _sampled(chance.choice(part.parts), chance)
    elif part.op == "repeat":
        most = part.least + 3 if part.most is None else part.most
        for _ in range(chance.randint(part.least, most)):
            yield from _sampled(part.parts[0], chance)


def vocabulary(schema: Any) -> tuple[list[Any], list[str]]:
    """Values and member names that the schema speaks of, each with its neighbours."""
    values: list[Any] = [None, True, False, 0, 1, 0.5, "", "a", [], {}]
    names = ["a", "b", "zz"]
    _gather(schema, values, names)
    return values, names


def _gather(schema: Any, values: list[Any], names: list[str]) -> None:
    if isinstance(schema, list):
        for one in schema:
            _gather(one, values, names)
    if not isinstance(schema, dict):
        return
    for name, value in schema.items():
        if name == "const":
            values.append(value)
        elif name == "enum":
            values.extend(value)
        elif name in ("properties", "patternProperties", "dependentSchemas", "dependentRequired"):
            names.extend(value if name != "patternProperties" else [sample(one, Random(one)) for one in value])
        elif name == "required":
            names.extend(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            values.extend((value, value - 1, value + 1))
        elif name == "pattern":
            values.extend(sample(value, Random(seed)) for seed in range(3))
        _gather(list(value.values()) if isinstance(value, dict) and name != "const" else value, values, names)
        if isinstance(value, dict):
            _gather(value, values, names)
