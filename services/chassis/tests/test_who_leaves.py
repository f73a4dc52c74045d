"""Clients that leave in the middle of their request, or of our answer, are no defect of ours."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
import uvloop
from fastapi import APIRouter
from prometheus_client import REGISTRY

from chassis.http import http_app
from chassis.leaving import CLOSED

HEADERS = b"Host: x\r\nContent-Type: application/json\r\n"
GOOD = b"GET /slow HTTP/1.1\r\n" + HEADERS + b"\r\n"
LAST = GOOD.replace(b"Host", b"Connection: close\r\nHost")
TIMES, BREAKS = 20, 500  # one in twenty meets the moment


@asynccontextmanager
async def door() -> AsyncIterator[int]:
    """The port of a door as `chassis.running` opens it."""
    router = APIRouter()

    @router.get("/slow")
    async def slow() -> dict[str, str]:
        await asyncio.sleep(0.05)
        return {"done": "x" * 1000}

    settings = SimpleNamespace(http_at_once=128, requests_per_second=200)
    made: Any = SimpleNamespace(settings=settings, spans=None)
    config = uvicorn.Config(http_app(made, [router], "T", "D"), log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    listening = socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    await running


def defects() -> float:
    return REGISTRY.get_sample_value("basudara_defects_total", {"where": "http"}) or 0.0


async def told(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    await writer.drain()
    said = await reader.read(-1)
    writer.close()
    return said


def test_a_body_that_ends_before_it_is_whole_is_refused() -> None:
    async def leave() -> None:
        async with door() as port:
            for _ in range(TIMES):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"POST /slow HTTP/1.1\r\n" + HEADERS + b'Content-Length: 1000\r\n\r\n{"a":')
                await writer.drain()
                await asyncio.sleep(0.01)
                writer.close()
            assert b" 200 OK" in await told(port, LAST)

    before = defects()
    uvloop.run(leave())
    assert defects() == before


def test_who_breaks_the_connection_off_while_he_is_answered_is_no_defect() -> None:
    """The loop knows it before the server does, and raises where it is told to write."""

    def break_off(port: int) -> None:
        for _ in range(BREAKS):
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n" * 8)

    async def be_left() -> None:
        async with door() as port:
            await asyncio.to_thread(break_off, port)
            assert b" 200 OK" in await told(port, LAST)

    before = defects()
    uvloop.run(be_left())
    assert defects() == before


async def test_any_other_error_of_sending_is_a_defect() -> None:
    made: Any = SimpleNamespace(settings=SimpleNamespace(http_at_once=1, requests_per_second=1), spans=None)
    app = http_app(made, [], "T", "D")
    scope = {"type": "http", "method": "GET", "path": "/live", "raw_path": b"/live", "query_string": b"", "headers": []}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ask(words: str) -> None:
        async def send(_message: object) -> None:
            raise RuntimeError(words)

        await app(dict(scope), receive, send)

    await ask(f"unable to perform operation; {CLOSED}")
    with pytest.raises(RuntimeError, match="another"):
        await ask("another")
