"""What must be so before a person may be referred, each ground with its own refusal."""

from datetime import date

import pytest
from referral_people import BAPAS, CONSENT, DINKOP, DISNAKER, MONDAY, RULES, consent, opened, person, pks, umbrella

from chassis.errors import Conflict
from referral.domain.agreement import Agreement, NoAgreement, OutOfScope, OutOfTerritory, Party, Wish, covering
from referral.domain.participant import (
    AgeRule,
    FieldAlreadyOpen,
    NoConsent,
    NotEligible,
    NotReady,
    NotVoluntary,
    Participant,
    SupervisionEnds,
)

WISH = Wish(sender=BAPAS, trainer=DISNAKER, field="WELDING", home_area="81.71")


def test_a_ready_person_is_referred_under_the_consent_for_exactly_this_agency() -> None:
    yopi = person()
    assert yopi.must_be_referable("WELDING", DISNAKER, MONDAY) == CONSENT
    after = yopi.opens("ref_new", opened(), MONDAY, RULES)
    assert after.open == {"ref_new": opened()}
    assert after.version == yopi.version + 1


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (person(state="registered"), NotReady),
        (person(state="assessed"), NotReady),
        (person(state="suspended"), NotReady),
        (person(state="closed"), NotReady),
        (person(eligible_fields=frozenset({"BAKERY"})), NotEligible),
        (person(eligible_until=date(2027, 1, 17)), NotEligible),
        (person(eligible_until=None), NotEligible),
        (person(consents={}), NoConsent),
        (person(consents={CONSENT: consent(agency=DINKOP)}), NoConsent),
        (person(consents={CONSENT: consent(purpose="MESSAGING")}), NoConsent),
        (person(consents={CONSENT: consent(state="asked")}), NoConsent),
        (person(consents={CONSENT: consent(state="stopping")}), NoConsent),
        (person(consents={CONSENT: consent(state="superseded")}), NoConsent),
        (person(consents={CONSENT: consent(valid_until=date(2027, 1, 17))}), NoConsent),
        (person(consents={CONSENT: consent(valid_until=None)}), NoConsent),
        (person(consents={CONSENT: consent(state="expired", grace_until=date(2027, 2, 1))}), NoConsent),
    ],
)
def test_a_missing_ground_refuses_the_request(who: Participant, refusal: type[Conflict]) -> None:
    with pytest.raises(refusal):
        who.must_be_referable("WELDING", DISNAKER, MONDAY)


def test_the_last_day_of_eligibility_and_consent_still_counts() -> None:
    who = person(eligible_until=MONDAY, consents={CONSENT: consent(valid_until=MONDAY)})
    assert who.must_be_referable("WELDING", DISNAKER, MONDAY) == CONSENT


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (person(open={"ref_old": opened(to_agency=DINKOP)}), FieldAlreadyOpen),
        (person(age_group="CHILD_12_13", age_group_until=date(2027, 1, 19)), AgeRule),
        (person(voluntary=False), NotVoluntary),
        (person(referable_until=MONDAY), SupervisionEnds),
        (person(referable_until=date(2027, 1, 17)), SupervisionEnds),
    ],
)
def test_a_person_who_may_not_be_referred_is_not(who: Participant, refusal: type[Conflict]) -> None:
    with pytest.raises(refusal):
        who.opens("ref_new", opened(), MONDAY, RULES)


def test_another_field_may_be_open_beside_it_and_an_end_frees_the_field() -> None:
    busy = person(open={"ref_old": opened(field="BAKERY")})
    both = busy.opens("ref_new", opened(), MONDAY, RULES)
    assert set(both.open) == {"ref_old", "ref_new"}
    assert both.ends("ref_new").opens("ref_again", opened(), MONDAY, RULES).open["ref_again"] == opened()


def test_no_end_of_supervision_leaves_aftercare_open() -> None:
    assert person(referable_until=None).opens("ref_new", opened(), MONDAY, RULES).open


@pytest.mark.parametrize(
    ("day", "group"),
    [
        (date(2027, 1, 19), "CHILD_12_13"),
        (date(2027, 1, 20), "CHILD_14_15"),
        (date(2029, 1, 19), "CHILD_14_15"),
        (date(2029, 1, 20), "CHILD_16_17"),
        (date(2031, 1, 19), "CHILD_16_17"),
        (date(2031, 1, 20), "ADULT"),
        (date(2040, 1, 1), "ADULT"),
    ],
)
def test_a_child_grows_older_between_two_words_of_intake(day: date, group: str) -> None:
    assert person(age_group="CHILD_12_13", age_group_until=date(2027, 1, 20)).age_group_on(day) == group


