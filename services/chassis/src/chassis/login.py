"""Who a service is to its broker and its store: a user of its own, with a password that stands in a file."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faststream.security import SASLScram512

MECHANISM = "SCRAM-SHA-512"


@dataclass(frozen=True)
class Login:
    user: str
    password: str = field(repr=False)

    @staticmethod
    def read(user: str | None, file: Path | None) -> "Login | None":
        """None: nobody asks who we are. Raises ValueError: one without the other, or a file that holds no password."""
        if user is None and file is None:
            return None
        if user is None or file is None:
            raise ValueError("a user and a password file belong together")
        try:
            password = file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"{file}: not a readable password file") from None
        if not password:
            raise ValueError(f"{file}: no password in it")
        return Login(user, password)


def for_broker(login: Login | None, tls: bool = False) -> dict[str, Any]:
    """What aiokafka's clients are told. `tls`: with the authorities that the machine trusts."""
    if login is None:
        return {}
    return {
        "security_protocol": "SASL_SSL" if tls else "SASL_PLAINTEXT",
        "ssl_context": ssl.create_default_context() if tls else None,
        "sasl_mechanism": MECHANISM,
        "sasl_plain_username": login.user,
        "sasl_plain_password": login.password,
    }


def for_reader(login: Login | None, tls: bool = False) -> SASLScram512 | None:
    """The same for FastStream's broker."""
    if login is None:
        return None
    return SASLScram512(login.user, login.password, ssl.create_default_context() if tls else None, use_ssl=tls)


def for_store(login: Login | None, database: str) -> dict[str, Any]:
    """What the store's client is told: the user lives in the service's own database and has rights nowhere else."""
    if login is None:
        return {}
    return {"username": login.user, "password": login.password, "authSource": database}
