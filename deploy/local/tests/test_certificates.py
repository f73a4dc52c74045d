"""The certificate of a home: who takes it, for how long, and what happens shortly before its end."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local import certificates
from deploy.local.certificates import AUTHORITY_LASTS, RENEWED, SERVER_LASTS, Certificate

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@contextmanager
def shown(certificate: Certificate, host: str = "127.0.0.1") -> Iterator[int]:
    """The port of a server that shows it to everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.server)
    with socket.create_server((host, 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return  # it was closed
                try:
                    with context.wrap_socket(connection, server_side=True) as visitor:
                        visitor.recv(1)
                except OSError:
                    connection.close()  # who visited did not like what he saw

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            serving.join()


def visit(port: int, authorities: Path, host: str = "127.0.0.1", name: str = "") -> str:
    """Which TLS is spoken. Raises ssl.SSLCertVerificationError."""
    trust = ssl.create_default_context(cafile=authorities)
    with socket.create_connection((host, port)) as plain, trust.wrap_socket(plain, server_hostname=name or host) as one:
        return str(one.version())


def test_who_trusts_the_authority_takes_the_certificate_at_this_machines_own_names_only(tmp_path: Path) -> None:
    made = certificates.prepare(tmp_path)
    with shown(made) as port:
        assert visit(port, made.authorities) == visit(port, made.authorities, name="localhost") == "TLSv1.3"
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            visit(port, made.authorities, name="kafka.example")
        with pytest.raises(ssl.SSLCertVerificationError, match="local issuer"):
            visit(port, certificates.prepare(tmp_path / "other").authorities)
    with shown(made, "127.0.0.2") as port, pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        visit(port, made.authorities, "127.0.0.2")


@pytest.mark.parametrize(
    ("age", "renewed", "authority_renewed"),
    [
        (timedelta(0), False, False),
        (SERVER_LASTS - RENEWED - DAY, False, False),
        (SERVER_LASTS - RENEWED + DAY, True, False),
        (AUTHORITY_LASTS - RENEWED + DAY, True, True),
    ],
)
def test_it_is_made_anew_before_it_ends_and_the_authority_only_before_its_own_end(
    tmp_path: Path, age: timedelta, renewed: bool, authority_renewed: bool
) -> None:
    made = certificates.prepare(tmp_path, NOW - age)
    before = made.server.read_bytes(), made.authorities.read_bytes()
    certificates.prepare(tmp_path, NOW)
    assert (made.server.read_bytes() != before[0], made.authorities.read_bytes() != before[1]) == (
        renewed,
        authority_renewed,
    )
    with shown(made) as port:
        assert visit(port, made.authorities)


@pytest.mark.parametrize("lost", ["authority.pem", "authority.key", "server.pem"])
def test_what_is_lost_or_broken_is_made_anew(tmp_path: Path, lost: str) -> None:
    made = certificates.prepare(tmp_path)
    (tmp_path / "secrets" / lost).write_text("-----BEGIN CERT")
    certificates.prepare(tmp_path)
    with shown(made) as port:
        assert visit(port, made.authorities)


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    certificates.prepare(tmp_path)
    with_keys = [file for file in tmp_path.rglob("*") if file.is_file() and b"PRIVATE KEY" in file.read_bytes()]
    assert {file.name: file.stat().st_mode & 0o777 for file in with_keys} == {
        "authority.key": 0o600,
        "server.pem": 0o600,
    }
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_without_rights_there_is_none(tmp_path: Path) -> None:
    assert certificates.kept(tmp_path) is None
