"""What the agency's former key made, made anew under the one in use."""

from chassis.work import Work
from intake.application.ports import Desk
from intake.domain.register import PersonKey, RegisterEntry


async def wrap_anew(case_refs: list[str], work: Work, desk: Desk) -> None:
    """The keys of these persons; one that was erased meanwhile stays erased."""
    await work.prefetch(PersonKey, case_refs)
    for case_ref in case_refs:
        key = await work.find(PersonKey, case_ref)
        if key is not None and desk.vault.is_former(key.wrapped):
            work.save(key.renew(desk.vault.wrapped_anew(key.wrapped, key.id)))


async def print_anew(prints: list[str], work: Work, desk: Desk) -> None:
    """These entries of the register; one may stand there under the key in use already."""
    anew = {print_: desk.vault.printed_anew(print_) for print_ in prints}
    await work.prefetch(RegisterEntry, [*anew, *anew.values()])
    for print_, new in anew.items():
        entry = await work.find(RegisterEntry, print_)
        if entry is None:
            continue
        work.remove(entry)
        if await work.find(RegisterEntry, new) is None:
            content = desk.vault.printed_anew(entry.content)
            work.save(RegisterEntry(id=new, version=1, case_ref=entry.case_ref, content=content))
