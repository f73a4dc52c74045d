"""Channels, messages and operations on two sides. What is not understood here and differs is breaking, too."""

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.basudara.contracts.compare.reading import used
from deploy.basudara.contracts.compare.sides import Change, Party, Side, readers_of
from deploy.basudara.contracts.compare.verdicts import NotASchema, gaps
from deploy.basudara.manifests import BadFile

FILE = "asyncapi.yaml"
CLASSES = "NKPS"  # from no person at all to specific personal data
SAID_ONLY = {"description", "summary", "title", "tags", "externalDocs", "examples", "bindingVersion", "name"}
JUDGED = (
    "owner",
    "data_class",
    "readers",
    "key",
    "headers",
    "decisions",
)  # of a channel's x-basudara; the rest describes
FOREVER = float("inf")
Row = Mapping[str, Any]


def changes(old: Side, new: Side) -> Iterator[Change]:
    before, after = old.contracts.document, new.contracts.document
    for name in before["channels"]:
        if name not in after["channels"]:
            yield from _gone(old, new, name)
        else:
            yield from _channel(old, new, name)
    yield from _messages(old, new)
    yield from _operations(old, new)
    yield from _shared(old, new)
    if before.get("defaultContentType") != after.get("defaultContentType"):
        yield _change("/defaultContentType", "content-type", "it is another one", _all(old, new))


def _change(pointer: str, rule: str, found: str, breaks: tuple[Party, ...], breaking: bool = True) -> Change:
    return Change(file=FILE, pointer=pointer, rule=rule, found=found, breaks=breaks, breaking=breaking)


def _all(*sides: Side) -> tuple[Party, ...]:
    found = {party for side in sides for party in side.parties(side.readings)}
    return tuple(sorted(found.union(*(side.subscribers(side.contracts.types) for side in sides))))


def _readers(channel: str, *sides: Side) -> tuple[Party, ...]:
    """Who reads a channel; of copies for a group, every group, each its own."""
    found: set[Party] = set()
    for side in sides:
        found.update(side.parties(row for row in side.readings if row.channel.name == channel))
        of = side.contracts.catalogue.channels.get(channel)
        found.update(side.subscribers(of.types) if of else ())
    copies = any("{group}" in side.contracts.catalogue.channels[channel].address for side in sides[:1])
    return _all(*sides) if copies else tuple(sorted(found))


def _gone(old: Side, new: Side, name: str) -> Iterator[Change]:
    """Its name is the catalogue's own word; a channel of the same address carries on."""
    address = old.channel(name)["address"]
    heirs = [other for other in new.contracts.document["channels"] if new.channel(other)["address"] == address]
    types = old.contracts.catalogue.channels[name].types
    if not heirs or not types <= new.contracts.catalogue.channels[heirs[0]].types:
        yield _change(f"/channels/{name}", "channel-removed", f"{address} is gone", _readers(name, old, new))


def _channel(old: Side, new: Side, name: str) -> Iterator[Change]:
    before, after = old.channel(name), new.channel(name)
    at, parties = f"/channels/{name}", _readers(name, old, new)
    if before["address"] != after["address"]:
        found = f"was {before['address']}, is {after['address']}"
        yield _change(f"{at}/address", "address", found, parties)
    yield from _own(at, before["x-basudara"], after["x-basudara"], parties)
    one, other = before["bindings"]["kafka"], after["bindings"]["kafka"]
    yield from _partitions(f"{at}/bindings/kafka/partitions", one, other, bool(before["x-basudara"]["key"]), parties)
    yield from _settings(f"{at}/bindings/kafka/topicConfiguration", one, other, parties)
    for parameter, was in before.get("parameters", {}).items():
        lost = set(was.get("enum", ())) - set(after.get("parameters", {}).get(parameter, {}).get("enum", ()))
        if lost:
            yield _change(f"{at}/parameters/{parameter}", "parameter", f"no longer {', '.join(sorted(lost))}", parties)
    known = {"address", "messages", "bindings", "x-basudara", "parameters"}
    yield from _strange(at, _but(before, known), _but(after, known), parties)
    kafka = {"partitions", "topicConfiguration", "replicas"}
    yield from _strange(f"{at}/bindings/kafka", _but(one, kafka), _but(other, kafka), parties)


