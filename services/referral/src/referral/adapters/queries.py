"""Reads for the officers' screens: views as they leave by HTTP."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from chassis.errors import Invalid
from chassis.store import Store
from referral.domain.outcome import Outcome
from referral.domain.participant import Participant
from referral.domain.referral import Referral


class View(BaseModel):
    model_config = ConfigDict(frozen=True)


class OutcomeView(View):
    day: int
    outcome_code: str
    recorded_on: date


class ReferralView(View):
    """`case_ref` is the own agency's, `agency_case_ref` what the other agency calls the case."""

    referral_id: str
    case_ref: str
    agency_case_ref: str | None
    to_agency: str
    field: str
    state: str
    business_status: str | None
    requested_at: datetime | None
    due_on: date | None
    hold_due_on: date | None
    answer_missed: bool
    hold_missed: bool
    reason_code: str | None
    version: int
    replaces: str | None
    outcomes: Sequence[OutcomeView] = ()


class ConsentView(View):
    consent_id: str
    agency: str
    purpose: str
    state: str
    valid_until: date | None


class ParticipantView(View):
    """What referral knows of a person: enough to see whether what intake told has arrived."""

    case_ref: str
    state: str
    age_group: str
    age_group_until: date | None
    home_area: str | None
    voluntary: bool
    referable_until: date | None
    eligible_fields: Sequence[str]
    eligible_until: date | None
    consents: Sequence[ConsentView]
    pseudonyms: dict[str, str]
    open_referrals: dict[str, str]
    version: int


class OutcomeCount(View):
    from_agency: str
    day: int
    outcome_code: str
    count: int


def view(referral: Referral, outcomes: Sequence[Outcome] = ()) -> ReferralView:
    return ReferralView(
        referral_id=referral.id,
        case_ref=referral.case_ref,
        agency_case_ref=referral.agency_case_ref,
        to_agency=referral.to_agency,
        field=referral.field,
        state=referral.state,
        business_status=referral.business_status,
        requested_at=referral.requested_at,
        due_on=referral.due_on,
        hold_due_on=referral.hold_due_on,
        answer_missed=referral.missed,
        hold_missed=referral.hold_missed,
        reason_code=referral.reason_code,
        version=referral.version,
        replaces=referral.replaces,
        outcomes=[
            OutcomeView(day=one.day, outcome_code=one.outcome_code, recorded_on=one.recorded_on)
            for one in sorted(outcomes, key=lambda one: one.day)
        ],
    )


async def one_referral(store: Store, referral_id: str) -> ReferralView:
    """Raises NotFound (404)."""
    referral = await store.get(Referral, referral_id)
    return view(referral, await store.read(Outcome, referral_id=referral_id))


async def referrals(store: Store, case_ref: str | None, state: str | None) -> list[ReferralView]:
    """Of one person, or in one state, or both. Raises Invalid (422) when neither is given."""
    if case_ref is None and state is None:
        raise Invalid(field="case_ref", rule="case_ref or state must be given")
    if case_ref is None:
        found = await store.read(Referral, state=state or "")
    elif state is None:
        found = await store.read(Referral, case_ref=case_ref)
    else:
        found = await store.read(Referral, case_ref=case_ref, state=state)
    return [view(one) for one in found]


async def participant(store: Store, case_ref: str) -> ParticipantView:
    """Raises NotFound (404)."""
    person = await store.get(Participant, case_ref)
    return ParticipantView(
        case_ref=person.id,
        state=person.state,
        age_group=person.age_group,
        age_group_until=person.age_group_until,
        home_area=person.home_area,
        voluntary=person.voluntary,
        referable_until=person.referable_until,
        eligible_fields=sorted(person.eligible_fields),
        eligible_until=person.eligible_until,
        consents=[
            ConsentView(
                consent_id=consent_id,
                agency=one.agency,
                purpose=one.purpose,
                state=one.state,
                valid_until=one.valid_until,
            )
            for consent_id, one in sorted(person.consents.items())
        ],
        pseudonyms=dict(person.pseudonyms),
        open_referrals={one.field: referral_id for referral_id, one in person.open.items()},
        version=person.version,
    )


async def outcome_counts(store: Store) -> list[OutcomeCount]:
    """How many of each kind, for the own agency's eyes; nothing here is a public figure."""
    counted = Counter((one.from_agency, one.day, one.outcome_code) for one in await store.read(Outcome))
    return [
        OutcomeCount(from_agency=agency, day=day, outcome_code=code, count=count)
        for (agency, day, code), count in sorted(counted.items())
    ]
