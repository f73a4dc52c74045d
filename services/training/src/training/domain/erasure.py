"""That a person was erased here at the sender's word: what the receipt tells, given once."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """`id` is the sender's. `case_ref` leads to nobody any more."""

    id: str
    version: int = 1
    case_ref: str
    from_agency: str
    erased_at: datetime
