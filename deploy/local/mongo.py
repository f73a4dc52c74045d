"""MongoDB as a replica set of one (transactions and change streams need one), from the binary in `.local/mongod`."""

from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local import processes
from deploy.local.processes import CannotStart, Child

_BINARY = Path(__file__).resolve().parents[2] / ".local" / "mongod" / "mongod"
_START_LIMIT_SECONDS = 60
_SET = "rs0"
_NOT_YET_INITIATED = 94


def start(home: Path, *, port: int, foreground: bool) -> Child:
    """Start it on data under `home`/mongo. Raises CannotStart."""
    if not _BINARY.exists():
        raise CannotStart("MongoDB is not set up: run `make setup`.")
    data = home / "mongo"
    data.mkdir(parents=True, exist_ok=True)
    command = [str(_BINARY), "--replSet", _SET, "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(data)]
    command += ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "990"]
    command += ["--slowms", "600000"]  # a slow command is logged with its values, so with persons
    for parameter in (
        "transactionLifetimeLimitSeconds=10",
        "diagnosticDataCollectionEnabled=false",
        "shutdownTimeoutMillisForSignaledShutdown=0",  # there is no other node to hand over to
    ):
        command += ["--setParameter", parameter]
    return processes.start(command, pid_file=home / "run" / "mongo.pid", log=log(home), foreground=foreground)


def wait(home: Path, child: Child, *, port: int) -> None:
    """Until it accepts writes, initiated on `port`. Raises CannotStart, PortTaken."""
    with _connect(port) as client:
        processes.wait_until(
            lambda: _ready(client, port), child, name="MongoDB", log=log(home), limit_seconds=_START_LIMIT_SECONDS
        )


def answers(port: int) -> bool:
    with _connect(port) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


def version(port: int) -> str | None:
    """Of the server that answers; None: none does."""
    with _connect(port) as client:
        try:
            return str(client.server_info()["version"])
        except PyMongoError:
            return None


def log(home: Path) -> Path:
    return home / "logs" / "mongo.log"


def _connect(port: int) -> MongoClient[dict[str, Any]]:
    return MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500)


def _ready(client: MongoClient[dict[str, Any]], port: int) -> bool:
    """One look, and the one step that is missing: initiate, or move the set to this start's port."""
    try:
        hello = client.admin.command("hello")
        if hello["isWritablePrimary"]:
            return True
        _join(client, f"127.0.0.1:{port}")
    except PyMongoError:
        pass  # still starting: looked at again
    return False


def _join(client: MongoClient[dict[str, Any]], address: str) -> None:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as refused:
        if refused.code != _NOT_YET_INITIATED:
            raise
        members = [{"_id": 0, "host": address}]
        client.admin.command("replSetInitiate", {"_id": _SET, "members": members})
        return
    if config["members"][0]["host"] != address:
        # Forced, since a node that doesn't find itself in its set can't be asked in the regular way.
        config["members"][0]["host"] = address
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)
