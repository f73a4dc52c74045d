"""A JSON Schema (2020-12) as the comparison sees it: nodes are equal if they mean the same, references followed."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

ONE = (
    "not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties",
)  # fmt: skip
LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
MAP = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
IDENTITY = ("$schema", "$id", "$anchor", "$dynamicAnchor", "$vocabulary", "$defs", "definitions")
SAID_ONLY = (  # notes, by the standard: nothing is refused by them
    "title", "description", "$comment", "examples", "default", "deprecated", "readOnly", "writeOnly",
    "contentEncoding", "contentMediaType", "contentSchema",
)  # fmt: skip
Schema = Mapping[str, Any] | bool


class NoSuchPlace(Exception):
    """A reference that leads nowhere in its own document, or whose end depends on who asks."""


class Node:
    """One schema at its place. Two nodes of equal `key` hold for the same documents."""

    __slots__ = ("_hash", "base", "home", "key", "schema")

    def __init__(self, schema: Schema, home: "Document", base: str) -> None:
        self.schema = schema
        self.home = home
        self.base = urljoin_any(base, schema["$id"]) if isinstance(schema, dict) and "$id" in schema else base
        text = home.text(schema)
        self.key = f"{home.name} {self.base} {text}" if "Ref" in text or '"$ref"' in text else text
        self._hash = hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.key == other.key

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Node({self.key[:60]})"

    def sub(self, schema: Schema) -> "Node":
        return self.home.node(schema, self.base)

    def members(self) -> Mapping[str, Any]:
        """Its keywords; empty for true and false."""
        return self.schema if isinstance(self.schema, dict) else {}


class Document:
    """One schema file. `name`: equal for files that say the same."""

    def __init__(self, root: Schema) -> None:
        self._texts: dict[int, str] = {}
        self._nodes: dict[tuple[int, str], Node] = {}
        self._kept: list[Any] = []  # what an id() was taken of must live
        self._places: dict[str, tuple[Any, str]] = {}
        self._dynamic: dict[str, int] = {}
        self.name = canonical(root)
        self.root = self.node(root, "")
        self._places[""] = (root, self.root.base)
        self._index(root, "")

    def node(self, schema: Schema, base: str) -> Node:
        place = (id(schema), base)
        if place not in self._nodes:
            self._kept.append(schema)
            self._nodes[place] = Node(schema, self, base)
        return self._nodes[place]

    def text(self, schema: Any) -> str:
        """What the schema demands, without what only describes it."""
        if not isinstance(schema, dict):
            return canonical(schema)
        if id(schema) not in self._texts:
            self._kept.append(schema)
            told = sorted((name, value) for name, value in schema.items() if name not in IDENTITY and not note(name))
            self._texts[id(schema)] = "{" + ",".join(f"{json.dumps(n)}:{self._said(n, v)}" for n, v in told) + "}"
        return self._texts[id(schema)]

    def _said(self, name: str, value: Any) -> str:
        if name in ONE:
            return self.text(value)
        if name in LIST:
            return "[" + ",".join(map(self.text, value)) + "]"
        if name in MAP:
            return "{" + ",".join(f"{json.dumps(key)}:{self.text(one)}" for key, one in sorted(value.items())) + "}"
        if name in ("required", "enum"):
            return canonical(sorted(value, key=canonical))
        return canonical(value)

    def _index(self, schema: Any, base: str) -> None:
        """Where `$id` and anchors are, so that references find them."""
        if not isinstance(schema, dict):
            return
        if "$id" in schema:
            base = urljoin_any(base, schema["$id"])
            self._places[base.rstrip("#")] = (schema, base)
        for keyword in ("$anchor", "$dynamicAnchor"):
            if keyword in schema:
                self._places[f"{base}#{schema[keyword]}"] = (schema, base)
        if "$dynamicAnchor" in schema:
            self._dynamic[schema["$dynamicAnchor"]] = self._dynamic.get(schema["$dynamicAnchor"], 0) + 1
        for one in subschemas(schema):
            self._index(one, base)

    def resolved(self, reference: str, base: str, dynamic: bool = False) -> Node:
        """Raises NoSuchPlace."""
        resource, fragment = urldefrag(urljoin_any(base, reference))
        if dynamic and self._dynamic.get(fragment, 0) > 1:
            raise NoSuchPlace(f"{reference} may lead to several places")
        if fragment and not fragment.startswith("/"):
            if f"{resource}#{fragment}" not in self._places:
                raise NoSuchPlace(f"{reference} leads nowhere in its file")
            return self.node(*self._places[f"{resource}#{fragment}"])
        if resource not in self._places:
            raise NoSuchPlace(f"{reference} leads out of its file")
        schema, here = self._places[resource]
        for step in fragment.split("/")[1:]:
            schema = _step(schema, unquote(step).replace("~1", "/").replace("~0", "~"), reference)
            if isinstance(schema, dict) and isinstance(schema.get("$id"), str):
                here = urljoin_any(here, schema["$id"])
        if not isinstance(schema, dict | bool):
            raise NoSuchPlace(f"{reference} leads to no schema")
        return self.node(schema, here)


def _step(document: Any, step: str, reference: str) -> Any:
    if isinstance(document, dict) and step in document:
        return document[step]
    if isinstance(document, list) and step.isdecimal() and int(step) < len(document):
        return document[int(step)]
    raise NoSuchPlace(f"{reference} leads nowhere in its file")


def note(name: str) -> bool:
    """Whether a keyword only describes: the standard's notes, and names that a writer marked as its own by `x-`."""
    return name in SAID_ONLY or name.startswith("x-")


def subschemas(schema: Mapping[str, Any]) -> Iterator[Any]:
    for name, value in schema.items():
        if name in ONE:
            yield value
        elif name in LIST and isinstance(value, list):
            yield from value
        elif name in MAP and isinstance(value, dict):
            yield from value.values()


def urljoin_any(base: str, reference: str) -> str:
    """As `urljoin`, also for names (`urn:`), which the standard library leaves as they are."""
    if reference.startswith("#"):
        return urldefrag(base).url + reference
    return reference if ":" in reference.split("/")[0] else urljoin(base, reference)


def canonical(value: Any) -> str:
    """One text per JSON value: 1.0 is 1, members in order."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value


def number(value: float) -> Fraction:
    """The number that is written, not the binary one next to it."""
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


_NOWHERE = Document(True)


def made(schema: Schema) -> Node:
    """A schema of our own that refers to nothing."""
    return Document(schema).root if not isinstance(schema, bool) else _NOWHERE.node(schema, "")
