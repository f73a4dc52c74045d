"""`python -m tests.performance`: every part in one run, contenders in turn, medians of the rounds, as ratios."""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chassis.testing import ROOT
from deploy.local.engine import engine
from tests.performance import consume, journey, limits, record, relay
from tests.performance.yard import Yard, yard


def growth(yard: Yard, name: str) -> dict[str, float]:
    """Part a or c in other surroundings."""
    if name in consume.GROWTH:
        return consume.round_of(yard, name)
    found = journey.round_of(yard, name)
    return {"rate": found["ev/s"], "cpu_us": found["cpu_us"]}


PARTS: dict[str, tuple[str, list[str], Callable[[Yard, str], dict[str, float]]]] = {
    "a": ("consume → transaction → outbox", list(consume.CONTENDERS), consume.round_of),
    "b": ("relay: commit → append", list(relay.CONTENDERS), relay.round_of),
    "d": ("bare limits", list(limits.BARE), limits.bare),
    "e": ("to start and to be", list(limits.BEING), limits.being),
    "f": ("growth of the store, partitions and replicas", [*consume.GROWTH, *journey.SPREAD], growth),
    "g": ("the record of who changed what", list(record.CONTENDERS), record.round_of),
    "c": ("the whole chain of four", list(journey.CONTENDERS), journey.round_of),
}
Found = dict[str, dict[str, float]]


def measured(place: Yard, part: str, rounds: int) -> Found:
    """Medians by contender and figure. Contenders take turns, so that a noisy minute meets all of them."""
    _title, names, one_round = PARTS[part]
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            begun = time.monotonic()
            rows[name].append(one_round(place, name))
            told = ", ".join(f"{figure} {value:,.1f}" for figure, value in rows[name][-1].items())
            print(
                f"  ({part}) round {number + 1}/{rounds} {name}: {told} [{time.monotonic() - begun:.0f} s]", flush=True
            )
    return {
        name: {figure: statistics.median(row[figure] for row in found) for figure in found[0]}
        for name, found in rows.items()
    }


def show(part: str, found: Found) -> None:
    title, names, _ = PARTS[part]
    figures = list(next(iter(found.values())))
    table = Table("", *figures, *[f"{figures[0]} ÷ {name}" for name in names[1:]], title=f"({part}) {title}")
    for name, row in found.items():
        ratios = [f"{row[figures[0]] / found[other][figures[0]]:.1f}" for other in names[1:]]
        table.add_row(name, *[f"{row[figure]:,.1f}" for figure in figures], *ratios)
    Console(width=160).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.performance", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"only these parts of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    asked = parser.parse_args()
    if unknown := set(asked.part) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    home = ROOT / ".local" / "bench"
    with engine(home, fresh=True) as running, yard(running.kafka, running.mongo) as place:
        found = {part: measured(place, part, asked.rounds) for part in asked.part or PARTS}
    for part, rows in found.items():
        show(part, rows)
    if asked.json:
        asked.json.write_text(json.dumps({"machine": machine(), "rounds": asked.rounds, "found": found}, indent=1))
    return 0


def machine() -> dict[str, Any]:
    cores = [row for row in Path("/proc/cpuinfo").read_text().splitlines() if row.startswith("model name")]
    names = ("faststream", "aiokafka", "motor", "pymongo", "pydantic", "uvloop")
    return {
        "cores": len(cores),
        "processor": cores[0].split(":")[1].strip() if cores else platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


if __name__ == "__main__":
    sys.exit(main())
