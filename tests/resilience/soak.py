"""`make soak`: a town under a steady load and a fault every twenty seconds, and in the end the checker's word.

`python -m tests.resilience.soak --minutes 30 --rate 50`. Prints each fault with the time until nothing lags any more,
then one report as JSON. Exit 0: nothing lost, doubled or out of order, parked what was poisoned and nothing else.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chassis import ids
from chassis.delivery import COPY, SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC
from chassis.testing import ROOT, Backend
from deploy.local.engine import Extras, engine
from deploy.local.loopback import free_ports
from tests.resilience.dump import command, findings
from tests.resilience.machines import Machines
from tests.resilience.proxy import Proxy, proxy
from tests.resilience.town import Process, Town, at, case, until

# So many cases that what is kept of each stays small, as in an office: memory is then the service's own.
CASES, POISON_EVERY, ASKED_EVERY = 10_000, 200, 25  # one event in so many is poison; one is asked for over HTTP
FAULT_EVERY_SECONDS, CAUGHT_UP_WITHIN_SECONDS = 20, 30


@dataclass
class Soak:
    town: Town
    machines: Machines
    broker_way: Proxy
    store_way: Proxy
    commands: list[dict[str, Any]] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    poisoned: int = 0
    unanswered: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)
    running: dict[str, Process] = field(default_factory=dict)

    async def start(self, service: str, instance: str = "1") -> None:
        """`training` lives behind the proxies, `referral` on the engine itself."""
        kafka, mongo = (f"127.0.0.1:{self.broker_way.port}", at(self.store_way)) if service == "training" else ("", "")
        self.running[f"{service}-{instance}"] = await self.town.start(service, instance, kafka=kafka, mongo=mongo)

    # -- load ------------------------------------------------------------------------------------------------------

    async def load(self, rate: int, until_: float) -> None:
        begun, number = time.monotonic(), 0
        while time.monotonic() < until_:
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            await self._one(number)
            number += 1

    async def _one(self, number: int) -> None:
        if number % ASKED_EVERY == 1:
            await self._ask(case(number % CASES))
            return
        poison = number % POISON_EVERY == 0
        event = await self.town.put_request(case(number % CASES), "BAKERY" if poison else "WELDING")
        self.commands.append(command(event))
        if poison:
            self.poisoned += 1
        else:
            self.subjects.add(event.subject)

    async def _ask(self, case_ref: str) -> None:
        """A command whose reply gets lost may have been done or not: only an answered one must have its effect."""
        referral_id, cause = ids.new_id("ref"), None
        try:
            _, reply = await self.town.ask(self.running["referral-1"], case_ref, referral_id=referral_id)
            cause = reply.json()["cause"] if reply.status_code == 201 else None
        except Exception as error:  # whatever the fault of the minute makes of it
            print(f"    a command without an answer: {type(error).__name__}", flush=True)
        owner = {"agency": self.town.sender, "service": "referral"}
        self.commands.append({**owner, "subject": referral_id, "cause": cause})
        if cause is None:
            self.unanswered += 1
        else:
            self.subjects.add(referral_id)

    # -- faults ----------------------------------------------------------------------------------------------------

    async def kill(self, name: str) -> None:
        service, instance = name.split("-")
        self.running[name].kill()
        await self.start(service, instance)

    async def pause(self) -> None:
        self.running["training-1"].pause()
        await asyncio.sleep(12)
        self.running["training-1"].resume()

    async def cut(self, way: Proxy) -> None:
        await way.cut()
        await asyncio.sleep(4)
        await way.restore()

    async def restart_broker(self) -> None:
        await asyncio.to_thread(self.machines.stop_broker)
        self.machines.start_broker()  # in this thread: the broker ends with the one that started it

    async def step_down(self) -> None:
        await asyncio.to_thread(self.machines.step_down)

    async def replica_comes_and_goes(self) -> None:
        await self.start("training", "3")
        await asyncio.sleep(3)
        await self.running.pop("training-3").terminate()

    def kinds(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        return [
            ("kill -9 training", lambda: self.kill("training-1")),
            ("training hears nothing of the broker", lambda: self.cut(self.broker_way)),
            ("kill -9 referral", lambda: self.kill("referral-1")),
            ("training is paused", self.pause),
            ("training hears nothing of the store", lambda: self.cut(self.store_way)),
            ("the store steps down", self.step_down),
            ("a replica comes and goes", self.replica_comes_and_goes),
            ("the broker restarts", self.restart_broker),
        ]

    async def hurt(self, until_: float) -> None:
        kinds = self.kinds()
        while time.monotonic() < until_ - FAULT_EVERY_SECONDS:
            next_at = time.monotonic() + FAULT_EVERY_SECONDS
            name, fault = kinds[len(self.faults) % len(kinds)]
            await fault()
            seconds = await self._caught_up()
            self.faults.append({"fault": name, "caught_up_seconds": seconds})
            memory = ", ".join(f"{name} {one.rss_bytes() / 1e6:.0f} MB" for name, one in self.running.items())
            print(f"  {len(self.faults):3d} {name}: caught up after {seconds:.1f} s; {memory}", flush=True)
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))

    async def _caught_up(self) -> float:
        """Seconds until next to nothing lags, with the load going on: less than a second's worth."""
        since = time.monotonic()

        async def little() -> bool:
            return await self.town.lag("training") < 50 and await self.town.lag("referral") < 50

        await until(little, "the readers have caught up", 120)
        return time.monotonic() - since

    # -- the end ---------------------------------------------------------------------------------------------------

    async def report(self, first_rss: dict[str, int]) -> dict[str, Any]:
        await self.town.settled("training", "referral", "training", seconds=180)
        seen, found = await self.town.seen(), await findings(self.town, self.commands)
        copies = [dict(one.headers) for one in await self.town.parked()]
        told = {one[COPY] for one in copies}  # a copy may be sent again, as any row; no record may have two
        places = {tuple(one[name] for name in (SOURCE_TOPIC, SOURCE_PARTITION, SOURCE_OFFSET)) for one in copies}
        late = [one for one in self.faults if one["caught_up_seconds"] > CAUGHT_UP_WITHIN_SECONDS]
        return {
            "events": len(self.commands),
            "lost": len(self.subjects - set(seen)),
            "doubled": len(seen) - len(set(seen)),
            "poisoned": self.poisoned,
            "parked": len(places),
            "parked_twice": len(told) - len(places),
            "copies_sent_again": len(copies) - len(told),
            "commands_without_an_answer": self.unanswered,
            "faults": len(self.faults),
            "faults_not_caught_up_in_time": late,
            "memory_growth": {
                name: round(process.rss_bytes() / first_rss[name] - 1, 3)
                for name, process in self.running.items()
                if name in first_rss
            },
            "checker": found,
        }


