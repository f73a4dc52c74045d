"""Consents as this agency has heard of them: what may be done for a person, and what must stop."""

from dataclasses import dataclass
from datetime import date

TRAINING, LIVELIHOOD_FOLLOWUP = "TRAINING", "LIVELIHOOD_FOLLOWUP"
OURS = frozenset({TRAINING, LIVELIHOOD_FOLLOWUP})  # the purposes of which this service is a reader


@dataclass(frozen=True, kw_only=True)
class Consent:
    """`heard_version` orders the events of one consent: an old one that comes late changes nothing."""

    id: str
    version: int = 1
    heard_version: int
    case_ref: str
    from_agency: str
    purpose: str
    state: str  # active, stopping, closed, expired, superseded
    valid_until: date | None
    stopped: bool = False  # our own receipt, consent.stopped, was sent

    def allows(self, purpose: str, day: date) -> bool:
        """Whether this consent carries `purpose` on that WIT day."""
        running = self.valid_until is None or day <= self.valid_until
        return self.state == "active" and self.purpose == purpose and running
