"""What training says moves the referral, in the order of the story whatever arrives first."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from referral_people import DINKOP, DISNAKER, ENROLMENT, NOON, PSEUDONYM, RULES, referral

from chassis.errors import IllegalMove, NotYet
from referral.domain.referral import Fact, NotItsReferral, Referral, Step
from referral.domain.training import (
    Moment,
    after_acceptance,
    after_fact,
    after_rejection,
    after_return,
    after_suspension,
    must_be_its,
)

MOMENT = Moment(at=NOON, rules=RULES, case_suspended=False, returns=True)
SUSPENDED = replace(MOMENT, case_suspended=True, returns=False)


def fact(
    happened: str, version: int, reason: str | None = None, passed: bool | None = None, cause: str = "his"
) -> Fact:
    return Fact(
        happened=happened,
        enrolment_id=ENROLMENT,
        version=version,
        correlation_id=cause,
        reason_code=reason,
        passed=passed,
    )


def told(steps: list[Step]) -> list[str]:
    return [step.told.name for step in steps if step.told is not None]


def heard(one: Referral, *facts: Fact, moment: Moment = MOMENT) -> tuple[Referral, list[str]]:
    names: list[str] = []
    for each in facts:
        steps = after_fact(one, each, moment)
        names += told(steps)
        one = steps[-1].referral if steps else one
    return one, names


def test_a_seat_heard_before_its_answer_waits_and_the_story_keeps_its_order() -> None:
    early, names = heard(referral("requested"), fact("seat.reserved", 1), fact("enrolment.confirmed", 2))
    assert (early.state, names) == ("requested", [])
    steps = after_acceptance(early, NOON, None, MOMENT)
    assert told(steps) == ["referral.accepted", "referral.progressed", "referral.progressed"]
    last = steps[-1].referral
    assert (last.state, last.business_status, last.early) == ("accepted", "enrolled", ())
    versions = [step.referral.version for step in steps]
    assert versions == sorted(set(versions))


def test_an_answer_heard_first_is_followed_by_the_seat() -> None:
    accepted = after_acceptance(referral("requested"), NOON, None, MOMENT)[-1].referral
    last, names = heard(accepted, fact("seat.waitlisted", 1), fact("seat.reserved", 2))
    assert names == ["referral.progressed", "referral.progressed"]
    assert (last.business_status, last.waitlisted_on) == ("scheduled", None)


def test_the_same_early_seat_twice_is_kept_once() -> None:
    early, _ = heard(referral("requested"), fact("seat.reserved", 1), fact("seat.reserved", 1))
    assert len(early.early) == 1


def test_the_whole_training_moves_the_referral_to_its_end() -> None:
    last, names = heard(
        referral("accepted"),
        fact("seat.reserved", 1),
        fact("enrolment.confirmed", 2),
        fact("enrolment.started", 3),
        fact("enrolment.suspended", 4, "PARTICIPANT_UNAVAILABLE"),
        fact("enrolment.resumed", 5),
        fact("enrolment.completed", 6, passed=True),
    )
    assert last.state == "completed"
    assert names == [
        "referral.progressed",
        "referral.progressed",
        "referral.started",
        "referral.paused",
        "referral.resumed",
        "referral.completed",
    ]


@pytest.mark.parametrize("happened", ["enrolment.dropped", "enrolment.withdrawn"])
def test_training_that_ends_early_ends_the_referral(happened: str) -> None:
    last, names = heard(referral("in-progress"), fact(happened, 4, "NO_SHOW"))
    assert (last.state, names) == (
        ("failed", ["referral.failed"]) if happened == "enrolment.dropped" else ("cancelled", ["referral.cancelled"])
    )


@pytest.mark.parametrize("state", ["cancelled", "rejected", "completed", "failed", "entered-in-error"])
def test_what_training_says_of_an_ended_referral_changes_nothing(state: str) -> None:
    ended = referral(state)
    assert after_acceptance(ended, NOON, None, MOMENT) == []
    assert after_rejection(ended, "CAPACITY_FULL") == []
    for happened in ("seat.reserved", "enrolment.started", "enrolment.completed", "enrolment.withdrawn"):
        assert after_fact(ended, fact(happened, 9, "NO_SHOW", True), MOMENT) == []


def test_an_answer_after_a_ground_has_gone_cancels_the_referral() -> None:
    early, _ = heard(referral("requested"), fact("seat.reserved", 1))
    steps = after_acceptance(early, NOON, "CONSENT_WITHDRAWN", MOMENT)
    assert told(steps) == ["referral.cancelled"]
    assert steps[-1].referral.early == ()


def test_a_replayed_fact_moves_nothing_back() -> None:
    last, _ = heard(referral("accepted"), fact("seat.reserved", 1), fact("enrolment.confirmed", 2))
    same, names = heard(last, fact("seat.reserved", 1), fact("enrolment.confirmed", 2))
    assert (same, names) == (last, [])


@pytest.mark.parametrize(
    ("happened", "reason", "passed"),
    [
        ("enrolment.suspended", "NO_SHOW", None),
        ("enrolment.resumed", None, None),
        ("enrolment.completed", None, True),
        ("enrolment.dropped", "NO_SHOW", None),
    ],
)
def test_a_fact_before_its_cause_waits_for_it(happened: str, reason: str | None, passed: bool | None) -> None:
    with pytest.raises(NotYet):
        after_fact(referral("accepted"), fact(happened, 5, reason, passed), MOMENT)


@pytest.mark.parametrize(("agency", "pseudonym"), [(DINKOP, PSEUDONYM), (DISNAKER, "prt_" + "z" * 26)])
def test_only_the_agency_it_was_made_to_may_speak_of_a_referral(agency: str, pseudonym: str) -> None:
    must_be_its(referral("requested"), DISNAKER, PSEUDONYM)
    with pytest.raises(NotItsReferral):
        must_be_its(referral("requested"), agency, pseudonym)


def test_a_seat_that_nobody_confirmed_ends_the_referral_as_no_show() -> None:
    steps = after_fact(referral("accepted"), fact("seat.released", 3, "NOT_CONFIRMED"), MOMENT)
    assert (steps[-1].referral.state, steps[-1].referral.reason_code) == ("cancelled", "NO_SHOW")
    assert told(steps) == ["referral.cancelled"]


@pytest.mark.parametrize("reason", ["WITHDRAWN", "DROPPED", "REFERRAL_STOPPED"])
def test_a_seat_released_for_an_end_that_is_told_elsewhere_moves_nothing(reason: str) -> None:
    last, names = heard(referral("in-progress", business_status="enrolled"), fact("seat.released", 5, reason))
    assert (last.state, last.business_status, names) == ("in-progress", None, [])


def test_a_suspended_case_holds_what_is_in_progress_and_its_return_ends_that_hold() -> None:
    steps = after_suspension(referral("in-progress"), "case-cmd", SUSPENDED)
    assert told(steps) == ["referral.paused"]
    assert steps[0].told is not None
    assert steps[0].told.facts == {"reason_code": "PARTICIPANT_UNAVAILABLE"}
    held = steps[-1].referral
    assert held.hold_due_on == date(2027, 1, 18) + timedelta(days=30)
    assert told(after_return(held, "back-cmd", MOMENT)) == ["referral.resumed"]


@pytest.mark.parametrize("state", ["requested", "accepted"])
def test_a_suspended_case_leaves_what_has_not_begun(state: str) -> None:
    assert after_suspension(referral(state), "case-cmd", SUSPENDED) == []


def test_training_that_begins_while_the_case_is_suspended_is_held_at_once() -> None:
    last, names = heard(referral("accepted"), fact("enrolment.started", 3), moment=SUSPENDED)
    assert (last.state, names) == ("on-hold", ["referral.started", "referral.paused"])


def test_the_echo_of_our_own_hold_never_starts_a_second_one() -> None:
    held = after_suspension(referral("in-progress"), "case-cmd", SUSPENDED)[-1].referral
    back = after_return(held, "back-cmd", MOMENT)[-1].referral
    last, names = heard(
        back,
        fact("enrolment.suspended", 4, "PARTICIPANT_UNAVAILABLE", cause="case-cmd"),
        fact("enrolment.resumed", 5, cause="back-cmd"),
    )
    assert (last.state, names) == ("in-progress", [])


def test_a_hold_of_training_outlasts_the_return_of_the_case() -> None:
    held, _ = heard(referral("in-progress"), fact("enrolment.suspended", 4, "NO_SHOW"))
    both = after_suspension(held, "case-cmd", SUSPENDED)
    assert told(both) == []
    back = after_return(both[-1].referral, "back-cmd", MOMENT)
    assert (told(back), back[-1].referral.state) == ([], "on-hold")
    last, names = heard(back[-1].referral, fact("enrolment.resumed", 5))
    assert (last.state, names) == ("in-progress", ["referral.resumed"])


def test_training_cannot_bring_back_a_person_whose_case_is_suspended() -> None:
    held = after_suspension(referral("in-progress"), "case-cmd", SUSPENDED)[-1].referral
    last, names = heard(held, fact("enrolment.resumed", 5), moment=SUSPENDED)
    assert (last.state, names) == ("on-hold", [])


def test_a_return_without_consent_or_eligibility_stays_on_hold() -> None:
    held, _ = heard(referral("in-progress"), fact("enrolment.suspended", 4, "NO_SHOW"))
    last, names = heard(held, fact("enrolment.resumed", 5), moment=replace(MOMENT, returns=False))
    assert (last.state, names) == ("on-hold", [])


def test_a_result_that_crossed_a_hold_still_counts() -> None:
    held = after_suspension(referral("in-progress"), "case-cmd", SUSPENDED)[-1].referral
    last, names = heard(held, fact("enrolment.completed", 6, passed=True), moment=SUSPENDED)
    assert (last.state, names) == ("completed", ["referral.resumed", "referral.completed"])


def test_an_answer_to_a_draft_is_refused() -> None:
    with pytest.raises(IllegalMove):
        after_fact(referral("draft"), fact("seat.reserved", 1), MOMENT)


def test_a_running_training_that_changes_its_class_moves_nothing() -> None:
    last, names = heard(referral("in-progress"), fact("seat.waitlisted", 4, "COHORT_CANCELLED"))
    assert (last.state, last.business_status, names) == ("in-progress", "waitlisted", [])
