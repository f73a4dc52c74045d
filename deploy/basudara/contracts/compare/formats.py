"""Formats of texts: whether one keeps to it (a real validator says), a pattern that all its texts match, samples."""

from functools import cache

import jsonschema_rs

from deploy.basudara.contracts.catalogues import validator_of

_DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
SHAPES = {  # every text of the format matches; the reverse is not said
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}[Tt]{_TIME}$",
    "uuid": "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
    "ipv4": r"^(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}$",
    "e164": "^\\+[0-9]{2,15}$",
    "email": "@",
    "uri": "^[A-Za-z][A-Za-z0-9+.-]*:",
    "duration": "^P[0-9TYMWDHS]+$",
}
EXACT = ("uuid", "ipv4")  # here the reverse holds too
SAMPLES = {
    "date": ("2027-01-21", "2027-02-30", "2024-02-29"),
    "time": ("09:00:00Z", "09:00:00+09:00"),
    "date-time": (
        "2027-01-21T02:00:00Z",
        "2027-01-21T02:00:00.5Z",
        "2027-01-21T11:00:00+09:00",
        "2027-02-30T02:00:00Z",
    ),
    "uuid": ("01a335f8-e100-70a2-a444-ac26d5832fe9",),
    "e164": ("+6281000090001",),
    "email": ("a@example.org",),
    "idn-email": ("a@example.org",),
    "uri": ("https://example.org/a", "urn:a:b"),
    "uri-reference": ("a/b", "https://example.org/a"),
    "iri": ("https://example.org/a",),
    "iri-reference": ("a/b",),
    "hostname": ("example.org", "a"),
    "idn-hostname": ("example.org",),
    "ipv4": ("192.0.2.1",),
    "ipv6": ("2001:db8::1", "::1"),
    "duration": ("P1D", "PT5M"),
    "json-pointer": ("", "/a"),
    "relative-json-pointer": ("0", "1/a"),
    "regex": ("a", "("),
    "uri-template": ("/a/{b}",),
}


@cache
def _checker(name: str) -> jsonschema_rs.Draft202012Validator:
    return validator_of({"format": name})


@cache
def _finder(pattern: str) -> jsonschema_rs.Draft202012Validator:
    return validator_of({"pattern": pattern})


def known(name: str) -> bool:
    """Whether a text of this format can be told from others."""
    return name in SAMPLES


def keeps(name: str, text: str) -> bool:
    return _checker(name).is_valid(text)


def found(pattern: str, text: str) -> bool:
    return _finder(pattern).is_valid(text)
