"""How tests on containers are run: what is said where there is no docker, and what waits for images."""

from pathlib import Path

import pytest

from deploy.compose.containers import NoDocker, insist_on
from tests.__main__ import Stage, _run_all, stages


def by_default() -> set[str]:
    return {stage.name for stage in stages() if not stage.when_named}


def test_the_compose_project_is_a_stage_where_tests_run_on_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_BACKEND", "containers")
    there = by_default()
    monkeypatch.setenv("TEST_BACKEND", "local")
    assert there - by_default() == {"images", "compose"}


@pytest.mark.parametrize(("command", "code", "begun"), [("true", 0, True), ("false", 1, False)])
def test_what_needs_images_begins_when_they_are_built(command: str, code: int, begun: bool, tmp_path: Path) -> None:
    mark = tmp_path / "begun"
    images = Stage("images", (command,), ahead=True)
    assert _run_all([images, Stage("component", ("touch", str(mark)), engine=True)]) == code
    assert mark.exists() == begun


def test_a_machine_without_docker_is_told_so_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoDocker, match=r"^docker is not installed: tests on containers need it$"):
        insist_on("info")


def test_what_docker_said_last_is_told_where_no_engine_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho Client: >&1\necho first >&2\necho Cannot connect >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoDocker, match=r"^docker info: Cannot connect$"):
        insist_on("info")