def _own(at: str, before: Row, after: Row, parties: tuple[Party, ...]) -> Iterator[Change]:
    at += "/x-basudara"
    for name, rule in (("owner", "owner"), ("key", "key")):
        if before[name] != after[name]:
            yield _change(f"{at}/{name}", rule, f"was {_text(before[name])}, is {_text(after[name])}", parties)
    was, now = before["data_class"], after["data_class"]
    if was != now:
        more = was not in CLASSES or now not in CLASSES or CLASSES.index(now) > CLASSES.index(was)
        yield _change(f"{at}/data_class", "data-class", f"was {was}, is {now}", parties, breaking=more)
    lost, won = set(before["readers"]) - set(after["readers"]), set(after["readers"]) - set(before["readers"])
    if lost:
        yield _change(f"{at}/readers", "readers", f"no longer {', '.join(sorted(lost))}", parties)
    if won:
        yield _change(f"{at}/readers", "readers", f"also {', '.join(sorted(won))}", (), breaking=False)
    for name in ("headers", "decisions"):
        if name in before or name in after:
            yield from _schema(f"{at}/{name}", before.get(name, True), after.get(name, True), parties)


def _partitions(at: str, before: Row, after: Row, keyed: bool, parties: tuple[Party, ...]) -> Iterator[Change]:
    was, now = before["partitions"], after["partitions"]
    if now < was:
        yield _change(at, "partitions", f"were {was}, are {now}: Kafka takes none away", parties)
    elif now > was and keyed:
        found = f"were {was}, are {now}: a key moves to another partition, and its order is lost"
        yield _change(at, "partitions", found, parties)


def _settings(at: str, before: Row, after: Row, parties: tuple[Party, ...]) -> Iterator[Change]:
    """Topic settings. What a reader finds must not become less; a setting that is not known may do anything."""
    was, now = before.get("topicConfiguration", {}), after.get("topicConfiguration", {})
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) == now.get(name):
            continue
        found = f"was {_text(was.get(name))}, is {_text(now.get(name))}"
        if name in ("retention.ms", "retention.bytes", "max.message.bytes"):
            shorter = _amount(now.get(name)) < _amount(was.get(name)) or None in (was.get(name), now.get(name))
            rule = "retention" if name.startswith("retention") else "record-size"
            yield _change(f"{at}/{name}", rule, found, parties, breaking=shorter)
        else:
            yield _change(f"{at}/{name}", "topic-setting", found, parties)


def _amount(value: Any) -> float:
    return FOREVER if value == -1 else float(value) if isinstance(value, int | float) else 0.0


def _messages(old: Side, new: Side) -> Iterator[Change]:
    homes = {kind: name for name, row in new.contracts.catalogue.channels.items() for kind in row.types}
    for name, row in old.contracts.catalogue.channels.items():
        for kind in sorted(row.types):
            at, parties = f"/channels/{name}/messages/{kind}", readers_of((old, new), kind)
            home = homes.get(kind)
            if home is None and kind in new.schemas:
                yield _change(at, "message-removed", "no channel carries it", parties, breaking=bool(parties))
            elif home is not None and home != name and not _same_address(old, name, new, home):
                yield _change(at, "message-moved", f"is now on {home}", parties)
            if home is not None:
                yield from _message(old, new, kind, parties)


def _same_address(old: Side, name: str, new: Side, home: str) -> bool:
    return bool(old.channel(name)["address"] == new.channel(home)["address"])


def _message(old: Side, new: Side, kind: str, parties: tuple[Party, ...]) -> Iterator[Change]:
    at = f"/components/messages/{kind}"
    before, after = (side.whole(side.contracts.document["components"]["messages"].get(kind, {})) for side in (old, new))
    was, now = (row.get("bindings", {}).get("kafka", {}).get("key", True) for row in (before, after))
    yield from _schema(f"{at}/bindings/kafka/key", was, now, parties)
    known = {"bindings", "traits", "x-basudara"}  # traits: see `components.schemas`
    yield from _strange(at, _but(before, known), _but(after, known), parties)


