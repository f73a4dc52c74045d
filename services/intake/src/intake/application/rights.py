"""Who may read what: a table like that of the moves, denied by default."""

from chassis.errors import NotAllowed
from chassis.machine import roles
from chassis.work import Actor
from intake.domain.cases import Case
from intake.domain.codes import ASSISTANT, FACILITY, HEAD, OFFICER

READS = {
    "case": roles(OFFICER, ASSISTANT, HEAD, FACILITY),
    "consent": roles(OFFICER, ASSISTANT, HEAD, FACILITY),
    "disclosures": roles(OFFICER, HEAD),
    "erasure": roles(OFFICER, HEAD),
}
SERVICE = "service"  # the role of a service's own credential


def may_read(what: str, actor: Actor) -> None:
    """Raises NotAllowed (403)."""
    if actor.role not in READS[what]:
        raise NotAllowed(read=what, role=actor.role)


def may_read_case(case: Case, actor: Actor) -> None:
    """A facility officer reads the own files only. Raises NotAllowed (403)."""
    may_read("case", actor)
    if not is_own_file(case, actor):
        raise NotAllowed(read="case", role=actor.role)


def is_own_file(case: Case, actor: Actor) -> bool:
    return actor.role != FACILITY or case.facility_officer_id == actor.subject


def must_be_service(name: str, actor: Actor) -> None:
    """Doors for one kind of service credential. Raises NotAllowed (403)."""
    if (actor.role, actor.service) != (SERVICE, name):
        raise NotAllowed(role=actor.role, service=actor.service or "none")