def test_nobody_born_on_29_february_grows_up_a_day_early() -> None:
    child = person(age_group="CHILD_14_15", age_group_until=date(2028, 2, 29))
    assert child.age_group_on(date(2030, 2, 28)) == "CHILD_16_17"
    assert child.age_group_on(date(2030, 3, 1)) == "ADULT"


@pytest.mark.parametrize(
    ("known", "refusal"),
    [
        ([], NoAgreement),
        ([pks()], NoAgreement),
        ([umbrella()], NoAgreement),
        ([umbrella(), pks(state="SUSPENDED")], NoAgreement),
        ([umbrella(), pks(state="ENDED")], NoAgreement),
        ([umbrella(), pks(state="DRAFT")], NoAgreement),
        ([umbrella(state="ENDED"), pks()], NoAgreement),
        ([umbrella(valid_until=date(2027, 1, 17)), pks()], NoAgreement),
        ([umbrella(), pks(umbrella_number="KB-002/CONTOH")], NoAgreement),
        ([umbrella(), pks(register="kanwil-lain")], NoAgreement),
        ([umbrella(), pks(valid_from=date(2027, 1, 19))], NoAgreement),
        ([umbrella(), pks(valid_until=date(2027, 1, 17))], NoAgreement),
        ([umbrella(), pks(parties=(Party(agency=BAPAS, role="SENDER"),))], NoAgreement),
        ([umbrella(), pks(parties=(Party(agency=DISNAKER, role="TRAINER"),))], NoAgreement),
        (
            [umbrella(), pks(parties=(Party(agency=BAPAS, role="WITNESS"), Party(agency=DISNAKER, role="TRAINER")))],
            NoAgreement,
        ),
        (
            [umbrella(), pks(parties=(Party(agency=BAPAS, role="SENDER"), Party(agency=DISNAKER, role="SENDER")))],
            NoAgreement,
        ),
        ([umbrella(), pks(scope=frozenset({"BAKERY"}))], OutOfScope),
        ([umbrella(), pks(territory=frozenset({"81.06"}))], OutOfTerritory),
    ],
)
def test_no_referral_without_a_pks_in_force_that_covers_it(known: list[Agreement], refusal: type[Conflict]) -> None:
    with pytest.raises(refusal):
        covering(known, WISH, MONDAY)


def test_of_two_pks_the_one_that_covers_field_and_home_carries_the_referral() -> None:
    narrow = pks(number="PKS-000/CONTOH", territory=frozenset({"81.06"}))
    assert covering([pks(), narrow, umbrella()], WISH, MONDAY).number == "PKS-001/CONTOH"


def test_an_unknown_home_is_in_no_territory() -> None:
    with pytest.raises(OutOfTerritory):
        covering([umbrella(), pks()], Wish(sender=BAPAS, trainer=DISNAKER, field="WELDING", home_area=None), MONDAY)


@pytest.mark.parametrize(
    ("asked", "group", "due"),
    [
        (date(2027, 3, 4), "ADULT", date(2027, 3, 19)),
        (date(2027, 3, 4), "CHILD_16_17", date(2027, 3, 17)),
        (date(2026, 12, 21), "ADULT", date(2026, 12, 30)),
        (date(2027, 5, 12), "ADULT", date(2027, 5, 25)),
        (date(2027, 1, 18), "ADULT", date(2027, 1, 25)),
    ],
)
def test_the_answer_is_due_in_working_days(asked: date, group: str, due: date) -> None:
    assert RULES.answer_due_on(asked, group) == due


def test_both_sides_are_reminded_one_working_day_before() -> None:
    assert RULES.neared_on(date(2027, 3, 19)) == date(2027, 3, 18)
    assert RULES.neared_on(date(2027, 1, 25)) == date(2027, 1, 22)


def test_late_words_of_intake_move_nothing_back() -> None:
    yopi = person(state="ready", seen={"person": 1, "eligibility": 3, "state": 6})
    assert not yopi.is_news("state", 5)
    assert not yopi.is_news("state", 6)
    assert yopi.is_news("eligibility", 4)
    lost = yopi.decided(4, frozenset(), None)  # older than the state that was heard last
    assert (lost.state, lost.eligible_fields) == ("ready", frozenset())
    assert yopi.decided(7, frozenset(), None).state == "assessed"


def test_after_coming_of_age_running_training_goes_on_for_the_days_of_grace() -> None:
    grown = person(consents={CONSENT: consent(state="expired", grace_until=date(2027, 2, 17))})
    assert grown.may_return("WELDING", DISNAKER, date(2027, 2, 16))
    assert not grown.may_return("WELDING", DISNAKER, date(2027, 2, 17))
