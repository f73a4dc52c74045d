"""Looks at each service every second: the process, `/live`, memory; and at its counters and its log at the end."""

import asyncio
import json
import os
import time
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.basudara.stack import Stack
from deploy.local import processes
from tests.fuzz.judging import HANGS_SECONDS, Measures, Sight

EACH_SECONDS = 1.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """`sights` by "agency/service"."""

    def __init__(self, pid_files: dict[str, Path], urls: dict[str, str]) -> None:
        self._pid_files, self._urls = pid_files, urls
        self.sights = {name: Sight() for name in urls}
        self._begun = time.monotonic()
        self.loaded = True  # memory is looked at as long as something is driven

    @staticmethod
    def of(stack: Stack) -> "Watch":
        files = {name: stack.home / "run" / f"{name.replace('/', '.')}.pid" for name in stack.urls}
        return Watch(files, dict(stack.urls))

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; a probe does not wait for the one before."""
        probes = set[asyncio.Task[None]]()
        async with httpx.AsyncClient(timeout=2 * HANGS_SECONDS, trust_env=False) as client:
            for name in self._urls:
                self.sights[name].before = await measures(client, self._urls[name])
            while not stop.is_set():
                for name in self._urls:
                    self._look(name)
                    probes.add(task := asyncio.create_task(self._probe(client, name)))
                    task.add_done_callback(probes.discard)
                await asyncio.sleep(EACH_SECONDS)
            if probes:
                await asyncio.gather(*probes)

    async def end(self) -> None:
        """The counters as they are now, for a service that still answers."""
        async with httpx.AsyncClient(timeout=2 * HANGS_SECONDS, trust_env=False) as client:
            for name, url in self._urls.items():
                self._look(name)
                try:
                    self.sights[name].after = await measures(client, url)
                except httpx.HTTPError:
                    self.sights[name].probes.append((time.monotonic() - self._begun, None))

    def _look(self, name: str) -> None:
        child, sight = processes.find(self._pid_files[name]), self.sights[name]
        sight.processes.append(None if child is None else (child.pid, child.started))
        if child is not None and self.loaded:
            pages = int(Path(f"/proc/{child.pid}/statm").read_text().split()[1])
            sight.memory.append((time.monotonic() - self._begun, pages * PAGE_BYTES))

    async def _probe(self, client: httpx.AsyncClient, name: str) -> None:
        asked = time.monotonic()
        try:
            good = (await client.get(f"{self._urls[name]}/live")).status_code == 200
        except httpx.HTTPError:
            good = False
        seconds = time.monotonic() - asked if good else None
        self.sights[name].probes.append((asked - self._begun, seconds))


async def measures(client: httpx.AsyncClient, url: str) -> Measures:
    text = (await client.get(f"{url}/metrics")).text
    rows = (row for family in text_string_to_metric_families(text) for row in family.samples)
    return {(row.name, tuple(sorted(row.labels.items()))): row.value for row in rows}


def errors(log: str) -> list[str]:
    """Lines of the level "error", and what is no line of a log: each kind once, with how often it stands there."""
    found: dict[str, tuple[str, int]] = {}
    for line in log.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            told = {"event": line, "level": "error"}
        if told.get("level") == "error":
            kind = f"{told.get('event')} {told.get('error')}"
            found[kind] = (found.get(kind, (line, 0))[0], found.get(kind, (line, 0))[1] + 1)
    return [f"{count} x {line}" for line, count in found.values()]
