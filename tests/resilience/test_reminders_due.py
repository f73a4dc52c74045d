"""Many reminders that are due at one moment, on the whole way: a real notification, its gateway, its store."""

from pathlib import Path

from chassis.testing import Backend
from tests.performance.reminders import drained, figures, findings

COUNT = 600
RATE = 60  # a second: far below what a busy machine reaches, so that nothing but the pace keeps it
LATE_RECEIPTS_SECONDS = 17.0  # later than a call that a crash left without a note is made again


async def test_due_reminders_are_drained_at_the_agreed_rate_each_sent_once_killed_in_the_middle(
    backend: Backend, tmp_path: Path
) -> None:
    """No second of the gateway's own journal sees more calls than agreed, before the kill or after the restart, no
    reminder goes out under two references, and the store holds nothing that is not done."""
    found = figures(await drained(backend.kafka, backend.mongo, tmp_path, COUNT, RATE, LATE_RECEIPTS_SECONDS))
    assert findings(found) == []
    assert found["sent"] == COUNT
    assert 0 < found["sent before the kill"] < COUNT, "it was killed while calls went out"
