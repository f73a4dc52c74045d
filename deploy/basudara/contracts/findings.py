"""What a file or record breaks: where, which rule, what was found, in words that a person can act on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

SHOWN = 60  # characters of a value, or of a name, that a finding quotes
Steps = Sequence[str | int]


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """`pointer`: a JSON pointer (RFC 6901) into what was read, empty for the whole of it."""

    pointer: str
    rule: str
    found: str

    def below(self, *steps: str | int) -> "Finding":
        """The same finding in a document that holds this one at `steps`."""
        return Finding(pointer=pointer(steps) + self.pointer, rule=self.rule, found=self.found)


def finding(steps: Steps, rule: str, found: str) -> Finding:
    return Finding(pointer=pointer(steps), rule=rule, found=found)


def pointer(steps: Iterable[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def quoted(value: object) -> str:
    """A value as a finding shows it: short."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def described(value: object) -> str:
    """A value whose content must not be shown: payloads are about persons."""
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return "a whole number" if isinstance(value, int) else "a number with a fraction"
    return f"a list of {len(value)}" if isinstance(value, list) else "an object"


def of_schema(
    validator: jsonschema_rs.Validator, instance: object, at: Steps = (), *, quote: bool = True
) -> Iterator[Finding]:
    """One finding for each place that breaks the schema; without `quote` no value is shown."""
    for error in validator.iter_errors(instance):
        for leaf in _leaves(error):
            rule = str(leaf.kind.name)
            yield finding([*at, *leaf.instance_path], rule, _words(leaf, quoted if quote else described))


def _leaves(error: Any) -> Iterator[Any]:
    """Of alternatives that all failed, the one that got furthest: what its writer meant."""
    branches = [branch for branch in getattr(error.kind, "context", ()) if branch]
    if not branches:
        yield error
        return
    for inner in max(branches, key=_reached):
        yield from _leaves(inner)


def _reached(branch: Sequence[Any]) -> tuple[int, bool, int]:
    leaves = [leaf for error in branch for leaf in _leaves(error)]
    no_reference = not any(getattr(leaf.kind, "property", None) == "$ref" for leaf in leaves)
    return max(len(leaf.instance_path) for leaf in leaves), no_reference, -len(leaves)


def _words(error: Any, show: Any) -> str:
    kind, seen = error.kind, show(error.instance)
    match kind.name:
        case "required":
            return f"the member {quoted(kind.property)} is missing"
        case "additionalProperties" | "unevaluatedProperties":
            return f"unknown: {', '.join(map(quoted, kind.unexpected))}"
        case "type":
            return f"must be {_types(kind.as_dict()['types'])}, found {seen}"
        case "enum":
            return f"must be one of {', '.join(map(str, kind.options))}; found {seen}"
        case "const":
            return f"must be {kind.expected_value}, found {seen}"
        case "pattern":
            return f"must match {kind.pattern}, found {seen}"
        case "format":
            return f"must be a valid {kind.format}, found {seen}"
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minimum" | "maximum":
            return f"breaks {kind.name} {kind.limit}, found {seen}"
        case "uniqueItems":
            return "an item is there twice"
        case other:
            return f"breaks the schema's {other}"


def _types(names: Sequence[str]) -> str:
    return " or ".join(names)
