"""The sender: takes what is ready to the providers, portion by portion, with a commit before the calls and after."""

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
from notification.adapters import queries
from notification.adapters.breaker import Breaker, Pace
from notification.adapters.contacts import Contact, Contacts, IntakeDown
from notification.adapters.gateway import Gateway, ProviderDown
from notification.application import sending, turns
from notification.domain.message import PROGRAMME_OFFICER, SMS, WHATSAPP, Message
from notification.domain.policy import Policy
from notification.domain.turn import LASTS
from notification.entrypoints.noting import Noting

log = structlog.get_logger()
C = TypeVar("C")
R = TypeVar("R")

PORTION = 100  # messages of one unit of work at most
PORTION_SECONDS = 0.25  # and no more than go in that time: what is claimed can't be stopped any more
PORTIONS = 5  # claimed and not noted yet, at most: a slow store slows the calls, or it would not note them in time
PROBES = 5  # messages in one round while something that is called is down
AT_ONCE = 16  # requests under way, of each kind
LOOK_SECONDS = 0.3
INTAKE = "intake"
REST = timedelta(seconds=60)  # of what can't go now, or failed for a reason of ours


class Sender:
    """Runs beside the service. Of all replicas one sends at a time, below the agreed rate."""

    def __init__(self, policy: Policy, contacts: Contacts, gateway: Gateway, per_minute: int, noting: Noting) -> None:
        self._policy, self._contacts, self._gateway, self._per_minute = policy, contacts, gateway, per_minute
        self._holder = f"{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._noting = noting
        self._renew_at: datetime | None = None
        self._portion = max(1, min(PORTION, int(per_minute / 60 * PORTION_SECONDS)))
        self._in_hand: set[str] = set()
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, service: Service) -> None:
        """Until cancelled. Nothing is given up while something is down: it is probed, and messages wait."""
        now = asyncio.get_running_loop().time
        self._service = service
        self._breakers = {name: Breaker(now) for name in (INTAKE, WHATSAPP, SMS)}
        self._pace = Pace(self._per_minute, now)
        self._asking, self._calling = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
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
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    busy = await self._round(group)
                except Expected as error:  # the store is down: nothing was taken
                    log.warning("sender.waits", error_code=error.code, exc_info=error)
                    busy = False
                if not busy:
                    await asyncio.sleep(LOOK_SECONDS)

    async def _round(self, group: asyncio.TaskGroup) -> bool:
        """Begin one portion. False: there was nothing to do, or it is another's turn."""
        if self._all_down() or not await self._my_turn():
            return False
        if any(one.tripped for one in self._breakers.values()):
            for message in await queries.ready(self._service.store, PROBES, self._in_hand):
                await self._take([message])
            return False
        if len(self._under_way) >= PORTIONS:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        portion = await queries.ready(self._service.store, self._portion, self._in_hand)
        if portion:
            self._in_hand.update(message.id for message in portion)
            task = group.create_task(self._take(portion))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return bool(portion)

    def _all_down(self) -> bool:
        return self._breakers[WHATSAPP].open and self._breakers[SMS].open

    async def _my_turn(self) -> bool:
        now = self._service.clock.now()
        if self._renew_at is not None and self._renew_at - LASTS <= now < self._renew_at:
            return True
        turn = await self._transact(turns.take_turn, turns.TakeTurn(holder=self._holder))
        self._renew_at = None if turn is None else turn.until - LASTS / 2
        return turn is not None

    def _holds_turn(self) -> bool:
        """As far as it is known without asking the store."""
        now, until = self._service.clock.now(), self._renew_at
        return until is not None and until - LASTS <= now < until + LASTS / 2

    async def _take(self, portion: list[Message]) -> None:
        """What goes wrong with one must not stop the others: then they are taken one by one."""
        try:
            await self._send(portion)
        except Exception as error:
            if len(portion) > 1:
                log.warning("sender.one_by_one", exc_info=error)
                for message in portion:
                    await self._take([message])
                return
            if isinstance(error, Expected):
                log.warning("sender.waits", error_code=error.code, message_id=portion[0].id, exc_info=error)
            else:  # counted, told, tried later
                measures.DEFECTS.labels("sender").inc()
                log.error("sender.failed", message_id=portion[0].id, template=portion[0].template, exc_info=error)
            await self._put_off(portion)
        finally:
            self._in_hand.difference_update(message.id for message in portion)

    async def _send(self, portion: list[Message]) -> None:
        contacts = await self._ask(portion)
        command = sending.Claim(
            reaches={id: None if contact is None else contact.reach for id, contact in contacts.items()},
            down=frozenset(name for name in (WHATSAPP, SMS) if self._breakers[name].open),
            again_at=self._service.clock.now() + REST,
            policy=self._policy,
        )
        phones = {id: contact.phone for id, contact in contacts.items() if contact is not None}
        answers = await self._call_all(await self._transact(sending.claim, command), phones)
        try:
            await self._noting.note(answers)
        except Expected as error:  # it stays claimed: its duty has it called again, under the same reference
            log.warning("sender.not_noted", error_code=error.code, exc_info=error)

    async def _ask(self, portion: list[Message]) -> dict[str, Contact | None]:
        """Contacts by message. Those for which intake can't be asked are put off."""
        found: dict[str, Contact | None] = {}
        unasked: list[Message] = []

        async def ask(message: Message) -> None:
            async with self._asking:
                try:
                    found[message.id] = await self._contact(message)
                except IntakeDown as error:
                    self._breakers[INTAKE].failed()
                    log.warning("sender.intake_down", error_code=error.code, message_id=message.id, exc_info=error)
                    unasked.append(message)

        await asyncio.gather(*(ask(message) for message in portion))
        if unasked:
            await self._put_off(unasked)
        return found

    async def _contact(self, message: Message) -> Contact | None:
        if message.recipient_role != PROGRAMME_OFFICER:
            if self._breakers[INTAKE].open:
                raise IntakeDown(intake="left alone for a while")
            contact = await self._contacts.of(message)
            self._breakers[INTAKE].answered()
            return contact
        return await self._contacts.of(message)

    async def _call_all(self, claimed: list[Message], phones: dict[str, str]) -> list[sending.NoteAnswer]:
        """One call after the other at the agreed pace. Those left when the turn is lost are found by their duties."""
        answers: list[sending.NoteAnswer] = []

        async def call(message: Message) -> None:
            try:
                answers.append(await self._call(message, phones[message.id]))
            except Exception as error:  # its duty finds it, and it is called again
                measures.DEFECTS.labels("sender").inc()
                log.error("sender.failed", message_id=message.id, template=message.template, exc_info=error)
            finally:
                self._calling.release()

        async with asyncio.TaskGroup() as group:
            for message in claimed:
                await self._calling.acquire()
                await asyncio.sleep(self._pace.wait_seconds())
                if not self._holds_turn():
                    self._calling.release()
                    break
                group.create_task(call(message))
        return answers

    async def _call(self, message: Message, phone: str) -> sending.NoteAnswer:
        """The attempt is committed: whatever happens from here, its reference is sent to a person once."""
        channel, template = message.current.channel, self._policy.catalogue.templates[message.template]
        if self._breakers[channel].open:  # since it was claimed
            return self._answer(message, accepted=False)
        try:
            reply = await self._gateway.send(message, phone, template)
        except ProviderDown as error:
            self._breakers[channel].failed()
            log.warning("sender.provider_down", error_code=error.code, message_id=message.id, exc_info=error)
            return self._answer(message, accepted=False)
        self._breakers[channel].answered()
        return self._answer(message, accepted=reply.refused is None, refused=reply.refused)

    def _answer(self, message: Message, *, accepted: bool, refused: str | None = None) -> sending.NoteAnswer:
        return sending.NoteAnswer(
            message_id=message.id,
            number=message.current.number,
            accepted=accepted,
            refused=refused,
            again_at=self._service.clock.now() + REST,
            policy=self._policy,
        )

    async def _put_off(self, portion: list[Message]) -> None:
        ids = [message.id for message in portion]
        until = self._service.clock.now() + REST
        try:
            await self._transact(sending.put_off, sending.PutOff(message_ids=ids, until=until, policy=self._policy))
        except Expected as error:  # they stay ready, and are found again
            log.warning("sender.not_put_off", error_code=error.code, message_id=ids[0], exc_info=error)

    async def _transact(self, handler: Callable[[C, Work], Awaitable[R]], command: C) -> R:
        fresh = ids.event_id()
        cause = Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=self._service.clock.now())
        return await self._service.store.transact(handler, command, cause)
