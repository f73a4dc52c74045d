"""What notification says and hears on Kafka. Private to it; the contracts are shared."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime

from chassis.wire import Heard, Said
from notification.domain.message import Message, Told
from notification.domain.people import ConsentStop

Role = Literal["KLIEN", "GUARDIAN", "PROBATION_OFFICER", "FACILITY_OFFICER", "PROGRAMME_OFFICER"]
Channel = Literal["WHATSAPP", "SMS"]


# -- said --


class _OfMessage(Said):
    message_id: str
    case_ref: str
    template: str
    recipient_role: Role


class MessageSent(_OfMessage):
    TYPE: ClassVar[str] = "id.basudara.notification.message.sent.v1"
    channel: Channel
    attempt: int


class MessageDelivered(_OfMessage):
    TYPE: ClassVar[str] = "id.basudara.notification.message.delivered.v1"
    channel: Channel


class MessageSuppressed(_OfMessage):
    TYPE: ClassVar[str] = "id.basudara.notification.message.suppressed.v1"
    reason_code: str


class MessageRerouted(_OfMessage):
    TYPE: ClassVar[str] = "id.basudara.notification.message.rerouted.v1"
    from_channel: Channel
    to_channel: Channel
    reason_code: str


class MessageEscalated(_OfMessage):
    TYPE: ClassVar[str] = "id.basudara.notification.message.escalated.v1"
    reason_code: str
    due_on: date


class MessageResolved(_OfMessage):
    TYPE: ClassVar[str] = "id.basudara.notification.message.resolved.v1"
    reached: bool


class MessageExpired(_OfMessage):
    TYPE: ClassVar[str] = "id.basudara.notification.message.expired.v1"


class ConsentStopped(Said):
    TYPE: ClassVar[str] = "id.basudara.notification.consent.stopped.v1"
    SUBJECT: ClassVar[str | None] = "consent_id"
    consent_id: str
    case_ref: str
    purpose: str
    stopped_at: AwareDatetime


_BY_NAME: Mapping[str, type[_OfMessage]] = {
    "message.sent": MessageSent,
    "message.delivered": MessageDelivered,
    "message.suppressed": MessageSuppressed,
    "message.rerouted": MessageRerouted,
    "message.escalated": MessageEscalated,
    "message.resolved": MessageResolved,
    "message.expired": MessageExpired,
}


def said(message: Message, told: Told) -> Said:
    """The event by which a move of this message is told."""
    return _BY_NAME[told.name](
        message_id=message.id,
        case_ref=message.case_ref,
        template=message.template,
        recipient_role=message.recipient_role,
        **told.facts,
    )


def stopped(stop: ConsentStop) -> ConsentStopped:
    return ConsentStopped(consent_id=stop.id, case_ref=stop.case_ref, purpose=stop.purpose, stopped_at=stop.stopped_at)


# -- heard: what becomes of a case and its consents --


class CaseRegistered(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.case.registered.v1"
    case_ref: str
    age_group: str
    age_group_until: date | None


class CaseSuspended(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.case.suspended.v1"
    case_ref: str


class CaseResumed(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.case.resumed.v1"
    case_ref: str


class CaseClosed(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.case.closed.v1"
    case_ref: str


class ErasureBegun(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.erasure.begun.v1"
    case_ref: str


class ConsentAsked(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.asked.v1"
    case_ref: str  # the own agency's
    agency: str
    agency_case_ref: str


class ConsentGranted(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.granted.v1"
    consent_id: str
    case_ref: str
    purpose: str


class ConsentWithdrawn(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.withdrawn.v1"
    consent_id: str
    case_ref: str
    purpose: str


class ConsentSuperseded(Heard):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.superseded.v1"
    consent_id: str
    case_ref: str
    purpose: str


# -- heard: news that the catalogue tells somebody --


class News(Heard):
    """What rules may use: the ids it is about, codes they ask for, days they count from."""

    case_ref: str

    def facts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).model_fields}


class ConsentExpired(News):
    TYPE: ClassVar[str] = "id.basudara.intake.consent.expired.v1"
    consent_id: str
    purpose: str
    cause: str


class _OfReferral(News):
    referral_id: str


class _OfEnrolment(_OfReferral):
    """Seats, enrolments and certificates are told of under their referral, which their person was told of first."""


class ReferralRequested(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.requested.v1"


class ReferralAccepted(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.accepted.v1"


class ReferralRejected(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.rejected.v1"


class ReferralCompleted(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.completed.v1"


class ReferralCancelled(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.cancelled.v1"
    reason_code: str


class ReferralPaused(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.paused.v1"


class ReferralFailed(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.failed.v1"


class ReferralVoided(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.voided.v1"


class DeadlineNeared(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.deadline.neared.v1"


class DeadlineMissed(_OfReferral):
    TYPE: ClassVar[str] = "id.basudara.referral.deadline.missed.v1"


class StopDeadlineMissed(News):
    TYPE: ClassVar[str] = "id.basudara.intake.deadline.missed.v1"
    consent_id: str


class SeatWaitlisted(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.seat.waitlisted.v1"


class SeatReserved(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.seat.reserved.v1"
    starts_on: date


class SeatReleased(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.seat.released.v1"
    reason_code: str


class EnrolmentStarted(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.started.v1"


class EnrolmentSuspended(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.suspended.v1"


class EnrolmentResumed(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.resumed.v1"


class EnrolmentCompleted(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.completed.v1"


class EnrolmentWithdrawn(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.withdrawn.v1"


class EnrolmentDropped(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.enrolment.dropped.v1"


class CertificateIssued(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.certificate.issued.v1"


class CertificateRegistered(_OfEnrolment):
    TYPE: ClassVar[str] = "id.basudara.training.certificate.registered.v1"


class FollowupDue(News):
    TYPE: ClassVar[str] = "id.basudara.training.followup.due.v1"
    followup_id: str


NEWS: tuple[type[News], ...] = (
    ReferralRequested,
    ReferralAccepted,
    ReferralRejected,
    ReferralCompleted,
    ReferralCancelled,
    ReferralPaused,
    ReferralFailed,
    ReferralVoided,
    DeadlineNeared,
    DeadlineMissed,
    StopDeadlineMissed,
    SeatWaitlisted,
    SeatReserved,
    SeatReleased,
    EnrolmentStarted,
    EnrolmentSuspended,
    EnrolmentResumed,
    EnrolmentCompleted,
    EnrolmentWithdrawn,
    EnrolmentDropped,
    CertificateIssued,
    CertificateRegistered,
    FollowupDue,
)
