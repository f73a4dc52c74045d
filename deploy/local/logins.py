"""The operator of a home with rights: the one user who may do everything there, made with the home and kept in it."""

import os
import secrets
from pathlib import Path

from chassis.login import Login


def kept(home: Path) -> Login | None:
    """None: `home` was made without rights, or not yet."""
    file, trust = _file(home), authorities(home)
    return Login("operator", file.read_text(), trust if trust.exists() else None) if file.exists() else None


def make(home: Path) -> Login:
    """The one that is kept, or a new one. Its password needs no quoting anywhere."""
    found = kept(home)
    if found is None:
        write_hidden(_file(home), secrets.token_urlsafe(24))
    return found or make(home)


def authorities(home: Path) -> Path:
    """PEM of who signs the certificate of the home's broker and store. Where it is missing, nobody speaks TLS."""
    return home / "secrets" / "authority.pem"


def write_hidden(file: Path, text: str) -> None:
    """Whole or not at all, readable by its owner only."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = file.with_name(file.name + ".new")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    part.replace(file)


def _file(home: Path) -> Path:
    return home / "secrets" / "operator"
