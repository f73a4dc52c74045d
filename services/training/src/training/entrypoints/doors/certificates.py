"""Certificates: the signer's moves and the register of BNSP certificates."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from chassis.errors import UnknownMove
from chassis.http import PathId, move_of, problems
from chassis.shapes import Day
from training.application import certificates
from training.application.certificates import MoveCertificate, RegisterBnsp
from training.domain.certificate import Certificate
from training.entrypoints.doors.asking import AtDoor, MadeBody, Moved, StaffId, WantedId, ask, may, who

router = APIRouter(tags=["certificates"])

Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+([ ./-][A-Za-z0-9]+)*$", max_length=40)]


class BnspBody(MadeBody):
    number: Number
    lsp: Number
    expires_on: Day


class CertificateMove(Moved):
    second_person: StaffId | None = None


class CertificateView(BaseModel):
    """A result. No name: who prints it joins the card; no office and no basis: nobody can."""

    certificate_id: str
    enrolment_id: str
    kind: str
    state: str
    issued_on: date | None
    number: str | None
    lsp: str | None
    expires_on: date | None
    replaces: str | None
    replaced_by: str | None
    version: int


MOVES = {
    "issue": certificates.issue_certificate,
    "correct": certificates.correct_certificate,
    "revoke": certificates.revoke_certificate,
}


@router.get("/certificates", responses=problems())
async def list_certificates(enrolment_id: WantedId, asker: AtDoor) -> list[CertificateView]:
    """All certificates of an enrolment."""
    may(asker, "read certificates")
    return [_view(one) for one in await asker.store.read(Certificate, enrolment_id=enrolment_id)]


@router.get("/certificates/{certificate_id}", responses=problems(404))
async def get_certificate(certificate_id: PathId, asker: AtDoor) -> CertificateView:
    """One certificate, by its id."""
    may(asker, "read certificates")
    return _view(await asker.store.get(Certificate, certificate_id))


@router.post("/certificates/{certificate_id}/moves/{move}", responses=problems(404, 409))
async def move_certificate(
    certificate_id: PathId, move: Annotated[str, move_of(MOVES)], body: CertificateMove, asker: AtDoor
) -> CertificateView:
    """`correct` answers with the new certificate."""
    if move not in MOVES:
        raise UnknownMove()
    command = MoveCertificate(
        **who(asker, body.made_at),
        certificate_id=certificate_id,
        expected_version=body.expected_version,
        reason_code=body.reason_code,
        second_person=body.second_person,
    )
    return _view(await ask(asker, MOVES[move], command))


@router.post("/enrolments/{enrolment_id}/certificates", status_code=201, responses=problems(404, 409))
async def register_bnsp(enrolment_id: PathId, body: BnspBody, asker: AtDoor) -> CertificateView:
    """Enter a certificate of competence that another body issued."""
    command = RegisterBnsp(
        **who(asker, body.made_at),
        enrolment_id=enrolment_id,
        number=body.number,
        lsp=body.lsp,
        expires_on=body.expires_on,
    )
    return _view(await ask(asker, certificates.register_bnsp, command))


def _view(one: Certificate) -> CertificateView:
    return CertificateView(
        certificate_id=one.id,
        enrolment_id=one.enrolment_id,
        kind=one.kind,
        state=one.state,
        issued_on=one.issued_on,
        number=one.number,
        lsp=one.lsp,
        expires_on=one.expires_on,
        replaces=one.replaces,
        replaced_by=one.replaced_by,
        version=one.version,
    )
