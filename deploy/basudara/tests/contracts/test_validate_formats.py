"""Formats are asserted, not just noted: what each takes and refuses."""

import pytest

from deploy.basudara.contracts.catalogues import ASSERTED, validator_of

TAKEN = {
    "date-time": ["2027-01-18T01:30:00Z", "2027-01-18t01:30:00.123z", "2027-01-18T10:30:00+09:00",
                  "2016-12-31T23:59:60Z", "2017-01-01T08:59:60+09:00", "2028-02-29T00:00:00Z"],
    "date": ["2027-01-18", "2028-02-29"],
    "time": ["01:30:00Z", "10:30:00+09:00"],
    "duration": ["P30D", "PT72H"],
    "uuid": ["01a3266a-55c0-7270-b142-146774d38d15"],
    "uri": ["urn:basudara:events:x", "https://contoh.id/a"],
    "uri-reference": ["/bapas/intake", "#a", "a?b", "urn:x:y"],
    "email": ["pk@contoh.id"],
    "hostname": ["contoh.id"],
    "ipv4": ["192.0.2.1"],
    "ipv6": ["2001:db8::1"],
    "e164": ["+6281000090001", "+14155550100"],
}  # fmt: skip
REFUSED = {
    "date-time": ["2027-01-18T01:30:00", "2027-01-18 01:30:00Z", "2027-01-18T01:30Z", "2027-01-18T24:00:00Z",
                  "2027-02-29T00:00:00Z", "2027-01-18T01:30:60Z", "2027-01-18T01:30:00+0900", "2027-01-18T01:30:00.Z",
                  "2027-01-18T01:30:00+25:00", "kemarin", ""],
    "date": ["2027-02-29", "18-01-2027", "2027-1-18"],
    "time": ["01:30", "25:00:00Z"],
    "duration": ["30D", "P"],
    "uuid": ["01a3266a55c07270b142146774d38d15", "{01a3266a-55c0-7270-b142-146774d38d15}", "x"],
    "uri": ["/bapas", "urn", "a b:c"],
    "uri-reference": ["a b", "\\\\x", "%zz", "é"],
    "email": ["pk", "pk@", "a b@contoh.id", "a..b@contoh.id"],
    "hostname": ["-contoh.id", "a_b"],
    "ipv4": ["192.0.2.256", "192.0.2"],
    "ipv6": ["2001:db8:::1", "192.0.2.1"],
    "e164": ["081000090001", "6281000090001", "+0081000090001", "+62 810 0009", "+" + "6" * 16, "+", "+6",
             "+62a1000090001", "\uff0b6281000090001", "+\u0666\u0662\u0668\u0661\u0660"],
}  # fmt: skip


def pairs(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts]


def test_every_format_that_is_asserted_is_tried() -> None:
    assert ASSERTED == TAKEN.keys() == REFUSED.keys()


@pytest.mark.parametrize(("name", "text"), pairs(TAKEN))
def test_a_text_of_the_form_is_taken(name: str, text: str) -> None:
    assert validator_of({"type": "string", "format": name}).is_valid(text)


@pytest.mark.parametrize(("name", "text"), pairs(REFUSED))
def test_a_text_of_another_form_is_refused(name: str, text: str) -> None:
    assert not validator_of({"type": "string", "format": name}).is_valid(text)
