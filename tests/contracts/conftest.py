"""What tests of the gate share."""

from pathlib import Path

import pytest

from .changing import Contracts


@pytest.fixture
def contracts(tmp_path: Path) -> Contracts:
    return Contracts(tmp_path / "contracts")
