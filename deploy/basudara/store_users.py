"""A service's user at the store: it reads and writes its own database, and adds to its record, which it can't change.

Each function is given a client of the operator's.
"""

from collections.abc import Mapping
from typing import Any

from chassis.audit import SEALED
from chassis.database import record_of
from deploy.basudara.rights import User

ADDS = "adds"  # the role on a record
ACTIONS = ("createIndex", "find", "insert")  # neither update nor remove, nor what drops, renames or converts

Client = Any
Role = Mapping[str, str]


def wanted(user: User) -> frozenset[str]:
    """What it must have, a line each, and nothing else."""
    record = record_of(str(user.database))
    return frozenset({*map(_told, _roles(user)), *(f"{action} on {record}.{SEALED}" for action in ACTIONS)})


def held(client: Client, user: User) -> frozenset[str] | None:
    """What it has. None: there is no such user."""
    record = record_of(str(user.database))
    known = client[str(user.database)].command({"usersInfo": user.name})["users"]
    if not known:
        return None
    rows = client[record].command({"rolesInfo": ADDS, "showPrivileges": True})["roles"]
    places = [(one["resource"], action) for row in rows for one in row["privileges"] for action in one["actions"]]
    on_record = {f"{action} on {place.get('db', '*')}.{place.get('collection', '*')}" for place, action in places}
    return frozenset({*map(_told, known[0]["roles"]), *on_record})


def give(client: Client, user: User, password: str | None = None) -> None:
    """What it lacks. `password`: a new one; a user that is not there needs one."""
    record, own = client[record_of(str(user.database))], client[str(user.database)]
    if record.command({"rolesInfo": ADDS})["roles"]:
        record.command({"grantPrivilegesToRole": ADDS, "privileges": _privileges(record)})
    else:
        record.command({"createRole": ADDS, "privileges": _privileges(record), "roles": []})
    if not own.command({"usersInfo": user.name})["users"]:
        own.command({"createUser": user.name, "pwd": password, "roles": []})
    elif password is not None:
        own.command({"updateUser": user.name, "pwd": password})
    own.command({"grantRolesToUser": user.name, "roles": _roles(user)})


def take(client: Client, user: User) -> None:
    """What it has beyond that."""
    record, own = client[record_of(str(user.database))], client[str(user.database)]
    record.command({"updateRole": ADDS, "privileges": _privileges(record), "roles": []})
    own.command({"updateUser": user.name, "roles": _roles(user)})


def drop(client: Client, database: str, name: str) -> None:
    """The user, and the role that was only his. What is in his databases stays."""
    client[database].command({"dropUser": name})
    record = client[record_of(database)]
    if record.command({"rolesInfo": ADDS})["roles"]:
        record.command({"dropRole": ADDS})


def _privileges(record: Any) -> list[dict[str, Any]]:
    return [{"resource": {"db": record.name, "collection": SEALED}, "actions": list(ACTIONS)}]


def _roles(user: User) -> list[Role]:
    database = str(user.database)
    return [{"role": "readWrite", "db": database}, {"role": ADDS, "db": record_of(database)}]


def _told(role: Role) -> str:
    return f"{role['role']} on {role['db']}"
