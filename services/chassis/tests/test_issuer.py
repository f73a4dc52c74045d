"""Keys of the token issuer: they rotate, vanish, can't be reached; and nobody can make us flood the issuer."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from minting import Mint, site

from chassis.auth import Gate
from chassis.errors import Invalid, NotAuthenticated, Unavailable
from chassis.issuer import (
    FRESH_SECONDS,
    KEPT_SECONDS,
    PAUSE_SECONDS,
    SOON_SECONDS,
    IssuerKeys,
    KeyFile,
    get_json,
    keys_of,
)

ISSUER = "https://issuer.example"


class World:
    """An issuer that can be away, and the clock."""

    def __init__(self) -> None:
        self.now, self.asked, self.away = 1000.0, 0, False
        self.rows: list[dict[str, Any]] = []
        self.keys = IssuerKeys(ISSUER, f"{ISSUER}/keys", self.get, lambda: self.now)

    def get(self, _url: str) -> Any:
        self.asked += 1
        if self.away:
            raise ConnectionRefusedError
        return {"keys": self.rows}

    async def knows(self, mint: Mint) -> bool | None:
        """None: nobody can tell."""
        try:
            await self.keys.key(mint.kid)
        except NotAuthenticated:
            return False
        except Unavailable:
            return None
        return True


@pytest.fixture
def world() -> World:
    return World()


def mint(kid: str) -> Mint:
    return Mint(ISSUER, "own", "clerk", kid)


async def test_a_thousand_forged_names_ask_the_issuer_once(world: World) -> None:
    world.rows = [mint("a").row()]
    forged = await asyncio.gather(*(world.knows(mint(f"forged-{one}")) for one in range(1000)))
    assert (set(forged), world.asked) == ({False}, 1)
    world.now += PAUSE_SECONDS + 1
    await asyncio.gather(*(world.knows(mint(f"forged-{one}")) for one in range(100)))
    assert world.asked == 2


async def test_a_key_that_is_new_counts_without_a_restart(world: World) -> None:
    old, new = mint("old"), mint("new")
    world.rows = [old.row()]
    assert await world.knows(old)
    world.rows = [old.row(), new.row()]
    world.now += PAUSE_SECONDS + 1
    assert [await world.knows(one) for one in (old, new)] == [True, True]


async def test_a_key_that_was_taken_back_counts_no_longer(world: World) -> None:
    old, new = mint("old"), mint("new")
    world.rows = [old.row(), new.row()]
    assert await world.knows(old)
    world.rows = [new.row()]
    world.now += FRESH_SECONDS + 1
    assert [await world.knows(one) for one in (old, new)] == [False, True]


async def test_keys_at_hand_do_not_wait_for_a_look_that_is_due_soon(world: World) -> None:
    one = mint("one")
    world.rows = [one.row()]
    assert await world.knows(one)
    world.now += SOON_SECONDS + 1
    assert await world.knows(one)
    assert world.asked == 1, "the look has only begun"
    await asyncio.sleep(0)
    assert world.keys._look is not None
    await world.keys._look
    assert world.asked == 2


async def test_while_the_issuer_is_away_its_last_keys_go_on_for_a_time_and_come_back_by_themselves(
    world: World,
) -> None:
    one, stranger = mint("one"), mint("stranger")
    world.rows = [one.row()]
    assert await world.knows(one)
    world.away = True
    world.now += FRESH_SECONDS + 1
    assert [await world.knows(who) for who in (one, stranger)] == [True, None]
    world.now += KEPT_SECONDS
    assert await world.knows(one) is None
    before = world.asked
    assert {await world.knows(one) for _ in range(100)} == {None}
    assert world.asked == before, "and it is not flooded when it is away"
    world.away = False
    world.now += PAUSE_SECONDS + 1
    assert [await world.knows(who) for who in (one, stranger)] == [True, False]


async def test_an_issuer_that_was_never_reached_is_a_503(world: World) -> None:
    world.away = True
    with pytest.raises(Unavailable):
        await world.keys.key("any")


def test_what_is_no_key_for_us_is_left_out() -> None:
    good, twin = mint("good").row(), mint("twin").row()
    weak = json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key()))  # noqa: S505
    strong = json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key()))
    edwards = json.loads(OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key()))
    rows = [
        good,
        twin,
        {**mint("x").row(), "kid": "twin"},
        {**mint("sealing").row(), "use": "enc"},
        {**mint("nameless").row(), "kid": None},
        {**mint("other").row(), "alg": "RS256"},
        {**json.loads(ECAlgorithm.to_jwk(mint("private").key)), "kid": "private"},
        {**mint("broken").row(), "x": "AAAA"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
        {**weak, "kid": "weak"},
        {**strong, "kid": "rsa"},
        {**edwards, "kid": "edwards"},
        {"kty": ["EC"], "crv": {}, "kid": "strange"},
    ]
    found = keys_of({"keys": rows})
    assert {kid: key.algorithm for kid, key in found.items()} == {"good": "ES256", "rsa": "RS256", "edwards": "EdDSA"}


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": [1]}, {"keys": None}])
def test_what_is_no_list_of_keys_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="not a JWKS"):
        keys_of(document)


def answering(**pages: Any) -> Callable[[str], tuple[int, bytes, dict[str, str]]]:
    def answer(path: str) -> tuple[int, bytes, dict[str, str]]:
        page = pages.get(path.strip("/").replace("/", "_").replace("-", "_").replace(".", ""))
        if page is None:
            return 404, b"", {}
        return page if isinstance(page, tuple) else (200, json.dumps(page).encode(), {})

    return answer


async def test_keys_are_found_by_discovery_over_http() -> None:
    one, pages = mint("one"), dict[str, Any]()
    with site(lambda path: answering(**pages)(path)) as issuer:
        told = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/certs"}
        pages |= {"well_known_openid_configuration": told, "certs": {"keys": [one.row()]}}
        one.claims["iss"] = issuer.url
        gate = Gate(IssuerKeys(issuer.url, None), issuer.url, 43_200)
        assert (await gate.actor(one.token())).subject == "tester-1"
        assert issuer.asked == ["/.well-known/openid-configuration", "/certs"]


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://other.example", "jwks_uri": f"{ISSUER}/certs"},
        {"issuer": ISSUER, "jwks_uri": "http://issuer.example/certs"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": 1},
        [],
    ],
)
async def test_what_another_issuer_says_of_itself_is_not_followed(told: Any) -> None:
    asked: list[str] = []

    def get(url: str) -> Any:
        asked.append(url)
        return told

    with pytest.raises(Unavailable):
        await IssuerKeys(ISSUER, None, get).key("one")
    assert asked == [f"{ISSUER}/.well-known/openid-configuration"]


def test_an_answer_is_taken_only_where_it_was_asked_for_and_as_strictly_as_any_other() -> None:
    pages = {
        "moved": (302, b"", {"Location": "/good"}),
        "good": {"keys": []},
        "large": (200, b" " * 300_000, {}),
        "twice": (200, b'{"keys": [], "keys": []}', {}),
        "broken": (500, b"", {}),
    }
    with site(answering(**pages)) as issuer:
        assert get_json(f"{issuer.url}/good") == {"keys": []}
        for page, error in {"moved": OSError, "large": ValueError, "twice": Invalid, "broken": OSError}.items():
            with pytest.raises(error):
                get_json(f"{issuer.url}/{page}")
        assert issuer.asked.count("/good") == 1, "a redirect is not followed"
    with pytest.raises(OSError, match="refused"):
        get_json(issuer.url)
    with pytest.raises(ValueError, match="not an address"):
        get_json("file:///etc/hostname")


async def test_a_file_of_keys_rotates(tmp_path: Path) -> None:
    old, new, file = mint("old"), mint("new"), tmp_path / "keys.json"
    old.publish(file)
    keys = KeyFile(file)
    assert (await keys.key("old")).algorithm == "ES256"
    new.publish(file)
    assert (await keys.key("new")).algorithm == "ES256"
    with pytest.raises(NotAuthenticated):
        await keys.key("old")
    file.write_text('{"keys": [], "keys": []}')
    with pytest.raises(Unavailable):
        await keys.key("new")
