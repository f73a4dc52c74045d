"""One contender in a process of its own: `python -m tests.performance.contender JSON`.

Prints one JSON line when it is ready, or with `first` when it has handled one event (`{"ready"}`); and, where it is to
handle a `count`, one when it has (`{"rate", "cpu_us"}`).
"""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from chassis import logs, measures
from chassis.memory import spare_the_collector
from chassis.outbox import Relay
from chassis.running import Service
from chassis.settings import ChassisSettings
from referral.bootstrap import build as build_referral
from referral.settings import Settings as ReferralSettings
from tests.performance.chain import Naive, build_stage


async def _nothing(*_: Any) -> None:
    await asyncio.Event().wait()


def _handled() -> int:
    [family] = measures.HANDLED.collect()
    rows = family.samples
    return int(sum(row.value for row in rows if row.name.endswith("_total")))


def _settings(kind: type[ChassisSettings], asked: dict[str, Any]) -> Any:
    folder = Path(asked["folder"])
    return kind(
        agency=asked["agency"], mongo_url=asked["mongo"], database=asked["database"], kafka=asked["kafka"],
        http_port=0, contracts_dir=Path(asked["contracts"]), issuer_keys=folder / "issuer.json",
        poll_records=asked.get("poll", 500), instance=asked.get("instance", "1"),
    )  # fmt: skip


async def _start(asked: dict[str, Any]) -> tuple[Any, Any]:
    """The running contender and how to ask it what it has handled."""
    kind = asked["kind"]
    if kind == "naive":
        naive = Naive(asked["kafka"], asked["mongo"], asked["database"], asked.get("batched", False))
        await naive.start(asked["source"], asked["target"])
        return naive, lambda: naive.handled
    if kind == "referral":
        settings = _settings(ReferralSettings, asked)
        service = Service("referral", settings, build_referral(settings))
    else:
        settings = _settings(ChassisSettings, asked)
        service = Service(asked["step"], settings, build_stage(asked["step"], asked["before"])(settings))
    if not asked.get("relay", True):
        _without_relay()
    await service.start()
    spare_the_collector()
    return service, _handled


def _without_relay() -> None:
    Relay.run = _nothing  # type: ignore[method-assign,assignment]


async def main() -> None:
    asked = json.loads(sys.argv[1])
    logs.setup(asked["kind"], "bench", "ERROR")
    running, handled = await _start(asked)
    while asked.get("first") and not handled():
        await asyncio.sleep(0.001)
    print(json.dumps({"ready": True}), flush=True)
    if "count" in asked:
        while not handled():
            await asyncio.sleep(0.001)
        first, since, cpu = handled(), time.perf_counter(), time.process_time()
        while handled() < asked["count"]:
            await asyncio.sleep(0.01)
        done = asked["count"] - first
        told = {"rate": done / (time.perf_counter() - since), "cpu_us": (time.process_time() - cpu) / done * 1e6}
        print(json.dumps(told), flush=True)
    else:
        asked_to_stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_stop.set)
        await asked_to_stop.wait()
        print(json.dumps({"cpu": time.process_time()}), flush=True)
    await running.stop()


if __name__ == "__main__":
    uvloop.run(main())
