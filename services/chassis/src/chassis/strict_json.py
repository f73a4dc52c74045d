"""JSON as we accept it on every door: what two readers could understand differently is refused."""

import json
import math
import re
from typing import Any, NoReturn

from chassis.errors import Invalid

MAX_DEPTH = 20
MAX_INTEGER_DIGITS = 19  # beyond 64 bit the store would refuse what the edge let through
# C0 and C1 controls but tab and line breaks, bidi marks and embeddings, lone surrogates, non-characters
_FORBIDDEN_TEXT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def forbidden(text: str) -> bool:
    """Whether a text has no UTF-8 form or holds control or bidi characters."""
    return _FORBIDDEN_TEXT.search(text) is not None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if any(name.startswith("$") for name in members):  # the store would take it for an operator or a reference
        raise Invalid(field="body", rule="a member name begins with $")
    if len(members) < len(pairs):
        raise Invalid(field="body", rule="a member name is repeated")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise Invalid(field="body", rule="NaN and Infinity are not JSON")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS or not -(2**63) <= int(digits) < 2**63:
        raise Invalid(field="body", rule="an integer is beyond 64 bit")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise Invalid(field="body", rule="a number is beyond 64 bit")
    return value


def _check(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Invalid(field="body", rule=f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        if forbidden(value):
            raise Invalid(field="body", rule="a text holds control, bidi or surrogate characters")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check(name, depth)
            _check(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check(member, depth + 1)


def loads(raw: bytes) -> Any:
    """Parse strictly. Raises Invalid (422) with the rule that was broken, never quoting the input."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_number,
        )
    except UnicodeDecodeError:
        raise Invalid(field="body", rule="not UTF-8") from None
    except RecursionError:
        raise Invalid(field="body", rule=f"nested deeper than {MAX_DEPTH}") from None
    except json.JSONDecodeError as error:
        raise Invalid(field="body", rule=f"not JSON at character {error.pos}") from None
    if "\\" in text or forbidden(text) or text.count("{") + text.count("[") > MAX_DEPTH:
        _check(value, 0)  # few texts need the walk, which takes three times as long as all the rest
    return value
