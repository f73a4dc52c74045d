"""The doctor looks at the certificates that broker and store show: how long they last, and whom they hold for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chassis.login import Login
from deploy.basudara.doctor import CERTIFICATE_LEFT, certificates
from deploy.basudara.reach import Reach
from deploy.local.certificates import RENEWED, SERVER_LASTS, Certificate, prepare
from deploy.local.tests.test_certificates import shown

HOUR = timedelta(hours=1)


def left(folder: Path, time: timedelta) -> Certificate:
    """One that lasts for this long."""
    return prepare(folder, datetime.now(UTC) - SERVER_LASTS + time)


def found(port: int, authorities: Path) -> list[tuple[str, str, bool]]:
    address = f"127.0.0.1:{port}"
    reach = Reach(kafka=address, mongo=f"mongodb://{address}/?replicaSet=rs0", login=Login("u", "p", authorities))
    seen = list(certificates(reach))
    assert {where for where, *_ in seen} <= {address}
    return seen


@pytest.mark.parametrize(("time", "told"), [(CERTIFICATE_LEFT + HOUR, []), (CERTIFICATE_LEFT - HOUR, [True, True])])
def test_a_certificate_that_ends_within_a_month_is_named_for_broker_and_store(
    tmp_path: Path, time: timedelta, told: list[bool]
) -> None:
    made = left(tmp_path, time)
    with shown(made) as port:
        seen = found(port, made.authorities)
    assert [lets_in for *_, lets_in in seen] == told
    ends = datetime.now(UTC) + time
    assert all(f"its certificate ends on {ends:%d %b %Y}" in what for _, what, _ in seen)


@pytest.mark.parametrize(
    ("time", "trusted", "told"),
    [(-HOUR, True, "certificate has expired"), (SERVER_LASTS, False, "unable to get local issuer certificate")],
)
def test_one_that_does_not_hold_is_named_with_why(tmp_path: Path, time: timedelta, trusted: bool, told: str) -> None:
    made, other = left(tmp_path, time), prepare(tmp_path / "other")
    with shown(made) as port:
        seen = found(port, (made if trusted else other).authorities)
    assert [(what, lets_in) for _, what, lets_in in seen] == [(f"its certificate does not hold: {told}", False)] * 2


def test_where_nobody_listens_or_nobody_speaks_tls_that_is_said(tmp_path: Path) -> None:
    made = prepare(tmp_path)
    with shown(made) as port:
        pass
    assert [(what, lets_in) for _, what, lets_in in found(port, made.authorities)] == [
        ("does not answer: Connection refused", False)
    ] * 2
    reach = Reach(kafka=f"127.0.0.1:{port}", mongo=f"mongodb://127.0.0.1:{port}/", login=Login("u", "p"))
    assert list(certificates(reach)) == []
    assert list(certificates(replace(reach, login=None))) == []


def test_what_the_doctor_warns_of_the_next_start_mends() -> None:
    assert CERTIFICATE_LEFT < RENEWED
