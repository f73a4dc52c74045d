"""The job of a service whose agency has a new key: persons' keys are brought under it, while all goes on."""

from collections.abc import Awaitable, Callable
from functools import partial

from chassis.renewing import keep_renewing, renew_all
from chassis.running import Service
from chassis.store import Store
from chassis.work import Cause
from training.application.ports import Desk
from training.application.renewing import wrap_anew
from training.domain.card import PersonKey


def renewing(desk: Desk) -> Callable[[Service], Awaitable[None]]:
    def is_former(key: PersonKey) -> bool:
        return key.wrapped is not None and desk.seals.is_former(key.wrapped)

    async def persons(store: Store, cause: Cause) -> int:
        return await renew_all(store, PersonKey, is_former, partial(wrap_anew, desk=desk), cause)

    async def run(service: Service) -> None:
        await keep_renewing(service.store, service.clock, persons)

    return run
