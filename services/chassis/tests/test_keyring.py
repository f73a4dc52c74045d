"""An agency's ring of keys, as its file says it."""

import base64
from pathlib import Path

import pytest

from chassis.keyring import KeyMissing, Keyring, UnusableKey


def coded(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


K, L, M = map(coded, "klm")


def test_a_file_of_one_bare_key_is_a_ring_of_that_one(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{K}\n")
    assert Keyring.load(file) == Keyring.of(f"current {K}")
    assert Keyring.load(file).current.signed("made") == "made", "as it was before there were rings"


def test_what_is_made_bears_the_name_of_its_key_but_for_the_first() -> None:
    ring = Keyring.of(f"former {K}\ncurrent {L}\nnext {M}\n")
    first, second, third = ring.keys
    names = [key.signed("made") for key in ring.keys]
    assert len(set(names)) == 3
    assert names[0] == "made"
    assert [ring.maker_of(one) for one in names] == [(first, "made"), (second, "made"), (third, "made")]
    assert [ring.is_former(one) for one in names] == [True, False, False]
    later = Keyring.of(f"former {K}\nformer {L}\ncurrent {M}")
    assert later.maker_of(names[1])[0].secret == b"l" * 32, "a key keeps its name"


def test_of_a_dropped_key_only_that_is_kept_from_which_nothing_leads_back() -> None:
    former = Keyring.of(f"former {K}\ncurrent {L}")
    trace = former.keys[0].trace
    ring = Keyring.of(f"dropped {base64.b64encode(trace).decode()}\ncurrent {L}")
    assert ring.keys[0].trace == trace != b"k" * 32
    assert ring.keys[0].secret == b""
    assert ring.current.name == former.current.name
    with pytest.raises(KeyMissing):
        ring.maker_of("made")
    with pytest.raises(KeyMissing):
        ring.maker_of("00000000:made")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "one current key"),
        ("kunci", "not base64"),
        (base64.b64encode(b"short").decode(), "5 bytes, not 32"),
        ("é" * 44, "can't be read"),
        (f"former {K}", "one current key"),
        (f"current {K}\ncurrent {L}", "one current key"),
        (f"current {K}\nnext {L}\nnext {M}", "one next key at most"),
        (f"current {K}\nformer {L}", "in this order"),
        (f"former {L}\nin-use {K}", "in this order"),
        (f"{K}\n{L}", "one current key"),
    ],
)
def test_a_file_without_a_ring_stops_the_start(tmp_path: Path, text: str, rule: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(UnusableKey) as refused:
        Keyring.load(file)
    assert rule in str(refused.value.facts["rule"])
    assert K not in refused.value.reason()
    with pytest.raises(UnusableKey):
        Keyring.load(tmp_path / "absent")
