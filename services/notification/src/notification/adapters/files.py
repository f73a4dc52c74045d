"""The catalogue and the staff list, as files."""

import json
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from chassis import strict_yaml
from chassis.errors import Unavailable
from notification.domain.catalogue import BadCatalogue, Catalogue, Moment, Rule, Template

SHIPPED = Path(__file__).resolve().parents[1] / "catalogue" / "messages.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Moment(_Strict):
    day: str
    at: time
    days_before: int = Field(0, ge=0, le=30)

    def moment(self) -> Moment:
        return Moment(day=self.day, at=self.at, days_before=self.days_before)


class _Rule(_Strict):
    event: str
    side: str
    tells: str
    template: str
    about: str
    only: dict[str, frozenset[str]] = {}
    lasts_hours: int | None = Field(None, ge=1, le=24 * 90)
    due: _Moment | None = None
    until: _Moment | None = None

    def rule(self) -> Rule:
        told: dict[str, Any] = self.model_dump(exclude={"lasts_hours", "due", "until"})
        return Rule(
            **told,
            lasts=timedelta(hours=self.lasts_hours) if self.lasts_hours else None,
            due=self.due.moment() if self.due else None,
            until=self.until.moment() if self.until else None,
        )


class _Template(_Strict):
    whatsapp: str
    roles: frozenset[str]
    text: str


class _File(_Strict):
    version: int
    valid_from: date
    templates: dict[str, _Template]
    rules: tuple[_Rule, ...]
    voids: dict[str, str]
    unwanted: frozenset[str]


def catalogue(file: Path | None = None) -> Catalogue:
    """The checked catalogue. Raises BadCatalogue with the place that breaks a rule."""
    try:
        read = _File.model_validate(strict_yaml.loads((file or SHIPPED).read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise BadCatalogue(rule="cannot be read") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadCatalogue(at=".".join(map(str, first["loc"])), rule=first["msg"]) from error
    templates = {id: Template(id=id, **row.model_dump()) for id, row in read.templates.items()}
    return Catalogue(
        version=read.version,
        templates=templates,
        rules=tuple(row.rule() for row in read.rules),
        voids=read.voids,
        unwanted=read.unwanted,
    ).check()


class Officer(BaseModel):
    """One row of the staff list. Whoever did not ask for WhatsApp gets SMS. Other members are other services'."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    phone: str
    role: str
    whatsapp_optin: bool = False


_ROWS = TypeAdapter(dict[str, Officer])


class Staff:
    """The own agency's officers: JSON {staff_id: {phone, role, whatsapp_optin?}}. Read at use, so a change needs no
    restart; parsed again only when the file has changed."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._read_at = -1
        self._rows: dict[str, Officer] = {}

    def with_role(self, role: str) -> list[str]:
        """Staff codes, in order; codes of roles are written in either case. Raises Unavailable: not readable."""
        return sorted(staff_id for staff_id, row in self._now().items() if row.role.upper() == role.upper())

    def officer(self, staff_id: str) -> Officer | None:
        """Raises Unavailable: the file can't be read."""
        return self._now().get(staff_id)

    def _now(self) -> dict[str, Officer]:
        if self._file is None:
            return {}
        try:
            changed = self._file.stat().st_mtime_ns
            if changed != self._read_at:
                self._rows = _ROWS.validate_python(json.loads(self._file.read_text()))
                self._read_at = changed
        except (OSError, ValueError) as error:  # pydantic's error is a ValueError
            raise Unavailable(staff_file="unreadable") from error
        return self._rows
