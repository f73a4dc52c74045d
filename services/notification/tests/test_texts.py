"""Texts: their length by the standard, what they may hold, and the catalogue as it ships."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from notification import wire
from notification.adapters.files import SHIPPED, catalogue
from notification.domain.catalogue import BadCatalogue, Template, TooLong, fill
from notification.domain.gsm import fits_one_sms, septets


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("a" * 160, 160),
        ("a" * 161, 161),
        ("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", 42),
        ("\n\r ", 3),
        ("^{}\\[~]|€\f", 20),  # each an escape and a character
        ("[" * 80, 160),
        ("[" * 80 + "a", 161),
        ("a" * 158 + "€", 160),
        ("a" * 159 + "€", 161),
        ("kabar “baru”", None),  # curly quotes
        ("kabar 🙂", None),
        ("ç", None),  # only the capital is in the alphabet
        ("`", None),
        ("tab\t", None),
    ],
)
def test_length_is_counted_as_the_standard_counts(text: str, length: int | None) -> None:
    assert septets(text) == length
    assert fits_one_sms(text) == (length is not None and length <= 160)


def template(text: str) -> Template:
    return Template(id="NEWS", whatsapp="news", roles=frozenset({"KLIEN"}), text=text)


def test_a_text_over_the_limit_is_not_sent() -> None:
    assert template("a" * 158 + "{{ref}}").render({"ref": "xy"}) == "a" * 158 + "xy"
    for over in ("xyz", "x€", "🙂"):
        with pytest.raises(TooLong):
            template("a" * 158 + "{{ref}}").render({"ref": over})


@pytest.mark.parametrize("value", ["{{nomor}}", "{{ref}}", "{{", "\\1", "$1", "}}"])
def test_a_value_is_put_in_once_and_shown_as_typed(value: str) -> None:
    assert fill("a {{ref}} b {{ref}}", {"ref": value, "nomor": "never"}) == f"a {value} b {value}"


@pytest.mark.parametrize(
    "text", [" " * 100_000, "{{" * 50_000, "{{" + "a" * 100_000, "}}{{ref}" * 12_000, "{{ref}}" * 14_000]
)
def test_a_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    begun = time.perf_counter()
    fill(text, {"ref": "x"})
    septets(text)
    assert time.perf_counter() - begun < 0.5  # 100 kB, ten times the promised 10 kB in 50 ms


def shipped() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(SHIPPED.read_text())
    return told


def written(folder: Path, told: dict[str, Any]) -> Path:
    file = folder / "messages.yaml"
    file.write_text(yaml.safe_dump(told, allow_unicode=True))
    return file


def test_the_shipped_catalogue_is_sound() -> None:
    assert catalogue().rules


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("x" * 161, "does not fit one SMS of 160 GSM-7 characters"),
        ("x" * 150 + "{{nomor}}", "does not fit one SMS of 160 GSM-7 characters"),
        ("Kabar “baru”", "does not fit one SMS of 160 GSM-7 characters"),
        ("Hubungi Bapas", "says 'bapas'"),
        ("Jadwal pelatihan LAS", "says 'las, pelatihan'"),
        ("Sidang besok", "says 'sidang'"),
        ("Halo {{nama}}", "has a place for a value that no message may hold"),
        ("Halo {{Nama}}", "has an unclosed place"),
        ("Hubungi {{nomor}", "has an unclosed place"),
    ],
)
def test_a_text_that_says_too_much_or_is_too_long_is_refused_at_load(tmp_path: Path, text: str, rule: str) -> None:
    told = shipped()
    told["templates"]["SCHEDULE_NEWS"]["text"] = text
    with pytest.raises(BadCatalogue) as refused:
        catalogue(written(tmp_path, told))
    assert refused.value.facts == {"template": "SCHEDULE_NEWS", "rule": rule}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"template": "NOT_THERE"}, "names an unknown template"),
        ({"template": "REFERRAL_NEW"}, "tells a role its template is not for"),
        ({"side": "BOTH"}, "side is SENDER or TRAINER"),
        ({"side": "TRAINER"}, "only a trainer tells programme officers, and nobody else"),
        ({"tells": "JUDGE"}, "tells somebody unknown"),
        ({"lasts_hours": None}, "has either lasts_hours or until"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_at_load(tmp_path: Path, change: dict[str, Any], rule: str) -> None:
    told = shipped()
    told["rules"][0].update(change)
    with pytest.raises(BadCatalogue) as refused:
        catalogue(written(tmp_path, told))
    assert refused.value.facts["rule"] == rule


def test_what_the_catalogue_names_is_what_the_service_hears() -> None:
    """A rule or a void for an event that nobody registered would never be followed; its members must be read."""
    known, models = catalogue(), {model.TYPE: model for model in (*wire.NEWS, wire.ConsentExpired)}
    assert known.events == models.keys()
    for rule in known.rules:
        needed = {rule.about, *rule.only} | {moment.day for moment in (rule.due, rule.until) if moment}
        assert needed <= models[rule.event].model_fields.keys(), rule.event
    for event, member in known.voids.items():
        assert member in models[event].model_fields


def test_nobody_is_told_of_a_suspension() -> None:
    """Source: story F."""
    silent = {"case.suspended", "referral.paused", "enrolment.suspended", "case.resumed"}
    assert not [rule for rule in catalogue().rules if any(rule.event.endswith(f".{name}.v1") for name in silent)]
    for rule in catalogue().rules:
        assert "PARTICIPANT_UNAVAILABLE" not in rule.only.get("reason_code", ())
