"""What belongs together: everything the topics tell of one case, whatever it is called at each agency.

A person has another pseudonym at each agency, and only the sender's own topics tell which belong together. Beyond
that a correlation joins them: what one command or duty brought about. A correlation that tells of two persons in one
topic (a class that starts, a seat that falls to the next in line) is many persons' affair and joins nobody.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chassis.delivery import ATTEMPTS, REASON
from deploy.basudara.records import Record, Seen, seen

PSEUDONYMS = ("case_ref", "agency_case_ref")  # members of an event that name a person


@dataclass(frozen=True, kw_only=True)
class Aside:
    """A copy of an event in a retry or parked topic."""

    place: str
    reason: str
    attempts: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Step:
    """One event of a case. `after_seconds` since the step before; `because_of`: number of the step that caused it,
    from 1, None for a command, a duty or what the topics do not show."""

    event: Seen
    after_seconds: float
    because_of: int | None
    aside: tuple[Aside, ...]


def trace(read: Callable[[], Iterable[Record]], ref: str, is_copy: Callable[[str], bool]) -> list[Step]:
    """Steps in order of their time; none where nothing tells of `ref`: a case_ref or the id of a thing, event or
    correlation. Reads everything a few times and keeps only what is near, so that it works on any amount."""
    names = {ref}
    while True:
        near = _near(read(), names, is_copy)
        found = _joined(near.events, ref)
        wider = {ref}.union(*(_names(event) for event in found))
        if wider <= names:
            return _steps(found, near)
        names |= wider


@dataclass(frozen=True, kw_only=True)
class _Near:
    """Events that share a name with what is looked for, each id once, and copies of events by their id."""

    events: list[Seen]
    copies: dict[str, list[Aside]]


def _near(found: Iterable[Record], names: set[str], is_copy: Callable[[str], bool]) -> _Near:
    events: dict[str, Seen] = {}
    copies: dict[str, list[Aside]] = defaultdict(list)
    for record in found:
        event = seen(record)
        if event is None or names.isdisjoint(_names(event)):
            continue
        if is_copy(record.topic):
            reason, attempts = (record.header(name) or "" for name in (REASON, ATTEMPTS))
            copies[event.id].append(Aside(place=record.place, reason=reason, attempts=attempts, at=record.at))
        else:
            events.setdefault(event.id, event)
    return _Near(events=list(events.values()), copies=copies)


def _names(event: Seen) -> set[str]:
    return {event.id, event.subject, event.correlation, event.cause, *_persons(event)}


def _persons(event: Seen) -> Iterator[str]:
    return (event.data[name] for name in PSEUDONYMS if isinstance(event.data.get(name), str))


def _joined(near: list[Seen], ref: str) -> list[Seen]:
    """From what `ref` names: on to all of the same persons and, with them, of their own correlations; then what tells
    of nobody but belongs to one of their correlations, such as the start of a class."""
    crowded = _crowded(near)
    found = {event.id: event for event in near if ref in _names(event)}
    if _is_crowd(found.values()):
        return list(found.values())  # asked for what one command did for many: followed to none of them
    grown = 0
    while grown < len(found):
        grown = len(found)
        persons = {person for event in found.values() for person in _persons(event)}
        own = {event.correlation for event in found.values()} - crowded
        for event in near:
            if not persons.isdisjoint(_persons(event)) or event.correlation in own:
                found[event.id] = event
    told = {event.correlation for event in found.values()}
    found |= {event.id: event for event in near if event.correlation in told and not any(_persons(event))}
    return list(found.values())


def _crowded(near: Iterable[Seen]) -> set[str]:
    """Correlations that are many persons' affair."""
    events: dict[str, list[Seen]] = defaultdict(list)
    for event in near:
        events[event.correlation].append(event)
    return {correlation for correlation, own in events.items() if _is_crowd(own)}


def _is_crowd(events: Iterable[Seen]) -> bool:
    """Whether two persons are told of in one topic."""
    refs: dict[str, str] = {}
    return any(event.ref is not None and refs.setdefault(event.topic, event.ref) != event.ref for event in events)


def _steps(found: list[Seen], near: _Near) -> list[Step]:
    ordered = sorted(found, key=lambda event: (event.time, event.id))
    numbers = {event.id: number for number, event in enumerate(ordered, start=1)}
    before = ordered[0].time if ordered else None
    steps = []
    for event in ordered:
        steps.append(
            Step(
                event=event,
                after_seconds=(event.time - (before or event.time)).total_seconds(),
                because_of=numbers.get(event.cause),
                aside=tuple(sorted(near.copies.get(event.id, ()), key=lambda one: (one.at, one.place))),
            )
        )
        before = event.time
    return steps
