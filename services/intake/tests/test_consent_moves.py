"""The table "Consent" of the domain handbook, section 5, copied here by hand: every state, command and role."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from intake_people import DENI, NOON, RULES, SALMA, TODAY

from chassis.errors import Conflict, IllegalMove, Invalid, MissingFact, NotAllowed
from intake.domain.consents import MOVES, Consent, OwnAgency, ask

STATES = ("-", "asked", "active", "refused", "stopping", "withdrawn", "expired", "superseded")
ROLES = (
    "probation_officer",
    "assistant_probation_officer",
    "facility_officer",
    "head_of_bapas",
    "service",
    "system",
    "programme_officer",
)
PK, APK, FACILITY, KABAPAS = ROLES[:4]
LEGAL = {  # who: the officer that writes down what the person, guardian or child says (decision 0002)
    ("-", "ask"): ("asked", {PK}),
    ("asked", "grant"): ("active", {PK, APK, FACILITY}),
    ("asked", "refuse"): ("refused", {PK, APK, FACILITY}),
    ("active", "withdraw"): ("stopping", {PK, APK, FACILITY, KABAPAS}),
    ("stopping", "confirm-stop"): ("withdrawn", {"system"}),
    ("stopping", "pass-deadline"): ("stopping", {"system"}),
    ("active", "expire"): ("expired", {"system"}),
    ("active", "replace"): ("superseded", {PK}),
}
COMMANDS = sorted({command for _, command in LEGAL})
ENDS_AT = datetime(2027, 9, 30, 15, 0, tzinfo=UTC)  # 1 October, 00:00 WIT


def consent(state: str, **changed: Any) -> Consent:
    plain = Consent(
        id="csn_" + "a" * 26,
        version=4,
        state=state,
        case_ref="prt_" + "a" * 26,
        agency="dinkop-ambon",
        agency_case_ref="prt_" + "b" * 26,
        purpose="TRAINING",
        text_version="2027-1",
        valid_until=date(2027, 9, 30),
        granted_at=NOON - timedelta(days=1),
        ends_at=ENDS_AT,
        missing=frozenset({"notification"}) if state == "stopping" else frozenset(),
    )
    return replace(plain, **changed)


def asked(role: str = PK, **changed: Any) -> Consent:
    facts: dict[str, Any] = {
        "role": role,
        "own_agency": "bapas-ambon",
        "case_ref": "prt_" + "a" * 26,
        "agency": "dinkop-ambon",
        "agency_case_ref": "prt_" + "b" * 26,
        "purpose": "TRAINING",
        "text_version": "2027-1",
        "valid_until": date(2027, 9, 30),
        "supervision_until": date(2028, 7, 1),
        "at": NOON,
        "rules": RULES,
    }
    return ask("csn_" + "c" * 26, **{**facts, **changed})


def granted(before: Consent, role: str = PK, **changed: Any) -> Consent:
    facts: dict[str, Any] = {
        "role": role,
        "given_by": ("PERSON",),
        "channel": "WRITTEN",
        "proof_ref": "ARSIP-7/CONTOH",
        "at": NOON,
        "now": NOON,
        "born_on": SALMA.birth_date,
        "rules": RULES,
    }
    return before.grant(**{**facts, **changed})


def withdrawn(before: Consent, role: str = PK, **changed: Any) -> Consent:
    facts: dict[str, Any] = {
        "role": role, "given_by": "PERSON", "at": NOON, "born_on": SALMA.birth_date, "rules": RULES
    }  # fmt: skip
    return before.withdraw(**{**facts, **changed})


def do(command: str, before: Consent, role: str) -> Consent:
    """By the domain's own methods where a person acts; rows of the system are reached as the system."""
    match command:
        case "ask":
            return asked(role)
        case "grant":
            return granted(before, role)
        case "refuse":
            return before.refuse(role=role)
        case "withdraw":
            return withdrawn(before, role)
    return before._moved(command, role)


@pytest.mark.parametrize(("state", "command", "role"), list(product(STATES, COMMANDS, ROLES)))
def test_a_consent_moves_only_where_and_by_whom_the_handbook_says(state: str, command: str, role: str) -> None:
    if command == "ask" and state != "-":
        return  # asking makes a consent; there is no earlier state to try it in
    ends, who = LEGAL.get((state, command), (None, set()))
    if ends and role in who:
        after = do(command, consent(state), role)
        assert after.state == ends
        assert after.version == (1 if command == "ask" else 5)
        return
    with pytest.raises((IllegalMove, NotAllowed)) as refused:
        do(command, consent(state), role)
    rightful = {name for (_, known), (_, names) in LEGAL.items() if known == command for name in names}
    assert refused.type is (IllegalMove if role in rightful else NotAllowed)


