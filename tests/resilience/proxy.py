"""A TCP proxy between a service and its broker or store: it can cut the way, let it hang, and restore it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_CHUNK_BYTES = 64 * 1024


class Proxy:
    """Runs in the test's own event loop. `port` is where clients connect; built by `proxy`."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pipes: set[asyncio.Task[None]] = set()
        self.port = 0

    async def open(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Connections end, new ones are refused: as when the other machine is gone."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        self._writers.clear()

    def hang(self) -> None:
        """Connections stay and are made, but not a byte arrives: as when packets get lost on the way."""
        self._flows.clear()

    async def restore(self) -> None:
        self._flows.set()
        if self._server is None:
            await self.open()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.close()  # nobody there: the client sees just that
            return
        self._writers.add(far_writer)
        for one in (self._pipe(reader, far_writer), self._pipe(far_reader, writer)):
            pipe = asyncio.create_task(one)
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK_BYTES):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # either side left: the other is told by the close below
        finally:
            writer.close()


@asynccontextmanager
async def proxy(target_port: int, port: int = 0) -> AsyncIterator[Proxy]:
    """A proxy to 127.0.0.1:`target_port`, open at `port` (0: any free one)."""
    running = Proxy(target_port)
    await running.open(port)
    try:
        yield running
    finally:
        await running.cut()
