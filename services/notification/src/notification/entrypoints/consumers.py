"""What notification does with the events it hears: translate, call one function."""

from collections.abc import Awaitable, Callable
from typing import Any

from chassis.consuming import Listener
from chassis.delivery import Known
from chassis.envelope import Event
from chassis.work import Work
from notification import wire
from notification.adapters.files import Staff
from notification.application import asking, people
from notification.domain.message import PROGRAMME_OFFICER
from notification.domain.people import Newest, Pair, Person, newest_id
from notification.domain.policy import Policy

Loads = list[tuple[type[Any], str]]


def listening(policy: Policy, staff: Staff) -> Listener:
    """The functions of the group, by type; which topics they come from is the catalogue's to say."""
    heard = Listener(service="notification", group="messages")
    _hear_cases(heard, policy)
    _hear_consents(heard, policy, staff)
    for model in wire.NEWS:
        heard.to(model, loads=_pair, then=_newest_and_person)(_tell(policy, staff))
    return heard


def _origin(work: Work) -> asking.Origin:
    event = work.cause.event
    if event is None:
        raise TypeError("only an event can be heard")
    return asking.Origin(
        event=event.type,
        source=event.source,
        subject=event.subject,
        version=event.aggregateversion,
        said_at=event.time,
    )


def _person(event: Any) -> Loads:
    return [(Person, event.case_ref)]


def _pair(event: Any) -> Loads:
    return [(Pair, event.case_ref)]


def _newest_and_person(event: Any, told: Event, known: Known) -> Loads:
    pair = known(Pair, event.case_ref)
    person = [(Person, pair.person)] if pair is not None and pair.person is not None else []
    return [(Newest, newest_id(told.source, told.subject)), *person]


def _news(event: wire.News, work: Work, policy: Policy, staff: Staff) -> asking.Tell:
    officers = tuple(staff.with_role(PROGRAMME_OFFICER))
    return asking.Tell(origin=_origin(work), facts=event.facts(), programme_officers=officers, policy=policy)


def _tell(policy: Policy, staff: Staff) -> Callable[[wire.News, Work], Awaitable[None]]:
    async def tell_when_news_is_heard(event: wire.News, work: Work) -> None:
        """Who is told is the catalogue's to say: a rule more or less changes no code here."""
        await asking.tell(_news(event, work, policy, staff), work)

    return tell_when_news_is_heard


def _hear_cases(heard: Listener, policy: Policy) -> None:
    def standing(event: Any, work: Work) -> people.ChangeStanding:
        return people.ChangeStanding(origin=_origin(work), case_ref=event.case_ref, policy=policy)

    @heard.to(wire.CaseRegistered, loads=_person)
    async def register_person_when_case_registered(event: wire.CaseRegistered, work: Work) -> None:
        command = people.RegisterPerson(
            origin=_origin(work),
            case_ref=event.case_ref,
            age_group=event.age_group,
            age_group_until=event.age_group_until,
            policy=policy,
        )
        await people.register_person(command, work)

    @heard.to(wire.CaseSuspended, loads=_person)
    async def suspend_person_when_case_suspended(event: wire.CaseSuspended, work: Work) -> None:
        await people.suspend_person(standing(event, work), work)

    @heard.to(wire.CaseResumed, loads=_person)
    async def resume_person_when_case_resumed(event: wire.CaseResumed, work: Work) -> None:
        await people.resume_person(standing(event, work), work)

    @heard.to(wire.CaseClosed, loads=_person)
    async def close_person_when_case_closed(event: wire.CaseClosed, work: Work) -> None:
        await people.close_person(standing(event, work), work)

    @heard.to(wire.ErasureBegun, loads=_person)
    async def forget_birthday_when_erasure_begun(event: wire.ErasureBegun, work: Work) -> None:
        await people.forget_birthday(event.case_ref, work)

    @heard.to(wire.ConsentAsked, loads=lambda event: [(Pair, event.agency_case_ref)])
    async def link_pair_when_consent_asked(event: wire.ConsentAsked, work: Work) -> None:
        command = people.LinkPair(case_ref=event.case_ref, agency=event.agency, agency_case_ref=event.agency_case_ref)
        await people.link_pair(command, work)


def _hear_consents(heard: Listener, policy: Policy, staff: Staff) -> None:
    def change(event: Any, work: Work) -> people.ChangeConsent:
        return people.ChangeConsent(
            origin=_origin(work),
            consent_id=event.consent_id,
            case_ref=event.case_ref,
            purpose=event.purpose,
            policy=policy,
        )

    @heard.to(wire.ConsentGranted, loads=_pair)
    async def grant_consent_when_consent_granted(event: wire.ConsentGranted, work: Work) -> None:
        await people.grant_consent(change(event, work), work)

    @heard.to(wire.ConsentSuperseded, loads=_pair)
    async def supersede_consent_when_consent_superseded(event: wire.ConsentSuperseded, work: Work) -> None:
        await people.supersede_consent(change(event, work), work)

    @heard.to(wire.ConsentWithdrawn, loads=_pair)
    async def withdraw_consent_when_consent_withdrawn(event: wire.ConsentWithdrawn, work: Work) -> None:
        await people.withdraw_consent(change(event, work), work)

    @heard.to(wire.ConsentExpired, loads=_pair)
    async def expire_consent_when_consent_expired(event: wire.ConsentExpired, work: Work) -> None:
        await people.expire_consent(change(event, work), _news(event, work, policy, staff), work)
