"""Invented people, courses and rules that the tests of training share."""

from datetime import UTC, date, datetime

from chassis.calendar import WorkingDays
from training.domain.attendance import Attempt, Entry
from training.domain.card import CardSeen
from training.domain.certificate import Certificate
from training.domain.cohort import Cohort
from training.domain.enrolment import Enrolment
from training.domain.placement import Placement
from training.domain.programme import Programme, Unit
from training.domain.rules import FollowUpDay, Rules

NOON = datetime(2027, 2, 1, 3, 0, tzinfo=UTC)  # 12:00 WIT
TODAY = date(2027, 2, 1)
RULES = Rules(
    working_days=WorkingDays.load(),
    pass_percent=80,
    attempts_per_unit=3,
    absences_in_a_row=3,
    programme_hours_min=40,
    programme_hours_max=480,
    min_age=14,
    adult_age=18,
    capacity_max=32,
    enrolled_to_start=8,
    not_a_place=frozenset({"lapas", "rutan", "lpka"}),
    minor_hours_a_day=3,
    minor_from="13:00",
    minor_until="18:00",
    training_hour_minutes=45,
    confirm_working_days=10,
    waitlist_days=90,
    followups=(FollowUpDay(30, 7), FollowUpDay(90, 14), FollowUpDay(180, 21)),
    followup_attempts=3,
    card_days_after_followup=90,
    bnsp_years_max=5,
)
WELDING = Programme(
    id="WELD",
    title="Las dasar",
    field="WELDING",
    units=(Unit(unit="SAFETY", critical=True), Unit(unit="JOINT", critical=False)),
    hours=160,
    mode="OFF_JOB",
    hazard_listed=True,
    min_age=18,
)
SEWING = Programme(
    id="SEW",
    title="Menjahit",
    field="SEWING",
    units=(Unit(unit="CUT", critical=True),),
    hours=60,
    mode="OFF_JOB",
    hazard_listed=True,
    min_age=14,
)
CASE, AGENCY = "prt_" + "a" * 26, "bapas-ambon"
REFERRAL, ENROLMENT, CERTIFICATE = "ref_" + "b" * 26, "enr_" + "c" * 26, "crt_" + "d" * 26


def a_placement(state: str = "received", **given: object) -> Placement:
    facts: dict[str, object] = {
        "id": REFERRAL,
        "version": 3,
        "state": state,
        "case_ref": CASE,
        "from_agency": AGENCY,
        "field": "WELDING",
        "age_group": "ADULT",
        "accommodations": (),
        "availability": ("MORNING",),
        "agreement_number": "PKS-1",
        "eligible_until": date(2027, 4, 15),
        "due_on": date(2027, 2, 8),
        "requested_at": NOON,
    }
    return Placement(**{**facts, **given})  # type: ignore[arg-type]


def a_cohort(state: str = "planned", **given: object) -> Cohort:
    facts: dict[str, object] = {
        "id": "WELD-2027-01",
        "version": 3,
        "state": state,
        "programme_code": "WELD",
        "field": "WELDING",
        "place_code": "blk-passo",
        "capacity": 16,
        "starts_on": TODAY,
        "ends_on": date(2027, 3, 1),
        "minors_only": False,
        "min_age": 18,
        "hours_total": 160,
        "budget_line": "5.1.02",
        "instructor_id": "ins-ona",
        "assessor_ids": frozenset({"ass-rudi"}),
        "hours_by_day": {},
    }
    return Cohort(**{**facts, **given})  # type: ignore[arg-type]


def an_entry(number: int, state: str = "PRESENT", hours: int = 8, cohort_code: str = "WELD-2027-01") -> Entry:
    """The `number`-th session, one each day of February."""
    return Entry(
        session_id=f"S{number:02d}",
        cohort_code=cohort_code,
        held_on=date(2027, 2, number),
        state=state,
        hours=hours,
        at=NOON,
        by="ins-ona",
    )


def passed(*units: str) -> tuple[Attempt, ...]:
    return tuple(Attempt(unit=unit, number=1, result="PASS", at=NOON, by="ass-rudi") for unit in units)


def an_enrolment(state: str = "active", **given: object) -> Enrolment:
    seated = state not in ("-", "waitlisted")
    facts: dict[str, object] = {
        "id": ENROLMENT,
        "version": 3,
        "state": state,
        "referral_id": REFERRAL,
        "case_ref": CASE,
        "from_agency": AGENCY,
        "field": "WELDING",
        "place_code": "blk-passo",
        "age_group": "ADULT",
        "accommodations": (),
        "queued_at": NOON,
        "cohort_code": "WELD-2027-01" if seated else None,
        "programme_code": "WELD" if seated else None,
        "hours_scheduled": 160 if seated else 0,
        "card": CardSeen(fetched_at=NOON, minor=False, guardian=False, old_enough=True) if seated else None,
    }
    return Enrolment(**{**facts, **given})  # type: ignore[arg-type]


def a_certificate(state: str = "drafted", kind: str = "TRAINING_PASS", **given: object) -> Certificate:
    facts: dict[str, object] = {
        "id": CERTIFICATE,
        "version": 3,
        "state": state,
        "kind": kind,
        "enrolment_id": ENROLMENT,
        "referral_id": REFERRAL,
        "case_ref": CASE,
        "from_agency": AGENCY,
        "assessors": frozenset({"ass-rudi"}),
    }
    return Certificate(**{**facts, **given})  # type: ignore[arg-type]
