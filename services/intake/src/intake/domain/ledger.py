"""One page per case: which agency knows it under which pseudonym, and which consents hold.

Granting, ending, closing and disclosing for one person all write this page, so none of them can pass another unseen.
"""

from dataclasses import dataclass, replace

from chassis.errors import Conflict


class ConsentAlreadyActive(Conflict):
    code, title = "consent_already_active", "Persetujuan untuk tujuan ini masih berlaku; mintalah pembaruan"


class CaseOver(Conflict):
    code, title = "case_over", "Perkara sudah ditutup"


@dataclass(frozen=True, kw_only=True)
class Pseudonym:
    """The way back: `id` is the agency_case_ref, random per (case, agency); never changed once made."""

    id: str
    version: int
    case_ref: str
    agency: str


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """`id` is the own agency's case_ref. `refs`: agency to its pseudonym. `active`: `agency:purpose` to consent_id."""

    id: str
    version: int
    refs: dict[str, str]
    active: dict[str, str]
    is_over: bool = False  # the case closed without aftercare
    disclosures: int = 0

    def name_to(self, agency: str, ref: str) -> "Ledger":
        """Give an agency its pseudonym of this case, once. Raises CaseOver and Conflict (409)."""
        self.must_go_on()
        if agency in self.refs:
            raise Conflict(agency=agency)
        return replace(self, version=self.version + 1, refs={**self.refs, agency: ref})

    def hold(self, agency: str, purpose: str, consent_id: str, replaces: str | None) -> "Ledger":
        """One consent per agency and purpose. Raises ConsentAlreadyActive and CaseOver (409)."""
        self.must_go_on()
        place = f"{agency}:{purpose}"
        held = self.active.get(place)
        if held not in (None, replaces):
            raise ConsentAlreadyActive(consent_id=held or "")
        return replace(self, version=self.version + 1, active={**self.active, place: consent_id})

    def release(self, consent_id: str) -> "Ledger":
        """Forget a consent that ended; a newer one in its place stays."""
        left = {place: held for place, held in self.active.items() if held != consent_id}
        return replace(self, version=self.version + 1, active=left)

    def close(self) -> "Ledger":
        return replace(self, version=self.version + 1, is_over=True)

    def erase(self) -> "Ledger":
        """Pseudonyms stay, so that a late receipt or question finds its case; what they led to is gone."""
        return replace(self, version=self.version + 1, active={})

    def disclosed(self) -> "Ledger":
        return replace(self, version=self.version + 1, disclosures=self.disclosures + 1)

    def must_go_on(self) -> None:
        if self.is_over:
            raise CaseOver(case_ref=self.id)

    def held_by(self, agency: str, purpose: str) -> str | None:
        return self.active.get(f"{agency}:{purpose}")


def first_page(case_ref: str) -> Ledger:
    return Ledger(id=case_ref, version=1, refs={}, active={})
