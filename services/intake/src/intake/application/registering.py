"""Registration and correction of what is known of a person."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chassis.calendar import day_of
from chassis.errors import Conflict
from chassis.ids import new_id
from chassis.work import Work
from intake.application.persons import case_at, person_of
from intake.application.ports import Desk, Prints
from intake.domain.ages import is_minor
from intake.domain.cases import Case, register, told_of
from intake.domain.checks import Finding, examine, settled
from intake.domain.klien import Klien
from intake.domain.ledger import first_page
from intake.domain.register import PersonKey, RegisterEntry
from intake.wire import CaseRegistered


class ToldToOthers(Conflict):
    code, title = "told_to_others", "Isian ini sudah dipakai layanan lain; tutup perkara dan daftarkan kembali"


@dataclass(frozen=True, kw_only=True)
class RegisterCase:
    klien: Klien
    in_custody: bool
    role: str
    by: str  # staff code of the registering officer
    at: datetime


@dataclass(frozen=True, kw_only=True)
class CorrectCase:
    """`changes`: members of Klien, and `in_custody`, with their new values."""

    case_ref: str
    expected_version: int
    changes: Mapping[str, Any]
    role: str
    at: datetime


async def register_case(command: RegisterCase, work: Work, desk: Desk) -> tuple[Case, tuple[Finding, ...]]:
    """Open a case; returns it with the warnings.

    Raises BadKlien (422), AlreadyRegistered (409) which knows whether the content is the same, NotAllowed (403).
    """
    day = day_of(command.at)
    rules = desk.rules.on(day)
    klien = settled(command.klien)
    case_ref = new_id("prt")
    key = PersonKey(id=case_ref, version=1, wrapped=desk.vault.new_key(case_ref))
    case = register(
        case_ref,
        desk.vault.seal(klien, case_ref, key.wrapped),
        told_of(klien, day, rules),
        role=command.role,
        by=command.by,
        has_nik=klien.nik is not None,
        in_custody=command.in_custody,
    )
    warnings = examine(klien, day, rules, desk.areas)
    await _enter(klien, case_ref, desk.vault.content(klien, command.in_custody), work, desk)
    work.save(key)
    work.save(first_page(case_ref))
    work.save(case, CaseRegistered.of(case))
    return case, warnings


async def _enter(klien: Klien, case_ref: str, content: Prints, work: Work, desk: Desk) -> None:
    """The numbers that stand in a register once. Raises AlreadyRegistered (409).

    While the agency's key is replaced a number is entered under the next key too: replicas that use that one already
    meet the twin there.
    """
    for field, number in (("register_no", klien.register_no), ("sdp_ref", klien.sdp_ref)):
        if number is None:
            continue
        prints = desk.vault.fingerprint(field, number)
        for print_ in prints.known:
            before = await work.find(RegisterEntry, print_)
            if before is not None:
                raise before.refuse_twin(field, same_content=before.content in content.known)
        for print_, whole in zip(prints.entered, content.entered, strict=True):
            work.save(RegisterEntry(id=print_, version=1, case_ref=case_ref, content=whole))


async def correct_case(command: CorrectCase, work: Work, desk: Desk) -> tuple[Case, tuple[Finding, ...]]:
    """Correct what is known of a person, for example a NIK that Dukcapil found; returns the warnings too.

    Facts that other services were told at registration can't change here. Raises ToldToOthers and StaleVersion (409),
    BadKlien (422), NotAllowed (403).
    """
    case = await case_at(command.case_ref, command.expected_version, work)
    day = day_of(command.at)
    rules = desk.rules.on(day)
    changes = dict(command.changes)
    in_custody = changes.pop("in_custody", case.in_custody)
    before = await person_of(case, work, desk)
    klien = replace(before, **changes)
    if not is_minor(klien.birth_date, day, rules):
        klien = replace(klien, guardian=None)  # guardian access ends with the 18th birthday
    klien = settled(klien)
    key = await work.get(PersonKey, case.id)
    sealed = desk.vault.seal(klien, case.id, key.wrapped)
    after = case.correct(sealed, case.told, has_nik=klien.nik is not None, in_custody=in_custody, role=command.role)
    warnings = examine(klien, day, rules, desk.areas)
    if told_of(klien, day, rules) != told_of(before, day, rules):
        raise ToldToOthers(case_ref=case.id)
    work.save(after)
    return after, warnings
