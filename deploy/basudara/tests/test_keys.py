"""Rings of keys as the operator's command changes them; a whole rekeying is in `tests/rights/test_rekey.py`."""

import base64
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chassis.keyring import Keyring
from deploy.basudara.cli import app
from deploy.basudara.console import Refusal
from deploy.basudara.keys import in_use, text_of, with_next, without_former

K = base64.b64encode(b"k" * 32).decode()


def states(ring: Keyring) -> list[str]:
    return [key.state for key in ring.keys]


def test_a_key_is_known_before_it_is_used_and_former_before_it_is_dropped() -> None:
    bare = Keyring.of(K)
    knows = with_next(bare)
    assert states(knows) == ["current", "next"]
    assert knows.current == bare.current
    uses = in_use(knows)
    assert states(uses) == ["former", "current"]
    assert uses.current.secret == knows.keys[1].secret != b"k" * 32
    dropped = without_former(uses)
    assert states(dropped) == ["dropped", "current"]
    assert K not in text_of(dropped)
    assert Keyring.of(text_of(dropped)).keys[0].trace == bare.current.trace
    again = without_former(in_use(with_next(Keyring.of(text_of(dropped)))))
    assert states(again) == ["dropped", "dropped", "current"]
    assert [key.trace for key in again.keys][:2] == [bare.current.trace, uses.current.trace]


def test_each_new_key_is_another() -> None:
    assert with_next(Keyring.of(K)).keys[1].secret != with_next(Keyring.of(K)).keys[1].secret


def test_a_step_that_is_not_the_next_one_is_refused() -> None:
    knows = with_next(Keyring.of(K))
    for step, ring in (
        (in_use, Keyring.of(K)),
        (without_former, knows),
        (with_next, knows),
        (with_next, in_use(knows)),
    ):
        with pytest.raises(Refusal):
            step(ring)


def test_a_ring_that_lies_elsewhere_is_changed_step_by_step(tmp_path: Path) -> None:
    file = tmp_path / "agency-key"
    file.write_text(K)
    told = [CliRunner().invoke(app, ["agency", "keyring", str(file), step]) for step in ("next", "use", "drop")]
    assert [one.exit_code for one in told] == [0, 0, 0]
    assert told[0].stdout.startswith("agency-key: current, next ")
    assert file.stat().st_mode & 0o777 == 0o600
    assert states(Keyring.load(file)) == ["dropped", "current"]
    assert not any(key in one.stdout for one in told for key in (K, file.read_text().split()[-1]))
    before = file.read_text()
    for step, rule in (("drop", "no former key"), ("use", "no next key"), ("turn", "not one of")):
        ended = CliRunner().invoke(app, ["agency", "keyring", str(file), step])
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert rule in ended.stderr
        assert ended.stderr.count("\n") == 1
    assert file.read_text() == before
    ended = CliRunner().invoke(app, ["agency", "keyring", str(tmp_path / "absent"), "next"])
    assert (ended.exit_code, ended.stderr) == (2, "basudara: absent: can't be read\n")
