"""What is to be done with a message when its time has come, without asking anybody outside."""

from datetime import datetime

from notification.domain.message import CALLED, CALLING, DONE, PLANNED, WAITING, Message, Step
from notification.domain.policy import Policy


def wake(message: Message, at: datetime, policy: Policy) -> Step | None:
    """The step that is due at `at`; None: nothing is. Raises Unavailable when the calendar lacks the year."""
    if message.stage == DONE or at < message.due_at:
        return None
    if message.waits:
        return _wake_waiting(message, at, policy)
    if message.stage == CALLING:
        return message.unanswered(policy.overdue_at(message))
    if at >= policy.overdue_at(message):
        return after_silence(message, at, policy)
    return _wake_attempt(message, at, policy)


def _wake_waiting(message: Message, at: datetime, policy: Policy) -> Step | None:
    if at >= message.expires_at:
        return message.expire()
    if message.stage != WAITING:
        return None
    allowed = policy.allowed(at)
    return message.hold(allowed) if allowed > at else message.ready(message.expires_at)


def _wake_attempt(message: Message, at: datetime, policy: Policy) -> Step | None:
    if message.current.status not in (PLANNED, CALLED) or message.stage != WAITING:
        return None
    if at >= message.expires_at:
        return message.expire()
    allowed = policy.allowed(at)
    return message.postpone(allowed) if allowed > at else message.ready(policy.overdue_at(message))


def after_silence(message: Message, at: datetime, policy: Policy) -> Step:
    """WhatsApp undelivered, or nothing known of an SMS, for as long as we wait."""
    if at >= message.expires_at:
        return message.expire()
    if message.may_fall_back:
        return message.fall_back("UNDELIVERED", policy.allowed(at))
    return message.escalate("UNKNOWN", policy.escalated_due_on(at))


def after_failure(message: Message, reason_code: str, at: datetime, policy: Policy) -> Step:
    """The provider says that the current attempt failed; `reason_code` of a fall-back is FAILED or NO_OPT_IN."""
    if at >= message.expires_at:
        return message.expire()
    if message.may_fall_back:
        return message.fall_back(reason_code, policy.allowed(at))
    return message.escalate("FAILED", policy.escalated_due_on(at))


def after_bounce(message: Message, at: datetime, policy: Policy) -> Step | None:
    """It was reported delivered and then was not. None: too late to tell it again."""
    if at >= message.expires_at:
        return None
    if message.may_fall_back:
        return message.reopen(policy.allowed(at))
    return message.escalate_bounced(policy.escalated_due_on(at))
