"""Rights as the broker and the store hold them: what is missing of the wanted ones, and what stands there too much.

Only users, rights and topics of the agencies asked for are looked at, so that nothing foreign is ever touched. What is
`missing` only adds; what is `surplus`, and a `removal`, only takes away, and is never part of an onboarding.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from chassis.catalogue import Channel
from chassis.login import Login
from deploy.basudara import quotas, store_users
from deploy.basudara.reach import NO_ANSWER_SECONDS, Reach
from deploy.basudara.rights import Acl, Installation, User

ITERATIONS = 8192  # of SCRAM: our passwords are random, so nobody guesses them offline
THERE_ALREADY = "TOPIC_ALREADY_EXISTS"


@dataclass(frozen=True)
class Step:
    """One difference: the act that ends it, what it is done with, and a line for the operator."""

    act: Callable[[list[Any]], None]
    item: Any
    line: str


@dataclass(frozen=True)
class Passwords:
    """One file for each user and engine, 0600, made once: `AGENCY.SERVICE.kafka` and `.mongo`."""

    folder: Path

    def file(self, user: str, engine: str) -> Path:
        return self.folder / f"{user}.{engine}"

    def login(self, user: str, engine: str) -> Login:
        return Login(user, self.file(user, engine).read_text().strip())

    def make(self, user: str, engine: str) -> str:
        """A new one, in place of the one before. Whole or not at all."""
        password, file = secrets.token_urlsafe(32), self.file(user, engine)
        part = file.with_name(file.name + ".part")
        part.touch(mode=0o600)
        part.write_text(password)
        part.replace(file)
        return password

    def have(self, user: str, engine: str) -> bool:
        return self.file(user, engine).exists()


class Rights:
    """The rights of some agencies at one broker and one store. Raises RuntimeError for what these refuse."""

    def __init__(self, reach: Reach, installation: Installation, passwords: Passwords, agencies: Iterable[str]) -> None:
        self._reach, self._wanted, self._passwords = reach, installation, passwords
        self._agencies = frozenset(agencies)
        self._admin = AdminClient(reach.broker)
        self.users = [user for user in installation.users if user.agency in self._agencies]

    # -- what there is to do ---------------------------------------------------------------------------------------

    def missing(self) -> Iterator[Step]:
        """Topics, users and rights that are wanted and not there, in the order in which they are needed."""
        there = self._admin.list_topics(timeout=NO_ANSWER_SECONDS).topics
        for name, channel in sorted(self._wanted.topics.items()):
            if name not in there and name.split(".", 1)[0] in self._agencies:
                yield Step(self._make_topics, (name, channel), f"topic {name}")
        known = self._known_users()
        for user in self.users:
            if user.name not in known or not self._passwords.have(user.name, "kafka"):
                yield Step(self.rotate_at_broker, user, f"broker user {user.name}")
        limits = quotas.known(self._reach)
        for user in self.users:
            has_now = limits.get(user.name, {})
            lacks = {key: value for key, value in quotas.WANTED.items() if has_now.get(key) != value}
            if lacks:
                told = " ".join(f"{key}={value:.0f}" for key, value in lacks.items())
                yield Step(self._limit, (user.name, lacks), f"quota {user.name} {told}")
        has = self._acls()
        for user in self.users:
            for acl in sorted(user.acls - has.get(user.name, frozenset())):
                yield Step(self._give, (user.name, acl), f"right {user.name} {_told(acl)}")
        for user, held in self._at_store():
            if held is None or not self._passwords.have(user.name, "mongo"):
                yield Step(self.rotate_at_store, user, f"store user {user.name} of {user.database}")
            else:
                for right in sorted(store_users.wanted(user) - held):
                    yield Step(self._give_at_store, user, f"store right {user.name} {right}")

    def surplus(self) -> Iterator[Step]:
        """Rights and quotas that these agencies' users have and nothing wants any more."""
        wanted = {user.name: user.acls for user in self.users}
        yield from self._taken(wanted)
        for user, held in self._at_store():
            for right in sorted((held or frozenset()) - store_users.wanted(user)):
                yield Step(self._take_at_store, user, f"right taken {user.name} {right}")
        yield from self._unlimited(dict.fromkeys(wanted, quotas.WANTED))

    def removal(self) -> Iterator[Step]:
        """All rights, quotas and users of these agencies. Topics and databases stay, with what is in them."""
        yield from self._taken({})
        yield from self._unlimited({})
        for name in sorted(one for one in self._known_users() if self._is_theirs(one)):
            yield Step(self._drop_at_broker, name, f"broker user removed {name}")
        with self._reach.store() as client:
            found = client.admin.command({"usersInfo": {"forAllDBs": True}})["users"]
        for row in found:
            if self._is_theirs(row["user"]) and row["db"] != "admin":
                yield Step(self._drop_at_store, (row["db"], row["user"]), f"store user removed {row['user']}")

    @staticmethod
    def do(steps: Iterable[Step]) -> None:
        """All steps, those of one kind together. Raises RuntimeError."""
        for act, some in groupby(steps, key=lambda step: step.act):
            act([step.item for step in some])

    def _taken(self, wanted: Mapping[str, frozenset[Acl]]) -> Iterator[Step]:
        for name, acls in sorted(self._acls().items()):
            for acl in sorted(acls - wanted.get(name, frozenset())):
                yield Step(self._take, (name, acl), f"right taken {name} {_told(acl)}")

    def _unlimited(self, wanted: Mapping[str, Mapping[str, float]]) -> Iterator[Step]:
        for name, limits in sorted(quotas.known(self._reach).items()):
            extra = sorted(limits.keys() - wanted.get(name, {}).keys())
            if extra and self._is_theirs(name):
                yield Step(self._limit, (name, dict.fromkeys(extra)), f"quota taken {name} {' '.join(extra)}")

    def _is_theirs(self, user: str) -> bool:
        return user.split(".", 1)[0] in self._agencies and "." in user

    # -- users and rights at the broker ----------------------------------------------------------------------------

    def _known_users(self) -> frozenset[str]:
        told: Any = self._admin.describe_user_scram_credentials()
        return frozenset(told.result(NO_ANSWER_SECONDS))

    def rotate_at_broker(self, users: Iterable[User]) -> None:
        """New passwords. A service that runs keeps its connections, and needs the new one for the next."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
        wanted: list[Any] = [
            UserScramCredentialUpsertion(user.name, info, self._passwords.make(user.name, "kafka").encode())
            for user in users
        ]
        _all(self._admin.alter_user_scram_credentials(wanted))

    def _drop_at_broker(self, names: Iterable[str]) -> None:
        gone: list[Any] = [UserScramCredentialDeletion(name, ScramMechanism.SCRAM_SHA_512) for name in names]
        _all(self._admin.alter_user_scram_credentials(gone))

    def _acls(self) -> Mapping[str, frozenset[Acl]]:
        """What these agencies' users have, by user."""
        found: dict[str, set[Acl]] = {}
        for row in self._admin.describe_acls(_ANY).result(NO_ANSWER_SECONDS):
            name = row.principal.removeprefix("User:")
            if self._is_theirs(name) and row.permission_type == AclPermissionType.ALLOW:
                found.setdefault(name, set()).add(_from_binding(row))
        return {name: frozenset(acls) for name, acls in found.items()}

    def _give(self, rights: Iterable[tuple[str, Acl]]) -> None:
        _all(self._admin.create_acls([_binding(AclBinding, name, acl) for name, acl in rights]))

    def _take(self, rights: Iterable[tuple[str, Acl]]) -> None:
        _all(self._admin.delete_acls([_binding(AclBindingFilter, name, acl) for name, acl in rights]))

    def _limit(self, limits: Iterable[tuple[str, Mapping[str, float | None]]]) -> None:
        changes: dict[str, dict[str, float | None]] = {}
        for name, some in limits:
            changes.setdefault(name, {}).update(some)
        quotas.put(self._reach, changes)

    def _make_topics(self, topics: Iterable[tuple[str, Channel]]) -> None:
        made = [
            NewTopic(name, channel.partitions, replication_factor=-1, config=dict(channel.configuration))
            for name, channel in topics
        ]
        _all(self._admin.create_topics(made), but=THERE_ALREADY)  # another process was quicker: all is well

    # -- users at the store ----------------------------------------------------------------------------------------

    def _at_store(self) -> Iterator[tuple[User, frozenset[str] | None]]:
        """Whoever has a database, with what he has there; None: there is no such user."""
        with self._reach.store() as client:
            for user in self.users:
                if user.database is not None:
                    yield user, store_users.held(client, user)

    def rotate_at_store(self, users: Iterable[User]) -> None:
        """New passwords, and the rights of such a user: no more and no less."""
        with self._reach.store() as client:
            for user in users:
                store_users.give(client, user, self._passwords.make(user.name, "mongo"))
                store_users.take(client, user)

    def _give_at_store(self, users: Iterable[User]) -> None:
        with self._reach.store() as client:
            for user in users:
                store_users.give(client, user)

    def _take_at_store(self, users: Iterable[User]) -> None:
        with self._reach.store() as client:
            for user in users:
                store_users.take(client, user)

    def _drop_at_store(self, users: Iterable[tuple[str, str]]) -> None:
        with self._reach.store() as client:
            for database, name in users:
                store_users.drop(client, database, name)


