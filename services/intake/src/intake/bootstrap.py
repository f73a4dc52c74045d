"""The only place that builds and wires intake's objects."""

from chassis.kept import Kept
from chassis.keyring import Keyring
from chassis.logs import known_fields
from chassis.running import Parts
from intake.adapters.data_files import StaffFile, load_areas, load_rules
from intake.adapters.vault import AesVault
from intake.application.ports import Desk
from intake.domain.agreements import Agreement
from intake.domain.cases import Case
from intake.domain.consents import Consent
from intake.domain.disclosures import Disclosure, Referral
from intake.domain.erasures import Erasure
from intake.domain.ledger import Ledger, Pseudonym
from intake.domain.register import PersonKey, RegisterEntry
from intake.entrypoints import http, jobs
from intake.entrypoints.consumers import build_listener
from intake.entrypoints.renewing import renewing
from intake.settings import Settings

KEPT = (
    Kept(Case, "cases", indexes=("state", "dukcapil_task")),
    Kept(PersonKey, "person_keys"),
    Kept(RegisterEntry, "register", indexes=("case_ref",)),
    Kept(Ledger, "ledgers"),
    Kept(Pseudonym, "pseudonyms"),
    Kept(Consent, "consents", indexes=("case_ref", "agency_case_ref")),
    Kept(Referral, "referrals"),
    Kept(Agreement, "agreements"),
    Kept(Disclosure, "disclosures", indexes=("case_ref",)),
    Kept(Erasure, "erasures", indexes=("case_ref",)),
)


def build(settings: Settings) -> Parts:
    """Raises UnusableKey and ValidationError for files that can't be used: the service does not start."""
    known_fields("case_ref", "consent_id", "erasure_id", "referral_id")
    ring = Keyring.load(settings.agency_key_file)
    desk = Desk(
        agency=settings.agency,
        rules=load_rules(settings.rules_file),
        areas=load_areas(settings.area_files),
        vault=AesVault(ring),
        staff=StaffFile(settings.staff_file),
    )
    return Parts(
        title=http.TITLE,
        description=http.DESCRIPTION,
        routers=http.ROUTERS,
        listener=build_listener(desk),
        duties=jobs.duties,
        kept=KEPT,
        tools=desk,
        background=(renewing(desk),) if ring.in_state("former") else (),
    )
