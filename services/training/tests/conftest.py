"""What the tests of training share."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `training_people` and `training_world`

from training_world import World, a_world


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often a service looks by itself is no promise of these tests, and they wait for it all the time."""
    monkeypatch.setattr("chassis.positions.TELL_SECONDS", 0.02)
    monkeypatch.setattr("chassis.duties.LOOK_SECONDS", 0.1)


@pytest.fixture
async def world(running_service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A running training service under an agreement with one sender, on Mon 18 January 2027, 09:00 WIT."""
    async with a_world(running_service, tmp_path, monkeypatch) as one:
        yield one


@pytest.fixture
async def patient_world(running_service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The same; what comes before its cause is tried again as long as a test lasts."""
    async with a_world(running_service, tmp_path, monkeypatch, retry_seconds=(0.2,) * 500) as one:
        yield one
