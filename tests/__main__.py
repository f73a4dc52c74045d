"""`python -m tests`: all that a change must pass, fastest first; stops at the first stage that fails, with exit 1.

`python -m tests STAGE…` runs only the stages named; `--list` names them. A skipped test fails its stage: what could
not be looked at was not shown to hold.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.browser import webdriver

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
TRIED_AGAIN = 20  # more failures than that are no accident
PACKAGES = ("chassis", "intake", "referral", "training", "notification", "deploy")


@dataclass(frozen=True)
class Count:
    passed: int = 0
    failed: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.passed + other.passed, self.failed + other.failed)


@dataclass(frozen=True)
class Stage:
    """One command. `tests`: it is a pytest session, whose tests are counted; without, it counts for nothing."""

    name: str
    command: tuple[str, ...]
    tests: bool = False
    when_named: bool = False  # not among those that run by default


def pytest_stage(name: str, *arguments: str) -> Stage:
    return Stage(name, (sys.executable, "-m", "pytest", "-q", *arguments), tests=True)


def browser_stage() -> Stage:
    """Runs by default where there is a browser or a way to get one; elsewhere only when named, and then it fails."""
    stage = pytest_stage("browser", "tests/browser")
    return stage if webdriver.obtainable() else replace(stage, when_named=True)


def stages() -> list[Stage]:
    """A session starts one engine: the component tests of one service share one, and no service meets another's."""
    services = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "services").glob("*/tests"))]
    types = [argument for name in PACKAGES for argument in ("-p", name)]
    return [
        Stage("lint", (str(BIN / "ruff"), "check", ".")),
        Stage("format", (str(BIN / "ruff"), "format", "--check", ".")),
        Stage("types", (str(BIN / "mypy"), "--strict", *types)),
        Stage("imports", (str(BIN / "lint-imports"), "--no-cache")),
        Stage("contracts", (str(BIN / "basudara"), "contracts", "check")),
        pytest_stage("unit", "-m", "not engine", *services, "tests/contracts", "tests/architecture"),
        pytest_stage("local", "deploy"),
        browser_stage(),
        *(pytest_stage(f"component {path.split('/')[1]}", "-m", "engine", path) for path in services),
        pytest_stage("system", "tests/system"),
        pytest_stage("resilience", "tests/resilience"),
    ]


def run(stage: Stage) -> tuple[bool, Count]:
    """Whether it passed, and how many tests did.

    Real brokers and databases share a machine with whatever else runs there: a few tests that failed are tried once
    more on a fresh engine. What passes only then is said in the output, so it can be looked at; it is never silent.
    """
    good, count = _run_once(stage)
    if good or not stage.tests or not 0 < count.failed <= TRIED_AGAIN:
        return good, count
    print(f"=== {stage.name}: {count.failed} failed and are tried ONCE more", flush=True)
    good, again = _run_once(stage, "--last-failed", "--last-failed-no-failures", "none")
    print(f"=== {stage.name}: {again.passed} passed only at the second try", flush=True)
    good = good and again.passed == count.failed
    return good, Count(count.passed + again.passed, count.failed - again.passed)


def _run_once(stage: Stage, *more: str) -> tuple[bool, Count]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        extra = (f"--junitxml={report}", *more) if stage.tests else ()
        done = subprocess.run([*stage.command, *extra], cwd=ROOT, env=_environment(), check=False)
        count = _counted(report) if stage.tests else Count()
    return done.returncode == 0 and not count.failed, count


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONHASHSEED": "0"}


def _counted(report: Path) -> Count:
    """Tests of one session. A session that wrote no report died: one failure."""
    if not report.exists():
        return Count(failed=1)
    passed = failed = 0
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - see the import
        told = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
        bad = told["failures"] + told["errors"] + told["skipped"]
        failed += bad
        passed += max(told["tests"] - bad, 0)
    return Count(passed, failed)


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
                f"=== {stage.name} left out: what it needs is neither here nor to be had; name it to insist", flush=True
            )
    return _run_all([stage for stage in every if _wanted(stage, asked.stage)])


def _wanted(stage: Stage, named: Sequence[str]) -> bool:
    return stage.name in named if named else not stage.when_named


def _run_all(wanted: Sequence[Stage]) -> int:
    total, begun, seconds = Count(), time.monotonic(), {}
    good = True
    for stage in wanted:
        print(f"=== {stage.name}", flush=True)
        start = time.monotonic()
        good, count = run(stage)
        total += count
        seconds[stage.name] = time.monotonic() - start
        verdict = "passed" if good else "FAILED"
        print(f"=== {stage.name} {verdict} in {seconds[stage.name]:.1f} s", flush=True)
        if not good:
            total += Count(failed=0 if count.failed else 1)
            break
    print("\n".join(f"{name:<24} {value:7.1f} s" for name, value in seconds.items()))
    print(f"{'total':<24} {time.monotonic() - begun:7.1f} s")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
