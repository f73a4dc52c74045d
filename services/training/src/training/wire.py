"""What training hears and says on Kafka. Heard: only the members it uses. Said: exactly what is published."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from pydantic import AwareDatetime, BaseModel

from chassis import wire
from training.domain.cohort import Cohort
from training.domain.programme import Programme
from training.domain.told import Told

# -- heard -----------------------------------------------------------------------------------------------------------


class Heard(wire.Heard):
    """One base of our own, so that the contract test finds every model that training reads."""


class ReferralRequested(Heard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.requested.v1"
    referral_id: str
    case_ref: str
    field: str
    age_group: str
    accommodations: tuple[str, ...]
    availability: tuple[str, ...]
    agreement_number: str
    eligible_until: date
    due_on: date
    requested_at: AwareDatetime


class ReferralPaused(Heard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.paused.v1"
    referral_id: str
    reason_code: str


class ReferralResumed(Heard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.resumed.v1"
    referral_id: str


class ReferralFailed(Heard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.failed.v1"
    referral_id: str
    reason_code: str


class ReferralCancelled(Heard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.cancelled.v1"
    referral_id: str
    reason_code: str


class ReferralVoided(Heard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.voided.v1"
    referral_id: str


class ConsentGranted(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.granted.v1"
    consent_id: str
    case_ref: str
    purpose: str
    valid_until: date


class ConsentWithdrawn(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.withdrawn.v1"
    consent_id: str
    case_ref: str
    purpose: str


class ConsentExpired(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.expired.v1"
    consent_id: str
    case_ref: str
    purpose: str
    cause: str


class ConsentSuperseded(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.superseded.v1"
    consent_id: str
    case_ref: str
    purpose: str


class ErasureAsked(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.erasure.asked.v1"
    erasure_id: str
    case_ref: str


class Party(BaseModel):
    agency: str
    role: str


class AgreementRecorded(Heard):
    TYPE: ClassVar[str] = "id.basudara.agreement.agreement.recorded.v1"
    number: str
    kind: str
    parties: tuple[Party, ...]
    scope: tuple[str, ...]
    valid_from: date
    valid_until: date
    state: str


# -- said: to the sender of a referral -------------------------------------------------------------------------------


class PlacementAccepted(wire.Said):
    TYPE: ClassVar[str] = "id.basudara.training.placement.accepted.v1"
    referral_id: str
    case_ref: str
    accepted_at: datetime


class PlacementDeclined(wire.Said):
    TYPE: ClassVar[str] = "id.basudara.training.placement.declined.v1"
    referral_id: str
    case_ref: str
    reason_code: str


class ConsentStopped(wire.Said):
    TYPE: ClassVar[str] = "id.basudara.training.consent.stopped.v1"
    consent_id: str
    case_ref: str
    purpose: str
    stopped_at: datetime


class ErasureDone(wire.Said):
    TYPE: ClassVar[str] = "id.basudara.training.erasure.done.v1"
    erasure_id: str
    case_ref: str
    erased_at: datetime


class OfEnrolment(wire.Said):
    """The three references that every event about one enrolment carries."""

    enrolment_id: str
    referral_id: str
    case_ref: str


class SeatWaitlisted(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.seat.waitlisted.v1"
    place_in_line: int
    reason_code: str | None


class SeatReserved(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.seat.reserved.v1"
    cohort_code: str
    starts_on: date


class SeatReleased(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.seat.released.v1"
    cohort_code: str | None
    reason_code: str


class EnrolmentConfirmed(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.confirmed.v1"
    cohort_code: str


class EnrolmentStarted(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.started.v1"
    cohort_code: str
    started_on: date


class EnrolmentSuspended(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.suspended.v1"
    reason_code: str


class EnrolmentResumed(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.resumed.v1"
    make_up_hours: int


class EnrolmentCompleted(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.completed.v1"
    passed: bool
    percent: float
    completed_on: date


class EnrolmentWithdrawn(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.withdrawn.v1"
    reason_code: str


class EnrolmentDropped(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.dropped.v1"
    reason_code: str


class CertificateIssued(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.certificate.issued.v1"
    certificate_id: str
    kind: str
    issued_on: date


class CertificateRegistered(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.certificate.registered.v1"
    certificate_id: str
    kind: str
    number: str
    lsp: str
    expires_on: date


class CertificateSuperseded(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.certificate.superseded.v1"
    certificate_id: str
    replaced_by: str
    reason_code: str


class CertificateRevoked(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.certificate.revoked.v1"
    certificate_id: str
    reason_code: str


class CertificateExpired(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.certificate.expired.v1"
    certificate_id: str
    expired_on: date


class FollowUpDue(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.followup.due.v1"
    followup_id: str
    day: int
    window_from: date
    window_until: date


class FollowUpRecorded(wire.Said):
    """The references are null together once the case is closed: then it is counted and joined with nobody."""

    TYPE: ClassVar[str] = "id.basudara.training.followup.recorded.v1"
    SUBJECT: ClassVar[str | None] = "followup_id"
    followup_id: str
    day: int
    outcome_code: str
    recorded_on: date
    enrolment_id: str | None
    referral_id: str | None
    case_ref: str | None


# -- said: to every party, about no person ---------------------------------------------------------------------------


class UnitSaid(BaseModel):
    unit: str
    critical: bool


class ProgrammePublished(wire.Said):
    TYPE: ClassVar[str] = "id.basudara.training.programme.published.v1"
    programme_code: str
    title: str
    field: str
    units: tuple[UnitSaid, ...]
    hours: int
    mode: str
    hazard_listed: bool
    min_age: int


class OfCohort(wire.Said):
    cohort_code: str
    programme_code: str
    field: str
    place_code: str
    starts_on: date
    ends_on: date
    capacity: int
    minors_only: bool
    state: str
    reason_code: str | None


class CohortPlanned(OfCohort):
    TYPE: ClassVar[str] = "id.basudara.training.cohort.planned.v1"


class CohortOpened(OfCohort):
    TYPE: ClassVar[str] = "id.basudara.training.cohort.opened.v1"


class CohortStarted(OfCohort):
    TYPE: ClassVar[str] = "id.basudara.training.cohort.started.v1"


class CohortRescheduled(OfCohort):
    TYPE: ClassVar[str] = "id.basudara.training.cohort.rescheduled.v1"


class CohortFinished(OfCohort):
    TYPE: ClassVar[str] = "id.basudara.training.cohort.finished.v1"


class CohortCancelled(OfCohort):
    TYPE: ClassVar[str] = "id.basudara.training.cohort.cancelled.v1"


SAID: tuple[type[wire.Said], ...] = (
    PlacementAccepted,
    PlacementDeclined,
    ConsentStopped,
    ErasureDone,
    SeatWaitlisted,
    SeatReserved,
    SeatReleased,
    EnrolmentConfirmed,
    EnrolmentStarted,
    EnrolmentSuspended,
    EnrolmentResumed,
    EnrolmentCompleted,
    EnrolmentWithdrawn,
    EnrolmentDropped,
    CertificateIssued,
    CertificateRegistered,
    CertificateSuperseded,
    CertificateRevoked,
    CertificateExpired,
    FollowUpDue,
    FollowUpRecorded,
    ProgrammePublished,
    CohortPlanned,
    CohortOpened,
    CohortStarted,
    CohortRescheduled,
    CohortFinished,
    CohortCancelled,
)
_BY_NAME = {model.TYPE.removeprefix("id.basudara.training.").removesuffix(".v1"): model for model in SAID}
_WITH_REASON = frozenset({"cohort.rescheduled", "cohort.cancelled"})


def said(told: Told, references: Mapping[str, Any]) -> list[wire.Said]:
    """The event that a move tells, none if it is private. `references` say whom or what it is about."""
    return [] if told.name is None else [_BY_NAME[told.name].model_validate({**references, **told.facts})]


def of_programme(programme: Programme, told: Told) -> list[wire.Said]:
    return said(
        told,
        {
            "programme_code": programme.id,
            "title": programme.title,
            "field": programme.field,
            "units": [{"unit": unit.unit, "critical": unit.critical} for unit in programme.units],
            "hours": programme.hours,
            "mode": programme.mode,
            "hazard_listed": programme.hazard_listed,
            "min_age": programme.min_age,
        },
    )


def of_cohort(cohort: Cohort, told: Told) -> list[wire.Said]:
    return said(
        told,
        {
            "cohort_code": cohort.id,
            "programme_code": cohort.programme_code,
            "field": cohort.field,
            "place_code": cohort.place_code,
            "starts_on": cohort.starts_on,
            "ends_on": cohort.ends_on,
            "capacity": cohort.capacity,
            "minors_only": cohort.minors_only,
            "state": cohort.state,
            "reason_code": cohort.reason_code if told.name in _WITH_REASON else None,
        },
    )
