"""Due duties of messages, and the sender that takes what is ready to the provider."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from chassis import ids
from chassis.duties import Duties
from chassis.errors import Expected, Unavailable
from chassis.running import Service
from chassis.work import Cause, Duty, Work
from notification.adapters.contacts import Contact, Contacts
from notification.adapters.gateway import Gateway
from notification.application import sending
from notification.application.keeping import FORGET, WAKE
from notification.domain.message import READY, Message
from notification.domain.policy import Policy

log = structlog.get_logger()
R = TypeVar("R")

PORTION = 50  # messages looked at in one round
LOOK_SECONDS = 0.3
LONGEST_PAUSE_SECONDS = 30.0  # between probes of a provider that is down


def duties(policy: Policy) -> Duties:
    due = Duties()

    @due.on(WAKE)
    async def wake_message(duty: Duty, work: Work) -> None:
        await sending.wake(duty.subject, work.cause.at, work, policy)

    @due.on(FORGET)
    async def forget_message(duty: Duty, work: Work) -> None:
        await sending.forget(duty.subject, work)

    return due


class Sender:
    """Runs beside the service. One call at a time: rate and order stay the provider's and ours to see."""

    def __init__(self, policy: Policy, contacts: Contacts, gateway: Gateway) -> None:
        self._policy, self._contacts, self._gateway = policy, contacts, gateway

    async def run(self, service: Service) -> None:
        """Until cancelled. A provider or intake that is down is probed with growing pauses; nothing is given up."""
        pause = LOOK_SECONDS
        while True:
            try:
                for message in await service.store.read(Message, limit=PORTION, stage=READY):
                    await self._take(message, service)
                pause = LOOK_SECONDS
            except Expected as error:
                log.warning("sender.waits", error_code=error.code, exc_info=error)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause)

    async def _take(self, message: Message, service: Service) -> None:
        contact = await self._contacts.of(message)
        reach = contact.reach if contact else None
        command = sending.Prepare(message_id=message.id, reach=reach, at=service.clock.now())
        prepared = await _transact(service, lambda work: sending.prepare(command, work, self._policy))
        if prepared is None:
            return
        if contact is None:  # nobody to reach any more: the attempt counts as refused
            await self._answer(prepared, taken=False, service=service)
            return
        try:
            taken = await self._call(prepared, contact)
        except Unavailable:
            await self._answer(prepared, taken=None, service=service)
            raise
        await self._answer(prepared, taken=taken, service=service)

    async def _call(self, message: Message, contact: Contact) -> bool:
        template = self._policy.catalogue.templates[message.template]
        return await self._gateway.send(message.current.channel, contact.phone, template, message.reference)

    async def _answer(self, message: Message, *, taken: bool | None, service: Service) -> None:
        command = sending.Answered(
            message_id=message.id, number=message.current.number, taken=taken, at=service.clock.now()
        )
        await _transact(service, lambda work: sending.answered(command, work, self._policy))


async def _transact(service: Service, run: Callable[[Work], Awaitable[R]]) -> R:
    fresh = ids.event_id()
    cause = Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=service.clock.now())

    async def handler(_: None, work: Work) -> R:
        return await run(work)

    return await service.store.transact(handler, None, cause)
