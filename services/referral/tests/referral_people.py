"""People and papers of the tests, all invented."""

from datetime import UTC, date, datetime

from chassis.calendar import WorkingDays
from referral.domain.agreement import Agreement, Party
from referral.domain.consent import ACTIVE, TRAINING
from referral.domain.participant import READY, KnownConsent, OpenReferral, Participant
from referral.domain.referral import Referral
from referral.domain.rules import Rules

CASE, OTHER_CASE = "prt_" + "a" * 26, "prt_" + "b" * 26
PSEUDONYM = "prt_" + "c" * 26
REFERRAL, OLD_REFERRAL = "ref_" + "d" * 26, "ref_" + "e" * 26
ENROLMENT = "enr_" + "f" * 26
CONSENT = "csn_" + "g" * 26
BAPAS, DISNAKER, DINKOP = "bapas-ambon", "disnaker-ambon", "dinkop-ambon"
MONDAY = date(2027, 1, 18)
NOON = datetime(2027, 1, 18, 3, 0, tzinfo=UTC)  # 12:00 WIT

RULES = Rules(
    sender=BAPAS,
    calendar=WorkingDays.load(),
    adult_answer_working_days=5,
    minor_answer_working_days=3,
    neared_before_working_days=1,
    hold_limit_days=30,
    waitlist_limit_days=90,
    coming_of_age_days=30,
    youngest_age_group="CHILD_14_15",
)


def person(**changes: object) -> Participant:
    """Yopi: ready, eligible for welding until 15 April, with a consent for disnaker."""
    facts: dict[str, object] = {
        "id": CASE,
        "version": 1,
        "age_group": "ADULT",
        "age_group_until": None,
        "home_area": "81.71",
        "voluntary": True,
        "referable_until": date(2027, 7, 1),
        "state": READY,
        "eligible_fields": frozenset({"WELDING"}),
        "eligible_until": date(2027, 4, 15),
        "consents": {CONSENT: consent()},
        "pseudonyms": {DISNAKER: PSEUDONYM},
    }
    return Participant(**{**facts, **changes})  # type: ignore[arg-type]


def consent(**changes: object) -> KnownConsent:
    facts: dict[str, object] = {
        "agency": DISNAKER,
        "purpose": TRAINING,
        "state": ACTIVE,
        "valid_until": date(2027, 7, 1),
    }
    return KnownConsent(**{**facts, **changes})  # type: ignore[arg-type]


def opened(**changes: object) -> OpenReferral:
    facts: dict[str, object] = {"field": "WELDING", "to_agency": DISNAKER, "consent_id": CONSENT}
    return OpenReferral(**{**facts, **changes})  # type: ignore[arg-type]


def umbrella(**changes: object) -> Agreement:
    facts: dict[str, object] = {
        "id": "kanwil-maluku/KB-001/CONTOH",
        "number": "KB-001/CONTOH",
        "version": 1,
        "seen": 1,
        "register": "kanwil-maluku",
        "kind": "UMBRELLA",
        "umbrella_number": None,
        "parties": (Party(agency=BAPAS, role="SENDER"), Party(agency=DISNAKER, role="TRAINER")),
        "scope": frozenset({"WELDING"}),
        "territory": frozenset({"81.71"}),
        "valid_from": date(2026, 2, 9),
        "valid_until": date(2029, 2, 8),
        "state": "ACTIVE",
    }
    return Agreement(**{**facts, **changes})  # type: ignore[arg-type]


def pks(**changes: object) -> Agreement:
    facts: dict[str, object] = {"number": "PKS-001/CONTOH", "kind": "TECHNICAL", "umbrella_number": "KB-001/CONTOH"}
    told = {**facts, **changes}
    return umbrella(**{"id": f"{told.get('register', 'kanwil-maluku')}/{told['number']}", **told})


def referral(state: str, **changes: object) -> Referral:
    facts: dict[str, object] = {
        "id": REFERRAL,
        "version": 3,
        "state": state,
        "case_ref": CASE,
        "to_agency": DISNAKER,
        "field": "WELDING",
        "accommodations": ("NONE",),
        "availability": ("MORNING",),
        "replaces": None,
        "drafted_by": "pk-satu",
        "agency_case_ref": PSEUDONYM,
        "due_on": date(2027, 1, 25),
    }
    return Referral(**{**facts, **changes})  # type: ignore[arg-type]
