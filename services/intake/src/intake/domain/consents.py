"""The consent: one purpose, one agency, one text. Refusing or withdrawing touches nothing else of a person."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chassis.calendar import day_of, start_of
from chassis.errors import Conflict, Invalid, MissingFact, NotAllowed
from chassis.machine import NEW, SYSTEM, Move, choose, roles, states
from intake.domain.ages import birthday, is_minor, months_after
from intake.domain.codes import ASSISTANT, FACILITY, HEAD, OFFICER, GivenBy, Purpose
from intake.domain.rules import Rules

TAKES_IN = roles(OFFICER, ASSISTANT, FACILITY)  # officers who may write down what a person says
ANY_CHANNEL = roles(OFFICER, ASSISTANT, FACILITY, HEAD)  # a withdrawal may be told to anyone

# One row per row of the table "Consent" (domain handbook, section 5).
MOVES: Mapping[str, Move] = {
    "ask": Move(states(NEW), "asked", roles(OFFICER), "consent.asked"),
    "grant": Move(states("asked"), "active", TAKES_IN, "consent.granted"),
    "refuse": Move(states("asked"), "refused", TAKES_IN, "consent.refused"),
    "withdraw": Move(states("active"), "stopping", ANY_CHANNEL, "consent.withdrawn"),
    "confirm-stop": Move(states("stopping"), "withdrawn", roles(SYSTEM), "consent.closed"),
    "pass-deadline": Move(states("stopping"), None, roles(SYSTEM), "deadline.missed"),
    "expire": Move(states("active"), "expired", roles(SYSTEM), "consent.expired"),
    "replace": Move(states("active"), "superseded", roles(OFFICER), "consent.superseded"),
}
ENDED = frozenset({"withdrawn", "expired", "superseded"})
COMING_OF_AGE = "COMING_OF_AGE"


class OwnAgency(Invalid):
    code, title = "own_agency", "Persetujuan tidak diminta untuk instansi sendiri"


@dataclass(frozen=True, kw_only=True)
class Consent:
    """`case_ref` is the own agency's; `agency_case_ref` the one the named agency knows. Instants are UTC."""

    id: str
    version: int
    state: str
    case_ref: str
    agency: str
    agency_case_ref: str
    purpose: str
    text_version: str
    valid_until: date  # last day, WIT
    replaces: str | None = None
    given_by: tuple[str, ...] = ()
    channel: str | None = None
    proof_ref: str | None = None
    granted_at: datetime | None = None
    ends_at: datetime | None = None  # when it ends by itself
    ends_for: str | None = None  # DATE or COMING_OF_AGE
    received_at: datetime | None = None  # of the withdrawal
    stop_by: datetime | None = None
    stopped: frozenset[str] = frozenset()  # services that confirmed
    missing: frozenset[str] = frozenset()  # services still to confirm

    def holds(self, at: datetime) -> bool:
        """Whether anything may rest on it at this instant, also when the clock's duty is late."""
        return self.state == "active" and self.ends_at is not None and at < self.ends_at

    def is_gone(self, at: datetime) -> bool:
        """Given once, and no longer."""
        return self.granted_at is not None and not self.holds(at)

    def grant(
        self,
        *,
        role: str,
        given_by: tuple[str, ...],
        channel: str,
        proof_ref: str,
        at: datetime,
        now: datetime,
        born_on: date,
        rules: Rules,
    ) -> "Consent":
        """The yes of those who must give it. `at` is when it was given, `now` when it arrives.

        Raises MissingFact (422) naming who or what is missing, and Invalid (422).
        Source: UU 27/2022 art. 20, 22, 24, 25; domain handbook, section 5.
        """
        after = self._moved("grant", role)
        if not proof_ref:
            raise MissingFact(fact="proof_ref")
        if self.valid_until < day_of(now):
            raise Invalid(field="valid_until", rule="already over")
        minor = is_minor(born_on, day_of(at), rules)
        needed = {GivenBy.GUARDIAN, GivenBy.CHILD} if minor else {GivenBy.PERSON}
        for giver in sorted(needed - set(given_by)):
            raise MissingFact(fact="given_by", giver=giver)
        if len(given_by) != len(needed):
            raise Invalid(field="given_by", rule="GUARDIAN and CHILD" if minor else "PERSON alone")
        ends_at, ends_for = start_of(self.valid_until + timedelta(days=1)), "DATE"
        of_age_at = start_of(birthday(born_on, rules.adult_from_years))
        if minor and of_age_at < ends_at:
            ends_at, ends_for = of_age_at, COMING_OF_AGE
        return replace(
            after,
            given_by=tuple(sorted(given_by)),
            channel=channel,
            proof_ref=proof_ref,
            granted_at=at,
            ends_at=ends_at,
            ends_for=ends_for,
        )

    def refuse(self, *, role: str) -> "Consent":
        """No violation, no reason: a refusal leaves nothing but itself."""
        return self._moved("refuse", role)

    def withdraw(self, *, role: str, given_by: str, at: datetime, born_on: date, rules: Rules) -> "Consent":
        """Start the clock of 3x24 hours at the moment of receipt, nights and holidays included.

        A child may do it alone. Raises Invalid (422). Source: UU 27/2022 art. 40.
        """
        after = self._moved("withdraw", role)
        minor = is_minor(born_on, day_of(at), rules)
        if (given_by == GivenBy.PERSON) == minor:
            raise Invalid(field="given_by", rule="GUARDIAN or CHILD" if minor else "PERSON")
        if self.granted_at is not None and at < self.granted_at:
            raise Invalid(field="made_at", rule="before the consent was given")
        return replace(
            after,
            received_at=at,
            stop_by=at + timedelta(hours=rules.stop_hours),
            missing=frozenset(rules.receipts[self.purpose]),
        )

    def confirm_stop(self, service: str, agency: str, own_agency: str) -> "Consent":
        """Take in one receipt: of training only from the named agency, of notification only from the own.

        The last one closes. A receipt repeated, or come after the end, changes nothing (the same object returns).
        Raises NotAllowed (403) for another sender, IllegalMove (409) where nothing was withdrawn.
        """
        if agency != (self.agency if service == "training" else own_agency):
            raise NotAllowed(consent_id=self.id, agency=agency)
        if self.state in ENDED or service in self.stopped:
            return self
        moved = self._moved("confirm-stop", SYSTEM)
        stopped, missing = self.stopped | {service}, self.missing - {service}
        return replace(moved, state=self.state if missing else moved.state, stopped=stopped, missing=missing)

    def pass_deadline(self) -> "Consent":
        """The 72 hours are over and a receipt is missing; it goes on waiting."""
        return self._moved("pass-deadline", SYSTEM)

    def expire(self) -> "Consent":
        return self._moved("expire", SYSTEM)

    def forget_birthday(self) -> "Consent":
        """The proof stays as long as the law asks; the day it would have ended by is a child's 18th birthday."""
        return replace(self, version=self.version + 1, ends_at=None)

    def give_way_to(self, newer: "Consent") -> "Consent":
        """Superseded, now that the text for which the PK asked anew is granted."""
        if newer.state != "active" or newer.replaces != self.id:
            raise Conflict(consent_id=self.id)
        return self._moved("replace", OFFICER)  # only a PK can have asked for the newer one

    def _moved(self, name: str, role: str) -> "Consent":
        move = choose(MOVES, name, self.state, role)
        return replace(self, state=move.ends or self.state, version=self.version + 1)


