"""Promises 51 and 52, at the gate itself: a token is the proof of who asks, and every member of it counts."""

from pathlib import Path
from typing import Any

import pytest
from minting import Mint, bad_tokens, part

from chassis.auth import Gate
from chassis.errors import NotAuthenticated
from chassis.issuer import KeyFile

ISSUER = "https://issuer.example"
MINT, OTHER = Mint(ISSUER, "own", "clerk"), Mint(ISSUER, "own", "clerk", "minted-2")
NOW = MINT.now
WHOLE = {**MINT.claims, "service": "training"}


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    MINT.publish(tmp_path / "keys", OTHER)
    return Gate(KeyFile(tmp_path / "keys"), ISSUER, 43_200)


async def refusal(gate: Gate, token: str) -> str:
    with pytest.raises(NotAuthenticated) as refused:
        await gate.actor(token)
    return str(refused.value.facts["rule"])


def changed_later(member: str, value: object) -> str:
    """A good token of which somebody wrote one member anew, keeping the signature."""
    header, claims = ({**one, member: value} if member in one else one for one in (MINT.header, WHOLE))
    return f"{part(header)}.{part(claims)}.{MINT.of(MINT.header, WHOLE).rsplit('.', 1)[1]}"


ALLOWED: dict[str, Any] = {  # each would be taken, had it been signed
    "typ": "at+jwt", "kid": OTHER.kid, "iss": ISSUER + "/", "aud": ["basudara"], "sub": "tester-2", "agency": "other",
    "role": "head", "service": "referral", "nbf": NOW - 20, "iat": NOW - 20, "exp": NOW + 900,
}  # fmt: skip


@pytest.mark.parametrize("member", ALLOWED)
async def test_no_member_can_be_changed_after_it_was_signed(member: str, gate: Gate) -> None:
    assert (await gate.actor(MINT.of(MINT.header, WHOLE))).service == "training"
    assert set(ALLOWED) | {"alg"} == set(MINT.header) | set(WHOLE), "every member is tried"
    assert await refusal(gate, changed_later(member, ALLOWED[member])) == "the signature does not fit"


async def test_purpose_date_key_and_suite_are_held_against_what_was_asked_each_with_its_own_reason(gate: Gate) -> None:
    told = {
        "suite": await refusal(gate, MINT.headed(alg="ES384")),
        "suite we never allow": await refusal(gate, MINT.headed(alg="HS256")),
        "key": await refusal(gate, MINT.headed(kid="minted-3")),
        "key of another": await refusal(gate, MINT.headed(kid=OTHER.kid)),
        "purpose": await refusal(gate, MINT.token(aud="elsewhere")),
        "purpose of the kind": await refusal(gate, MINT.headed(typ="logout+jwt")),
        "issuer": await refusal(gate, MINT.token(iss="https://elsewhere.example")),
        "date of the end": await refusal(gate, MINT.token(exp=MINT.now - 60, nbf=MINT.now - 120)),
        "date of the beginning": await refusal(gate, MINT.token(nbf=MINT.now + 60)),
        "length": await refusal(gate, MINT.token(exp=MINT.now + 50_000)),
    }
    assert len(set(told.values())) == len(told), told


async def test_algorithms_are_ours_and_audience_issuer_expiry_and_not_before_are_all_required(gate: Gate) -> None:
    """With a clock that may differ by thirty seconds and not by two minutes."""
    found = {bad.name: bad for bad in bad_tokens(MINT, "https://forger.example/keys")}
    names = ["alg none", "alg NONE", "HS256 with the public key", "another audience", "another issuer"]
    names += ["no aud", "no iss", "no exp", "no nbf", "120 s too late", "120 s too early"]
    assert {name: await refusal(gate, found[name].token) for name in names} == {
        name: found[name].rule for name in names
    }
    for seconds in (-20, 20):
        assert (await gate.actor(MINT.token(exp=MINT.now + 60 + seconds, nbf=MINT.now + seconds))).subject == "tester-1"
    assert (await gate.actor(MINT.token(exp=MINT.now - 20))).subject == "tester-1"
