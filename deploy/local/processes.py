"""Child processes that are logged, found again after a crash, and never mistaken for somebody else's.

A pid alone proves nothing: the kernel gives it to another process later. A child is therefore its pid *and* its start
time (and the boot, since start times count from it), and is signalled only while all three still hold.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

MARK = "BASUDARA_CHILD"  # in a child's environment: which pid file it belongs to, even if that file was lost
_PAUSE_SECONDS = 0.05
_PORT_TAKEN = ("Address already in use",)


class CannotStart(Exception):
    """One sentence for the operator, with the log's path where there is a log."""


class PortTaken(CannotStart):
    """Somebody else was quicker: other ports can help."""


_ours: dict[int, "subprocess.Popen[bytes]"] = {}

# Runs in the child before it becomes the real program, so that no moment exists in which the child runs unrecorded, and
# so that nothing but `exec` happens between fork and program in a parent that may have threads.
_BECOME = """
import ctypes, json, os, signal, sys
pid_file, boot, parent, *command = sys.argv[1:]
if int(parent):
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 = PR_SET_PDEATHSIG
    if os.getppid() != int(parent):
        sys.exit("the parent is gone already")
with open("/proc/self/stat") as stat:
    started = int(stat.read().rpartition(")")[2].split()[19])
with open(pid_file + ".new", "w") as file:
    json.dump({"pid": os.getpid(), "started": started, "boot": boot}, file)
os.replace(pid_file + ".new", pid_file)
os.execvp(command[0], command)
"""


@dataclass(frozen=True)
class Child:
    """One process we started. `started` is in clock ticks since `boot`."""

    pid: int
    started: int
    boot: str

    @property
    def alive(self) -> bool:
        return self.boot == _boot() and _started(self.pid) == self.started


def start(
    command: Sequence[str],
    *,
    pid_file: Path,
    log: Path,
    foreground: bool,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Child:
    """Start `command` in a session of its own: Ctrl-C is the parent's to handle.

    Its output goes to `log`, whose last content moves to `.1`.
    `foreground`: the kernel ends it when this process ends, however that happens.
    """
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))
    parent = str(os.getpid() if foreground else 0)
    become = [sys.executable, "-I", "-S", "-c", _BECOME, str(pid_file), _boot(), parent, *command]
    environment = {**(os.environ if env is None else env), MARK: str(pid_file.resolve())}
    with log.open("ab") as output:
        process = _lasting_thread(
            lambda: subprocess.Popen(
                become,
                env=environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )
    _ours[process.pid] = process
    started = _started(process.pid)
    return Child(process.pid, -1 if started is None else started, _boot())


def wait_until(answers: Callable[[], bool], child: Child, *, name: str, log: Path, limit_seconds: float) -> None:
    """Return once `answers()` is true. Raises CannotStart: `child` ended, or `limit_seconds` passed; PortTaken."""
    until = time.monotonic() + limit_seconds
    while not answers():
        if not child.alive:
            said = log.read_text(errors="replace") if log.exists() else ""
            if any(words in said for words in _PORT_TAKEN):
                raise PortTaken(f"{name} found its port taken; its log: {log}")
            raise CannotStart(f"{name} ended while it was starting; its log: {log}")
        if time.monotonic() > until:
            raise CannotStart(f"{name} gave no answer within {limit_seconds:.0f} seconds; its log: {log}")
        time.sleep(_PAUSE_SECONDS)


def find(pid_file: Path) -> Child | None:
    """The living child of `pid_file`, by the file or, where that was lost, by its mark. None: it does not run."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        said = json.loads(pid_file.read_text())
        child = Child(int(said["pid"]), int(said["started"]), str(said["boot"]))
        if child.alive:
            return child
    return next(iter(_marked(pid_file)), None)


def stop(child: Child, *, pid_file: Path | None = None, limit_seconds: float = 10) -> None:
    """Ask it and its group to end (SIGTERM), insist after `limit_seconds` (SIGKILL), and return when it is gone."""
    for signal_, limit in ((signal.SIGTERM, limit_seconds), (signal.SIGKILL, 10.0)):
        if _signal(child, signal_) and _gone(child, limit):
            break
    if pid_file is not None and not child.alive:
        pid_file.unlink(missing_ok=True)


def end_leftovers(pid_file: Path, *, limit_seconds: float = 10) -> int:
    """End what an earlier run left behind; how many processes that were. Raises CannotStart: one will not end."""
    ended = 0
    while (child := find(pid_file)) is not None:
        stop(child, limit_seconds=limit_seconds)
        if child.alive:
            raise CannotStart(f"Process {child.pid} of an earlier run will not end: end it by hand ({pid_file}).")
        ended += 1
        pid_file.unlink(missing_ok=True)
    pid_file.unlink(missing_ok=True)
    return ended


def _signal(child: Child, signal_: signal.Signals) -> bool:
    """False: it was gone before. The child leads its own group, so the group's id is its pid."""
    if not child.alive:
        return True
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal_)
    return True


def _gone(child: Child, limit_seconds: float) -> bool:
    until = time.monotonic() + limit_seconds
    while child.alive:
        if time.monotonic() > until:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started(pid: int) -> int | None:
    """Start time in clock ticks since boot; None: no such process, or a dead one.

    A child of ours is there until it can be buried: while its other threads still end, it looks dead already.
    """
    ours = _ours.get(pid)
    if ours is not None and ours.poll() is not None:  # buries it, or it would stay listed for as long as we live
        _ours.pop(pid, None)
        return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if ours is None and fields[0] in "ZX" else int(fields[19])


def _marked(pid_file: Path) -> list[Child]:
    """Leaders of sessions that carry this pid file's mark: children whose pid file was lost."""
    wanted = f"{MARK}={pid_file.resolve()}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0") and os.getsid(pid) == pid:
                started = _started(pid)
                if started is not None:
                    found.append(Child(pid, started, _boot()))
    return found


# The kernel ties the death signal to the *thread* that forked: a child started in a worker thread would die with that
# thread. All are therefore started in this one, which is a daemon and lives exactly as long as the process.
_orders: "dict[int, SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]]]" = {}
_orders_lock = threading.Lock()


def _lasting_thread(make: "Callable[[], subprocess.Popen[bytes]]") -> "subprocess.Popen[bytes]":
    with _orders_lock:
        orders = _orders.get(os.getpid())  # by pid: a forked copy of this process has the dict but not the thread
        if orders is None:
            orders = _orders[os.getpid()] = SimpleQueue()
            threading.Thread(target=_carry_out, args=(orders,), daemon=True, name="starts-children").start()
    made: Future[subprocess.Popen[bytes]] = Future()
    orders.put((make, made))
    return made.result()


def _carry_out(
    orders: "SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]]",
) -> None:
    while True:
        make, made = orders.get()
        try:
            made.set_result(make())
        except BaseException as error:  # belongs to the asker
            made.set_exception(error)
