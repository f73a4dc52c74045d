"""A provider that is down is probed, not flooded; messages go below the agreed rate."""

from notification.adapters.breaker import LONGEST_PAUSE_SECONDS, TRIPS_AFTER, Breaker, Pace


class Seconds:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_a_few_failures_are_no_outage() -> None:
    breaker = Breaker(Seconds())
    for _ in range(TRIPS_AFTER - 1):
        breaker.failed()
    assert not breaker.tripped
    breaker.failed()
    assert breaker.tripped
    assert breaker.open
    breaker.answered()
    assert not breaker.tripped
    assert not breaker.open


def test_five_minutes_of_outage_cost_few_probes() -> None:
    now = Seconds()
    breaker, probes = Breaker(now), 0
    while now.at < 400:
        if not breaker.open:
            probes += 1
            breaker.failed()
        now.at += 0.1
    assert TRIPS_AFTER < probes < 20


def test_a_probe_is_never_further_away_than_the_longest_pause() -> None:
    now = Seconds()
    breaker = Breaker(now)
    for _ in range(500):
        breaker.failed()
    now.at += LONGEST_PAUSE_SECONDS * 1.2
    assert not breaker.open


def test_turns_are_spread_and_a_pause_is_not_made_up_for() -> None:
    now = Seconds()
    pace = Pace(60, now)
    assert [pace.wait_seconds() for _ in range(3)] == [0, 1, 2]
    now.at += 1000
    assert [pace.wait_seconds() for _ in range(3)] == [0, 1, 2]
