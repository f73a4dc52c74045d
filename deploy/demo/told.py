"""Messages: which event brings which, when all of them have left, and how they ended."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from deploy.demo.desks import Messages
from deploy.demo.officers import NeverHappened, View, until
from deploy.demo.watching import Watch

STATES = ("created", "held", "sending", "delivered", "suppressed", "expired", "escalated", "resolved")
ENDS = frozenset({"delivered", "suppressed", "expired", "resolved"})
WAITS_FOR_ITS_DAY = "SESSION_REMINDER"
SHOWN = 500  # rows a door gives at most
INSTEAD = "FACILITY_OFFICER"  # asked for as well where a person can't be reached: not counted as due
PREFIX = "notification.message."
# To the person (a minor's guardian) or the PK, from the sending agency. Source: handbook, section 3 (Messages).
BY_SENDER = (
    ("training.seat.waitlisted", "WAITLIST_NEWS"),
    ("training.seat.reserved", "SCHEDULE_NEWS"),
    ("training.seat.reserved", WAITS_FOR_ITS_DAY),
    ("training.enrolment.started", "SESSION_START"),
    ("training.enrolment.resumed", "SCHEDULE_NEWS"),
    ("training.enrolment.completed", "ACTIVITY_COMPLETED"),
    ("training.enrolment.dropped", "OFFICER_DROPPED"),
    ("training.certificate.issued", "DOCUMENT_READY"),
    ("training.certificate.registered", "DOCUMENT_READY"),
    ("referral.referral.accepted", "OFFICER_ACCEPTED"),
    ("referral.referral.rejected", "OFFICER_REJECTED"),
    ("referral.referral.completed", "OFFICER_COMPLETED"),
)
# To every programme officer of a training agency that runs notification.
BY_TRAINER = (
    ("referral.referral.requested", "REFERRAL_NEW"),
    ("referral.deadline.neared", "REFERRAL_DUE_SOON"),
    ("referral.referral.cancelled", "REFERRAL_STOPPED"),
    ("training.followup.due", "FOLLOWUP_DUE"),
)


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
        for kind, template in BY_TRAINER if self.readers else BY_SENDER:
            if self.readers:
                found[template] += self.readers * self.watch.heard_by(self.agency, kind)
            else:
                found[template] += sum(n for (_, one), n in self.watch.by_kind.items() if one == kind)
        return +found

    async def left(self, within: float) -> bool:
        """Whether every message that is due was sent and answered in time, or waits for its own day."""

        now = self.due()
        if not await self.watch.until(lambda: self._told() >= now.total() - now[WAITS_FOR_ITS_DAY], within):
            return False

        async def look() -> bool | None:
            waiting = await self.desk.in_state("created")
            if any(one["template"] != WAITS_FOR_ITS_DAY for one in waiting) or await self.desk.in_state("sending"):
                return None
            waiting += await self.desk.in_state("held")
            known = {one["message_id"] for one in waiting} | self.watch.messages_of(self.agency)
            return len(known) >= self.due().total() or None

        try:
            return await until(f"{self.agency}: all messages have left", look, within)
        except NeverHappened:
            return False

    def _told(self) -> int:
        """Messages of which anything was told; those that are only held or waiting are not among them."""
        return len(self.watch.messages_of(self.agency))

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
