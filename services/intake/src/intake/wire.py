"""What intake says and hears on Kafka. Private to intake; the published contract lies in `contracts/events/`."""

from datetime import date, datetime
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel

from chassis.wire import Heard, Said
from intake.domain.cases import Case, Eligibility
from intake.domain.consents import Consent

# -- said: of the case, to the own agency ------------------------------------------------------------------------------


class CaseRegistered(Said):
    TYPE: ClassVar[str] = "id.basudara.intake.case.registered.v1"
    case_ref: str
    age_group: str
    age_group_until: date | None
    home_area: str | None
    voluntary: bool
    referable_until: date | None

    @classmethod
    def of(cls, case: Case) -> "CaseRegistered":
        return cls(case_ref=case.id, **vars(case.told))


class CaseAssigned(Said):
    TYPE: ClassVar[str] = "id.basudara.intake.case.assigned.v1"
    case_ref: str
    officer_id: str


class EligibilityDecided(Said):
    TYPE: ClassVar[str] = "id.basudara.intake.eligibility.decided.v1"
    case_ref: str
    outcome: str
    fields: tuple[str, ...]
    valid_until: date | None
    reason_code: str | None

    @classmethod
    def of(cls, case_ref: str, decision: Eligibility) -> "EligibilityDecided":
        return cls(case_ref=case_ref, **vars(decision))


class CaseOpened(Said):
    TYPE: ClassVar[str] = "id.basudara.intake.case.opened.v1"
    case_ref: str


class CaseSuspended(Said):
    TYPE: ClassVar[str] = "id.basudara.intake.case.suspended.v1"
    case_ref: str
    reason_code: str


class CaseResumed(Said):
    TYPE: ClassVar[str] = "id.basudara.intake.case.resumed.v1"
    case_ref: str


class CaseClosed(Said):
    TYPE: ClassVar[str] = "id.basudara.intake.case.closed.v1"
    case_ref: str
    reason_code: str
    aftercare: bool


class ConsentAsked(Said):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.asked.v1"
    consent_id: str
    case_ref: str
    agency: str
    agency_case_ref: str
    purpose: str
    text_version: str

    @classmethod
    def of(cls, consent: Consent) -> "ConsentAsked":
        return cls(
            consent_id=consent.id,
            case_ref=consent.case_ref,
            agency=consent.agency,
            agency_case_ref=consent.agency_case_ref,
            purpose=consent.purpose,
            text_version=consent.text_version,
        )


class ConsentRefused(Said):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.refused.v1"
    consent_id: str
    case_ref: str


class AboutErasure(Said):
    """`case_ref` is the own agency's; but for `ErasureAsked`, which goes to another, that agency's pseudonym."""

    erasure_id: str
    case_ref: str


class ErasureBegun(AboutErasure):
    TYPE: ClassVar[str] = "id.basudara.intake.erasure.begun.v1"
    reason_code: str
    erase_by: datetime


class ErasureAsked(AboutErasure):
    TYPE: ClassVar[str] = "id.basudara.intake.erasure.asked.v1"
    erase_by: datetime


class ErasureOverdue(AboutErasure):
    TYPE: ClassVar[str] = "id.basudara.intake.erasure.overdue.v1"
    missing: tuple[str, ...]
    late_seconds: int


class ErasureClosed(AboutErasure):
    TYPE: ClassVar[str] = "id.basudara.intake.erasure.closed.v1"
    closed_at: datetime


# -- said: of a consent, to the one agency it names; `case_ref` is that agency's pseudonym -----------------------------


class AboutConsent(Said):
    consent_id: str
    case_ref: str
    purpose: str


class ConsentGranted(AboutConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.granted.v1"
    given_by: tuple[str, ...]
    granted_at: datetime
    valid_until: date


class ConsentWithdrawn(AboutConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.withdrawn.v1"
    received_at: datetime
    stop_by: datetime


class ConsentClosed(AboutConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.closed.v1"
    closed_at: datetime


class ConsentExpired(AboutConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.expired.v1"
    expired_at: datetime
    cause: str


class ConsentSuperseded(AboutConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.superseded.v1"
    replaced_by: str


class DeadlineMissed(AboutConsent):
    TYPE: ClassVar[str] = "id.basudara.intake.deadline.missed.v1"
    stop_by: datetime
    missing: tuple[str, ...]
    late_seconds: int


# -- heard -------------------------------------------------------------------------------------------------------------


class ReferralHeard(Heard):
    """Own referral service's word on a referral; `case_ref` is the receiving agency's pseudonym."""

    referral_id: str
    case_ref: str


class ReferralAccepted(ReferralHeard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.accepted.v1"


class ReferralCompleted(ReferralHeard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.completed.v1"


class ReferralFailed(ReferralHeard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.failed.v1"


class ReferralCancelled(ReferralHeard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.cancelled.v1"


class ReferralVoided(ReferralHeard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.voided.v1"


class TrainingStopped(Heard):
    TYPE: ClassVar[str] = "id.basudara.training.consent.stopped.v1"
    consent_id: str


class TrainingErased(Heard):
    TYPE: ClassVar[str] = "id.basudara.training.erasure.done.v1"
    erasure_id: str
    erased_at: AwareDatetime


class OwnErasureBegun(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.erasure.begun.v1"
    erasure_id: str
    case_ref: str
    reason_code: str


class NotificationStopped(Heard):
    TYPE: ClassVar[str] = "id.basudara.notification.consent.stopped.v1"
    consent_id: str


class Party(BaseModel):
    agency: str


class AgreementRecorded(Heard):
    TYPE: ClassVar[str] = "id.basudara.agreement.agreement.recorded.v1"
    number: str
    kind: Literal["UMBRELLA", "TECHNICAL"]
    parties: tuple[Party, ...]
    valid_from: date
    valid_until: date
    state: Literal["DRAFT", "ACTIVE", "SUSPENDED", "ENDED"]
