"""A JSON Schema as rows of a table: path, type, bounds and meaning of each member."""

import json
from collections.abc import Iterator

from deploy.basudara.contracts.docs.html import Html, joined, tag
from deploy.basudara.contracts.docs.language import Language
from deploy.basudara.contracts.docs.layout import table
from deploy.basudara.contracts.docs.source import Member

DEEPEST = 12


def members_table(language: Language, schema: Member, *, label: str) -> Html:
    say = language.say
    columns = (say("Member"), say("Type"), say("Form and bounds"), say("Meaning"))
    rows = [
        (tag("code", path), tag("code", types(member)), bounds(language, member), say(member.description))
        for path, member in members(schema)
    ]
    return table(columns, rows, label=label)


def members(schema: Member, path: str = "", depth: int = 0) -> Iterator[tuple[str, Member]]:
    """Every member with its path; `[]` is each item of a list. Deeper ones stand in the schema itself."""
    if depth > DEEPEST:
        return
    for name, member in schema.properties.items():
        here = f"{path}.{name}" if path else name
        yield here, member
        yield from members(member, here, depth + 1)
    if schema.items is not None and (path or schema.items.properties):
        yield f"{path}[]", schema.items
        yield from members(schema.items, f"{path}[]", depth + 1)


def types(member: Member) -> str:
    told = (member.type,) if isinstance(member.type, str) else member.type
    return " | ".join(told) or "any"


def bounds(language: Language, member: Member) -> Html:
    parts = [tag("code", text) for text in _written(member)]
    for unit, low, high in _ranges(member):
        parts.append(tag("span", tag("code", _range(low, high)), " ", language.say(unit)))
    if member.enum:
        codes = joined((tag("code", _json(code)) for code in member.enum), " ")
        parts.append(tag("span", language.say("one of"), " ", codes))
    return joined(parts, tag("br"))


def _written(member: Member) -> Iterator[str]:
    if member.const is not None:
        yield f"= {_json(member.const)}"
    if member.format:
        yield member.format
    if member.pattern:
        yield member.pattern


def _ranges(member: Member) -> Iterator[tuple[str, float | None, float | None]]:
    """Unit, least and most. A pattern says the length already."""
    yield from (
        (unit, low, high)
        for unit, low, high in (
            ("", member.minimum, member.maximum),
            ("characters", *((None, None) if member.pattern else (member.shortest, member.longest))),
            ("items", member.fewest, member.most),
        )
        if low is not None or high is not None
    )


def _range(low: float | None, high: float | None) -> str:
    if high is None or low is None:
        return f"≥ {_number(low)}" if high is None else f"≤ {_number(high)}"
    return _number(low) if low == high else f"{_number(low)}…{_number(high)}"


def _number(value: float | None) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
