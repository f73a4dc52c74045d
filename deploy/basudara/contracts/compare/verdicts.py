"""The question of the gate: is every document that one schema allows a document of another?"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from deploy.basudara.contracts.catalogues import DIALECT, validator_of
from deploy.basudara.contracts.compare.formulas import Literal
from deploy.basudara.contracts.compare.outcomes import Found, Outcome, Unknown
from deploy.basudara.contracts.compare.schemas import Document, Schema
from deploy.basudara.contracts.compare.search import Search, State, TooLarge

SHOWN = 20  # findings of one comparison
CALLS = 30_000  # within calls
FURTHER = 5_000  # cases looked at for more, once there is one


Judge = jsonschema_rs.Draft202012Validator


class NotASchema(Exception):
    """It is not valid by JSON Schema 2020-12 itself."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Why not every document of one is one of the other. `pointer`: the keyword that refuses. Without `witness`: it
    could not be decided, which counts as refused until it is shown otherwise."""

    pointer: str
    rule: str
    found: str
    witness: Any = None
    decided: bool = True


def validator(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    """Raises NotASchema."""
    if isinstance(schema, dict) and schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
        raise NotASchema(f"$schema: {schema['$schema']} is not {DIALECT}")
    try:
        return validator_of(schema)
    except jsonschema_rs.ValidationError as error:
        raise NotASchema(f"{_pointer(error.instance_path)}: {error.message[:200]}") from None
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise NotASchema(str(error)[:200]) from None


def gaps(written: Schema, read: Schema) -> list[Gap]:
    """Where a document of `written` is none of `read`; none: proved that every one is. Raises NotASchema."""
    judges = validator(written), validator(read)
    mine, other = Document(written).root, Document(read).root
    if mine == other:
        return []
    state = frozenset({Literal(True, mine), Literal(False, other)})
    found: dict[tuple[str, str], Gap] = {}
    with ThreadPoolExecutor(1) as own_stack:
        for gap in own_stack.submit(_deep, lambda: list(_searched(state, *judges))).result():
            found.setdefault((gap.pointer, gap.rule), gap)
    shown = [gap for gap in found.values() if gap.decided]
    return shown or list(found.values())


def _deep(search: Callable[[], list[Gap]]) -> list[Gap]:
    """A chain of references is followed by calls within calls, further than Python allows by itself."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(CALLS)
    try:
        return search()
    finally:
        sys.setrecursionlimit(before)


def _searched(state: State, mine: Judge, other: Judge) -> Iterator[Gap]:
    search, decided = Search(), set()
    try:
        for outcome in search.values(state):
            for gap in _judged(outcome, mine, other):
                yield gap
                if gap.decided:
                    decided.add((gap.pointer, gap.rule))
                    search.steps = min(search.steps, FURTHER)
            if len(decided) >= SHOWN:
                return
    except TooLarge:
        yield Gap(pointer="", rule="undecided", found="more cases than are looked at", decided=False)
    except RecursionError:
        yield Gap(pointer="", rule="undecided", found="nested too deep", decided=False)


def _judged(
    outcome: Outcome, mine: jsonschema_rs.Draft202012Validator, other: jsonschema_rs.Draft202012Validator
) -> Iterator[Gap]:
    """A witness counts when a real validator says the same of it."""
    if isinstance(outcome, Unknown):
        yield Gap(pointer="", rule="undecided", found=outcome.why, decided=False)
    if not isinstance(outcome, Found):
        return
    value = outcome.value
    refusals = list(other.iter_errors(value))
    if not mine.is_valid(value) or not refusals:
        yield Gap(pointer="", rule="undecided", found="a validator judges the witness otherwise", decided=False)
        return
    first = refusals[0]
    rule = str(first.schema_path[-1]) if first.schema_path else "false"
    yield Gap(pointer=_pointer(first.schema_path), rule=rule, found=first.message[:200], witness=value)


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
