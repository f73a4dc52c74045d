"""What became of a person's livelihood, as far as the sender may know: the kind, and by person only in an open case."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`id` is the follow-up's. `referral_id` is None once the case is closed: what is left is a count."""

    id: str
    version: int
    from_agency: str
    day: int  # 30, 90 or 180 after the training was completed
    outcome_code: str
    recorded_on: date
    referral_id: str | None
