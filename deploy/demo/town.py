"""Five agencies seen from outside: their doors, their clock, their topics; and the play that moves through it."""

import asyncio
import csv
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any, Protocol

import yaml

from deploy.demo.desks import Intake, Messages, Referrals, Training
from deploy.demo.expected import Expected, Person
from deploy.demo.officers import NeverHappened, Officer, Wire
from deploy.demo.told import Mail
from deploy.demo.watching import Watch

BAPAS = "bapas-ambon"
WIT = timezone(timedelta(hours=9), "WIT")  # Asia/Jayapura has no summer time
DATA = Path(__file__).parent / "data"
ARRIVES_SECONDS = 45
OVERTAKES = timedelta(minutes=25)  # so far the clock may move while messages are on their way
MESSAGES_SECONDS, MINUTES_FOR_MESSAGES = 15, 3
PROBATION_OFFICERS = ("pk-001", "pk-002", "pk-003")
PROGRAMME_OFFICERS = 2  # of each OPD, as its manifest says
STAFF = {"programme_officer": "officer", "instructor": "instructor", "assessor": "assessor", "head_of_opd": "head"}


class Stack(Protocol):
    """What a play needs of an installation."""

    @property
    def kafka(self) -> str: ...
    @property
    def gateway(self) -> str: ...
    @property
    def urls(self) -> dict[str, str]: ...
    @property
    def logs(self) -> Path: ...
    def token(self, agency: str, role: str, subject: str = ..., service: str | None = ...) -> str: ...
    def move_clock(self, instant: datetime) -> None: ...
    def apply_agreement(self, file: Path) -> str: ...


@dataclass(frozen=True)
class Step:
    """What officers do at one moment. Acts of one moment run side by side."""

    at: datetime
    title: str
    act: Callable[[], Awaitable[None]]


class Script(Protocol):
    def steps(self) -> list[Step]: ...


def wit(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=WIT)


def on(month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    """A moment of 2027, the year of the stories."""
    return wit(date(2027, month, day), hour, minute)


def load(name: str) -> Any:
    return yaml.safe_load((DATA / name).read_text())


def read_persons(file: Path = DATA / "persons.csv") -> dict[str, Person]:
    """By register number. Of two rows with the same number the first counts, as at the register."""
    persons: dict[str, Person] = {}
    with file.open(newline="") as table:
        for row in csv.DictReader(table):
            number = int(row["register_no"].split("/")[2])
            officer = PROBATION_OFFICERS[number % len(PROBATION_OFFICERS)]
            fresh = Person(number=number, register_no=row["register_no"], row=row, officer=officer)
            persons.setdefault(row["register_no"], fresh)
    return persons


@dataclass
class Town:
    """`use` opens it, leaving closes it. `trouble` is what a play noticed that must not be."""

    stack: Stack
    watch: Watch
    expected: Expected = field(default_factory=lambda: Expected(persons=read_persons()))
    wire: Wire = field(default_factory=Wire)
    trouble: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    now: datetime = datetime(2027, 1, 1, tzinfo=WIT)
    _mail_at: int = 0
    _officers: dict[tuple[str, str, str], Officer] = field(default_factory=dict)
    _exit: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> "Town":
        self._exit.push_async_callback(self.wire.close)
        await self.watch.start()
        self._exit.push_async_callback(self.watch.stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    # -- people ----------------------------------------------------------------------------------------------------

    def person(self, number: int) -> Person:
        return self.expected.persons[f"REG/2027/{number:04d}/X"]

    def by_enrolment(self, enrolment_id: str) -> Person:
        return next(one for one in self.expected.persons.values() if one.enrolment_id == enrolment_id)

    def officer(self, agency: str, service: str, role: str, subject: str) -> Officer:
        key = (agency, service, subject)
        if key not in self._officers:
            token = self.stack.token(agency, role, subject)
            self._officers[key] = Officer(self.wire, self.stack.urls[f"{agency}/{service}"], token, subject)
        return self._officers[key]

    def intake(self, subject: str) -> Intake:
        role = "head_of_bapas" if subject.startswith("kabapas") else "probation_officer"
        return Intake(self.officer(BAPAS, "intake", role, subject))

    def referrals(self, subject: str) -> Referrals:
        return Referrals(self.officer(BAPAS, "referral", "probation_officer", subject))

    def training(self, agency: str, role: str = "programme_officer", number: int = 1) -> Training:
        subject = f"{STAFF[role]}-{agency.split('-')[0]}-{number}"
        return Training(self.officer(agency, "training", role, subject))

    def mail(self) -> list[Mail]:
        """The messages of every agency that runs notification."""
        found = []
        for agency in (name.split("/")[0] for name in self.stack.urls if name.endswith("/notification")):
            sends = agency == BAPAS
            role, subject = ("probation_officer", PROBATION_OFFICERS[0]) if sends else ("programme_officer", "")
            subject = subject or f"{STAFF[role]}-{agency.split('-')[0]}-1"
            desk = Messages(self.officer(agency, "notification", role, subject))
            found.append(Mail(agency, desk, self.watch, 0 if sends else PROGRAMME_OFFICERS))
        return found

    # -- time and truth --------------------------------------------------------------------------------------------

    def move_clock(self, at: datetime) -> None:
        if at <= self.now:
            raise ValueError("the clock of the play only moves on")
        self.now = at
        self.stack.move_clock(at)

    async def arrived(self) -> None:
        """All that was expected so far is seen in the topics. Raises NeverHappened with what is missing."""
        if not await self.watch.until(lambda: not self.expected.missing(self.watch), ARRIVES_SECONDS):
            missing = self.expected.missing(self.watch)
            raise NeverHappened(f"{len(missing)} expected events never came: {'; '.join(missing[:8])}")

    async def messages_left(self) -> None:
        """Before the clock moves on, which would overtake them. Raises NeverHappened.

        A message that met a closed door rests for a minute of the clock: where some stay, that minute passes.
        """
        if len(self.watch.events) == self._mail_at:
            return
        for mail in self.mail():
            for minutes_left in reversed(range(MINUTES_FOR_MESSAGES + 1)):
                if await mail.left(MESSAGES_SECONDS):
                    break
                if not minutes_left:
                    raise NeverHappened(f"{mail.agency}: messages stay: {await mail.staying()}")
                self.move_clock(self.now + timedelta(minutes=1, seconds=1))
        self._mail_at = len(self.watch.events)

    async def reminders_sent(self) -> None:
        """Those whose hour has come."""
        for mail in self.mail():
            await mail.reminded(self.now)

    def check(self, what: str, holds: bool) -> None:
        """Note a promise that was looked at, and whether it was kept."""
        (self.checks if holds else self.trouble).append(what)


async def play(
    town: Town,
    scripts: Sequence[Script],
    curtain: Callable[[datetime, list[str]], None] = lambda at, titles: None,
) -> None:
    """All steps in order of their moments. `curtain` is told before each moment."""
    steps = sorted((step for script in scripts for step in script.steps()), key=lambda step: step.at)
    scenes = [(at, list(together)) for at, together in groupby(steps, key=lambda step: step.at)]
    following = [at for at, _ in scenes[1:]]
    for (at, scene), after in zip_longest(scenes, following):
        town.move_clock(at)
        curtain(at, [step.title for step in scene if step.title])
        async with asyncio.TaskGroup() as group:
            for step in scene:
                group.create_task(_act(step))
        await town.arrived()
        if after is None or after - town.now >= OVERTAKES:
            await town.messages_left()


async def _act(step: Step) -> None:
    await step.act()
