"""Tokens of every kind: as the issuer makes them, and as somebody would who may not."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

KID = "minted-1"


def part(value: object) -> str:
    """A part of a token: of a text as it is, of anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return coded(text.encode())


def coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Mint:
    """A key of the issuer's, or of whoever wants to be one."""

    def __init__(self, issuer: str, agency: str, role: str, kid: str = KID) -> None:
        self.key, self.kid = ec.generate_private_key(ec.SECP256R1()), kid
        now = int(datetime.now(UTC).timestamp())
        self.claims: dict[str, Any] = {
            "iss": issuer, "aud": "basudara", "sub": "tester-1", "agency": agency, "role": role,
            "nbf": now - 10, "iat": now - 10, "exp": now + 600,
        }  # fmt: skip
        self.header: dict[str, Any] = {"alg": "ES256", "typ": "JWT", "kid": kid}

    @property
    def now(self) -> int:
        """At use: a long test run must not make a date of it."""
        return int(datetime.now(UTC).timestamp())

    def row(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return {**told, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def publish(self, file: Path, *others: "Mint") -> None:
        part_of = file.with_name("keys.part")
        part_of.write_text(json.dumps({"keys": [one.row() for one in (self, *others)]}))
        part_of.replace(file)

    def sign(self, signed: str) -> str:
        return coded(ECAlgorithm(ECAlgorithm.SHA256).sign(signed.encode(), self.key))

    def of(self, header: object, claims: object) -> str:
        """Truly signed, whatever it says."""
        signed = f"{part(header)}.{part(claims)}"
        return f"{signed}.{self.sign(signed)}"

    def token(self, **changed: Any) -> str:
        """A good one but for these claims; None leaves one out."""
        return self.of(self.header, self._but(self.claims, changed))

    def headed(self, **changed: Any) -> str:
        """A good one but for these members of its header."""
        return self.of(self._but(self.header, changed), self.claims)

    def altered(self, **changed: Any) -> str:
        """A good one whose claims were changed after it was signed."""
        header, _, signature = self.token().split(".")
        return f"{header}.{part({**self.claims, **changed})}.{signature}"

    def hashed(self, secret: bytes) -> str:
        """HS256 with what everybody knows for a secret."""
        signed = f"{part({**self.header, 'alg': 'HS256'})}.{part(self.claims)}"
        return f"{signed}.{coded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    def public_pem(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form)

    @staticmethod
    def _but(whole: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**whole, **changed}.items() if value is not None}


class Bad(NamedTuple):
    name: str
    token: str
    rule: str


def bad_tokens(mint: Mint, elsewhere: str) -> Iterator[Bad]:
    """Each with the one rule that refuses it. `elsewhere`: where a forger's keys lie."""
    yield from _bad_algorithms(mint)
    yield from _bad_claims(mint)
    yield from _bad_keys(mint, elsewhere)
    yield from _bad_forms(mint)


def _bad_algorithms(mint: Mint) -> Iterator[Bad]:
    fits, allowed = "the signature does not fit", "algorithm not allowed"
    bare = f"{part({**mint.header, 'alg': 'none'})}.{part(mint.claims)}."
    yield Bad("alg none", bare, allowed)
    yield Bad(
        "alg NONE", bare.replace(part({**mint.header, "alg": "none"}), part({**mint.header, "alg": "NONE"})), allowed
    )
    yield Bad("HS256 with the public key", mint.hashed(mint.public_pem()), allowed)
    yield Bad("HS256 with the published row", mint.hashed(json.dumps(mint.row()).encode()), allowed)
    yield Bad("no alg", mint.headed(alg=None), allowed)
    yield Bad("a list for alg", mint.headed(alg=["ES256"]), allowed)
    yield Bad("RS256 with a key for ES256", mint.headed(alg="RS256"), "not the algorithm of its key")
    yield Bad("ES384 with a key for ES256", mint.headed(alg="ES384"), "not the algorithm of its key")
    body = mint.token().rsplit(".", 1)[0]
    yield Bad("no signature", f"{body}.", fits)
    yield Bad("a signature of zeros", f"{body}.{coded(bytes(64))}", fits)
    der = mint.key.sign(body.encode(), ec.ECDSA(ECAlgorithm.SHA256()))
    yield Bad("a signature in DER", f"{body}.{coded(der)}", fits)


def _bad_claims(mint: Mint) -> Iterator[Bad]:
    now = mint.now
    yield Bad("another audience", mint.token(aud="elsewhere"), "for another audience")
    yield Bad("a list of other audiences", mint.token(aud=["a", "b"]), "for another audience")
    yield Bad("another issuer", mint.token(iss="somebody"), "of another issuer")
    for name in ("iss", "aud", "exp", "nbf", "sub", "agency", "role"):
        yield Bad(f"no {name}", mint.token(**{name: None}), f"claim {name} is missing")
    yield Bad("120 s too late", mint.token(exp=now - 120, nbf=now - 300), "expired")
    yield Bad("120 s too early", mint.token(nbf=now + 120), "not valid yet")
    yield Bad("made in 120 s", mint.token(iat=now + 120), "not valid yet")
    yield Bad("a text for exp", mint.token(exp=str(now + 60)), "claim exp is no time")
    yield Bad("a truth for nbf", mint.token(nbf=True), "claim nbf is no time")
    yield Bad("for a day and more", mint.token(exp=now + 90_000), "valid for longer than allowed")
    yield Bad("made long ago", mint.token(iat=now - 90_000), "valid for longer than allowed")
    yield Bad("an address for sub", mint.token(sub="a@b.example"), "claim sub has another form")
    yield Bad("no code for an agency", mint.token(agency="own-"), "claim agency has another form")
    yield Bad("a role with a blank", mint.token(role="clerk head"), "claim role has another form")
    yield Bad("an empty service", mint.token(service=""), "claim service has another form")
    yield Bad("a list of agencies", mint.token(agency=["own"]), "claim agency has another form")
    later = {"exp": now + 900, "nbf": now - 20, "iat": now - 20, "aud": "x", "iss": "x", "sub": "head-1"}
    for name, value in {**later, "agency": "other", "role": "head", "service": "training"}.items():
        yield Bad(f"{name} changed", mint.altered(**{name: value}), "the signature does not fit")


def _bad_keys(mint: Mint, elsewhere: str) -> Iterator[Bad]:
    forger = Mint(mint.claims["iss"], mint.claims["agency"], mint.claims["role"])
    fits, unknown = "the signature does not fit", "unknown key"
    yield Bad("another's key under a name of ours", forger.token(), fits)
    yield Bad("a key of no name of ours", forger.headed(kid="forged"), unknown)
    yield Bad("no key named", mint.headed(kid=None), "names no key")
    yield Bad("a number for a key", mint.headed(kid=1), "names no key")
    yield Bad("keys to be fetched elsewhere", forger.headed(kid="forged", jku=elsewhere), unknown)
    yield Bad("keys elsewhere under a name of ours", forger.headed(jku=elsewhere, x5u=elsewhere), fits)
    yield Bad("its own key with it", forger.headed(jwk=forger.row()), fits)
    yield Bad("its own certificate with it", forger.headed(x5c=["bm9uZQ=="]), fits)
    yield Bad("something critical", mint.headed(crit=["b64"], b64=False), "header: of another kind")
    yield Bad("no access token", mint.headed(typ="secevent+jwt"), "header: of another kind")


def _bad_forms(mint: Mint) -> Iterator[Bad]:
    twice, good = "a member name is repeated", json.dumps(mint.claims)
    header = json.dumps(mint.header)
    yield Bad("alg twice", mint.of(header.replace("{", '{"alg": "none", ', 1), good), f"header: {twice}")
    yield Bad("role twice", mint.of(header, good.replace("{", '{"role": "head", ', 1)), f"payload: {twice}")
    yield Bad("exp twice", mint.of(header, good.replace("{", '{"exp": 1, ', 1)), f"payload: {twice}")
    endless = good.replace(str(mint.claims["exp"]), "Infinity")
    yield Bad("valid for ever", mint.of(header, endless), "payload: NaN and Infinity are not JSON")
    large = good.replace(str(mint.claims["exp"]), "1e999")
    yield Bad("valid for nearly ever", mint.of(header, large), "payload: a number is beyond 64 bit")
    turned = good.replace("tester-1", "\\u202etester")
    text = "payload: a text holds control, bidi or surrogate characters"
    yield Bad("turned letters", mint.of(header, turned), text)
    yield Bad("half a letter", mint.of(header, good.replace("tester-1", "\\ud800")), text)
    yield Bad("a list for a payload", mint.of(header, "[]"), "payload: not an object")
    yield Bad("no JSON for a header", mint.of("{", good), "header: not JSON at character 1")
    yield Bad("no UTF-8", f"{part(header)}.{coded(bytes([255, 254]))}.AAAA", "payload: not UTF-8")
    yield Bad("deeper than deep", mint.of(header, "[" * 3000), "payload: nested deeper than 20")
    yield Bad("one letter too few", f"{part(header)}.AAAAA.AAAA", "payload: not base64url")
    for name, token in {"noise": "x", "two parts": "x.y", "four parts": "a.b.c.d", "not ASCII": "tok\xe9n.y.z"}.items():
        yield Bad(name, token, "not in the form of a token")
    yield Bad("padded", mint.token() + "==", "not in the form of a token")
    for size in (10_000, 60_000):
        yield Bad(f"{size} letters", mint.token(more="x" * size), "longer than a token")


class Site(NamedTuple):
    url: str
    asked: list[str]  # paths, in order


@contextmanager
def site(answer: Callable[[str], tuple[int, bytes, dict[str, str]]]) -> Iterator[Site]:
    """A web server of the test's own."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body, headers = answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(f"http://127.0.0.1:{server.server_address[1]}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
