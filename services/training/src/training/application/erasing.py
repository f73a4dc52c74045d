"""Erasing a person at the sender's word: what still runs stops, cards and key go, the receipt is given."""

from dataclasses import dataclass

from chassis.errors import NotAllowed
from chassis.work import Work
from training import wire
from training.application.cards import erase_for_good
from training.application.followups import stop_followups
from training.application.placements import stop_and_end
from training.application.ports import Desk
from training.domain.enrolment import Enrolment
from training.domain.erasure import Erasure
from training.domain.placement import Placement

_UNAVAILABLE = "PARTICIPANT_UNAVAILABLE"  # why the sender erases is its own affair: here it is one more absence


@dataclass(frozen=True, kw_only=True)
class ErasePerson:
    erasure_id: str
    case_ref: str
    from_agency: str


async def erase_person(command: ErasePerson, work: Work, desk: Desk) -> None:
    """Within one commit, also where nothing was here; told again, nothing happens.

    Raises NotAllowed (403) where the person is another sender's.
    """
    if await work.find(Erasure, command.erasure_id) is not None:
        return
    placements = await work.where(Placement, case_ref=command.case_ref)
    enrolments = await work.where(Enrolment, case_ref=command.case_ref)
    senders = {one.from_agency for one in placements} | {one.from_agency for one in enrolments}
    if senders - {command.from_agency}:
        raise NotAllowed(erasure_id=command.erasure_id, agency=command.from_agency)
    reached = {one.id for one in enrolments if one.state == "completed"}  # nothing runs there, and it stays reached
    for placement in placements:
        if placement.is_open and placement.enrolment_id not in reached:
            await stop_and_end(placement, _UNAVAILABLE, work, desk)
    await stop_followups(command.case_ref, command.from_agency, work)
    await erase_for_good(command.case_ref, work.cause.at, work)
    erasure = Erasure(
        id=command.erasure_id,
        case_ref=command.case_ref,
        from_agency=command.from_agency,
        erased_at=work.cause.at,
    )
    receipt = wire.ErasureDone(erasure_id=erasure.id, case_ref=erasure.case_ref, erased_at=erasure.erased_at)
    work.save(erasure, receipt, to=erasure.from_agency)
