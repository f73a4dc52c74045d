"""Bases of a service's wire models: tolerant reader, strict writer. Private to each service; contracts are shared."""

from datetime import date
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

from chassis.envelope import YEARS


class Heard(BaseModel):
    """Names only the fields a reader uses and ignores the rest: the owner may add fields any day."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    TYPE: ClassVar[str]

    @model_validator(mode="after")
    def _far_from_the_ends_of_the_calendar(self) -> Self:
        for told in self.__dict__.values():
            if isinstance(told, date) and told.year not in YEARS:
                raise ValueError("a date has no place in our calendar")
        return self


class Said(BaseModel):
    """What a service promises: exactly the published fields.

    `SUBJECT` names the member that identifies what the event is about, where that is not the saved aggregate's id.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    TYPE: ClassVar[str]
    SUBJECT: ClassVar[str | None] = None
