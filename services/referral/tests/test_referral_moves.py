"""The whole table of the handbook, section 5 (Referral), copied from there and not from the code."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from referral_people import NOON, PSEUDONYM, RULES, referral

from chassis.errors import IllegalMove, Invalid, MissingFact, NotAllowed
from chassis.machine import NEW, choose
from referral.domain.referral import (
    FAIL_CODES,
    MOVES,
    REJECT_CODES,
    STOP_CODES,
    VOID_CODES,
    Asked,
    Referral,
    Step,
    TooEarly,
)

PK, FACILITY, SYSTEM = "probation_officer", "facility_officer", "system"
OTHERS = ("assistant_probation_officer", "head_of_bapas", "programme_officer", "instructor", "service", "")
STATES = (
    NEW, "draft", "requested", "accepted", "rejected", "in-progress", "on-hold", "completed", "failed", "cancelled",
    "entered-in-error",
)  # fmt: skip

TABLE: dict[tuple[str, str], tuple[str, set[str], str | None]] = {
    # (from, command): (to, who, event)
    ("-", "draft"): ("draft", {PK, FACILITY}, None),
    ("draft", "request"): ("requested", {PK, FACILITY}, "referral.requested"),
    ("requested", "accept"): ("accepted", {SYSTEM}, "referral.accepted"),
    ("requested", "reject"): ("rejected", {SYSTEM}, "referral.rejected"),
    ("accepted", "progress"): ("accepted", {SYSTEM}, "referral.progressed"),
    ("accepted", "start"): ("in-progress", {SYSTEM}, "referral.started"),
    ("in-progress", "pause"): ("on-hold", {PK, SYSTEM}, "referral.paused"),
    ("on-hold", "resume"): ("in-progress", {PK, SYSTEM}, "referral.resumed"),
    ("in-progress", "complete"): ("completed", {SYSTEM}, "referral.completed"),
    ("in-progress", "fail"): ("failed", {PK, SYSTEM}, "referral.failed"),
    ("on-hold", "fail"): ("failed", {PK, SYSTEM}, "referral.failed"),
    ("requested", "cancel"): ("cancelled", {PK, SYSTEM}, "referral.cancelled"),
    ("accepted", "cancel"): ("cancelled", {PK, SYSTEM}, "referral.cancelled"),
    ("in-progress", "cancel"): ("cancelled", {PK, SYSTEM}, "referral.cancelled"),
    ("on-hold", "cancel"): ("cancelled", {PK, SYSTEM}, "referral.cancelled"),
    ("draft", "void"): ("entered-in-error", {PK}, "referral.voided"),
    ("requested", "void"): ("entered-in-error", {PK}, "referral.voided"),
    ("accepted", "void"): ("entered-in-error", {PK}, "referral.voided"),
    ("rejected", "void"): ("entered-in-error", {PK}, "referral.voided"),
    ("in-progress", "void"): ("entered-in-error", {PK}, "referral.voided"),
    ("on-hold", "void"): ("entered-in-error", {PK}, "referral.voided"),
    ("completed", "void"): ("entered-in-error", {PK}, "referral.voided"),
    ("failed", "void"): ("entered-in-error", {PK}, "referral.voided"),
    ("cancelled", "void"): ("entered-in-error", {PK}, "referral.voided"),
}
COMMANDS = sorted({command for _, command in TABLE})
WHO = [(command, who) for (_, command), (_, who, _) in TABLE.items()]
MAY = {command: set().union(*(who for one, who in WHO if one == command)) for command in COMMANDS}
REASONS: dict[str, set[str]] = {
    "reject": {
        "CAPACITY_FULL", "PREREQUISITE", "PROGRAMME_CANCELLED", "NO_BUDGET", "NO_ACCOMMODATION", "AGE_RULE",
        "OUT_OF_TERRITORY", "DUPLICATE",
    },
    "pause": {
        "CONSENT_WITHDRAWN", "PARTICIPANT_UNAVAILABLE", "MOVED", "COHORT_CANCELLED", "WAITLIST_LIMIT", "NO_SHOW",
    },
    "cancel": {
        "CONSENT_WITHDRAWN", "PARTICIPANT_UNAVAILABLE", "MOVED", "COHORT_CANCELLED", "WAITLIST_LIMIT", "NO_SHOW",
    },
    "fail": {
        "CONSENT_WITHDRAWN", "PARTICIPANT_UNAVAILABLE", "MOVED", "COHORT_CANCELLED", "WAITLIST_LIMIT", "NO_SHOW",
        "OUT_OF_REACH", "HOLD_LIMIT",
    },
    "void": {"WRONG_PERSON", "DUPLICATE"},
}  # fmt: skip
LATE = datetime(2028, 1, 3, 3, 0, tzinfo=UTC)  # every limit is over
ASKED = Asked(
    at=NOON,
    agency_case_ref=PSEUDONYM,
    age_group="ADULT",
    agreement_number="PKS-001/CONTOH",
    eligible_until=date(2027, 4, 15),
    due_on=date(2027, 1, 25),
)
PLAYS: dict[str, Callable[[Referral, str, str | None], Step]] = {
    "request": lambda one, role, _: one.request(role, ASKED),
    "accept": lambda one, role, _: one.accept(NOON),
    "reject": lambda one, role, reason: one.reject(reason or ""),
    "progress": lambda one, role, _: one.progress("scheduled", None, date(2027, 1, 18)),
    "start": lambda one, role, _: one.start(NOON),
    "pause": lambda one, role, reason: one.pause(role, "officer", reason, NOON, RULES),
    "resume": lambda one, role, _: one.resume(role, NOON),
    "complete": lambda one, role, _: one.complete(True),
    "fail": lambda one, role, reason: one.fail(role, reason, LATE),
    "cancel": lambda one, role, reason: one.cancel(role, reason, LATE, RULES),
    "void": lambda one, role, reason: one.void(role, reason, "pk-satu", "pk-dua"),
}
ONLY_SYSTEM = {"accept", "reject", "progress", "start", "complete"}  # the aggregate offers these to nobody else


@pytest.mark.parametrize("role", [PK, FACILITY, SYSTEM, *OTHERS])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", STATES)
def test_a_move_is_legal_only_where_and_for_whom_the_handbook_says(state: str, command: str, role: str) -> None:
    ends, _, event = TABLE.get((state, command), (None, set(), None))
    reason = min(REASONS.get(command, {None}), key=str)
    refusal = NotAllowed if role not in MAY[command] else IllegalMove if ends is None else None
    with pytest.raises(refusal) if refusal else nullcontext():
        row = choose(MOVES, command, state, role, reason)
        assert (row.ends, row.told) == (ends, event)
    if state == NEW or command == "draft" or (command in ONLY_SYSTEM and role != SYSTEM):
        return
    before = referral(state, hold_due_on=date(2027, 2, 17), waitlisted_on=date(2027, 1, 18))
    with pytest.raises(refusal) if refusal else nullcontext():
        after, told = PLAYS[command](before, role, reason)
        assert (after.state, after.version) == (ends, 4)
        assert (told.name if told else None) == (None if (state, command) == ("draft", "void") else event)
        assert before == referral(state, hold_due_on=date(2027, 2, 17), waitlisted_on=date(2027, 1, 18))


def test_the_code_knows_no_move_beyond_the_handbook() -> None:
    assert sorted(MOVES) == COMMANDS


@pytest.mark.parametrize("command", sorted(REASONS))
def test_only_published_reasons_count(command: str) -> None:
    known = {"reject": REJECT_CODES, "pause": STOP_CODES, "cancel": STOP_CODES, "fail": FAIL_CODES, "void": VOID_CODES}
    assert known[command] == REASONS[command]
    state, role = next((state, min(who)) for (state, one), (_, who, _) in TABLE.items() if one == command)
    with pytest.raises(MissingFact):
        choose(MOVES, command, state, role, None)
    with pytest.raises(Invalid):
        choose(MOVES, command, state, role, "RELAPSE")


def test_a_pk_may_not_fail_a_referral_that_is_not_held() -> None:
    with pytest.raises(TooEarly):
        referral("in-progress").fail(PK, "HOLD_LIMIT", LATE)


def test_a_pk_decides_only_after_the_thirty_days_of_a_hold() -> None:
    held, _ = referral("in-progress").pause(PK, "officer", "PARTICIPANT_UNAVAILABLE", NOON, RULES)
    assert held.hold_due_on == date(2027, 2, 17)
    with pytest.raises(TooEarly) as early:
        held.fail(PK, "HOLD_LIMIT", datetime(2027, 2, 17, 14, 59, tzinfo=UTC))  # 23:59 WIT of the last day
    assert early.value.facts["allowed_from"] == "2027-02-18"
    failed, told = held.fail(PK, "HOLD_LIMIT", datetime(2027, 2, 17, 15, 0, tzinfo=UTC))
    assert failed.state == "failed"
    assert told is not None
    assert told.facts == {"reason_code": "HOLD_LIMIT"}


def test_the_waitlist_is_given_up_only_after_ninety_days() -> None:
    waiting = referral("accepted", business_status="waitlisted", waitlisted_on=date(2027, 1, 18))
    with pytest.raises(TooEarly):
        waiting.cancel(PK, "WAITLIST_LIMIT", datetime(2027, 4, 18, 14, 59, tzinfo=UTC), RULES)
    cancelled, _ = waiting.cancel(PK, "WAITLIST_LIMIT", datetime(2027, 4, 18, 15, 0, tzinfo=UTC), RULES)
    assert cancelled.state == "cancelled"
    with pytest.raises(TooEarly):
        replace(waiting, waitlisted_on=None).cancel(PK, "WAITLIST_LIMIT", LATE, RULES)


@pytest.mark.parametrize("second", [None, "", "pk-satu"])
def test_to_void_takes_two_persons(second: str | None) -> None:
    with pytest.raises((MissingFact, Invalid)):
        referral("requested").void(PK, "DUPLICATE", "pk-satu", second)


def test_a_draft_is_voided_in_silence_since_no_agency_ever_heard_of_it() -> None:
    voided, told = referral("draft", agency_case_ref=None).void(PK, "DUPLICATE", "pk-satu", "pk-dua")
    assert (voided.state, told) == ("entered-in-error", None)


def test_the_same_progress_again_tells_nothing() -> None:
    first, told = referral("accepted").progress("scheduled", None, date(2027, 1, 21))
    assert told is not None
    again, told = first.progress("scheduled", None, date(2027, 1, 22))
    assert (again.state, told) == ("accepted", None)


def test_back_on_the_waitlist_says_why() -> None:
    back, told = referral("accepted", business_status="enrolled").progress(
        "waitlisted", "COHORT_CANCELLED", date(2027, 2, 1)
    )
    assert told is not None
    assert told.facts == {"business_status": "waitlisted", "reason_code": "COHORT_CANCELLED"}
    assert back.waitlisted_on == date(2027, 2, 1)


def test_reminders_are_told_once_and_stop_with_the_answer() -> None:
    asked = referral("requested")
    near = asked.near()
    assert near is not None
    assert near.told is not None
    assert near.told.name == "deadline.neared"
    assert near.referral.near() is None
    missed = near.referral.miss_answer(0)
    assert missed is not None
    assert missed.told is not None
    assert missed.told.facts == {"kind": "ANSWER", "due_on": date(2027, 1, 25), "late_seconds": 0}
    assert missed.referral.miss_answer(0) is None
    for state in STATES:
        if state not in ("-", "requested"):
            assert referral(state).near() is None
            assert referral(state).miss_answer(9) is None


def test_a_hold_that_is_over_is_told_and_nothing_else_happens() -> None:
    held = referral("on-hold", hold_due_on=date(2027, 2, 17))
    missed = held.miss_hold(61)
    assert missed is not None
    assert missed.told is not None
    assert missed.referral.state == "on-hold"
    assert missed.told.facts == {"kind": "HOLD", "due_on": date(2027, 2, 17), "late_seconds": 61}
    assert missed.referral.miss_hold(61) is None
    assert referral("in-progress").miss_hold(0) is None
