"""Requests of people who may not ask: forged, expired, wrongly signed, or truly signed for another agency."""

import base64
import hashlib
import hmac
import json
import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from deploy.basudara.tokens import AUDIENCE, ISSUER, KID, LocalIssuer
from tests.http.trying import DOCUMENTS
from tests.http.world import Face
from tests.system.offices import BAPAS, DINKOP, DISNAKER

OWNERS = {"intake": BAPAS, "referral": BAPAS, "notification": BAPAS, "training": DISNAKER}
ROLES = ("probation_officer", "head_of_bapas", "programme_officer", "head_of_opd", "instructor", "service")
HEALTH = ("/live", "/ready", "/metrics")
CROSS = "another agency"  # truly signed
HOUR = 3600
LETTERS = string.ascii_letters + string.digits + "-_"
PRINTED = "".join(map(chr, (*range(33, 127), *range(160, 256))))


@dataclass(frozen=True)
class Route:
    service: str
    method: str
    path: str  # filled in
    by_token: bool


@dataclass(frozen=True)
class Forged:
    kind: str
    route: Route
    headers: list[tuple[bytes, bytes]]


def coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(value: object) -> str:
    return coded((value if isinstance(value, str) else json.dumps(value)).encode())


class Forger:
    """Has all that is public, a key of its own and, to make what is truly signed and yet refused, the issuer's."""

    def __init__(self, seed: int, secrets: Path) -> None:
        self.chance = random.Random(seed)
        self._true = serialization.load_pem_private_key((secrets / "issuer-key.pem").read_bytes(), None)
        self._own = ec.generate_private_key(ec.SECP256R1())
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self._public = self._true.public_key().public_bytes(serialization.Encoding.PEM, form)
        self._row = LocalIssuer(secrets).keys.read_bytes()
        self.now = int(datetime.now(UTC).timestamp())
        self.kinds: dict[str, Callable[[dict[str, Any]], str]] = {
            "expired": lambda claims: self._signed({**claims, "nbf": self.now - 2 * HOUR, "exp": self._ago(HOUR)}),
            "not yet": lambda claims: self._signed({**claims, "nbf": self.now + 120, "exp": self.now + HOUR}),
            "for too long": lambda claims: self._signed({**claims, "exp": self.now + 48 * HOUR}),
            "another audience": lambda claims: self._signed({**claims, "aud": "elsewhere"}),
            "another issuer": lambda claims: self._signed({**claims, "iss": "https://elsewhere.example"}),
            "a claim left out": self._without_one,
            "a member twice": self._twice,
            "unsigned": lambda claims: f"{part(self._header(alg='none'))}.{part(claims)}.",
            "the public key for a secret": self._hashed,
            "another key": lambda claims: self._signed(claims, self._own),
            "an unknown key": lambda claims: self._signed(claims, self._own, kid=f"k-{self.chance.random()}"),
            "a key it brings": self._bringing,
            "altered": self._altered,
            "one letter changed": self._flipped,
            "cut off": lambda claims: (whole := self._signed(claims))[: self.chance.randrange(1, len(whole) - 1)],
            "noise": lambda _: "".join(self.chance.choices(PRINTED, k=self.chance.randrange(1, 400))),
            "too long": lambda claims: self._signed({**claims, "more": "x" * self.chance.randrange(8_000, 40_000)}),
        }  # fmt: skip

    def request(self, kind: str, route: Route) -> Forged:
        owner = OWNERS[route.service]
        if kind == "none at all":
            return Forged(kind, route, [])
        if kind == CROSS:
            token = self._signed(
                self._claims(self.chance.choice([one for one in (BAPAS, DISNAKER, DINKOP) if one != owner]))
            )
        else:
            token = self.kinds[kind](self._claims(owner))
        return Forged(kind, route, [(b"authorization", f"Bearer {token}".encode("latin-1"))])

    def _claims(self, agency: str) -> dict[str, Any]:
        role = self.chance.choice(ROLES)
        claims: dict[str, Any] = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": f"forger-{self.chance.randrange(10**9)}", "agency": agency,
            "role": role, "nbf": self.now - 60, "exp": self.now + HOUR,
        }  # fmt: skip
        return claims | (
            {"service": self.chance.choice(["notification", "referral", "training"])} if role == "service" else {}
        )

    def _ago(self, most: int) -> int:
        return self.now - self.chance.randrange(120, most)

    def _header(self, **other: Any) -> dict[str, Any]:
        return {"alg": "ES256", "typ": "JWT", "kid": KID, **other}

    def _signed(self, claims: object, key: Any = None, **header: Any) -> str:
        signed = f"{part(self._header(**header))}.{part(claims)}"
        return f"{signed}.{coded(ECAlgorithm(ECAlgorithm.SHA256).sign(signed.encode(), key or self._true))}"

    def _without_one(self, claims: dict[str, Any]) -> str:
        left = self.chance.choice(["iss", "aud", "sub", "agency", "role", "nbf", "exp"])
        return self._signed({name: value for name, value in claims.items() if name != left})

    def _twice(self, claims: dict[str, Any]) -> str:
        name = self.chance.choice(list(claims))
        return self._signed(json.dumps(claims).replace("{", f'{{"{name}": {json.dumps(claims[name])}, ', 1))

    def _hashed(self, claims: dict[str, Any]) -> str:
        signed = f"{part(self._header(alg='HS256'))}.{part(claims)}"
        secret = self.chance.choice([self._public, self._public.strip(), self._row])
        return f"{signed}.{coded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    def _bringing(self, claims: dict[str, Any]) -> str:
        row = json.loads(ECAlgorithm.to_jwk(self._own.public_key()))
        brought = {"jwk": row, "jku": "http://127.0.0.1:9/keys", "x5u": "http://127.0.0.1:9/x", "x5c": ["AAAA"]}
        name = self.chance.choice(list(brought))
        return self._signed(claims, self._own, **{name: brought[name]})

    def _altered(self, claims: dict[str, Any]) -> str:
        header, _, signature = self._signed(claims).split(".")
        change = {"agency": DINKOP, "role": "head_of_bapas", "sub": "kabapas-001", "exp": self.now + 2 * HOUR}
        name = self.chance.choice([name for name in change if claims[name] != change[name]])
        return f"{header}.{part({**claims, name: change[name]})}.{signature}"

    def _flipped(self, claims: dict[str, Any]) -> str:
        whole = self._signed(claims)
        place = self.chance.choice([number for number, letter in enumerate(whole) if letter != "."])
        letters = [
            one for one in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" if one != whole[place]
        ]
        return whole[:place] + self.chance.choice(letters) + whole[place + 1 :]


def routes(doors: dict[str, Face]) -> list[Route]:
    """Every one that the documents know, with ids of what is there."""
    found = []
    for service, face in sorted(doors.items()):
        document = yaml.safe_load((DOCUMENTS / f"{service}.yaml").read_text())
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if path not in HEALTH:
                    by_token = any("bearer" in proof for proof in operation.get("security", []))
                    found.append(Route(service, method.upper(), _filled(path, operation, face), by_token))
    return found


def _filled(path: str, operation: dict[str, Any], face: Face) -> str:
    def one(match: re.Match[str]) -> str:
        name = match[1]
        told = next(row for row in operation["parameters"] if row["name"] == name)
        known = face.ids.get(f"path.{name}") or told["schema"].get("enum") or ["unknown"]
        return str(known[0])

    filled = re.sub(r"\{(\w+)\}", one, path)
    asked = [row["name"] for row in operation.get("parameters", []) if row["in"] == "query" and row.get("required")]
    query = "&".join(f"{name}={(face.ids.get(f'query.{name}') or ['KLIEN'])[0]}" for name in asked)
    return f"{filled}?{query}" if query else filled
