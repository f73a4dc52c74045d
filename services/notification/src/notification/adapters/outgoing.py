"""HTTP calls out of this service, over connections that are kept: two for every message that is sent."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp


class Unreached(Exception):
    """No answer came: not connected, cut off, or too late."""


class Answer(NamedTuple):
    status: int
    content: bytes


class Outgoing:
    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._opened: aiohttp.ClientSession | None = None

    async def get(self, url: str, *, params: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Raises Unreached."""
        return await self._ask("GET", url, params=params, headers=headers)

    async def post(self, url: str, *, json: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Raises Unreached. Made again by nobody here: whoever calls knows whether that would be harmless."""
        return await self._ask("POST", url, json=json, headers=headers)

    async def _ask(self, method: str, url: str, **what: Any) -> Answer:
        try:
            async with self._session().request(method, url, allow_redirects=False, **what) as reply:
                return Answer(reply.status, await reply.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreached from error

    def _session(self) -> aiohttp.ClientSession:
        """Made at first use: it belongs to the loop that runs then."""
        if self._opened is None:
            # shorter than uvicorn keeps an idle connection (5 s): else a call may meet the moment of its closing
            connector = aiohttp.TCPConnector(keepalive_timeout=2)
            jar = aiohttp.DummyCookieJar()
            self._opened = aiohttp.ClientSession(connector=connector, cookie_jar=jar, timeout=self._timeout)
        return self._opened

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()
