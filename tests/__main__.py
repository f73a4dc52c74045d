"""`python -m tests`: all that a change must pass; begins nothing more once a stage has failed, and exits 1.

First what is quick, stage by stage. Then what starts an engine of its own, two stages at a time, the longest first:
most of their time is spent waiting. What such a stage prints is shown when it ends.

`python -m tests STAGE…` runs only the stages named; `--list` names them. A skipped test fails its stage: what could
not be looked at was not shown to hold. With `TEST_BACKEND=containers` the compose project is a stage as well, and its
images are built beside the quick stages.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tests.browser import webdriver

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
TRIED_AGAIN = 20  # more causes of failure than that are no accident
AT_ONCE = 2
INTERRUPTED = 2  # what pytest says of a session that was ended before its time: nothing to try again
# of tests/, what starts nothing
QUICK = ("contracts", "architecture", "k8s", "fuzz", "compose/test_file.py", "compose/test_running.py")
PACKAGES = ("chassis", "intake", "referral", "training", "notification", "deploy")


@dataclass(frozen=True)
class Count:
    """Tests. `causes`: what fails at set-up fails all tests that need it, and counts once."""

    passed: int = 0
    failed: int = 0
    causes: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.passed + other.passed, self.failed + other.failed, self.causes + other.causes)


@dataclass(frozen=True)
class Stage:
    """One command. `tests`: it is a pytest session, whose tests are counted; without, it counts for nothing."""

    name: str
    command: tuple[str, ...]
    tests: bool = False
    engine: bool = False  # has one of its own, and may run beside another stage
    ahead: bool = False  # begins at once, beside the quick stages; those with an engine wait for it
    when_named: bool = False  # not among those that run by default


@dataclass(frozen=True)
class Outcome:
    good: bool
    count: Count
    seconds: float


def pytest_stage(name: str, *arguments: str, engine: bool = False) -> Stage:
    cache = (
        f"cache_dir=.local/pytest-cache/{name.replace(' ', '-')}"  # its own: sessions beside it note their failures too
    )
    return Stage(name, (sys.executable, "-m", "pytest", "-q", "-o", cache, *arguments), tests=True, engine=engine)


def browser_stage() -> Stage:
    """Runs by default where there is a browser or a way to get one; elsewhere only when named, and then it fails."""
    stage = pytest_stage("browser", "tests/browser")
    return stage if webdriver.obtainable() else replace(stage, when_named=True)


def stages() -> list[Stage]:
    """A session starts one engine: the component tests of one service share one, and no service meets another's."""
    services = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "services").glob("*/tests"), key=_weight)]
    types = [argument for name in PACKAGES for argument in ("-p", name)]
    elsewhere = os.environ.get("TEST_BACKEND") != "containers"  # docker may be neither here nor to be had
    return [
        # after what the quick stages need of the processors: what fails soon is to be said soon
        Stage("images", ("nice", str(ROOT / ".ci" / "images")), ahead=True, when_named=elsewhere),
        Stage("lint", (str(BIN / "ruff"), "check", ".")),
        Stage("format", (str(BIN / "ruff"), "format", "--check", ".")),
        Stage("types", (str(BIN / "mypy"), "--strict", *types)),
        Stage("imports", (str(BIN / "lint-imports"), "--no-cache")),
        Stage("contracts", (str(BIN / "basudara"), "contracts", "check")),
        pytest_stage("unit", "-m", "not engine", *services, *(f"tests/{name}" for name in QUICK)),
        browser_stage(),
        pytest_stage("resilience", "tests/resilience", engine=True),
        pytest_stage("system", "tests/system", engine=True),
        pytest_stage("rights", "tests/rights", engine=True),
        pytest_stage("http", "tests/http", engine=True),
        *(pytest_stage(f"component {path.split('/')[1]}", "-m", "engine", path, engine=True) for path in services),
        pytest_stage("local", "deploy", engine=True),
        replace(pytest_stage("compose", "tests/compose", engine=True), when_named=elsewhere),
    ]


def _weight(tests: Path) -> int:
    """The longest first: by the size of its tests, none of which is known to last."""
    return -sum(file.stat().st_size for file in tests.glob("*.py"))


