"""A store whose commands have spans; it stands where the plain one stands when spans are on."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from chassis import ids
from chassis.database import Database
from chassis.kept import Kept
from chassis.outbox import Outbox
from chassis.spans import Spans, code_of, is_asked
from chassis.store import Store
from chassis.work import Cause, Work

C = TypeVar("C")
R = TypeVar("R")


class TracedStore(Store):
    def __init__(self, database: Database, kept: Sequence[Kept], outbox: Outbox, spans: Spans) -> None:
        super().__init__(database, kept, outbox)
        self._spans = spans

    async def transact(self, handler: Callable[[C, Work], Awaitable[R]], command: C, cause: Cause) -> R:
        """A command of a request is under it; any other begins a trace, and has a span if an officer is behind it or
        it says something: what looks every second whether there is work would fill the files."""
        begun_at, asked = self._spans.now(), is_asked(cause.traceparent)
        context = ids.child_of(cause.traceparent) if asked else cause.traceparent
        said, error_code = False, None

        async def noting(command: C, work: Work) -> R:
            nonlocal said
            result = await handler(command, work)
            said = bool(work.rows)
            return result

        try:
            return await super().transact(noting, command, replace(cause, traceparent=context))
        except Exception as error:
            error_code = code_of(error)
            raise
        finally:
            if asked or said or cause.actor is not None:
                under, name = cause.traceparent.split("-")[2] if asked else None, _name(handler)
                self._spans.tell("INTERNAL", f"command {name}", context, under, begun_at, {}, error_code)


def _name(handler: Any) -> str:
    """Of the function, also where some of its arguments are filled in already."""
    return str(getattr(handler, "func", handler).__name__)
