"""Messages: which event brings which by the agencies' catalogue, when all of them have left, and how they ended."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import yaml

from deploy.basudara.records import Seen, short
from deploy.basudara.stack import ROOT
from deploy.demo.desks import Messages
from deploy.demo.officers import NeverHappened, View, until
from deploy.demo.watching import Watch

STATES = ("created", "held", "sending", "delivered", "suppressed", "expired", "escalated", "resolved")
SHOWN = 500  # rows a door gives at most
INSTEAD = "FACILITY_OFFICER"  # asked for as well where a person can't be reached: not counted as due
PREFIX = "notification.message."
CATALOGUE = ROOT / "services" / "notification" / "src" / "notification" / "catalogue" / "messages.yaml"


@dataclass(frozen=True)
class Rule:
    """A line of the agencies' catalogue: this event brings this message. `waits`: not at once, on a day of its own."""

    side: str
    kind: str
    template: str
    only: dict[str, list[str]]
    waits: bool

    def holds(self, event: Seen) -> bool:
        return all(event.data.get(member) in codes for member, codes in self.only.items())


@cache
def rules() -> tuple[Rule, ...]:
    found = yaml.safe_load(CATALOGUE.read_text())["rules"]
    return tuple(
        Rule(
            side=one["side"],
            kind=short(one["event"]),
            template=one["template"],
            only=one.get("only", {}),
            waits="due" in one,
        )
        for one in found
    )


@cache
def waiting_templates() -> frozenset[str]:
    return frozenset(one.template for one in rules() if one.waits)


@dataclass(frozen=True)
class Mail:
    """One agency's messages. `readers`: programme officers who are told; 0 for the sending agency."""

    agency: str
    desk: Messages
    watch: Watch
    readers: int

    def due(self) -> Counter[str]:
        """Messages that the events seen so far bring about, by template."""
        found: Counter[str] = Counter()
        for rule in rules():
            if (rule.side == "TRAINER") == (self.readers > 0):
                events = (one for one in self.watch.of_kind[rule.kind] if rule.holds(one) and self._concerns(one))
                found[rule.template] += sum(1 for _ in events) * max(1, self.readers)
        return +found

    def _concerns(self, event: Seen) -> bool:
        return self.agency in event.topic.split(".")

    async def left(self, within: float) -> bool:
        """Whether every message that is due was sent and answered in time, or waits for its own day."""

        now = self.due()
        later = sum(now[template] for template in waiting_templates())
        await self.watch.until(lambda: self.watch.ended_of(self.agency) >= now.total() - later, within / 2)

        async def look() -> bool | None:
            waiting = await self.desk.in_state("created")
            now_due = [one for one in waiting if one["template"] not in waiting_templates()]
            if now_due or await self.desk.in_state("sending"):
                return None
            waiting += await self.desk.in_state("held")
            known = {one["message_id"] for one in waiting} | self.watch.messages_of(self.agency)
            return len(known) >= self.due().total() or None

        try:
            return await until(f"{self.agency}: all messages have left", look, within)
        except NeverHappened:
            return False

    async def reminded(self, now: datetime) -> None:
        """No reminder waits whose hour has come. Raises NeverHappened."""

        async def look() -> bool | None:
            late = [one for state in ("created", "sending") for one in await self.desk.in_state(state)]
            return None if any(datetime.fromisoformat(one["due_at"]) <= now for one in late) else True

        await until(f"{self.agency}: reminders are sent", look)

    async def staying(self) -> str:
        """How many are in which state, and how many are due."""
        shown = {state: len(await self.desk.in_state(state)) for state in ("created", "held", "sending")}
        return f"{shown}, {len(self.watch.messages_of(self.agency))} known, {self.due().total()} due"

    async def every(self) -> dict[str, list[View]]:
        """By state. Raises ValueError where the door does not show them all."""
        found = {state: await self.desk.in_state(state) for state in STATES}
        for state, shown in found.items():
            if len(shown) >= SHOWN:
                raise ValueError(f"{self.agency}: more than {SHOWN} messages are {state}")
        return found

    async def do_tasks(self) -> int:
        """Whoever no channel reached is called by an officer. Returns how many."""
        tasks = await self.desk.in_state("escalated")
        for task in tasks:
            await self.desk.resolve(task, reached=True)
        return len(tasks)
