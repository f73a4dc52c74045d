"""From an event to the messages that the catalogue asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import NotYet
from chassis.ids import id_from
from chassis.work import Work
from notification.application.keeping import FORGET_MAILBOX, FORGET_NEWS, barred, keep, mailbox_of, refuse
from notification.domain.catalogue import PERSON, PERSON_ROLES, SENDER, TRAINER, Rule
from notification.domain.message import PROGRAMME_OFFICER, Message, Step
from notification.domain.people import Asked, Mailbox, Newest, Pair, Person, newest_id
from notification.domain.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where an event comes from: `source` is /agency/service, `version` that of its `subject`."""

    event: str
    source: str
    subject: str
    version: int
    said_at: datetime


@dataclass(frozen=True, kw_only=True)
class Tell:
    """News heard. `facts` are the members that rules may use; `programme_officers` staff ids of this agency."""

    origin: Origin
    facts: Mapping[str, object]
    programme_officers: tuple[str, ...]
    policy: Policy

    @property
    def case_ref(self) -> str:
        return str(self.facts["case_ref"])


async def first_heard(origin: Origin, policy: Policy, work: Work) -> bool:
    """False for old news: an event heard before under another id, or one that a newer one of its subject overtook."""
    id = newest_id(origin.source, origin.subject)
    before = await work.find(Newest, id) or Newest(id=id, version=0)
    heard = before.hear(origin.version, origin.event)
    if heard is None:
        return False
    work.save(heard)
    work.schedule(FORGET_NEWS, id, work.cause.at + policy.news_kept)
    return True


async def tell(command: Tell, work: Work) -> None:
    """Ask for every message that the rules want, unless it is old news. Raises what `follow_rules` raises."""
    if await first_heard(command.origin, command.policy, work):
        await follow_rules(command, work)


async def follow_rules(command: Tell, work: Work) -> None:
    """Raises NotYet while the person behind a pseudonym is unknown."""
    policy, event = command.policy, command.origin.event
    void = policy.catalogue.voids.get(event)
    if void is not None:
        await _expire_overtaken(str(command.facts[void]), policy, work)
    pair = await work.find(Pair, command.case_ref)
    for rule in policy.catalogue.rules_for(event, sides(command.origin.source, policy.agency, pair), command.facts):
        await _follow(rule, command, pair, work)


def sides(source: str, own: str, pair: Pair | None) -> frozenset[str]:
    """On which side of a referral this agency stands towards the event's person: both, if it refers to itself."""
    _, agency, service = source.split("/")
    sends = (service == "training") != (agency == own)
    if pair is not None and pair.agency == own:
        return frozenset({SENDER, TRAINER})
    return frozenset({SENDER if sends else TRAINER})


async def _follow(rule: Rule, command: Tell, pair: Pair | None, work: Work) -> None:
    if rule.side == TRAINER:
        for staff_id in command.programme_officers or (None,):
            await _ask_by(rule, command, command.case_ref, PROGRAMME_OFFICER, staff_id, work)
        return
    if pair is None or pair.person is None:
        raise NotYet(kind="consent", id=command.case_ref)
    role = rule.tells
    if role == PERSON:
        person = await work.find(Person, pair.person)
        if person is None or person.age_group is None:
            raise NotYet(kind="case", id=pair.person)
        if person.suspended:
            return  # reminders stop, and nobody is messaged about it
        role = person.told_by(work.cause.at)
    await _ask_by(rule, command, pair.person, role, None, work)


async def _ask_by(rule: Rule, command: Tell, person: str, role: str, staff_id: str | None, work: Work) -> None:
    policy, at = command.policy, work.cause.at
    id = id_from("msg", work.cause.id, rule.template, role, staff_id or "", repr(rule.due))
    if work.known(Message, id) is not None:
        return  # a second copy of the event, on a first try that trusts: the inbox is asked in the next one
    due_at = rule.due_at(at, command.facts)
    message = Message.ask(
        at=at,
        due_at=policy.allowed(due_at) if due_at > at else at,
        id=id,
        case_ref=command.case_ref,
        person=person,
        about=str(command.facts[rule.about]),
        template=rule.template,
        recipient_role=role,
        staff_id=staff_id,
        correlation_id=work.cause.correlation_id,
        traceparent=work.cause.traceparent,
        expires_at=rule.expires_at(command.origin.said_at, command.facts),
    )
    await ask(message, policy, work)


async def ask(message: Message, policy: Policy, work: Work) -> Message:
    """Keep a new message as what the rules of the day make of it: waiting, held, suppressed or expired."""
    at = message.created_at
    mailbox = await mailbox_of(message, work)
    bar = await barred(message, work)
    if bar is not None:
        return await keep(refuse(message, bar), policy, work)
    if mailbox.repeats(message.template, message.case_ref, at, policy.repeat_within):
        return await keep(message.suppress("DUPLICATE"), policy, work)
    if at >= message.expires_at:
        return await keep(message.expire(), policy, work)
    work.save(_noted(mailbox, message, policy))
    work.schedule(FORGET_MAILBOX, mailbox.id, at + policy.bounce_rests)
    allowed = policy.allowed(at)
    now = message.due_at == message.expires_at  # not a reminder for later
    return await keep(message.hold(allowed) if now and allowed > at else Step(message), policy, work)


def _noted(mailbox: Mailbox, message: Message, policy: Policy) -> Mailbox:
    asked = Asked(message_id=message.id, template=message.template, case_ref=message.case_ref, at=message.created_at)
    return mailbox.note_asked(asked, policy.repeat_within)


async def _expire_overtaken(about: str, policy: Policy, work: Work) -> None:
    for message in await work.where(Message, about=about):
        if message.waits and message.recipient_role in PERSON_ROLES:
            await keep(message.expire(), policy, work)
