"""What must come of what officers did: written down by the script with every act, compared with what is seen."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from deploy.basudara.records import Seen
from deploy.demo.watching import Watch

MESSAGE = "notification.message."
COUNTED_ONLY = "training.followup.recorded"  # the one event that tells of a person without a reference


@dataclass
class Person:
    """One row of the register, and what must hold of this person at the doors at the end.

    `case`, `enrolment`: the file as its officer last saw it. `refs`: agency to pseudonym; the own agency's is the case.
    `effects`: (kind, id or agency) to what a door must show. `away`: on hold or gone, in no class.
    """

    number: int
    register_no: str
    row: dict[str, str]
    officer: str
    refs: dict[str, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    effects: dict[tuple[str, str], object] = field(default_factory=dict)
    consents: dict[tuple[str, str], dict[str, object]] = field(default_factory=dict)
    referrals: list[dict[str, object]] = field(default_factory=list)
    case: dict[str, Any] = field(default_factory=dict)
    enrolment: dict[str, Any] = field(default_factory=dict)
    cards: int = 0
    away: bool = False
    closed: bool = False

    def expects(self, *kinds: str) -> None:
        self.kinds.update(kinds)

    @property
    def enrolment_id(self) -> str:
        return str(self.enrolment.get("enrolment_id", ""))

    @property
    def minor(self) -> bool:
        return bool(self.row["guardian_name"])

    @property
    def secrets(self) -> list[str]:
        """What may stand in no record and no log: name, NIK and phone, as typed and as a number."""
        row = self.row
        phones = [row["phone"], row["guardian_phone"]]
        digits = ["".join(c for c in phone if c.isdigit()).removeprefix("62").removeprefix("0") for phone in phones]
        found = [row["full_name"], row["nik"], row["guardian_name"], row["register_no"], row["sdp_ref"], *phones]
        return [text for text in (*found, *digits) if len(text) > 8]


@dataclass
class Expected:
    """`codes`: (kind, programme, cohort or agreement). `counts`: outcomes told without a person."""

    persons: dict[str, Person]
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: int = 0

    def code(self, kind: str, subject: str) -> None:
        self.codes[(kind, subject)] += 1

    @property
    def events(self) -> Counter[str]:
        """How many of each kind, without messages, whose number is the notification service's affair."""
        every = sum((person.kinds for person in self.persons.values()), Counter[str]())
        for (kind, _), number in self.codes.items():
            every[kind] += number
        every[COUNTED_ONLY] += self.counts
        return +every

    def missing(self, watch: Watch) -> list[str]:
        """What was expected and not (yet) seen, as short lines without a name."""
        lines = []
        for person in self.persons.values():
            seen = seen_of(person, watch)
            for kind, number in (person.kinds - seen).items():
                lines.append(f"{person.register_no}: {kind} ×{number}")
        for (kind, subject), number in (self.codes - watch.of_subject).items():
            lines.append(f"{subject}: {kind} ×{number}")
        counted = sum(1 for event in watch.events if event.kind == COUNTED_ONLY and event.ref is None)
        if counted < self.counts:
            lines.append(f"outcomes told as counts: {counted} of {self.counts}")
        return lines

    def surplus(self, watch: Watch) -> list[str]:
        """What was seen and is no effect of anything an officer did."""
        lines = []
        for person in self.persons.values():
            seen = seen_of(person, watch)
            for kind, number in (seen - person.kinds).items():
                lines.append(f"{person.register_no}: {kind} ×{number} too many")
        known = {ref for person in self.persons.values() for ref in person.refs.values()}
        nobody: Counter[str] = Counter()
        for event in watch.events:
            if event.kind.startswith(MESSAGE) or event.ref in known:
                continue
            if event.ref is None and (event.kind == COUNTED_ONLY or (event.kind, event.subject) in self.codes):
                continue
            nobody[event.kind] += 1
        lines += [f"of nobody: {kind} ×{number}" for kind, number in nobody.items()]
        return lines + [
            f"{subject}: {kind} ×{watch.of_subject[(kind, subject)] - number} too many"
            for (kind, subject), number in self.codes.items()
            if watch.of_subject[(kind, subject)] > number
        ]


def seen_of(person: Person, watch: Watch) -> Counter[str]:
    """Kinds of events about a person, messages left out."""
    seen: Counter[str] = Counter()
    for ref in set(person.refs.values()):
        seen.update(watch.of_ref.get(ref, Counter[str]()))
    return Counter({kind: number for kind, number in seen.items() if not kind.startswith(MESSAGE)})


def by_agency(events: Iterable[Seen]) -> dict[tuple[str, str], Counter[str]]:
    """(agency, service) to kinds without the service's name."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for event in events:
        found[(event.agency, event.service)][event.kind.split(".", 1)[1]] += 1
    return dict(sorted(found.items()))
