"""One message on its way: judged when due, called, answered, told of by receipts, woken when something is late.

The state `sending` with its attempt commits before the provider is called and the answer after it, so a crash between
the two leaves an attempt that its duty finds again; the attempt's reference keeps the person from getting it twice.
"""

from dataclasses import dataclass
from datetime import datetime

from chassis.calendar import day_of
from chassis.errors import Unavailable
from chassis.work import Work
from notification.application.asking import for_facility, put
from notification.application.keeping import keep
from notification.domain.catalogue import NEEDS_CONSENT, PERSON_ROLES
from notification.domain.message import (
    CALLING,
    DONE,
    KLIEN,
    PLANNED,
    READY,
    SMS,
    WAITING,
    WHATSAPP,
    Message,
    Step,
)
from notification.domain.people import Mailbox, Pair, Person, mailbox_id
from notification.domain.policy import Policy, Reach


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """`reach` None: there is nobody to reach."""

    message_id: str
    reach: Reach | None
    at: datetime


async def prepare(command: Prepare, work: Work, policy: Policy) -> Message | None:
    """Judge a message that is ready. Returns it when the provider is to be called now, with its attempt committed."""
    message = await work.get(Message, command.message_id)
    if message.stage != READY:
        return None  # another worker has it, or news overtook it
    if message.expires_at <= command.at and (message.waits or message.pending):
        keep(message.expire(), work)
        return None
    if message.state == "sending":
        return keep(message.call(command.at + policy.answer_within), work)
    reason = _reason_against(message, command.reach)
    if reason is not None or command.reach is None:
        await _suppress(message, reason or "NO_CONTACT", command.at, work, policy)
        return None
    return await _first_call(message, command.reach, command.at, work, policy)


def _reason_against(message: Message, reach: Reach | None) -> str | None:
    if reach is None:
        return "NO_CONTACT"
    if message.recipient_role in PERSON_ROLES and reach.case_closed:
        return "CASE_CLOSED"
    if message.recipient_role == KLIEN and reach.in_custody:
        return "IN_CUSTODY"
    if message.recipient_role in NEEDS_CONSENT and not reach.messaging_consent:
        return "NO_CONSENT"
    return None


async def _suppress(message: Message, reason: str, at: datetime, work: Work, policy: Policy) -> None:
    id = mailbox_id(message.person, message.recipient_role, message.staff_id)
    mailbox = await work.find(Mailbox, id)
    if mailbox is not None:
        work.save(mailbox.forget_asked(message.id))
    keep(message.suppress(reason), work)
    if reason == "IN_CUSTODY":  # the facility's officer gets the schedule in the person's stead
        person = await work.find(Person, message.person) or Person(id=message.person, version=0)
        await put(for_facility(message, at), await work.find(Pair, message.case_ref), person, work, policy, at)


async def _first_call(message: Message, reach: Reach, at: datetime, work: Work, policy: Policy) -> Message | None:
    allowed = policy.allowed(at)
    if allowed > at:
        keep(message.hold(min(allowed, message.expires_at)), work)
        return None
    id = mailbox_id(message.person, message.recipient_role, message.staff_id)
    mailbox = await work.find(Mailbox, id) or Mailbox(id=id, version=0)
    if message.recipient_role in policy.per_day_roles and mailbox.sent_on(day_of(at)) >= policy.per_day:
        keep(message.hold(min(policy.tomorrow(at), message.expires_at)), work)
        return None
    work.save(mailbox.note_sent(at))
    rests = mailbox.bounced_within(at, policy.bounce_rests)
    channel = WHATSAPP if reach.whatsapp_optin and not rests else SMS
    return keep(message.send(channel, at, at + policy.answer_within), work)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """`taken` None: the provider could not be asked; False: it refused this recipient."""

    message_id: str
    number: int
    taken: bool | None
    at: datetime


async def answered(command: Answered, work: Work, policy: Policy) -> None:
    message = await work.get(Message, command.message_id)
    if command.taken is False:
        await _failed(message, command.number, command.at, command.at, work, policy)
        return
    step = message.answered(command.number, bool(command.taken), policy.overdue_at(message))
    if step is not None:
        keep(step, work)


@dataclass(frozen=True, kw_only=True)
class TakeReceipt:
    message_id: str
    number: int
    status: str
    told_at: datetime
    at: datetime


async def take_receipt(command: TakeReceipt, work: Work, policy: Policy) -> None:
    """Raises NotFound (404) for a message that is not (yet) known here: the provider tells again later."""
    message = await work.get(Message, command.message_id)
    if command.status == "failed":
        await _failed(message, command.number, command.told_at, command.at, work, policy)
        return
    told = (
        message.told_accepted(command.number)
        if command.status == "accepted"
        else message.told_delivered(command.number, command.told_at)
    )
    if told is not None:
        keep(told, work)


async def _failed(message: Message, number: int, told_at: datetime, at: datetime, work: Work, policy: Policy) -> None:
    """The next channel, or a human; a bounce after a delivery likewise, and WhatsApp rests there for a while."""
    marked = message.told_failed(number, told_at)
    if marked is None:
        return
    current = number == marked.current.number
    if marked.state == "sending" and current:
        keep(_next(marked, "FAILED", at, policy), work)
    elif marked.bounced:
        id = mailbox_id(marked.person, marked.recipient_role, marked.staff_id)
        work.save((await work.find(Mailbox, id) or Mailbox(id=id, version=0)).note_bounce(at))
        due_on = policy.escalated_due_on(at)
        keep(marked.reopen(policy.allowed(at)) if marked.may_fall_back else marked.escalate_bounced(due_on), work)
    else:
        keep(Step(marked), work)


def _next(message: Message, reason: str, at: datetime, policy: Policy) -> Step:
    if message.may_fall_back:
        step = message.fall_back("UNDELIVERED" if reason == "UNKNOWN" else reason, policy.allowed(at))
        return Step(_at_once(step.message, at, policy), step.told)
    return message.escalate(reason, policy.escalated_due_on(at))


def _at_once(message: Message, at: datetime, policy: Policy) -> Message:
    """A planned attempt that may go now need not wait for its duty."""
    if message.due_at > at:
        return message
    return message.ready(policy.overdue_at(message)).message


async def wake(message_id: str, at: datetime, work: Work, policy: Policy) -> None:
    """What was due about a message, caught up once however late."""
    message = await work.find(Message, message_id)
    if message is None or message.stage == DONE or message.due_at > at:
        return
    if message.expires_at <= at and (message.waits or message.pending):
        keep(message.expire(), work)
    elif message.waits:
        keep(message.ready(message.expires_at), work)
    elif message.stage == CALLING:
        keep(message.unanswered(max(policy.overdue_at(message), at + policy.answer_within)), work)
    elif message.stage == WAITING and message.current.status == PLANNED:
        keep(message.ready(policy.overdue_at(message)), work)
    else:
        keep(_next(message, "UNKNOWN" if message.stage == WAITING else "FAILED", at, policy), work)


@dataclass(frozen=True, kw_only=True)
class Resolve:
    message_id: str
    role: str
    expected_version: int
    reached: bool


async def resolve(command: Resolve, work: Work) -> Message:
    """Raises NotFound, NotAllowed, StaleVersion, IllegalMove."""
    message = await work.get(Message, command.message_id)
    return keep(message.resolve(command.role, command.expected_version, command.reached), work)


async def forget(message_id: str, work: Work) -> None:
    """The status of a message is kept for a while after it was made, then not at all."""
    message = await work.find(Message, message_id)
    if message is None:
        return
    if message.stage != DONE:
        raise Unavailable(message="still on its way")
    work.remove(message)
