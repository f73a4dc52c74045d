"""The last look: what every door shows of every person, the messages, the topics, the logs; and what is missing."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.demo.expected import Expected, Person
from deploy.demo.officers import View
from deploy.demo.stories import Cast, story_kinds
from deploy.demo.told import INSTEAD, PREFIX
from deploy.demo.town import BAPAS, PROBATION_OFFICERS, Town
from deploy.demo.watching import ENDS_OF_A_MESSAGE, Watch


@dataclass
class Findings:
    """What was expected, what was seen, and every difference in a short line."""

    missing: list[str] = field(default_factory=list)
    effects_expected: Counter[str] = field(default_factory=Counter)
    effects_seen: Counter[str] = field(default_factory=Counter)
    referrals: Counter[str] = field(default_factory=Counter)
    enrolments: Counter[str] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    messages: dict[str, Counter[str]] = field(default_factory=dict)
    repeats: int = 0
    tasks: int = 0
    promises_kept: int = 0

    @property
    def holds(self) -> bool:
        return not self.missing


async def judge(town: Town, cast: Cast, killed: frozenset[str]) -> Findings:
    found = Findings()
    for mail in town.mail():
        found.tasks += await mail.do_tasks()
    await town.watch.caught_up()
    lines, found.repeats = in_topics(town.watch, town.expected, killed)
    found.missing += lines + _stories(town, cast)
    await _effects(town, found)
    await _messages(town, found)
    _tables(cast, found)
    found.missing += personal_texts(town.expected.persons.values(), town.watch, town.stack.logs)
    found.missing += town.trouble
    found.promises_kept = len(town.checks)
    return found


def in_topics(watch: Watch, expected: Expected, killed: frozenset[str]) -> tuple[list[str], int]:
    """Differences, and how many records came again after a kill.

    None lost, none doubled: by id on the wire, by (type, subject, version) in effect. Whoever is killed between sending
    and noting it sends the same event again: harmless by its id, so only counted.
    """
    lines = [f"never came: {line}" for line in expected.missing(watch)]
    lines += [f"came unasked: {line}" for line in expected.surplus(watch)]
    for (kind, subject, version), ids in watch.repeated.items():
        lines.append(f"happened {len(ids)} times: {kind} of {subject} version {version}")
    repeats = [event for event in watch.again if f"{event.agency}/{event.service}" in killed]
    lines += [f"sent twice: {event.kind} of {event.subject}" for event in watch.again if event not in repeats]
    for topic, number in watch.aside.items():
        if topic.endswith(".parked.v1"):
            lines.append(f"parked: {number} records in {topic}")
    return lines, len(repeats)


def _stories(town: Town, cast: Cast) -> list[str]:
    lines = []
    for story in (cast.story_a, cast.story_d):
        told = town.watch.of(*story.person.refs.values())
        seen = Counter(one.kind for one in told if not one.kind.startswith(PREFIX))
        lines += [f"story {story.title}: {line}" for line in story_kinds(story.person, seen, story.kinds)]
    return lines


# -- doors -----------------------------------------------------------------------------------------------------------


CASE_STATES = ("registered", "in-assessment", "assessed", "ready", "suspended", "closed")
REFERRAL_STATES = (
    "draft", "requested", "accepted", "in-progress", "on-hold",
    "rejected", "completed", "failed", "cancelled", "entered-in-error",
)  # fmt: skip
HEAD = "kabapas-001"
Doors = dict[str, View]


@dataclass(frozen=True)
class Lists:
    """What the doors list, by id."""

    cases: Doors
    referrals: dict[str, list[View]]
    enrolments: Doors


async def _effects(town: Town, found: Findings) -> None:
    """Every effect that the script wrote down, at the door of the agency that owns it."""
    lists = await _lists(town)
    known = [person for person in town.expected.persons.values() if BAPAS in person.refs]
    await asyncio.gather(*(_effects_of(town, person, lists, found) for person in known))


async def _lists(town: Town) -> Lists:
    intake, desk = town.intake(HEAD).officer, town.referrals(PROBATION_OFFICERS[0]).officer
    cases = [
        one
        for shown in await asyncio.gather(*(intake.get("/cases", state=one) for one in CASE_STATES))
        for one in shown
    ]
    asked = (desk.get("/referrals", state=one) for one in REFERRAL_STATES)
    referrals: dict[str, list[View]] = {}
    for shown in await asyncio.gather(*asked):
        for one in shown:
            referrals.setdefault(one["case_ref"], []).append(one)
    agencies = sorted({str(one["to_agency"]) for person in town.expected.persons.values() for one in person.referrals})
    rooms = await asyncio.gather(*(town.training(agency).officer.get("/enrolments") for agency in agencies))
    enrolments = {one["enrolment_id"]: one for shown in rooms for one in shown}
    return Lists({one["case_ref"]: one for one in cases}, referrals, enrolments)


async def _effects_of(town: Town, person: Person, lists: Lists, found: Findings) -> None:
    seen: dict[tuple[str, str], object] = {}
    ref = person.refs[BAPAS]
    case = lists.cases.get(ref, {"state": "not shown"})
    seen[("case", BAPAS)] = case["state"]
    found.cases[case["state"]] += 1
    for consent in await town.intake(person.officer).consents(ref):
        seen[("consent", consent["consent_id"])] = consent["state"]
    for referral in lists.referrals.get(ref, []):
        seen[("referral", referral["referral_id"])] = referral["state"]
        found.referrals[referral["state"]] += 1
    seen[("cards shown", BAPAS)] = len(await town.intake(HEAD).cards_shown(ref)) if person.enrolment_id else 0
    if person.enrolment_id:
        seen |= await _at_training(town, person, lists.enrolments, found)
    wanted = {**person.effects, ("cards shown", BAPAS): person.cards}
    for key in sorted({*wanted, *seen}):
        found.effects_expected[key[0]] += key in wanted
        found.effects_seen[key[0]] += key in seen
        if wanted.get(key) != seen.get(key):
            line = f"{person.register_no}: {key[0]}: expected {wanted.get(key)}, seen {seen.get(key)}"
            found.missing.append(line)


async def _at_training(town: Town, person: Person, enrolments: Doors, found: Findings) -> dict[tuple[str, str], object]:
    training, enrolment_id = town.training(str(person.referrals[-1]["to_agency"])), person.enrolment_id
    enrolment = enrolments.get(enrolment_id, {"state": "not shown"})
    found.enrolments[enrolment["state"]] += 1
    seen: dict[tuple[str, str], object] = {("enrolment", enrolment_id): enrolment["state"]}
    if enrolment["state"] != "completed":
        return seen
    certificates = await training.certificates(enrolment_id)
    outcomes = await training.followups(enrolment_id)
    seen[("result", enrolment_id)] = (enrolment["passed"], enrolment["percent"])
    seen[("certificates", enrolment_id)] = sorted(one["kind"] for one in certificates if one["state"] == "issued")
    told = [outcomes[day] for day in sorted(outcomes)]
    seen[("followups", enrolment_id)] = [one["outcome_code"] or one["state"] for one in told]
    return seen


async def _messages(town: Town, found: Findings) -> None:
    """Every message ended as one may, the topic says what the door says, and each event brought its messages."""
    for mail in town.mail():
        by_state = await mail.every()
        states = found.messages[mail.agency] = +Counter({state: len(shown) for state, shown in by_state.items()})
        for state, number in states.items():
            if state not in ENDS_OF_A_MESSAGE:
                found.missing.append(f"{mail.agency}: {number} messages stay {state}")
        kinds = {state: (mail.agency, PREFIX + state) for state in ENDS_OF_A_MESSAGE}
        await _told_of(town.watch, {kind: states[state] for state, kind in kinds.items()})
        told = {state: town.watch.by_kind[kind] for state, kind in kinds.items()}
        for state, number in told.items():
            if number != states[state]:
                found.missing.append(f"{mail.agency}: {number} events message.{state}, {states[state]} messages")
        due = mail.due()
        every = [one for shown in by_state.values() for one in shown]
        templates = Counter(one["template"] for one in every if one["recipient_role"] != INSTEAD)
        found.effects_expected["message"] += due.total()
        found.effects_seen["message"] += templates.total()
        for template in sorted({*due, *templates}):
            if due[template] != templates[template]:
                told_of = f"{due[template]} messages {template} are due, there are {templates[template]}"
                found.missing.append(f"{mail.agency}: {told_of}")


async def _told_of(watch: Watch, wanted: dict[tuple[str, str], int]) -> None:
    """Until the topic has said of as many as the door shows; whoever asks compares."""
    await watch.until(lambda: all(watch.by_kind[kind] >= number for kind, number in wanted.items()), 10)


# -- the table, and what may stand nowhere -----------------------------------------------------------------------------


def _tables(cast: Cast, found: Findings) -> None:
    """Of the CSV's rows, those that are wrong on purpose are refused, each with its reason."""
    last = cast.crowd.tables[-1]
    refused = [row for row in last["rows"] if row["verdict"] == "refused"]
    found.effects_expected["refused row"] += cast.crowd.wrong_rows
    found.effects_seen["refused row"] += len(refused)
    if len(refused) != cast.crowd.wrong_rows or any(not row["problems"] for row in refused):
        found.missing.append(f"{cast.crowd.wrong_rows} rows are wrong on purpose, {len(refused)} were refused")


