"""The records of a running stack: who read or changed one person's things, and that nobody changed what they say."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.basudara.stack import Stack
from tests.system.command import basudara, refused
from tests.system.offices import BAPAS, DISNAKER, Desk, Offices
from tests.system.play import Played
from tests.system.told import nowhere

INTAKE, TRAINING = f"{BAPAS}/intake", f"{DISNAKER}/training"
SEALED_WITHIN_SECONDS = 30


def verdicts(stack: Stack) -> dict[str, dict[str, Any]]:
    """By record, once nothing is open."""
    until = time.monotonic() + SEALED_WITHIN_SECONDS
    while True:
        found = {one["record"]: one for one in basudara(stack, "audit", "verify", "--json").json}
        if not any(one["open"] for one in found.values()):
            return found
        assert time.monotonic() < until, "what came is not sealed"
        time.sleep(0.2)


@contextmanager
def spoilt(stack: Stack, name: str, number: int, change: dict[str, Any] | None) -> Iterator[None]:
    """One block of a record as somebody changed it in the store, or without it."""
    with stack.reach.store() as store:
        blocks = store[f"{stack.databases[name]}-audit"]["audit"]
        held = blocks.find_one({"_id": number})
        assert held is not None
        if change is None:
            blocks.delete_one({"_id": number})
        else:
            blocks.update_one({"_id": number}, {"$set": change})
        try:
            yield
        finally:
            blocks.replace_one({"_id": number}, held, upsert=True)


def test_every_record_is_intact_after_the_stories(stack: Stack, played: Played) -> None:
    found = verdicts(stack)
    assert set(found) == set(stack.databases)
    assert {one["broken"] for one in found.values()} == {None}
    assert found[INTAKE]["entries"] > 20
    assert found[TRAINING]["entries"] > 10
    shown = basudara(stack, "audit", "verify", INTAKE)
    assert (shown.status, INTAKE in shown.shown, "intact" in shown.shown) == (0, True, True)


def test_it_says_who_saw_him_and_what_was_done_for_him_and_not_who_he_is(stack: Stack, played: Played) -> None:
    who = played.yopi
    Offices(stack).pk.get(f"/cases/{who.case}")
    rows = basudara(stack, "audit", "show", who.case, "--json").json
    done = {(one["record"], one["what"], one["outcome"]) for one in rows}
    assert {(INTAKE, "show_case", "shown"), (INTAKE, "assign_officer", "changed")} <= done
    assert (INTAKE, "open_case", "changed") in done
    card = [one for one in rows if one["what"] == "show_card"]
    assert [(one["agency"], one["service"], one["outcome"]) for one in card] == [(DISNAKER, "training", "shown")]
    contacts = {one["service"] for one in rows if (one["what"], one["outcome"]) == ("show_contact", "shown")}
    assert contacts == {"notification"}
    body = who.body
    texts: list[str] = [body["full_name"], "Yopi", body["nik"], body["phone"], body["register_no"], "CONDITIONAL"]
    with stack.reach.store() as store:
        told = {
            name: str([*store[f"{database}-audit"]["audit"].find(), *store[database]["audit_open"].find()])
            for name, database in stack.databases.items()
        }
    nowhere(texts, told)


def test_a_refusal_is_shown_with_its_reason(stack: Stack, played: Played) -> None:
    case = played.yopi.case
    stranger = Desk(stack, INTAKE, "instructor", "instructor-9")
    assert stranger.ask("GET", f"/cases/{case}").status_code == 403
    rows = basudara(stack, "audit", "show", case, "--json").json
    (one,) = [row for row in rows if row["subject"] == "instructor-9"]
    assert (one["outcome"], one["code"], one["what"]) == ("refused", "not_allowed", "show_case")


def test_a_change_in_the_store_is_found_and_named(stack: Stack, played: Played) -> None:
    last = verdicts(stack)[INTAKE]["blocks"]
    for number, change, told in (
        (2, {"entries.0.subject": "pk-999"}, "block 2: is not what was sealed"),
        (2, {"entries.0.outcome": "shown?"}, "block 2: is not what was sealed"),
        (2, None, "block 2: _id is not what follows block 1"),
        (last, None, f"block {last}: is missing; block {last} was sealed"),
    ):
        with spoilt(stack, INTAKE, number, change):
            ended = basudara(stack, "audit", "verify", INTAKE)
            assert (ended.status, told in " ".join(ended.shown.split())) == (1, True), ended.shown
    assert basudara(stack, "audit", "verify", INTAKE).status == 0


def test_a_record_cut_behind_a_dead_service_is_found_by_the_head_that_was_written_down(
    stack: Stack, played: Played
) -> None:
    before = verdicts(stack)[TRAINING]
    stack.kill(TRAINING)
    try:
        with spoilt(stack, TRAINING, before["blocks"], None):
            assert basudara(stack, "audit", "verify", TRAINING).status == 0, "nobody is there who could tell"
            ended = basudara(stack, "audit", "verify", TRAINING, "--head", before["head"])
            assert ended.status == 1
        assert basudara(stack, "audit", "verify", TRAINING, "--head", before["head"]).status == 0
    finally:
        stack.start(TRAINING)
    assert verdicts(stack)[TRAINING]["blocks"] >= before["blocks"]


def test_what_cannot_be_asked_is_refused_in_one_line(stack: Stack) -> None:
    assert "not one of" in refused(stack, "audit", "verify", "nobody/intake")
    assert "--head" in refused(stack, "audit", "verify", INTAKE, "--head", "7")
    assert "AGENCY/SERVICE" in refused(stack, "audit", "verify", "--head", f"1:{'0' * 64}")
    assert "REF" in refused(stack, "audit", "show", "$ne")
    ended = basudara(stack, "audit", "show", "prt_nobody")
    assert ended.status == 1
