"""`python -m tests.performance.reminders`: many due reminders go through notification at the agreed rate, the service
is killed in the middle, and what the gateway wrote down is judged: each sent once, no second above the rate."""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from chassis.testing import ROOT
from deploy.local.engine import engine
from notification.entrypoints.sender import AT_ONCE
from tests.performance.reminder_office import DueOffice, due_office

TOLERANCE = 0.05  # of a second's calls, beside those under way: they arrive together after a pause of the gateway
AFTER_RESTART_SECONDS = 60
AGAIN_SECONDS = 1.25  # of calls at the agreed rate: so many one crash may leave without a note (decision 0005)
GROWTH_MB = 25.0  # of a service's memory from the second quarter of its time to the last one
RECEIPT_SECONDS = 0.1
PATIENCE_SECONDS = 90  # without a call: longer than a turn, an unanswered call and the store's orphans together
TOLD_EVERY_SECONDS = 10


@dataclass(frozen=True)
class Call:
    """One line of the gateway's journal. `became`: taken, known (a reference sent again) or refused."""

    at: float
    became: str
    reference: str

    @property
    def message(self) -> str:
        return self.reference.partition(":")[0]


@dataclass
class Run:
    count: int
    rate: int
    calls: list[Call] = field(default_factory=list)
    killed_at: float = 0.0
    memory: list[list[float]] = field(default_factory=list)  # megabytes every second, of each process
    left: dict[str, int] = field(default_factory=dict)
    filled_seconds: float = 0.0
    settled_seconds: float = 0.0


class Journal:
    """Reads what was added since the last look."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._part = file, ""
        self._file.seek(0, 2)  # past the call that told of the one reminder's seat

    def more(self) -> list[Call]:
        *lines, self._part = (self._part + self._file.read()).split("\n")
        rows = [line.split(" ") for line in lines]
        return [Call(float(at), became, reference) for at, became, _channel, reference in rows]


async def drained(kafka: str, mongo: str, folder: Path, count: int, rate: int, delay: float = RECEIPT_SECONDS) -> Run:
    """Fill, start, kill in the middle, start again, until nothing comes any more. Receipts come `delay` seconds after
    a call: if they come later than an unanswered call is made again, the notes alone keep messages from going twice.
    """
    run, begun = Run(count, rate), time.monotonic()
    async with due_office(kafka, mongo, folder, count, rate, delay) as office:
        run.filled_seconds = time.monotonic() - begun
        print(f"  {count} reminders are due after {run.filled_seconds:.0f} s", flush=True)
        with office.journal.open() as file:
            await _drain(office, Journal(file), run)
    return run


async def _drain(office: DueOffice, journal: Journal, run: Run) -> None:
    await _start(office, run)
    await _until(office, journal, run, run.count // 2)
    run.killed_at = time.time()
    office.kill_service()
    await _start(office, run)
    await _until(office, journal, run, run.count)
    begun = time.monotonic()
    while any((left := office.left()).values()) and time.monotonic() - begun < PATIENCE_SECONDS:
        await asyncio.sleep(0.5)
    run.left, run.settled_seconds = left, time.monotonic() - begun
    run.calls += journal.more()


async def _start(office: DueOffice, run: Run) -> None:
    run.memory.append([])
    await office.start_service()


async def _until(office: DueOffice, journal: Journal, run: Run, wanted: int) -> None:
    """Until the gateway took so many, or was called in vain for a long time or very often."""
    taken = sum(call.became == "taken" for call in run.calls)
    last = told = time.monotonic()
    while taken < wanted and time.monotonic() - last < PATIENCE_SECONDS and len(run.calls) < 2 * run.count:
        await asyncio.sleep(1 if run.count > 50_000 else 0.2)
        found = journal.more()
        run.calls += found
        taken += sum(call.became == "taken" for call in found)
        last = time.monotonic() if found else last
        run.memory[-1].append(office.memory())
        if time.monotonic() - told > TOLD_EVERY_SECONDS:
            told = time.monotonic()
            print(f"  {taken} of {run.count}, {len(found)} in the last look, {office.memory():.0f} MB", flush=True)


def busiest(times: Sequence[float]) -> int:
    """Most calls in any one second, wherever it begins."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def figures(run: Run) -> dict[str, Any]:
    times = sorted(call.at for call in run.calls)
    taken = Counter(call.message for call in run.calls if call.became == "taken")
    references = {call.reference for call in run.calls}
    after = [at for at in times if run.killed_at < at]
    restart = [at for at in after if at < after[0] + AFTER_RESTART_SECONDS] if after else []
    every = Counter(int(at - times[0]) for at in times) if times else Counter()
    quarters = [_quarters(one) for one in run.memory]
    return {
        "reminders": run.count,
        "agreed per second": run.rate,
        "seconds": round(times[-1] - times[0], 1) if times else 0,
        "median of a second": statistics.median(every.values()) if every else 0,
        "busiest second": busiest(times),
        "busiest second after the restart": busiest(restart),
        "longest pause, at the kill, seconds": round(_longest_pause(times, run.killed_at, at_kill=True), 2),
        "longest pause otherwise, seconds": round(_longest_pause(times, run.killed_at, at_kill=False), 2),
        "calls": len(run.calls),
        "calls of a reference again": len(run.calls) - len(references),
        "refused": sum(call.became == "refused" for call in run.calls),
        "sent before the kill": sum(call.at < run.killed_at for call in run.calls if call.became == "taken"),
        "sent": len(taken),
        "sent twice": sum(times > 1 for times in taken.values()),
        "under two references": len(references) - len({one.partition(":")[0] for one in references}),
        "left": run.left,
        "memory MB, second and last quarter": quarters,
        "filled in seconds": round(run.filled_seconds),
        "settled in seconds": round(run.settled_seconds, 1),
    }


