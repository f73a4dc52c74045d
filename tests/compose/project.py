"""`docker compose` on the file as it is shipped: started, looked into, and ended without a trace."""

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.basudara.stack import AGENCIES, ROOT, Stack
from deploy.compose.containers import insist_on

NAME = "basudara-check"
FILES = ("docker-compose.yml", "tests/compose/looking.yml")
KAFKA, MONGO = "127.0.0.1:9094", "mongodb://127.0.0.1:9095/?directConnection=true"  # as looking.yml publishes them
LIMIT_SECONDS, START_LIMIT_SECONDS, BUILD_LIMIT_SECONDS = 300, 480, 1800  # of a machine that has more to do
ONE_SHOT = ("secrets", "kafka-format", "init")


def compose(*words: str, limit_seconds: int = LIMIT_SECONDS) -> bytes:
    """What it printed. Fails with what it said last."""
    files = [word for file in FILES for word in ("-f", str(ROOT / file))]
    return docker("compose", "--project-name", NAME, "--progress", "quiet", *files, *words, limit_seconds=limit_seconds)


def docker(*words: str, limit_seconds: int = LIMIT_SECONDS) -> bytes:
    done = subprocess.run(["docker", *words], cwd=ROOT, capture_output=True, check=False, timeout=limit_seconds)
    last = done.stderr.decode(errors="replace").strip().splitlines()[-12:]
    assert done.returncode == 0, f"docker {' '.join(words[:1] + words[-3:])}: exit {done.returncode}: " + "\n".join(
        last
    )
    return done.stdout


def insist() -> None:
    """Raises NoDocker: no docker, no engine that answers, or no compose."""
    insist_on("info")
    insist_on("compose", "version")


def begin() -> None:
    """Build and start all. Where something does not come up, says what it said last."""
    compose("--profile", "*", "build", limit_seconds=BUILD_LIMIT_SECONDS)
    try:
        within = ("--wait", "--wait-timeout", str(START_LIMIT_SECONDS))
        compose("up", "--detach", *within, limit_seconds=2 * START_LIMIT_SECONDS)
    except AssertionError as error:
        said = compose("ps", "--all").decode() + compose("logs", "--no-color", "--tail", "15").decode()
        raise AssertionError(f"{error}\n{said}") from None


def end() -> None:
    compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "20")


def left() -> list[str]:
    """Containers, volumes and networks of this project."""
    mine = ("--quiet", "--filter", f"label=com.docker.compose.project={NAME}")
    listed = [docker("ps", "--all", *mine), docker("volume", "ls", *mine), docker("network", "ls", *mine)]
    return [line for one in listed for line in one.decode().split()]


def operator(*words: str) -> str:
    """`basudara` in its container."""
    return compose("run", "--rm", "-T", "operator", *words).decode().strip()


def containers() -> list[Mapping[str, Any]]:
    """Of all services, as docker sees them, those that have done their work included."""
    ids = compose("ps", "--all", "--quiet").decode().split()
    found: list[Mapping[str, Any]] = json.loads(docker("inspect", *ids))
    return found


def service_of(container: Mapping[str, Any]) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


@dataclass(frozen=True, kw_only=True)
class Composed(Stack):
    """The installation in containers. Its clock and its register are its operator's to change."""

    def move_clock(self, instant: datetime) -> None:
        operator("clock", "move", instant.isoformat())

    def apply_agreement(self, file: Path) -> str:
        return operator("agreement", "apply", str(file.relative_to(ROOT)))


def look_at(home: Path) -> Composed:
    """The running project from outside; its operator's files are copied to `home`."""
    files = compose("run", "--rm", "-T", "--entrypoint", "tar", "operator", "-C", ".local/up", "-cf", "-", ".")
    with tarfile.open(fileobj=io.BytesIO(files)) as packed:
        packed.extractall(home, filter="data")
    said = json.loads((home / "stack.json").read_text())
    outside = {"home": home, "kafka": KAFKA, "mongo": MONGO, "manifests_folder": str(AGENCIES)}
    return Composed(**{**said, **outside})


def keep_logs(stack: Composed) -> None:
    """What every container has said so far, where one looks for a stack's logs, in a file of its service's name."""
    stack.logs.mkdir(exist_ok=True)
    for container in containers():
        file = stack.logs / f"{service_of(container)}.log"
        file.write_bytes(compose("logs", "--no-color", "--no-log-prefix", service_of(container)))


def weighed() -> list[str]:
    """Sizes of the images and memory of the containers, a line each, and the sum of the latter."""
    images = sorted({str(one["Config"]["Image"]) for one in containers()})
    sizes = [int(docker("image", "inspect", "--format", "{{.Size}}", name)) for name in images]
    lines = [f"image {name}: {size / 1e6:.0f} MB" for name, size in zip(images, sizes, strict=True)]
    running = compose("ps", "--quiet").decode().split()
    used = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *running).decode().splitlines()
    total = sum(_mib(line.split()[1]) for line in used)
    return [*lines, *(f"memory {line}" for line in sorted(used)), f"memory in all: {total:.0f} MiB"]


def _mib(told: str) -> float:
    """Of docker's own way to say it, such as 104.5MiB."""
    number = told.rstrip("KMGiB")
    return float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[told.removeprefix(number)]