def run(stage: Stage, said: IO[str] | None = None) -> tuple[bool, Count]:
    """Whether it passed, and how many tests did. What it prints goes to `said`, or straight on.

    Real brokers and databases share a machine with whatever else runs there: a few tests that failed are tried once
    more on a fresh engine. What passes only then is said in the output, so it can be looked at; it is never silent.
    """
    good, count = _run_once(stage, said)
    if good or not stage.tests or not 0 < count.causes <= TRIED_AGAIN:
        return good, count
    print(f"=== {stage.name}: {count.failed} failed and are tried ONCE more", flush=True)
    good, again = _run_once(stage, said, "--last-failed", "--last-failed-no-failures", "none")
    print(f"=== {stage.name}: {again.passed} passed only at the second try", flush=True)
    good = good and again.passed == count.failed
    return good, Count(count.passed + again.passed, count.failed - again.passed)


def _run_once(stage: Stage, said: IO[str] | None, *more: str) -> tuple[bool, Count]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [*stage.command, *((f"--junitxml={report}", *more) if stage.tests else ())]
        done = subprocess.run(command, cwd=ROOT, env=_environment(), check=False, stdout=said, stderr=said)
        count = _counted(report) if stage.tests else Count()
        if done.returncode == INTERRUPTED:
            count = replace(count, causes=0)
    return done.returncode == 0 and not count.failed, count


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONHASHSEED": "0"}


def _counted(report: Path) -> Count:
    """Tests of one session. A session that wrote no report died: one failure, not to be tried again."""
    if not report.exists():
        return Count(failed=1)
    passed = failed = 0
    alone, at_setup = 0, set[str]()
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - see the import
        bad = [row for row in case if row.tag in ("failure", "error", "skipped")]
        failed, passed = failed + bool(bad), passed + (not bad)
        for row in bad[:1]:
            said = row.get("message", "")
            if row.tag == "error" and said.startswith("failed on setup"):
                at_setup.add(said)
            else:
                alone += 1
    return Count(passed, failed, alone + len(at_setup))


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__)
    parser.add_argument("stage", nargs="*", help="only these stages")
    parser.add_argument("--list", action="store_true", help="name the stages and end")
    asked = parser.parse_args(given)
    every = stages()
    if asked.list:
        print("\n".join(stage.name for stage in every))
        return 0
    unknown = set(asked.stage) - {stage.name for stage in every}
    if unknown:
        parser.error(f"no such stage: {', '.join(sorted(unknown))}")
    for stage in every:
        if stage.when_named and not asked.stage:
            print(
                f"=== {stage.name} left out: what it needs may be neither here nor to be had; name it to insist",
                flush=True,
            )
    try:
        return _run_all([stage for stage in every if _wanted(stage, asked.stage)])
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        return 130


def _wanted(stage: Stage, named: Sequence[str]) -> bool:
    return stage.name in named if named else not stage.when_named


def _run_all(wanted: Sequence[Stage]) -> int:
    begun, found = time.monotonic(), dict[str, Outcome]()

    def one(stage: Stage, said: IO[str] | None) -> None:
        if not all(outcome.good for outcome in list(found.values())):
            return
        print(f"=== {stage.name}", flush=True)
        start = time.monotonic()
        good, count = run(stage, said)
        found[stage.name] = Outcome(good, count, time.monotonic() - start)

    def apart(stage: Stage) -> None:
        with tempfile.TemporaryFile("w+") as said:
            one(stage, said)
            said.seek(0)
            _tell(stage, found, said.read())

    with ThreadPoolExecutor(1) as beside:
        ahead = [beside.submit(apart, stage) for stage in wanted if stage.ahead]
        for stage in (each for each in wanted if not (each.engine or each.ahead)):
            one(stage, None)
            _tell(stage, found, "")
    for begun_ahead in ahead:
        begun_ahead.result()
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as lanes:
        list(lanes.map(apart, [stage for stage in wanted if stage.engine]))
    return _sum_up(found, time.monotonic() - begun)


def _tell(stage: Stage, found: dict[str, Outcome], said: str) -> None:
    if outcome := found.get(stage.name):
        verdict = "passed" if outcome.good else "FAILED"
        print(f"{said}=== {stage.name} {verdict} in {outcome.seconds:.1f} s", flush=True)


def _sum_up(found: dict[str, Outcome], seconds: float) -> int:
    """The exit code. A stage without tests that failed counts as one failure."""
    good = all(outcome.good for outcome in found.values())
    total = sum((outcome.count for outcome in found.values()), Count())
    total += Count(failed=sum(not outcome.good and not outcome.count.failed for outcome in found.values()))
    print("\n".join(f"{name:<24} {outcome.seconds:7.1f} s" for name, outcome in found.items()))
    print(f"{'total':<24} {seconds:7.1f} s")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
