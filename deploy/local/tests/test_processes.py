"""Child processes: nobody else's is ever ended, none of ours is ever lost."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import processes

SLEEP = ["sleep", "60"]


@pytest.fixture
def pid_file(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "run" / "child.pid"
    yield file
    processes.end_leftovers(file)


@pytest.fixture
def stranger() -> "Iterator[subprocess.Popen[bytes]]":
    """A process that is none of ours."""
    with subprocess.Popen(SLEEP, start_new_session=True) as process:
        time.sleep(0.05)  # a start time is told in hundredths of a second
        yield process
        process.kill()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "child.log"


def until_recorded(pid_file: Path) -> dict[str, int | str]:
    """And until it has become the real program: in between, the kernel shows nothing of it for a moment."""
    until = time.monotonic() + 60
    while not pid_file.exists() and time.monotonic() < until:
        time.sleep(0.02)
    said: dict[str, int | str] = json.loads(pid_file.read_text())
    told = Path(f"/proc/{said['pid']}/cmdline")
    while (words := told.read_bytes().split(b"\0")) in ([b""], []) or b"-S" in words:
        assert time.monotonic() < until, "it never became the real program"
        time.sleep(0.02)
    return said


def test_a_strangers_process_on_a_recycled_pid_is_left_alone(
    pid_file: Path, log: Path, stranger: "subprocess.Popen[bytes]"
) -> None:
    child = processes.start(SLEEP, pid_file=pid_file, log=log, foreground=True)
    said = until_recorded(pid_file)
    processes.stop(child)
    pid_file.write_text(json.dumps({**said, "pid": stranger.pid}))  # the kernel gave it the pid of our child
    assert processes.find(pid_file) is None
    processes.end_leftovers(pid_file)
    processes.stop(processes.Child(stranger.pid, int(said["started"]), str(said["boot"])))
    assert stranger.poll() is None


def test_a_pid_file_from_before_the_machine_started_means_nothing(
    pid_file: Path, stranger: "subprocess.Popen[bytes]"
) -> None:
    started = int(Path(f"/proc/{stranger.pid}/stat").read_text().rpartition(")")[2].split()[19])
    pid_file.parent.mkdir()
    pid_file.write_text(json.dumps({"pid": stranger.pid, "started": started, "boot": "another"}))
    processes.end_leftovers(pid_file)
    assert stranger.poll() is None


def test_a_child_whose_pid_file_was_lost_is_still_found_and_ended(pid_file: Path, log: Path) -> None:
    child = processes.start(SLEEP, pid_file=pid_file, log=log, foreground=False)
    until_recorded(pid_file)
    pid_file.unlink()
    assert processes.find(pid_file) == child
    assert processes.end_leftovers(pid_file) == 1
    assert not child.alive


def test_a_child_is_there_until_its_last_thread_has_ended_and_is_buried_then(pid_file: Path, log: Path) -> None:
    """A JVM's first thread is gone some time before the others: who counted it as ended then never buried it."""
    leader_ends = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(2,)).start()\n"
        "ctypes.CDLL(None).syscall(60, 0)"  # exit, of this thread alone
    )
    child = processes.start([sys.executable, "-c", leader_ends], pid_file=pid_file, log=log, foreground=True)
    state = Path(f"/proc/{child.pid}/stat")
    until_recorded(pid_file)
    until = time.monotonic() + 60
    while state.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until, "its first thread does not end"
        time.sleep(0.01)
    assert child.alive
    processes.stop(child)
    assert child.pid not in processes._ours


def test_a_child_that_will_not_listen_is_ended_after_the_limit(pid_file: Path, log: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = processes.start([sys.executable, "-c", deaf], pid_file=pid_file, log=log, foreground=True)
    processes.wait_until(lambda: "deaf" in log.read_text(), child, name="It", log=log, limit_seconds=30)
    begun = time.monotonic()
    processes.stop(child, pid_file=pid_file, limit_seconds=0.5)
    assert 0.5 <= time.monotonic() - begun < 30
    assert not child.alive
    assert not pid_file.exists()


def test_a_child_outlives_the_thread_that_started_it(pid_file: Path, log: Path) -> None:
    """The kernel would end it with that thread if it had been the one that forked."""
    started: list[processes.Child] = []

    def work() -> None:
        started.append(processes.start(SLEEP, pid_file=pid_file, log=log, foreground=True))
        until_recorded(pid_file)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    time.sleep(0.2)
    assert started[0].alive


@pytest.mark.parametrize(("foreground", "lives_on"), [(True, False), (False, True)])
def test_only_what_was_started_to_last_outlives_a_killed_parent(
    pid_file: Path, log: Path, foreground: bool, lives_on: bool
) -> None:
    run = f"""
import time, pathlib
from deploy.local import processes
processes.start({SLEEP!r}, pid_file=pathlib.Path({str(pid_file)!r}), log=pathlib.Path({str(log)!r}),
                foreground={foreground})
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", run]) as parent:
        until_recorded(pid_file)
        os.kill(parent.pid, signal.SIGKILL)
    until = time.monotonic() + (0.5 if lives_on else 30)
    while processes.find(pid_file) is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert (processes.find(pid_file) is not None) == lives_on


def test_a_child_that_ends_at_once_is_told_with_its_log(pid_file: Path, log: Path) -> None:
    child = processes.start([sys.executable, "-c", "1/0"], pid_file=pid_file, log=log, foreground=True)
    with pytest.raises(processes.CannotStart, match=r"It ended while it was starting; its log: .*child\.log$"):
        processes.wait_until(lambda: False, child, name="It", log=log, limit_seconds=30)


def test_the_log_of_the_time_before_is_kept(pid_file: Path, log: Path) -> None:
    for word in ("first", "second"):
        child = processes.start(["echo", word], pid_file=pid_file, log=log, foreground=True)
        until = time.monotonic() + 30
        while child.alive and time.monotonic() < until:
            time.sleep(0.02)
    assert log.read_text() == "second\n"
    assert log.with_name("child.log.1").read_text() == "first\n"
