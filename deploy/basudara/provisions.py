"""What one service of a local installation is told, and the secret files it reads: each agency's readable by itself."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.basudara.applying import Passwords
from deploy.basudara.manifests import Agency
from deploy.basudara.tokens import LocalIssuer


@dataclass(frozen=True)
class Secrets:
    """The secret files of an installation, in one folder of its operator's."""

    folder: Path

    @property
    def issuer(self) -> LocalIssuer:
        return LocalIssuer(self.folder)

    @property
    def passwords(self) -> Passwords:
        return Passwords(self.folder)

    @property
    def gateway(self) -> Path:
        return self.folder / "gateway"

    def write(self, agencies: Mapping[str, Agency]) -> None:
        """Whatever of these agencies' keys, credentials and staff lists is missing, or changes at each start."""
        self.issuer.prepare()
        _write_once(self.gateway, lambda: secrets.token_hex(32))
        for code, one in agencies.items():
            _write_once(self.folder / f"{code}.key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())
            staff = {row.staff_id: {"phone": row.phone, "role": row.role} for row in one.staff}
            write(self.folder / f"{code}.staff.json", json.dumps(staff))
            for service in one.services:
                token = self.issuer.token(code, "service", f"{service}-service", service=service)
                write(self.folder / f"{code}.{service}.token", token)

    def settings(self, agency: str, service: str) -> dict[str, str]:
        """Where a service finds who it is: to its broker, its store and its partners."""
        user = f"{agency}.{service}"
        return {
            "ISSUER_KEYS": str(self.issuer.keys),
            "CREDENTIAL": str(self.folder / f"{user}.token"),
            "STAFF_FILE": str(self.folder / f"{agency}.staff.json"),
            "AGENCY_KEY_FILE": str(self.folder / f"{agency}.key"),
            "GATEWAY_SECRET_FILE": str(self.gateway),
            "KAFKA_USER": user,
            "KAFKA_PASSWORD_FILE": str(self.passwords.file(user, "kafka")),
            "MONGO_USER": user,
            "MONGO_PASSWORD_FILE": str(self.passwords.file(user, "mongo")),
        }


def environment(service: str, told: Mapping[str, str]) -> dict[str, str]:
    """Every service is told the same kinds of things; it reads those it knows."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {**kept, **{f"{service.upper()}_{key}": value for key, value in told.items()}}


def write(file: Path, text: str) -> None:
    """Whole or not at all, readable by its owner only."""
    part = file.with_name(file.name + ".part")
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(file)


def _write_once(file: Path, text: Callable[[], str]) -> None:
    if not file.exists():
        write(file, text())
