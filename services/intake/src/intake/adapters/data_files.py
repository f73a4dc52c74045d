"""Rules, areas and staff, read from files: an agency can change each without a release."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from chassis.errors import Unavailable
from intake.domain.areas import Areas
from intake.domain.rules import RuleBook, Rules

_RULES = TypeAdapter(tuple[Rules, ...])
_SHIPPED = files("intake") / "data"


@dataclass(frozen=True)
class AreaFile:
    """One regency or city: its code, its name, where the list is from, and kecamatan code to name."""

    area: str
    name: str
    source: str
    kecamatan: dict[str, str]


@dataclass(frozen=True)
class Officer:
    """A staff member's reachable number, E.164, and role."""

    phone: str
    role: str
    whatsapp_optin: bool = False


_AREA = TypeAdapter(AreaFile)
_STAFF = TypeAdapter(dict[str, Officer])


def load_rules(file: Path | None) -> RuleBook:
    """The agency's own file, or the one that ships. Raises pydantic's ValidationError for a faulty file."""
    text = (_SHIPPED / "rules.json").read_text() if file is None else file.read_text()
    return RuleBook(_RULES.validate_json(text))


def load_areas(more: Sequence[Path]) -> Areas:
    """The shipped areas and the agency's own files beside them; a code given twice takes the later name."""
    texts = [entry.read_text() for entry in (_SHIPPED / "areas").iterdir() if entry.name.endswith(".json")]
    texts += [file.read_text() for file in more]
    kecamatan: dict[str, str] = {}
    for text in texts:
        area = _AREA.validate_json(text)
        foreign = [code for code in area.kecamatan if not code.startswith(f"{area.area}.")]
        if foreign:
            raise ValueError(f"area {area.area} lists kecamatan {foreign[0]}")
        kecamatan.update(area.kecamatan)
    return Areas(kecamatan)


class StaffFile:
    """Read at each use, so that a new officer or number needs no restart."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def officers(self) -> dict[str, Officer]:
        """By staff code; empty where the agency keeps no file. Raises Unavailable (503) when it can't be read."""
        if self._file is None:
            return {}
        try:
            return _STAFF.validate_json(self._file.read_text())
        except (OSError, ValidationError) as cause:
            raise Unavailable(staff_file="unreadable") from cause
