"""One run: everything is driven at once, then comes to rest, and what became of it is gathered."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from chassis.clock import Clock
from deploy.basudara import records
from deploy.basudara.stack import Stack
from tests.fuzz.accounts import Account, accounts
from tests.fuzz.asking import Replies, ask_for_a_while
from tests.fuzz.canaries import Doors, Readers, Unnamed, good_records, sing
from tests.fuzz.events import Events, Ids, targets
from tests.fuzz.judging import Canary, Finding, Sight, judged
from tests.fuzz.putting import Journal, Put, put_for_a_while
from tests.fuzz.requests import Requests
from tests.fuzz.watching import Watch, errors
from tests.http.trying import Tried, try_face
from tests.http.world import CANARIES, Face, faces
from tests.system.offices import DISNAKER, Klien, Offices, klien
from tests.system.seeing import logs, settled

MANY = 100_000  # more cases of one operation than there is time for
FIRST_PAUSE, PAUSE = timedelta(hours=12), timedelta(minutes=10)  # longer than anything waits to be tried again
QUIET_SECONDS, BREATH_SECONDS = 240.0, 3.0
QUOTED = 400  # bytes of a record that made an error


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`records` and `requests`: a second, over all topics and all services; schemathesis asks beside them."""

    minutes: float
    seed: int
    records: float
    requests: float

    @property
    def seconds(self) -> float:
        return self.minutes * 60


@dataclass(frozen=True, kw_only=True)
class Fuzzed:
    """All that was seen."""

    plan: Plan
    sights: dict[str, Sight]
    replies: dict[str, Replies]
    accounts: dict[str, Account]
    canaries: list[Canary]
    tried: dict[str, Tried]
    journal: Journal
    quiet_seconds: float
    findings: list[Finding]


