"""The set-up as met by somebody who has just cloned this: quick with nothing to do, plain when it can't go on.

It runs on a copy, with Maven and Java played by scripts, so no test needs a network.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
STAMP = """
import sys; sys.path.insert(0, "deploy/local"); sys.dont_write_bytecode = True
import setup
for part in (setup.PACKAGES, setup.OURS, setup.MONGOD):
    part.stamp.parent.mkdir(parents=True, exist_ok=True)
    part.stamp.write_text(part.made_from())
"""
BRINGS_KAFKA = 'for word; do case $word in -DoutputDirectory=*) touch "${word#*=}/kafka_2.13-4.3.1.jar";; esac; done'
JAVA_17 = "echo 'openjdk version \"17.0.15\"' >&2"


@dataclass(frozen=True)
class Checkout:
    root: Path

    def tool(self, name: str, script: str) -> None:
        (self.root / "bin").mkdir(exist_ok=True)
        file = self.root / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def begin(self, *python: str) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PATH": f"{self.root / 'bin'}:/usr/bin:/bin"}
        # a runner without a terminal starts us with SIGINT ignored, and its children inherit that
        command = ["env", "--default-signal=INT", sys.executable, *(python or ["deploy/local/setup.py"])]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.root, env=environment, start_new_session=True, **pipes)  # type: ignore[call-overload,no-any-return]

    def run(self, *python: str) -> tuple[int, str]:
        with self.begin(*python) as process:
            said, _ = process.communicate(timeout=60)
        return process.returncode, said

    @property
    def jars(self) -> list[str]:
        return sorted(file.name for file in (self.root / ".local" / "jars").glob("*.jar"))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Where all is in step but Kafka."""
    (tmp_path / "deploy").mkdir()
    shutil.copytree(HERE, tmp_path / "deploy" / "local", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    (tmp_path / "requirements.txt").write_text("")
    copy = Checkout(tmp_path)
    copy.tool("java", JAVA_17)
    copy.tool("mvn", BRINGS_KAFKA)
    assert copy.run("-c", STAMP) == (0, "")
    return copy


def test_a_run_with_nothing_to_do_takes_no_time_and_asks_nobody(checkout: Checkout) -> None:
    assert checkout.run()[0] == 0
    checkout.tool("mvn", "exit 1")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert checkout.run() == (0, "Set-up: nothing to do.\n")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 0.5  # of the processor: a busy machine is no fault of the set-up's


def test_what_changed_is_made_anew_and_nothing_else(checkout: Checkout) -> None:
    checkout.run()
    pom = checkout.root / "deploy" / "local" / "pom.xml"
    pom.write_text(pom.read_text().replace("4.3.1", "4.3.2"))
    checkout.tool("mvn", BRINGS_KAFKA.replace("4.3.1", "4.3.2"))
    code, said = checkout.run()
    assert (code, checkout.jars) == (0, ["kafka_2.13-4.3.2.jar"])
    assert said.startswith("Setting up Kafka (")


def test_a_tool_that_fails_is_told_in_one_sentence_with_its_reason_and_log(checkout: Checkout) -> None:
    checkout.tool("mvn", "echo '[ERROR] no route to anywhere'; exit 1")
    code, said = checkout.run()
    assert code == 2
    log = checkout.root / ".local" / "logs" / "setup-jars.log"
    assert said.splitlines()[-1] == f"`mvn` failed (no route to anywhere); its log: {log}"
    assert "Traceback" not in said


def test_a_run_that_was_killed_half_way_is_healed_by_the_next(checkout: Checkout) -> None:
    checkout.tool("mvn", f"{BRINGS_KAFKA}\ntouch half; sleep 60")
    with checkout.begin() as process:
        until = time.monotonic() + 60
        while not (checkout.root / "half").exists() and time.monotonic() < until:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    assert checkout.jars == []  # half of it is nowhere to be found
    checkout.tool("mvn", BRINGS_KAFKA)
    assert checkout.run()[0] == 0
    assert checkout.jars == ["kafka_2.13-4.3.1.jar"]
    assert checkout.run() == (0, "Set-up: nothing to do.\n")


def test_two_runs_at_once_do_the_work_once(checkout: Checkout) -> None:
    checkout.tool("mvn", f"{BRINGS_KAFKA}\necho once >> calls; sleep 1")
    with checkout.begin() as first, checkout.begin() as second:
        assert [first.wait(60), second.wait(60)] == [0, 0]
    assert (checkout.root / "calls").read_text() == "once\n"


def test_an_interrupted_run_says_so_without_a_traceback(checkout: Checkout) -> None:
    checkout.tool("mvn", "touch half; exec sleep 60")
    with checkout.begin() as process:
        until = time.monotonic() + 60
        while not (checkout.root / "half").exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "Interrupted: the next run goes on from here."
    assert "Traceback" not in said


def test_a_python_that_is_too_old_is_told_which_one_is_needed(checkout: Checkout) -> None:
    old = """
import os, runpy, sys
sys.version_info = (3, 9, 2, "final", 0)
os.environ["PATH"] = "/nowhere"
runpy.run_path("deploy/local/setup.py", run_name="__main__")
"""
    code, said = checkout.run("-c", old)
    assert code == 2
    assert said.startswith("Basudara needs Python 3.11 or newer, this is ")
    assert "Traceback" not in said
