"""Shapes of what the doors take, read as strictly as their schemas say: no number in a text, no date in a number."""

import re
from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?")


def _day(told: object) -> object:
    if isinstance(told, date) or (isinstance(told, str) and _DAY.fullmatch(told)):
        return told
    raise PydanticCustomError("date_form", "Input should be a valid date, YYYY-MM-DD")


def _instant(told: object) -> object:
    if isinstance(told, date) or (isinstance(told, str) and _INSTANT.fullmatch(told)):
        return told
    raise PydanticCustomError("instant_form", "Input should be an instant of RFC 3339")


Day = Annotated[date, BeforeValidator(_day)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]
YesNo = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Version = Annotated[int, Field(strict=True, ge=0, le=999_999_999)]
