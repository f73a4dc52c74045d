"""Files and records as they may be written at all: strict JSON and strict YAML, every fault with its place.

The rules are those of the services' doors (`chassis.strict_json`, `chassis.strict_yaml`), which stop at the first
fault and say no place.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import yaml

from chassis import strict_json, strict_yaml
from deploy.basudara.contracts.findings import Finding, Steps, finding, quoted

MAX_BYTES = 2 * 1024 * 1024  # the largest record that any topic takes
MAX_DEPTH = 64  # of a contract; of an event it is that of the services
_TEXT_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")  # a date may stay one, and be checked as one
_TAGS = (*_TEXT_TAGS, *(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "map", "seq")))


class Broken(Exception):
    """It can't be read; `findings` say why and where."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__()
        self.findings = findings


class _Fault:
    """Stands in a parsed document where a value can't be taken."""

    def __init__(self, rule: str, found: str) -> None:
        self.rule, self.found = rule, found


class _Members(dict[str, Any]):
    """An object, and the names that it had more than once."""

    repeated: tuple[str, ...] = ()


def text_of(raw: bytes) -> str:
    """Raises Broken: too large, not UTF-8, or with a byte order mark."""
    if len(raw) > MAX_BYTES:
        raise Broken(finding((), "size", f"{len(raw)} bytes, at most {MAX_BYTES} are read"))
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise Broken(finding((), "utf-8", "begins with a byte order mark: save it as UTF-8 without one"))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Broken(finding((), "utf-8", f"not UTF-8 at byte {error.start}, in line {line}")) from None


def from_json(raw: bytes, *, event: bool = False) -> Any:
    """The document. `event`: as the services read events, not deeper than they do. Raises Broken with every fault."""
    limit = strict_json.MAX_DEPTH if event else MAX_DEPTH
    try:
        value = json.loads(
            text_of(raw), object_pairs_hook=_members, parse_int=_integer, parse_float=_number, parse_constant=_constant
        )
    except RecursionError:
        raise Broken(finding((), "depth", f"nested deeper than {limit}")) from None
    except json.JSONDecodeError as error:
        raise Broken(finding((), "json", f"{error.msg}, in line {error.lineno}, column {error.colno}")) from None
    faults = list(_faults(value, limit, event))
    if faults:
        raise Broken(*faults)
    return value


def _members(pairs: list[tuple[str, Any]]) -> _Members:
    members = _Members(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        members.repeated = tuple(sorted({name for name in names if names.count(name) > 1}))
    return members


def _integer(digits: str) -> Any:
    small = len(digits.lstrip("-")) <= strict_json.MAX_INTEGER_DIGITS
    fits = small and -(2**63) <= int(digits) < 2**63
    return int(digits) if fits else _Fault("number", f"a whole number of {len(digits)} digits is beyond 64 bit")


def _number(digits: str) -> Any:
    value = float(digits)
    return _Fault("number", f"{quoted(digits)} is beyond 64 bit") if math.isinf(value) else value


def _constant(name: str) -> _Fault:
    return _Fault("number", f"{name} is not JSON")


def _faults(document: Any, limit: int, event: bool) -> Iterator[Finding]:
    """Without recursion: the depth is what a hostile document chooses."""
    rest: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while rest:
        at, value = rest.pop()
        if isinstance(value, _Fault):
            yield finding(at, value.rule, value.found)
        elif isinstance(value, str) and strict_json.forbidden(value):
            yield finding(at, "text", "holds control, bidi or surrogate characters")
        elif isinstance(value, dict | list) and len(at) > limit:
            yield finding(at[:limit], "depth", f"nested deeper than {limit}")
        elif isinstance(value, dict):
            yield from _names(value, at, event)
            rest += [((*at, name), member) for name, member in value.items() if not strict_json.forbidden(name)]
        elif isinstance(value, list):
            rest += [((*at, place), member) for place, member in enumerate(value)]


def _names(members: dict[str, Any], at: Steps, event: bool) -> Iterator[Finding]:
    for name in getattr(members, "repeated", ()):
        yield finding([*at, name.encode("utf-8", "replace").decode()], "repeated", "the member is there more than once")
    for name in members:
        if strict_json.forbidden(name):
            yield finding(at, "text", "a member's name holds control, bidi or surrogate characters")
        elif event and name.startswith("$"):
            yield finding([*at, name], "name", "a member's name may not begin with $")


def from_yaml(raw: bytes) -> Any:
    """One document without anchors, tags and repeated members. Raises Broken."""
    text = text_of(raw)
    try:
        _check_flat(text)
        node = yaml.compose(text, yaml.CSafeLoader)
        if node is None:
            raise Broken(finding((), "yaml", "holds nothing"))
        faults = list(_node_faults(node))
        if faults:
            raise Broken(*faults)
        return strict_yaml.loads(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Broken(finding((), "yaml", f"{error.problem or error.context}{place}")) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # a date such as 2027-02-30 is a ValueError
        raise Broken(finding((), "yaml", " ".join(str(error).split())[:200])) from None


def _check_flat(text: str) -> None:
    """What would cost much before it could be judged: seen event by event. Raises Broken, yaml.YAMLError."""
    depth = documents = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Broken(finding((), "anchor", f"anchors and aliases are not read, in line {line}"))
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if getattr(event, "tag", None):
            raise Broken(finding((), "tag", f"tags are not read, in line {line}"))
        if depth > MAX_DEPTH:
            raise Broken(finding((), "depth", f"nested deeper than {MAX_DEPTH}, in line {line}"))
        if documents > 1:
            raise Broken(finding((), "yaml", f"a second document begins in line {line}"))


def _node_faults(node: yaml.Node, at: tuple[str | int, ...] = ()) -> Iterator[Finding]:
    """Its depth is known to be small."""
    line = f"in line {node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, member in node.value:
            if key.tag != _TEXT_TAGS[0]:
                place = f"in line {key.start_mark.line + 1}"
                yield finding(at, "name", f"a member's name must be a text: put {quoted(key.value)} in quotes, {place}")
                continue
            if strict_json.forbidden(key.value):
                yield finding(at, "text", f"a member's name holds control, bidi or surrogate characters, {line}")
            if key.value in seen:
                yield finding([*at, key.value], "repeated", "the member is there more than once")
            seen.add(key.value)
            yield from _node_faults(member, (*at, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, member in enumerate(node.value):
            yield from _node_faults(member, (*at, number))
    elif node.tag not in _TAGS:
        yield finding(at, "tag", f"of a kind that JSON does not have, {line}")
    elif node.tag.endswith(":float") and not math.isfinite(_yaml_float(node.value)):
        yield finding(at, "number", f"{quoted(node.value)} is not a number of JSON, {line}")
    elif strict_json.forbidden(node.value):
        yield finding(at, "text", f"holds control, bidi or surrogate characters, {line}")


def _yaml_float(text: str) -> float:
    value = strict_yaml.loads(text)
    return float(value) if isinstance(value, int | float) else 0.0
