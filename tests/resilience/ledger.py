"""A service that keeps what it is told as it is told, members of any name and form included; runs in the test itself.

`mended=False`: the handler has a fault that a later release mends: an entry for BAKERY fails after its first write.
An entry for BARISTA waits for the file `oven` to exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.consuming import Listener
from chassis.errors import NotYet
from chassis.http import Body, Edge, edge, problems
from chassis.kept import Kept
from chassis.running import Builds, Parts
from chassis.settings import ChassisSettings
from chassis.wire import Heard
from chassis.work import Work


class Settings(ChassisSettings):
    model_config = SettingsConfigDict(env_prefix="LEDGER_", frozen=True)
    oven: Path = Path("/nonexistent")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The newest that was heard of one referral: `news` is the version its owner gave it."""

    id: str
    version: int
    news: int = 0
    heard: tuple[str, ...] = ()
    free: Mapping[str, Any]


class Requested(Heard):
    TYPE: ClassVar[str] = "id.basudara.referral.referral.requested.v1"
    referral_id: str
    field: str
    free: dict[str, Any] = Field(default_factory=dict)


class Keep(Body):
    id: str
    free: dict[str, Any]


def built(*, mended: bool) -> Builds:
    def build(settings: Settings) -> Parts:
        listener, router = Listener("training", "placements"), APIRouter()

        @listener.to(Requested, loads=lambda event: [(Entry, event.referral_id)])
        async def keep_what_is_heard(event: Requested, work: Work) -> None:
            assert work.cause.event is not None
            if event.field == "BARISTA" and not settings.oven.exists():
                raise NotYet(kind="oven")
            told = work.cause.event
            known = await work.find(Entry, event.referral_id)
            if known is not None and told.aggregateversion <= known.news:
                return  # the owner has said something newer already
            work.save(
                Entry(
                    id=event.referral_id,
                    version=known.version + 1 if known else 1,
                    news=told.aggregateversion,
                    heard=(*(known.heard if known else ()), told.id),
                    free=event.free,
                )
            )
            if event.field == "BAKERY" and not mended:
                raise ZeroDivisionError

        async def keep(body: Keep, work: Work) -> None:
            work.save(Entry(id=body.id, version=1, free=body.free))

        @router.post("/entries", status_code=201, responses=problems(422))
        async def ask(body: Keep, at: Annotated[Edge, Depends(edge)]) -> None:
            await at.store.transact(keep, body, at.cause)

        @router.get("/entries/{id}", responses=problems(404))
        async def show(id: str, at: Annotated[Edge, Depends(edge)]) -> dict[str, Any]:
            return dict((await at.store.get(Entry, id)).free)

        return Parts(
            title="Ledger", description="Keeps what it is told", routers=[router], listener=listener,
            kept=[Kept(Entry, "entries")],
        )  # fmt: skip

    return build
