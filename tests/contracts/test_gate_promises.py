"""What the gate holds whatever it is given: no keyword is passed over, and every schema that validates is compared."""

import json
from itertools import combinations
from random import Random
from typing import Any

import jsonschema_rs
import pytest

from deploy.basudara.contracts.compare.holding import matches
from deploy.basudara.contracts.compare.patterns import machine
from deploy.basudara.contracts.compare.verdicts import NotASchema, gaps, validator
from deploy.basudara.tests.contracts.documents import Documents
from deploy.basudara.tests.contracts.schemas import changed, random_schema, with_references

PAIRS = 400
A_REQUIRED: dict[str, Any] = {"type": "object", "required": ["a"]}
B_REQUIRED: dict[str, Any] = {"type": "object", "required": ["b"]}


def valid(schema: Any) -> bool:
    try:
        validator(schema)
    except NotASchema:
        return False
    return True


def random_pair(seed: int) -> tuple[Any, Any]:
    """Two schemas, every second one a change of the first, every third with references round in circles."""
    chance = Random(seed)
    one = with_references(chance) if seed % 3 == 0 else random_schema(chance)
    return one, changed(one, chance) if seed % 2 else random_schema(chance)


# -- row 27 of the promises --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "within",
    [
        lambda schema: {"if": {"required": ["k"]}, "then": schema},
        lambda schema: {"if": {"required": ["k"]}, "else": schema},
        lambda schema: {"if": schema, "then": {"required": ["k"]}},
        lambda schema: {"not": schema},
        lambda schema: {"type": "array", "contains": schema},
        lambda schema: {"type": "array", "prefixItems": [schema]},
        lambda schema: {"type": "array", "unevaluatedItems": schema},
        lambda schema: {"$defs": {"x": schema}, "$ref": "#/$defs/x"},
        lambda schema: {"$defs": {"x": {"$anchor": "here", **schema}}, "properties": {"m": {"$ref": "#here"}}},
        lambda schema: {"dependentSchemas": {"k": schema}},
        lambda schema: {"patternProperties": {"^m": schema}},
        lambda schema: {"unevaluatedProperties": schema},
        lambda schema: {"oneOf": [schema, {"type": "null"}]},
    ],
)
def test_a_change_inside_any_keyword_is_seen(within: Any) -> None:
    """Row 27. The witness proves that it is no blind "breaking"."""
    new, old = within(A_REQUIRED), within(B_REQUIRED)
    assert gaps(new, old)
    assert all(gap.decided for gap in gaps(new, old))
    assert gaps(new, within(json.loads(json.dumps(A_REQUIRED)))) == []


def test_a_change_of_dependent_required_is_seen() -> None:
    new, old = {"dependentRequired": {"a": ["b"]}}, {"dependentRequired": {"a": ["b", "c"]}}
    assert [gap.rule for gap in gaps(new, old)] == ["dependentRequired"]
    assert gaps(old, new) == []


@pytest.mark.parametrize("place", [lambda schema: schema, lambda schema: {"properties": {"m": {"items": schema}}}])
def test_a_keyword_that_is_not_understood_is_breaking_until_shown(place: Any) -> None:
    """Row 27: never ignored, though every validator passes over it."""
    plain, strange, stranger = {"type": "string"}, {"type": "string", "grade": 3}, {"type": "string", "grade": 4}
    for new, old in ((plain, strange), (strange, stranger), (stranger, strange)):
        found = gaps(place(new), place(old))
        assert [(gap.rule, gap.decided) for gap in found] == [("undecided", False)]
        assert "grade" in found[0].found
    assert gaps(place(strange), place(dict(strange))) == []
    assert gaps(place(strange), place(plain)) == [], "one condition more is no more than was allowed"


def test_a_reference_that_leads_out_of_the_file_is_breaking_until_shown() -> None:
    outside = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
    assert [gap.decided for gap in gaps({"type": ["object", "boolean"]}, outside)] == [False]
    assert gaps(outside, dict(outside)) == []


def test_a_pattern_that_is_not_regular_is_decided_by_a_witness_or_not_at_all() -> None:
    ahead = {"type": "string", "pattern": "^(?=a)"}
    assert [gap.witness[:1] for gap in gaps({"type": "string", "pattern": "^[ab]$"}, ahead) if gap.decided] in (
        [],
        ["b"],
    )
    assert gaps({"type": "string", "pattern": "^a"}, ahead), "true, but not shown"
    assert gaps(ahead, dict(ahead)) == []


# -- row 28 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(0, PAIRS, 20))
def test_every_schema_is_safe_against_itself(seed: int) -> None:
    """Written anew, described otherwise, and wrapped so that equality alone does not answer."""
    for one in range(seed, seed + 20):
        schema, _ = random_pair(one)
        if not valid(schema):
            continue
        again = json.loads(json.dumps(schema, sort_keys=True))
        described = {**again, "title": "another"} if isinstance(again, dict) else again
        assert gaps(schema, described) == []
        if "$defs" not in str(schema):
            assert gaps(schema, {"anyOf": [again, {"const": "another"}]}) == []
            assert gaps({"allOf": [again, {"not": {"const": "another"}}]}, schema) == []


