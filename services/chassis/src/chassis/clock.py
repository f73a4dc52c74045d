"""The only source of now."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from chassis.errors import Unavailable

_SECONDS = TypeAdapter(float)


def to_millisecond(instant: datetime) -> datetime:
    """BSON and the wire keep milliseconds: cutting here keeps what is stored equal to what was decided."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


class Clock:
    """UTC now, in milliseconds.

    With an offset file (the example and tests; settings refuse it in production) now is moved by the seconds
    that the file holds, so that all services of a stack move together and time still flows.
    Raises Unavailable when the file can't be read: a guessed time would make wrong deadlines.
    """

    def __init__(self, offset_file: Path | None = None) -> None:
        self._offset_file = offset_file

    def now(self) -> datetime:
        return to_millisecond(datetime.now(UTC) + self._offset())

    def _offset(self) -> timedelta:
        if self._offset_file is None:
            return timedelta()
        try:
            return timedelta(seconds=_SECONDS.validate_python(self._offset_file.read_text().strip()))
        except (OSError, ValidationError) as cause:
            raise Unavailable(clock="offset file unreadable") from cause


def move_to(offset_file: Path, instant: datetime) -> None:
    """Make it `instant` for every process that reads this file. Written whole: a reader never sees half a number."""
    seconds = (instant - datetime.now(UTC)).total_seconds()
    part = offset_file.with_suffix(".part")
    part.write_text(f"{seconds:.3f}")
    part.replace(offset_file)
