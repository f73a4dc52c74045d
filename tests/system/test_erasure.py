"""Promises 54 and 55: a person is erased at every agency that knows them, also at one that was away for a month.

Behind the types, whose clock ends in November: this one goes from 11 November to 12 December.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.basudara.stack import Stack
from tests.system.command import basudara
from tests.system.offices import BAPAS, DINKOP, DISNAKER, Klien, Offices, View, on
from tests.system.opened import Opened, everything, keys_in, opened, sealed_in
from tests.system.play import Played
from tests.system.seeing import events, records
from tests.system.told import nowhere

AWAY, THERE = f"{DISNAKER}/training", f"{DINKOP}/training"
WITHIN_SECONDS = 60
MEMBERS = ("full_name", "phone", "register_no", "basis_document")


@dataclass
class Seen:
    """The person, what officers saw of the erasure day by day, and what lay sealed before."""

    who: Klien
    sealed: dict[bytes, str]
    before: list[Opened]
    days: dict[str, View]


@pytest.fixture(scope="module")
def seen(stack: Stack, played: Played) -> Seen:
    """Somebody who was trained by an office that is then away, and has a consent, and no card, at another."""
    offices, who = Offices(stack), played.crowd[5]
    stack.move_clock(on(11, 11))
    offices.consent(who, DINKOP, "MESSAGING")
    offices.head.move(f"/cases/{who.case}", "close", reason_code="ENDED", aftercare=False)
    offices.settled()
    places = everything(stack)
    sealed = sealed_in(places)
    found = Seen(who, sealed, opened(sealed, keys_in(places, stack.secrets.folder)), {})
    stack.kill(AWAY)
    offices.head.move(f"/cases/{who.case}", "erase", reason_code="RETENTION_OVER")
    found.days["begun"] = until(offices, who, lambda view: len(view["receipts"]) == 1)
    stack.move_clock(on(11, 12, 10))
    time.sleep(2)  # longer than the clock's duties are looked for
    found.days["a day later"] = erasure(offices, who)
    stack.move_clock(on(12, 12))
    found.days["after thirty days"] = until(offices, who, lambda view: view["state"] == "overdue")
    stack.start(AWAY)
    found.days["back"] = until(offices, who, lambda view: view["state"] == "done")
    offices.settled()
    return found


def erasure(offices: Offices, who: Klien) -> View:
    return dict(offices.pk.get(f"/cases/{who.case}/erasure"))


def until(offices: Offices, who: Klien, so: Any) -> View:
    end = time.monotonic() + WITHIN_SECONDS
    while not so(view := erasure(offices, who)):
        assert time.monotonic() < end, f"still {view}"
        time.sleep(0.2)
    return view


def test_an_office_that_is_away_is_named_and_the_erasure_closes_by_itself_when_it_is_back(
    stack: Stack, seen: Seen
) -> None:
    """Promise 55."""
    states = {day: (view["state"], view["missing"]) for day, view in seen.days.items()}
    assert states == {
        "begun": ("open", [AWAY]),
        "a day later": ("open", [AWAY]),
        "after thirty days": ("overdue", [AWAY]),
        "back": ("done", []),
    }
    assert [one["name"] for one in seen.days["begun"]["receipts"]] == [THERE], "it never had a card, and says so"
    assert [one["name"] for one in seen.days["back"]["receipts"]] == [THERE, AWAY]
    told = [event for event in events(records(stack), seen.who.case) if event.kind.startswith("erasure.")]
    assert [event.kind for event in told] == ["erasure.begun", "erasure.overdue", "erasure.closed"]
    begun, overdue, _ = told
    assert (begun.data["reason_code"], overdue.data["missing"]) == ("RETENTION_OVER", [AWAY])


def test_after_it_no_copy_of_the_person_opens_anywhere_and_of_another_it_does(
    stack: Stack, played: Played, seen: Seen, tmp_path: Path
) -> None:
    """Promise 54, of what runs: what lay sealed before stands for every copy that anybody kept."""
    mine, other = seen.who.body["full_name"], played.yopi.body["full_name"]
    assert count(seen.before, mine) == 2, "until then the file opens, and the card"
    export = tmp_path / "export.jsonl"
    assert basudara(stack, "events", "export", str(export)).status == 0
    places = everything(stack, export)
    kept = {**seen.sealed, **sealed_in(places)}
    found = opened(kept, keys_in(places, stack.secrets.folder))
    assert [one.place for one in found if mine in one.text] == []
    assert count(found, other) == 2, "the search finds whoever is there"
    nowhere([str(seen.who.body[name]) for name in MEMBERS], dict(places))


def count(found: list[Opened], name: str) -> int:
    return sum(name in one.text for one in found)


def test_every_door_to_the_person_is_shut_and_what_law_keeps_is_there(stack: Stack, seen: Seen) -> None:
    offices, who = Offices(stack), seen.who
    assert offices.pk.ask("GET", f"/cases/{who.case}").status_code == 410
    assert offices.opd(DISNAKER).ask("GET", f"/enrolments/{who.enrolments[0]}/card").status_code == 410
    assert {one["state"] for one in offices.pk.get("/consents", case_ref=who.case)} == {"expired"}
    assert offices.opd(DISNAKER).get(f"/enrolments/{who.enrolments[0]}")["hours_present"] > 0
    assert offices.opd(DISNAKER).get("/certificates", enrolment_id=who.enrolments[0]) != []
    shown = basudara(stack, "audit", "show", who.case, "--json").json
    assert ("erase_case", "changed") in {(one["what"], one["outcome"]) for one in shown}
    assert {one["record"] for one in shown} >= {f"{BAPAS}/intake"}
