"""The two commits around calls to a provider: `claim` before them, `note_answer` after them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.calendar import day_of
from chassis.ids import id_from
from chassis.work import Work
from notification.application.asking import ask
from notification.application.keeping import barred, keep, look_ahead, mailbox_of, refuse
from notification.domain.catalogue import NEEDS_CONSENT
from notification.domain.message import (
    CALLING,
    FACILITY_OFFICER,
    GUARDIAN,
    KLIEN,
    READY,
    SMS,
    WHATSAPP,
    Message,
    Step,
)
from notification.domain.policy import Policy, Reach
from notification.domain.waking import after_failure


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Take messages that are ready: `reaches` by their ids. A reach None: intake knows no contact for this role.

    `down`: channels that are not to be called now; what needs one of them rests until `again_at`.
    """

    reaches: Mapping[str, Reach | None]
    down: frozenset[str]
    again_at: datetime
    policy: Policy


async def claim(command: Claim, work: Work) -> list[Message]:
    """Those to be called, now `sending` and claimed for one call each; the others are not to be called (any more, or
    yet). In one commit, which costs as much as all else that is done for one message.
    """
    await look_ahead(list(command.reaches), work)
    claimed = []
    for id, reach in command.reaches.items():
        message = await work.find(Message, id)
        if message is None or message.stage != READY:
            continue
        judge = _judge_waiting if message.waits else _judge_attempt
        kept = await keep(await judge(message, reach, command, work), command.policy, work)
        if kept.stage == CALLING:
            claimed.append(kept)
    return claimed


async def _judge_waiting(message: Message, reach: Reach | None, command: Claim, work: Work) -> Step:
    policy, at = command.policy, work.cause.at
    if at >= message.expires_at:
        return message.expire()
    bar = await barred(message, work) or _barred_by(message, reach)
    if bar is not None or reach is None:
        if bar in ("IN_CUSTODY", "NO_CONTACT"):  # in custody many have no number
            await _tell_facility(message, policy, work)
        return refuse(message, bar or "NO_CONTACT")
    if (allowed := policy.allowed(at)) > at:
        return message.hold(allowed)
    return await _first_call(message, reach, command, work)


async def _first_call(message: Message, reach: Reach, command: Claim, work: Work) -> Step:
    policy, at = command.policy, work.cause.at
    mailbox = await mailbox_of(message, work)
    if message.recipient_role in policy.per_day_roles and mailbox.sent_on(day_of(at)) >= policy.per_day:
        later = policy.tomorrow(at)
        return message.hold(later) if later < message.expires_at else message.suppress("DAILY_LIMIT")
    rests = WHATSAPP in command.down or mailbox.bounced_within(at, policy.bounce_rests)
    channel = WHATSAPP if reach.whatsapp_optin and not rests else SMS
    if channel in command.down:
        return message.rest(policy.rest_until(message, command.again_at))
    if message.recipient_role == GUARDIAN and reach.in_custody:
        await _tell_facility(message, policy, work)
    work.save(mailbox.note_sent(at))
    return message.send(channel, at, at + policy.answer_within)


async def _judge_attempt(message: Message, reach: Reach | None, command: Claim, work: Work) -> Step:
    """Of a message that is `sending` already: the second channel, or a call that got no answer."""
    policy, at = command.policy, work.cause.at
    if at >= message.expires_at or await barred(message, work) is not None:
        return message.expire()
    if reach is None:
        return message.escalate("FAILED", policy.escalated_due_on(at))
    if _barred_by(message, reach) is not None:
        return message.expire()
    if (allowed := policy.allowed(at)) > at:
        return message.postpone(allowed)
    if message.current.channel == WHATSAPP and not reach.whatsapp_optin:
        return message.fall_back("NO_OPT_IN", at)
    if message.current.channel in command.down:
        return message.rest(policy.rest_until(message, command.again_at))
    return message.call(at + policy.answer_within)


def _barred_by(message: Message, reach: Reach | None) -> str | None:
    """What intake says at this moment decides, whatever was heard before."""
    if reach is None:
        return "NO_CONTACT"
    if reach.case_closed:
        return "CASE_CLOSED"
    if message.recipient_role == KLIEN and reach.in_custody:
        return "IN_CUSTODY"
    if message.recipient_role == FACILITY_OFFICER and not reach.in_custody:
        return "NO_CONTACT"
    if message.recipient_role in NEEDS_CONSENT and not reach.messaging_consent:
        return "NO_CONSENT"
    return None


async def _tell_facility(message: Message, policy: Policy, work: Work) -> None:
    """In custody the facility's officer gets the schedule, whoever else does."""
    if message.recipient_role not in NEEDS_CONSENT:
        return
    id = id_from("msg", message.id, FACILITY_OFFICER)
    if await work.find(Message, id) is not None:
        return
    at = work.cause.at
    shared = ("case_ref", "person", "about", "template", "expires_at", "correlation_id", "traceparent")
    who = {name: getattr(message, name) for name in shared}
    instead = Message.ask(at=at, due_at=at, id=id, recipient_role=FACILITY_OFFICER, staff_id=None, **who)
    await ask(instead, policy, work)


@dataclass(frozen=True, kw_only=True)
class NoteAnswer:
    """What the call brought. `refused`: the provider's reason code; else `accepted`, or no answer: then `again_at`."""

    message_id: str
    number: int
    accepted: bool
    refused: str | None
    again_at: datetime
    policy: Policy


async def note_answer(command: NoteAnswer, work: Work) -> None:
    """Nothing happens if a receipt, or another worker after a long pause of this one, was quicker."""
    message = await work.find(Message, command.message_id)
    if message is None or message.stage != CALLING or message.current.number != command.number:
        return
    if command.refused is None:
        step = message.answered(command.number, command.accepted, command.policy.overdue_at(message), command.again_at)
    else:
        failed = message.told_failed(command.number, work.cause.at)
        step = None if failed is None else await failure(failed, command.refused, command.policy, work)
    if step is not None:
        await keep(step, command.policy, work)


async def failure(failed: Message, reason_code: str, policy: Policy, work: Work) -> Step:
    """The next channel or a human for an attempt marked as failed, unless the message may not go on."""
    step = after_failure(failed, reason_code, work.cause.at, policy)
    if step.message.state == "sending" and await barred(failed, work) is not None:
        return failed.expire()
    return step


@dataclass(frozen=True, kw_only=True)
class PutOff:
    message_ids: Sequence[str]
    until: datetime
    policy: Policy


async def put_off(command: PutOff, work: Work) -> None:
    """Let those that can't go now make room for others."""
    await work.prefetch(Message, list(command.message_ids))
    for id in command.message_ids:
        message = await work.find(Message, id)
        if message is not None and message.stage == READY:
            await keep(message.rest(command.policy.rest_until(message, command.until)), command.policy, work)