def personal_texts(persons: Iterable[Person], watch: Watch, logs: Path) -> list[str]:
    """Where a name, NIK, number or register entry stands in a record or a log; how many, never which."""
    texts = {secret.encode() for person in persons for secret in person.secrets}
    places = {"topics": b"\n".join(watch.raw), **{f"log {file.name}": file.read_bytes() for file in _logs(logs)}}
    counts = {place: sum(text in content for text in texts) for place, content in places.items()}
    return [f"{place}: {number} personal texts stand there" for place, number in counts.items() if number]


def _logs(folder: Path) -> list[Path]:
    """Of the services; the gateway stands in for a provider, which has the numbers it calls."""
    return [file for file in sorted(folder.glob("*.log")) if not file.name.startswith("gateway")]


def as_json(town: Town, found: Findings, times: dict[str, float]) -> dict[str, Any]:
    watch = town.watch
    return {
        "verdict": "ok" if found.holds else "failed",
        "missing": found.missing,
        "seconds": {name: round(value, 1) for name, value in times.items()},
        "persons": {
            "rows": 60,
            "registered": sum(BAPAS in one.refs for one in town.expected.persons.values()),
            "cases": dict(found.cases),
            "enrolments": dict(found.enrolments),
        },
        "referrals": dict(found.referrals),
        "events": {
            "expected": sum(town.expected.events.values()),
            "seen": sum(n for (_, kind), n in watch.by_kind.items() if not kind.startswith("notification.message")),
            "with_messages": len(watch.events),
            "by_type": dict(sorted(Counter(one.kind for one in watch.events).items())),
            "repeated_after_a_kill": found.repeats,
            "waited_for_their_cause": sum(n for topic, n in watch.aside.items() if ".retry." in topic),
        },
        "messages": {agency: dict(states) for agency, states in found.messages.items()},
        "effects": {"expected": dict(found.effects_expected), "seen": dict(found.effects_seen)},
        "promises_kept": found.promises_kept,
        "requests": {"sent": town.wire.sent, "asked_again": town.wire.asked_again},
    }
