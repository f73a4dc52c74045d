"""Erasing a person: the key goes at once, every agency that knows them is asked, their receipts are counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.calendar import day_of
from chassis.errors import NotYet
from chassis.ids import new_id
from chassis.work import Duty, Work
from intake.application.cases import MoveCase
from intake.application.consents import end_by_erasure
from intake.application.persons import case_at
from intake.application.ports import Desk
from intake.domain.cases import Case
from intake.domain.codes import HEAD
from intake.domain.erasures import Erasure, begin
from intake.domain.ledger import Ledger
from intake.domain.register import PersonKey, RegisterEntry
from intake.wire import ErasureAsked, ErasureBegun, ErasureClosed, ErasureOverdue

DEADLINE = "erasure.deadline"  # duty: a receipt is missing when the days are over
_PAST = timedelta(seconds=1)  # a deadline is missed in the second after it


@dataclass(frozen=True, kw_only=True)
class EraseCase(MoveCase):
    reason_code: str | None


@dataclass(frozen=True, kw_only=True)
class EraseAgain:
    """As the own topic tells of it."""

    erasure_id: str
    case_ref: str
    reason_code: str
    asked_at: datetime


@dataclass(frozen=True, kw_only=True)
class TakeInErasure:
    """`agency`: who says so."""

    erasure_id: str
    agency: str
    erased_at: datetime


async def erase_case(command: EraseCase, work: Work, desk: Desk) -> Case:
    """In one commit all that leads to the person goes, and whoever knows them is asked.

    Raises NotFound (404), StaleVersion, IllegalMove and AftercareRuns (409), NotAllowed (403), Invalid (422).
    """
    case = await case_at(command.case_ref, command.expected_version, work)
    after = case.erase(role=command.role, reason_code=command.reason_code)
    work.save(after)
    await _forget(case.id, work)
    await end_by_erasure(case.id, command.at, work)
    erasure = begin(
        new_id("era"),
        case.id,
        role=command.role,
        reason_code=command.reason_code,
        at=command.at,
        rules=desk.rules.on(day_of(command.at)),
    )
    begun = ErasureBegun(
        erasure_id=erasure.id, case_ref=case.id, reason_code=erasure.reason_code, erase_by=erasure.erase_by
    )
    work.save(erasure, begun)
    await _ask(erasure, work)
    return after


async def erase_again(command: EraseAgain, work: Work, desk: Desk) -> None:
    """Nothing, but in a store that was put back: whoever was asked after the backup owes or owed a receipt."""
    if await work.find(Erasure, command.erasure_id) is not None:
        return
    case = await work.find(Case, command.case_ref)
    if case is None:
        return  # registered after the backup: nothing of the person is here
    work.save(case.erase_again())
    await _forget(case.id, work)
    await end_by_erasure(case.id, command.asked_at, work)
    rules = desk.rules.on(day_of(command.asked_at))
    erasure = begin(
        command.erasure_id, case.id, role=HEAD, reason_code=command.reason_code, at=command.asked_at, rules=rules
    )
    for agency in sorted((await work.get(Ledger, case.id)).refs):
        erasure = erasure.ask(agency)
    if erasure.is_proved:  # no agency knew the person: that was told at the time
        work.save(erasure.close(command.asked_at))
        return
    work.save(erasure)
    work.schedule(DEADLINE, erasure.id, erasure.erase_by + _PAST)


async def take_in_erasure(command: TakeInErasure, work: Work) -> None:
    """An agency erased; a repeated receipt changes nothing. Raises NotAllowed (403), and NotYet: in a store that was
    put back the receipt may come before the erasure."""
    erasure = await work.find(Erasure, command.erasure_id)
    if erasure is None:
        raise NotYet(kind="erasure", id=command.erasure_id[:60])
    after = erasure.confirm(command.agency, command.erased_at)
    if after is erasure:
        return
    work.save(after)
    _close_if_proved(after, work)


async def miss_erase_deadline(duty: Duty, work: Work) -> None:
    """Who has not erased is named."""
    erasure = await work.get(Erasure, duty.subject)
    if erasure.state != "open":
        return
    after = erasure.pass_deadline()
    overdue = ErasureOverdue(
        erasure_id=after.id,
        case_ref=after.case_ref,
        missing=tuple(sorted(after.missing)),
        late_seconds=duty.late_seconds,
    )
    work.save(after, overdue)


async def _forget(case_ref: str, work: Work) -> None:
    """The key, in backups the end of all that it sealed, and the prints of the person's numbers in the register."""
    key = await work.find(PersonKey, case_ref)
    if key is not None:
        work.remove(key)
    for entry in await work.where(RegisterEntry, case_ref=case_ref):
        work.remove(entry)


async def _ask(erasure: Erasure, work: Work) -> None:
    ledger = await work.get(Ledger, erasure.case_ref)
    for agency, ref in sorted(ledger.refs.items()):
        erasure = erasure.ask(agency)
        asked = ErasureAsked(erasure_id=erasure.id, case_ref=ref, erase_by=erasure.erase_by)
        work.save(erasure, asked, to=agency)
    work.schedule(DEADLINE, erasure.id, erasure.erase_by + _PAST)
    _close_if_proved(erasure, work)


def _close_if_proved(erasure: Erasure, work: Work) -> None:
    if not erasure.is_proved:
        return
    after = erasure.close(work.cause.at)
    work.save(after, ErasureClosed(erasure_id=after.id, case_ref=after.case_ref, closed_at=work.cause.at))
    work.unschedule(DEADLINE, after.id)
