"""Builds and wires the parts of referral: the only place that does."""

from chassis import logs
from chassis.kept import Kept
from chassis.running import Parts
from referral.domain.agreement import Agreement
from referral.domain.consent import Consent, Pseudonym
from referral.domain.outcome import Outcome
from referral.domain.participant import Participant
from referral.domain.referral import Referral
from referral.entrypoints import http
from referral.entrypoints.consumers import listening
from referral.entrypoints.jobs import duties
from referral.settings import Settings

KEPT = (
    Kept(Referral, "referrals", indexes=("case_ref", "state")),
    Kept(Participant, "participants"),
    Kept(Consent, "consents"),
    Kept(Pseudonym, "pseudonyms"),
    Kept(Agreement, "agreements", indexes=("state",)),
    Kept(Outcome, "outcomes", indexes=("referral_id",)),
)


def build(settings: Settings) -> Parts:
    rules = settings.rules()
    logs.known_fields("referral_id")
    return Parts(
        title=http.TITLE,
        description=http.DESCRIPTION,
        routers=http.ROUTERS,
        listener=listening(rules),
        duties=duties(rules),
        kept=KEPT,
        tools=rules,
    )
