"""From a case to the person behind it, inside one unit of work."""

from chassis.errors import Refused, StaleVersion
from chassis.work import Work
from intake.application.ports import Desk
from intake.domain.cases import Case
from intake.domain.klien import Klien
from intake.domain.register import PersonKey


class Erased(Refused):
    status, code, title = 410, "erased", "Data orang ini sudah dihapus"


async def case_at(case_ref: str, expected_version: int, work: Work) -> Case:
    """Raises NotFound (404) and StaleVersion (409)."""
    case = await work.get(Case, case_ref)
    if case.version != expected_version:
        raise StaleVersion(seen=expected_version, now=case.version)
    return case


async def person_of(case: Case, work: Work, desk: Desk) -> Klien:
    """Raises Erased (410) once the person's key is gone."""
    key = await work.find(PersonKey, case.id)
    if key is None:
        raise Erased(case_ref=case.id)
    return desk.vault.open(case.sealed_klien, case.id, key.wrapped)
