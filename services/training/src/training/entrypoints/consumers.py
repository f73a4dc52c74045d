"""What training hears: one function per event, `<command>_when_<event>`."""

from chassis.consuming import Listener
from chassis.envelope import Event
from chassis.work import Work
from training import wire
from training.application import agreements, consents, erasing, placements
from training.application.agreements import NoteAgreement
from training.application.consents import HearConsent
from training.application.erasing import ErasePerson
from training.application.placements import OfReferral, ReceivePlacement
from training.application.ports import Desk
from training.domain.agreement import Agreement, Word
from training.domain.consent import Consent
from training.domain.placement import Placement, StoppedReferral


def listener(desk: Desk) -> Listener:
    heard = Listener(service="training", group="placements")
    _hear_requests(heard, desk)
    _hear_ends_of_referrals(heard, desk)
    _hear_pauses(heard, desk)
    _hear_consents(heard, desk)
    _hear_erasures(heard, desk)
    _hear_agreements(heard)
    return heard


def _hear_requests(heard: Listener, desk: Desk) -> None:
    def loads(event: wire.ReferralRequested) -> list[tuple[type, str]]:
        return [
            (Placement, event.referral_id),
            (StoppedReferral, event.referral_id),
            (Agreement, event.agreement_number),
        ]

    @heard.to(wire.ReferralRequested, loads=loads)
    async def receive_placement_when_referral_requested(event: wire.ReferralRequested, work: Work) -> None:
        command = ReceivePlacement(
            referral_id=event.referral_id,
            case_ref=event.case_ref,
            from_agency=_of(work).agency,
            field=event.field,
            age_group=event.age_group,
            accommodations=event.accommodations,
            availability=event.availability,
            agreement_number=event.agreement_number,
            eligible_until=event.eligible_until,
            due_on=event.due_on,
            requested_at=event.requested_at,
        )
        await placements.receive_placement(command, work, desk)


def _hear_ends_of_referrals(heard: Listener, desk: Desk) -> None:
    @heard.to(wire.ReferralCancelled)
    async def stop_placement_when_referral_cancelled(event: wire.ReferralCancelled, work: Work) -> None:
        await placements.stop_placement(_reasoned(event.referral_id, event.reason_code, work), work, desk)

    @heard.to(wire.ReferralVoided)
    async def erase_placement_when_referral_voided(event: wire.ReferralVoided, work: Work) -> None:
        """Whose reason it was is the sender's affair: here it is one more absence."""
        command = OfReferral(
            referral_id=event.referral_id, from_agency=_of(work).agency, referral_version=_of(work).aggregateversion
        )
        await placements.erase_voided(command, work, desk)

    @heard.to(wire.ReferralFailed)
    async def end_enrolment_when_referral_failed(event: wire.ReferralFailed, work: Work) -> None:
        await placements.end_failed(_reasoned(event.referral_id, event.reason_code, work), work, desk)


def _hear_pauses(heard: Listener, desk: Desk) -> None:
    @heard.to(wire.ReferralPaused)
    async def hold_enrolment_when_referral_paused(event: wire.ReferralPaused, work: Work) -> None:
        await placements.hold_with_referral(_reasoned(event.referral_id, event.reason_code, work), work)

    @heard.to(wire.ReferralResumed)
    async def return_enrolment_when_referral_resumed(event: wire.ReferralResumed, work: Work) -> None:
        command = OfReferral(
            referral_id=event.referral_id, from_agency=_of(work).agency, referral_version=_of(work).aggregateversion
        )
        await placements.return_with_referral(command, work, desk)


def _hear_consents(heard: Listener, desk: Desk) -> None:
    def loads(event: wire.ConsentGranted) -> list[tuple[type, str]]:
        return [(Consent, event.consent_id)]

    @heard.to(wire.ConsentGranted, loads=loads)
    async def note_consent_when_granted(event: wire.ConsentGranted, work: Work) -> None:
        command = HearConsent(
            consent_id=event.consent_id,
            case_ref=event.case_ref,
            from_agency=_of(work).agency,
            purpose=event.purpose,
            heard_version=_of(work).aggregateversion,
            valid_until=event.valid_until,
        )
        await consents.note_granted(command, work)

    @heard.to(wire.ConsentWithdrawn)
    async def stop_all_when_consent_withdrawn(event: wire.ConsentWithdrawn, work: Work) -> None:
        await consents.stop_for_withdrawal(_consent(event, work), work, desk)

    @heard.to(wire.ConsentExpired)
    async def note_consent_when_expired(event: wire.ConsentExpired, work: Work) -> None:
        await consents.note_expired(_consent(event, work, event.cause), work)

    @heard.to(wire.ConsentSuperseded)
    async def note_consent_when_superseded(event: wire.ConsentSuperseded, work: Work) -> None:
        await consents.note_superseded(_consent(event, work), work)


def _hear_erasures(heard: Listener, desk: Desk) -> None:
    @heard.to(wire.ErasureAsked)
    async def erase_person_when_erasure_asked(event: wire.ErasureAsked, work: Work) -> None:
        command = ErasePerson(erasure_id=event.erasure_id, case_ref=event.case_ref, from_agency=_of(work).agency)
        await erasing.erase_person(command, work, desk)


def _hear_agreements(heard: Listener) -> None:
    @heard.to(wire.AgreementRecorded)
    async def note_agreement_when_recorded(event: wire.AgreementRecorded, work: Work) -> None:
        word = Word(
            register=_of(work).agency,
            heard_version=_of(work).aggregateversion,
            kind=event.kind,
            senders=frozenset(party.agency for party in event.parties if party.role == "SENDER"),
            trainers=frozenset(party.agency for party in event.parties if party.role == "TRAINER"),
            scope=frozenset(event.scope),
            valid_from=event.valid_from,
            valid_until=event.valid_until,
            state=event.state,
        )
        await agreements.note_agreement(NoteAgreement(number=event.number, word=word), work)


def _reasoned(referral_id: str, reason_code: str, work: Work) -> OfReferral:
    return OfReferral(
        referral_id=referral_id,
        from_agency=_of(work).agency,
        referral_version=_of(work).aggregateversion,
        reason_code=reason_code,
    )


def _consent(
    event: wire.ConsentWithdrawn | wire.ConsentExpired | wire.ConsentSuperseded, work: Work, cause: str | None = None
) -> HearConsent:
    return HearConsent(
        consent_id=event.consent_id,
        case_ref=event.case_ref,
        from_agency=_of(work).agency,
        purpose=event.purpose,
        heard_version=_of(work).aggregateversion,
        cause=cause,
    )


def _of(work: Work) -> Event:
    """The event that is being handled: who sent it, and its place among its aggregate's events."""
    if work.cause.event is None:
        raise TypeError("only an event is heard")
    return work.cause.event
