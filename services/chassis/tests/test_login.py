from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from chassis.login import Login, for_broker, for_reader, for_store
from chassis.settings import ChassisSettings


def settings(**values: Any) -> ChassisSettings:
    return ChassisSettings(
        agency="a-1", mongo_url="mongodb://x", database="a-1-toy", kafka="x:1", http_port=0, contracts_dir=Path(),
        issuer_keys=Path("keys"), **values,
    )  # fmt: skip


def test_without_a_user_nobody_is_asked(tmp_path: Path) -> None:
    assert settings().kafka_login is None
    assert (for_broker(None), for_store(None, "d"), for_reader(None)) == ({}, {}, None)


def test_a_login_is_its_user_and_the_password_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret-1\n")
    made = settings(kafka_user="a-1.toy", kafka_password_file=tmp_path / "password").kafka_login
    assert made == Login("a-1.toy", "secret-1")
    assert "secret-1" not in repr(made)
    assert for_store(made, "a-1-toy")["authSource"] == "a-1-toy"
    assert for_broker(made)["security_protocol"] == "SASL_PLAINTEXT"
    assert for_broker(made, tls=True)["security_protocol"] == "SASL_SSL"


@pytest.mark.parametrize("kind", ["kafka", "mongo"])
@pytest.mark.parametrize(
    ("user", "content", "rule"),
    [
        ("a-1.toy", None, "not a readable password file"),
        ("a-1.toy", "\n", "no password in it"),
        (None, "secret-1", "belong together"),
    ],
)
def test_half_a_login_is_refused_before_the_start(
    tmp_path: Path, kind: str, user: str | None, content: str | None, rule: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValidationError, match=rule) as refused:
        settings(**{f"{kind}_user": user, f"{kind}_password_file": file})
    assert "secret-1" not in str(refused.value.errors(include_input=False))
