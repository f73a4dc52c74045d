"""From news to messages: who is told, by the catalogue's rules; and what news makes waiting messages pointless."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from chassis.errors import NotYet
from chassis.ids import new_id
from chassis.work import Work
from notification import wire
from notification.application.keeping import FORGET, keep
from notification.domain.catalogue import NEEDS_CONSENT, PERSON, PERSON_ROLES, SENDER, TRAINER, Rule
from notification.domain.message import FACILITY_OFFICER, PROGRAMME_OFFICER, READY, Message, Step
from notification.domain.people import (
    STOPPING_PURPOSES,
    Asked,
    ConsentStop,
    Mailbox,
    Newest,
    Pair,
    Person,
    mailbox_id,
)
from notification.domain.policy import Policy


@dataclass(frozen=True, kw_only=True)
class TellNews:
    """`agency` said it, `service` of it; `facts` are the members of the event, `said_at` its time."""

    type: str
    agency: str
    service: str
    subject: str
    aggregate_version: int
    case_ref: str
    facts: Mapping[str, Any]
    said_at: datetime
    at: datetime


async def tell_news(command: TellNews, work: Work, policy: Policy, officers: list[str]) -> None:
    """Raises NotYet while the pair of pseudonyms of a sender's own klien was not heard."""
    if not await _is_new(command, work):
        return
    side = _side(command, policy.agency)
    pair = await work.find(Pair, command.case_ref)
    if side == SENDER and (pair is None or pair.person is None):
        raise NotYet(kind="consent.asked", case_ref=command.case_ref)
    person_id = pair.person if pair is not None and pair.person is not None else command.case_ref
    person = await work.find(Person, person_id) or Person(id=person_id, version=0)
    await _void_reminders(command, work, policy)
    for rule in policy.catalogue.rules_for(command.type, frozenset({side}), command.facts):
        if rule.tells == PERSON and person.suspended:
            continue  # nobody is messaged while a person is not available
        for role, staff_id in _recipients(rule, person, command.at, officers):
            await _ask(command, rule, role, staff_id, pair, person, work, policy)


async def _is_new(command: TellNews, work: Work) -> bool:
    id = f"{command.agency}:{command.service}:{command.subject}"
    heard = (await work.find(Newest, id) or Newest(id=id, version=0)).hear(command.aggregate_version, command.type)
    if heard is None:
        return False
    work.save(heard)
    return True


def _side(command: TellNews, agency: str) -> str:
    """Referral's own news and a trainer's news to us concern our klien; the others concern a class of ours."""
    ours = command.agency == agency
    return SENDER if ours == (command.service == "referral") else TRAINER


def _recipients(rule: Rule, person: Person, at: datetime, officers: list[str]) -> list[tuple[str, str | None]]:
    if rule.tells == PERSON:
        return [(person.told_by(at), None)]
    if rule.tells == PROGRAMME_OFFICER:
        return [(PROGRAMME_OFFICER, staff_id) for staff_id in officers]
    return [(rule.tells, None)]


async def _ask(
    command: TellNews,
    rule: Rule,
    role: str,
    staff_id: str | None,
    pair: Pair | None,
    person: Person,
    work: Work,
    policy: Policy,
) -> None:
    expires_at = rule.expires_at(command.said_at, command.facts)
    if expires_at <= command.at:
        return  # old news, read late: it would mislead
    message = Message.ask(
        id=new_id("msg"),
        at=command.at,
        due_at=rule.due_at(command.at, command.facts),
        case_ref=command.case_ref,
        person=person.id,
        about=str(command.facts[rule.about]),
        template=rule.template,
        recipient_role=role,
        staff_id=staff_id,
        reminder=rule.reminder,
        expires_at=expires_at,
    )
    await put(message, pair, person, work, policy, command.at)