def _longest_pause(times: Sequence[float], killed_at: float, *, at_kill: bool) -> float:
    """Between two calls, of which the first came less than a second before the kill or after it, or of all others."""
    pauses = [(one, two - one) for one, two in pairwise(times)]
    return max((pause for at, pause in pauses if (abs(at - killed_at) < 1) == at_kill), default=0.0)


def _quarters(samples: Sequence[float]) -> list[float]:
    """Medians of the second and the last quarter: the first one fills caches."""
    size = len(samples) // 4
    parts = (samples[size : 2 * size], samples[-size:]) if size else (samples, samples)
    return [round(statistics.median(part), 1) if part else 0.0 for part in parts]


def findings(found: dict[str, Any]) -> list[str]:
    """What breaks the promise; empty when it is kept. A provider takes a reference that is sent again as the one it
    knows (notification's decision 0001), so that is no second message; how often it came is among the figures."""
    limit, wrong = found["agreed per second"] * (1 + TOLERANCE) + AT_ONCE, []
    if found["sent"] != found["reminders"]:
        wrong.append(f"{found['reminders'] - found['sent']} of {found['reminders']} reminders were never sent")
    for name in ("sent twice", "under two references"):
        if found[name]:
            wrong.append(f"{found[name]} reminders: {name}")
    for name in ("busiest second", "busiest second after the restart"):
        if found[name] > limit:
            wrong.append(f"{name}: {found[name]} calls, agreed are {found['agreed per second']}")
    if found["calls of a reference again"] > found["agreed per second"] * AGAIN_SECONDS:
        wrong.append(f"{found['calls of a reference again']} calls of a reference again: more than one crash explains")
    for name, number in found["left"].items():
        if number:
            wrong.append(f"the store is not drained: {name}: {number}")
    for begun, ended in found["memory MB, second and last quarter"]:
        if ended > begun + GROWTH_MB:
            wrong.append(f"memory grew from {begun} to {ended} MB")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.performance.reminders", description=__doc__)
    parser.add_argument("--count", type=int, default=300_000, help="reminders that are due at one moment")
    parser.add_argument("--rate", type=int, default=300, help="messages a second agreed with the gateway's owner")
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    asked = parser.parse_args()
    for name in ("count", "rate"):
        if getattr(asked, name) < 1:
            parser.error(f"--{name}: at least 1")
    home = ROOT / ".local" / "reminders"
    with tempfile.TemporaryDirectory() as folder, engine(home, fresh=True) as running:
        run = asyncio.run(drained(running.kafka, running.mongo, Path(folder), asked.count, asked.rate))
    found = figures(run)
    wrong = findings(found)
    print(json.dumps(found, indent=1))
    if asked.json:
        asked.json.write_text(json.dumps({**found, "findings": wrong}, indent=1))
    for one in wrong:
        print(f"FINDING: {one}")
    print("VERDICT: " + ("each sent once, no second above the agreed rate" if not wrong else f"{len(wrong)} findings"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
