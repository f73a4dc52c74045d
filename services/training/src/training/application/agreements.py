"""Agreements as the register tells them."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.work import Work
from training.domain.agreement import Agreement


@dataclass(frozen=True, kw_only=True)
class NoteAgreement:
    number: str
    heard_version: int
    kind: str
    senders: frozenset[str]
    trainers: frozenset[str]
    scope: frozenset[str]
    valid_from: date
    valid_until: date
    state: str


async def note_agreement(command: NoteAgreement, work: Work) -> None:
    """Keep the newest word of the register; an older one that comes late changes nothing."""
    known = await work.find(Agreement, command.number)
    if known is not None and command.heard_version <= known.heard_version:
        return
    fresh = Agreement(
        id=command.number,
        heard_version=command.heard_version,
        kind=command.kind,
        senders=command.senders,
        trainers=command.trainers,
        scope=command.scope,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
        state=command.state,
    )
    work.save(replace(fresh, version=known.version + 1) if known else fresh)
