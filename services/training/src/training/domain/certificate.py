"""Certificates: what a completed enrolment earned. They show a result; no office, basis or name is in them."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.errors import Conflict, Invalid, MissingFact, NotAllowed
from chassis.machine import NEW, SYSTEM, Move, choose, roles, states
from training.domain.rules import Rules
from training.domain.told import Told

BNSP = "BNSP_COMPETENCE"
SIGNERS = roles("head_of_opd", "training_host")

MOVES = {
    "draft": Move(states(NEW), "drafted", roles(SYSTEM)),
    "issue": Move(states("drafted"), "issued", SIGNERS, "certificate.issued"),
    "register-bnsp": Move(states(NEW), "issued", roles("programme_officer"), "certificate.registered"),
    "correct": Move(
        states("issued"), "superseded", SIGNERS, "certificate.superseded", frozenset({"ERROR_IN_RECORD", "LOST"})
    ),
    "revoke": Move(
        states("issued"), "revoked", roles("head_of_opd"), "certificate.revoked", frozenset({"FRAUD", "WRONG_PERSON"})
    ),
    "expire": Move(states("issued"), "expired", roles(SYSTEM), "certificate.expired"),
}


class SignedByAssessor(NotAllowed):
    code, title = "signer_was_assessor", "Penanda tangan tidak boleh asesornya"


class NoSecondPerson(Conflict):
    code, title = "second_person", "Perlu orang kedua yang berbeda"


class NeverExpires(Conflict):
    code, title = "never_expires", "Hanya sertifikat kompetensi yang berakhir masa berlakunya"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """`number`, `lsp`, `expires_on` belong to BNSP_COMPETENCE only."""

    id: str
    version: int = 1
    state: str
    kind: str
    enrolment_id: str
    referral_id: str
    case_ref: str
    from_agency: str
    assessors: frozenset[str]
    issued_on: date | None = None
    issued_by: str | None = None
    number: str | None = None
    lsp: str | None = None
    expires_on: date | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    reason_code: str | None = None

    def issue(self, role: str, signer: str, today: date) -> tuple["Certificate", Told]:
        """Raises what `choose` raises, SignedByAssessor (403)."""
        move = choose(MOVES, "issue", self.state, role)
        self._must_not_have_assessed(signer)
        return self._after(move, issued_on=today, issued_by=signer), Told(
            move.told, {"kind": self.kind, "issued_on": today}
        )

    def register(self, role: str, officer: str, today: date, rules: Rules) -> tuple["Certificate", Told]:
        """Note a BNSP certificate that was seen. Raises what `choose` raises, Invalid (422)."""
        move = choose(MOVES, "register-bnsp", self.state, role)
        if not self.number or not self.lsp or self.expires_on is None:
            raise MissingFact(fact="number, lsp, expires_on")
        if not today < self.expires_on <= _years_after(today, rules.bnsp_years_max):
            raise Invalid(field="expires_on", rule=f"after today, within {rules.bnsp_years_max} years")
        registered = replace(self, state="issued", issued_on=today, issued_by=officer)
        return registered, Told(move.told, registered.bnsp_facts)

    def correct(
        self, role: str, signer: str, second_person: str | None, reason_code: str | None, new_id: str, today: date
    ) -> tuple["Certificate", Told, "Certificate", Told]:
        """The old one superseded, the new one issued. Raises what `choose` raises, NoSecondPerson, SignedByAssessor."""
        move = choose(MOVES, "correct", self.state, role, reason_code)
        if not second_person or second_person == signer:
            raise NoSecondPerson(certificate_id=self.id)
        self._must_not_have_assessed(signer)
        new = replace(self, id=new_id, version=1, issued_on=today, issued_by=signer, replaces=self.id, reason_code=None)
        told_new = (
            Told("certificate.registered", new.bnsp_facts)
            if self.kind == BNSP
            else Told("certificate.issued", {"kind": self.kind, "issued_on": today})
        )
        old = self._after(move, replaced_by=new_id, reason_code=reason_code)
        return old, Told(move.told, {"replaced_by": new_id, "reason_code": reason_code}), new, told_new

    def revoke(self, role: str, reason_code: str | None) -> tuple["Certificate", Told]:
        """For fraud or a wrong person; never for a new offence: no code says that."""
        move = choose(MOVES, "revoke", self.state, role, reason_code)
        return self._after(move, reason_code=reason_code), Told(move.told, {"reason_code": reason_code})

    def expire(self) -> tuple["Certificate", Told]:
        move = choose(MOVES, "expire", self.state, SYSTEM)
        if self.kind != BNSP:
            raise NeverExpires(certificate_id=self.id)
        return self._after(move), Told(move.told, {"expired_on": self.expires_on})

    @property
    def bnsp_facts(self) -> dict[str, object]:
        return {"kind": BNSP, "number": self.number, "lsp": self.lsp, "expires_on": self.expires_on}

    def _must_not_have_assessed(self, signer: str) -> None:
        if signer in self.assessors:
            raise SignedByAssessor(certificate_id=self.id)

    def _after(self, move: Move, **changes: object) -> "Certificate":
        return replace(self, state=move.ends or self.state, version=self.version + 1, **changes)  # type: ignore[arg-type]


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
