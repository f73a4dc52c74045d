"""What referral hears and says on Kafka. Private to this service: the contract is in `contracts/`."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from chassis import wire
from referral.domain.referral import Referral, Told

Field = Literal[
    "SEWING", "WELDING", "CATERING", "BAKERY", "BARISTA", "CARPENTRY", "AQUACULTURE", "FISH_PROCESSING",
    "SAGO_PROCESSING", "HANDICRAFT", "HYDROPONICS", "MOTORCYCLE", "COMPUTER", "HAIRDRESSING",
]  # fmt: skip
Accommodation = Literal[
    "STEP_FREE", "LARGE_PRINT", "SIGN_LANGUAGE", "SLOWER_PACE", "FEMALE_INSTRUCTOR", "CHILDCARE", "NONE"
]
Availability = Literal["MORNING", "AFTERNOON", "EVENING"]
AgeGroup = Literal["CHILD_12_13", "CHILD_14_15", "CHILD_16_17", "ADULT"]
Purpose = Literal["TRAINING", "LIVELIHOOD_FOLLOWUP", "MESSAGING"]


class OfCase(wire.Heard):
    """About a case, under the own agency's case_ref."""

    case_ref: str


class OfConsent(wire.Heard):
    """About a consent; `case_ref` is the pseudonym for the agency it names."""

    consent_id: str
    case_ref: str
    purpose: Purpose


class OfReferral(wire.Heard):
    """About a referral; `case_ref` is the pseudonym for the agency that trains."""

    referral_id: str
    case_ref: str


class OfEnrolment(OfReferral):
    enrolment_id: str


# -- heard from intake -----------------------------------------------------------------------------------------------


class CaseRegistered(OfCase):
    TYPE: ClassVar[str] = "id.basudara.intake.case.registered.v1"
    age_group: AgeGroup
    age_group_until: date | None
    home_area: str | None
    voluntary: bool
    referable_until: date | None


class EligibilityDecided(OfCase):
    TYPE: ClassVar[str] = "id.basudara.intake.eligibility.decided.v1"
    outcome: Literal["ELIGIBLE", "NOT_ELIGIBLE"]
    fields: frozenset[str]
    valid_until: date | None

    @property
    def holds_for(self) -> frozenset[str]:
        return self.fields if self.outcome == "ELIGIBLE" else frozenset()


class ErasureBegun(OfCase):
    TYPE: ClassVar[str] = "id.basudara.intake.erasure.begun.v1"


class CaseOpened(OfCase):
    TYPE: ClassVar[str] = "id.basudara.intake.case.opened.v1"


class CaseSuspended(OfCase):
    TYPE: ClassVar[str] = "id.basudara.intake.case.suspended.v1"


class CaseResumed(OfCase):
    TYPE: ClassVar[str] = "id.basudara.intake.case.resumed.v1"


class CaseClosed(OfCase):
    TYPE: ClassVar[str] = "id.basudara.intake.case.closed.v1"
    aftercare: bool


