"""Keeps a provider that is down from being flooded: it is probed with growing pauses until it answers."""

import random
from collections.abc import Callable

TRIPS_AFTER = 3  # failures in a row
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0


class Breaker:
    """One for each thing called. `now` counts seconds, on a clock that nobody moves."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures = 0
        self._probe_at = 0.0

    @property
    def tripped(self) -> bool:
        """It failed lately: whoever calls does so sparingly."""
        return self._failures >= TRIPS_AFTER

    @property
    def open(self) -> bool:
        """Not to be called before the next probe."""
        return self.tripped and self._now() < self._probe_at

    def answered(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** max(0, self._failures - TRIPS_AFTER), LONGEST_PAUSE_SECONDS)
        self._probe_at = self._now() + pause * random.uniform(0.8, 1.2)  # noqa: S311 - a pause, not a secret


class Pace:
    """Turns spread evenly below an agreed rate; what was not used is not made up for."""

    def __init__(self, per_minute: int, now: Callable[[], float]) -> None:
        self._gap, self._now = 60 / per_minute, now
        self._next = 0.0

    def wait_seconds(self) -> float:
        """How long the caller of this turn has to wait for it."""
        now = self._now()
        self._next = max(self._next, now)
        wait = self._next - now
        self._next += self._gap
        return wait
