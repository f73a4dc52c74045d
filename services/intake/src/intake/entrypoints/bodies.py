"""What officers send. One body per move, so that nothing is asked that a move does not need."""

from datetime import date
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from chassis.http import Body
from intake.domain import codes
from intake.domain.cases import Eligibility, Groundwork
from intake.domain.klien import Guardian, Home, Klien

StaffId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
AgencyCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
TextVersion = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
ProofRef = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/:-]{0,119}$")]
CaseRef = Annotated[str, StringConstraints(pattern=r"^prt_[a-z2-7]{26}$")]
MAY_BE_EMPTY = frozenset({"supervision_until", "alias", "nik", "phone", "guardian"})


class HomeBody(Body):
    kecamatan: str | None = None
    village: str | None = None
    village_kind: codes.VillageKind | None = None
    address: str | None = None

    def home(self) -> Home:
        return Home(**vars(self))


class GuardianBody(Body):
    full_name: str
    relation: str
    phone: str | None = None
    kind: codes.GuardianKind

    def guardian(self) -> Guardian:
        return Guardian(**vars(self))


class RegisterBody(Body):
    register_no: str
    sdp_ref: str | None = None
    basis_document: str
    handed_over_on: date
    supervision_basis: codes.SupervisionBasis
    supervision_until: date | None = None
    full_name: str
    alias: str | None = None
    nik: str | None = None
    birth_date: date
    sex: codes.Sex
    phone: str | None = None
    whatsapp_optin: bool
    phone_is_shared: bool
    home: HomeBody = HomeBody()
    education: codes.Education
    has_diploma: bool
    disability: tuple[codes.Disability, ...] = ()
    accommodation: tuple[codes.Accommodation, ...] = ()
    interest: tuple[codes.Field, ...] = ()
    guardian: GuardianBody | None = None
    in_custody: bool

    def klien(self) -> Klien:
        plain = {name: value for name, value in vars(self).items() if name != "in_custody"}
        guardian = None if self.guardian is None else self.guardian.guardian()
        return Klien(**{**plain, "home": self.home.home(), "guardian": guardian})


class Corrections(Body):
    """Only the members given change; null empties what may be empty."""

    supervision_basis: codes.SupervisionBasis | None = None
    supervision_until: date | None = None
    full_name: str | None = None
    alias: str | None = None
    nik: str | None = None
    birth_date: date | None = None
    sex: codes.Sex | None = None
    phone: str | None = None
    whatsapp_optin: bool | None = None
    phone_is_shared: bool | None = None
    home: HomeBody | None = None
    education: codes.Education | None = None
    has_diploma: bool | None = None
    disability: tuple[codes.Disability, ...] | None = None
    accommodation: tuple[codes.Accommodation, ...] | None = None
    interest: tuple[codes.Field, ...] | None = None
    guardian: GuardianBody | None = None
    in_custody: bool | None = None

    @model_validator(mode="after")
    def _nothing_lost(self) -> "Corrections":
        for name in self.model_fields_set - MAY_BE_EMPTY:
            if getattr(self, name) is None:
                raise ValueError(f"{name} may not be empty")
        return self

    def changes(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if self.home is not None:
            given["home"] = self.home.home()
        if self.guardian is not None:
            given["guardian"] = self.guardian.guardian()
        return given


class MoveBody(Body):
    """`made_at`: when an officer who was offline took it in."""

    expected_version: int
    made_at: AwareDatetime | None = None


class CorrectBody(MoveBody):
    corrections: Corrections


class AssignBody(MoveBody):
    officer_id: StaffId
    conflict_free: bool


class DecisionBody(MoveBody):
    outcome: codes.Outcome
    fields: tuple[codes.Field, ...] = ()
    valid_until: date | None = None
    reason_code: str | None = None
    review_board_heard_on: date

    def decision(self) -> Eligibility:
        return Eligibility(
            outcome=self.outcome.value,
            fields=tuple(field.value for field in self.fields),
            valid_until=self.valid_until,
            reason_code=self.reason_code,
        )


class DecideBody(DecisionBody):
    social_inquiry_on: date
    risk_assessed_on: date
    needs_assessed_on: date

    def groundwork(self) -> Groundwork:
        return Groundwork(
            social_inquiry_on=self.social_inquiry_on,
            risk_assessed_on=self.risk_assessed_on,
            needs_assessed_on=self.needs_assessed_on,
            review_board_heard_on=self.review_board_heard_on,
        )


class RedecideBody(DecisionBody):
    facts_changed: bool = False


class SuspendBody(MoveBody):
    reason_code: str | None = None


class ResumeBody(MoveBody):
    review_board_heard_on: date


class CloseBody(MoveBody):
    reason_code: str | None = None
    aftercare: bool


class SearchBody(Body):
    """In a body, never in an address: a register number reveals a person to every log on the way."""

    register_no: str = Field(min_length=1, max_length=120)


class AskBody(Body):
    case_ref: CaseRef
    agency: AgencyCode
    purpose: codes.Purpose
    text_version: TextVersion
    valid_until: date
    made_at: AwareDatetime | None = None


class GrantBody(MoveBody):
    given_by: tuple[codes.GivenBy, ...]
    channel: codes.ProofChannel
    proof_ref: ProofRef


class RefuseBody(MoveBody):
    """No reason: it is never asked, and a member that brings one is refused."""


class WithdrawBody(MoveBody):
    given_by: codes.GivenBy


class ReplaceBody(MoveBody):
    text_version: TextVersion
    valid_until: date
