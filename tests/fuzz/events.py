"""What is put on topics: events as their owners could say them, and what becomes of them on bad ways."""

import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from chassis.catalogue import Catalogue, Channel
from chassis.delivery import ATTEMPTS, COPY, DUE, SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC
from chassis.envelope import CONTENT_TYPE
from deploy.basudara import rights
from deploy.basudara.stack import ROOT, Stack
from deploy.basudara.tests.contracts.documents import Documents
from tests.fuzz.damage import RECORD_BYTES, Damage

EVENTS = ROOT / "contracts" / "events"
REGISTER = "agreement.agreement"  # its real numbers are left alone: without agreements nothing would get deep
ID = re.compile(r"\b([a-z]{3})_[a-z2-7]{26}\b")
INVENTED = 40  # ids of one kind: so few that the same thing is met again and again
NUMBER = "fuzz"  # a header of ours, which copies keep
TIMES = (
    "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "1970-01-01T00:00:00Z", "2026-12-31T09:00:00.123456789Z", "2027-01-18T09:00:00", "2027-W03-1T09:00Z", "20270118",
    "2027-01-18 09:00:00+09:00:30", "2027-01-18T24:00:00Z", "2027-06-30T23:59:60Z",
)  # fmt: skip

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A service's group, and the types for which it has a function."""

    name: str
    group: str
    database: str
    heard: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A topic with all who read it. `kinds`: types that travel there and are heard by one of them."""

    topic: str
    channel: Channel
    readers: tuple[Reader, ...]
    kinds: tuple[str, ...]

    @property
    def is_retry(self) -> bool:
        return self.channel.name == "retry"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A record before it is put. `what` was done to it."""

    what: str
    key: bytes | None
    value: bytes | None
    headers: Headers


def targets(stack: Stack) -> list[Target]:
    """Every topic that a service may read, its own retry topic among them."""
    site = stack.site
    wanted = rights.wanted(site.catalogue, site.agencies, site.agreements())
    readers: dict[str, list[Reader]] = {}
    for user in wanted.users:
        reader = _reader(site.catalogue, user)
        if reader is not None:
            for acl in sorted(user.acls):
                if (acl.kind, acl.operation) == ("TOPIC", "READ"):
                    readers.setdefault(acl.name, []).append(reader)
    return [_target(topic, wanted.topics[topic], found) for topic, found in sorted(readers.items())]


def _reader(catalogue: Catalogue, user: rights.User) -> Reader | None:
    rows = [row for row in catalogue.readings if row.service == user.service]
    if user.database is None or not rows:
        return None
    heard = frozenset(kind for row in rows for kind in row.types)
    return Reader(name=f"{user.agency}/{user.service}", group=rows[0].group, database=user.database, heard=heard)


def _target(topic: str, channel: Channel, readers: Sequence[Reader]) -> Target:
    heard = frozenset(kind for one in readers for kind in one.heard)
    kinds = tuple(sorted(channel.types & heard))
    return Target(topic=topic, channel=channel, readers=tuple(readers), kinds=kinds)


class Ids:
    """Those of what is there, and invented ones."""

    def __init__(self, chance: Random, known: Iterable[str] = ()) -> None:
        self._chance = chance
        self._known: dict[str, list[str]] = {}
        for one in known:
            if ID.fullmatch(one):
                self._known.setdefault(one[:3], []).append(one)

    def of(self, prefix: str) -> str:
        found = self._known.setdefault(prefix, [])
        if len(found) < INVENTED:
            letters = "".join(self._chance.choices("abcdefghijklmnopqrstuvwxyz234567", k=26))
            found.append(f"{prefix}_{letters}")
        return self._chance.choice(found)

    def within(self, text: str) -> str:
        """Each id in it replaced, the same one by the same one."""
        given: dict[str, str] = {}
        return ID.sub(lambda match: given.setdefault(match[0], self.of(match[1])), text)


@cache
def _examples(kind: str) -> tuple[str, ...]:
    return tuple(file.read_text() for file in sorted((EVENTS / kind / "examples").glob("*.json")))


@cache
def _documents(kind: str) -> Documents:
    return Documents(json.loads((EVENTS / kind / "schema.json").read_text()), 0)


