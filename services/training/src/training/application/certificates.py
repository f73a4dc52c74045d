"""Certificates drafted, issued, registered, corrected, revoked, expired."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from chassis.calendar import day_of, end_of
from chassis.errors import Conflict, IllegalMove
from chassis.ids import new_id
from chassis.machine import NEW, SYSTEM, choose
from chassis.work import Duty, Work
from training.application.ports import Asked, Desk, must_be_as_seen
from training.application.telling import save_certificate
from training.domain import attendance
from training.domain.certificate import BNSP, MOVES, Certificate
from training.domain.enrolment import Enrolment
from training.domain.programme import Programme

EXPIRE = "certificate.expire"  # duty: the validity of a BNSP certificate is over


class AlreadyRegistered(Conflict):
    code, title = "already_registered", "Sertifikat kompetensi ini sudah tercatat"


@dataclass(frozen=True, kw_only=True)
class RegisterBnsp(Asked):
    enrolment_id: str
    number: str
    lsp: str
    expires_on: date


@dataclass(frozen=True, kw_only=True)
class MoveCertificate(Asked):
    certificate_id: str
    expected_version: int
    reason_code: str | None = None
    second_person: str | None = None


def draft_certificates(completed: Enrolment, programme: Programme, work: Work, desk: Desk) -> None:
    """What the result earned, to be signed by a person. Source: handbook, Certificate draft."""
    choose(MOVES, "draft", NEW, SYSTEM)
    enough = attendance.enough(completed.hours_present, completed.hours_scheduled, desk.rules.pass_percent)
    for kind in attendance.certificate_kinds(enough, completed.critical_passed(programme)):
        work.save(_of(completed, new_id("crt"), kind, "drafted"))


async def issue_certificate(command: MoveCertificate, work: Work, desk: Desk) -> Certificate:
    certificate = await _as_seen(command, work)
    after, told = certificate.issue(command.role, command.by, day_of(command.at))
    save_certificate(work, after, told)
    return after


async def register_bnsp(command: RegisterBnsp, work: Work, desk: Desk) -> Certificate:
    """Only what completed can have it. Raises NotFound, AlreadyRegistered and IllegalMove (409), Invalid (422)."""
    enrolment = await work.get(Enrolment, command.enrolment_id)
    seen = replace(
        _of(enrolment, new_id("crt"), BNSP, NEW),
        number=command.number,
        lsp=command.lsp,
        expires_on=command.expires_on,
    )
    certificate, told = seen.register(command.role, command.by, day_of(command.at), desk.rules)
    if enrolment.state != "completed":
        raise IllegalMove(state=enrolment.state, move="register-bnsp")
    known = await work.where(Certificate, enrolment_id=enrolment.id)
    if any((one.number, one.lsp) == (command.number, command.lsp) for one in known if one.state == "issued"):
        raise AlreadyRegistered(enrolment_id=enrolment.id)
    work.save(enrolment.note_certificate())  # two officers who register the same at once meet here
    save_certificate(work, certificate, told)
    _expire_on(certificate, work)
    return certificate


async def correct_certificate(command: MoveCertificate, work: Work, desk: Desk) -> Certificate:
    """The old one superseded, the new one issued, by two persons. Returns the new one."""
    certificate = await _as_seen(command, work)
    old, told_old, new, told_new = certificate.correct(
        command.role, command.by, command.second_person, command.reason_code, new_id("crt"), day_of(command.at)
    )
    save_certificate(work, old, told_old)
    save_certificate(work, new, told_new)
    work.unschedule(EXPIRE, old.id)
    if new.expires_on is not None:
        _expire_on(new, work)
    return new


async def revoke_certificate(command: MoveCertificate, work: Work, desk: Desk) -> Certificate:
    certificate = await _as_seen(command, work)
    after, told = certificate.revoke(command.role, command.reason_code)
    save_certificate(work, after, told)
    work.unschedule(EXPIRE, after.id)
    return after


async def expire_certificate(duty: Duty, work: Work) -> None:
    certificate = await work.get(Certificate, duty.subject)
    if certificate.state == "issued":
        after, told = certificate.expire()
        save_certificate(work, after, told)


def _expire_on(certificate: Certificate, work: Work) -> None:
    if certificate.expires_on is not None:
        work.schedule(EXPIRE, certificate.id, end_of(certificate.expires_on) + timedelta(seconds=1))


def _of(enrolment: Enrolment, id: str, kind: str, state: str) -> Certificate:
    return Certificate(
        id=id,
        state=state,
        kind=kind,
        enrolment_id=enrolment.id,
        referral_id=enrolment.referral_id,
        case_ref=enrolment.case_ref,
        from_agency=enrolment.from_agency,
        assessors=enrolment.assessors,
    )


async def _as_seen(command: MoveCertificate, work: Work) -> Certificate:
    certificate = await work.get(Certificate, command.certificate_id)
    must_be_as_seen(certificate, command.expected_version)
    return certificate
