"""Rules of programmes, cohorts, children's classes, placements and agreements."""

from dataclasses import replace
from datetime import date

import pytest
from training_people import (
    NOON,
    RULES,
    SEWING,
    TODAY,
    WELDING,
    a_cohort,
    a_placement,
)

from chassis.errors import IllegalMove, Invalid, MissingFact
from training.domain import people
from training.domain.agreement import Agreement, NotCovered, Word
from training.domain.cohort import AgeRule, NotAWorkingDay, StillInUse, TooFew, TooMany
from training.domain.placement import NotMet
from training.domain.session import Session, SessionAhead

OFFICER, INSTRUCTOR, ASSESSOR = "programme_officer", "instructor", "assessor"


# -- cohorts and children -------------------------------------------------------------------------------------------


def test_a_childrens_class_opens_only_with_a_hazard_plan() -> None:
    children = a_cohort(minors_only=True)
    with pytest.raises(MissingFact):
        children.open(OFFICER, "ins-ona", frozenset({"ass-rudi"}), None)
    assert children.open(OFFICER, "ins-ona", frozenset({"ass-rudi"}), "rencana K3")[0].state == "open"


def test_no_cohort_opens_without_an_instructor_and_an_assessor() -> None:
    with pytest.raises(MissingFact):
        a_cohort().open(OFFICER, None, frozenset({"ass-rudi"}), None)
    with pytest.raises(MissingFact):
        a_cohort().open(OFFICER, "ins-ona", frozenset(), None)


def test_sewing_for_sale_is_refused_to_children() -> None:
    with pytest.raises(AgeRule):
        a_cohort(minors_only=True).plan(OFFICER, replace(SEWING, mode="ON_JOB"), RULES)


def test_a_cohort_starts_with_eight_and_not_above_its_capacity() -> None:
    with pytest.raises(TooFew):
        a_cohort("open").start(OFFICER, 7, RULES)
    with pytest.raises(TooMany):
        a_cohort("open").start(OFFICER, 17, RULES)


def test_a_place_never_carries_the_name_of_a_prison() -> None:
    with pytest.raises(Invalid):
        a_cohort(place_code="lpka-passo").plan(OFFICER, WELDING, RULES)


@pytest.mark.parametrize(("capacity", "fine"), [(0, False), (1, True), (32, True), (33, False)])
def test_a_cohort_has_one_to_32_seats(capacity: int, fine: bool) -> None:
    if fine:
        a_cohort(capacity=capacity).plan(OFFICER, WELDING, RULES)
    else:
        with pytest.raises(Invalid):
            a_cohort(capacity=capacity).plan(OFFICER, WELDING, RULES)


@pytest.mark.parametrize("day", [date(2027, 2, 5), date(2027, 2, 6)])  # cuti bersama; Saturday and holiday
def test_no_session_and_no_new_date_falls_on_a_day_off(day: date) -> None:
    with pytest.raises(NotAWorkingDay):
        a_cohort("running").schedule_session(OFFICER, day, 8, "08:00", RULES)
    with pytest.raises(NotAWorkingDay):
        a_cohort("running").reschedule(OFFICER, day, date(2027, 3, 2), "PLACE", RULES)


def test_children_learn_three_hours_a_day_after_school_and_in_daytime() -> None:
    children, monday = a_cohort("running", minors_only=True), date(2027, 2, 8)
    two = children.schedule_session(OFFICER, monday, 2, "13:00", RULES)
    with pytest.raises(AgeRule):
        two.schedule_session(OFFICER, monday, 2, "15:00", RULES)
    assert two.schedule_session(OFFICER, monday, 1, "15:00", RULES).hours_scheduled == 160
    for starts_at in ("08:00", "12:59", "16:00"):
        with pytest.raises(AgeRule):
            children.schedule_session(OFFICER, monday, 3, starts_at, RULES)


def test_a_cohort_finishes_when_sessions_are_closed_and_people_have_ended() -> None:
    for open_sessions, busy in ((1, 0), (0, 1)):
        with pytest.raises(StillInUse):
            a_cohort("running").finish(OFFICER, open_sessions, busy)


