"""What intake's tests share: helpers found by name, and a running intake with its own key and staff."""

import base64
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from intake_office import Office

from chassis.testing import new_code
from intake.bootstrap import build
from intake.settings import Settings

STAFF = {
    "pk-1": {"phone": "+6281000000091", "role": "probation_officer", "whatsapp_optin": True},
    "lpka-1": {"phone": "+6281000000092", "role": "facility_officer"},
}


@pytest.fixture
async def office(running_service: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Office]:
    """A Bapas that signed a PKS with the first of two partners; the clock stands at noon (WIT) of Thu 4 March 2027."""
    key, staff = tmp_path / "key", tmp_path / "staff.json"
    key.write_text(base64.b64encode(b"k" * 32).decode())
    staff.write_text(json.dumps(STAFF))
    partners = (new_code("opd"), new_code("opd"))
    async with running_service(
        "intake", Settings, build, partners=partners, agency_key_file=key, staff_file=staff, import_rows=50
    ) as running:
        office = Office(running, partners[1])
        await office.move_in()
        yield office