async def put(message: Message, pair: Pair | None, person: Person, work: Work, policy: Policy, at: datetime) -> None:
    """Keep a new message, or suppress it at once by what is known already; the rest is judged when it is due."""
    id = mailbox_id(message.person, message.recipient_role, message.staff_id)
    mailbox = await work.find(Mailbox, id) or Mailbox(id=id, version=0)
    reason = None
    if message.recipient_role in PERSON_ROLES and person.closed:
        reason = "CASE_CLOSED"
    elif message.recipient_role in NEEDS_CONSENT and pair is not None and pair.stopped:
        reason = "NO_CONSENT"
    elif mailbox.repeats(message.template, message.case_ref, at, policy.repeat_within) and not message.reminder:
        reason = "DUPLICATE"
    work.schedule(FORGET, message.id, at + policy.kept)
    keep(message.suppress(reason) if reason else Step(message), work)
    if reason is None:
        asked = Asked(message_id=message.id, template=message.template, case_ref=message.case_ref, at=at)
        work.save(mailbox.note_asked(asked, policy.repeat_within))


async def _void_reminders(command: TellNews, work: Work, policy: Policy) -> None:
    member = policy.catalogue.voids.get(command.type)
    if member is None:
        return
    for message in await work.where(Message, about=str(command.facts[member])):
        if message.waits and message.reminder:
            keep(message.expire(), work)


# -- cases and consents ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ChangePerson:
    case_ref: str
    suspended: bool | None = None
    closed: bool | None = None


async def change_person(command: ChangePerson, work: Work) -> None:
    """Suspension ends reminders; closing ends every waiting message to the person."""
    person = await work.find(Person, command.case_ref) or Person(id=command.case_ref, version=0)
    work.save(person.stand(suspended=command.suspended, closed=command.closed))
    for message in await work.where(Message, person=command.case_ref):
        if not message.waits or message.recipient_role not in PERSON_ROLES:
            continue
        if command.closed:
            keep(message.suppress("CASE_CLOSED"), work)
        elif command.suspended:
            keep(message.expire(), work)


async def know_person(case_ref: str, age_group: str, until: date | None, work: Work) -> None:
    person = await work.find(Person, case_ref) or Person(id=case_ref, version=0)
    work.save(person.registered(age_group, until))


async def link(case_ref: str, agency: str, agency_case_ref: str, work: Work) -> None:
    pair = await work.find(Pair, agency_case_ref) or Pair(id=agency_case_ref, version=0)
    work.save(pair.linked(case_ref, agency))


@dataclass(frozen=True, kw_only=True)
class ChangeConsent:
    consent_id: str
    case_ref: str
    purpose: str
    in_force: bool
    withdrawn: bool
    at: datetime


async def change_consent(command: ChangeConsent, work: Work) -> None:
    """A withdrawal stops what waits and is answered by a receipt, once."""
    pair = await work.find(Pair, command.case_ref) or Pair(id=command.case_ref, version=0)
    pair = pair.permitted(command.consent_id, command.purpose, command.in_force)
    work.save(pair)
    if command.purpose not in STOPPING_PURPOSES:
        return
    if pair.stopped:
        for message in await work.where(Message, case_ref=command.case_ref):
            if message.waits and message.recipient_role in NEEDS_CONSENT:
                keep(message.suppress("NO_CONSENT"), work)
    if command.withdrawn and await work.find(ConsentStop, command.consent_id) is None:
        stop = ConsentStop(
            id=command.consent_id,
            version=1,
            case_ref=command.case_ref,
            purpose=command.purpose,
            stopped_at=command.at,
        )
        work.save(stop, wire.stopped(stop))


def for_facility(message: Message, at: datetime) -> Message:
    """The same news for the officer of the facility, because the person is in custody."""
    id = new_id("msg")
    fresh = replace(message, id=id, version=1, recipient_role=FACILITY_OFFICER, attempts=(), reason_code=None)
    return replace(fresh, state="created", stage=READY, created_at=at, due_at=message.expires_at)
