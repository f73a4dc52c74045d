"""Fixtures of notification's tests: the office with its gateway and its intake."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from notification_office import Office, office_open

from chassis import logs


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often a service looks by itself is no promise of these tests, and they wait for it all the time."""
    monkeypatch.setattr("chassis.positions.TELL_SECONDS", 0.02)
    monkeypatch.setattr("chassis.duties.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("notification.entrypoints.sender.LOOK_SECONDS", 0.1)


@pytest.fixture(autouse=True)
def logs_as_in_service() -> None:
    logs.setup("notification", "test", "WARNING")


@pytest.fixture
async def office(running_service: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Office]:
    async with office_open(running_service, tmp_path) as opened:
        yield opened
