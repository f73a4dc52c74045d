"""A message: one template to one recipient, on one channel after the other. Source: domain handbook, section 5."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from chassis.calendar import end_of
from chassis.errors import NotFound, StaleVersion
from chassis.machine import NEW, SYSTEM, Move, choose, roles, states

KLIEN, GUARDIAN, FACILITY_OFFICER = "KLIEN", "GUARDIAN", "FACILITY_OFFICER"
PROBATION_OFFICER, PROGRAMME_OFFICER = "PROBATION_OFFICER", "PROGRAMME_OFFICER"
WHATSAPP, SMS = "WHATSAPP", "SMS"
PROVIDER = "provider"

SUPPRESS = frozenset({"NO_CONSENT", "CASE_CLOSED", "DUPLICATE", "IN_CUSTODY", "DAILY_LIMIT", "NO_CONTACT"})
FALL_BACK = frozenset({"FAILED", "UNDELIVERED", "NO_OPT_IN"})
ESCALATE = frozenset({"FAILED", "UNKNOWN"})

MOVES: dict[str, Move] = {
    "ask": Move(states(NEW), "created", roles(SYSTEM)),
    "suppress": Move(states("created", "held"), "suppressed", roles(SYSTEM), "message.suppressed", SUPPRESS),
    "hold": Move(states("created"), "held", roles(SYSTEM)),
    "send": Move(states("created", "held"), "sending", roles(SYSTEM), "message.sent"),
    "report-delivery": Move(states("sending"), "delivered", roles(PROVIDER), "message.delivered"),
    "fall-back": Move(states("sending"), "sending", roles(SYSTEM), "message.rerouted", FALL_BACK),
    "escalate": Move(states("sending"), "escalated", roles(SYSTEM), "message.escalated", ESCALATE),
    "resolve": Move(
        states("escalated"), "resolved", roles("probation_officer", "programme_officer"), "message.resolved"
    ),
    "expire": Move(states("created", "held", "sending"), "expired", roles(SYSTEM), "message.expired"),
    # A receipt that says "bounced" after "delivered" (decisions/0003): the next channel, else a human.
    "reopen": Move(states("delivered"), "sending", roles(SYSTEM), "message.rerouted", frozenset({"BOUNCED"})),
    "escalate-bounced": Move(
        states("delivered"), "escalated", roles(SYSTEM), "message.escalated", frozenset({"FAILED"})
    ),
}

# What the sender has to do with a message; an index of its own, so that a portion is found without reading all.
WAITING = "waiting"  # nothing, until `due_at`
READY = "ready"  # take it now
CALLING = "calling"  # one worker has taken it and is calling the provider
DONE = "done"

# Of an attempt.
PLANNED, CALLED, ACCEPTED, DELIVERED, FAILED, BOUNCED = (
    "planned",
    "called",
    "accepted",
    "delivered",
    "failed",
    "bounced",
)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One channel tried. `since`: when it was first due. `told_at`: by the provider's clock, None until it told."""

    number: int
    channel: str
    since: datetime
    status: str = PLANNED
    told_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a move tells: the short event name, and the members beyond those of every message event."""

    name: str
    facts: Mapping[str, str | int | bool | date]


class Step(NamedTuple):
    message: "Message"
    told: Told | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """`case_ref` is what the event told of; `person` the agency's own ref, which joins all messages of one person.

    `about` is the id of the referral, consent, … it tells of. `due_at`: when something is next to be done; for an
    escalated one the end of the day by which an officer acts. All that happens to it is told under the correlation
    and trace of the event that asked for it. Neither text nor phone number is ever kept.
    """

    id: str
    version: int
    case_ref: str
    person: str
    about: str
    template: str
    recipient_role: str
    staff_id: str | None
    state: str
    stage: str
    attempts: tuple[Attempt, ...]
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    correlation_id: str
    traceparent: str
    reason_code: str | None = None
    reached: bool | None = None

    # -- before sending --------------------------------------------------------------------------------------------

    @classmethod
    def ask(cls, *, at: datetime, due_at: datetime, **who: Any) -> "Message":
        """A new one; `due_at` may lie ahead (a reminder)."""
        move = choose(MOVES, "ask", NEW, SYSTEM)
        ahead = due_at > at
        return cls(
            version=1,
            state=str(move.ends),
            stage=WAITING if ahead else READY,
            attempts=(),
            created_at=at,
            due_at=due_at if ahead else who["expires_at"],
            **who,
        )

    @property
    def waits(self) -> bool:
        return self.state in ("created", "held")

    @property
    def pending(self) -> bool:
        """Sending, but no provider is known to have taken it and none is being called: it can still be stopped."""
        return self.state == "sending" and self.stage != CALLING and self.current.status in (PLANNED, CALLED)

    def suppress(self, reason_code: str) -> Step:
        return self._step("suppress", reason_code=reason_code, stage=DONE)

    def expire(self) -> Step:
        return self._step("expire", stage=DONE)

    def hold(self, until: datetime) -> Step:
        """Held until then; a held one waits on without a new move."""
        if self.state == "held":
            return Step(self._change(stage=WAITING, due_at=until))
        return self._step("hold", stage=WAITING, due_at=until)

    def ready(self, wakes_at: datetime) -> Step:
        return Step(self._change(stage=READY, due_at=wakes_at))

    # -- sending ---------------------------------------------------------------------------------------------------

    @property
    def current(self) -> Attempt:
        return self.attempts[-1]

    @property
    def reference(self) -> str:
        """By which the gateway knows the current attempt again: the same reference is sent to a person once."""
        return f"{self.id}:{self.current.number}"

    def send(self, channel: str, at: datetime, answer_by: datetime) -> Step:
        first = Attempt(number=1, channel=channel, since=at, status=CALLED)
        facts: dict[str, str | int | bool | date] = {"channel": channel, "attempt": 1}
        return self._step("send", facts=facts, attempts=(first,), stage=CALLING, due_at=answer_by)

    def call(self, answer_by: datetime) -> Step:
        """Take up the current attempt, for the first time or again after a call without an answer."""
        return Step(self._change(attempts=self._with(self.current.number, CALLED), stage=CALLING, due_at=answer_by))

    def rest(self, until: datetime) -> Step:
        """Nothing is known against it, but it can't go now: to be taken up again then."""
        return Step(self._change(stage=WAITING, due_at=until))

    def answered(self, number: int, accepted: bool, overdue_at: datetime, again_at: datetime) -> Step | None:
        """The provider took the current attempt, or could not be asked: then it rests. None: a receipt was quicker."""
        if self.state != "sending" or self.stage != CALLING or number != self.current.number:
            return None
        if not accepted and self.current.status == CALLED:
            return self.rest(min(again_at, overdue_at))
        return Step(self._change(attempts=self._with(number, ACCEPTED), stage=WAITING, due_at=overdue_at))

    def postpone(self, until: datetime) -> Step:
        """The current attempt, not taken by any provider yet, rests until then."""
        rested = replace(self.current, since=until)
        return Step(self._change(attempts=(*self.attempts[:-1], rested), stage=WAITING, due_at=until))

    def unanswered(self, overdue_at: datetime) -> Step:
        """Whoever called never came back: to be called again, unless a receipt showed that the call went through."""
        stage = READY if self.current.status in (PLANNED, CALLED) else WAITING
        return Step(self._change(stage=stage, due_at=overdue_at))

    def fall_back(self, reason_code: str, since: datetime) -> Step:
        """From WhatsApp to SMS, to be called at `since`."""
        return self._reroute("fall-back", reason_code, since)

    def escalate(self, reason_code: str, due_on: date) -> Step:
        return self._to_human("escalate", reason_code, due_on)

    # -- what the provider tells -----------------------------------------------------------------------------------

    def attempt(self, number: int) -> Attempt:
        """Raises NotFound: this message has no such attempt."""
        if not 1 <= number <= len(self.attempts):
            raise NotFound(kind="attempt", id=f"{self.id}:{number}"[:60])
        return self.attempts[number - 1]

    def told_accepted(self, number: int) -> Step | None:
        if self.attempt(number).status != CALLED:
            return None
        return Step(self._change(attempts=self._with(number, ACCEPTED)))

    def told_delivered(self, number: int, told_at: datetime) -> Step | None:
        """None: known already, or overtaken by a bounce."""
        attempt = self.attempt(number)
        overtaken = attempt.status in (FAILED, BOUNCED) and attempt.told_at is not None and told_at <= attempt.told_at
        if attempt.status == DELIVERED or overtaken:
            return None
        attempts = self._with(number, DELIVERED, told_at)
        if self.state != "sending":
            return Step(self._change(attempts=attempts))
        facts: dict[str, str | int | bool | date] = {"channel": attempt.channel}
        return self._step("report-delivery", role=PROVIDER, facts=facts, attempts=attempts, stage=DONE)

    def told_failed(self, number: int, told_at: datetime) -> "Message | None":
        """This with the attempt marked failed, or bounced if it was delivered before. None: known, or out of order."""
        attempt = self.attempt(number)
        if attempt.status in (FAILED, BOUNCED):
            return None
        late = attempt.status == DELIVERED and attempt.told_at is not None and told_at < attempt.told_at
        if late:
            return None
        status = BOUNCED if attempt.status == DELIVERED else FAILED
        return self._change(attempts=self._with(number, status, told_at))

    @property
    def bounced(self) -> bool:
        """No attempt stands that reached the person, although one was reported to."""
        return self.state == "delivered" and all(one.status in (FAILED, BOUNCED) for one in self.attempts)

    @property
    def may_fall_back(self) -> bool:
        return all(one.channel != SMS for one in self.attempts)

    def reopen(self, since: datetime) -> Step:
        return self._reroute("reopen", "BOUNCED", since)

    def escalate_bounced(self, due_on: date) -> Step:
        return self._to_human("escalate-bounced", "FAILED", due_on)

    # -- the human task --------------------------------------------------------------------------------------------

    def resolve(self, role: str, expected_version: int, reached: bool) -> Step:
        """Raises NotAllowed (403), StaleVersion and IllegalMove (409)."""
        choose(MOVES, "resolve", "escalated", role)  # rights first, then what was seen, then the state
        if expected_version != self.version:
            raise StaleVersion(seen=expected_version, now=self.version)
        return self._step("resolve", role=role, facts={"reached": reached}, stage=DONE, reached=reached)

    # -- how ---------------------------------------------------------------------------------------------------------

    def _change(self, **changes: Any) -> "Message":
        return replace(self, version=self.version + 1, **changes)

    def _step(
        self,
        name: str,
        *,
        role: str = SYSTEM,
        reason_code: str | None = None,
        facts: Mapping[str, str | int | bool | date] | None = None,
        **changes: Any,
    ) -> Step:
        move = choose(MOVES, name, self.state, role, reason_code)
        told = dict(facts or {})
        if reason_code is not None:
            told["reason_code"] = reason_code
        after = self._change(state=str(move.ends), reason_code=reason_code or self.reason_code, **changes)
        return Step(after, Told(name=move.told, facts=told) if move.told else None)

    def _with(self, number: int, status: str, told_at: datetime | None = None) -> tuple[Attempt, ...]:
        return tuple(
            replace(one, status=status, told_at=told_at or one.told_at) if one.number == number else one
            for one in self.attempts
        )

    def _reroute(self, move: str, reason_code: str, since: datetime) -> Step:
        choose(MOVES, move, self.state, SYSTEM, reason_code)  # before there is an attempt, nothing can be rerouted
        following = Attempt(number=len(self.attempts) + 1, channel=SMS, since=since)
        facts: dict[str, str | int | bool | date] = {"from_channel": self.current.channel, "to_channel": SMS}
        return self._step(
            move,
            reason_code=reason_code,
            facts=facts,
            attempts=(*self.attempts, following),
            stage=WAITING,
            due_at=since,
        )

    def _to_human(self, move: str, reason_code: str, due_on: date) -> Step:
        return self._step(move, reason_code=reason_code, facts={"due_on": due_on}, stage=DONE, due_at=end_of(due_on))
