"""A bad record is not an outage, and an outage is not a bad record; nobody's flood is another's drought."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.resilience.town import Town, case, until


class Provider:
    """Stands for somebody else's HTTP service: it counts the calls, and may be down."""

    def __init__(self) -> None:
        self.calls, self.down, self.url = 0, False, ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.calls += 1
        status = b"503 Service Unavailable" if self.down else b"204 No Content"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()


async def test_a_bad_record_is_not_an_outage_and_an_outage_is_not_a_bad_record(town: Town) -> None:
    """Promise 63: a hundred bad records, and calls go on; the provider is down, and nothing is parked for it."""
    async with provider() as outside:
        await town.start("training", provider=outside.url, retry_seconds=str([0.3] * 50))
        good = []
        for number in range(100):
            await town.put_request(case(number % 10), "BAKERY")
            if number % 5 == 0:
                good.append(await town.put_request(case(number % 10), "COMPUTER"))
        await town.settled("training")
        assert len(await town.parked()) == 100
        assert outside.calls == 20

        outside.down = True
        waiting = [await town.put_request(case(number), "COMPUTER") for number in range(10)]
        others = [await town.put_request(case(number)) for number in range(10)]

        async def tried_again() -> bool:
            return len(await town.retried()) >= 3 * len(waiting)

        expected = {event.subject for event in [*good, *others]}

        async def others_seen() -> bool:
            return set(await town.seen()) == expected

        await until(others_seen, "others do not wait")
        await until(tried_again, "each waiting record was tried three times")
        assert len(await town.parked()) == 100
        outside.down = False
        await town.settled("training")
        assert sorted(await town.seen()) == sorted([*expected, *(event.subject for event in waiting)])
        assert len(await town.parked()) == 100
