"""The only place that builds and wires training's objects."""

from dataclasses import dataclass

from chassis.calendar import WorkingDays
from chassis.kept import Kept
from chassis.keyring import Keyring
from chassis.logs import known_fields
from chassis.running import Parts
from training.adapters.intake import CardDoor
from training.adapters.sealing import AesSeals
from training.application.ports import Desk
from training.domain.agreement import Agreement
from training.domain.card import Card, PersonKey
from training.domain.certificate import Certificate
from training.domain.cohort import Cohort
from training.domain.consent import Consent
from training.domain.enrolment import Enrolment
from training.domain.erasure import Erasure
from training.domain.followup import FollowUp
from training.domain.placement import Placement, StoppedReferral
from training.domain.programme import Programme
from training.domain.rules import FollowUpDay, Rules
from training.domain.seats import SeatPool
from training.domain.session import Session
from training.entrypoints import consumers, http, jobs
from training.entrypoints.renewing import renewing
from training.settings import Settings

KEPT = (
    Kept(Agreement, "agreements"),
    Kept(Consent, "consents", ("case_ref",)),
    Kept(Programme, "programmes", ("field",)),
    Kept(Cohort, "cohorts", ("state", "field")),
    Kept(Session, "sessions", ("cohort_code",)),
    Kept(SeatPool, "seat_pools"),
    Kept(Placement, "placements", ("state", "case_ref")),
    Kept(StoppedReferral, "stopped_referrals"),
    Kept(Enrolment, "enrolments", ("state", "case_ref", "cohort_code", "referral_id")),
    Kept(Card, "cards", ("key_id",)),
    Kept(PersonKey, "person_keys"),
    Kept(Erasure, "erasures"),
    Kept(Certificate, "certificates", ("enrolment_id",)),
    Kept(FollowUp, "followups", ("enrolment_id", "case_ref")),
)


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What the routes need beside the store."""

    desk: Desk
    card_door: CardDoor


def rules_of(settings: Settings) -> Rules:
    return Rules(
        working_days=WorkingDays.load(settings.calendar_dir),
        pass_percent=settings.pass_percent,
        attempts_per_unit=settings.attempts_per_unit,
        absences_in_a_row=settings.absences_in_a_row,
        programme_hours_min=settings.programme_hours_min,
        programme_hours_max=settings.programme_hours_max,
        min_age=settings.min_age,
        adult_age=settings.adult_age,
        capacity_max=settings.capacity_max,
        enrolled_to_start=settings.enrolled_to_start,
        not_a_place=settings.not_a_place,
        minor_hours_a_day=settings.minor_hours_a_day,
        minor_from=settings.minor_from,
        minor_until=settings.minor_until,
        training_hour_minutes=settings.training_hour_minutes,
        confirm_working_days=settings.confirm_working_days,
        waitlist_days=settings.waitlist_days,
        followups=tuple(FollowUpDay(*one) for one in settings.followups),
        followup_attempts=settings.followup_attempts,
        card_days_after_followup=settings.card_days_after_followup,
        bnsp_years_max=settings.bnsp_years_max,
    )


def build(settings: Settings) -> Parts:
    known_fields("cohort_code", "referral_id", "enrolment_id")
    ring = Keyring.load(settings.agency_key_file)
    desk = Desk(agency=settings.agency, rules=rules_of(settings), seals=AesSeals(ring))
    return Parts(
        title=http.TITLE,
        description=http.DESCRIPTION,
        routers=http.ROUTERS,
        listener=consumers.listener(desk),
        duties=jobs.duties(desk),
        kept=KEPT,
        background=(renewing(desk),) if ring.in_state("former") else (),
        tools=Tools(
            desk=desk, card_door=CardDoor(settings.partners, settings.credential, settings.card_timeout_seconds)
        ),
    )
