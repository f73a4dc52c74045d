"""Who leaves before the answer is given: nothing is wrong with us, and nobody is there to be told."""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

CLOSED = "the handler is closed"  # in the words of the loop, which alone raises where others pass it over


class Leaving:
    """Around all that answers. The loop learns that a connection is broken off a moment before the server does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            try:
                await send(message)
            except RuntimeError as error:
                if CLOSED not in str(error):
                    raise
                log.info("http.left")

        await self._app(scope, receive, tell)
