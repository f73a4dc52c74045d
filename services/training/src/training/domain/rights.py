"""Who may look at what, and do what is no move of a machine: a table, denied by default."""

from chassis.errors import NotAllowed
from chassis.machine import roles

STAFF = roles("programme_officer", "instructor", "assessor", "head_of_opd", "training_host")
OFFICE = roles("programme_officer", "head_of_opd")  # they know that a person comes under an agreement; a class must not

RIGHTS = {
    "read programmes": STAFF,
    "read cohorts": STAFF,
    "read placements": OFFICE,
    "read enrolments": roles("programme_officer", "head_of_opd", "instructor", "assessor"),
    "read references": OFFICE,  # case_ref and referral_id inside an enrolment
    "read waitlist": OFFICE,
    "read certificates": roles("programme_officer", "head_of_opd", "training_host"),
    "read followups": OFFICE,
    "read card": roles("programme_officer"),
    "read card name": roles("instructor"),
}


def allowed(role: str, what: str) -> bool:
    return role in RIGHTS[what]


def allow(role: str, *any_of: str) -> None:
    """Raises NotAllowed (403) unless the role holds one of these rights."""
    if not any(allowed(role, what) for what in any_of):
        raise NotAllowed(right=any_of[0].replace(" ", "_"), role=role)
