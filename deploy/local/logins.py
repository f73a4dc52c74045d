"""The operator of a home with rights: the one user who may do everything there, made with the home and kept in it."""

import os
import secrets
from pathlib import Path

from chassis.login import Login


def kept(home: Path) -> Login | None:
    """None: `home` was made without rights, or not yet."""
    file = _file(home)
    return Login("operator", file.read_text()) if file.exists() else None


def make(home: Path) -> Login:
    """The one that is kept, or a new one. Its password needs no quoting anywhere."""
    if not _file(home).exists():
        write_hidden(_file(home), secrets.token_urlsafe(24))
    return Login("operator", _file(home).read_text())


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