class Events:
    """Drafts for targets. `all_of_them`: a retry topic holds copies from the other topics of its reader."""

    def __init__(self, chance: Random, known: Ids, all_of_them: Sequence[Target]) -> None:
        self.chance, self._ids, self._damage = chance, known, Damage(chance)
        self._sources = {
            one.topic: [
                other for other in all_of_them if other.kinds and not other.is_retry and one.readers[0] in other.readers
            ]
            for one in all_of_them
            if one.is_retry
        }
        self._ways = {
            "as it is": self._plain, "in its bytes": self._bytes, "in its JSON": self._json,
            "in its envelope": self._envelope, "in its meaning": self._meaning, "in its form": self._form,
        }  # fmt: skip

    def draft(self, target: Target, number: int) -> Draft:
        """Every one differs; every sixth or so is as it should be."""
        name = self.chance.choice(list(self._ways))
        source = self.chance.choice(self._sources[target.topic]) if target.is_retry else target
        said = self.said(source, self.chance.choice(source.kinds))
        made = self._ways[name](source, said)
        headers = [*made.headers, (NUMBER, str(number).encode())]
        if target.is_retry:
            headers += self._of_a_copy(source)
        return Draft(what=f"{name}: {made.what}", key=made.key, value=made.value, headers=headers)

    def said(self, target: Target, kind: str, drawn_from_schema: float = 0.2) -> dict[str, Any]:
        """An event as the owner of this topic could say it: a published example, or so often one drawn anew."""
        text = self._ids.within(self.chance.choice(_examples(kind)))
        said: dict[str, Any] = json.loads(text)
        if self.chance.random() < drawn_from_schema:
            documents = _documents(kind)
            documents.chance = self.chance
            drawn = documents.allowed(1, 4)
            said["data"] = json.loads(self._ids.within(json.dumps(drawn[0]))) if drawn else said["data"]
        owner = target.topic.split(".", 1)[0]
        said |= {"id": new_id(self.chance), "source": f"/{owner}/{target.channel.service}"}
        said["aggregateversion"] = self.chance.choice((1, 2, 3, 5, 8, said["aggregateversion"]))
        if target.channel.name == REGISTER:
            said["data"]["number"] = said["subject"] = f"PKS-9{self.chance.randrange(20):02d}/FUZZ"
        return said

    def key(self, target: Target, said: Mapping[str, Any]) -> bytes:
        data = said.get("data")
        found = [str(data[name]) for name in target.channel.key if data.get(name)] if isinstance(data, dict) else []
        return (found[0] if found else "none").encode()

    # -- ways --------------------------------------------------------------------------------------------------------

    def _draft(self, target: Target, said: dict[str, Any], value: bytes | None, what: str, headers: Headers) -> Draft:
        return Draft(what=what, key=self.key(target, said), value=value, headers=headers)

    def _plain(self, target: Target, said: dict[str, Any]) -> Draft:
        if self.chance.random() < 0.3:
            return self._draft(target, said, json.dumps(said["data"]).encode(), "binary", binary(said))
        return self._draft(target, said, json.dumps(said).encode(), "structured", structured())

    def _bytes(self, target: Target, said: dict[str, Any]) -> Draft:
        raw = self._damage.in_bytes(json.dumps(said).encode())
        return self._draft(target, said, raw, "bytes", structured())

    def _json(self, target: Target, said: dict[str, Any]) -> Draft:
        if self.chance.random() < 0.7:
            data = self._damage.in_json(said["data"])
            whole = json.dumps({**said, "data": 0})
            raw = whole[: whole.rindex("0")].encode() + data + b"}"
            return self._draft(target, said, raw, "data", structured())
        return self._draft(target, said, self._damage.in_json(said), "whole", structured())

    def _envelope(self, target: Target, said: dict[str, Any]) -> Draft:
        attributes = {name: value for name, value in said.items() if name != "data"}
        name = self.chance.choice(list(attributes))
        if self.chance.random() < 0.5:  # in binary mode
            headers = self._bad_headers(binary(said), f"ce_{name}")
            return self._draft(target, said, json.dumps(said["data"]).encode(), f"headers {name}", headers)
        changed = {key: value for key, value in said.items() if key != name}
        if self.chance.random() < 0.7:
            changed[name] = self.chance.choice(
                (None, 0, -1, 2**31, 2**63, True, [], {}, "", "x" * 301, "\u202e", *TIMES)
            )
        headers = self._bad_headers(structured(), "content-type") if self.chance.random() < 0.3 else structured()
        return self._draft(target, said, json.dumps(changed).encode(), f"attribute {name}", headers)

    def _bad_headers(self, headers: Headers, name: str) -> Headers:
        """Without it, doubled, not UTF-8, without a value, of another kind, long, or many."""
        without = [row for row in headers if row[0] != name]
        odd: list[Headers] = [
            [], [(name, b"1"), (name, b"2")], [(name, b"\xff\xfe")], [(name, None)], [(name, b"")],
            [(name, b"text/plain")], [(name, b"x" * 70_000)], [(name.upper(), b"application/json")],
            [(f"ce_more{number}", b"y") for number in range(300)],
        ]  # fmt: skip
        return without + self.chance.choice(odd)

    def _meaning(self, target: Target, said: dict[str, Any]) -> Draft:
        """Of the right shape, and told by the wrong one, about something unknown, out of order, or at no time."""
        what = self.chance.choice(("agency", "version", "time", "data", "subject", "again"))
        if what == "agency":
            said["source"] = self.chance.choice(("/nobody-here/referral", "/a/b", f"{said['source']}-x"))
        elif what == "version":
            said["aggregateversion"] = self.chance.choice((1, 10**6, 2**31 - 1))
        elif what == "time":
            said["time"] = self.chance.choice(TIMES)
        elif what == "subject":
            said["subject"] = self._ids.of("zzz")
        elif what == "again":
            said["id"] = f"00000000-0000-7000-8000-{self.chance.randrange(200):012d}"
        else:
            self._strange(said["data"])
        return self._draft(target, said, json.dumps(said).encode(), what, structured())

    def _strange(self, data: dict[str, Any]) -> None:
        """Dates at the ends of the calendar, codes of others, and nothing where something may be nothing."""
        for name, value in data.items():
            if self.chance.random() < 0.4 and isinstance(value, str):
                if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
                    data[name] = self.chance.choice(("0001-01-01", "9999-12-31", "2028-02-29", "1900-02-29"))
                elif re.match(r"\d{4}-\d{2}-\d{2}T", value):
                    data[name] = self.chance.choice(TIMES)
                else:
                    data[name] = self.chance.choice(("", "A" * 64, "NOBODY", self._ids.of(value[:3].lower() or "abc")))

    def _form(self, target: Target, said: dict[str, Any]) -> Draft:
        """What the record is around the event."""
        raw = json.dumps(said).encode()
        what = self.chance.choice(("tombstone", "no key", "empty key", "large", "large, damaged", "bare", "unheard"))
        if what == "tombstone":
            return self._draft(target, said, None, what, structured())
        if what in ("no key", "empty key"):
            return Draft(what=what, key=None if what == "no key" else b"", value=raw, headers=structured())
        if what.startswith("large"):
            room = "x" * (RECORD_BYTES - len(raw) - 20)
            raw = json.dumps({**said, "data": {**said["data"], "more": room}}).encode()
            raw = self._damage.in_bytes(raw) if what.endswith("damaged") else raw
            return self._draft(target, said, raw, what, structured())
        if what == "unheard":
            said["type"] = f"id.basudara.{target.channel.service}.thing.applauded.v1"
            return self._draft(target, said, json.dumps(said).encode(), what, structured())
        return self._draft(target, said, raw, what, [])

    def _of_a_copy(self, source: Target) -> Headers:
        """As the reader itself writes them, and as it never would."""
        good: dict[str, bytes] = {
            COPY: new_id(self.chance).encode(), DUE: b"2027-01-18T00:00:00.000Z", ATTEMPTS: b"1",
            SOURCE_TOPIC: source.topic.encode(), SOURCE_PARTITION: b"0", SOURCE_OFFSET: b"0",
        }  # fmt: skip
        odd = (b"", b"\xff", b"-1", b"99999999999", b"2027-01-18T00:00:00", *(text.encode() for text in TIMES))
        if self.chance.random() < 0.5:
            name = self.chance.choice(list(good))
            good[name] = self.chance.choice(odd)
        return list(good.items())


def new_id(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def structured() -> Headers:
    return [("content-type", CONTENT_TYPE.encode())]


def binary(said: Mapping[str, Any]) -> Headers:
    """Binary mode: attributes in headers, the data in the value."""
    attributes: Headers = [(f"ce_{name}", str(value).encode()) for name, value in said.items() if name != "data"]
    return [("content-type", b"application/json"), *attributes]
