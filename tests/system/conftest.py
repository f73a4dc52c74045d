"""One stack for all system tests. Its clock only moves on, so the tests run in the order of its days."""

from collections.abc import Iterator

import pytest

from deploy.basudara.stack import ROOT, Stack, running_stack
from tests.system.offices import WIRE
from tests.system.play import Played, play_stories
from tests.system.seeing import let_go

IN_ORDER = (
    "test_conform",
    "test_story_a",
    "test_story_d",
    "test_edge_http",
    "test_edge_kafka",
    "test_stack",
    "test_events",
    "test_parked",
    "test_subscribe",
    "test_canary",
    "test_types_seen",
    "test_audit",
    "test_told_again",
    "test_erasure",
    "test_restore",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if item.path.stem in IN_ORDER]
    places = [place for place, item in enumerate(items) if item in ours]
    for place, item in zip(places, sorted(ours, key=lambda item: IN_ORDER.index(item.path.stem)), strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack(ROOT / ".local" / "system-test") as running:
        yield running
        WIRE.close()
        let_go(running)


@pytest.fixture(scope="session")
def played(stack: Stack) -> Played:
    """Stories A and D from 4 January to 28 August 2027, as officers lived them at their doors."""
    return play_stories(stack)
