"""What a schema demands of a value of one JSON type, as a formula: all of, any of, and facts about that value.

Each keyword is said once, as what must hold; what must not hold is the same formula negated. So `not`, `if` and
`oneOf` need no cases of their own further on.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from deploy.basudara.contracts.compare.schemas import IDENTITY, Node, NoSuchPlace, canonical, note, number

KINDS = ("object", "array", "string", "number", "boolean", "null")


class Fact(NamedTuple):
    """What a value can have or lack. `about`: a name, place or bound; `of`: any of these schemas holds there."""

    rule: str
    about: Hashable = None
    of: tuple[Node, ...] = ()


class Literal(NamedTuple):
    """A fact, or a whole schema, that holds or does not."""

    holds: bool
    what: Fact | Node


@dataclass(frozen=True)
class All:
    parts: tuple["Formula", ...]


@dataclass(frozen=True)
class OneOf:
    parts: tuple["Formula", ...]


Formula = All | OneOf | Literal
TRUE, FALSE = All(()), OneOf(())


def negated(formula: Formula) -> Formula:
    if isinstance(formula, Literal):
        return Literal(not formula.holds, formula.what)
    parts = tuple(negated(part) for part in formula.parts)
    return OneOf(parts) if isinstance(formula, All) else All(parts)


def kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else _scalar(value)


def _scalar(value: Any) -> str:
    return "string" if isinstance(value, str) else "number"


@cache
def demand(node: Node, kind: str, holds: bool) -> Formula:
    """What it takes that the schema holds, or does not, for a value of this type."""
    if isinstance(node.schema, bool):
        return TRUE if node.schema is holds else FALSE
    parts = tuple(_keyword(node, name, value, kind) for name, value in node.schema.items() if name not in UNEVALUATED)
    late = tuple(_unevaluated(node, name, kind) for name in UNEVALUATED if name in node.schema)
    if holds:
        return All(parts + late)
    # what was evaluated is known only where the keywords beside it hold
    failing = tuple(All((*parts, *late[:place], negated(one))) for place, one in enumerate(late))
    return OneOf((*(negated(part) for part in parts), *failing))


UNEVALUATED = {"unevaluatedProperties": "object", "unevaluatedItems": "array"}


def _unevaluated(node: Node, name: str, kind: str) -> Formula:
    return Literal(True, Fact(name, None, (node,))) if UNEVALUATED[name] == kind else TRUE


def _keyword(node: Node, name: str, value: Any, kind: str) -> Formula:
    if name in IDENTITY or note(name) or name in BESIDE:
        return TRUE
    if name in ANY_KIND:
        return ANY_KIND[name](node, value, kind)
    for of, rules in BY_KIND.items():
        if name in rules:
            return rules[name](node, value) if of == kind else TRUE
    return opaque(node, name)


def opaque(node: Node, name: str) -> Formula:
    """What we cannot judge holds or does not: equal to itself, and otherwise open."""
    about = f"{name}: {canonical(node.members()[name])}"
    return Literal(True, Fact("opaque", about if "Ref" not in name and name != "$ref" else f"{node.home.name} {about}"))


def _subs(node: Node, values: Any) -> tuple[Node, ...]:
    return tuple(node.sub(value) for value in values)


def _positive(nodes: tuple[Node, ...]) -> tuple[Formula, ...]:
    return tuple(Literal(True, node) for node in nodes)


# -- whatever the type -------------------------------------------------------------------------------------------------


def _type(_node: Node, value: Any, kind: str) -> Formula:
    kinds = [value] if isinstance(value, str) else value
    if kind in kinds:
        return TRUE
    return Literal(True, Fact("integer")) if kind == "number" and "integer" in kinds else FALSE


def _among(values: list[Any], kind: str) -> Formula:
    of_kind = tuple(sorted(canonical(value) for value in values if kind_of(value) == kind))
    return Literal(True, Fact("among", of_kind)) if of_kind else FALSE


def _one_of(node: Node, value: Any) -> Formula:
    nodes = _subs(node, value)
    return OneOf(
        tuple(
            All(tuple(Literal(place == other, one) for other, one in enumerate(nodes))) for place in range(len(nodes))
        )
    )


def _if(node: Node, value: Any) -> Formula:
    asked = node.sub(value)
    then, otherwise = (Literal(True, node.sub(node.members().get(name, True))) for name in ("then", "else"))
    return OneOf((All((Literal(True, asked), then)), All((Literal(False, asked), otherwise))))


def _reference(node: Node, name: str) -> Formula:
    try:
        return Literal(True, target(node, name))
    except NoSuchPlace:
        return opaque(node, name)


def target(node: Node, name: str) -> Node:
    """Raises NoSuchPlace."""
    return node.home.resolved(node.members()[name], node.base, dynamic=name == "$dynamicRef")


# -- arrays ------------------------------------------------------------------------------------------------------------


def _contains(node: Node, value: Any) -> Formula:
    least, most = node.members().get("minContains", 1), node.members().get("maxContains")
    facts = [Fact("contains", int(least), (node.sub(value),))] if least else []
    parts: list[Formula] = [Literal(True, fact) for fact in facts]
    if most is not None:
        parts.append(Literal(False, Fact("contains", int(most) + 1, (node.sub(value),))))
    return All(tuple(parts))


def _items(node: Node, value: Any) -> Formula:
    return Literal(True, Fact("items", len(node.members().get("prefixItems", ())), (node.sub(value),)))


def _prefix(node: Node, value: Any) -> Formula:
    return All(tuple(Literal(True, Fact("item", place, (sub,))) for place, sub in enumerate(_subs(node, value))))


# -- objects -----------------------------------------------------------------------------------------------------------


def has(name: str) -> Literal:
    return Literal(True, Fact("has", name))


def _properties(node: Node, value: Any) -> Formula:
    return All(tuple(Literal(True, Fact("member", name, (node.sub(sub),))) for name, sub in value.items()))


def _matching(node: Node, value: Any) -> Formula:
    return All(tuple(Literal(True, Fact("matching", name, (node.sub(sub),))) for name, sub in value.items()))


def _rest(node: Node, value: Any) -> Formula:
    names = frozenset(node.members().get("properties", ()))
    return Literal(
        True, Fact("rest", (names, tuple(sorted(node.members().get("patternProperties", ())))), (node.sub(value),))
    )


def _dependent_required(_node: Node, value: Any) -> Formula:
    rows = [(name, other) for name, others in value.items() for other in others]
    return All(tuple(OneOf((negated(has(name)), has(other))) for name, other in rows))


def _dependent_schemas(node: Node, value: Any) -> Formula:
    return All(tuple(OneOf((negated(has(name)), Literal(True, node.sub(sub)))) for name, sub in value.items()))


def _bound(rule: str, holds: bool = True, more: int = 0) -> Callable[[Node, Any], Formula]:
    return lambda _node, value: Literal(holds, Fact(rule, int(value) + more))


def _measure(rule: str) -> Callable[[Node, Any], Formula]:
    return lambda _node, value: Literal(True, Fact(rule, number(value)))


def _text(rule: str) -> Callable[[Node, Any], Formula]:
    return lambda _node, value: Literal(True, Fact(rule, value))


BESIDE = ("then", "else", "minContains", "maxContains")  # said by `if` and `contains`
ANY_KIND: dict[str, Callable[[Node, Any, str], Formula]] = {
    "type": _type,
    "enum": lambda _node, value, kind: _among(value, kind),
    "const": lambda _node, value, kind: _among([value], kind),
    "allOf": lambda node, value, _kind: All(_positive(_subs(node, value))),
    "anyOf": lambda node, value, _kind: OneOf(_positive(_subs(node, value))),
    "oneOf": lambda node, value, _kind: _one_of(node, value),
    "not": lambda node, value, _kind: Literal(False, node.sub(value)),
    "if": lambda node, value, _kind: _if(node, value),
    "$ref": lambda node, _value, _kind: _reference(node, "$ref"),
    "$dynamicRef": lambda node, _value, _kind: _reference(node, "$dynamicRef"),
}
BY_KIND: dict[str, dict[str, Callable[[Node, Any], Formula]]] = {
    "number": {name: _measure(name) for name in ("multipleOf", "minimum", "maximum")}
    | {name: _measure(name) for name in ("exclusiveMinimum", "exclusiveMaximum")},
    # a bound from above is the lack of one more
    "string": {
        "minLength": _bound("length"),
        "maxLength": _bound("length", False, 1),
        "pattern": _text("pattern"),
        "format": _text("format"),
    },
    "array": {
        "minItems": _bound("length"),
        "maxItems": _bound("length", False, 1),
        "uniqueItems": lambda _node, value: Literal(True, Fact("unique")) if value else TRUE,
        "prefixItems": _prefix,
        "items": _items,
        "contains": _contains,
    },
    "object": {
        "minProperties": _bound("length"),
        "maxProperties": _bound("length", False, 1),
        "required": lambda _node, value: All(tuple(has(name) for name in value)),
        "properties": _properties,
        "patternProperties": _matching,
        "additionalProperties": _rest,
        "propertyNames": lambda node, value: Literal(True, Fact("names", None, (node.sub(value),))),
        "dependentRequired": _dependent_required,
        "dependentSchemas": _dependent_schemas,
    },
}


# -- unevaluated -------------------------------------------------------------------------------------------------------


def in_place(node: Node, rule: str, decide: Callable[[Literal], bool]) -> Iterator[Node]:
    """The schema and those within it that hold for the same value: they are what evaluated its members and items."""
    yield node
    schema = node.members()
    parts = [node.sub(one) for name in ("allOf", "anyOf", "oneOf") for one in schema.get(name, ())]
    parts += [target(node, name) for name in ("$ref", "$dynamicRef") if name in schema]
    if "if" in schema:
        parts += [
            node.sub(schema[name])
            for name in ("if", "then" if decide(Literal(True, node.sub(schema["if"]))) else "else")
            if name in schema
        ]
    if rule == "unevaluatedProperties":
        depending = schema.get("dependentSchemas", {}).items()
        parts += [node.sub(one) for name, one in depending if decide(has(name))]
    for part in parts:
        if decide(Literal(True, part)):
            yield from in_place(part, rule, decide)


def left_over(node: Node, rule: str, decide: Callable[[Literal], bool]) -> Formula:
    """What `unevaluatedProperties` or `unevaluatedItems` demands, once it is decided which schemas beside it hold."""
    reached = list(in_place(node, rule, decide))
    said = [(one, one.members()) for one in reached]
    demanded = node.sub(node.members()[rule])
    ending = ("items", rule) if rule == "unevaluatedItems" else ("additionalProperties", rule)
    if any(name in schema and not (one is node and name == rule) for one, schema in said for name in ending):
        return TRUE
    if rule == "unevaluatedItems":
        first = max(len(schema.get("prefixItems", ())) for _, schema in said)
        found = tuple(one.sub(schema["contains"]) for one, schema in said if "contains" in schema)
        return Literal(True, Fact("items", first, (demanded, *found)))
    names = frozenset(name for _, schema in said for name in schema.get("properties", ()))
    patterns = tuple(sorted({name for _, schema in said for name in schema.get("patternProperties", ())}))
    return Literal(True, Fact("rest", (names, patterns), (demanded,)))
