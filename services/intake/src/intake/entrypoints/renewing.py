"""The job of a service whose agency has a new key: persons and the register are brought under it, while all goes on."""

from collections.abc import Awaitable, Callable
from functools import partial

from chassis.renewing import keep_renewing, renew_all
from chassis.running import Service
from chassis.store import Store
from chassis.work import Cause
from intake.application.ports import Desk
from intake.application.renewing import print_anew, wrap_anew
from intake.domain.register import PersonKey, RegisterEntry


def renewing(desk: Desk) -> Callable[[Service], Awaitable[None]]:
    is_former = desk.vault.is_former

    async def persons(store: Store, cause: Cause) -> int:
        return await renew_all(
            store, PersonKey, lambda key: is_former(key.wrapped), partial(wrap_anew, desk=desk), cause
        )

    async def register(store: Store, cause: Cause) -> int:
        return await renew_all(
            store, RegisterEntry, lambda entry: is_former(entry.id), partial(print_anew, desk=desk), cause
        )

    async def run(service: Service) -> None:
        await keep_renewing(service.store, service.clock, persons, register)

    return run
