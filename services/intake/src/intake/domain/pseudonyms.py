"""The pairwise pseudonym: under it one agency knows one case, and through it alone intake finds back."""

from dataclasses import dataclass, replace

from chassis.errors import Conflict


class ConsentAlreadyActive(Conflict):
    code, title = "consent_already_active", "Persetujuan untuk tujuan ini masih berlaku; mintalah pembaruan"


class CaseOver(Conflict):
    code, title = "case_over", "Perkara sudah ditutup"


@dataclass(frozen=True, kw_only=True)
class Pseudonym:
    """`id` is the agency_case_ref, random per (case, agency).

    It also says which consent holds for each purpose, so that granting, ending, closing and disclosing for one
    person and agency meet in one version.
    """

    id: str
    version: int
    case_ref: str
    agency: str
    active: dict[str, str]  # purpose: consent_id
    is_over: bool = False  # the case closed without aftercare
    disclosures: int = 0

    def hold(self, purpose: str, consent_id: str, replaces: str | None) -> "Pseudonym":
        """One consent per purpose. Raises ConsentAlreadyActive and CaseOver (409)."""
        if self.is_over:
            raise CaseOver(case_ref=self.case_ref)
        if self.active.get(purpose, replaces) != replaces:
            raise ConsentAlreadyActive(consent_id=self.active[purpose])
        return replace(self, version=self.version + 1, active={**self.active, purpose: consent_id})

    def release(self, purpose: str, consent_id: str) -> "Pseudonym":
        """Forget a consent that ended, unless a newer one already holds."""
        left = {held: id_ for held, id_ in self.active.items() if (held, id_) != (purpose, consent_id)}
        return replace(self, version=self.version + 1, active=left)

    def close(self) -> "Pseudonym":
        return replace(self, version=self.version + 1, is_over=True)

    def disclosed(self) -> "Pseudonym":
        return replace(self, version=self.version + 1, disclosures=self.disclosures + 1)


def first(agency_case_ref: str, case_ref: str, agency: str) -> Pseudonym:
    return Pseudonym(id=agency_case_ref, version=1, case_ref=case_ref, agency=agency, active={})