_EVERY: Any = None
_ANY = AclBindingFilter(
    ResourceType.ANY, _EVERY, ResourcePatternType.ANY, _EVERY, _EVERY, AclOperation.ANY, AclPermissionType.ANY
)


def _binding(form: Any, name: str, acl: Acl) -> Any:
    pattern = ResourcePatternType.PREFIXED if acl.prefixed else ResourcePatternType.LITERAL
    what, operation = ResourceType[acl.kind], AclOperation[acl.operation]
    return form(what, acl.name, pattern, f"User:{name}", "*", operation, AclPermissionType.ALLOW)


def _from_binding(row: Any) -> Acl:
    kind: Any = row.restype.name  # other kinds than ours are told, and taken, as they are
    prefixed = row.resource_pattern_type == ResourcePatternType.PREFIXED
    return Acl(kind=kind, name=row.name, operation=row.operation.name, prefixed=prefixed)


def _told(acl: Acl) -> str:
    return f"{acl.operation} {acl.kind.lower()} {acl.name}{'…' if acl.prefixed else ''}"


def _all(futures: Mapping[Any, Any], *, but: str = "") -> None:
    for what, future in futures.items():
        try:
            future.result(NO_ANSWER_SECONDS)
        except KafkaException as error:
            if error.args[0].name() != but:
                raise RuntimeError(f"{getattr(what, 'name', what)}: {error.args[0].str()}") from error
