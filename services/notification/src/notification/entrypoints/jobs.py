"""What falls due about messages."""

from chassis.duties import Duties
from chassis.work import Duty, Work
from notification.application import messages, people
from notification.application.keeping import DUE, FORGET, FORGET_MAILBOX, FORGET_NEWS, FORGET_PERSON
from notification.domain.message import Message
from notification.domain.policy import Policy


def duties(policy: Policy) -> Duties:
    due = Duties()

    @due.on(DUE, loads=lambda duty: [(Message, duty.subject)])
    async def wake_message(duty: Duty, work: Work) -> None:
        await messages.wake_message(messages.Wake(message_id=duty.subject, policy=policy), work)

    @due.on(FORGET)
    async def forget_message(duty: Duty, work: Work) -> None:
        await messages.forget_message(duty.subject, work)

    @due.on(FORGET_NEWS)
    async def forget_news(duty: Duty, work: Work) -> None:
        await messages.forget_news(duty.subject, work)

    @due.on(FORGET_MAILBOX)
    async def forget_mailbox(duty: Duty, work: Work) -> None:
        await messages.forget_mailbox(duty.subject, work)

    @due.on(FORGET_PERSON)
    async def forget_person(duty: Duty, work: Work) -> None:
        await people.forget_person(duty.subject, work)

    return due
