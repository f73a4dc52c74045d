"""What all routes share: the shapes of codes, and calling one handler with the desk."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, Query
from pydantic import Field, StringConstraints

from chassis.errors import Invalid
from chassis.http import Body, Edge, MoveBody, edge
from chassis.shapes import Instant, Whole
from chassis.work import Work
from training.application.ports import Desk
from training.domain.rights import allow

C = TypeVar("C")
R = TypeVar("R")

AtDoor = Annotated[Edge, Depends(edge)]

CODE, STAFF, PLACE = r"^[A-Z0-9]+(-[A-Z0-9]+)*$", r"^[a-z][a-z0-9-]{1,39}$", r"^[a-z][a-z0-9-]{1,39}$"
Code = Annotated[str, StringConstraints(pattern=CODE, max_length=32)]
SessionCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$", max_length=60)]
StaffId = Annotated[str, StringConstraints(pattern=STAFF)]
PlaceCode = Annotated[str, StringConstraints(pattern=PLACE)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
EnrolmentId = Annotated[str, StringConstraints(pattern=r"^enr_[a-z2-7]{26}$")]
Hours = Annotated[Whole, Field(ge=0, le=24)]
FieldCode = Literal[
    "SEWING", "WELDING", "CATERING", "BAKERY", "BARISTA", "CARPENTRY", "AQUACULTURE", "FISH_PROCESSING",
    "SAGO_PROCESSING", "HANDICRAFT", "HYDROPONICS", "MOTORCYCLE", "COMPUTER", "HAIRDRESSING",
]  # fmt: skip
Wanted = Annotated[str | None, Query(max_length=60)]
WantedId = Annotated[str, Query(max_length=60)]

Asked = Body
Moved = MoveBody


class MadeBody(Body):
    """Base of bodies that make something new. `made_at`: when an officer who was offline did it."""

    made_at: Instant | None = None


def who(asker: Edge, made_at: datetime | None = None) -> dict[str, Any]:
    """The members of every command that say who asks, and when it was decided. Raises Invalid (422)."""
    if made_at is not None and asker.at - made_at > timedelta(days=asker.settings.offline_days_max):
        raise Invalid(field="made_at", rule="longer ago than anybody is offline")
    return {"role": asker.actor.role, "by": asker.actor.subject, "at": asker.made_at(made_at)}


async def ask(asker: Edge, handler: Callable[[C, Work, Desk], Awaitable[R]], command: C) -> R:
    """One unit of work around one handler. Raises what the handler raises."""
    desk: Desk = asker.tools.desk

    async def handle(given: C, work: Work) -> R:
        return await handler(given, work, desk)

    return await asker.store.transact(handle, command, asker.cause)


def wanted(**members: str | None) -> dict[str, Any]:
    """Only what the query names."""
    return {name: value for name, value in members.items() if value}


def may(asker: Edge, *rights: str) -> str:
    """The role of the asker. Raises NotAllowed (403) unless it holds one of these rights."""
    allow(asker.actor.role, *rights)
    return asker.actor.role
