"""What is left of a person when a disk, a backup or a key is not where it should be."""

import base64
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from intake_people import DENI, SALMA, somebody

from intake.adapters.vault import AesVault, UnusableKey

VAULT = AesVault(b"k" * 32)
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
        AesVault(b"l" * 32).open(VAULT.seal(SALMA, CASE, key), CASE, key)


def test_a_register_number_is_found_again_but_not_read() -> None:
    assert VAULT.fingerprint("register_no", "REG/0042/X") == VAULT.fingerprint("register_no", "REG/0042/X")
    assert VAULT.fingerprint("register_no", "REG/0042/X") != VAULT.fingerprint("sdp_ref", "REG/0042/X")
    other = AesVault(b"l" * 32)
    assert other.fingerprint("register_no", "REG/0042/X") != VAULT.fingerprint("register_no", "REG/0042/X")


@pytest.mark.parametrize("text", ["", "kunci", base64.b64encode(b"short").decode(), "é" * 44])
def test_a_file_without_a_key_stops_the_start(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(UnusableKey):
        AesVault.load(file)
    with pytest.raises(UnusableKey):
        AesVault.load(tmp_path / "absent")
    file.write_text(base64.b64encode(b"k" * 32).decode() + "\n")
    assert AesVault.load(file).fingerprint("a", "b") == VAULT.fingerprint("a", "b")
