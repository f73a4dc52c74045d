"""`python -m deploy.demo`: sets up, plays the journey, shows it, gives a verdict. Exit 0 only if all was seen."""

import argparse
import asyncio
import json
import logging
import sys
import time
from datetime import datetime
from pathlib import Path

import yaml
from rich.console import Console

from deploy.basudara import manifests
from deploy.basudara.stack import ROOT, running_stack
from deploy.basudara.stack import Stack as LocalStack
from deploy.demo import report, verdict
from deploy.demo.officers import NeverHappened, Refused
from deploy.demo.stories import cast
from deploy.demo.town import Town, on, play
from deploy.demo.watching import Watch
from deploy.local.processes import CannotStart

HOME = ROOT / ".local" / "demo"
AGREEMENTS = ("kb-001-contoh.yaml", "pks-001-contoh.yaml", "pks-002-contoh.yaml")
BEFORE_ALL = on(1, 3)
KILL_AT = {  # the busiest moment of each service
    "intake": on(1, 18),
    "referral": on(1, 18),
    "training": on(1, 21, 9, 10),
    "notification": on(1, 21, 9, 10),
}
INTO_THE_STEP_SECONDS = 0.4


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument(
        "--kill",
        metavar="AGENCY/SERVICE",
        action="append",
        default=[],
        help="kill -9 this service in the middle of the play and start it again (repeatable)",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the result there as well")
    parser.add_argument("--quiet", action="store_true", help="only the verdict")
    return parser.parse_args(given)


class Killer:
    """Kills services while their busiest step runs, and starts them again."""

    def __init__(self, stack: LocalStack, names: list[str], stage: report.Stage) -> None:
        self.stack, self.stage = stack, stage
        self.waiting = {name: KILL_AT[name.split("/")[1]] for name in names}
        self.tasks: list[asyncio.Task[None]] = []

    def curtain(self, at: datetime, titles: list[str]) -> None:
        self.stage.curtain(at, titles)
        for name in [one for one, when in self.waiting.items() if at >= when]:
            del self.waiting[name]
            self.tasks.append(asyncio.create_task(self._kill(name)))

    async def _kill(self, name: str) -> None:
        await asyncio.sleep(INTO_THE_STEP_SECONDS)  # into the work, not before it
        self.stage.say(f"  [red bold]kill -9[/red bold] {name}")
        await asyncio.to_thread(self.stack.kill, name)
        await asyncio.to_thread(self.stack.start, name)
        self.stage.say(f"  [red bold]started again[/red bold] {name}")

    async def done(self) -> None:
        await asyncio.gather(*self.tasks)


async def sign(stack: LocalStack, file: str, stage: report.Stage) -> None:
    said = await asyncio.to_thread(stack.apply_agreement, ROOT / "deploy" / "agreements" / file)
    stage.say(f"  kanwil-maluku        agreement    {file} {said}")


async def perform(stack: LocalStack, options: argparse.Namespace, stage: report.Stage, times: dict[str, float]) -> int:
    """The play from the agreements to the verdict. Returns the exit status."""
    begun = time.monotonic()
    await sign(stack, AGREEMENTS[0], stage)  # the umbrella, on which the others stand
    await asyncio.gather(*(sign(stack, file, stage) for file in AGREEMENTS[1:]))
    async with Town(stack, Watch(stack.reach.aiokafka, stage.told)) as town:
        for file in AGREEMENTS:
            signed = yaml.safe_load((ROOT / "deploy" / "agreements" / file).read_text())
            town.expected.code("agreement.agreement.recorded", signed["number"])
        whole = cast(town)
        stage.stars = {"Yopi": whole.story_a.person, "Frans": whole.story_d.person}
        killer = Killer(stack, options.kill, stage)
        problem: Exception | None = None
        try:
            await play(town, whole.scripts, killer.curtain)
            await killer.done()
        except* (NeverHappened, Refused) as stopped:
            problem = stopped.exceptions[0]
        stage.sum_up()
        times["run"] = time.monotonic() - begun
        if problem is not None:
            town.trouble.append(f"the play stopped at {town.now:%d %b}: {type(problem).__name__}: {problem}")
        found = await verdict.judge(town, whole, frozenset(options.kill))
        times["run"] = time.monotonic() - begun
        if not options.quiet:
            report.closing(stage.console, town, found)
        if options.json is not None:
            options.json.write_text(json.dumps(verdict.as_json(town, found, times), indent=2, ensure_ascii=False))
        stage.console.print(report.verdict_line(town, found, times, options.kill), highlight=False, soft_wrap=True)
        return 0 if found.holds else 1


def services() -> list[str]:
    agencies = manifests.agencies(ROOT / "deploy" / "agencies")
    return [f"{code}/{service}" for code, one in agencies.items() for service in one.services]


def main() -> int:
    options = arguments()
    stage = report.Stage(Console(), options.quiet)
    there = services()
    unknown = [name for name in options.kill if name not in there]
    if unknown:
        stage.console.print(f"no such service: {', '.join(unknown)}; there are {', '.join(there)}", soft_wrap=True)
        return 2
    times: dict[str, float] = {}
    begun = time.monotonic()
    try:
        with running_stack(HOME, say=lambda text: stage.say(f"[dim]{text}[/dim]")) as stack:
            logging.basicConfig(filename=stack.logs / "demo.log", level=logging.WARNING)  # the Kafka client's own words
            stack.move_clock(BEFORE_ALL)
            times["set-up"] = time.monotonic() - begun
            return asyncio.run(perform(stack, options, stage, times))
    except CannotStart as problem:
        stage.console.print(f"VERDICT: FAILED — cannot start: {problem}", highlight=False, soft_wrap=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
