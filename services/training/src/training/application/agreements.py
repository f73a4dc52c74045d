"""Agreements as the registers tell them."""

from dataclasses import dataclass

from chassis.work import Work
from training.domain.agreement import Agreement, Word


@dataclass(frozen=True, kw_only=True)
class NoteAgreement:
    number: str
    word: Word


async def note_agreement(command: NoteAgreement, work: Work) -> None:
    """Keep the newest word of each register; an older one that comes late changes nothing."""
    known = await work.find(Agreement, command.number) or Agreement(id=command.number)
    after = known.hear(command.word)
    if after is not known:
        work.save(after)
