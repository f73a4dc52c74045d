"""One engine for all tests of faults: a real broker with a side door for a proxy, and a real store with fail points."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chassis.testing import ROOT, Backend
from deploy.local.engine import Extras, engine
from deploy.local.loopback import free_ports
from tests.resilience.machines import Machines
from tests.resilience.proxy import Proxy, proxy
from tests.resilience.town import Town


@pytest.fixture(scope="session")
def machines() -> Iterator[Machines]:
    home = ROOT / ".local" / f"resilience-{os.getpid()}"
    ports = free_ports()
    extras = Extras(side_door=(next(ports), next(ports)), fail_points=True)
    with engine(home, fresh=True, extras=extras) as running:
        yield Machines(home, extras, running.kafka, running.mongo)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def backend(machines: Machines) -> Backend:
    """Takes the place of the chassis' own fixture: `running_service` works on these machines too."""
    return Backend(machines.kafka, machines.mongo)


@pytest.fixture
async def town(backend: Backend, tmp_path: Path) -> AsyncIterator[Town]:
    made = Town(backend, tmp_path)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def broker_way(machines: Machines) -> AsyncIterator[Proxy]:
    """The way to the broker: give a service `kafka=f"127.0.0.1:{broker_way.port}"`. One service set at a time."""
    async with proxy(machines.side_port, machines.told_port) as way:
        yield way


@pytest.fixture
async def store_way(machines: Machines) -> AsyncIterator[Proxy]:
    """The way to the store: give a service `mongo=at(store_way)`."""
    async with proxy(machines.mongo_port) as way:
        yield way
