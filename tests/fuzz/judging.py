"""The judge: what was seen of a service while it was fuzzed, against what must hold whatever it is sent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.fuzz.accounts import Account

HANGS_SECONDS = 10.0  # a probe each second; on a machine that is shared, later than this is no delay any more
SLOW_SECONDS = 1.0  # told, not judged
CANARY_SECONDS = 60.0
GROWTH, JUDGED_FROM_SECONDS = 0.08, 300.0  # of memory; a shorter run is still warming up in its last third
DEFECTS, REPLIES = "basudara_defects_total", "basudara_http_replies_total"
PARKED, POLLS = "basudara_events_parked_total", "basudara_polls_failed_total"
OVERLOADED = "503"

Labels = tuple[tuple[str, str], ...]
Measures = Mapping[tuple[str, Labels], float]  # by name and labels


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What does not hold, and where."""

    service: str
    rule: str
    told: str

    def __str__(self) -> str:
        return f"{self.service}: {self.rule}: {self.told}"


@dataclass
class Sight:
    """One service. `processes`: pid and start, None where there is none. `probes`: when, and seconds until the answer,
    None: no answer. `memory`: when, and resident bytes. `errors`: its log lines of that level."""

    processes: list[tuple[int, int] | None] = field(default_factory=list)
    probes: list[tuple[float, float | None]] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)
    before: Measures = field(default_factory=dict)
    after: Measures = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Canary:
    """A good request or record between all the bad ones. `outcome` None: neither answered nor put aside in time."""

    service: str
    what: str
    seconds: float
    outcome: str | None


def judged(
    sights: Mapping[str, Sight], canaries: Iterable[Canary], accounts: Mapping[str, Account]
) -> Iterator[Finding]:
    for service, sight in sights.items():
        for rule, told in _of(sight):
            yield Finding(service=service, rule=rule, told=told)
    for one in canaries:
        if one.outcome is None:
            yield Finding(service=one.service, rule="hang", told=f"{one.what} not answered in {one.seconds:.0f} s")
    for service, account in accounts.items():
        for rule, puts in (("unaccounted", account.lost), ("parked twice", account.twice)):
            if puts:
                told = ", ".join(f"{put.place} ({put.what})" for put in puts[:5])
                yield Finding(service=service, rule=rule, told=f"{len(puts)} records: {told}")


def _of(sight: Sight) -> Iterator[tuple[str, str]]:
    first = sight.processes[0] if sight.processes else None
    if first is None or any(one != first for one in sight.processes):
        told = list(dict.fromkeys(one and one[0] for one in sight.processes))
        yield "crash", f"not the same process all the time: {told}"
    late = [at for at, seconds in sight.probes if seconds is None or seconds > HANGS_SECONDS]
    if late:
        yield "hang", f"/live gave no answer {len(late)} times, first after {late[0]:.0f} s"
    yield from _counted(sight)
    grown = growth(sight.memory)
    if grown is not None and grown >= GROWTH:
        yield "memory", f"{grown:.1%} more in the last third than in the second"
    for line in sight.errors[:5]:
        yield "log", line
    for asked in sight.unanswered[:5]:
        yield "hang", f"no answer to {asked}"


def _counted(sight: Sight) -> Iterator[tuple[str, str]]:
    for labels, count in rises(sight, DEFECTS).items():
        yield "defect", f"{count:.0f} at {dict(labels).get('where')}"
    for labels, count in rises(sight, REPLIES).items():
        told = dict(labels)
        if told["status"].startswith("5") and told["status"] != OVERLOADED:
            yield "5xx", f"{count:.0f} times {told['status']} at {told['route']}"


def rises(sight: Sight, name: str) -> dict[Labels, float]:
    """By labels, how much more this counter shows at the end."""
    found = {key[1]: value - sight.before.get(key, 0) for key, value in sight.after.items() if key[0] == name}
    return {labels: value for labels, value in found.items() if value > 0}


def growth(memory: Sequence[tuple[float, int]]) -> float | None:
    """Of the median of the last third over that of the second; None: too short to tell."""
    if not memory or memory[-1][0] - memory[0][0] < JUDGED_FROM_SECONDS:
        return None
    _, second, last = thirds(memory)
    return last / second - 1


def thirds(memory: Sequence[tuple[float, int]]) -> tuple[float, float, float]:
    """The median of each third of the time, bytes; 0 where nothing was measured."""
    begun, length = memory[0][0], memory[-1][0] - memory[0][0] or 1
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for at, size in memory:
        parts[min(2, int((at - begun) / length * 3))].append(size)
    first, second, last = (float(median(part)) if part else 0.0 for part in parts)
    return first, second, last
