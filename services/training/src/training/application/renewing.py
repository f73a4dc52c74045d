"""What the agency's former key wrapped, wrapped anew by the one in use."""

from chassis.work import Work
from training.application.ports import Desk
from training.domain.card import PersonKey


async def wrap_anew(key_ids: list[str], work: Work, desk: Desk) -> None:
    """One that was erased meanwhile stays erased."""
    await work.prefetch(PersonKey, key_ids)
    for key_id in key_ids:
        key = await work.get(PersonKey, key_id)
        if key.wrapped is not None and desk.seals.is_former(key.wrapped):
            work.save(key.renew(desk.seals.wrapped_anew(key.wrapped, key.id)))
