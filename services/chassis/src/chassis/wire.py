"""Bases of a service's wire models: tolerant reader, strict writer. Private to each service; contracts are shared."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Heard(BaseModel):
    """Names only the fields a reader uses and ignores the rest: the owner may add fields any day."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    TYPE: ClassVar[str]


class Said(BaseModel):
    """What a service promises: exactly the published fields.

    `SUBJECT` names the member that identifies what the event is about, where that is not the saved aggregate's id.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    TYPE: ClassVar[str]
    SUBJECT: ClassVar[str | None] = None
