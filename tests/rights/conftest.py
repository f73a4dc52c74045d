import shutil
from collections.abc import Iterator

import pytest

from deploy.basudara.agreements import Site
from deploy.basudara.stack import AGENCIES, ROOT, Stack, running_stack
from tests.rights.place import place
from tests.system.offices import BAPAS, on
from tests.system.seeing import let_go


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """An engine, and what an operator does to it; no service."""
    with place(ROOT / ".local" / "rights-test") as made:
        yield made


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Bapas and the register's keeper, alone."""
    folder = tmp_path_factory.mktemp("manifests")
    for code in (BAPAS, "kanwil-maluku"):
        shutil.copy(AGENCIES / f"{code}.yaml", folder)
    with running_stack(ROOT / ".local" / "joining-test", folder=folder) as running:
        running.move_clock(on(1, 8))
        yield running
        let_go(running)
