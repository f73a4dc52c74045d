"""Requests as bytes: drawn from the published documents, whole and damaged, in frames that are right and wrong."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

import yaml

from deploy.basudara.tests.contracts.documents import DEEPEST, Documents
from tests.fuzz.damage import Damage
from tests.fuzz.events import Ids
from tests.http.trying import DOCUMENTS
from tests.http.world import CANARIES

FEW = 4
ENDS = ("0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999-14:00", "2028-02-29")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
HEALTH = ("/live", "/ready", "/metrics")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "BREW", "G\xc9T", "")
KINDS = (
    "application/json", "Application/JSON; charset=utf-16", "text/plain", "text/csv", "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded", "application/xml", "", "x" * 3000, "application/json\x01",
)  # fmt: skip
ODD_HEADERS: tuple[bytes, ...] = (
    b"Content-Encoding: gzip", b"Transfer-Encoding: chunked, identity", b"Expect: 100-continue",
    b"Expect: 200-nothing",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + b"A" * 24,
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", b"Host: a\r\nHost: b",
    b"X-Forwarded-For: \xff\xfe", b"Range: bytes=0-0,-1", b"Authorization: Bearer a.b.c", b"traceparent: 00-0-0-00",
    b" folded: line", b"no colon", b": no name", b"X-Nul: a\x00b", b"Content-Type: text/plain", b"Accept: */*;q=99",
    b"Cookie: " + b"a=b; " * 4000, b"X-Long: " + b"x" * 60_000, b"\r\n".join(b"X-%d: y" % one for one in range(600)),
)  # fmt: skip


_REFERENCE = re.compile(r"#/components/schemas/(\w+)")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One of a document. `body`: its schema, with all that it refers to."""

    method: str
    path: str
    parameters: Sequence[Mapping[str, Any]]
    body: Documents | None
    kind: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Bytes for one connection. `whole`: an answer is owed; `held`: it stays open for a while, unfinished."""

    what: str
    raw: bytes
    whole: bool
    held: bool = False


def operations(service: str) -> list[Operation]:
    document = yaml.safe_load((DOCUMENTS / f"{service}.yaml").read_text())
    found = []
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            kind, media = next(iter(told.get("requestBody", {}).get("content", {}).items()), ("", None))
            body = None if media is None else Documents(_whole(media["schema"], document["components"]["schemas"]), 0)
            parameters = told.get("parameters", ())
            found.append(Operation(method=method.upper(), path=path, parameters=parameters, kind=kind, body=body))
    return [one for one in found if one.path not in HEALTH]


def _whole(schema: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """With all that it refers to, and no more: what the others speak of is no word of this body."""
    wanted: dict[str, Any] = {}
    parts = [schema]
    while parts:
        for name in _REFERENCE.findall(json.dumps(parts.pop())):
            if name not in wanted:
                wanted[name] = named[name]
                parts.append(named[name])
    return dict(json.loads(json.dumps({**schema, "components": {"schemas": wanted}}), object_hook=_short))


def _short(part: dict[str, Any]) -> dict[str, Any]:
    """Lists of a few: hundreds of lines for one body take as long to draw as hundreds of bodies."""
    if isinstance(part.get("maxItems"), int):
        part["maxItems"] = min(part["maxItems"], max(part.get("minItems", 0), FEW))
    return part


class Requests:
    """For one service. `ids` by place in the document, as a `Face` has them; `tokens`: the first asks mostly."""

    def __init__(
        self, chance: Random, service: str, tokens: Sequence[str], ids: Mapping[str, Sequence[str]], invented: Ids
    ) -> None:
        self.chance, self._tokens, self._ids, self._invented = chance, tokens, ids, invented
        self._damage = Damage(chance)
        self._operations = operations(service)
        self._frames = {
            "right": self._right, "right ": self._right, "right  ": self._right, "chunked": self._chunked,
            "chunked badly": self._chunked_badly, "of another length": self._lengths, "half": self._half,
            "held": self._held, "odd headers": self._odd_headers, "in a row": self._in_a_row, "noise": self._noise,
        }  # fmt: skip

    def next(self) -> Asked:
        name = self.chance.choice(list(self._frames))
        return self._frames[name](name.strip())

    # -- what is asked -----------------------------------------------------------------------------------------------

    def _head(self) -> tuple[bytes, list[bytes], bytes]:
        """Request line, headers but for the length, and body."""
        one = self.chance.choice(self._operations)
        method = one.method if self.chance.random() < 0.9 else self.chance.choice(METHODS)
        kind = one.kind if self.chance.random() < 0.9 else self.chance.choice(KINDS)
        version = self.chance.choice(("HTTP/1.1",) * 20 + ("HTTP/1.0", "HTTP/2.0", "HTTP/9", ""))
        line = f"{method} {self._address(one)} {version}".encode("latin-1", "replace")
        headers = [b"Host: localhost", b"Authorization: Bearer " + self._token()]
        return line, [*headers, f"Content-Type: {kind}".encode("latin-1")] if kind else headers, self._body(one)

    def _token(self) -> bytes:
        chosen = self._tokens[0] if self.chance.random() < 0.6 else self.chance.choice(self._tokens)
        return chosen.encode() if self.chance.random() < 0.95 else self._damage.in_bytes(chosen.encode())

    def _address(self, one: Operation) -> str:
        def filled(match: re.Match[str]) -> str:
            told = next(row for row in one.parameters if row["name"] == match[1])
            return quote(self._value("path", told), safe="")

        path = re.sub(r"\{(\w+)\}", filled, one.path)
        asked = [row for row in one.parameters if row["in"] == "query"]
        asked = [row for row in asked if row.get("required") or self.chance.random() < 0.5]
        query = "&".join(f"{row['name']}={quote(self._value('query', row))}" for row in asked)
        whole = f"{path}?{query}" if query else path
        if self.chance.random() < 0.05:
            odd = ("%", "%ff", "%00", "/../..", "//", ";x", "#x", "?" + "a=b&" * 3000, "x" * 70_000, "%2e%2e%2f")
            whole += self.chance.choice(odd)
        return whole

    def _value(self, place: str, told: Mapping[str, Any]) -> str:
        known = self._ids.get(f"{place}.{told['name']}") or told["schema"].get("enum") or ()
        if known and self.chance.random() < 0.6:
            return str(self.chance.choice(known))
        prefix = re.match(r"\^([a-z]{3})_", str(told["schema"].get("pattern", "")))
        if self.chance.random() < 0.7:
            names = {"case_ref": "prt", "agency_case_ref": "prt", "referral_id": "ref"}
            return self._invented.of(prefix[1] if prefix else names.get(told["name"], told["name"][:3]))
        return self.chance.choice(("", "x" * 61, "..", "\u202e", "null", "-1", *map(str, CANARIES)))

    def _body(self, one: Operation) -> bytes:
        if one.body is None:
            return b"" if self.chance.random() < 0.8 else self._damage.noise(50)
        one.body.chance = self.chance
        drawn = one.body.allowed(1, 4) if self.chance.random() < 0.8 else []
        value = drawn[0] if drawn else one.body.along(one.body.schema, DEEPEST)
        value = json.loads(self._invented.within(json.dumps(self._personal(value))))
        if one.kind == "text/csv":
            return self._damage.in_bytes(str(value).encode())
        done = self.chance.random()
        if done < 0.4:
            return json.dumps(value).encode()
        return self._damage.in_json(value) if done < 0.8 else self._damage.in_bytes(json.dumps(value).encode())

    def _personal(self, value: Any) -> Any:
        """Invented persons in some of the places for texts: they show nowhere. Days at the ends of the calendar."""
        if isinstance(value, dict):
            return {name: self._personal(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._personal(member) for member in value]
        if not isinstance(value, str) or self.chance.random() > 0.1:
            return value
        return self.chance.choice(ENDS if _DAY.match(value) else CANARIES)

    # -- frames ------------------------------------------------------------------------------------------------------

    def _right(self, what: str) -> Asked:
        line, headers, body = self._head()
        told = [*headers, b"Content-Length: %d" % len(body), b"Connection: close"]
        return Asked(what=what, raw=framed(line, told, body), whole=True)

    def _chunked(self, what: str) -> Asked:
        line, headers, body = self._head()
        parts = [body[at : at + 64] for at in range(0, len(body), 64)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        told = [*headers, b"Transfer-Encoding: chunked", b"Connection: close"]
        return Asked(what=what, raw=framed(line, told, chunks), whole=True)

    def _chunked_badly(self, what: str) -> Asked:
        line, headers, body = self._head()
        bad = (
            b"zz\r\n", b"-1\r\nx\r\n", b"ffffffffffffffffffff\r\nx", b"5\r\nab\r\n0\r\n\r\n", b"0\r\nX: " + b"y" * 9000,
            b"1;" + b"e" * 9000 + b"\r\nx\r\n0\r\n\r\n", b"%x\r\n" % (1 << 31) + body, b"0\n\n",
            self._damage.noise(200),
        )  # fmt: skip
        told = [*headers, b"Transfer-Encoding: chunked"]
        if self.chance.random() < 0.3:
            told.append(b"Content-Length: %d" % len(body))
        return Asked(what=what, raw=framed(line, told, self.chance.choice(bad)), whole=False)

    def _lengths(self, what: str) -> Asked:
        line, headers, body = self._head()
        odd = (len(body) + 10, max(0, len(body) - 5), -1, 10**6, 2**63, 10**30)
        told = self.chance.choice((*(str(one) for one in odd), "", "1e3", "+5", "0x10", "5, 5", "\u0665"))
        lengths = [f"Content-Length: {told}".encode()]
        if self.chance.random() < 0.2:
            lengths.append(b"Content-Length: 1")
        return Asked(what=what, raw=framed(line, [*headers, *lengths], body), whole=False)

    def _half(self, what: str) -> Asked:
        whole = self._right(what)
        return Asked(what=what, raw=whole.raw[: self.chance.randrange(len(whole.raw))], whole=False)

    def _held(self, what: str) -> Asked:
        half = self._half(what)
        return Asked(what=what, raw=half.raw, whole=False, held=True)

    def _odd_headers(self, what: str) -> Asked:
        line, headers, body = self._head()
        told = [*headers, self.chance.choice(ODD_HEADERS), b"Content-Length: %d" % len(body), b"Connection: close"]
        return Asked(what=what, raw=framed(line, told, body), whole=False)

    def _in_a_row(self, what: str) -> Asked:
        """Several on one connection before the first is answered."""
        raw = b""
        for _ in range(self.chance.randint(2, 8)):
            line, headers, body = self._head()
            raw += framed(line, [*headers, b"Content-Length: %d" % len(body)], body)
        last = self._right(what).raw if self.chance.random() < 0.5 else self._damage.noise(40)
        return Asked(what=what, raw=raw + last, whole=False)

    def _noise(self, what: str) -> Asked:
        first = self.chance.choice((b"", b"GET ", b"\x16\x03\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n\r\n"))
        return Asked(what=what, raw=first + self._damage.noise(self.chance.randrange(2000)), whole=False)


def framed(line: bytes, headers: Sequence[bytes], body: bytes) -> bytes:
    return b"\r\n".join([line, *headers, b"", b""]) + body
