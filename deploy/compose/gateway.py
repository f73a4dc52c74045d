"""The sandbox message gateway in its container: the same as on one machine, for callers from its network."""

import sys
from pathlib import Path

import uvicorn

from deploy.local.gateway import STOP_LIMIT_SECONDS, Sandbox, gateway_app

SECRET = Path("/secrets/gateway")


def main(receipts_to: list[str]) -> None:
    """`receipts_to`: where webhooks go."""
    sandbox = Sandbox(receipts_to, SECRET.read_text().strip().encode())
    uvicorn.run(
        gateway_app(sandbox),
        host="0.0.0.0",  # noqa: S104 - of a network that leads nowhere else
        port=8080,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_LIMIT_SECONDS,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
