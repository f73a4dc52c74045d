"""Every machine of training: each state × command × role against tables copied from the handbook, not from the code."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import date

import pytest
from training_people import (
    NOON,
    RULES,
    TODAY,
    WELDING,
    a_certificate,
    a_cohort,
    a_placement,
    an_enrolment,
    an_entry,
    passed,
)

from chassis.errors import IllegalMove, NotAllowed
from training.domain import certificate, cohort, enrolment, placement
from training.domain.card import CardSeen
from training.domain.certificate import BNSP

ROLES = (
    "programme_officer",
    "instructor",
    "assessor",
    "head_of_opd",
    "training_host",
    "system",
    "probation_officer",
    "service",
)

# (state, command): (end, event, roles) — handbook, section 5
PLACEMENT = {
    ("received", "accept"): ("accepted", "placement.accepted", {"programme_officer"}),
    ("received", "decline"): ("declined", "placement.declined", {"programme_officer"}),
    ("received", "stop"): ("stopped", None, {"system"}),
    ("accepted", "stop"): ("stopped", None, {"system"}),
}
PLACEMENT_STATES = ("received", "accepted", "declined", "stopped")

COHORT = {
    ("-", "plan"): ("planned", "cohort.planned", {"programme_officer"}),
    ("planned", "open"): ("open", "cohort.opened", {"programme_officer"}),
    ("open", "start"): ("running", "cohort.started", {"programme_officer"}),
    ("open", "reschedule"): ("open", "cohort.rescheduled", {"programme_officer"}),
    ("running", "reschedule"): ("running", "cohort.rescheduled", {"programme_officer"}),
    ("running", "finish"): ("finished", "cohort.finished", {"programme_officer"}),
    ("planned", "cancel"): ("cancelled", "cohort.cancelled", {"head_of_opd"}),
    ("open", "cancel"): ("cancelled", "cohort.cancelled", {"head_of_opd"}),
    ("running", "cancel"): ("cancelled", "cohort.cancelled", {"head_of_opd"}),
    ("open", "schedule-session"): ("open", None, {"programme_officer", "instructor"}),
    ("running", "schedule-session"): ("running", None, {"programme_officer", "instructor"}),
}
COHORT_STATES = ("planned", "open", "running", "finished", "cancelled")

OFFICER_AND_SYSTEM = {"programme_officer", "system"}
ENROLMENT = {
    ("-", "queue"): ("waitlisted", "seat.waitlisted", {"system"}),
    ("-", "reserve"): ("reserved", "seat.reserved", {"system"}),
    ("waitlisted", "reserve"): ("reserved", "seat.reserved", {"system"}),
    ("waitlisted", "release"): ("released", "seat.released", {"system"}),
    ("reserved", "release"): ("released", "seat.released", {"system"}),
    ("withdrawn", "release"): ("withdrawn", "seat.released", {"system"}),
    ("dropped", "release"): ("dropped", "seat.released", {"system"}),
    ("reserved", "put-back"): ("waitlisted", "seat.waitlisted", {"system"}),
    ("enrolled", "put-back"): ("waitlisted", "seat.waitlisted", {"system"}),
    ("active", "put-back"): ("waitlisted", "seat.waitlisted", {"system"}),
    ("suspended", "put-back"): ("waitlisted", "seat.waitlisted", {"system"}),
    ("reserved", "fetch-card"): ("reserved", None, {"programme_officer"}),
    ("enrolled", "fetch-card"): ("enrolled", None, {"programme_officer"}),
    ("active", "fetch-card"): ("active", None, {"programme_officer"}),
    ("suspended", "fetch-card"): ("suspended", None, {"programme_officer"}),
    ("reserved", "confirm"): ("enrolled", "enrolment.confirmed", {"programme_officer"}),
    ("enrolled", "record"): ("active", "enrolment.started", {"instructor"}),
    ("active", "record"): ("active", None, {"instructor"}),
    ("enrolled", "record-excused"): ("enrolled", None, {"instructor"}),
    ("active", "record-excused"): ("active", None, {"instructor"}),
    ("suspended", "record-excused"): ("suspended", None, {"instructor"}),
    ("active", "assess"): ("active", None, {"assessor"}),
    ("active", "hold"): ("suspended", "enrolment.suspended", OFFICER_AND_SYSTEM),
    ("suspended", "return"): ("active", "enrolment.resumed", OFFICER_AND_SYSTEM),
    ("active", "mark-finished"): ("active", None, {"assessor"}),
    ("active", "finish"): ("completed", "enrolment.completed", {"programme_officer"}),
    ("enrolled", "withdraw"): ("withdrawn", "enrolment.withdrawn", OFFICER_AND_SYSTEM),
    ("active", "withdraw"): ("withdrawn", "enrolment.withdrawn", OFFICER_AND_SYSTEM),
    ("suspended", "withdraw"): ("withdrawn", "enrolment.withdrawn", OFFICER_AND_SYSTEM),
    ("waitlisted", "withdraw"): ("withdrawn", "enrolment.withdrawn", {"programme_officer"}),  # after the waitlist limit
    ("active", "drop"): ("dropped", "enrolment.dropped", {"programme_officer"}),
}
ENROLMENT_STATES = (
    "-",
    "waitlisted",
    "reserved",
    "released",
    "enrolled",
    "active",
    "suspended",
    "completed",
    "withdrawn",
    "dropped",
)

SIGNERS = {"head_of_opd", "training_host"}
CERTIFICATE = {
    ("drafted", "issue"): ("issued", "certificate.issued", SIGNERS),
    ("-", "register-bnsp"): ("issued", "certificate.registered", {"programme_officer"}),
    ("issued", "correct"): ("superseded", "certificate.superseded", SIGNERS),
    ("issued", "revoke"): ("revoked", "certificate.revoked", {"head_of_opd"}),
    ("issued", "expire"): ("expired", "certificate.expired", {"system"}),
}
CERTIFICATE_STATES = ("drafted", "issued", "superseded", "revoked", "expired")


def _accept(one: object, role: str) -> object:
    return one.accept(role, "enr_x", True, NOON)  # type: ignore[attr-defined]


PLACEMENT_CALLS: dict[str, Callable[..., object]] = {
    "accept": _accept,
    "decline": lambda one, role: one.decline(role, "CAPACITY_FULL"),
    "stop": lambda one, role: one.stop("MOVED"),
}
COHORT_CALLS: dict[str, Callable[..., object]] = {
    "open": lambda one, role: one.open(role, "ins-ona", frozenset({"ass-rudi"}), "plan"),
    "start": lambda one, role: one.start(role, 8, RULES),
    "reschedule": lambda one, role: one.reschedule(role, date(2027, 2, 2), date(2027, 3, 2), "PLACE", RULES),
    "finish": lambda one, role: one.finish(role, 0, 0),
    "cancel": lambda one, role: one.cancel(role, "BUDGET"),
    "schedule-session": lambda one, role: one.schedule_session(role, date(2027, 2, 2), 8, "08:00", RULES),
}
PROGRAMME_CARD = CardSeen(fetched_at=NOON, minor=False, guardian=False, old_enough=True)
ENROLMENT_CALLS: dict[str, Callable[..., object]] = {
    "queue": lambda one, role: one.queue(1),
    "reserve": lambda one, role: one.reserve("WELD-2027-01", "WELD", TODAY, 160),
    "release": lambda one, role: one.release("NOT_CONFIRMED"),
    "put-back": lambda one, role: one.put_back(1),
    "fetch-card": lambda one, role: one.see_card(role, PROGRAMME_CARD),
    "confirm": lambda one, role: one.confirm(role),
    "record": lambda one, role: one.record(role, an_entry(20), True),
    "record-excused": lambda one, role: one.record(role, an_entry(20, "EXCUSED"), True),
    "assess": lambda one, role: one.assess(role, "JOINT", "PASS", WELDING, "ass-rudi", NOON, RULES),
    "hold": lambda one, role: one.hold(role, "PARTICIPANT_UNAVAILABLE", "c1"),
    "return": lambda one, role: one.return_(role, 160, 0, "c1", RULES),
    "mark-finished": lambda one, role: one.mark_finished(
        role, "ass-rudi", replace(WELDING, units=WELDING.units[:1]), True
    ),
    "finish": lambda one, role: one.finish(
        role, "off-sari", replace(WELDING, units=WELDING.units[:1]), 160, True, TODAY, RULES
    ),
    "withdraw": lambda one, role: one.withdraw(role, "WAITLIST_LIMIT"),
    "drop": lambda one, role: one.drop(role, "OUT_OF_REACH", False, 0, RULES),
}
CERTIFICATE_CALLS: dict[str, Callable[..., object]] = {
    "issue": lambda one, role: one.issue(role, "off-head", TODAY),
    "correct": lambda one, role: one.correct(role, "off-head", "off-second", "LOST", "crt_new", TODAY),
    "revoke": lambda one, role: one.revoke(role, "FRAUD"),
    "expire": lambda one, role: one.expire(),
}
SYSTEM_ONLY = {
    "stop",
    "queue",
    "reserve",
    "release",
    "put-back",
    "expire",
}  # these take no role: no person can ask them


def _cases(states: tuple[str, ...], calls: dict[str, Callable[..., object]]) -> list[tuple[str, str, str]]:
    return [
        (state, command, role)
        for state in states
        for command in calls
        for role in (("system",) if command in SYSTEM_ONLY else ROLES)
    ]


def _check(
    table: dict[tuple[str, str], tuple[str, str | None, set[str]]],
    calls: dict[str, Callable[..., object]],
    one: object,
    state: str,
    command: str,
    role: str,
) -> None:
    ends, event, may = table.get((state, command), ("", None, set()))
    ever_allowed = set().union(*(row[2] for (_, name), row in table.items() if name == command))
    if role in may:
        expected: object = nullcontext()
    else:
        expected = pytest.raises(IllegalMove if role in ever_allowed else NotAllowed)
    with expected:  # type: ignore[attr-defined]
        result = calls[command](one, role)
        after = result[0] if isinstance(result, tuple) else result
        told = result[1].name if isinstance(result, tuple) else None
        assert (after.state, told) == (ends, event)  # type: ignore[attr-defined]
        assert after.version == (3 if state == "-" else 4)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("state", "command", "role"), _cases(PLACEMENT_STATES, PLACEMENT_CALLS))
def test_a_placement_moves_only_as_agreed(state: str, command: str, role: str) -> None:
    _check(PLACEMENT, PLACEMENT_CALLS, a_placement(state), state, command, role)


@pytest.mark.parametrize(("state", "command", "role"), _cases(COHORT_STATES, COHORT_CALLS))
def test_a_cohort_moves_only_as_agreed(state: str, command: str, role: str) -> None:
    _check(COHORT, COHORT_CALLS, a_cohort(state), state, command, role)


@pytest.mark.parametrize("role", ROLES)
def test_only_a_programme_officer_plans_a_cohort(role: str) -> None:
    with nullcontext() if role == "programme_officer" else pytest.raises(NotAllowed):
        assert a_cohort().plan(role, WELDING, RULES).name == "cohort.planned"


@pytest.mark.parametrize(("state", "command", "role"), _cases(ENROLMENT_STATES, ENROLMENT_CALLS))
def test_an_enrolment_moves_only_as_agreed(state: str, command: str, role: str) -> None:
    ready = an_enrolment(state, attempts=passed("SAFETY"), finished_by="ass-rudi", flags=frozenset({"WAITLIST_LIMIT"}))
    if (state, command) == ("waitlisted", "withdraw") and role == "system":
        with pytest.raises(IllegalMove):
            ready.withdraw(role, "WAITLIST_LIMIT")
        return
    _check(ENROLMENT, ENROLMENT_CALLS, ready, state, command, role)


@pytest.mark.parametrize(("state", "command", "role"), _cases(CERTIFICATE_STATES, CERTIFICATE_CALLS))
def test_a_certificate_moves_only_as_agreed(state: str, command: str, role: str) -> None:
    _check(CERTIFICATE, CERTIFICATE_CALLS, a_certificate(state, BNSP, expires_on=TODAY), state, command, role)


@pytest.mark.parametrize("role", ROLES)
def test_only_a_programme_officer_registers_a_bnsp_certificate(role: str) -> None:
    seen = a_certificate("-", BNSP, number="BNSP-1", lsp="LSP-LAS", expires_on=date(2030, 2, 1))
    with nullcontext() if role == "programme_officer" else pytest.raises(NotAllowed):
        after, told = seen.register(role, "off-sari", TODAY, RULES)
        assert (after.state, told.name) == ("issued", "certificate.registered")


COHORT_REASONS = {"INSTRUCTOR", "PLACE", "BUDGET", "TOO_FEW", "HOLIDAY"}
RELEASED = {"NOT_CONFIRMED", "REFERRAL_STOPPED", "WITHDRAWN", "DROPPED"}
STOPPED = {"CONSENT_WITHDRAWN", "PARTICIPANT_UNAVAILABLE", "MOVED", "COHORT_CANCELLED", "WAITLIST_LIMIT", "NO_SHOW"}
REASONS = {
    "placement": {
        "decline": {
            "CAPACITY_FULL",
            "PREREQUISITE",
            "PROGRAMME_CANCELLED",
            "NO_BUDGET",
            "NO_ACCOMMODATION",
            "AGE_RULE",
            "OUT_OF_TERRITORY",
            "DUPLICATE",
        },
    },
    "cohort": {"reschedule": COHORT_REASONS, "cancel": COHORT_REASONS},
    "enrolment": {
        "release": RELEASED,
        "free-seat": RELEASED,
        "hold": STOPPED,
        "withdraw": STOPPED,
        "put-back": {"COHORT_CANCELLED"},
        "leave-line": {"WAITLIST_LIMIT"},
        "drop": {"NO_SHOW", "OUT_OF_REACH"},
    },
    "certificate": {"correct": {"ERROR_IN_RECORD", "LOST"}, "revoke": {"FRAUD", "WRONG_PERSON"}},
}


@pytest.mark.parametrize(
    "module", [placement, cohort, enrolment, certificate], ids=lambda one: one.__name__.split(".")[-1]
)
def test_the_moves_that_need_a_reason_take_exactly_the_published_codes(module: object) -> None:
    given = {name: set(move.reasons) for name, move in module.MOVES.items() if move.reasons is not None}  # type: ignore[attr-defined]
    assert given == REASONS[module.__name__.split(".")[-1]]  # type: ignore[attr-defined]
