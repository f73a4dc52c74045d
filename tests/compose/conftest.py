"""One start of `docker-compose.yml` for all tests that need it, and a look at what it leaves behind."""

from collections.abc import Iterator

import pytest

from deploy.compose.containers import NoDocker
from tests.compose import project
from tests.compose.project import Composed
from tests.system.offices import WIRE
from tests.system.play import Played, play_stories
from tests.system.seeing import let_go

WEIGHED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Composed]:
    try:
        project.insist()
    except NoDocker as error:
        pytest.exit(str(error), returncode=2)
    project.end()  # what a killed run left
    try:
        project.begin()
        looked_at = project.look_at(tmp_path_factory.mktemp("up"))
        yield looked_at
        WIRE.close()
        let_go(looked_at)
        pytestconfig.stash[WEIGHED] = project.weighed()
    finally:
        project.end()
    assert project.left() == [], "containers, volumes or networks stay behind"


@pytest.fixture(scope="session")
def played(stack: Composed) -> Played:
    """Stories A and D, as officers lived them at the doors that the host has."""
    done = play_stories(stack)
    project.keep_logs(stack)
    return done


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(WEIGHED, []):
        terminalreporter.write_line(line)
