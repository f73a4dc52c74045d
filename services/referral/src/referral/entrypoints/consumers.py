"""What referral does with the events it hears: one function per event, `<command>_when_<event>`."""

from chassis.consuming import Listener
from chassis.delivery import Known
from chassis.envelope import Event
from chassis.work import Work
from referral import wire
from referral.application import agreements, consents, participants, training
from referral.domain.agreement import Party
from referral.domain.consent import ACTIVE, EXPIRED, STOPPING, SUPERSEDED, Consent
from referral.domain.participant import CLOSED, READY, SUSPENDED, Participant
from referral.domain.referral import Fact, Referral
from referral.domain.rules import Rules


def listening(rules: Rules) -> Listener:
    heard = Listener(service="referral", group="referrals")
    _hear_cases(heard, rules)
    _hear_consents(heard, rules)
    _hear_agreements(heard)
    _hear_answers(heard, rules)
    _hear_enrolments(heard, rules)
    return heard


def _event(work: Work) -> Event:
    if work.cause.event is None:
        raise TypeError("only an event can be heard")
    return work.cause.event


# -- intake: cases ---------------------------------------------------------------------------------------------------


def _hear_cases(heard: Listener, rules: Rules) -> None:
    def person(event: wire.OfCase) -> list[tuple[type, str]]:
        return [(Participant, event.case_ref)]

    @heard.to(wire.CaseRegistered, loads=person)
    async def know_person_when_case_registered(event: wire.CaseRegistered, work: Work) -> None:
        command = participants.KnowPerson(case_version=_event(work).aggregateversion, **dict(event))
        await participants.know_person(command, work)

    @heard.to(wire.EligibilityDecided, loads=person)
    async def decide_eligibility_when_eligibility_decided(event: wire.EligibilityDecided, work: Work) -> None:
        command = participants.DecideEligibility(
            case_ref=event.case_ref,
            case_version=_event(work).aggregateversion,
            fields=event.holds_for,
            valid_until=event.valid_until,
            at=work.cause.at,
        )
        await participants.decide_eligibility(command, work, rules)

    @heard.to(wire.CaseOpened, loads=person)
    async def change_case_when_case_opened(event: wire.CaseOpened, work: Work) -> None:
        await participants.change_case(_change(event, READY, work), work, rules)

    @heard.to(wire.CaseSuspended, loads=person)
    async def change_case_when_case_suspended(event: wire.CaseSuspended, work: Work) -> None:
        """Whatever the reason, referral never learns it."""
        await participants.change_case(_change(event, SUSPENDED, work), work, rules)

    @heard.to(wire.CaseResumed, loads=person)
    async def change_case_when_case_resumed(event: wire.CaseResumed, work: Work) -> None:
        await participants.change_case(_change(event, READY, work, resumed=True), work, rules)

    @heard.to(wire.CaseClosed, loads=person)
    async def change_case_when_case_closed(event: wire.CaseClosed, work: Work) -> None:
        await participants.change_case(_change(event, CLOSED, work, aftercare=event.aftercare), work, rules)

    @heard.to(wire.ErasureBegun, loads=person)
    async def forget_person_when_erasure_begun(event: wire.ErasureBegun, work: Work) -> None:
        await participants.forget_person(event.case_ref, work)


def _change(
    event: wire.OfCase, state: str, work: Work, *, resumed: bool = False, aftercare: bool = False
) -> participants.ChangeCase:
    return participants.ChangeCase(
        case_ref=event.case_ref,
        case_version=_event(work).aggregateversion,
        state=state,
        at=work.cause.at,
        correlation_id=work.cause.correlation_id,
        resumed=resumed,
        aftercare=aftercare,
    )


# -- intake: consents ------------------------------------------------------------------------------------------------


