"""What notification does with the events it hears: translate, call one function."""

from collections.abc import Awaitable, Callable
from typing import Any

from chassis.consuming import Listener
from chassis.envelope import Event
from chassis.work import Work
from notification import wire
from notification.adapters.files import Staff
from notification.application import asking
from notification.domain.people import Pair, Person
from notification.domain.policy import Policy

OfConsent = wire.ConsentGranted | wire.ConsentWithdrawn | wire.ConsentExpired | wire.ConsentSuperseded


def listening(policy: Policy, staff: Staff) -> Listener:
    heard = Listener(service="notification", group="messages")
    _hear_cases(heard)
    _hear_consents(heard)
    for model in wire.NEWS:
        heard.to(model, loads=lambda event: [(Pair, event.case_ref)])(_news(policy, staff))
    return heard


def _event(work: Work) -> Event:
    if work.cause.event is None:
        raise TypeError("only an event can be heard")
    return work.cause.event


def _news(policy: Policy, staff: Staff) -> Callable[[wire.News, Work], Awaitable[None]]:
    async def tell_news_when_it_is_heard(event: wire.News, work: Work) -> None:
        envelope = _event(work)
        command = asking.TellNews(
            type=event.TYPE,
            agency=envelope.agency,
            service=envelope.service,
            subject=envelope.subject,
            aggregate_version=envelope.aggregateversion,
            case_ref=event.case_ref,
            facts=event.facts(),
            said_at=envelope.time,
            at=work.cause.at,
        )
        await asking.tell_news(command, work, policy, staff.with_role("programme_officer"))

    return tell_news_when_it_is_heard


def _hear_cases(heard: Listener) -> None:
    def person(event: Any) -> list[tuple[type, str]]:
        return [(Person, event.case_ref)]

    @heard.to(wire.CaseRegistered, loads=person)
    async def know_person_when_case_registered(event: wire.CaseRegistered, work: Work) -> None:
        await asking.know_person(event.case_ref, event.age_group, event.age_group_until, work)

    @heard.to(wire.CaseSuspended, loads=person)
    async def change_person_when_case_suspended(event: wire.CaseSuspended, work: Work) -> None:
        await asking.change_person(asking.ChangePerson(case_ref=event.case_ref, suspended=True), work)

    @heard.to(wire.CaseResumed, loads=person)
    async def change_person_when_case_resumed(event: wire.CaseResumed, work: Work) -> None:
        await asking.change_person(asking.ChangePerson(case_ref=event.case_ref, suspended=False), work)

    @heard.to(wire.CaseClosed, loads=person)
    async def change_person_when_case_closed(event: wire.CaseClosed, work: Work) -> None:
        await asking.change_person(asking.ChangePerson(case_ref=event.case_ref, closed=True), work)

    @heard.to(wire.ConsentAsked, loads=lambda event: [(Pair, event.agency_case_ref)])
    async def link_when_consent_asked(event: wire.ConsentAsked, work: Work) -> None:
        await asking.link(event.case_ref, event.agency, event.agency_case_ref, work)


def _hear_consents(heard: Listener) -> None:
    async def change(event: OfConsent, work: Work, *, in_force: bool, withdrawn: bool = False) -> None:
        command = asking.ChangeConsent(
            consent_id=event.consent_id,
            case_ref=event.case_ref,
            purpose=event.purpose,
            in_force=in_force,
            withdrawn=withdrawn,
            at=work.cause.at,
        )
        await asking.change_consent(command, work)

    @heard.to(wire.ConsentGranted)
    async def change_consent_when_consent_granted(event: wire.ConsentGranted, work: Work) -> None:
        await change(event, work, in_force=True)

    @heard.to(wire.ConsentWithdrawn)
    async def change_consent_when_consent_withdrawn(event: wire.ConsentWithdrawn, work: Work) -> None:
        await change(event, work, in_force=False, withdrawn=True)

    @heard.to(wire.ConsentExpired)
    async def change_consent_when_consent_expired(event: wire.ConsentExpired, work: Work) -> None:
        await change(event, work, in_force=False)

    @heard.to(wire.ConsentSuperseded)
    async def change_consent_when_consent_superseded(event: wire.ConsentSuperseded, work: Work) -> None:
        await change(event, work, in_force=False)
