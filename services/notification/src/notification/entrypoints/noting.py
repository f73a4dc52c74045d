"""What became of calls: answers and receipts, which come at the same time and tell of the same messages.

Whatever comes while one unit of work commits is applied in the next one. Each in its own would meet the others' newer
versions and run again and again, and a commit costs as much as all else that is done for one message.
"""

import asyncio
from collections.abc import Sequence

from chassis import ids
from chassis.running import Service
from chassis.work import Cause, Work
from notification.application.receipts import TakeReceipt, take_receipt
from notification.application.sending import NoteAnswer, note_answer
from notification.domain.message import Message

TOGETHER = 300  # in one unit of work
Outcome = TakeReceipt | NoteAnswer
Waiting = tuple[Outcome, "asyncio.Future[None]"]


class Noting:
    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue()

    async def note(self, told: Sequence[Outcome]) -> None:
        """Returns when all of it is committed. What can't be applied costs only itself; the first such error is raised.

        Raises what the handlers raise, and Unavailable.
        """
        loop = asyncio.get_running_loop()
        noted = [(one, loop.create_future()) for one in told]
        for one in noted:
            self._waiting.put_nowait(one)
        errors = await asyncio.gather(*(future for _, future in noted), return_exceptions=True)
        for error in errors:
            if error is not None:
                raise error

    async def run(self, service: Service) -> None:
        """Lasts as long as the service."""
        while True:
            portion = [await self._waiting.get()]
            while len(portion) < TOGETHER and not self._waiting.empty():
                portion.append(self._waiting.get_nowait())
            fresh = ids.event_id()
            cause = Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=service.clock.now())
            errors: Sequence[Exception | None]
            try:
                errors = await service.store.transact(_apply, [outcome for outcome, _ in portion], cause)
            except Exception as error:  # the store's: whoever waits is told, and tells again
                errors = [error] * len(portion)
            for (_, future), failed in zip(portion, errors, strict=True):
                _settle(future, failed)


def _settle(future: "asyncio.Future[None]", failed: Exception | None) -> None:
    if future.done():
        return  # whoever waited is gone
    if failed is None:
        future.set_result(None)
    else:
        future.set_exception(failed)


async def _apply(told: Sequence[Outcome], work: Work) -> list[Exception | None]:
    """One after the other; the error of each that could not be."""
    await work.prefetch(Message, [one.message_id for one in told])
    errors: list[Exception | None] = []
    for one in told:
        mark = work.mark()
        try:
            await (take_receipt(one, work) if isinstance(one, TakeReceipt) else note_answer(one, work))
        except Exception as error:  # raised where it was told
            work.take_back(mark)
            errors.append(error)
        else:
            errors.append(None)
    return errors