def _hear_consents(heard: Listener, rules: Rules) -> None:
    def consent(event: wire.OfConsent) -> list[tuple[type, str]]:
        return [(Consent, event.consent_id)]

    @heard.to(wire.ConsentAsked, loads=lambda event: [(Consent, event.consent_id), (Participant, event.case_ref)])
    async def ask_consent_when_consent_asked(event: wire.ConsentAsked, work: Work) -> None:
        await consents.ask_consent(consents.AskConsent(at=work.cause.at, **dict(event)), work, rules)

    @heard.to(wire.ConsentGranted, loads=consent)
    async def change_consent_when_consent_granted(event: wire.ConsentGranted, work: Work) -> None:
        await consents.change_consent(_consent(event, ACTIVE, work, valid_until=event.valid_until), work, rules)

    @heard.to(wire.ConsentWithdrawn, loads=consent)
    async def change_consent_when_consent_withdrawn(event: wire.ConsentWithdrawn, work: Work) -> None:
        await consents.change_consent(_consent(event, STOPPING, work), work, rules)

    @heard.to(wire.ConsentExpired, loads=consent)
    async def change_consent_when_consent_expired(event: wire.ConsentExpired, work: Work) -> None:
        await consents.change_consent(_consent(event, EXPIRED, work, cause=event.cause), work, rules)

    @heard.to(wire.ConsentSuperseded, loads=consent)
    async def change_consent_when_consent_superseded(event: wire.ConsentSuperseded, work: Work) -> None:
        await consents.change_consent(_consent(event, SUPERSEDED, work, replaced_by=event.replaced_by), work, rules)


def _consent(event: wire.OfConsent, state: str, work: Work, **facts: object) -> consents.ChangeConsent:
    return consents.ChangeConsent(
        consent_id=event.consent_id,
        consent_version=_event(work).aggregateversion,
        agency_case_ref=event.case_ref,
        purpose=event.purpose,
        state=state,
        at=work.cause.at,
        **facts,  # type: ignore[arg-type]
    )


# -- register of agreements ------------------------------------------------------------------------------------------


def _hear_agreements(heard: Listener) -> None:
    @heard.to(wire.AgreementRecorded)
    async def know_agreement_when_agreement_recorded(event: wire.AgreementRecorded, work: Work) -> None:
        told = _event(work)
        facts = {**dict(event), "parties": tuple(Party(agency=one.agency, role=one.role) for one in event.parties)}
        command = agreements.KnowAgreement(register=told.agency, register_version=told.aggregateversion, **facts)
        await agreements.know_agreement(command, work)


# -- training --------------------------------------------------------------------------------------------------------


def _referral(event: wire.OfReferral) -> list[tuple[type, str]]:
    return [(Referral, event.referral_id)]


def _its_person(event: wire.OfReferral, _event: Event, known: Known) -> list[tuple[type, str]]:
    referral = known(Referral, event.referral_id)
    return [] if referral is None else [(Participant, referral.case_ref)]


def _hear_answers(heard: Listener, rules: Rules) -> None:
    @heard.to(wire.PlacementAccepted, loads=_referral, then=_its_person)
    async def accept_referral_when_placement_accepted(event: wire.PlacementAccepted, work: Work) -> None:
        command = training.AcceptReferral(
            referral_id=event.referral_id,
            agency_case_ref=event.case_ref,
            from_agency=_event(work).agency,
            at=work.cause.at,
            accepted_at=event.accepted_at,
        )
        await training.accept_referral(command, work, rules)

    @heard.to(wire.PlacementDeclined, loads=_referral, then=_its_person)
    async def reject_referral_when_placement_declined(event: wire.PlacementDeclined, work: Work) -> None:
        command = training.RejectReferral(
            referral_id=event.referral_id,
            agency_case_ref=event.case_ref,
            from_agency=_event(work).agency,
            at=work.cause.at,
            reason_code=event.reason_code,
        )
        await training.reject_referral(command, work, rules)