async def soak(minutes: float, rate: int, backend: Backend, machines: Machines, folder: Path) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        town = Town(backend, folder)
        await town.open()
        stack.push_async_callback(town.close)
        broker_way = await stack.enter_async_context(proxy(machines.side_port, machines.told_port))
        made = Soak(town, machines, broker_way, await stack.enter_async_context(proxy(machines.mongo_port)))
        await made.start("referral")
        for instance in ("1", "2"):
            await made.start("training", instance)
        end = time.monotonic() + minutes * 60
        loading = asyncio.create_task(made.load(rate, end))
        await made.hurt(end - minutes * 60 * 2 / 3)
        first = {"training-2": made.running["training-2"].rss_bytes()}  # what has bounds is full by then
        await made.hurt(end)
        await loading
        return await made.report(first)


def good(report: dict[str, Any]) -> bool:
    return (
        not (report["lost"] or report["doubled"] or report["checker"] or report["faults_not_caught_up_in_time"])
        and report["parked"] == report["poisoned"]
        and not report["parked_twice"]
        and all(growth < 0.05 for growth in report["memory_growth"].values())
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.resilience.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=int, default=50, help="events a second")
    asked = parser.parse_args()
    home, ports = ROOT / ".local" / "soak", free_ports()
    extras = Extras(side_door=(next(ports), next(ports)), fail_points=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our own clients lose the broker too, as they should
    with engine(home, fresh=True, extras=extras) as running:
        machines = Machines(home, extras, running.kafka, running.mongo)
        backend = Backend(running.kafka, running.mongo)
        folder = Path(tempfile.mkdtemp(prefix="towns-", dir=home))  # its processes' logs stay, for who must explain
        report = asyncio.run(soak(asked.minutes, asked.rate, backend, machines, folder))
    print(json.dumps(report, indent=1))
    return 0 if good(report) else 1


if __name__ == "__main__":
    sys.exit(main())