def _operations(old: Side, new: Side) -> Iterator[Change]:
    before, after = old.contracts.document["operations"], new.contracts.document["operations"]
    for name, row in before.items():
        at = f"/operations/{name}"
        channel = row["channel"]["$ref"].removeprefix("#/channels/")
        if name not in after:
            yield from _left(old, new, at, channel, row)
            continue
        now = after[name]
        for member, rule in (("service", "service"), ("group", "group"), ("from", "from")):
            was, is_now = row["x-basudara"].get(member), now["x-basudara"].get(member)
            if was != is_now:
                found = f"was {was}, is {is_now}" + (
                    ": a new group reads all from the oldest on" if member == "group" else ""
                )
                yield _change(f"{at}/x-basudara/{member}", rule, found, _readers(channel, old))
        if row["action"] != now["action"] or row["channel"] != now["channel"]:
            yield _change(at, "operation", "it is another one now", _readers(channel, old, new))
        known = {"messages", "x-basudara", "channel", "action"}
        yield from _strange(at, _but(row, known), _but(now, known), _readers(channel, old, new))


def _left(old: Side, new: Side, at: str, channel: str, row: Row) -> Iterator[Change]:
    """A reader may leave; that is told. While its files still name a type of the operation, it has not left."""
    types = {message["$ref"].rsplit("/", 1)[1] for message in row["messages"]}
    service, group = row["x-basudara"]["service"], row["x-basudara"].get("group")
    again = [one for one in new.readings if (one.service, one.group, one.channel.name) == (service, group, channel)]
    if row["action"] != "receive":
        kept = [one for one in new.contracts.document["operations"].values() if one["action"] == "send"]
        sent = {message["$ref"].rsplit("/", 1)[1] for one in kept for message in one["messages"]}
        if not types <= sent and types & new.schemas.keys():
            yield _change(at, "operation-removed", "nobody sends its messages", _readers(channel, old, new))
        return
    remaining = {kind for kind in types if (service, kind) in new.readers} - {
        kind for one in again for kind in one.types
    }
    parties = tuple(
        sorted(old.parties(one for one in old.readings if one.service == service and one.channel.name == channel))
    )
    if remaining:
        yield _change(at, "operation-removed", f"{service} still reads {', '.join(sorted(remaining))}", parties)
    elif not again:
        yield _change(at, "reader-left", f"{service} reads {channel} no longer", (), breaking=False)


def _shared(old: Side, new: Side) -> Iterator[Change]:
    """The envelope and the headers: every reader reads them."""
    names = ("schemas", "messageTraits")
    before, after = (
        {name: side.contracts.document["components"].get(name, {}) for name in names} for side in (old, new)
    )
    for name, was in before["schemas"].items():
        at = f"/components/schemas/{name}"
        yield from _schema(at, old.whole(was), new.whole(after["schemas"].get(name, True)), _all(old, new))
    if (
        old.whole(before["messageTraits"]) != new.whole(after["messageTraits"])
        and before["schemas"] == after["schemas"]
    ):
        yield _change("/components/messageTraits", "not-understood", "they differ", _all(old, new))


def _schema(at: str, before: Any, after: Any, parties: tuple[Party, ...]) -> Iterator[Change]:
    try:
        found = gaps(after, used(before)) if before != after else []
    except NotASchema as error:
        raise BadFile(f"{FILE}#{at}: no schema of JSON Schema 2020-12: {error}") from None
    for gap in found:
        yield Change(
            file=FILE,
            pointer=at + gap.pointer,
            rule=gap.rule,
            found=gap.found,
            breaks=parties,
            witness=gap.witness,
            has_witness=gap.decided,
        )


def _but(row: Row, known: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in known and name not in SAID_ONLY}


def _strange(at: str, before: Row, after: Row, parties: tuple[Party, ...]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield _change(
                f"{at}/{name}", "not-understood", "it differs, and what that means is not known here", parties
            )


def _text(value: Any) -> str:
    if value is None:
        return "not said"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
