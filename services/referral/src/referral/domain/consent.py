"""One consent, put together from two channels that may arrive in any order.

`consent.asked` (own agency only) tells whose it is; the channel to the named agency tells how it stands, under that
agency's pseudonym. Neither half alone can be used; when both are known, the participant learns of it.
"""

from dataclasses import dataclass, replace
from datetime import date

TRAINING = "TRAINING"
ASKED, ACTIVE, STOPPING, EXPIRED, SUPERSEDED = "asked", "active", "stopping", "expired", "superseded"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The private half: the pair of pseudonyms."""

    case_ref: str
    agency: str
    agency_case_ref: str


@dataclass(frozen=True, kw_only=True)
class Consent:
    """`seen`: newest version that the shared channel told, 0 before the first. `grace_until`: first WIT day on which
    a running training must have a new consent, after the person came of age."""

    id: str
    version: int
    asked: Asked | None = None
    purpose: str | None = None
    state: str = ASKED
    seen: int = 0
    valid_until: date | None = None
    grace_until: date | None = None
    cause: str | None = None
    replaced_by: str | None = None

    def is_asked(self, asked: Asked, purpose: str) -> "Consent":
        return replace(self, asked=asked, purpose=purpose, version=self.version + 1)

    def told(
        self,
        purpose: str,
        state: str,
        seen: int,
        *,
        valid_until: date | None = None,
        grace_until: date | None = None,
        cause: str | None = None,
        replaced_by: str | None = None,
    ) -> "Consent":
        """The shared half. A version that is not newer changes nothing: the same object comes back."""
        if seen <= self.seen:
            return self
        return replace(
            self,
            purpose=purpose,
            state=state,
            seen=seen,
            valid_until=valid_until or self.valid_until,
            grace_until=grace_until,
            cause=cause,
            replaced_by=replaced_by,
            version=self.version + 1,
        )


def new(consent_id: str) -> Consent:
    return Consent(id=consent_id, version=0)


@dataclass(frozen=True, kw_only=True)
class Pseudonym:
    """`id` is what one agency calls the case; only the own agency may know whose it is."""

    id: str
    version: int
    case_ref: str
    agency: str
