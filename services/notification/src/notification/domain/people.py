"""What messages must know of the people they concern: no names, no numbers; age, standing, links between pseudonyms."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chassis.calendar import day_of
from notification.domain.message import GUARDIAN, KLIEN

MESSAGING, TRAINING = "MESSAGING", "TRAINING"
STOPPING_PURPOSES = frozenset({MESSAGING, TRAINING})  # without these nobody is messaged about that agency's offers

# Years from the end of an age group to the 18th birthday. Source: the age groups of the domain handbook, section 4.
_YEARS_TO_ADULT = {"CHILD_12_13": 4, "CHILD_14_15": 2, "CHILD_16_17": 0}


@dataclass(frozen=True, kw_only=True)
class Person:
    """One case of the own agency; `id` is its own case_ref. `age_group` None: its registration was not heard."""

    id: str
    version: int
    age_group: str | None = None
    adult_on: date | None = None
    suspended: bool = False
    closed: bool = False

    def registered(self, age_group: str, age_group_until: date | None) -> "Person":
        adult_on = None
        if age_group_until is not None and age_group in _YEARS_TO_ADULT:
            adult_on = _years_later(age_group_until, _YEARS_TO_ADULT[age_group])
        return replace(self, version=self.version + 1, age_group=age_group, adult_on=adult_on)

    def stand(self, *, suspended: bool | None = None, closed: bool | None = None) -> "Person":
        return replace(
            self,
            version=self.version + 1,
            suspended=self.suspended if suspended is None else suspended,
            closed=self.closed if closed is None else closed,
        )

    def without_birthday(self) -> "Person":
        """Erased at intake: the band stays, the day goes."""
        return replace(self, version=self.version + 1, adult_on=None)

    def is_minor(self, on: date) -> bool:
        """On that WIT day. A child whose 18th birthday is not known stays one."""
        return self.age_group in _YEARS_TO_ADULT and (self.adult_on is None or on < self.adult_on)

    def told_by(self, at: datetime) -> str:
        """Role of whoever gets what is meant for this person: a minor's guardian, else the person."""
        return GUARDIAN if self.is_minor(day_of(at)) else KLIEN


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # born on 29 February
        return date(day.year + years, 3, 1)


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One consent as heard: in force, or stopped by withdrawal or expiry."""

    consent_id: str
    purpose: str
    in_force: bool


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One case as one other agency knows it; `id` is the pseudonym of the two. `person`: own case_ref, if heard."""

    id: str
    version: int
    person: str | None = None
    agency: str | None = None
    permissions: tuple[Permission, ...] = ()

    def linked(self, person: str, agency: str) -> "Pair":
        return replace(self, version=self.version + 1, person=person, agency=agency)

    def permitted(self, consent_id: str, purpose: str, in_force: bool) -> "Pair":
        others = tuple(one for one in self.permissions if one.consent_id != consent_id)
        heard = Permission(consent_id=consent_id, purpose=purpose, in_force=in_force)
        return replace(self, version=self.version + 1, permissions=(*others, heard))

    @property
    def stopped(self) -> bool:
        """A purpose without which nobody is messaged has ended and was not granted anew."""
        return any(self._stopped(purpose) for purpose in STOPPING_PURPOSES)

    def _stopped(self, purpose: str) -> bool:
        heard = [one.in_force for one in self.permissions if one.purpose == purpose]
        return bool(heard) and not any(heard)


@dataclass(frozen=True, kw_only=True)
class ConsentStop:
    """The receipt for one withdrawn consent: given once. `id` is the consent's."""

    id: str
    version: int
    case_ref: str
    purpose: str
    stopped_at: datetime


@dataclass(frozen=True, kw_only=True)
class Newest:
    """How far the events of one thing were heard; `id` is its owner and its own id. Keeps old news from being told."""

    id: str
    version: int
    newest: int = 0
    types: tuple[str, ...] = ()  # heard at that newest version: one move may be told by several events

    def hear(self, version: int, type_: str) -> "Newest | None":
        """None: heard before, or overtaken."""
        if version < self.newest or (version == self.newest and type_ in self.types):
            return None
        types = (*self.types, type_) if version == self.newest else (type_,)
        return replace(self, version=self.version + 1, newest=version, types=types)


@dataclass(frozen=True, kw_only=True)
class Asked:
    message_id: str
    template: str
    case_ref: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """What one recipient was lately asked for and sent: the one place where limits are judged, so they can't race."""

    id: str
    version: int
    asked: tuple[Asked, ...] = ()
    sent: tuple[datetime, ...] = ()
    bounced_at: datetime | None = None  # WhatsApp reached nobody there; None: not known to bounce

    def repeats(self, template: str, case_ref: str, at: datetime, within: timedelta) -> bool:
        return any((one.template, one.case_ref) == (template, case_ref) and at - one.at < within for one in self.asked)

    def note_asked(self, asked: Asked, within: timedelta) -> "Mailbox":
        recent = tuple(one for one in self.asked if asked.at - one.at < within)
        return replace(self, version=self.version + 1, asked=(*recent, asked))

    def forget_asked(self, message_id: str) -> "Mailbox":
        """It was never sent, so it is no reason to keep another from being sent."""
        kept = tuple(one for one in self.asked if one.message_id != message_id)
        return replace(self, version=self.version + 1, asked=kept)

    def sent_on(self, day: date) -> int:
        return sum(day_of(at) == day for at in self.sent)

    def note_sent(self, at: datetime) -> "Mailbox":
        today = tuple(one for one in self.sent if day_of(one) == day_of(at))
        return replace(self, version=self.version + 1, sent=(*today, at))

    def note_bounce(self, at: datetime) -> "Mailbox":
        return replace(self, version=self.version + 1, bounced_at=at)

    def bounced_within(self, at: datetime, rest: timedelta) -> bool:
        return self.bounced_at is not None and at - self.bounced_at < rest


def newest_id(source: str, subject: str) -> str:
    """Of the newest news of one subject of one service."""
    return f"{source}/{subject}"


def mailbox_id(person: str, role: str, staff_id: str | None) -> str:
    return f"staff/{staff_id}" if staff_id else f"{person}/{role}"
