"""How a message is kept: its state, the event that tells of it, and the duty that wakes it, in one commit."""

from chassis.work import Work
from notification import wire
from notification.domain.message import DONE, Message, Step

WAKE = "message.wake"
FORGET = "message.forget"


def keep(step: Step, work: Work) -> Message:
    """Stage one step. Whatever is next due about the message is one due duty, moved with every step."""
    message = step.message
    work.save(message, *([wire.said(message, step.told)] if step.told else []))
    if message.stage == DONE:
        work.unschedule(WAKE, message.id)
    else:
        work.schedule(WAKE, message.id, message.due_at)
    return message
