"""What a run of the fuzz shows at its end: a row for each service, why records were parked, and the findings."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.fuzz.accounts import DUPLICATE, HANDLED, PARKED, PASSED_BY, Account
from tests.fuzz.fuzzing import Fuzzed
from tests.fuzz.judging import JUDGED_FROM_SECONDS, REPLIES, SLOW_SECONDS, Canary, Sight, growth, rises, thirds

REASONS = 40  # of all services together


def lines(found: Fuzzed) -> Iterator[str]:
    plan = found.plan
    yield f"{plan.minutes:g} minutes, seed {plan.seed}: {len(found.journal.puts)} records put on topics;"
    yield f"the broker itself refused {dict(found.journal.refused)}"
    yield from _table(found)
    yield "parked, by service and reason"
    reasons = Counter({(name, why): n for name, one in found.accounts.items() for why, n in one.reasons.items()})
    yield from (f"  {count:6d}  {name:28} {why}" for (name, why), count in reasons.most_common(REASONS))
    yield "raw requests by frame and what came back, all services together"
    yield f"  {dict(sum((one.asked for one in found.replies.values()), Counter()))}"
    yield f"  {dict(sum((one.statuses for one in found.replies.values()), Counter()))}"
    yield f"schemathesis: { {name: one.cases for name, one in found.tried.items()} } requests"
    yield f"canaries: {canaries(found.canaries)}; all read and sent {found.quiet_seconds:.0f} s after the end"
    if plan.seconds < JUDGED_FROM_SECONDS:
        yield f"memory is shown and not judged: less than {JUDGED_FROM_SECONDS:.0f} s"
    yield from (f"FINDING {one}" for one in found.findings)
    yield "VERDICT: " + (f"{len(found.findings)} findings" if found.findings else "ok")


def _table(found: Fuzzed) -> Iterator[str]:
    yield (
        f"{'service':28} {'requests':>8} {'2xx':>6} {'4xx':>6} {'503':>5} {'5xx':>5}"
        f" {'records':>8} {'handled':>8} {'twice':>6} {'parked':>7} {'passed':>7} {'lost':>5}"
        f" {'MB first':>9} {'mid':>6} {'last':>6} {'grew':>6} {'slow':>5} {'longest':>8}"
    )
    for name, sight in found.sights.items():
        row = row_of(sight, found.accounts.get(name, Account()))
        grown = "-" if row["grown"] is None else f"{row['grown']:.1%}"
        yield (
            f"{name:28} {row['requests']:8.0f} {row['2xx']:6.0f} {row['4xx']:6.0f} {row['503']:5.0f} {row['5xx']:5.0f}"
            f" {row['records']:8d} {row[HANDLED]:8d} {row[DUPLICATE]:6d} {row[PARKED]:7d} {row[PASSED_BY]:7d}"
            f" {row['lost']:5d} {row['memory'][0]:9.1f} {row['memory'][1]:6.1f} {row['memory'][2]:6.1f} {grown:>6}"
            f" {row['slow']:5d} {row['longest']:8.2f}"
        )


def row_of(sight: Sight, account: Account) -> dict[str, Any]:
    """`slow`: answers of /live later than a second; `memory`: MB, of each third of the run."""
    statuses: Counter[str] = Counter()
    for labels, count in rises(sight, REPLIES).items():
        statuses[dict(labels)["status"]] += int(count)
    times = [seconds for _, seconds in sight.probes if seconds is not None]
    outcomes = {name: account.outcomes[name] for name in (HANDLED, DUPLICATE, PARKED, PASSED_BY)}
    return {
        "requests": statuses.total(),
        "2xx": sum(n for status, n in statuses.items() if status[0] == "2"),
        "4xx": sum(n for status, n in statuses.items() if status[0] == "4"),
        "503": statuses["503"],
        "5xx": sum(n for status, n in statuses.items() if status[0] == "5" and status != "503"),
        "statuses": dict(sorted(statuses.items())),
        "records": account.outcomes.total() + len(account.lost),
        **outcomes,
        "lost": len(account.lost),
        "memory": [round(size / 1e6, 1) for size in thirds(sight.memory)],
        "grown": growth(sight.memory),
        "slow": sum(seconds > SLOW_SECONDS for seconds in times),
        "longest": max(times, default=0.0),
    }


def canaries(found: list[Canary]) -> str:
    kinds = Counter(one.outcome or "no answer" for one in found)
    return f"{dict(kinds)}, the slowest after {max((one.seconds for one in found), default=0):.1f} s"


def as_json(found: Fuzzed) -> dict[str, Any]:
    return {
        "minutes": found.plan.minutes,
        "seed": found.plan.seed,
        "records": len(found.journal.puts),
        "services": {
            name: {**row_of(sight, found.accounts.get(name, Account())), "parked_by_reason": _reasons(found, name)}
            for name, sight in found.sights.items()
        },
        "schemathesis": {name: one.cases for name, one in found.tried.items()},
        "canaries": canaries(found.canaries),
        "findings": [str(one) for one in found.findings],
    }


def _reasons(found: Fuzzed, name: str) -> dict[str, int]:
    return dict(found.accounts[name].reasons.most_common()) if name in found.accounts else {}
