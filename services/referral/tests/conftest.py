"""What the tests of referral share: their helpers by name, and the running service."""

import sys
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chassis.testing import new_code
from referral.bootstrap import build
from referral.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))

from referral_story import Story, at


@pytest.fixture
async def story(running_service: Callable[..., Any]) -> AsyncIterator[Story]:
    """Referral of one sender on Monday 18 January 2027, 12:00 WIT, with a PKS in force."""
    partners = (new_code("opd"), new_code("opd"))
    async with running_service("referral", Settings, build, partners=partners) as svc:
        svc.set_clock(at(date(2027, 1, 18), 12))
        told = Story(svc, partners[1])
        await told.agree_all()
        await svc.settled()
        yield told
