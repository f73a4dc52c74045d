"""The sender: takes what is ready to the providers, outside of any unit of work, with a commit before and after."""

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from chassis import ids, measures
from chassis.errors import Expected
from chassis.running import Service
from chassis.work import Cause, Work
from notification.adapters.breaker import Breaker, Pace
from notification.adapters.contacts import Contact, Contacts, IntakeDown
from notification.adapters.gateway import Gateway, ProviderDown
from notification.application import sending, turns
from notification.domain.message import PROGRAMME_OFFICER, READY, SMS, WHATSAPP, Message
from notification.domain.policy import Policy
from notification.domain.turn import LASTS

log = structlog.get_logger()
C = TypeVar("C")
R = TypeVar("R")

PORTION = 200  # messages read in one round
PROBES = 5  # of them, while something that is called is down
AT_ONCE = 8  # calls under way
LOOK_SECONDS = 0.3
INTAKE = "intake"
REST = timedelta(seconds=60)  # of what can't go now, or failed for a reason of ours


class Sender:
    """Runs beside the service. Of all replicas one sends at a time, below the agreed rate."""

    def __init__(self, policy: Policy, contacts: Contacts, gateway: Gateway, per_minute: int) -> None:
        self._policy, self._contacts, self._gateway, self._per_minute = policy, contacts, gateway, per_minute
        self._holder = f"{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._renew_at: datetime | None = None

    async def run(self, service: Service) -> None:
        """Until cancelled. Nothing is given up while something is down: it is probed, and messages wait."""
        now = asyncio.get_running_loop().time
        self._service = service
        self._breakers = {name: Breaker(now) for name in (INTAKE, WHATSAPP, SMS)}
        self._pace = Pace(self._per_minute, now)
        while not service.port:  # the door opens last; receipts come to it
            await asyncio.sleep(0.05)
        if self._gateway.receipts_to is None:
            self._gateway.receipts_to = f"http://{service.settings.http_host}:{service.port}/receipts"
        try:
            await self._rounds()
        finally:
            with suppress(Expected):  # another replica waits for the turn to lapse then
                await self._transact(turns.give_up_turn, turns.TakeTurn(holder=self._holder))
            await self._gateway.close()
            await self._contacts.close()

    async def _rounds(self) -> None:
        while True:
            try:
                busy = await self._round()
            except Expected as error:  # the store is down: nothing was taken
                log.warning("sender.waits", error_code=error.code, exc_info=error)
                busy = False
            if not busy:
                await asyncio.sleep(LOOK_SECONDS)

    async def _round(self) -> bool:
        """Take one portion. False: there was nothing to do, or it is another's turn."""
        if self._all_down() or not await self._my_turn():
            return False
        sparing = any(one.tripped for one in self._breakers.values())
        ready = await self._service.store.read(Message, limit=PROBES if sparing else PORTION, stage=READY)
        lanes = asyncio.Semaphore(1 if sparing else AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for message in ready:
                await lanes.acquire()
                await asyncio.sleep(self._pace.wait_seconds())
                if not await self._my_turn():
                    break
                group.create_task(self._take(message, lanes))
        return bool(ready) and not sparing

    def _all_down(self) -> bool:
        return self._breakers[WHATSAPP].open and self._breakers[SMS].open

    async def _my_turn(self) -> bool:
        now = self._service.clock.now()
        if self._renew_at is not None and self._renew_at - LASTS <= now < self._renew_at:
            return True
        turn = await self._transact(turns.take_turn, turns.TakeTurn(holder=self._holder))
        self._renew_at = None if turn is None else turn.until - LASTS / 2
        return turn is not None

    async def _take(self, message: Message, lanes: asyncio.Semaphore) -> None:
        try:
            await self._send(message)
        except IntakeDown as error:
            self._breakers[INTAKE].failed()
            log.warning("sender.intake_down", error_code=error.code, message_id=message.id, exc_info=error)
            await self._put_off(message)
        except Expected as error:
            log.warning("sender.waits", error_code=error.code, message_id=message.id, exc_info=error)
            await self._put_off(message)
        except Exception as error:  # one message must not stop the others: counted, told, tried later
            measures.DEFECTS.labels("sender").inc()
            log.error("sender.failed", message_id=message.id, template=message.template, exc_info=error)
            await self._put_off(message)
        finally:
            lanes.release()

    async def _send(self, message: Message) -> None:
        contact = await self._contact(message)
        command = sending.Claim(
            message_id=message.id,
            reach=contact.reach if contact is not None else None,
            down=frozenset(name for name in (WHATSAPP, SMS) if self._breakers[name].open),
            again_at=self._service.clock.now() + REST,
            policy=self._policy,
        )
        claimed = await self._transact(sending.claim, command)
        if claimed is not None and contact is not None:
            await self._call(claimed, contact)

    async def _contact(self, message: Message) -> Contact | None:
        if message.recipient_role != PROGRAMME_OFFICER:
            if self._breakers[INTAKE].open:
                raise IntakeDown(intake="left alone for a while")
            contact = await self._contacts.of(message)
            self._breakers[INTAKE].answered()
            return contact
        return await self._contacts.of(message)

    async def _call(self, message: Message, contact: Contact) -> None:
        """The attempt is committed: whatever happens from here, its reference is sent to a person once."""
        channel, template = message.current.channel, self._policy.catalogue.templates[message.template]
        try:
            reply = await self._gateway.send(message, contact.phone, template)
        except ProviderDown as error:
            self._breakers[channel].failed()
            log.warning("sender.provider_down", error_code=error.code, message_id=message.id, exc_info=error)
            await self._note(message, accepted=False)
            return
        self._breakers[channel].answered()
        await self._note(message, accepted=reply.refused is None, refused=reply.refused)

    async def _note(self, message: Message, *, accepted: bool, refused: str | None = None) -> None:
        command = sending.NoteAnswer(
            message_id=message.id,
            number=message.current.number,
            accepted=accepted,
            refused=refused,
            again_at=self._service.clock.now() + REST,
            policy=self._policy,
        )
        await self._transact(sending.note_answer, command)

    async def _put_off(self, message: Message) -> None:
        until = self._service.clock.now() + REST
        try:
            await self._transact(
                sending.put_off, sending.PutOff(message_id=message.id, until=until, policy=self._policy)
            )
        except Expected as error:  # it stays ready, and is found again
            log.warning("sender.not_put_off", error_code=error.code, message_id=message.id, exc_info=error)

    async def _transact(self, handler: Callable[[C, Work], Awaitable[R]], command: C) -> R:
        fresh = ids.event_id()
        cause = Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=self._service.clock.now())
        return await self._service.store.transact(handler, command, cause)
