"""One browser and one site for all tests of the site as people see it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.basudara.contracts.docs.catalogue import load
from deploy.basudara.contracts.docs.render import write
from deploy.basudara.stack import ROOT
from tests.browser.webdriver import Browser, browsing


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In a folder whose name needs quoting, as people's folders do."""
    to = tmp_path_factory.mktemp("some folder") / "peristiwa & docs"
    write(load(ROOT / "contracts"), to)
    return to


@pytest.fixture(scope="session")
def session() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def browser(session: Browser) -> Iterator[Browser]:
    """On a wide light screen. Whatever a page complained of fails the test that looked at it."""
    session.screen(1280, 900)
    session.complaints()
    yield session
    assert session.complaints() == []
