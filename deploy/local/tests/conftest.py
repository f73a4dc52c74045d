"""One gateway for all tests of it: each has references and agencies of its own."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from deploy.local.tests.gateway_world import Agency, gateway


@pytest.fixture(scope="module")
def agencies() -> Iterator[list[Agency]]:
    both = [Agency(), Agency()]
    yield both
    for one in both:
        one.close()


@pytest.fixture(scope="module")
def running(agencies: list[Agency], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with gateway(tmp_path_factory.mktemp("gateway"), *(one.url for one in agencies)) as (client, _):
        yield client


@pytest.fixture
def client(running: httpx.Client, agencies: list[Agency], reference: str) -> httpx.Client:
    """The same gateway for all, as if just started: every test has references and agencies of its own."""
    running.delete("/recorded")
    running.put("/behaviour", json={"channel": "*", "to": "*", "does": "deliver"})
    for one in agencies:
        one.heard, one.answers, one.about = [], [], reference
    return running


@pytest.fixture
def agency(agencies: list[Agency]) -> Agency:
    return agencies[0]


@pytest.fixture
def reference() -> str:
    return f"msg_{uuid.uuid4().hex}:1"