def _follow(
    event: wire.OfEnrolment, work: Work, happened: str, reason_code: str | None = None, passed: bool | None = None
) -> training.FollowTraining:
    told = _event(work)
    fact = Fact(
        happened=happened,
        enrolment_id=event.enrolment_id,
        version=told.aggregateversion,
        correlation_id=told.correlationid,
        reason_code=reason_code,
        passed=passed,
    )
    return training.FollowTraining(
        referral_id=event.referral_id,
        agency_case_ref=event.case_ref,
        from_agency=told.agency,
        at=work.cause.at,
        fact=fact,
    )


def _hear_enrolments(heard: Listener, rules: Rules) -> None:
    _hear_seats(heard, rules)

    @heard.to(wire.EnrolmentConfirmed, loads=_referral, then=_its_person)
    async def progress_referral_when_enrolment_confirmed(event: wire.EnrolmentConfirmed, work: Work) -> None:
        await training.follow_training(_follow(event, work, "enrolment.confirmed"), work, rules)

    @heard.to(wire.EnrolmentStarted, loads=_referral, then=_its_person)
    async def start_referral_when_enrolment_started(event: wire.EnrolmentStarted, work: Work) -> None:
        await training.follow_training(_follow(event, work, "enrolment.started"), work, rules)

    @heard.to(wire.EnrolmentSuspended, loads=_referral, then=_its_person)
    async def pause_referral_when_enrolment_suspended(event: wire.EnrolmentSuspended, work: Work) -> None:
        await training.follow_training(_follow(event, work, "enrolment.suspended", event.reason_code), work, rules)

    @heard.to(wire.EnrolmentResumed, loads=_referral, then=_its_person)
    async def resume_referral_when_enrolment_resumed(event: wire.EnrolmentResumed, work: Work) -> None:
        await training.follow_training(_follow(event, work, "enrolment.resumed"), work, rules)

    @heard.to(wire.EnrolmentCompleted, loads=_referral, then=_its_person)
    async def complete_referral_when_enrolment_completed(event: wire.EnrolmentCompleted, work: Work) -> None:
        command = _follow(event, work, "enrolment.completed", passed=event.passed)
        await training.follow_training(command, work, rules)

    @heard.to(wire.EnrolmentWithdrawn, loads=_referral, then=_its_person)
    async def cancel_referral_when_enrolment_withdrawn(event: wire.EnrolmentWithdrawn, work: Work) -> None:
        await training.follow_training(_follow(event, work, "enrolment.withdrawn", event.reason_code), work, rules)

    @heard.to(wire.EnrolmentDropped, loads=_referral, then=_its_person)
    async def fail_referral_when_enrolment_dropped(event: wire.EnrolmentDropped, work: Work) -> None:
        await training.follow_training(_follow(event, work, "enrolment.dropped", event.reason_code), work, rules)

    @heard.to(wire.FollowupRecorded)
    async def keep_outcome_when_followup_recorded(event: wire.FollowupRecorded, work: Work) -> None:
        facts = dict(event)
        facts["agency_case_ref"] = facts.pop("case_ref")
        await training.keep_outcome(training.KeepOutcome(from_agency=_event(work).agency, **facts), work)


def _hear_seats(heard: Listener, rules: Rules) -> None:
    @heard.to(wire.SeatWaitlisted, loads=_referral, then=_its_person)
    async def progress_referral_when_seat_waitlisted(event: wire.SeatWaitlisted, work: Work) -> None:
        await training.follow_training(_follow(event, work, "seat.waitlisted", event.reason_code), work, rules)

    @heard.to(wire.SeatReserved, loads=_referral, then=_its_person)
    async def progress_referral_when_seat_reserved(event: wire.SeatReserved, work: Work) -> None:
        await training.follow_training(_follow(event, work, "seat.reserved"), work, rules)

    @heard.to(wire.SeatReleased, loads=_referral, then=_its_person)
    async def cancel_referral_when_seat_released(event: wire.SeatReleased, work: Work) -> None:
        await training.follow_training(_follow(event, work, "seat.released", event.reason_code), work, rules)
