"""What becomes of cases and consents, and what that does to waiting messages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from chassis.work import Work
from notification import wire
from notification.application.asking import Origin, Tell, first_heard, follow_rules
from notification.application.keeping import FORGET_PERSON, keep, refuse
from notification.domain.catalogue import PERSON_ROLES
from notification.domain.message import Message
from notification.domain.people import STOPPING_PURPOSES, ConsentStop, Pair, Person
from notification.domain.policy import Policy


@dataclass(frozen=True, kw_only=True)
class RegisterPerson:
    origin: Origin
    case_ref: str
    age_group: str
    age_group_until: date | None
    policy: Policy


async def register_person(command: RegisterPerson, work: Work) -> None:
    if not await first_heard(command.origin, command.policy, work):
        return
    person = await _person(command.case_ref, work)
    work.save(person.registered(command.age_group, command.age_group_until))


@dataclass(frozen=True, kw_only=True)
class ChangeStanding:
    origin: Origin
    case_ref: str
    policy: Policy


async def suspend_person(command: ChangeStanding, work: Work) -> None:
    """What waits for the person ends without a reason told; officers' messages go on. Source: story F."""
    if not await first_heard(command.origin, command.policy, work):
        return
    person = await _person(command.case_ref, work)
    work.save(person.stand(suspended=True))
    waiting = await work.where(Message, person=command.case_ref)
    await _end(waiting, lambda message: message.recipient_role in PERSON_ROLES, "SUSPENDED", command.policy, work)


async def resume_person(command: ChangeStanding, work: Work) -> None:
    if not await first_heard(command.origin, command.policy, work):
        return
    person = await _person(command.case_ref, work)
    work.save(person.stand(suspended=False))


async def close_person(command: ChangeStanding, work: Work) -> None:
    """All that waits ends, under whichever pseudonym it was asked for."""
    if not await first_heard(command.origin, command.policy, work):
        return
    person = await _person(command.case_ref, work)
    work.save(person.stand(closed=True))
    work.schedule(FORGET_PERSON, command.case_ref, work.cause.at + command.policy.kept)
    waiting = await work.where(Message, person=command.case_ref)
    await _end(waiting, lambda _: True, "CASE_CLOSED", command.policy, work)


async def _person(case_ref: str, work: Work) -> Person:
    return await work.find(Person, case_ref) or Person(id=case_ref, version=0)


async def _end(
    messages: Iterable[Message], chosen: Callable[[Message], bool], bar: str, policy: Policy, work: Work
) -> None:
    for message in messages:
        if chosen(message) and (message.waits or message.pending):
            await keep(refuse(message, bar), policy, work)


@dataclass(frozen=True, kw_only=True)
class LinkPair:
    """The own pseudonym of a case, and the one between this agency and another."""

    case_ref: str
    agency: str
    agency_case_ref: str


async def link_pair(command: LinkPair, work: Work) -> None:
    """The link never changes, so hearing it again, or late, is harmless."""
    pair = await _pair(command.agency_case_ref, work)
    if pair.person is None:
        work.save(pair.linked(command.case_ref, command.agency))


async def _pair(case_ref: str, work: Work) -> Pair:
    return await work.find(Pair, case_ref) or Pair(id=case_ref, version=0)


@dataclass(frozen=True, kw_only=True)
class ChangeConsent:
    origin: Origin
    consent_id: str
    case_ref: str
    purpose: str
    policy: Policy


async def grant_consent(command: ChangeConsent, work: Work) -> None:
    if not await first_heard(command.origin, command.policy, work):
        return
    pair = await _pair(command.case_ref, work)
    work.save(pair.permitted(command.consent_id, command.purpose, in_force=True))


async def supersede_consent(command: ChangeConsent, work: Work) -> None:
    if await first_heard(command.origin, command.policy, work):
        await _end_consent(command, work)


async def expire_consent(command: ChangeConsent, news: Tell, work: Work) -> None:
    """Like the end of any consent, and the officer is told where the rules say so."""
    if await first_heard(command.origin, command.policy, work):
        await _end_consent(command, work)
        await follow_rules(news, work)


async def _end_consent(command: ChangeConsent, work: Work) -> None:
    """What waits is suppressed unless another consent allows it."""
    pair = await _pair(command.case_ref, work)
    ended = pair.permitted(command.consent_id, command.purpose, in_force=False)
    work.save(ended)
    if ended.stopped:
        await _stop_messages(command, work)


async def withdraw_consent(command: ChangeConsent, work: Work) -> None:
    """Stop what waits, and give the receipt that intake waits for, in one commit. Source: domain handbook, 6."""
    if not await first_heard(command.origin, command.policy, work):
        return
    pair = await _pair(command.case_ref, work)
    work.save(pair.permitted(command.consent_id, command.purpose, in_force=False))
    if command.purpose in STOPPING_PURPOSES:
        await _stop_messages(command, work)
    if await work.find(ConsentStop, command.consent_id) is None:
        stop = ConsentStop(
            id=command.consent_id,
            version=1,
            case_ref=command.case_ref,
            purpose=command.purpose,
            stopped_at=work.cause.at,
        )
        work.save(stop, wire.stopped(stop))


async def _stop_messages(command: ChangeConsent, work: Work) -> None:
    waiting = await work.where(Message, case_ref=command.case_ref)
    await _end(waiting, lambda message: message.recipient_role in PERSON_ROLES, "NO_CONSENT", command.policy, work)


async def forget_birthday(case_ref: str, work: Work) -> None:
    """Erased at intake: a child's 18th birthday is the one thing here that tells of the person."""
    person = await work.find(Person, case_ref)
    if person is not None and person.adult_on is not None:
        work.save(person.without_birthday())


async def forget_person(case_ref: str, work: Work) -> None:
    """A closed case was kept as long as the status of its messages; its pseudonyms and receipts go with it."""
    person = await work.find(Person, case_ref)
    for pair in await work.where(Pair, person=case_ref):
        for stop in await work.where(ConsentStop, case_ref=pair.id):
            work.remove(stop)
        work.remove(pair)
    if person is not None:
        work.remove(person)