def ask(
    consent_id: str,
    *,
    role: str,
    own_agency: str,
    case_ref: str,
    agency: str,
    agency_case_ref: str,
    purpose: str,
    text_version: str,
    valid_until: date,
    supervision_until: date | None,
    at: datetime,
    rules: Rules,
    replaces: Consent | None = None,
) -> Consent:
    """Put a text to a person. Raises NotAllowed (403), OwnAgency and Invalid (422).

    At most 12 months; TRAINING not beyond the end of supervision. Source: domain handbook, section 4.
    """
    move = choose(MOVES, "ask", NEW, role)
    if replaces is not None:
        choose(MOVES, "replace", replaces.state, role)
    if agency == own_agency:
        raise OwnAgency(field="agency", rule="supervision by the own agency rests on public duty")
    day = day_of(at)
    if not day <= valid_until <= months_after(day, rules.consent_months):
        raise Invalid(field="valid_until", rule=f"from today to {rules.consent_months} months after")
    if purpose == Purpose.TRAINING and supervision_until is not None and valid_until > supervision_until:
        raise Invalid(field="valid_until", rule="not beyond supervision_until")
    return Consent(
        id=consent_id,
        version=1,
        state=move.ends or NEW,
        case_ref=case_ref,
        agency=agency,
        agency_case_ref=agency_case_ref,
        purpose=purpose,
        text_version=text_version,
        valid_until=valid_until,
        replaces=None if replaces is None else replaces.id,
    )
