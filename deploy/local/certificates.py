"""What a home's broker and store prove who they are with: an authority of the home's own, and one certificate."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.local.logins import authorities, write_hidden

AUTHORITY_LASTS, SERVER_LASTS = timedelta(days=3650), timedelta(days=397)
RENEWED = timedelta(days=60)  # before the end; twice what the doctor warns at, so that a start mends it
_SINCE = timedelta(hours=1)  # a clock that is a little behind


@dataclass(frozen=True)
class Certificate:
    """`authorities`: PEM of who signed. `server`: PEM of the key and the certificate, as both read them."""

    authorities: Path
    server: Path


def kept(home: Path) -> Certificate | None:
    """None: nobody speaks TLS there."""
    found = _files(home)
    return found if found.authorities.exists() and found.server.exists() else None


def prepare(home: Path, now: datetime | None = None) -> Certificate:
    """The certificate of a home, made anew when it is about to end; its authority too, long after that."""
    now, files = now or datetime.now(UTC), _files(home)
    signer = _signer(home)
    if signer is None or not _lasts(files.authorities, now):
        signer = ec.generate_private_key(ec.SECP256R1())
        files.server.unlink(missing_ok=True)  # signed by the one before
        write_hidden(_key(home), _pem(signer))
        write_hidden(files.authorities, _pem(_authority(signer, now)))
    if not _lasts(files.server, now):
        key = ec.generate_private_key(ec.SECP256R1())
        write_hidden(files.server, _pem(key) + _pem(_server(key, signer, now)))
    return files


def _files(home: Path) -> Certificate:
    return Certificate(authorities(home), home / "secrets" / "server.pem")


def _key(home: Path) -> Path:
    return home / "secrets" / "authority.key"


def _signer(home: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        return cast(ec.EllipticCurvePrivateKey, serialization.load_pem_private_key(_key(home).read_bytes(), None))
    except (OSError, ValueError):
        return None


def _lasts(file: Path, now: datetime) -> bool:
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return False
    return now + RENEWED < found[0].not_valid_after_utc


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    return (
        _begun(_NAME, key, now, AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    here = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    # both show it to themselves and each other as well: they are clients too
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        _begun(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), key, now, SERVER_LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectAlternativeName(here), critical=False)
        .add_extension(signed_by, critical=False)
        .sign(signer, hashes.SHA256())
    )


_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of one local engine")])


def _begun(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SINCE)
        .not_valid_after(now + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(one: x509.Certificate | ec.EllipticCurvePrivateKey) -> str:
    if isinstance(one, x509.Certificate):
        return one.public_bytes(serialization.Encoding.PEM).decode()
    plain = serialization.NoEncryption()
    return one.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
