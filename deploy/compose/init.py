"""`python -m deploy.compose.init`: the installation that the services start on, and the secrets of each.

Replica set, topics, users and rights. Run again it makes what is missing and renews the services' credentials.
"""

import json
import time
from pathlib import Path
from typing import Any

import typer
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from chassis.login import Login
from deploy.basudara import manifests
from deploy.basudara.console import one_line
from deploy.basudara.manifests import BadFile
from deploy.basudara.provisions import write
from deploy.basudara.stack import AGENCIES, Stack, give_rights
from deploy.compose.places import HANDED, HOME, PORT, SECRETS, container, services
from deploy.local import logins
from deploy.local.processes import CannotStart

KAFKA, MONGO = "kafka:9092", "mongo:27017"
PRIMARY_WITHIN_SECONDS = 60
ALREADY_INITIALIZED = 23


def main() -> None:
    with one_line():
        _begin_store(logins.make(HOME / "engine"))
        known = manifests.agencies(AGENCIES)
        stack = _planned([f"{code}/{service}" for code, one in known.items() for service in one.services])
        stack.secrets.write(known)
        if not stack.clock_file.exists():
            stack.clock_file.write_text("0")
        stack.save()
        inside = {name: f"http://{container(name)}:{PORT}" for name in stack.urls}
        write(stack.home / "partners.json", json.dumps(inside))
        give_rights(stack.site)
        for name in stack.urls:
            _hand_out(stack, name)
        _hand(stack.secrets.gateway, HANDED / "gateway" / "gateway")


def _begin_store(operator: Login) -> None:
    """A replica set of one, and its operator. Raises CannotStart, PyMongoError."""
    key = (HOME / "engine" / "secrets" / "mongo.key").read_text()
    itself: dict[str, Any] = {"username": "__system", "password": key}  # as members of a set meet each other
    client: MongoClient[dict[str, Any]] = MongoClient(MONGO, directConnection=True, authSource="local", **itself)
    with client:
        try:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [{"_id": 0, "host": MONGO}]})
        except OperationFailure as error:
            if error.code != ALREADY_INITIALIZED:
                raise
        until = time.monotonic() + PRIMARY_WITHIN_SECONDS
        while not client.admin.command("hello")["isWritablePrimary"]:
            if time.monotonic() > until:
                raise CannotStart(f"MongoDB: {MONGO} takes no writes after {PRIMARY_WITHIN_SECONDS} s")
            time.sleep(0.1)
        if not client.admin.command("usersInfo", operator.user)["users"]:
            client.admin.command("createUser", operator.user, pwd=operator.password, roles=["root"])


def _planned(names: list[str]) -> Stack:
    """`urls` are those of the doors outside, as `docker-compose.yml` publishes them. Raises BadFile: one has none."""
    there = services()
    missing = [name for name in names if container(name) not in there]
    if missing:
        raise BadFile(f"docker-compose.yml: services: {container(missing[0])} is missing, which a manifest names")
    ports = {name: str(there[container(name)]["ports"][0]).rsplit(":", 1)[0] for name in names}
    return Stack(
        home=HOME,
        kafka=KAFKA,
        mongo=f"mongodb://{MONGO}/?replicaSet=rs0",
        gateway=f"http://gateway:{PORT}",
        urls={name: f"http://{port}" for name, port in ports.items()},
        databases={name: container(name) for name in names},
        foreground=False,
        manifests_folder=str(AGENCIES),
    )


def _hand_out(stack: Stack, name: str) -> None:
    """Each secret file that a service's environment names in `docker-compose.yml`, and no other."""
    agency, service = name.split("/")
    known, prefix = stack.secrets.settings(agency, service), f"{service.upper()}_"
    for setting, value in services()[container(name)]["environment"].items():
        if str(value).startswith(f"{SECRETS}/"):
            _hand(Path(known[setting.removeprefix(prefix)]), HANDED / container(name) / Path(value).name)


def _hand(file: Path, to: Path) -> None:
    """For its one reader, who may not change it."""
    write(to, file.read_text())
    to.chmod(0o400)


if __name__ == "__main__":
    typer.run(main)
