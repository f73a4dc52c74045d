"""The catalogue and the staff list, as files."""

import json
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
    reminder: bool = False

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
    templates: dict[str, _Template]
    rules: tuple[_Rule, ...]
    voids: dict[str, str]
    unwanted: frozenset[str]


def catalogue(file: Path | None) -> Catalogue:
    """The checked catalogue. Raises BadCatalogue with the place that breaks a rule."""
    try:
        read = _File.model_validate(yaml.safe_load((file or SHIPPED).read_text(encoding="utf-8")))
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


class Staff:
    """The own agency's officers. Read at use, so that a change needs no restart."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def with_role(self, role: str) -> list[str]:
        """Staff codes, in order. Raises Unavailable when the file can't be read."""
        return sorted(staff_id for staff_id, row in self._rows().items() if row.get("role") == role)

    def phone(self, staff_id: str) -> str | None:
        return self._rows().get(staff_id, {}).get("phone")

    def _rows(self) -> Mapping[str, Mapping[str, str]]:
        if self._file is None:
            return {}
        try:
            rows: dict[str, dict[str, str]] = json.loads(self._file.read_text())
        except (OSError, ValueError) as error:
            raise Unavailable(staff_file="unreadable") from error
        return rows