@pytest.mark.parametrize("seed", range(0, PAIRS, 20))
def test_what_is_called_safe_withstands_random_documents(seed: int) -> None:
    safe = compared = 0
    for one in range(seed, seed + 20):
        new, old = random_pair(one)
        if not (valid(new) and valid(old)):
            continue
        compared += 1
        if gaps(new, old):
            continue
        safe += 1
        judge = jsonschema_rs.Draft202012Validator(old, validate_formats=True)
        documents = Documents(new, one).allowed(100, 300)
        assert [document for document in documents if not judge.is_valid(document)] == [], one
    assert compared >= 15
    assert safe > 0


def test_schemas_that_refer_to_themselves_and_to_each_other_are_compared() -> None:
    """Row 28."""
    ring = {f"d{at}": _link(at, 9) for at in range(200)}
    wider = {**ring, "d199": _link(199, 10)}
    old, new = {"$ref": "#/$defs/d0", "$defs": ring}, {"$ref": "#/$defs/d0", "$defs": wider}
    assert gaps(old, new) == []
    assert [gap.rule for gap in gaps(new, old)] == ["maximum"]
    assert gaps({"$ref": "#"}, {"type": "string"}), "what it allows no validator can tell"


@pytest.mark.parametrize("names", ["xy", "yx"])
def test_what_was_given_up_in_a_circle_is_looked_at_again_outside_of_it(names: str) -> None:
    """A list of lists of lists has no end, but each list may hold an object instead."""
    defs = {
        "x": {"anyOf": [{"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/y"}}, {"type": "object"}]},
        "y": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/x"}},
    }
    members = {place: {"$ref": f"#/$defs/{name}"} for place, name in zip("ab", names, strict=True)}
    allowed = {"type": "object", "required": ["a", "b"], "properties": members, "$defs": defs}
    assert [gap.decided for gap in gaps(allowed, False)] == [True]


def _link(at: int, most: int) -> dict[str, Any]:
    after = {"$ref": f"#/$defs/d{(at + 1) % 200}"}
    return {
        "type": "object",
        "required": ["n"],
        "properties": {"next": after, "n": {"type": "integer", "maximum": most}},
    }


def test_a_schema_of_five_thousand_lines_is_compared() -> None:
    """Row 28. The search gives up past a number of cases: a verdict says that it stayed below."""
    new, old = _large(9), _large(10)
    assert len(json.dumps(new, indent=2).splitlines()) > 5000
    assert gaps(new, old) == []
    assert all(gap.decided for gap in gaps(old, new))
    assert gaps(old, new)


def _large(most: int) -> dict[str, Any]:
    text = {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": most}
    names = [f"member_{at}" for at in range(800)]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": names,
        "properties": dict.fromkeys(names, text),
    }


def test_a_comparison_that_is_too_long_ends_and_is_breaking() -> None:
    """Nine pigeons in eight holes: nothing is allowed, and to show it takes too many cases."""
    somewhere = [{"anyOf": [{"required": [f"{pigeon} in {hole}"]} for hole in range(8)]} for pigeon in range(9)]
    alone = [
        {"not": {"required": [f"{one} in {hole}", f"{other} in {hole}"]}}
        for hole in range(8)
        for one, other in combinations(range(9), 2)
    ]
    found = gaps({"type": "object", "allOf": somewhere + alone}, False)
    assert [(gap.rule, gap.decided) for gap in found] == [("undecided", False)]


def test_a_schema_that_is_none_is_refused() -> None:
    for broken in ({"type": "strin"}, {"pattern": "("}, {"$schema": "http://json-schema.org/draft-07/schema#"}):
        with pytest.raises(NotASchema):
            gaps(broken, True)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d+$", r"\w{2,}", "^(a|bc)*$", "a.c", "^[^a-c]+$", r"\s", "^a?b{2}$", "^$", "a|^b$", "(^a|b$)", r"\.",
        r"[\d_]", "[-a]", r"[a\-z]", r"^\u0041", "^(?:ab)+?$", "(?<n>a)b", "x{0}", r"^[\w.]+@", r"\/", r"\D", r"\W$",
        "^.$", "^[A-Za-z0-9][A-Za-z0-9 ._/()-]{0,63}$",
    ],
)  # fmt: skip
def test_patterns_are_understood_as_the_validator_understands_them(pattern: str) -> None:
    machine(pattern)
    judge, chance = jsonschema_rs.Draft202012Validator({"pattern": pattern}), Random(3)
    # without the line ends of ECMA-262 beside \n: for `.` releases of this validator differ in them
    letters = "abcABC019 _-.@\n/é٣x]^"
    texts = ["".join(chance.choice(letters) for _ in range(chance.randint(0, 6))) for _ in range(500)]
    assert [text for text in texts if judge.is_valid(text) is not matches(pattern, text)] == []
