"""One engine for all tests of faults: a real broker with a side door for a proxy, and a real store with fail points."""

import os
import random
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chassis.testing import ROOT, Backend
from deploy.local.engine import Extras, engine
from tests.resilience.machines import Machines
from tests.resilience.proxy import Proxy, proxy
from tests.resilience.town import Town


@pytest.fixture(scope="session")
def machines() -> Iterator[Machines]:
    home = ROOT / ".local" / f"resilience-{os.getpid()}"
    extras = Extras(side_door=_free_ports(), fail_points=True)
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


def _free_ports() -> tuple[int, int]:
    """Below the range that the kernel gives to outgoing connections, so that they stay free until they are used."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            while not _bound(each, random.randrange(12_000, 20_000)):
                continue
        return one.getsockname()[1], other.getsockname()[1]


def _bound(one: socket.socket, port: int) -> bool:
    try:
        one.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
