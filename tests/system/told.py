"""Holding what was seen against what the handbook says."""

from collections.abc import Iterable, Sequence

from tests.system.seeing import Event, Record

# What tells two events of one type apart in a story.
WHICH = ("purpose", "business_status", "kind", "day")


def label(event: Event) -> str:
    """As the handbook writes it: the short name, and what it is about."""
    which = [str(event.data[name]) for name in WHICH if name in event.data]
    return " ".join([event.kind, *which])


def story_of(found: Iterable[Event]) -> list[Event]:
    """Messages are the notification service's affair and no part of a story's list."""
    return [event for event in found if not event.kind.startswith("message.")]


def tells(found: Sequence[Event], expected: Sequence[tuple[str, ...]]) -> None:
    """The merged order of all topics: moment after moment; within one moment services need not wait for each other."""
    labels = [label(event) for event in found]
    assert sorted(labels) == sorted(one for moment in expected for one in moment)
    at = 0
    for moment in expected:
        assert sorted(labels[at : at + len(moment)]) == sorted(moment), f"out of order after {labels[:at]}"
        at += len(moment)


def caused(found: Sequence[Event], effect: str, *causes: str) -> None:
    """Every event labelled `effect` names one of these as its cause, which came no later."""
    by_id = {event.id: event for event in found}
    effects = [event for event in found if label(event) == effect]
    assert effects, effect
    for event in effects:
        assert label(by_id[event.cause]) in causes
        assert by_id[event.cause].time <= event.time


def of_subject(found: Sequence[Event], subject: str) -> list[str]:
    """What happened to one aggregate, by its versions, each of which may be told of once."""
    own = sorted((event for event in found if event.subject == subject), key=lambda event: event.version)
    return [label(event) for event in own]


def nowhere(texts: Iterable[str], places: dict[str, str | bytes]) -> None:
    """None of these texts stands in any of these places. Says where, never what."""
    for number, text in enumerate(texts):
        for name, place in places.items():
            held = text.encode() in place if isinstance(place, bytes) else text in place
            assert not held, f"text {number} stands in {name}"


def whole(found: Iterable[Record]) -> dict[str, str | bytes]:
    return {f"{one.topic}:{one.partition}:{one.offset}": one.whole for one in found}
