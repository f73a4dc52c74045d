"""What officers read: cases, consents and disclosures, outside any unit of work."""

from dataclasses import dataclass

from chassis.errors import NotFound
from chassis.store import Store
from intake.application.persons import Erased
from intake.application.ports import Desk
from intake.domain.cases import Case
from intake.domain.checks import Finding, nik_warnings
from intake.domain.consents import Consent
from intake.domain.disclosures import Disclosure
from intake.domain.erasures import Erasure
from intake.domain.klien import Klien
from intake.domain.register import PersonKey, RegisterEntry


@dataclass(frozen=True)
class WholeCase:
    case: Case
    klien: Klien
    warnings: tuple[Finding, ...]


async def whole_case(case: Case, store: Store, desk: Desk) -> WholeCase:
    """The case with its person. Raises Erased (410)."""
    key = await store.find(PersonKey, case.id)
    if key is None:
        raise Erased(case_ref=case.id)
    klien = desk.vault.open(case.sealed_klien, case.id, key.wrapped)
    return WholeCase(case, klien, nik_warnings(klien, desk.areas))


async def case_of(case_ref: str, store: Store) -> Case:
    """Raises NotFound (404)."""
    return await store.get(Case, case_ref)


async def case_of_register_no(register_no: str, store: Store, desk: Desk) -> Case:
    """Raises NotFound (404), which does not repeat the number."""
    prints = desk.vault.fingerprint("register_no", register_no.strip())
    entries = await store.load(RegisterEntry, list(prints.known))
    if not entries:
        raise NotFound(kind="case")
    return await store.get(Case, entries[0].case_ref)


async def cases_in(store: Store, *, state: str | None, dukcapil_task: bool | None) -> list[Case]:
    if state is not None and dukcapil_task is not None:
        return await store.read(Case, state=state, dukcapil_task=dukcapil_task)
    if state is not None:
        return await store.read(Case, state=state)
    if dukcapil_task is not None:
        return await store.read(Case, dukcapil_task=dukcapil_task)
    return await store.read(Case)


async def consent_of(consent_id: str, store: Store) -> Consent:
    """Raises NotFound (404)."""
    return await store.get(Consent, consent_id)


async def consents_of(case_ref: str, store: Store) -> list[Consent]:
    """Raises NotFound (404) for a case that does not exist."""
    case = await store.get(Case, case_ref)
    return await store.read(Consent, case_ref=case.id)


async def disclosures_of(case_ref: str, store: Store) -> list[Disclosure]:
    """Oldest first. Raises NotFound (404)."""
    case = await store.get(Case, case_ref)
    return sorted(await store.read(Disclosure, case_ref=case.id), key=lambda shown: shown.at)


async def erasure_of(case_ref: str, store: Store) -> Erasure:
    """The newest, where a restored case was erased again. Raises NotFound (404)."""
    found = await store.read(Erasure, case_ref=case_ref)
    if not found:
        raise NotFound(kind="erasure")
    return max(found, key=lambda erasure: erasure.asked_at)
