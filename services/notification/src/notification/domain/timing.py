"""When a message may be sent: quiet hours and days are those of WIT. Source: domain handbook, section 6."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from chassis.calendar import WIT, day_of, start_of

_DAY = timedelta(days=1)
_EVERY_DAY = frozenset(range(1, 8))


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """No message from `begins` until `ends`, clock of WIT, on days that begin on these ISO weekdays (Monday is 1).

    An end before the beginning is on the next day.
    """

    begins: time
    ends: time
    weekdays: frozenset[int] = _EVERY_DAY

    def end_of_quiet(self, at: datetime) -> datetime | None:
        """The end of this quiet time if `at` lies in it, in UTC."""
        local = at.astimezone(WIT)
        for day in (local.date() - _DAY, local.date()):  # the night that began yesterday, too
            if day.isoweekday() not in self.weekdays:
                continue
            begins = datetime.combine(day, self.begins, WIT)
            ends = datetime.combine(day if self.ends > self.begins else day + _DAY, self.ends, WIT)
            if begins <= local < ends:
                return ends.astimezone(UTC)
        return None


def next_allowed_time(at: datetime, quiet: tuple[Quiet, ...]) -> datetime:
    """`at` itself, or the end of all quiet times that follow each other from there. Raises ValueError if none ends."""
    for _ in range(8 * max(1, len(quiet))):
        ends = [end for end in (window.end_of_quiet(at) for window in quiet) if end is not None]
        if not ends:
            return at
        at = max(ends)
    raise ValueError("the quiet hours leave no time to send in")


def next_day(at: datetime, quiet: tuple[Quiet, ...]) -> datetime:
    """The first allowed time of the WIT day after `at`."""
    return next_allowed_time(start_of(day_of(at) + _DAY), quiet)