def test_attendance_is_not_recorded_before_the_session_was_held_nor_after_it_was_closed() -> None:
    session = Session(id="S1", cohort_code="W1", held_on=date(2027, 2, 2), hours=8, starts_at="08:00")
    with pytest.raises(SessionAhead):
        session.record(INSTRUCTOR, frozenset({"PRESENT"}), TODAY)
    closed = session.close(INSTRUCTOR, date(2027, 2, 2))
    with pytest.raises(IllegalMove):
        closed.record(INSTRUCTOR, frozenset({"PRESENT", "MADE_UP"}), date(2027, 2, 2))
    assert closed.record(INSTRUCTOR, frozenset({"MADE_UP"}), date(2027, 2, 3)).version == 3


@pytest.mark.parametrize(
    "given", [{"hours": 39}, {"hours": 481}, {"min_age": 13}, {"units": ()}, {"units": WELDING.units[:1] * 2}]
)
def test_a_programme_has_40_to_480_hours_units_and_takes_nobody_under_14(given: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        replace(WELDING, **given).publish(OFFICER, RULES)  # type: ignore[arg-type]


def test_age_is_counted_in_full_years_of_the_day() -> None:
    assert people.age_on(date(2010, 2, 28), date(2028, 2, 27)) == 17
    assert people.age_on(date(2010, 2, 28), date(2028, 2, 28)) == 18
    assert people.age_on(date(2012, 2, 29), date(2030, 2, 28)) == 17
    assert people.age_on(date(2012, 2, 29), date(2030, 3, 1)) == 18


# -- placements and agreements --------------------------------------------------------------------------------------


def test_a_needed_accommodation_must_be_there_before_accepting() -> None:
    with pytest.raises(NotMet):
        a_placement(accommodations=("SIGN_LANGUAGE",)).accept(OFFICER, "enr_x", False, NOON)
    assert a_placement(accommodations=("NONE",)).accept(OFFICER, "enr_x", False, NOON)[0].state == "accepted"


def test_a_stopped_placement_keeps_no_accommodation() -> None:
    assert a_placement(accommodations=("SIGN_LANGUAGE",)).stop("CONSENT_WITHDRAWN").accommodations == ()


PKS = Word(
    register="kanwil-maluku",
    heard_version=1,
    kind="TECHNICAL",
    senders=frozenset({"bapas-ambon"}),
    trainers=frozenset({"dinkop-ambon"}),
    scope=frozenset({"WELDING"}),
    valid_from=date(2027, 1, 1),
    valid_until=date(2027, 12, 31),
    state="ACTIVE",
)


def an_agreement(*words: Word) -> Agreement:
    return Agreement(id="PKS-1", version=1, words=words)


def test_two_registers_with_the_same_number_do_not_replace_each_other() -> None:
    other = replace(PKS, register="kanwil-papua", heard_version=9, senders=frozenset({"bapas-lain"}))
    both = an_agreement().hear(PKS).hear(other)
    both.must_cover("bapas-ambon", "dinkop-ambon", "WELDING", TODAY)
    assert both.hear(replace(PKS, state="ENDED")) is both
    with pytest.raises(NotCovered):
        both.hear(replace(PKS, state="ENDED", heard_version=2)).must_cover(
            "bapas-ambon", "dinkop-ambon", "WELDING", TODAY
        )


def test_an_agreement_in_force_covers_its_parties_fields_and_days() -> None:
    an_agreement(PKS).must_cover("bapas-ambon", "dinkop-ambon", "WELDING", date(2027, 12, 31))


@pytest.mark.parametrize(
    ("word", "sender", "trainer", "field", "day"),
    [
        (replace(PKS, state="SUSPENDED"), "bapas-ambon", "dinkop-ambon", "WELDING", TODAY),
        (replace(PKS, kind="UMBRELLA"), "bapas-ambon", "dinkop-ambon", "WELDING", TODAY),
        (PKS, "lpka-ambon", "dinkop-ambon", "WELDING", TODAY),
        (PKS, "bapas-ambon", "disnaker-ambon", "WELDING", TODAY),
        (PKS, "bapas-ambon", "dinkop-ambon", "SEWING", TODAY),
        (PKS, "bapas-ambon", "dinkop-ambon", "WELDING", date(2026, 12, 31)),
        (PKS, "bapas-ambon", "dinkop-ambon", "WELDING", date(2028, 1, 1)),
    ],
)
def test_what_no_agreement_covers_is_refused(word: Word, sender: str, trainer: str, field: str, day: date) -> None:
    with pytest.raises(NotCovered):
        an_agreement(word).must_cover(sender, trainer, field, day)
