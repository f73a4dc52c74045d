"""What is left of a person when a disk, a backup or a key is not where it should be."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from intake_people import DENI, SALMA, somebody

from chassis.keyring import KeyMissing, Keyring
from chassis.testing import ROOT
from intake.adapters.vault import AesVault


def ring(*lines: str) -> Keyring:
    """Lines such as "former k": the key is that letter 32 times."""
    told = (line.split(" ") for line in lines)
    return Keyring.of("\n".join(f"{state} {base64.b64encode(letter.encode() * 32).decode()}" for state, letter in told))


K = base64.b64encode(b"k" * 32).decode()
VAULT = AesVault(ring("current k"))
AFTER = AesVault(ring("former k", "current l"))
CASE, OTHER = "prt_" + "a" * 26, "prt_" + "b" * 26


def test_a_person_is_read_back_as_written() -> None:
    for klien in (SALMA, DENI):
        key = VAULT.new_key(CASE)
        assert VAULT.open(VAULT.seal(klien, CASE, key), CASE, key) == klien


def test_nothing_of_a_person_stands_readable_in_the_store() -> None:
    key = VAULT.new_key(CASE)
    sealed = base64.b64decode(VAULT.seal(somebody(nik="8171025703929001"), CASE, key))
    for secret in (b"Salma", b"8171025703929001", b"+6281000000021", b"PAROLE", b"REG/0042/X"):
        assert secret not in sealed


def test_two_writings_of_one_person_do_not_look_alike() -> None:
    key = VAULT.new_key(CASE)
    assert VAULT.seal(SALMA, CASE, key) != VAULT.seal(SALMA, CASE, key)


def test_without_the_persons_own_key_nothing_opens_again() -> None:
    sealed = VAULT.seal(SALMA, CASE, VAULT.new_key(CASE))
    with pytest.raises(InvalidTag):
        VAULT.open(sealed, CASE, VAULT.new_key(CASE))


def test_what_is_copied_to_another_case_does_not_open() -> None:
    key = VAULT.new_key(CASE)
    with pytest.raises(InvalidTag):
        VAULT.open(VAULT.seal(SALMA, CASE, key), OTHER, key)


def test_another_agencys_key_opens_nothing() -> None:
    key = VAULT.new_key(CASE)
    with pytest.raises(InvalidTag):
        AesVault(ring("current l")).open(VAULT.seal(SALMA, CASE, key), CASE, key)


def test_a_register_number_is_found_again_but_not_read() -> None:
    assert VAULT.fingerprint("register_no", "REG/0042/X") == VAULT.fingerprint("register_no", "REG/0042/X")
    assert VAULT.fingerprint("register_no", "REG/0042/X") != VAULT.fingerprint("sdp_ref", "REG/0042/X")
    other = AesVault(ring("current l"))
    assert other.fingerprint("register_no", "REG/0042/X") != VAULT.fingerprint("register_no", "REG/0042/X")


def test_after_a_new_key_what_the_former_wrapped_opens_and_is_wrapped_anew() -> None:
    old = VAULT.new_key(CASE)
    sealed = VAULT.seal(SALMA, CASE, old)
    assert AFTER.open(sealed, CASE, old) == SALMA
    assert AFTER.is_former(old)
    new = AFTER.wrapped_anew(old, CASE)
    assert not AFTER.is_former(new)
    assert not AFTER.is_former(AFTER.new_key(CASE))
    assert AFTER.open(sealed, CASE, new) == SALMA
    with pytest.raises(KeyMissing):
        VAULT.open(sealed, CASE, new)


def test_before_its_turn_the_next_key_opens_but_wraps_nothing() -> None:
    """Else a replica that does not know it yet could not open what this one wrapped."""
    knows = AesVault(ring("current k", "next l"))
    new = AFTER.new_key(CASE)
    assert knows.open(AFTER.seal(SALMA, CASE, new), CASE, new) == SALMA
    wrapped = knows.new_key(CASE)
    assert VAULT.open(VAULT.seal(SALMA, CASE, wrapped), CASE, wrapped) == SALMA


def test_a_fingerprint_is_made_anew_without_the_number_and_found_by_it() -> None:
    old = VAULT.fingerprint("register_no", "REG/0042/X")
    new = AFTER.fingerprint("register_no", "REG/0042/X")
    assert new.former == old.entered
    assert (AFTER.printed_anew(old.entered[0]),) == new.entered
    twice = AesVault(ring("former k", "former l", "current m"))
    third = twice.fingerprint("register_no", "REG/0042/X").entered
    assert third == (twice.printed_anew(old.entered[0]),) == (twice.printed_anew(new.entered[0]),)


def test_whoever_knows_the_next_key_enters_a_number_under_it_too() -> None:
    """A replica that uses it already looks there, and would not meet the twin otherwise."""
    knows = AesVault(ring("current k", "next l")).fingerprint("register_no", "REG/0042/X")
    before, after = (one.fingerprint("register_no", "REG/0042/X").entered for one in (VAULT, AFTER))
    assert knows.entered == (*before, *after)


def test_a_service_without_a_usable_ring_says_so_in_one_line_and_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"former {K}\n")
    told = {
        "AGENCY": "own", "MONGO_URL": "mongodb://127.0.0.1:1", "DATABASE": "own-intake", "KAFKA": "127.0.0.1:1",
        "HTTP_PORT": "0", "CONTRACTS_DIR": str(ROOT / "contracts"), "ISSUER_KEYS": str(tmp_path / "keys"),
        "AGENCY_KEY_FILE": str(tmp_path / "key"),
    }  # fmt: skip
    environment = {**os.environ, **{f"INTAKE_{name}": value for name, value in told.items()}}
    ended = subprocess.run(
        [sys.executable, "-m", "intake"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert "unusable_key file=key rule=one current key is needed, and one next key at most" in line
    assert K not in line
