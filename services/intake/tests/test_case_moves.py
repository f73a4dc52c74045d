"""The table "Case" of the domain handbook, section 5, copied here by hand: every state, command and role."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from intake_people import DENI, NOON, RULES, SALMA, TODAY, somebody

from chassis.errors import Conflict, IllegalMove, Invalid, MissingFact, NotAllowed
from intake.domain.cases import (
    MOVES,
    AftercareRuns,
    Case,
    Eligibility,
    Groundwork,
    NoConsent,
    NotEligible,
    StillInForce,
    Told,
    register,
    told_of,
)

STATES = ("-", "registered", "in-assessment", "assessed", "ready", "suspended", "closed", "erased")
ROLES = (
    "probation_officer",
    "assistant_probation_officer",
    "facility_officer",
    "head_of_bapas",
    "service",
    "system",
    "programme_officer",
)
PK, APK, FACILITY, KABAPAS = ROLES[:4]
LEGAL = {
    ("-", "register"): ("registered", {PK, APK, FACILITY}),
    ("registered", "assign"): ("in-assessment", {KABAPAS}),
    ("in-assessment", "decide-eligibility"): ("assessed", {KABAPAS}),
    ("assessed", "open"): ("ready", {PK}),
    ("ready", "re-decide"): ("ready", {KABAPAS}),
    ("suspended", "re-decide"): ("suspended", {KABAPAS}),
    ("ready", "re-decide against"): ("assessed", {KABAPAS}),
    ("suspended", "re-decide against"): ("assessed", {KABAPAS}),
    ("ready", "suspend"): ("suspended", {PK, KABAPAS}),
    ("assessed", "suspend"): ("suspended", {PK, KABAPAS}),
    ("suspended", "resume"): ("ready", {KABAPAS}),
    ("registered", "close"): ("closed", {KABAPAS}),
    ("in-assessment", "close"): ("closed", {KABAPAS}),
    ("assessed", "close"): ("closed", {KABAPAS}),
    ("ready", "close"): ("closed", {KABAPAS}),
    ("suspended", "close"): ("closed", {KABAPAS}),
    ("closed", "erase"): ("erased", {KABAPAS}),
}
COMMANDS = sorted({command for _, command in LEGAL})

UNTIL = TODAY + timedelta(days=42)
YES = Eligibility(outcome="ELIGIBLE", fields=("WELDING",), valid_until=UNTIL, reason_code=None)
NO = Eligibility(outcome="NOT_ELIGIBLE", fields=(), valid_until=None, reason_code="NOT_READY")
DONE = Groundwork(social_inquiry_on=TODAY, risk_assessed_on=TODAY, needs_assessed_on=TODAY, review_board_heard_on=TODAY)
TOLD = Told(age_group="ADULT", age_group_until=None, home_area="81.71", voluntary=True, referable_until=None)


def case(state: str, **changed: object) -> Case:
    plain = Case(
        id="prt_" + "a" * 26,
        version=7,
        state=state,
        sealed_klien="…",
        told=TOLD,
        dukcapil_task=True,
        in_custody=False,
        eligibility=YES,
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def do(command: str, before: Case, role: str) -> Case:
    match command:
        case "register":
            return register("prt_" + "b" * 26, "…", TOLD, role=role, by="petugas-1", has_nik=False, in_custody=False)
        case "assign":
            return before.assign(role=role, officer_id="pk-1", conflict_free=True)
        case "decide-eligibility":
            return before.decide(YES, DONE, role=role, at=NOON, rules=RULES)
        case "open":
            return before.open(role=role, at=NOON, has_consent=True)
        case "re-decide":
            return before.redecide(YES, heard_on=TODAY, facts_changed=True, role=role, at=NOON, rules=RULES)
        case "re-decide against":
            return before.redecide(NO, heard_on=TODAY, facts_changed=True, role=role, at=NOON, rules=RULES)
        case "suspend":
            return before.suspend(role=role, reason_code="ILLNESS")
        case "resume":
            return before.resume(role=role, at=NOON, heard_on=TODAY)
        case "close":
            return before.close(role=role, reason_code="ENDED", aftercare=False)
        case "erase":
            return before.erase(role=role, reason_code="RETENTION_OVER")
    raise AssertionError(command)


@pytest.mark.parametrize(("state", "command", "role"), list(product(STATES, COMMANDS, ROLES)))
def test_a_case_moves_only_where_and_by_whom_the_handbook_says(state: str, command: str, role: str) -> None:
    if command == "register" and state != "-":
        return  # registering makes a case; there is no earlier state to try it in
    ends, who = LEGAL.get((state, command), (None, set()))
    if ends and role in who:
        after = do(command, case(state), role)
        assert after.state == ends
        assert after.version == (1 if command == "register" else 8)
        return
    with pytest.raises((IllegalMove, NotAllowed)) as refused:
        do(command, case(state), role)
    rightful = {name for (_, known), (_, names) in LEGAL.items() if known == command for name in names}
    assert refused.type is (IllegalMove if role in rightful else NotAllowed)


def test_no_move_exists_beyond_the_handbook() -> None:
    assert {name.replace("-against", " against") for name in MOVES} == set(COMMANDS)


def test_each_move_tells_exactly_its_event() -> None:
    assert {name: move.told for name, move in MOVES.items()} == {
        "register": "case.registered",
        "assign": "case.assigned",
        "decide-eligibility": "eligibility.decided",
        "open": "case.opened",
        "re-decide": "eligibility.decided",
        "re-decide-against": "eligibility.decided",
        "suspend": "case.suspended",
        "resume": "case.resumed",
        "close": "case.closed",
        "erase": "erasure.begun",
    }


@pytest.mark.parametrize("days", [0, 90])
def test_eligibility_may_hold_for_up_to_ninety_days(days: int) -> None:
    yes = replace(YES, valid_until=TODAY + timedelta(days=days))
    assert case("in-assessment").decide(yes, DONE, role=KABAPAS, at=NOON, rules=RULES).eligibility == yes


@pytest.mark.parametrize("days", [-1, 91])
def test_eligibility_beyond_ninety_days_or_already_over_is_refused(days: int) -> None:
    yes = replace(YES, valid_until=TODAY + timedelta(days=days))
    with pytest.raises(Invalid, check=lambda error: error.facts["field"] == "valid_until"):
        case("in-assessment").decide(yes, DONE, role=KABAPAS, at=NOON, rules=RULES)


@pytest.mark.parametrize(
    ("decision", "fact"),
    [
        (replace(YES, fields=()), "fields"),
        (replace(YES, valid_until=None), "valid_until"),
        (replace(NO, reason_code=None), "reason_code"),
    ],
)
def test_a_decision_without_its_facts_is_refused(decision: Eligibility, fact: str) -> None:
    with pytest.raises(MissingFact, check=lambda error: error.facts == {"fact": fact}):
        case("in-assessment").decide(decision, DONE, role=KABAPAS, at=NOON, rules=RULES)


@pytest.mark.parametrize(
    "decision",
    [
        replace(YES, reason_code="NOT_READY"),
        replace(YES, fields=("WELDING", "WELDING")),
        replace(NO, fields=("WELDING",)),
        replace(NO, valid_until=UNTIL),
        replace(NO, reason_code="THEFT"),
    ],
)
def test_a_decision_that_contradicts_itself_or_tells_too_much_is_refused(decision: Eligibility) -> None:
    with pytest.raises(Invalid):
        case("in-assessment").decide(decision, DONE, role=KABAPAS, at=NOON, rules=RULES)


@pytest.mark.parametrize(
    "field", ["social_inquiry_on", "risk_assessed_on", "needs_assessed_on", "review_board_heard_on"]
)
def test_no_decision_on_work_that_is_still_to_come(field: str) -> None:
    work = replace(DONE, **{field: TODAY + timedelta(days=1)})
    with pytest.raises(Invalid, check=lambda error: error.facts["field"] == field):
        case("in-assessment").decide(YES, work, role=KABAPAS, at=NOON, rules=RULES)


def test_a_decision_in_force_is_not_made_anew_without_changed_facts() -> None:
    with pytest.raises(StillInForce):
        case("ready").redecide(YES, heard_on=TODAY, facts_changed=False, role=KABAPAS, at=NOON, rules=RULES)


def test_a_lapsed_decision_is_made_anew_without_further_grounds() -> None:
    lapsed = case("ready", eligibility=replace(YES, valid_until=TODAY - timedelta(days=1)))
    after = lapsed.redecide(YES, heard_on=TODAY, facts_changed=False, role=KABAPAS, at=NOON, rules=RULES)
    assert after.eligibility == YES


def test_a_case_opens_only_for_who_is_eligible_and_consents() -> None:
    with pytest.raises(NoConsent):
        case("assessed").open(role=PK, at=NOON, has_consent=False)
    for eligibility in (None, NO, replace(YES, valid_until=TODAY - timedelta(days=1))):
        with pytest.raises(NotEligible):
            case("assessed", eligibility=eligibility).open(role=PK, at=NOON, has_consent=True)


def test_eligibility_holds_to_the_end_of_its_last_day_in_wit() -> None:
    last_evening = NOON.replace(year=2027, month=4, day=15, hour=14, minute=59)  # 23:59 WIT
    assert case("assessed").open(role=PK, at=last_evening, has_consent=True).state == "ready"
    with pytest.raises(NotEligible):
        case("assessed").open(role=PK, at=last_evening + timedelta(minutes=1), has_consent=True)


def test_a_person_arrested_is_in_custody_until_the_case_resumes() -> None:
    arrested = case("ready").suspend(role=PK, reason_code="CUSTODY")
    assert (arrested.in_custody, arrested.suspension_code) == (True, "CUSTODY")
    freed = arrested.resume(role=KABAPAS, at=NOON, heard_on=TODAY)
    assert (freed.in_custody, freed.suspension_code) == (False, None)


def test_who_was_in_an_lpka_before_an_illness_is_still_there_after_it() -> None:
    ill = case("ready", in_custody=True).suspend(role=PK, reason_code="ILLNESS")
    assert ill.resume(role=KABAPAS, at=NOON, heard_on=TODAY).in_custody


def test_a_case_does_not_resume_without_valid_eligibility() -> None:
    with pytest.raises(NotEligible):
        case("suspended", eligibility=NO).resume(role=KABAPAS, at=NOON, heard_on=TODAY)


@pytest.mark.parametrize(("command", "codes"), [
    ("suspend", {"CUSTODY", "EXAMINATION", "ILLNESS", "LOST_CONTACT"}),
    ("close", {"ENDED", "REVOKED", "MOVED", "DIED"}),
    ("erase", {"RETENTION_OVER", "WRONG_PERSON", "ORDERED"}),
])  # fmt: skip
def test_a_stop_needs_a_published_reason(command: str, codes: set[str]) -> None:
    assert MOVES[command].reasons == codes
    for reason_code, error in ((None, MissingFact), ("OFFENCE", Invalid)):
        with pytest.raises(error):
            if command == "suspend":
                case("ready").suspend(role=PK, reason_code=reason_code)
            elif command == "erase":
                case("closed").erase(role=KABAPAS, reason_code=reason_code)
            else:
                case("ready").close(role=KABAPAS, reason_code=reason_code, aftercare=False)


def test_an_officer_with_a_conflict_is_not_appointed() -> None:
    with pytest.raises(MissingFact):
        case("registered").assign(role=KABAPAS, officer_id="pk-1", conflict_free=False)


@pytest.mark.parametrize("reason_code", ["REVOKED", "MOVED", "DIED"])
def test_aftercare_goes_on_only_after_full_release(reason_code: str) -> None:
    with pytest.raises(Invalid):
        case("ready").close(role=KABAPAS, reason_code=reason_code, aftercare=True)


def test_aftercare_keeps_a_closed_case_able_to_carry_consents() -> None:
    closed = case("ready").close(role=KABAPAS, reason_code="ENDED", aftercare=True)
    assert not closed.is_over
    assert case("ready").close(role=KABAPAS, reason_code="ENDED", aftercare=False).is_over


@pytest.mark.parametrize("state", ["closed", "erased"])
def test_a_closed_case_is_not_corrected(state: str) -> None:
    with pytest.raises(Conflict):
        case(state).correct("…", TOLD, has_nik=True, in_custody=False, role=PK)


def test_nobody_is_erased_while_aftercare_goes_on() -> None:
    with pytest.raises(AftercareRuns):
        case("closed", aftercare=True).erase(role=KABAPAS, reason_code="RETENTION_OVER")


def test_an_erased_case_keeps_bands_for_counting_and_neither_birthday_nor_home_nor_end_of_supervision() -> None:
    told = told_of(DENI, TODAY, RULES)
    after = case("closed", told=told).erase(role=KABAPAS, reason_code="ORDERED")
    assert (after.sealed_klien, after.dukcapil_task) == ("", False)
    assert after.told == Told(
        age_group="CHILD_16_17", age_group_until=None, home_area=None, voluntary=True, referable_until=None
    )


def test_a_case_tells_bands_and_areas_instead_of_birth_and_home() -> None:
    assert told_of(SALMA, TODAY, RULES) == Told(
        age_group="ADULT",
        age_group_until=None,
        home_area="81.71",
        voluntary=True,
        referable_until=date(2028, 7, 1),
    )
    deni = told_of(DENI, TODAY, RULES)
    assert (deni.age_group, deni.age_group_until) == ("CHILD_16_17", date(2028, 5, 20))


def test_a_court_order_to_train_allows_no_voluntary_referral() -> None:
    ordered = somebody(supervision_basis="CHILD_VOCATIONAL_ORDER")
    assert not told_of(ordered, TODAY, RULES).voluntary
