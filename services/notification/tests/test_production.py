"""What serves the example only is refused in production, in one line."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from chassis.running import run
from notification.bootstrap import build
from notification.settings import SANDBOX, Settings

GIVEN: dict[str, Any] = {
    "agency": "an-agency", "mongo_url": "mongodb://127.0.0.1:9", "database": "x", "kafka": "127.0.0.1:9",
    "http_port": 0, "contracts_dir": Path(), "issuer": "https://issuer.example", "gateway_url": "https://gateway.example",
    "gateway_secret_file": Path("secret"), "production": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"gateway_token": SANDBOX}, "gateway_token: the sandbox's is refused in production"),
        ({"gateway_url": "http://gateway.example"}, "gateway_url: must be https in production"),
        ({"receipts_url": "http://doors.example/receipts"}, "receipts_url: must be https in production"),
    ],
)
def test_what_serves_the_example_is_refused(
    given: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**GIVEN, "gateway_token": "of-the-owner", **given}.items():
        monkeypatch.setenv(f"NOTIFICATION_{name.upper()}", str(value))
    with pytest.raises(SystemExit) as ended:
        run("notification", Settings, build)
    said = capsys.readouterr().err
    assert (ended.value.code, said.splitlines()[1:]) == (2, [])
    assert told in said


def test_a_token_of_the_gateways_owner_is_taken() -> None:
    assert Settings(**GIVEN, gateway_token="of-the-owner").production
    with pytest.raises(ValidationError, match="sandbox"):
        Settings(**GIVEN)
