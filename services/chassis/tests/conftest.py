"""Fixtures of the chassis' own tests: the toy service."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from chassis.testing import Running

sys.path.insert(0, str(Path(__file__).parent))

import toy


@pytest.fixture
async def toy_service(running_service: Callable[..., Any]) -> AsyncIterator[Running]:
    async with running_service("training", toy.Settings, toy.build) as service:
        yield service
