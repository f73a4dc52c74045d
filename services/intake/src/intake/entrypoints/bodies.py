"""What officers send. One body per move, so that nothing is asked that a move does not need."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from chassis.http import Body
from chassis.shapes import Day, Instant, Version, YesNo
from intake.domain import codes
from intake.domain.cases import Eligibility, Groundwork
from intake.domain.klien import Guardian, Home, Klien

StaffId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
AgencyCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
TextVersion = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
ProofRef = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/:-]{0,119}$")]
CaseRef = Annotated[str, StringConstraints(pattern=r"^prt_[a-z2-7]{26}$")]
# wider than the rules of `domain.checks`, which judge what is left when outer blanks and separators are gone
Line = Annotated[str, StringConstraints(max_length=200)]
Address = Annotated[str, StringConstraints(max_length=400)]
Nik = Annotated[str, StringConstraints(max_length=40), Field(description="16 digits", examples=["8171991203990001"])]
Phone = Annotated[str, StringConstraints(max_length=40), Field(description="an Indonesian mobile number")]
Kecamatan = Annotated[str, StringConstraints(max_length=20), Field(description="a code of the table of kecamatan")]
ReasonCode = Annotated[str, StringConstraints(max_length=60), Field(description="a code of those that the move takes")]
MAY_BE_EMPTY = frozenset({"supervision_until", "alias", "nik", "phone", "guardian"})


class HomeBody(Body):
    kecamatan: Kecamatan | None = None
    village: Line | None = None
    village_kind: codes.VillageKind | None = None
    address: Address | None = None

    def home(self) -> Home:
        return Home(**vars(self))


class GuardianBody(Body):
    full_name: Line
    relation: Line
    phone: Phone | None = None
    kind: codes.GuardianKind

    def guardian(self) -> Guardian:
        return Guardian(**vars(self))


class RegisterBody(Body):
    register_no: Line
    sdp_ref: Line | None = None
    basis_document: Line
    handed_over_on: Day
    supervision_basis: codes.SupervisionBasis
    supervision_until: Day | None = None
    full_name: Line
    alias: Line | None = None
    nik: Nik | None = None
    birth_date: Day
    sex: codes.Sex
    phone: Phone | None = None
    whatsapp_optin: YesNo
    phone_is_shared: YesNo
    home: HomeBody = HomeBody()
    education: codes.Education
    has_diploma: YesNo
    disability: Annotated[tuple[codes.Disability, ...], Field(max_length=20)] = ()
    accommodation: Annotated[tuple[codes.Accommodation, ...], Field(max_length=20)] = ()
    interest: Annotated[tuple[codes.Field, ...], Field(max_length=20)] = ()
    guardian: GuardianBody | None = None
    in_custody: YesNo

    def klien(self) -> Klien:
        plain = {name: value for name, value in vars(self).items() if name != "in_custody"}
        guardian = None if self.guardian is None else self.guardian.guardian()
        return Klien(**{**plain, "home": self.home.home(), "guardian": guardian})


class Corrections(Body):
    """Only the members given change; null empties what may be empty."""

    supervision_basis: codes.SupervisionBasis | None = None
    supervision_until: Day | None = None
    full_name: Line | None = None
    alias: Line | None = None
    nik: Nik | None = None
    birth_date: Day | None = None
    sex: codes.Sex | None = None
    phone: Phone | None = None
    whatsapp_optin: YesNo | None = None
    phone_is_shared: YesNo | None = None
    home: HomeBody | None = None
    education: codes.Education | None = None
    has_diploma: YesNo | None = None
    disability: Annotated[tuple[codes.Disability, ...], Field(max_length=20)] | None = None
    accommodation: Annotated[tuple[codes.Accommodation, ...], Field(max_length=20)] | None = None
    interest: Annotated[tuple[codes.Field, ...], Field(max_length=20)] | None = None
    guardian: GuardianBody | None = None
    in_custody: YesNo | None = None

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

    expected_version: Version
    made_at: Instant | None = None


class CorrectBody(MoveBody):
    corrections: Corrections


class AssignBody(MoveBody):
    officer_id: StaffId
    conflict_free: YesNo


class DecisionBody(MoveBody):
    outcome: codes.Outcome
    fields: Annotated[tuple[codes.Field, ...], Field(max_length=20)] = ()
    valid_until: Day | None = None
    reason_code: ReasonCode | None = None
    review_board_heard_on: Day

    def decision(self) -> Eligibility:
        return Eligibility(
            outcome=self.outcome.value,
            fields=tuple(field.value for field in self.fields),
            valid_until=self.valid_until,
            reason_code=self.reason_code,
        )


class DecideBody(DecisionBody):
    social_inquiry_on: Day
    risk_assessed_on: Day
    needs_assessed_on: Day

    def groundwork(self) -> Groundwork:
        return Groundwork(
            social_inquiry_on=self.social_inquiry_on,
            risk_assessed_on=self.risk_assessed_on,
            needs_assessed_on=self.needs_assessed_on,
            review_board_heard_on=self.review_board_heard_on,
        )


class RedecideBody(DecisionBody):
    facts_changed: YesNo = False


class SuspendBody(MoveBody):
    reason_code: ReasonCode | None = None


class ResumeBody(MoveBody):
    review_board_heard_on: Day


class CloseBody(MoveBody):
    reason_code: ReasonCode | None = None
    aftercare: YesNo


class EraseBody(MoveBody):
    reason_code: ReasonCode | None = None


class SearchBody(Body):
    """In a body, never in an address: a register number reveals a person to every log on the way."""

    register_no: str = Field(min_length=1, max_length=120)


class AskBody(Body):
    case_ref: CaseRef
    agency: AgencyCode
    purpose: codes.Purpose
    text_version: TextVersion
    valid_until: Day
    made_at: Instant | None = None


class GrantBody(MoveBody):
    given_by: Annotated[tuple[codes.GivenBy, ...], Field(max_length=3)]
    channel: codes.ProofChannel
    proof_ref: ProofRef


class RefuseBody(MoveBody):
    """No reason: it is never asked, and a member that brings one is refused."""


class WithdrawBody(MoveBody):
    given_by: codes.GivenBy


class ReplaceBody(MoveBody):
    text_version: TextVersion
    valid_until: Day
