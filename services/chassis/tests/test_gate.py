"""Who gets in, over HTTP at a real service: each wrong token by its own rule, keys that rotate meanwhile, how often."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import toy
from minting import Mint, bad_tokens, site

from chassis.auth import BURST_SECONDS, Gate, Pace
from chassis.errors import TooMany
from chassis.issuer import IssuerKeys
from chassis.running import run
from chassis.testing import ISSUER, Running
from chassis.work import Actor

BEAT = {"case_ref": "prt_" + "a" * 26}


def mint_for(service: Running, kid: str = "minted-1") -> Mint:
    return Mint(ISSUER, service.agency, "clerk", kid)


async def knock(service: Running, token: str) -> httpx.Response:
    """404: it got in, and there is nothing to count."""
    return await service.http.post("/beats", json=BEAT, headers={"Authorization": f"Bearer {token}".encode("latin-1")})


async def test_each_wrong_token_is_refused_by_its_own_rule(toy_service: Running) -> None:
    mint = mint_for(toy_service)
    mint.publish(toy_service.issuer.keys)
    told, wanted = {}, {}
    with site(lambda _: (200, b'{"keys": []}', {})) as forger:
        for bad in bad_tokens(mint, f"{forger.url}/keys"):
            reply = await knock(toy_service, bad.token)
            assert reply.headers["content-type"] == "application/problem+json", bad.name
            assert reply.headers.get("www-authenticate") == "Bearer", bad.name
            told[bad.name], wanted[bad.name] = (reply.status_code, reply.json()["rule"]), (401, bad.rule)
        assert (await knock(toy_service, mint.headed(jku=f"{forger.url}/keys"))).status_code == 404
        assert forger.asked == [], "what a token says of keys is not followed"
    assert told == wanted
    assert len(told) > 60
    for good in ({"exp": mint.now - 20}, {"nbf": mint.now + 20}, {"aud": ["other", "basudara"]}, {"iat": None}):
        assert (await knock(toy_service, mint.token(**good))).status_code == 404, good


async def test_one_header_with_one_token_and_nothing_else(toy_service: Running) -> None:
    mint = mint_for(toy_service)
    mint.publish(toy_service.issuer.keys)
    good = mint.token()
    headers: list[list[tuple[str, str]]] = [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", f"Basic {good}")],
        [("Authorization", good)],
        [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")],
    ]
    for one in headers:
        reply = await toy_service.http.post("/beats", json=BEAT, headers=one)
        assert (reply.status_code, reply.json()["type"]) == (401, "urn:basudara:problem:not_authenticated"), one


async def keep_asking(service: Running, token: str, done: asyncio.Event, seen: list[int]) -> None:
    while not done.is_set():
        seen.append((await knock(service, token)).status_code)


async def test_keys_rotate_while_requests_run(toy_service: Running) -> None:
    """By file and by HTTP: a new key counts, one that is kept goes on without a gap, one that went is refused."""
    kept, old, new = (mint_for(toy_service, kid) for kid in ("kept", "old", "new"))
    rows, clock = [kept, old], [0.0]
    door = toy_service.service.app.state.door
    by_http = IssuerKeys(
        ISSUER, "http://issuer/keys", lambda _: {"keys": [one.row() for one in rows]}, lambda: clock[0]
    )

    def publish(*mints: Mint) -> None:
        mints[0].publish(toy_service.issuer.keys, *mints[1:])
        rows[:] = mints
        clock[0] += 1000

    for gate in (door.gate, Gate(by_http, ISSUER, 43_200)):
        toy_service.service.app.state.door = replace(door, gate=gate)
        publish(kept, old)
        assert [(await knock(toy_service, one.token())).status_code for one in (kept, old, new)] == [404, 404, 401]
        done, seen = asyncio.Event(), list[int]()
        asking = [asyncio.create_task(keep_asking(toy_service, kept.token(), done, seen)) for _ in range(4)]
        publish(kept, old, new)
        assert (await knock(toy_service, new.token())).status_code == 404
        publish(kept, new)
        assert [(await knock(toy_service, one.token())).status_code for one in (old, new)] == [401, 404]
        done.set()
        await asyncio.gather(*asking)
        assert set(seen) == {404}


async def test_an_issuer_that_is_away_is_a_503_and_never_a_500(toy_service: Running) -> None:
    door = toy_service.service.app.state.door
    gate = Gate(IssuerKeys(ISSUER, "http://127.0.0.1:9/keys"), ISSUER, 43_200)
    toy_service.service.app.state.door = replace(door, gate=gate)
    reply = await knock(toy_service, mint_for(toy_service).token())
    assert (reply.status_code, reply.json()["issuer_keys"]) == (503, "issuer not reached")
    assert reply.headers["retry-after"] == "1"


async def test_who_asks_too_often_is_told_when_to_come_again_and_nobody_else_is(toy_service: Running) -> None:
    toy_service.service.app.state.pace = Pace(1, lambda: 100.0)
    mint = mint_for(toy_service)
    mint.publish(toy_service.issuer.keys)
    replies = [await knock(toy_service, mint.token()) for _ in range(BURST_SECONDS + 5)]
    assert [one.status_code for one in replies] == [404] * BURST_SECONDS + [429] * 5
    assert (replies[-1].headers["retry-after"], replies[-1].json()["type"]) == ("1", "urn:basudara:problem:too_many")
    assert (await knock(toy_service, mint.token(nbf=mint.now - 20))).status_code == 429, "another token of the same"
    assert (await knock(toy_service, mint.token(sub="tester-2"))).status_code == 404


def test_a_pace_is_kept_over_time_and_forgets_who_rests() -> None:
    now = [0.0]
    pace, who = Pace(10, lambda: now[0]), Actor(agency="a", role="clerk", subject="b")
    for _ in range(10 * BURST_SECONDS):
        pace.take(who)
    with pytest.raises(TooMany):
        pace.take(who)
    for _ in range(50):
        now[0] += 0.1
        pace.take(who)
    with pytest.raises(TooMany):
        pace.take(who)
    now[0] += 1000
    pace.take(replace(who, subject="c"))
    assert list(pace._until) == [replace(who, subject="c")]


async def test_every_answer_carries_the_headers_of_care_and_none_says_what_answers(toy_service: Running) -> None:
    http, clerk = toy_service.http, toy_service.as_("clerk")
    replies = {
        "good": await http.get("/live"),
        "document": await http.get("/openapi.json"),
        "refused": await http.post("/beats", json=BEAT),
        "not found": await http.post("/beats", json=BEAT, headers=clerk),
        "no route": await http.get("/nothing"),
        "no method": await http.delete("/beats"),
        "no JSON": await http.post("/beats", content=b"{", headers={**clerk, "content-type": "application/json"}),
    }
    for name, reply in replies.items():
        assert reply.headers["x-content-type-options"] == "nosniff", name
        assert reply.headers["cache-control"] == "no-store", name
        assert reply.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'", name
        assert not {"server", "x-powered-by", "via"} & set(reply.headers), name
        told = f"{reply.headers}{reply.text if name != 'document' else ''}".lower()
        assert [word for word in ("uvicorn", "fastapi", "starlette", "python", "pydantic") if word in told] == [], name


HTTPS = {"PRODUCTION": "true", "ISSUER": "https://issuer.example"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"PRODUCTION": "true", "ISSUER_KEYS": "own"}, "issuer: the example's is refused in production"),
        ({**HTTPS, "ISSUER_KEYS": "local"}, "issuer_keys: the example's are refused in production"),
        ({**HTTPS, "ISSUER_KEYS": "missing"}, "issuer_keys: the example's are refused in production"),
        ({**HTTPS, "CLOCK_FILE": "clock"}, "clock_file: a movable clock is refused in production"),
        ({**HTTPS, "ISSUER": "http://issuer.example"}, "issuer: must be https in production"),
        ({**HTTPS, "ISSUER": "http://issuer.example", "ISSUER_KEYS": "own"}, "issuer: must be https in production"),
        ({**HTTPS, "ISSUER_JWKS_URL": "http://issuer.example/k"}, "issuer_jwks_url: must be https in production"),
        ({"ISSUER_KEYS": "own", "ISSUER_JWKS_URL": "https://x.example"}, "one of them, not both"),
        ({}, "issuer: an address is needed"),
        ({"ISSUER_JWKS_URL": "ftp://x"}, "issuer_jwks_url: String should match"),
        ({**HTTPS, "TOKEN_SECONDS": "90000"}, "token_seconds: Input should be less than or equal to 86400"),
    ],
)
def test_who_may_sign_is_settled_before_the_start(
    given: dict[str, str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Mint("x", "own", "clerk", "own-1").publish(tmp_path / "own")
    Mint("x", "own", "clerk", "local-1").publish(tmp_path / "local")
    if "ISSUER_KEYS" in given:
        given = {**given, "ISSUER_KEYS": str(tmp_path / given["ISSUER_KEYS"])}
    settings = {
        "AGENCY": "an-agency", "MONGO_URL": "mongodb://127.0.0.1:9", "DATABASE": "x", "KAFKA": "127.0.0.1:9",
        "HTTP_PORT": "0", "CONTRACTS_DIR": str(tmp_path), **given,
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(f"TOY_{name}", value)
    with pytest.raises(SystemExit) as ended:
        run("training", toy.Settings, toy.build)
    said = capsys.readouterr().err
    assert (ended.value.code, len(said.splitlines())) == (2, 1), said
    assert told in said