class Fuzz:
    def __init__(self, stack: Stack, plan: Plan) -> None:
        self.stack, self.plan, self._chance = stack, plan, Random(plan.seed)
        self._faces = faces(stack)
        self._person = self._canary_person()
        known = [one for face in self._faces.values() for ids in face.ids.values() for one in ids]
        self._ids = Ids(self._fork(), known)
        self._targets = targets(stack)
        chance = self._fork()  # before anything bad is there: what was said is told again
        self._goods = good_records(stack, self._targets, Ids(chance), chance)
        self._journal = Journal(stack)
        self._watch = Watch.of(stack)
        self._replies = {name: Replies() for name in stack.urls}

    def _fork(self) -> Random:
        """Its own chance for each part, so that what runs beside it does not change it."""
        return Random(self._chance.random())

    def _canary_person(self) -> Klien:
        """Whom no bad request and no bad record names."""
        offices, who = Offices(self.stack), klien(7777, "Kenari Rawat", None, "1991-04-04", "PAROLE", "2028-03-31")
        offices.ready(who, date(2027, 1, 18), DISNAKER, "WELDING")
        return who

    async def run(self) -> Fuzzed:
        until, stop, looked = time.monotonic() + self.plan.seconds, threading.Event(), asyncio.Event()
        watching = asyncio.create_task(self._watch.run(looked))
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(8) as threads:
            events = Events(self._fork(), self._ids, self._targets)
            putting = loop.run_in_executor(
                threads, put_for_a_while, self._journal, events, self._targets, self.plan.records, until, stop
            )
            trying = {name: loop.run_in_executor(threads, self._try, face) for name, face in self._faces.items()}
            try:
                asking = asyncio.gather(*self._asking(until))
                canaries = await self._sing(until)
                await asking
            finally:
                stop.set()
            await putting
            tried = {name: await one for name, one in trying.items()}
        self._watch.loaded = False
        quiet, resting = await asyncio.to_thread(self._rest)
        looked.set()
        await watching
        await self._watch.end()
        return await asyncio.to_thread(self._gathered, canaries, tried, quiet, resting)

    async def _sing(self, until: float) -> list[Canary]:
        chance = self._fork()
        readers, unnamed = Readers(self.stack, self._goods, chance), Unnamed(self.stack, self._targets, chance)
        return await sing(self.stack, Doors(self.stack, self._person), readers, unnamed, until)

    def _asking(self, until: float) -> list[asyncio.Task[None]]:
        rate = self.plan.requests / len(self.stack.urls)
        found = []
        for name, url in self.stack.urls.items():
            agency, service = name.split("/")
            face = self._faces[service]
            ids = face.ids if face.url == url else {}
            requests = Requests(self._fork(), service, tokens(self.stack, agency, face), ids, self._ids)
            found.append(asyncio.create_task(ask_for_a_while(url, requests, rate, until, self._replies[name])))
        return found

    def _try(self, face: Face) -> Tried:
        folder = self.stack.home / "tried" / face.service
        folder.mkdir(parents=True)
        more = ["--max-time", str(int(self.plan.seconds)), "--seed", str(self.plan.seed), "--rate-limit", "4/s"]
        return try_face(face, self.stack, folder, MANY, more)

    def _rest(self) -> tuple[float, list[Finding]]:
        """Until every reader has read all and nothing waits to be tried again: time is moved on for that."""
        begun, pause = time.monotonic(), FIRST_PAUSE
        while True:
            self.stack.move_clock(Clock(self.stack.clock_file).now() + pause)
            pause = PAUSE
            try:
                settled(self.stack, BREATH_SECONDS)
                return time.monotonic() - begun, []
            except AssertionError as busy:
                if time.monotonic() - begun > QUIET_SECONDS:
                    told = str(busy)[:600]
                    return time.monotonic() - begun, [Finding(service="all", rule="lag", told=told)]

    # -- the end -----------------------------------------------------------------------------------------------------

    def _gathered(
        self, canaries: list[Canary], tried: dict[str, Tried], quiet: float, resting: list[Finding]
    ) -> Fuzzed:
        sights, found = self._watch.sights, accounts(self.stack, self._targets, self._journal.puts)
        for name, sight in sights.items():
            log = self.stack.logs / f"{name.replace('/', '.')}.log"
            sight.errors = [self._with_its_record(line) for line in errors(log.read_text(errors="replace"))]
            sight.unanswered = self._replies[name].unanswered
        findings = [*judged(sights, canaries, found), *resting, *shown(logs(self.stack)), *not_good(tried)]
        return Fuzzed(
            plan=self.plan, sights=sights, replies=self._replies, accounts=found, canaries=canaries, tried=tried,
            journal=self._journal, quiet_seconds=quiet, findings=findings,
        )  # fmt: skip

    def _with_its_record(self, line: str) -> str:
        """What was put at the place that the line names."""
        put = next((one for one in self._journal.puts if _names(line, one)), None)
        if put is None:
            return line
        place = (put.topic, put.partition, put.offset)
        record = next(records.from_place(self.stack.reach.broker, *place), None)
        value = None if record is None else record.value
        return f"{line} <- {put.what}: {None if value is None else value[:QUOTED]!r}"


def _names(line: str, put: Put) -> bool:
    return f'"offset": {put.offset},' in f"{line.rstrip('}')}," and f'"{put.topic}"' in line


def tokens(stack: Stack, agency: str, face: Face) -> list[str]:
    """The officer's first; those of the face, for what another agency may and may not ask."""
    others = list(face.tokens.values())
    if face.url == stack.urls[f"{agency}/{face.service}"]:
        return others
    office = agency.split("-", 1)[0]
    own = (("programme_officer", "officer"), ("head_of_opd", "head"), ("instructor", "instructor"))
    return [*(stack.token(agency, role, f"{name}-{office}-1") for role, name in own), *others]


def shown(texts: dict[str, str]) -> list[Finding]:
    """Invented names and numbers that stand in a log. Says where, and which of them, never in what."""
    return [
        Finding(service=name, rule="personal", told=f"canary {number} stands in its log")
        for name, text in texts.items()
        for number, canary in enumerate(CANARIES)
        if str(canary) in text
    ]


def not_good(tried: dict[str, Tried]) -> list[Finding]:
    return [
        Finding(service=name, rule="document", told=one.said[-3000:]) for name, one in tried.items() if not one.good
    ]
