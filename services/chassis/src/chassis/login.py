"""Who a service is to its broker and its store: a user of its own, with a password that stands in a file."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faststream.security import SASLScram512

MECHANISM = "SCRAM-SHA-512"


@dataclass(frozen=True)
class Login:
    """`authorities`: who vouches for the one whom the password is shown to, a file of PEM; then TLS is on."""

    user: str
    password: str = field(repr=False)
    authorities: Path | None = None

    @staticmethod
    def read(user: str | None, file: Path | None, authorities: Path | None = None) -> "Login | None":
        """None: nobody asks who we are. Raises ValueError: one without the other, or a file that does not hold it."""
        if user is None and file is None and authorities is None:
            return None
        if user is None or file is None:
            raise ValueError("a user and a password file belong together, and authorities to both")
        try:
            password = file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"{file}: not a readable password file") from None
        if not password:
            raise ValueError(f"{file}: no password in it")
        if authorities is not None:
            try:
                ssl.create_default_context(cafile=authorities)
            except OSError:
                raise ValueError(f"{authorities}: not a readable file of certificates (PEM)") from None
        return Login(user, password, authorities)


def for_broker(login: Login | None, tls: bool = False) -> dict[str, Any]:
    """What aiokafka's clients are told. `tls`: without authorities of its own, with those that the machine trusts."""
    if login is None:
        return {}
    trust = _trust(login, tls)
    return {
        "security_protocol": "SASL_SSL" if trust else "SASL_PLAINTEXT",
        "ssl_context": trust,
        "sasl_mechanism": MECHANISM,
        "sasl_plain_username": login.user,
        "sasl_plain_password": login.password,
    }


def for_reader(login: Login | None, tls: bool = False) -> SASLScram512 | None:
    """The same for FastStream's broker."""
    if login is None:
        return None
    trust = _trust(login, tls)
    return SASLScram512(login.user, login.password, trust, use_ssl=trust is not None)


def for_store(login: Login | None, database: str) -> dict[str, Any]:
    """What the store's client is told: the user lives in the service's own database and has rights nowhere else."""
    if login is None:
        return {}
    tls = {"tls": True, "tlsCAFile": str(login.authorities)} if login.authorities else {}
    return {"username": login.user, "password": login.password, "authSource": database, **tls}


def _trust(login: Login, tls: bool) -> ssl.SSLContext | None:
    """Checks who signed the certificate, and the name in it. None: no TLS."""
    return ssl.create_default_context(cafile=login.authorities) if tls or login.authorities else None
