"""The rules with numbers: 80 %, attempts, children, follow-up, signatures, agreements."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from training_people import (
    NOON,
    RULES,
    TODAY,
    WELDING,
    a_certificate,
    an_enrolment,
    an_entry,
    passed,
)

from chassis.errors import IllegalMove, Invalid, MissingFact, NotAllowed
from training.domain import attendance, enrolment_refusals
from training.domain.card import CardSeen
from training.domain.certificate import NoSecondPerson, SignedByAssessor
from training.domain.enrolment import Enrolment
from training.domain.followup import AskedToday, FollowUp, window

OFFICER, INSTRUCTOR, ASSESSOR = "programme_officer", "instructor", "assessor"


def attended(hours: int, **given: object) -> Enrolment:
    """Somebody with that many of 160 hours, all units passed, marked by the assessor."""
    entries = tuple(an_entry(number, hours=8) for number in range(1, hours // 8 + 1))
    if hours % 8:
        entries = (*entries, an_entry(25, hours=hours % 8))
    return an_enrolment(entries=entries, **{"attempts": passed("SAFETY", "JOINT"), "finished_by": "ass-rudi", **given})


def finish(one: Enrolment) -> Enrolment:
    return one.finish(OFFICER, "off-sari", WELDING, 160, True, TODAY, RULES)[0]


# -- the 80 % rule --------------------------------------------------------------------------------------------------


def test_148_of_160_hours_are_92_and_a_half_percent_and_passed() -> None:
    done = finish(attended(148))
    assert (done.passed, done.percent, done.completed_on) == (True, 92.5, TODAY)


@pytest.mark.parametrize(("hours", "passes"), [(127, False), (128, True)])
def test_the_line_between_passed_and_not_is_80_percent_of_the_scheduled_hours(hours: int, passes: bool) -> None:
    assert finish(attended(hours)).passed is passes


def test_a_percent_just_below_80_is_not_shown_as_80() -> None:
    assert attendance.percent(7999, 10000) == 79.9


def test_nobody_passes_with_a_failed_critical_unit_whatever_the_hours() -> None:
    failed = (replace(passed("SAFETY")[0], result="FAIL"), *passed("JOINT"))
    assert finish(attended(160, attempts=failed)).passed is False


def test_a_failed_unit_that_is_not_critical_does_not_stop_a_pass() -> None:
    failed = (*passed("SAFETY"), replace(passed("JOINT")[0], result="FAIL"))
    assert finish(attended(160, attempts=failed)).passed is True


@pytest.mark.parametrize(
    ("enough", "critical", "kinds"),
    [
        (True, True, ("TRAINING_PASS", "COMPLETION_STATEMENT")),
        (True, False, ("COMPLETION_STATEMENT",)),
        (False, True, ("PARTICIPATION_STATEMENT",)),
        (False, False, ("PARTICIPATION_STATEMENT",)),
    ],
)
def test_the_result_decides_the_kinds_of_certificates(enough: bool, critical: bool, kinds: tuple[str, ...]) -> None:
    assert attendance.certificate_kinds(enough, critical) == kinds


def test_excused_hours_count_only_once_made_up() -> None:
    entries = (an_entry(1), an_entry(2, "EXCUSED", 8), an_entry(3, "ABSENT", 8))
    assert attendance.hours_present(entries, "WELD-2027-01") == 8
    assert attendance.hours_present((*entries, an_entry(2, "MADE_UP", 6)), "WELD-2027-01") == 14


def test_a_correction_is_a_later_entry_and_the_first_stays_on_record() -> None:
    one, _ = an_enrolment(entries=(an_entry(1, "PRESENT", 8),)).record(INSTRUCTOR, an_entry(1, "ABSENT", 0), True)
    assert one.hours_present == 0
    assert [entry.state for entry in one.entries] == ["PRESENT", "ABSENT"]


def test_only_an_excused_session_gives_the_right_to_make_up() -> None:
    with pytest.raises(enrolment_refusals.NoRightToMakeUp):
        an_enrolment(entries=(an_entry(1, "ABSENT", 0),)).record(INSTRUCTOR, an_entry(1, "MADE_UP"), True)
    after, _ = an_enrolment(entries=(an_entry(1, "EXCUSED", 0),)).record(INSTRUCTOR, an_entry(1, "MADE_UP"), True)
    assert after.hours_present == 8


def test_an_agreed_plan_gives_as_many_hours_to_make_up_as_it_names() -> None:
    planned, _ = an_enrolment(make_up_hours=8).record(INSTRUCTOR, an_entry(1, "MADE_UP", 8), True)
    with pytest.raises(enrolment_refusals.NoRightToMakeUp):
        planned.record(INSTRUCTOR, an_entry(2, "MADE_UP", 1), True)


def test_nobody_is_present_before_the_cohort_runs_or_while_suspended() -> None:
    with pytest.raises(IllegalMove):
        an_enrolment("enrolled").record(INSTRUCTOR, an_entry(1), False)
    with pytest.raises(IllegalMove):
        an_enrolment("suspended").record(INSTRUCTOR, an_entry(1), True)


def test_a_class_list_names_only_people_of_its_own_cohort() -> None:
    with pytest.raises(Invalid):
        an_enrolment().record(INSTRUCTOR, an_entry(1, cohort_code="SEW-1"), True)


def test_an_absence_recorded_first_does_not_start_the_training() -> None:
    after, told = an_enrolment("enrolled").record(INSTRUCTOR, an_entry(1, "ABSENT", 0), True)
    assert (after.state, told.name) == ("enrolled", None)


# -- assessment -----------------------------------------------------------------------------------------------------


def test_a_unit_may_fail_twice_and_pass_on_the_third_attempt_and_no_more() -> None:
    one = an_enrolment()
    for result in ("FAIL", "FAIL", "FAIL"):
        one = one.assess(ASSESSOR, "SAFETY", result, WELDING, "ass-rudi", NOON, RULES)
    assert [attempt.number for attempt in one.attempts] == [1, 2, 3]
    with pytest.raises(enrolment_refusals.NoMoreAttempts):
        one.assess(ASSESSOR, "SAFETY", "PASS", WELDING, "ass-rudi", NOON, RULES)


def test_a_passed_unit_is_not_assessed_again() -> None:
    one = an_enrolment(attempts=passed("SAFETY"))
    with pytest.raises(enrolment_refusals.NoMoreAttempts):
        one.assess(ASSESSOR, "SAFETY", "FAIL", WELDING, "ass-rudi", NOON, RULES)


def test_only_units_of_the_programme_are_assessed() -> None:
    with pytest.raises(Invalid):
        an_enrolment().assess(ASSESSOR, "CUT", "PASS", WELDING, "ass-rudi", NOON, RULES)


def test_finishing_needs_all_units_locked_attendance_the_assessor_and_then_another_person() -> None:
    with pytest.raises(enrolment_refusals.NotAssessed):
        an_enrolment(attempts=passed("SAFETY")).mark_finished(ASSESSOR, "ass-rudi", WELDING, True)
    with pytest.raises(enrolment_refusals.AttendanceOpen):
        an_enrolment(attempts=passed("SAFETY", "JOINT")).mark_finished(ASSESSOR, "ass-rudi", WELDING, False)
    with pytest.raises(enrolment_refusals.NotFinishedByAssessor):
        finish(attended(160, finished_by=None))
    with pytest.raises(NotAllowed):
        attended(160).finish(OFFICER, "ass-rudi", WELDING, 160, True, TODAY, RULES)


def test_what_is_recorded_after_the_assessors_mark_asks_for_a_new_mark() -> None:
    after, _ = attended(100).record(INSTRUCTOR, an_entry(26), True)
    assert after.finished_by is None


# -- ends -----------------------------------------------------------------------------------------------------------


def test_three_absences_in_a_row_drop_somebody_only_after_the_other_office_was_asked() -> None:
    absent = an_enrolment(entries=tuple(an_entry(number, "ABSENT", 0) for number in (1, 2, 3)))
    with pytest.raises(enrolment_refusals.NotAsked):
        absent.drop(OFFICER, "NO_SHOW", False, 100, RULES)
    assert absent.drop(OFFICER, "NO_SHOW", True, 100, RULES)[0].state == "dropped"
    broken = replace(absent, entries=(an_entry(1, "ABSENT", 0), an_entry(2, "EXCUSED", 0), an_entry(3, "ABSENT", 0)))
    with pytest.raises(enrolment_refusals.NotAsked):
        broken.drop(OFFICER, "NO_SHOW", True, 100, RULES)


def test_nobody_is_dropped_as_out_of_reach_while_80_percent_is_in_reach() -> None:
    one = an_enrolment(entries=(an_entry(1),))
    with pytest.raises(enrolment_refusals.InReach):
        one.drop(OFFICER, "OUT_OF_REACH", True, 120, RULES)
    assert one.drop(OFFICER, "OUT_OF_REACH", True, 119, RULES)[1].facts == {"reason_code": "OUT_OF_REACH"}


def test_returning_needs_the_hours_or_a_plan_that_suffices() -> None:
    one = an_enrolment("suspended", entries=(an_entry(1),))
    with pytest.raises(enrolment_refusals.OutOfReach):
        one.return_(OFFICER, 100, 19, "c", RULES)
    after, told = one.return_(OFFICER, 100, 20, "c", RULES)
    assert (after.state, told.facts) == ("active", {"make_up_hours": 20})


def test_the_echo_of_a_hold_is_known_and_a_new_one_is_not() -> None:
    held, _ = an_enrolment().hold(OFFICER, "MOVED", "c1")
    assert held.is_echo("hold", "c1")
    assert not held.is_echo("hold", "c2")
    assert not held.is_echo("return", "c1")


def test_leaving_the_line_is_for_the_officer_and_only_after_its_limit() -> None:
    with pytest.raises(enrolment_refusals.WaitlistLimitAhead):
        an_enrolment("waitlisted").withdraw(OFFICER, "WAITLIST_LIMIT")
    with pytest.raises(Invalid):
        an_enrolment("waitlisted").flag("WAITLIST_LIMIT").withdraw(OFFICER, "MOVED")


@pytest.mark.parametrize(
    ("card", "refusal"),
    [
        (None, enrolment_refusals.CardMissing),
        (CardSeen(fetched_at=NOON, minor=True, guardian=False, old_enough=True), enrolment_refusals.GuardianMissing),
        (CardSeen(fetched_at=NOON, minor=True, guardian=True, old_enough=False), enrolment_refusals.TooYoung),
    ],
)
def test_a_seat_is_confirmed_only_with_a_card_a_childs_guardian_and_the_age(
    card: CardSeen | None, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        an_enrolment("reserved", card=card).confirm(OFFICER)


def test_an_adults_confirmation_asks_for_no_guardian() -> None:
    adult = CardSeen(fetched_at=NOON, minor=False, guardian=False, old_enough=True)
    assert an_enrolment("reserved", card=adult).confirm(OFFICER)[0].state == "enrolled"


# -- certificates and follow-up -------------------------------------------------------------------------------------


def test_who_assessed_does_not_sign() -> None:
    with pytest.raises(SignedByAssessor):
        a_certificate().issue("training_host", "ass-rudi", TODAY)
    with pytest.raises(SignedByAssessor):
        a_certificate("issued").correct("training_host", "ass-rudi", "off-2", "LOST", "crt_new", TODAY)


def test_a_correction_takes_two_persons_and_issues_a_new_certificate() -> None:
    for second in (None, "off-head"):
        with pytest.raises(NoSecondPerson):
            a_certificate("issued").correct("head_of_opd", "off-head", second, "LOST", "crt_new", TODAY)
    old, told, new, told_new = a_certificate("issued").correct(
        "head_of_opd", "off-head", "off-2", "LOST", "crt_new", TODAY
    )
    assert (old.state, old.replaced_by, told.name) == ("superseded", "crt_new", "certificate.superseded")
    assert (new.state, new.replaces, told_new.name) == ("issued", old.id, "certificate.issued")


@pytest.mark.parametrize("expires_on", [TODAY, date(2032, 2, 2)])
def test_a_bnsp_certificate_is_valid_from_now_and_for_five_years_at_most(expires_on: date) -> None:
    seen = a_certificate("-", "BNSP_COMPETENCE", number="B-1", lsp="LSP-LAS", expires_on=expires_on)
    with pytest.raises(Invalid):
        seen.register(OFFICER, "off-sari", TODAY, RULES)


FOLLOW_UP = FollowUp(
    id="fol_1",
    state="due",
    enrolment_id="enr_1",
    referral_id="ref_1",
    case_ref="prt_1",
    from_agency="bapas-ambon",
    day=30,
    window_from=date(2027, 3, 24),
    window_until=date(2027, 4, 7),
)


def test_windows_lie_around_30_90_and_180_days() -> None:
    windows = [window(date(2027, 3, 1), one) for one in RULES.followups]
    assert windows == [
        (date(2027, 3, 24), date(2027, 4, 7)),
        (date(2027, 5, 16), date(2027, 6, 13)),
        (date(2027, 8, 7), date(2027, 9, 18)),
    ]


def test_three_days_without_an_answer_are_recorded_as_unreachable() -> None:
    one = FOLLOW_UP
    for days in (0, 1):
        one, told = one.record(OFFICER, False, None, one.window_from + timedelta(days=days), RULES)
        assert (one.state, told.name) == ("due", None)
    with pytest.raises(AskedToday):
        one.record(OFFICER, False, None, one.window_from, RULES)
    one, told = one.record(OFFICER, False, "UNREACHABLE", one.window_from + timedelta(days=2), RULES)
    assert (one.state, told.facts["outcome_code"]) == ("recorded", "UNREACHABLE")


def test_an_answer_is_recorded_as_it_is_and_a_guess_is_not() -> None:
    done, told = FOLLOW_UP.record(OFFICER, True, "COOPERATIVE_MEMBER", FOLLOW_UP.window_from, RULES)
    assert (done.state, told.facts["outcome_code"]) == ("recorded", "COOPERATIVE_MEMBER")
    for answered, outcome, refusal in (
        (True, "UNREACHABLE", Invalid),
        (False, "JOB_SEEKING", Invalid),
        (True, None, MissingFact),
        (True, "RICH", Invalid),
    ):
        with pytest.raises(refusal):
            FOLLOW_UP.record(OFFICER, answered, outcome, FOLLOW_UP.window_from, RULES)