def test_no_move_exists_beyond_the_handbook() -> None:
    assert set(MOVES) == set(COMMANDS)


def test_each_move_tells_exactly_its_event() -> None:
    assert {name: move.told for name, move in MOVES.items()} == {
        "ask": "consent.asked",
        "grant": "consent.granted",
        "refuse": "consent.refused",
        "withdraw": "consent.withdrawn",
        "confirm-stop": "consent.closed",
        "pass-deadline": "deadline.missed",
        "expire": "consent.expired",
        "replace": "consent.superseded",
    }


# -- giving ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_by", "giver"), [(("GUARDIAN",), "CHILD"), (("CHILD",), "GUARDIAN"), (("PERSON",), "CHILD")]
)
def test_a_minors_consent_needs_the_guardian_and_the_childs_own_yes(given_by: tuple[str, ...], giver: str) -> None:
    with pytest.raises(MissingFact, check=lambda error: error.facts["giver"] == giver):
        granted(consent("asked"), given_by=given_by, born_on=DENI.birth_date)


def test_deni_and_his_aunt_together_can_consent() -> None:
    given = granted(consent("asked"), given_by=("GUARDIAN", "CHILD"), born_on=DENI.birth_date)
    assert (given.state, given.given_by) == ("active", ("CHILD", "GUARDIAN"))


@pytest.mark.parametrize("given_by", [("GUARDIAN",), ("GUARDIAN", "CHILD"), ("GUARDIAN", "PERSON"), ()])
def test_nobody_consents_for_an_adult(given_by: tuple[str, ...]) -> None:
    with pytest.raises((MissingFact, Invalid)):
        granted(consent("asked"), given_by=given_by)


def test_a_consent_without_stored_proof_is_refused() -> None:
    with pytest.raises(MissingFact, check=lambda error: error.facts == {"fact": "proof_ref"}):
        granted(consent("asked"), proof_ref="")


def test_a_consent_may_last_twelve_months_and_no_day_longer() -> None:
    assert asked(valid_until=date(2028, 3, 4)).state == "asked"
    with pytest.raises(Invalid):
        asked(valid_until=date(2028, 3, 5))


def test_a_consent_that_is_already_over_is_neither_asked_nor_granted() -> None:
    with pytest.raises(Invalid):
        asked(valid_until=TODAY - timedelta(days=1))
    with pytest.raises(Invalid):
        granted(consent("asked", valid_until=TODAY - timedelta(days=1)))


def test_training_is_not_consented_to_beyond_the_end_of_supervision() -> None:
    with pytest.raises(Invalid):
        asked(supervision_until=date(2027, 9, 29))
    assert asked(supervision_until=date(2027, 9, 29), purpose="LIVELIHOOD_FOLLOWUP").state == "asked"
    assert asked(supervision_until=None).state == "asked"


def test_supervision_by_the_own_agency_asks_no_consent() -> None:
    with pytest.raises(OwnAgency):
        asked(agency="bapas-ambon")


# -- ending by itself --------------------------------------------------------------------------------------------------


def test_a_consent_ends_with_its_last_day_in_wit() -> None:
    given = granted(consent("asked"))
    assert (given.ends_at, given.ends_for) == (ENDS_AT, "DATE")
    assert given.holds(ENDS_AT - timedelta(milliseconds=1))
    assert not given.holds(ENDS_AT)


def test_a_childs_consent_ends_at_the_first_moment_of_the_eighteenth_birthday_in_wit() -> None:
    born_on = date(2009, 5, 20)
    given = granted(consent("asked"), given_by=("GUARDIAN", "CHILD"), born_on=born_on)
    assert (given.ends_at, given.ends_for) == (datetime(2027, 5, 19, 15, 0, tzinfo=UTC), "COMING_OF_AGE")


def test_a_childs_consent_that_ends_before_the_birthday_ends_by_its_date() -> None:
    given = granted(consent("asked"), given_by=("GUARDIAN", "CHILD"), born_on=DENI.birth_date)
    assert (given.ends_at, given.ends_for) == (ENDS_AT, "DATE")


def test_at_midnight_in_wit_a_child_becomes_an_adult_who_consents_alone() -> None:
    born_on = date(2009, 3, 5)
    last_minute = datetime(2027, 3, 4, 14, 59, tzinfo=UTC)
    with pytest.raises(MissingFact):
        granted(consent("asked"), born_on=born_on, at=last_minute, now=last_minute)
    midnight = last_minute + timedelta(minutes=1)
    assert granted(consent("asked"), born_on=born_on, at=midnight, now=midnight).state == "active"