class ConsentAsked(wire.Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.asked.v1"
    consent_id: str
    case_ref: str
    agency: str
    agency_case_ref: str
    purpose: Purpose


class ConsentGranted(OfConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.granted.v1"
    valid_until: date


class ConsentWithdrawn(OfConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.withdrawn.v1"


class ConsentExpired(OfConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.expired.v1"
    cause: Literal["DATE", "COMING_OF_AGE", "CASE_CLOSED"]


class ConsentSuperseded(OfConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.superseded.v1"
    replaced_by: str


# -- heard from the register of agreements ---------------------------------------------------------------------------


class Party(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    agency: str
    role: str


class AgreementRecorded(wire.Heard):
    TYPE: ClassVar[str] = "id.basudara.agreement.agreement.recorded.v1"
    number: str
    kind: Literal["UMBRELLA", "TECHNICAL"]
    umbrella_number: str | None
    parties: tuple[Party, ...]
    scope: frozenset[str]
    territory: frozenset[str]
    valid_from: date
    valid_until: date
    state: Literal["DRAFT", "ACTIVE", "SUSPENDED", "ENDED"]


# -- heard from training ---------------------------------------------------------------------------------------------


class PlacementAccepted(OfReferral):
    TYPE: ClassVar[str] = "id.basudara.training.placement.accepted.v1"
    accepted_at: AwareDatetime


class PlacementDeclined(OfReferral):
    TYPE: ClassVar[str] = "id.basudara.training.placement.declined.v1"
    reason_code: str


class SeatWaitlisted(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.seat.waitlisted.v1"
    reason_code: str | None


class SeatReserved(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.seat.reserved.v1"


class SeatReleased(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.seat.released.v1"
    reason_code: str


class EnrolmentConfirmed(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.confirmed.v1"


class EnrolmentStarted(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.started.v1"


class EnrolmentSuspended(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.suspended.v1"
    reason_code: str


class EnrolmentResumed(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.resumed.v1"


class EnrolmentCompleted(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.completed.v1"
    passed: bool


class EnrolmentWithdrawn(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.withdrawn.v1"
    reason_code: str


class EnrolmentDropped(OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.dropped.v1"
    reason_code: str


class FollowupRecorded(wire.Heard):
    TYPE: ClassVar[str] = "id.basudara.training.followup.recorded.v1"
    followup_id: str
    day: int
    outcome_code: str
    recorded_on: date
    referral_id: str | None
    case_ref: str | None


# -- said ------------------------------------------------------------------------------------------------------------


class Said(wire.Said):
    """All: under the pseudonym of the one agency that reads it."""

    referral_id: str
    case_ref: str


class ReferralRequested(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.requested.v1"
    field: Field
    age_group: Literal["CHILD_14_15", "CHILD_16_17", "ADULT"]
    accommodations: tuple[Accommodation, ...]
    availability: tuple[Availability, ...]
    agreement_number: str
    eligible_until: date
    due_on: date
    requested_at: AwareDatetime


class ReferralAccepted(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.accepted.v1"
    accepted_at: AwareDatetime


class ReferralRejected(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.rejected.v1"
    reason_code: str


class ReferralProgressed(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.progressed.v1"
    business_status: Literal["waitlisted", "scheduled", "enrolled"]
    reason_code: str | None


class ReferralStarted(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.started.v1"
    started_at: AwareDatetime


class ReferralPaused(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.paused.v1"
    reason_code: str


class ReferralResumed(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.resumed.v1"
    resumed_at: AwareDatetime


class ReferralCompleted(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.completed.v1"
    passed: bool


class ReferralFailed(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.failed.v1"
    reason_code: str


class ReferralCancelled(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.cancelled.v1"
    reason_code: str


class ReferralVoided(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.voided.v1"
    reason_code: str


class DeadlineNeared(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.deadline.neared.v1"
    kind: Literal["ANSWER"]
    due_on: date


class DeadlineMissed(Said):
    TYPE: ClassVar[str] = "id.basudara.referral.deadline.missed.v1"
    kind: Literal["ANSWER", "HOLD"]
    due_on: date
    late_seconds: int


SAID: dict[str, type[Said]] = {
    "referral.requested": ReferralRequested,
    "referral.accepted": ReferralAccepted,
    "referral.rejected": ReferralRejected,
    "referral.progressed": ReferralProgressed,
    "referral.started": ReferralStarted,
    "referral.paused": ReferralPaused,
    "referral.resumed": ReferralResumed,
    "referral.completed": ReferralCompleted,
    "referral.failed": ReferralFailed,
    "referral.cancelled": ReferralCancelled,
    "referral.voided": ReferralVoided,
    "deadline.neared": DeadlineNeared,
    "deadline.missed": DeadlineMissed,
}


def said(referral: Referral, told: Told) -> Said:
    """One move as the named agency may read it."""
    facts = {"referral_id": referral.id, "case_ref": referral.agency_case_ref, **told.facts}
    return SAID[told.name].model_validate(facts)
