import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from chassis.login import Login, for_broker, for_reader, for_store
from chassis.settings import ChassisSettings

DAY = timedelta(days=1)


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


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """One that signs nothing but itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime.now(UTC), datetime.now(UTC) + DAY)
    file = tmp_path / "authority.pem"
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return file


def test_who_names_an_authority_speaks_tls_and_trusts_nobody_else(tmp_path: Path, authority: Path) -> None:
    (tmp_path / "password").write_text("secret-1")
    told = {"user": "a-1.toy", "password_file": tmp_path / "password", "ca_file": authority}
    made = settings(**{f"{kind}_{name}": value for kind in ("kafka", "mongo") for name, value in told.items()})
    broker, reader = for_broker(made.kafka_login), for_reader(made.kafka_login)
    assert reader is not None
    assert (broker["security_protocol"], reader.use_ssl) == ("SASL_SSL", True)
    for context in (broker["ssl_context"], reader.ssl_context):
        assert isinstance(context, ssl.SSLContext)
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.cert_store_stats()["x509"] == 1
    store = for_store(made.mongo_login, "a-1-toy")
    assert (store["tls"], store["tlsCAFile"]) == (True, str(authority))
    assert not [name for name in store if "nsecure" in name or "nvalid" in name]


@pytest.mark.parametrize("kind", ["kafka", "mongo"])
@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_an_authority_that_cannot_be_read_is_refused_before_the_start(
    tmp_path: Path, kind: str, content: str | None
) -> None:
    (tmp_path / "password").write_text("secret-1")
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    told = {"user": "a-1.toy", "password_file": tmp_path / "password", "ca_file": file}
    with pytest.raises(ValidationError, match=r"authority\.pem: not a readable file of certificates"):
        settings(**{f"{kind}_{name}": value for name, value in told.items()})


@pytest.mark.parametrize("told", [{"kafka_tls": True}, {"kafka_ca_file": "a.pem"}, {"mongo_ca_file": "a.pem"}])
def test_tls_without_a_user_is_refused_since_nobody_would_speak_it(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"needs a kafka_user|belong together"):
        settings(**told)


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
