"""Requests that must be refused, each with the one true reason. Paths name things of a `World`."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

INVALID, TEXT = "invalid", "a text holds control, bidi or surrogate characters"


@dataclass(frozen=True, kw_only=True)
class Bad:
    """`change` is laid over a good body; `raw` replaces it. `hidden` may not stand in the reply."""

    name: str
    desk: str
    path: str
    status: int
    code: str
    where: str = ""  # `field` of the problem
    rule: str = ""  # how its `rule` starts
    facts: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"
    body: str = ""  # name of the good body
    change: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json"
    token: str = ""  # name of a bad token; the desk's own without
    hidden: tuple[str, ...] = ()


def case(name: str, where: str, rule: str, hidden: str = "", **change: Any) -> Bad:
    """A registration that breaks one rule."""
    told = tuple(one for one in (hidden,) if one)
    return Bad(
        name=name, desk="intake", path="/cases", status=422, code=INVALID, where=where, rule=rule, body="case",
        change=change, hidden=told,
    )  # fmt: skip


def raw(name: str, text: bytes | str, rule: str, where: str = "body", **other: Any) -> Bad:
    """Bytes that are no acceptable JSON."""
    sent = text.encode() if isinstance(text, str) else text
    told: dict[str, Any] = {"status": 422, "code": INVALID, **other}
    return Bad(name=name, desk="intake", path="/cases", where=where, rule=rule, raw=sent, **told)


def token(name: str, which: str, status: int, code: str, desk: str = "intake", path: str = "/cases") -> Bad:
    return Bad(name=name, desk=desk, path=path, status=status, code=code, token=which, method="GET")


def _nested(depth: int) -> str:
    return '{"full_name": ' + "[" * depth + "]" * depth + "}"


SHAPES = [
    case("a number for a name", "full_name", "Input should be a valid string", full_name=81719955),
    case("a list for a yes or no", "in_custody", "Input should be a valid boolean", in_custody=[]),
    case("a member nobody knows", "nickname", "Extra inputs are not permitted", "Si Kecil", nickname="Si Kecil"),
    case("a NUL in a name", "body", TEXT, "Salma", full_name="Salma\x00Misal"),
    case("a bidi override in a name", "body", TEXT, "Salma", full_name="Salma\u202eMisal"),
    case("a control character in an address", "body", TEXT, "Rahasia", home={"address": "Jalan\x1b Rahasia"}),
    case("a name of 121 letters", "full_name", "1 to 120 characters", "Q" * 30, full_name="Q" * 121),
    case("a blank name", "full_name", "1 to 120 characters", full_name="   "),
    case("two lines for a name", "full_name", "one line", "Salma", full_name="Salma\nMisal"),
    case("no such date", "birth_date", "Input should be a valid date", "1992-02-30", birth_date="1992-02-30"),
    raw("a lone surrogate", '{"full_name": "Salma \\ud800"}', TEXT),
    raw("a repeated member", '{"nik": "8171995703929001", "nik": "8171995703929002"}', "a member name is repeated"),
    raw("not a number", '{"full_name": NaN}', "NaN and Infinity are not JSON"),
    raw("infinity", '{"full_name": -Infinity}', "NaN and Infinity are not JSON"),
    raw("an integer beyond 64 bit", '{"full_name": ' + "9" * 400 + "}", "an integer is beyond 64 bit"),
    raw("nested 21 deep", _nested(21), "nested deeper than 20"),
    raw("nested 100,000 deep", _nested(100_000), "nested deeper than 20"),
    raw("cut off", '{"full_name": "Salma', "not JSON at character"),
    raw("not UTF-8", b'{"full_name": "Salma \xff\xfe"}', "not UTF-8"),
    raw("a list for an object", "[]", "Input should be a valid dictionary"),
    raw("nothing at all", "", "Field required"),
    raw("too big", b'{"full_name": "' + b"a" * 300_000 + b'"}', "", "", status=413, code="too_large"),
    raw(
        "plain text for JSON", '{"full_name": "Salma"}', "Input should be a valid dictionary", content_type="text/plain"
    ),
]
PERSONS = [
    case("a NIK of 15 digits", "nik", "16 digits", "817199570392900", nik="817199570392900"),
    case("a NIK of the 32nd", "nik", "day 01-31 or 41-71", "8171993203929001", nik="8171993203929001"),
    case("a NIK of the 72nd", "nik", "day 01-31 or 41-71", "8171997203929001", nik="8171997203929001"),
    case("a NIK of month 13", "nik", "month 01-12", "8171995713929001", nik="8171995713929001"),
    case("a NIK with serial 0000", "nik", "serial must not be 0000", "8171995703920000", nik="8171995703920000"),
    case("a NIK in Arabic digits", "nik", "16 digits", "٨١٧١", nik="٨١٧١٩٩٥٧٠٣٩٢٩٠٠١"),
    case("a landline", "phone", "an Indonesian mobile number", "0911345678", phone="0911345678"),
    case("a phone abroad", "phone", "an Indonesian mobile number", "+31612345678", phone="+31612345678"),
    case("WhatsApp without a phone", "whatsapp_optin", "needs a phone", phone=None),
    case("a minor without a guardian", "guardian", "a minor needs one", birth_date="2011-05-01"),
    case(
        "a grown-up with a guardian", "guardian", "only a minor has one", "Bibi",
        guardian={"full_name": "Bibi Umpama", "relation": "AUNT", "kind": "WALI"},
    ),
    case(
        "a facility head as guardian", "guardian.kind", "Input should be 'PARENT'", "Kepala",
        guardian={"full_name": "Kepala Umpama", "relation": "HEAD", "kind": "FACILITY_HEAD"},
    ),
    case("a child of 11", "birth_date", "no case below 12 years", birth_date="2016-01-01"),
    case("born tomorrow", "birth_date", "must not lie in the future", birth_date="2031-01-01"),
    case("handed over tomorrow", "handed_over_on", "must not lie in the future", handed_over_on="2030-01-01"),
    case("an unknown kecamatan", "home.kecamatan", "a code of the table", "99.99.99", home={"kecamatan": "99.99.99"}),
    case("an unknown schooling", "education", "Input should be 'NO_SCHOOLING'", "SARJANA", education="SARJANA"),
    case("an unknown basis", "supervision_basis", "Input should be 'PAROLE'", "BEBAS", supervision_basis="BEBAS"),
    case("a code twice", "interest", "a code at most once", interest=["WELDING", "WELDING"]),
    case("NONE and more", "accommodation", "NONE stands alone", accommodation=["NONE", "CHILDCARE"]),
]  # fmt: skip
TOKENS = [
    token("no token", "none at all", 401, "not_authenticated"),
    token("an expired token", "expired", 401, "not_authenticated"),
    token("a token not valid yet", "early", 401, "not_authenticated"),
    token("a token for others", "audience", 401, "not_authenticated"),
    token("a token of another issuer", "issuer", 401, "not_authenticated"),
    token("a token without a signature", "alg none", 401, "not_authenticated"),
    token("a token signed with the public key", "alg HS256", 401, "not_authenticated"),
    token("a token of a strange key", "strange key", 401, "not_authenticated"),
    token("no token but noise", "noise", 401, "not_authenticated"),
    token("another agency's officer at intake", "other agency", 403, "not_allowed"),
    token("another agency's officer at referral", "other agency", 403, "not_allowed", "referral", "/referrals"),
    token("the sender's officer at training", "bapas", 403, "not_allowed", "training", "/placements"),
    token("another agency's officer at messages", "other agency", 403, "not_allowed", "notification", "/messages"),
    token("an instructor among the cases", "instructor", 403, "not_allowed"),
    token("an instructor among the placements", "opd instructor", 403, "not_allowed", "training", "/placements"),
    token("an instructor among the messages", "instructor", 403, "not_allowed", "notification", "/messages"),
]


def none_token(claims: dict[str, Any]) -> str:
    """A token that says of itself that it needs no signature."""
    parts = [{"alg": "none", "typ": "JWT", "kid": "local-1"}, claims]
    return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts) + "."
