"""Saving a message with what must go with it: its event, its duty, and its recipient's limits."""

from collections.abc import Sequence
from dataclasses import replace

from chassis.calendar import day_of
from chassis.ids import event_id_from
from chassis.work import Work
from notification import wire
from notification.domain.catalogue import PERSON_ROLES
from notification.domain.message import DONE, GUARDIAN, Message, Step
from notification.domain.people import Mailbox, Pair, Person, mailbox_id
from notification.domain.policy import Policy

DUE, FORGET = "message.due", "message.forget"
FORGET_NEWS, FORGET_MAILBOX, FORGET_PERSON = "news.forget", "mailbox.forget", "person.forget"
NEVER_SENT = ("suppressed", "expired")


async def look_ahead(message_ids: Sequence[str], work: Work) -> None:
    """Read at once what the unit of work will ask for about these messages one after the other."""
    await work.prefetch(Message, list(message_ids))
    found = [one for one in (work.known(Message, id) for id in message_ids) if one is not None and one.stage != DONE]
    if found:
        await work.prefetch(Person, [one.person for one in found])
        await work.prefetch(Pair, [one.case_ref for one in found])
        await work.prefetch(Mailbox, [mailbox_id(one.person, one.recipient_role, one.staff_id) for one in found])


async def keep(step: Step, policy: Policy, work: Work) -> Message:
    """Stage the step; wake the message when it is next due, or forget it when its status was kept long enough."""
    message, told = step
    cause = work.cause
    id = cause.id if cause.event or cause.actor else _cause_in(message)
    work.cause = replace(cause, id=id, correlation_id=message.correlation_id, traceparent=message.traceparent)
    work.save(message, *([wire.said(message, told)] if told else []))
    work.cause = cause
    if message.stage == DONE:
        work.unschedule(DUE, message.id)
        work.schedule(FORGET, message.id, work.cause.at + policy.kept)
    else:
        work.schedule(DUE, message.id, message.due_at)
    if message.state in NEVER_SENT:
        await _give_way(message, work)
    return message


def _cause_in(message: Message) -> str:
    """A round of the sender has no name of its own. So named, what it says is known when it is said once more."""
    number = str(len(message.attempts))
    return event_id_from(message.correlation_id, message.id, number, at=message.created_at)


async def _give_way(message: Message, work: Work) -> None:
    mailbox = await work.find(Mailbox, mailbox_id(message.person, message.recipient_role, message.staff_id))
    if mailbox is not None and any(one.message_id == message.id for one in mailbox.asked):
        work.save(mailbox.forget_asked(message.id))


async def mailbox_of(message: Message, work: Work) -> Mailbox:
    """The recipient's, a new one at version 0 if there is none yet."""
    id = mailbox_id(message.person, message.recipient_role, message.staff_id)
    return await work.find(Mailbox, id) or Mailbox(id=id, version=0)


SUSPENDED = "SUSPENDED"  # no published reason: nobody is messaged about it, and nobody is told why


async def barred(message: Message, work: Work) -> str | None:
    """Why this message may not be sent as far as events told: CASE_CLOSED, NO_CONSENT, SUSPENDED; None: it may."""
    person = await work.find(Person, message.person)
    pair = await work.find(Pair, message.case_ref)
    if person is not None and person.closed:
        return "CASE_CLOSED"
    if message.recipient_role not in PERSON_ROLES:
        return None
    if pair is not None and pair.stopped:
        return "NO_CONSENT"
    if person is not None and person.suspended:
        return SUSPENDED
    of_age = person is not None and not person.is_minor(day_of(work.cause.at))
    return "NO_CONSENT" if message.recipient_role == GUARDIAN and of_age else None


def refuse(message: Message, bar: str) -> Step:
    """A waiting message is suppressed for that reason; without a published reason, or on its way, it expires."""
    return message.suppress(bar) if message.waits and bar != SUSPENDED else message.expire()
