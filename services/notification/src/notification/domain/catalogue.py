"""Who is told what, and in which words: the rules of the catalogue, and what a text may be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from chassis.calendar import WIT, start_of
from chassis.errors import Expected
from notification.domain import message
from notification.domain.gsm import fits_one_sms

SENDER, TRAINER = "SENDER", "TRAINER"
PERSON = "PERSON"  # the klien, a minor's guardian, in custody the facility's officer: decided for each message
PERSON_ROLES = frozenset({message.KLIEN, message.GUARDIAN, message.FACILITY_OFFICER})
NEEDS_CONSENT = frozenset({message.KLIEN, message.GUARDIAN})
ROLES = PERSON_ROLES | {message.PROBATION_OFFICER, message.PROGRAMME_OFFICER}

NUMBER, ABOUT = "nomor", "ref"  # the only values a text may hold: whom to call, and a pseudonymous id
LONGEST = {NUMBER: "0" * 16, ABOUT: "r" * 30}

_PLACE = re.compile(r"\{\{([a-z]{1,20})\}\}")


class BadCatalogue(Expected):
    """The catalogue of this installation breaks a rule: the service does not start. Facts: where, and the rule."""

    code, title = "bad_catalogue", "Katalog pesan tidak sah"


class TooLong(Expected):
    """A text that does not fit one SMS is not sent. Facts: the template."""

    code, title = "too_long", "Pesan terlalu panjang"


@dataclass(frozen=True, kw_only=True)
class Template:
    """`text` is Indonesian. `whatsapp` is the name under which the provider approved it."""

    id: str
    whatsapp: str
    roles: frozenset[str]
    text: str

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(_PLACE.findall(self.text))

    def render(self, values: Mapping[str, str]) -> str:
        """Values are put in once and as they are. Raises TooLong."""
        text = fill(self.text, values)
        if not fits_one_sms(text):
            raise TooLong(template=self.id)
        return text


def fill(text: str, values: Mapping[str, str]) -> str:
    """One pass, so a value that looks like a place stays as typed; time grows with the text, not with what it holds."""
    return _PLACE.sub(lambda place: values[place[1]], text)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A clock time of WIT, so many days before the day that a member of the event names."""

    day: str
    at: time
    days_before: int = 0

    def of(self, facts: Mapping[str, object]) -> datetime:
        day = facts[self.day]
        if not isinstance(day, date):
            raise TypeError(f"{self.day} is no date")
        return start_of(day - timedelta(days=self.days_before)) + (
            datetime.combine(day, self.at, WIT) - datetime.combine(day, time(), WIT)
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One event tells one audience by one template.

    `only`: codes that a member must have. `due`: later than at once. The news is past after `lasts`, or at `until`.
    """

    event: str
    side: str
    tells: str
    template: str
    about: str
    only: Mapping[str, frozenset[str]]
    lasts: timedelta | None = None
    due: Moment | None = None
    until: Moment | None = None

    def holds(self, facts: Mapping[str, object]) -> bool:
        return all(facts.get(member) in codes for member, codes in self.only.items())

    def due_at(self, at: datetime, facts: Mapping[str, object]) -> datetime:
        return max(at, self.due.of(facts)) if self.due else at

    def expires_at(self, said_at: datetime, facts: Mapping[str, object]) -> datetime:
        """Exactly one of `until` and `lasts` is given: `check` sees to it."""
        return self.until.of(facts) if self.until else said_at + (self.lasts or timedelta())

    @property
    def roles(self) -> frozenset[str]:
        return PERSON_ROLES if self.tells == PERSON else frozenset({self.tells})


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """`voids`: after this event, waiting messages to the person about what this member names are past."""

    version: int
    templates: Mapping[str, Template]
    rules: tuple[Rule, ...]
    voids: Mapping[str, str]
    unwanted: frozenset[str]

    def rules_for(self, event: str, sides: frozenset[str], facts: Mapping[str, object]) -> list[Rule]:
        return [one for one in self.rules if one.event == event and one.side in sides and one.holds(facts)]

    @property
    def events(self) -> frozenset[str]:
        return frozenset(one.event for one in self.rules) | frozenset(self.voids)

    def check(self) -> "Catalogue":
        """Itself. Raises BadCatalogue naming the first place that breaks a rule."""
        for template in self.templates.values():
            self._check_template(template)
        for number, rule in enumerate(self.rules, start=1):
            self._check_rule(number, rule)
        return self

    def _check_template(self, template: Template) -> None:
        words = set(re.findall(r"[^\W_]+", template.text.casefold()))
        found = sorted(words & self.unwanted)
        problems = {
            "is not of the form A_B": not re.fullmatch(r"[A-Z][A-Z0-9_]{1,39}", template.id),
            "names an unknown role": not template.roles or not template.roles <= ROLES,
            "has a place for a value that no message may hold": not set(template.places) <= set(LONGEST),
            "has an unclosed place": "{" in _PLACE.sub("", template.text),
            f"says '{', '.join(found)}'": bool(found),
        }
        for rule, broken in problems.items():
            if broken:
                raise BadCatalogue(template=template.id, rule=rule)
        if not fits_one_sms(fill(template.text, LONGEST)):
            raise BadCatalogue(template=template.id, rule="does not fit one SMS of 160 GSM-7 characters")

    def _check_rule(self, number: int, rule: Rule) -> None:
        template = self.templates.get(rule.template)
        problems = {
            "names an unknown template": template is None,
            "tells somebody unknown": not rule.roles <= ROLES,
            "side is SENDER or TRAINER": rule.side not in (SENDER, TRAINER),
            "tells a role its template is not for": template is not None and not rule.roles <= template.roles,
            "has either lasts_hours or until": (rule.lasts is None) == (rule.until is None),
            "only a trainer tells programme officers, and nobody else": (rule.side == TRAINER)
            != (rule.tells == message.PROGRAMME_OFFICER),
        }
        for text, broken in problems.items():
            if broken:
                raise BadCatalogue(rule_number=number, event=rule.event, rule=text)
