"""An officer at the own agency's door: HTTP with a token, and nothing else.

A service may be killed and come back while an officer works. What was asked is then asked again, after a look at
whether it was done already: a reply that got lost is no reason to do anything twice.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

View = dict[str, Any]
T = TypeVar("T")

PATIENCE_SECONDS = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 0.3
AT_ONCE = 8  # requests on their way at the same time
KEPT_SECONDS = 3  # an idle connection; the services close theirs after 5
STALE_TRIES = 6
_PROBLEM = "urn:basudara:problem:"


class Refused(Exception):
    """A door said no. `code` is the problem's code; `facts` are the members of the reply."""

    def __init__(self, status: int, code: str, facts: View, asked: str) -> None:
        super().__init__(f"{asked}: {status} {code} {facts.get('field', '')} {facts.get('rule', '')}".strip())
        self.status, self.code, self.facts = status, code, facts


class NeverHappened(Exception):
    """What an officer waited for did not show at the door in time."""


async def tries(within: float = PATIENCE_SECONDS) -> AsyncIterator[float]:
    """Moments to look again, with growing pauses, until the patience is over."""
    begun, pause = time.monotonic(), FIRST_PAUSE_SECONDS
    while True:
        gone = time.monotonic() - begun
        yield gone
        if gone > within:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.6, LONGEST_PAUSE_SECONDS)


async def until(what: str, look: Callable[[], Awaitable[T | None]], within: float = PATIENCE_SECONDS) -> T:
    """The first thing that `look` finds. Raises NeverHappened."""
    async for _ in tries(within):
        found = await look()
        if found is not None:
            return found
    raise NeverHappened(f"{what}: not seen within {within:.0f} s")


class Wire:
    """One HTTP client per service for all officers of a play, and how often a door had to be asked again."""

    def __init__(self) -> None:
        self._clients: dict[str, httpx.AsyncClient] = {}
        self.turn = asyncio.Semaphore(AT_ONCE)
        self.sent = self.asked_again = 0

    def client(self, url: str) -> httpx.AsyncClient:
        if url not in self._clients:
            limits = httpx.Limits(max_connections=AT_ONCE, keepalive_expiry=KEPT_SECONDS)
            self._clients[url] = httpx.AsyncClient(base_url=url, timeout=30, limits=limits, trust_env=False)
        return self._clients[url]

    async def close(self) -> None:
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))


@dataclass(frozen=True)
class Officer:
    """Somebody with a token of one agency, at one of its services."""

    wire: Wire
    url: str
    token: str
    name: str

    async def get(self, path: str, **query: str) -> Any:
        """Raises Refused, NeverHappened when the service stays away."""
        async for _ in tries():
            reply = await self._send("GET", path, params=query)
            if reply is not None:
                return self._judge(reply, f"GET {path}")
        raise NeverHappened(f"{self.name}: no answer from {self.url}")

    async def find(self, path: str, **query: str) -> Any | None:
        """None while the thing is not known there."""
        try:
            return await self.get(path, **query)
        except Refused as refusal:
            if refusal.status == httpx.codes.NOT_FOUND:
                return None
            raise

    async def post(
        self,
        path: str,
        body: View | bytes,
        *,
        known: Callable[[], Awaitable[View | None]] | None = None,
        content_type: str = "application/json",
    ) -> View:
        """`known` finds what an earlier try, whose reply got lost, may have done. Raises Refused, NeverHappened."""
        sent: dict[str, Any] = {"json": body} if isinstance(body, dict) else {"content": body}
        lost = False
        async for _ in tries():
            if lost and known is not None and (done := await known()) is not None:
                return done
            reply = await self._send("POST", path, headers={"Content-Type": content_type}, **sent)
            if reply is not None:
                return self._view(self._judge(reply, f"POST {path}"))
            lost = True
        raise NeverHappened(f"{self.name}: no answer from {self.url}")

    async def move(self, thing: str, name: str, view: View, done: Callable[[View], bool], **facts: object) -> View:
        """Move the thing at `thing` that was last seen as `view`; when its version went on meanwhile, look again."""

        async def known() -> View | None:
            now = self._view(await self.get(thing))
            return now if done(now) else None

        for _ in range(STALE_TRIES):
            body: View = {"expected_version": view["version"], **facts}
            try:
                return await self.post(f"{thing}/moves/{name}", body, known=known)
            except Refused as refusal:
                if refusal.code != "stale_version":
                    raise
                view = self._view(await self.get(thing))
        raise NeverHappened(f"{self.name}: {thing} never stood still for {name}")

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """None where asking again can help: nobody there, or a 503."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        try:
            async with self.wire.turn:
                self.wire.sent += 1
                reply = await self.wire.client(self.url).request(method, path, headers=headers, **options)
        except httpx.TransportError:
            self.wire.asked_again += 1
            return None
        if reply.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            self.wire.asked_again += 1
            return None
        return reply

    def _judge(self, reply: httpx.Response, asked: str) -> Any:
        if reply.is_success:
            return reply.json()
        try:
            facts = reply.json()
        except ValueError:
            facts = {}
        code = str(facts.get("type", "")).removeprefix(_PROBLEM)
        raise Refused(reply.status_code, code, facts, f"{self.name} {asked}")

    @staticmethod
    def _view(found: object) -> View:
        if not isinstance(found, dict):
            raise TypeError("a door answered with something else than one thing")
        return found


async def refusal_of(act: Awaitable[object]) -> Refused | None:
    """What a door says when it must say no; None if it did not."""
    try:
        await act
    except Refused as refusal:
        return refusal
    return None
