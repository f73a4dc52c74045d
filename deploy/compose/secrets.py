"""`python -m deploy.compose.secrets`: what broker and store need before they start, and each volume to who reads it.

It alone runs as root, in a container without a network. What was made once stays as it is.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from deploy.compose.places import HANDED, HOME, services
from deploy.local import kafka_settings, logins
from deploy.local.logins import write_hidden

OURS, KAFKA, MONGO = 10001, 1000, 999  # whom the images run as
SETTINGS, DATA = "/mnt/shared/config/server.properties", Path("/var/lib/kafka/data")


def main() -> None:
    operator = logins.make(HOME / "engine")
    properties = kafka_settings.properties(1, DATA, ports=[9092], controllers=[9093], operator=operator)
    write_hidden(HANDED / "kafka" / "server.properties", properties)
    cluster = services()["kafka"]["environment"]["CLUSTER_ID"]
    words = ["format", "--ignore-formatted", f"--cluster-id={cluster}", "--config", SETTINGS]
    words += ["--add-scram", f"SCRAM-SHA-512=[name={operator.user},password={operator.password}]"]
    write_hidden(HANDED / "kafka" / "format", "\n".join(words))
    key = HOME / "engine" / "secrets" / "mongo.key"
    if not key.exists():
        write_hidden(key, secrets.token_hex(32))
    write_hidden(HANDED / "mongo" / "mongo.key", key.read_text())
    for folder, owner in _owners():
        _give(folder, owner)


def _owners() -> Iterator[tuple[Path, int]]:
    for folder in HANDED.iterdir():
        yield folder, {"kafka": KAFKA, "mongo": MONGO}.get(folder.name, OURS)
    yield HOME, OURS


def _give(folder: Path, owner: int) -> None:
    """All in it too."""
    if folder.stat().st_uid == 0:  # the first time: later its mode is its owner's to change
        folder.chmod(0o700)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner)


if __name__ == "__main__":
    main()
