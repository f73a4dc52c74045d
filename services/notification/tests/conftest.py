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
def logs_as_in_service() -> None:
    logs.setup("notification", "test", "WARNING")


@pytest.fixture
async def office(running_service: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Office]:
    async with office_open(running_service, tmp_path) as opened:
        yield opened
