"""One stack for all faces, with a little life in it."""

from collections.abc import Iterator

import pytest

from deploy.basudara.stack import ROOT, Stack, running_stack
from tests.http.world import Face, faces
from tests.system.offices import WIRE
from tests.system.seeing import let_go


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack(ROOT / ".local" / "http-test") as running:
        yield running
        WIRE.close()
        let_go(running)


@pytest.fixture(scope="session")
def doors(stack: Stack) -> dict[str, Face]:
    return faces(stack)
