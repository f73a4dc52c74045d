"""Whose turn it is to send: of all replicas one at a time, so that the agreed rate is one process's to keep."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

LASTS = timedelta(seconds=10)
SENDING = "sending"


@dataclass(frozen=True, kw_only=True)
class Turn:
    id: str
    version: int
    holder: str
    until: datetime

    def taken(self, holder: str, at: datetime) -> "Turn | None":
        """None: it is another's."""
        if self.holder != holder and at < self.until:
            return None
        return replace(self, version=self.version + 1, holder=holder, until=at + LASTS)

    def given_up(self, holder: str, at: datetime) -> "Turn | None":
        return replace(self, version=self.version + 1, until=at) if self.holder == holder else None
