"""What time and officers do with messages."""

from dataclasses import dataclass

from chassis.work import Work
from notification.application.keeping import DUE, barred, keep
from notification.domain.message import DONE, Message
from notification.domain.people import Mailbox, Newest
from notification.domain.policy import Policy
from notification.domain.waking import wake


@dataclass(frozen=True, kw_only=True)
class Wake:
    message_id: str
    policy: Policy


async def wake_message(command: Wake, work: Work) -> None:
    """Do what is due; a message that may not go on any more expires instead of taking the next channel."""
    message = await work.find(Message, command.message_id)
    if message is None or message.stage == DONE:
        return
    step = wake(message, work.cause.at, command.policy)
    if step is None:
        work.schedule(DUE, message.id, max(message.due_at, work.cause.at + command.policy.answer_within))
        return
    if step.told is not None and step.told.name == "message.rerouted" and await barred(message, work) is not None:
        step = message.expire()
    await keep(step, command.policy, work)


@dataclass(frozen=True, kw_only=True)
class Resolve:
    message_id: str
    expected_version: int
    reached: bool
    role: str
    policy: Policy


async def resolve_message(command: Resolve, work: Work) -> Message:
    """An officer spoke to the recipient, or could not. Raises NotFound (404), and what `Message.resolve` raises."""
    message = await work.get(Message, command.message_id)
    return await keep(message.resolve(command.role, command.expected_version, command.reached), command.policy, work)


async def forget_message(message_id: str, work: Work) -> None:
    """Its status was kept long enough. Source: domain handbook, section 6, Retention."""
    message = await work.find(Message, message_id)
    if message is not None and message.stage == DONE:
        work.remove(message)


async def forget_news(id: str, work: Work) -> None:
    """No topic holds an event of that subject any more that could come again."""
    newest = await work.find(Newest, id)
    if newest is not None:
        work.remove(newest)


async def forget_mailbox(id: str, work: Work) -> None:
    mailbox = await work.find(Mailbox, id)
    if mailbox is not None:
        work.remove(mailbox)
