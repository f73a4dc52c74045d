"""What providers report of messages. Duplicates, late and disordered ones change nothing that is settled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chassis.work import Work
from notification.application.keeping import barred, keep, mailbox_of
from notification.application.sending import failure
from notification.domain.message import WHATSAPP, Message, Step
from notification.domain.policy import Policy
from notification.domain.waking import after_bounce


@dataclass(frozen=True, kw_only=True)
class TakeReceipt:
    """`told_at` by the provider's clock. `reason_code` of a failure: FAILED or NO_OPT_IN."""

    message_id: str
    number: int
    status: Literal["accepted", "delivered", "failed"]
    reason_code: str
    told_at: datetime
    policy: Policy


async def take_receipt(command: TakeReceipt, work: Work) -> None:
    """Raises NotFound (404) for a message or attempt that is not here: the gateway tries again."""
    message = await work.get(Message, command.message_id)
    if command.status == "accepted":
        step = message.told_accepted(command.number)
    elif command.status == "delivered":
        step = message.told_delivered(command.number, command.told_at)
    else:
        step = await _failed(message, command, work)
    if step is not None:
        await keep(step, command.policy, work)


async def _failed(message: Message, command: TakeReceipt, work: Work) -> Step | None:
    failed = message.told_failed(command.number, command.told_at)
    if failed is None:
        return None
    if failed.state == "sending" and command.number == failed.current.number:
        return await failure(failed, command.reason_code, command.policy, work)
    if not failed.bounced:
        return Step(failed)
    if failed.attempt(command.number).channel == WHATSAPP:
        mailbox = await mailbox_of(failed, work)
        work.save(mailbox.note_bounce(work.cause.at))
    step = after_bounce(failed, work.cause.at, command.policy)
    may_go_on = step is not None and await barred(failed, work) is None
    return step if may_go_on else Step(failed)
