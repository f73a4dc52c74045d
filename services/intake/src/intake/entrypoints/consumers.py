"""What intake does with each event it hears."""

from chassis.consuming import Listener
from chassis.envelope import Event
from chassis.work import Work
from intake import wire
from intake.application.consents import take_in_receipt
from intake.application.erasing import EraseAgain, TakeInErasure, erase_again, take_in_erasure
from intake.application.hearing import FollowAgreement, FollowReferral, follow_agreement, follow_referral
from intake.application.ports import Desk
from intake.domain.consents import Consent
from intake.domain.disclosures import Referral
from intake.domain.erasures import Erasure


def build_listener(desk: Desk) -> Listener:
    heard = Listener(service="intake", group="receipts")
    _hear_referrals(heard)
    _hear_receipts(heard, desk)

    @heard.to(wire.AgreementRecorded)
    async def follow_agreement_when_recorded(event: wire.AgreementRecorded, work: Work) -> None:
        command = FollowAgreement(
            register=_event(work).agency,
            number=event.number,
            kind=event.kind,
            state=event.state,
            parties=tuple(party.agency for party in event.parties),
            valid_from=event.valid_from,
            valid_until=event.valid_until,
            seen_version=_event(work).aggregateversion,
        )
        await follow_agreement(command, work)

    @heard.to(wire.OwnErasureBegun, loads=lambda event: [(Erasure, event.erasure_id)])
    async def erase_again_when_erasure_begun(event: wire.OwnErasureBegun, work: Work) -> None:
        """Our own word: news only to a store that was put back to a time before it."""
        command = EraseAgain(
            erasure_id=event.erasure_id,
            case_ref=event.case_ref,
            reason_code=event.reason_code,
            asked_at=_event(work).time,
        )
        await erase_again(command, work, desk)

    return heard


def _hear_referrals(heard: Listener) -> None:
    async def follow(event: wire.ReferralHeard, work: Work, is_running: bool) -> None:
        command = FollowReferral(
            referral_id=event.referral_id,
            case_ref=event.case_ref,
            is_running=is_running,
            seen_version=_event(work).aggregateversion,
        )
        await follow_referral(command, work)

    @heard.to(wire.ReferralAccepted, loads=_referral)
    async def allow_card_when_referral_accepted(event: wire.ReferralAccepted, work: Work) -> None:
        await follow(event, work, is_running=True)

    @heard.to(wire.ReferralCompleted, loads=_referral)
    async def end_card_when_referral_completed(event: wire.ReferralCompleted, work: Work) -> None:
        await follow(event, work, is_running=False)

    @heard.to(wire.ReferralFailed, loads=_referral)
    async def end_card_when_referral_failed(event: wire.ReferralFailed, work: Work) -> None:
        await follow(event, work, is_running=False)

    @heard.to(wire.ReferralCancelled, loads=_referral)
    async def end_card_when_referral_cancelled(event: wire.ReferralCancelled, work: Work) -> None:
        await follow(event, work, is_running=False)

    @heard.to(wire.ReferralVoided, loads=_referral)
    async def end_card_when_referral_voided(event: wire.ReferralVoided, work: Work) -> None:
        await follow(event, work, is_running=False)


def _hear_receipts(heard: Listener, desk: Desk) -> None:
    @heard.to(wire.TrainingStopped, loads=lambda event: [(Consent, event.consent_id)])
    async def take_in_receipt_when_training_stopped(event: wire.TrainingStopped, work: Work) -> None:
        await take_in_receipt(event.consent_id, "training", _event(work).agency, work, desk)

    @heard.to(wire.NotificationStopped, loads=lambda event: [(Consent, event.consent_id)])
    async def take_in_receipt_when_notification_stopped(event: wire.NotificationStopped, work: Work) -> None:
        await take_in_receipt(event.consent_id, "notification", _event(work).agency, work, desk)

    @heard.to(wire.TrainingErased, loads=lambda event: [(Erasure, event.erasure_id)])
    async def take_in_erasure_when_training_erased(event: wire.TrainingErased, work: Work) -> None:
        command = TakeInErasure(erasure_id=event.erasure_id, agency=_event(work).agency, erased_at=event.erased_at)
        await take_in_erasure(command, work)


def _referral(event: wire.ReferralHeard) -> list[tuple[type[Referral], str]]:
    return [(Referral, event.referral_id)]


def _event(work: Work) -> Event:
    if work.cause.event is None:
        raise TypeError("heard without an event")
    return work.cause.event
