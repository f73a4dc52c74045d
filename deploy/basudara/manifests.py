"""Agencies' manifests and agreements as files: read strictly, refused with file, field and rule."""

from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from chassis import strict_yaml

CODE = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

ServiceName = Literal["intake", "referral", "training", "notification"]

M = TypeVar("M", bound=BaseModel)


class BadFile(Exception):
    """One line for the operator: file, field and the rule it breaks."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Officer(_Strict):
    staff_id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")
    role: str = Field(pattern=r"^[a-z_]{3,40}$")
    phone: str = Field(pattern=r"^\+628[1-35-9]\d{7,10}$")


class Subscriber(_Strict):
    """Software of the agency's own that reads events: of these channels, what the agency may read."""

    name: str = Field(pattern=CODE, max_length=40)
    channels: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_no_service(self) -> "Subscriber":
        if self.name in (*get_args(ServiceName), "agreement"):
            raise ValueError(f"name: {self.name} is a service's")
        return self


class Agency(_Strict):
    """What one agency runs. `keeps_register`: it keeps the register of agreements."""

    agency: str = Field(pattern=CODE, max_length=40)
    name: str = Field(min_length=1, max_length=200)
    services: tuple[ServiceName, ...]
    keeps_register: bool = False
    staff: tuple[Officer, ...] = ()
    subscribers: tuple[Subscriber, ...] = ()

    def owns(self) -> frozenset[str]:
        """The writers of channels that this agency runs."""
        return frozenset(self.services) | (frozenset({"agreement"}) if self.keeps_register else frozenset())


class Party(_Strict):
    agency: str = Field(pattern=CODE, max_length=40)
    role: Literal["SENDER", "TRAINER", "WITNESS"]


class Agreement(_Strict):
    """One KB or PKS, whole. Members and rules are those of the event `agreement.recorded`."""

    number: str = Field(min_length=1, max_length=64)
    kind: Literal["UMBRELLA", "TECHNICAL"]
    umbrella_number: str | None
    title: str
    parties: tuple[Party, ...] = Field(min_length=2)
    scope: tuple[str, ...]
    territory: tuple[str, ...]
    valid_from: date
    valid_until: date
    state: Literal["DRAFT", "ACTIVE", "SUSPENDED", "ENDED"]

    @model_validator(mode="after")
    def _coherent(self) -> "Agreement":
        if (self.kind == "TECHNICAL") != (self.umbrella_number is not None):
            raise ValueError("umbrella_number: a TECHNICAL agreement names its umbrella, an UMBRELLA none")
        if self.valid_until <= self.valid_from:
            raise ValueError("valid_until: must lie after valid_from")
        return self

    def pairs(self) -> frozenset[tuple[str, str]]:
        """(writing, reading) agencies whose topics this agreement opens, both ways."""
        if self.kind != "TECHNICAL":
            return frozenset()
        senders = [one.agency for one in self.parties if one.role == "SENDER"]
        trainers = [one.agency for one in self.parties if one.role == "TRAINER"]
        one_way = {(sender, trainer) for sender in senders for trainer in trainers}
        return frozenset(one_way | {(trainer, sender) for sender, trainer in one_way})


def _read(file: Path) -> Any:
    try:
        return strict_yaml.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFile(f"{file}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadFile(f"{file}: not the YAML we accept: {' '.join(str(error).split())[:200]}") from None


def valid(model: type[M], file: Path) -> M:
    """Raises BadFile."""
    try:
        return model.model_validate(_read(file))
    except ValidationError as error:
        row = error.errors(include_url=False)[0]
        where = ".".join(map(str, row["loc"]))
        raise BadFile(f"{file}: {where + ': ' if where else ''}{row['msg'].removeprefix('Value error, ')}") from None


def agency(file: Path) -> Agency:
    """Raises BadFile."""
    return valid(Agency, file)


def agreement(file: Path) -> Agreement:
    """Raises BadFile."""
    return valid(Agreement, file)


def agencies(folder: Path) -> dict[str, Agency]:
    """Every manifest in the folder, by code. Raises BadFile; also when two files name one agency, or none is there."""
    found: dict[str, Agency] = {}
    for file in sorted(folder.glob("*.yaml")):
        one = agency(file)
        if one.agency in found:
            raise BadFile(f"{file}: agency: {one.agency} has a manifest already")
        found[one.agency] = one
    if not found:
        raise BadFile(f"{folder}: no manifest (*.yaml) there")
    return found
