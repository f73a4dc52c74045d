"""MongoDB as a replica set of one (transactions and change streams need one), from the binary in `.local/mongod`."""

import secrets
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from chassis.login import Login, for_store
from deploy.local import certificates, processes
from deploy.local.logins import write_hidden
from deploy.local.processes import CannotStart, Child

_BINARY = Path(__file__).resolve().parents[2] / ".local" / "mongod" / "mongod"
_START_LIMIT_SECONDS = 60
_LOOK_MILLISECONDS = 2000
_SET = "rs0"
_MEMBER = "__system"
_NOT_INITIATED = "Does not have a valid replica set config"


def start(
    home: Path, *, port: int, foreground: bool, fail_points: bool = False, operator: Login | None = None
) -> Child:
    """Start it on data under `home`/mongo; `fail_points`: a test may set them. Raises CannotStart.

    `operator`: nobody gets in without a password, at no moment; None: everybody does.
    """
    if not _BINARY.exists():
        raise CannotStart("MongoDB is not set up: run `make setup`.")
    data, member = home / "mongo", home / "run" / "mongo.member"
    if has_data(home) and not (member.exists() and member.read_text() == str(port)):
        _move(home, port, operator)
    data.mkdir(parents=True, exist_ok=True)
    member.parent.mkdir(parents=True, exist_ok=True)
    member.write_text(str(port))
    more = ("--setParameter", "enableTestCommands=1") if fail_points else ()
    return _launch(home, port, foreground, operator, "--replSet", _SET, *more)


def _launch(home: Path, port: int, foreground: bool, operator: Login | None, *more: str) -> Child:
    command = [str(_BINARY), "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(home / "mongo"), *more]
    command += ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "990"]
    # The default lays out three journal files of 100 MB in each home before anybody writes anything.
    command += ["--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=32MB)"]
    command += ["--slowms", "600000"]  # a slow command is logged with its values, so with persons
    for parameter in (
        "transactionLifetimeLimitSeconds=10",
        "diagnosticDataCollectionEnabled=false",
        "shutdownTimeoutMillisForSignaledShutdown=0",  # there is no other node to hand over to
    ):
        command += ["--setParameter", parameter]
    if operator:
        _make_key(home)
        # MongoDB lets the first caller from this machine make a user: here no stranger can be that one.
        command += ["--keyFile", str(_key(home)), "--setParameter", "enableLocalhostAuthBypass=false"]
    certificate = certificates.kept(home)
    if certificate:
        # clients show a password, not a certificate
        command += ["--tlsMode", "requireTLS", "--tlsAllowConnectionsWithoutCertificates"]
        command += ["--tlsCertificateKeyFile", str(certificate.server), "--tlsCAFile", str(certificate.authorities)]
    return processes.start(command, pid_file=pid_file(home), log=log(home), foreground=foreground)


def wait(home: Path, child: Child, *, port: int, operator: Login | None = None) -> None:
    """Until it accepts writes, initiated on `port`. Raises CannotStart, PortTaken."""
    with _connect(port, _itself(home) if operator else None) as client:
        processes.wait_until(
            lambda: _ready(client, port, operator),
            child,
            name="MongoDB",
            log=log(home),
            limit_seconds=_START_LIMIT_SECONDS,
        )


def answers(port: int, operator: Login | None = None) -> bool:
    with _connect(port, operator) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


def version(port: int, operator: Login | None = None) -> str | None:
    """Of the server that answers; None: none does."""
    with _connect(port, operator) as client:
        try:
            return str(client.server_info()["version"])
        except PyMongoError:
            return None


def has_data(home: Path) -> bool:
    return (home / "mongo" / "WiredTiger").exists()


def url(port: int) -> str:
    return f"mongodb://{_address(port)}/?replicaSet={_SET}"


def pid_file(home: Path) -> Path:
    return home / "run" / "mongo.pid"


def log(home: Path) -> Path:
    return home / "logs" / "mongo.log"


def _move(home: Path, port: int, operator: Login | None) -> None:
    """Write this start's address into the set's configuration, while it runs outside the set.

    Inside it a node first looks for itself at the old address, and waits half a minute where a stranger has that now.
    """
    child = _launch(home, port, True, operator)
    login = _itself(home) if operator else None
    with _connect(port, login) as client:
        processes.wait_until(
            lambda: answers(port, login), child, name="MongoDB", log=log(home), limit_seconds=_START_LIMIT_SECONDS
        )
        client.local.system.replset.update_many({}, {"$set": {"members.0.host": _address(port)}})
    processes.stop(child)


def _address(port: int) -> str:
    return f"127.0.0.1:{port}"


def _connect(port: int, login: Login | None = None) -> MongoClient[dict[str, Any]]:
    return MongoClient(
        "127.0.0.1",
        port,
        directConnection=True,
        serverSelectionTimeoutMS=_LOOK_MILLISECONDS,
        **for_store(login, "local" if login and login.user == _MEMBER else "admin"),
    )


def _key(home: Path) -> Path:
    return home / "secrets" / "mongo.key"


def _make_key(home: Path) -> None:
    if not _key(home).exists():
        write_hidden(_key(home), secrets.token_hex(32))


def _itself(home: Path) -> Login:
    """As members of a set meet each other: with rights that no user can be given, such as writing its configuration."""
    certificate = certificates.kept(home)
    return Login(_MEMBER, _key(home).read_text(), certificate.authorities if certificate else None)


def _ready(client: MongoClient[dict[str, Any]], port: int, operator: Login | None) -> bool:
    """One look, and the initiation if nothing but that is missing."""
    try:
        hello = client.admin.command("hello")
        if not hello["isWritablePrimary"] and hello.get("info") == _NOT_INITIATED:
            members = [{"_id": 0, "host": _address(port)}]
            client.admin.command("replSetInitiate", {"_id": _SET, "members": members})
        if hello["isWritablePrimary"] and operator:
            _make_user(client, operator)
        return bool(hello["isWritablePrimary"])
    except PyMongoError:
        return False  # still starting: looked at again


def _make_user(client: MongoClient[dict[str, Any]], operator: Login) -> None:
    if not client.admin.command("usersInfo", operator.user)["users"]:
        client.admin.command("createUser", operator.user, pwd=operator.password, roles=["root"])