# -- stopping ----------------------------------------------------------------------------------------------------------


def test_onas_clock_runs_from_what_she_said_over_the_weekend() -> None:
    said_at = datetime(2027, 4, 9, 7, 20, tzinfo=UTC)  # Friday 16:20 WIT
    stopping = withdrawn(consent("active"), at=said_at)
    assert stopping.received_at == said_at
    assert stopping.stop_by == datetime(2027, 4, 12, 7, 20, tzinfo=UTC)  # Monday 16:20 WIT


@pytest.mark.parametrize("given_by", ["CHILD", "GUARDIAN"])
def test_a_child_or_the_guardian_withdraws_alone(given_by: str) -> None:
    assert withdrawn(consent("active"), given_by=given_by, born_on=DENI.birth_date).state == "stopping"


def test_a_guardian_does_not_withdraw_for_an_adult() -> None:
    with pytest.raises(Invalid):
        withdrawn(consent("active"), given_by="GUARDIAN")


def test_a_withdrawal_is_not_older_than_what_it_withdraws() -> None:
    with pytest.raises(Invalid):
        withdrawn(consent("active"), at=NOON - timedelta(days=2))


@pytest.mark.parametrize(
    ("purpose", "readers"),
    [
        ("TRAINING", {"training", "notification"}),
        ("LIVELIHOOD_FOLLOWUP", {"training"}),
        ("MESSAGING", {"notification"}),
    ],
)
def test_every_reader_of_the_purpose_must_confirm_before_it_is_over(purpose: str, readers: set[str]) -> None:
    stopping = withdrawn(consent("active", purpose=purpose))
    assert stopping.missing == readers
    for service in sorted(readers):
        assert stopping.state == "stopping"
        agency = "dinkop-ambon" if service == "training" else "bapas-ambon"
        stopping = stopping.confirm_stop(service, agency, "bapas-ambon")
    assert (stopping.state, stopping.stopped, stopping.missing) == ("withdrawn", readers, frozenset())


@pytest.mark.parametrize(
    ("service", "agency"),
    [("training", "disnaker-ambon"), ("training", "bapas-ambon"), ("notification", "dinkop-ambon")],
)
def test_a_receipt_counts_only_from_who_was_named(service: str, agency: str) -> None:
    with pytest.raises(NotAllowed):
        withdrawn(consent("active")).confirm_stop(service, agency, "bapas-ambon")


def test_a_receipt_repeated_changes_nothing() -> None:
    once = withdrawn(consent("active")).confirm_stop("training", "dinkop-ambon", "bapas-ambon")
    assert once.confirm_stop("training", "dinkop-ambon", "bapas-ambon") is once


@pytest.mark.parametrize("state", ["withdrawn", "expired", "superseded"])
def test_a_receipt_after_the_end_changes_nothing(state: str) -> None:
    ended = consent(state)
    assert ended.confirm_stop("training", "dinkop-ambon", "bapas-ambon") is ended


@pytest.mark.parametrize("state", ["asked", "active", "refused"])
def test_a_receipt_where_nothing_was_withdrawn_is_refused(state: str) -> None:
    with pytest.raises(IllegalMove):
        consent(state).confirm_stop("training", "dinkop-ambon", "bapas-ambon")


def test_a_missed_deadline_leaves_the_consent_waiting_for_the_receipt() -> None:
    late = withdrawn(consent("active", purpose="MESSAGING")).pass_deadline()
    assert (late.state, late.missing) == ("stopping", {"notification"})
    assert late.confirm_stop("notification", "bapas-ambon", "bapas-ambon").state == "withdrawn"


# -- refusing and replacing --------------------------------------------------------------------------------------------


def test_a_refusal_leaves_nothing_but_itself() -> None:
    before = consent("asked")
    assert before.refuse(role=PK) == replace(before, state="refused", version=before.version + 1)


def test_a_newer_text_takes_the_place_of_the_old_once_it_is_granted() -> None:
    old = consent("active")
    newer = asked(replaces=old)
    with pytest.raises(Conflict):
        old.give_way_to(newer)
    assert old.give_way_to(granted(newer)).state == "superseded"


def test_a_consent_does_not_give_way_to_a_stranger() -> None:
    with pytest.raises(Conflict):
        consent("active").give_way_to(granted(asked()))


def test_what_has_ended_is_not_replaced() -> None:
    with pytest.raises(IllegalMove):
        asked(replaces=consent("stopping"))
