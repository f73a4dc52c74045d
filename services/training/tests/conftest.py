"""What the tests of training share."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `training_people` and `training_world`

from training_world import World, a_world


@pytest.fixture
async def world(running_service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A running training service under an agreement with one sender, on Mon 18 January 2027, 09:00 WIT."""
    async with a_world(running_service, tmp_path, monkeypatch) as one:
        yield one
