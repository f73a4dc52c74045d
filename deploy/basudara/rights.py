"""Who may do what, from manifests, agreements and the catalogue: a topic has one writer, and readers by agreement.

Nothing is asked of a broker here. Every name is literal but a subscriber's own groups, which begin with his name and a
dot: no code holds a dot, so that `kop` has no right to what is `koperasi`'s.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from chassis.catalogue import Catalogue, Channel
from deploy.basudara.manifests import Agency, Agreement, BadFile

READ, WRITE = frozenset({"READ", "DESCRIBE"}), frozenset({"WRITE", "DESCRIBE"})
JOIN = frozenset({"READ"})  # a consumer group: it holds DESCRIBE
QUOTAS = {  # of one user at one broker; so many times what an agency needs that only a fault meets them
    "producerByteRate": 5 * 1024 * 1024,
    "consumerByteRate": 20 * 1024 * 1024,
    "requestPercentage": 50,
    "controllerMutationRate": 1,
}
REGISTER = "agreement"  # the writer that is no service: `basudara agreement`


@dataclass(frozen=True, kw_only=True, order=True)
class Acl:
    """What a user may do with one topic or group. `prefixed`: with all whose names begin so."""

    kind: Literal["TOPIC", "GROUP"]
    name: str
    operation: str
    prefixed: bool = False


@dataclass(frozen=True, kw_only=True)
class User:
    """One service, or one foreign subscriber, of an agency. `database`: its own; None: it keeps nothing here."""

    agency: str
    service: str
    acls: frozenset[Acl]
    database: str | None

    @property
    def name(self) -> str:
        return f"{self.agency}.{self.service}"


@dataclass(frozen=True, kw_only=True)
class Installation:
    topics: Mapping[str, Channel]
    users: tuple[User, ...]


def wanted(catalogue: Catalogue, agencies: Mapping[str, Agency], agreements: Iterable[Agreement]) -> Installation:
    """Topics and users of these agencies. `agreements`: those whose readers are on; none: every agency for itself.

    Raises BadFile: a subscriber of a channel that the catalogue lacks.
    """
    open_ = list(agreements)
    pairs = frozenset(pair for one in open_ for pair in one.pairs())
    services = {code: one.owns() for code, one in agencies.items()}
    topics = catalogue.topics(services, frozenset(pair for pair in pairs if set(pair) <= set(agencies)))
    sight = _Sight(catalogue, topics, open_)
    users = [user for code in sorted(agencies) for user in _users(agencies[code], sight)]
    return Installation(topics=topics, users=tuple(users))


def _users(agency: Agency, sight: "_Sight") -> Iterator[User]:
    for service in sorted(agency.owns()):
        acls = {*sight.writes(agency.agency, service), *sight.reads(agency.agency, service)}
        database = None if service == REGISTER else f"{agency.agency}-{service}"
        yield User(agency=agency.agency, service=service, acls=frozenset(acls), database=database)
    for one in agency.subscribers:
        acls = set(sight.may_read(agency.agency, one.channels))
        acls.add(Acl(kind="GROUP", name=f"{agency.agency}.{one.name}.", operation="READ", prefixed=True))
        yield User(agency=agency.agency, service=one.name, acls=frozenset(acls), database=None)


class _Sight:
    """Which of the installation's topics somebody writes and reads."""

    def __init__(self, catalogue: Catalogue, topics: Mapping[str, Channel], agreements: Iterable[Agreement]) -> None:
        self._catalogue, self._topics = catalogue, topics
        technical = (one for one in agreements if one.kind == "TECHNICAL")
        self._parties = [frozenset(party.agency for party in one.parties) for one in technical]

    def writes(self, agency: str, service: str) -> Iterator[Acl]:
        for topic, channel in self._topics.items():
            if channel.service == service and _owner(topic) == agency:
                yield from _on(topic, WRITE)

    def reads(self, agency: str, service: str) -> Iterator[Acl]:
        """Its sources, and the topics where each of its groups puts records aside."""
        mine = [row for row in self._catalogue.readings if row.service == service]
        for row in mine:
            yield from self._from(row.channel, row.origin, agency)
        for group in sorted({row.group for row in mine}):
            own = {"owner": agency, "service": service, "group": group}
            retry, parked = (self._catalogue.channels[kind].topic(**own) for kind in ("retry", "parked"))
            yield Acl(kind="GROUP", name=f"{agency}.{service}.{group}", operation="READ")
            yield from _on(retry, READ | WRITE)
            yield from _on(parked, WRITE)

    def may_read(self, agency: str, channels: Iterable[str]) -> Iterator[Acl]:
        """Of these channels, what the catalogue lets an agency read."""
        origins = {"own": "own", "reader": "to-me", "parties": "parties"}
        for name in channels:
            channel = self._catalogue.channels.get(name)
            if channel is None or not channel.types:
                raise BadFile(f"{agency}: subscribers: no channel {name} carries events")
            for reader in sorted(channel.readers):
                yield from self._from(channel, origins[reader], agency)

    def _from(self, channel: Channel, origin: str, agency: str) -> Iterator[Acl]:
        for topic, of in self._topics.items():
            if of.name == channel.name and self._in_sight(topic, channel, origin, agency):
                yield from _on(topic, READ)

    def _in_sight(self, topic: str, channel: Channel, origin: str, agency: str) -> bool:
        owner = _owner(topic)
        if origin == "own":
            return owner == agency
        if origin == "to-me":
            return channel.topic(owner=owner, reader=agency) == topic
        if channel.service == REGISTER:  # it tells of nobody, and who can't read it never hears of his first agreement
            return True
        return owner == agency or any({owner, agency} <= parties for parties in self._parties)


def _owner(topic: str) -> str:
    return topic.split(".", 1)[0]


def _on(topic: str, operations: Iterable[str]) -> Iterator[Acl]:
    for operation in sorted(operations):
        yield Acl(kind="TOPIC", name=topic, operation=operation)
