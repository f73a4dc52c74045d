"""A person as referral knows one: all facts that decide whether a referral may be asked meet here.

`request` writes this aggregate and so does everything that takes a ground away, so a withdrawal and a request can't
both win. Source: domain handbook, sections 5 (Referral) and 6 (children).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from chassis.errors import Conflict
from referral.domain.consent import ACTIVE, TRAINING
from referral.domain.rules import ADULT, AGE_GROUPS, Rules

REGISTERED, ASSESSED, READY, SUSPENDED, CLOSED = "registered", "assessed", "ready", "suspended", "closed"
YEARS_IN_A_CHILD_GROUP = 2  # 12-13, 14-15, 16-17


class NotReady(Conflict):
    """The case is not open for referrals. Facts: `state`."""

    code, title = "not_ready", "Perkara klien belum siap dirujuk"


class NotEligible(Conflict):
    """No valid decision of eligibility for the field. Facts: `field`."""

    code, title = "not_eligible", "Tidak ada keputusan kelayakan yang berlaku untuk bidang ini"


class NoConsent(Conflict):
    """No valid consent TRAINING names exactly this agency. Facts: `to_agency`."""

    code, title = "no_consent", "Tidak ada persetujuan yang berlaku untuk instansi ini"


class FieldAlreadyOpen(Conflict):
    """The person has a running referral in this field. Facts: `referral_id`."""

    code, title = "field_already_open", "Masih ada rujukan berjalan di bidang ini"


class AgeRule(Conflict):
    """Too young for training."""

    code, title = "age_rule", "Usia belum memenuhi aturan pelatihan anak"


class NotVoluntary(Conflict):
    """The legal basis is a court order, which is no offer."""

    code, title = "not_voluntary", "Dasar pembimbingan bukan rujukan sukarela"


class SupervisionEnds(Conflict):
    """Supervision is over on the day of the request, so nothing carries a new referral. Facts: `referable_until`."""

    code, title = "supervision_ends", "Masa pembimbingan berakhir"


@dataclass(frozen=True, kw_only=True)
class KnownConsent:
    """A consent whose both halves are known. `grace_until`: see `consent.Consent`."""

    agency: str
    purpose: str
    state: str
    valid_until: date | None
    grace_until: date | None = None

    def valid(self, day: date) -> bool:
        return self.state == ACTIVE and self.valid_until is not None and day <= self.valid_until

    def carries_running(self, day: date) -> bool:
        return self.valid(day) or (self.grace_until is not None and day < self.grace_until)


@dataclass(frozen=True, kw_only=True)
class OpenReferral:
    """A referral from its request to its end, and the consent it rests on."""

    field: str
    to_agency: str
    consent_id: str


@dataclass(frozen=True, kw_only=True)
class Participant:
    """`id` is the own agency's case_ref. `seen`: newest case version per group of facts, since late or replayed
    events must not move any of them back. `pseudonyms`: what each agency calls this case."""

    id: str
    version: int
    age_group: str
    age_group_until: date | None
    home_area: str | None
    voluntary: bool
    referable_until: date | None
    state: str = REGISTERED
    eligible_fields: frozenset[str] = frozenset()
    eligible_until: date | None = None
    aftercare: bool = False
    consents: Mapping[str, KnownConsent] = field(default_factory=dict)
    pseudonyms: Mapping[str, str] = field(default_factory=dict)
    open: Mapping[str, OpenReferral] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)

    # -- what intake tells -----------------------------------------------------------------------------------------

    def is_news(self, group: str, version: int) -> bool:
        return version > self.seen.get(group, 0)

    def learns(self, group: str, version: int, **facts: object) -> "Participant":
        """Take over one group of facts. Call only with news."""
        return self._next(seen={**self.seen, group: version}, **facts)

    def decided(self, version: int, fields: frozenset[str], until: date | None) -> "Participant":
        """A decision of eligibility. Losing it takes a ready or suspended case back to assessed."""
        after = self.learns("eligibility", version, eligible_fields=fields, eligible_until=until)
        if fields or after.state not in (READY, SUSPENDED) or not after.is_news("state", version):
            return after
        return after.learns("state", version, state=ASSESSED)

    def knows_consent(self, consent_id: str, consent: KnownConsent, pseudonym: str) -> "Participant":
        return self._next(
            consents={**self.consents, consent_id: consent},
            pseudonyms={**self.pseudonyms, consent.agency: pseudonym},
        )

    def rests_on(self, referral_id: str, consent_id: str) -> "Participant":
        """A running referral goes on under another consent for the same agency."""
        return self._next(open={**self.open, referral_id: replace(self.open[referral_id], consent_id=consent_id)})

    def erased(self) -> "Participant":
        """The person behind it is gone at intake: no day tells of them any more. The same object if none did."""
        if (self.age_group_until, self.home_area, self.referable_until) == (None, None, None):
            return self
        return self._next(age_group_until=None, home_area=None, referable_until=None)

    # -- what is judged --------------------------------------------------------------------------------------------

    def age_group_on(self, day: date) -> str:
        """The group on a WIT day, also when the person grew older after intake last told."""
        place, until = AGE_GROUPS.index(self.age_group), self.age_group_until
        while until is not None and day >= until and AGE_GROUPS[place] != ADULT:
            place += 1
            until = _years_later(until, YEARS_IN_A_CHILD_GROUP)
        return AGE_GROUPS[place]

    def eligible(self, wanted: str, day: date) -> bool:
        return wanted in self.eligible_fields and self.eligible_until is not None and day <= self.eligible_until

    def consent_for(self, agency: str, day: date) -> str | None:
        """Id of a valid consent TRAINING that names exactly this agency: the one that lasts longest."""
        valid = [
            (one.valid_until or day, consent_id)
            for consent_id, one in self.consents.items()
            if one.agency == agency and one.purpose == TRAINING and one.valid(day)
        ]
        return max(valid)[1] if valid else None

    def carries_running(self, agency: str, day: date) -> bool:
        """Whether a running training may go on: a valid consent, or the days of grace after coming of age."""
        return any(
            one.agency == agency and one.purpose == TRAINING and one.carries_running(day)
            for one in self.consents.values()
        )

    def must_be_referable(self, wanted: str, agency: str, day: date) -> str:
        """The id of the consent that carries a new referral. Raises NotReady, NotEligible, NoConsent (409)."""
        if self.state != READY:
            raise NotReady(state=self.state)
        if not self.eligible(wanted, day):
            raise NotEligible(field=wanted)
        consent_id = self.consent_for(agency, day)
        if consent_id is None:
            raise NoConsent(to_agency=agency)
        return consent_id

    def opens(self, referral_id: str, opened: OpenReferral, day: date, rules: Rules) -> "Participant":
        """Enter a requested referral. Raises FieldAlreadyOpen, AgeRule, NotVoluntary, SupervisionEnds (409)."""
        for other_id, other in self.open.items():
            if other.field == opened.field:
                raise FieldAlreadyOpen(referral_id=other_id)
        if not rules.old_enough(self.age_group_on(day)):
            raise AgeRule(youngest=rules.youngest_age_group)
        if not self.voluntary:
            raise NotVoluntary()
        if self.referable_until is not None and self.referable_until <= day:
            raise SupervisionEnds(referable_until=self.referable_until.isoformat())
        return self._next(open={**self.open, referral_id: opened})

    def ends(self, referral_id: str) -> "Participant":
        """Take a referral that ended off the list, so that its field is free again."""
        return self._next(open={one: row for one, row in self.open.items() if one != referral_id})

    def must_carry_return(self, wanted: str, agency: str, day: date) -> None:
        """Guard of `resume`. Raises NotReady, NotEligible, NoConsent (409)."""
        if self.state in (REGISTERED, ASSESSED, SUSPENDED):
            raise NotReady(state=self.state)
        if not self.eligible(wanted, day):
            raise NotEligible(field=wanted)
        if not self.carries_running(agency, day):
            raise NoConsent(to_agency=agency)

    def may_return(self, wanted: str, agency: str, day: date) -> bool:
        try:
            self.must_carry_return(wanted, agency, day)
        except Conflict:
            return False
        return True

    def _next(self, **changes: object) -> "Participant":
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]


def _years_later(day: date, years: int) -> date:
    """The same day of a later year; 29 February becomes 1 March, so nobody grows up a day early."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
