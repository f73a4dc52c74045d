"""Sends requests over sockets of its own, and counts what comes back."""

import asyncio
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.fuzz.requests import Asked, Requests

ANSWERED_WITHIN_SECONDS = 60  # separates "works" from "hangs"
HELD_SECONDS, GIVEN_SECONDS = 5.0, 2.0  # unfinished, and then left; how long we listen where no answer is owed
AT_ONCE = 24  # connections to one service
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_INSTANCE = re.compile(rb"urn:uuid:[0-9a-f-]{36}")
KEPT = 20  # of what went wrong


@dataclass
class Replies:
    """Of one service. `errors`: the instance of a 500, and what made it; `unanswered`: whole requests."""

    asked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


async def ask_for_a_while(url: str, requests: Requests, rate: float, until: float, replies: Replies) -> None:
    """So many a second, each on a connection of its own; when many are open, the next one waits."""
    room, running, begun, number = asyncio.Semaphore(AT_ONCE), set[asyncio.Task[None]](), time.monotonic(), 0
    while time.monotonic() < until:
        await room.acquire()
        task = asyncio.create_task(_one(url, requests.next(), replies))
        running.add(task)
        task.add_done_callback(running.discard)
        task.add_done_callback(lambda _: room.release())
        number += 1
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
    if running:
        await asyncio.gather(*running)


async def _one(url: str, asked: Asked, replies: Replies) -> None:
    replies.asked[asked.what] += 1
    try:
        said = await _told(url, asked)
    except TimeoutError:
        replies.statuses["none"] += 1
        replies.unanswered += [f"{asked.what}: {asked.raw[:300]!r}"][: KEPT - len(replies.unanswered)]
        return
    except OSError as error:
        replies.statuses[type(error).__name__] += 1
        return
    statuses = [one.decode() for one in _STATUS.findall(said)]
    replies.statuses.update(statuses or ["closed"])
    if "500" in statuses and len(replies.errors) < KEPT:
        instance = _INSTANCE.search(said)
        replies.errors.append(
            f"{instance[0].decode() if instance else 'no instance'} {asked.what}: {asked.raw[:900]!r}"
        )


async def _told(url: str, asked: Asked) -> bytes:
    """All that the service says. Raises TimeoutError: an answer is owed and does not come; OSError."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        writer.write(asked.raw)
        await writer.drain()
        if asked.held:
            await asyncio.sleep(HELD_SECONDS)
            return b""
        if asked.whole:
            async with asyncio.timeout(ANSWERED_WITHIN_SECONDS):
                return await reader.read(-1)
        return await _what_there_is(reader)
    finally:
        writer.close()
        with suppress(OSError):  # what is gone is closed, too
            await writer.wait_closed()


async def _what_there_is(reader: asyncio.StreamReader) -> bytes:
    said = b""
    try:
        async with asyncio.timeout(GIVEN_SECONDS):
            while part := await reader.read(65_536):
                said += part
    except TimeoutError:
        pass  # nothing more is owed
    return said
