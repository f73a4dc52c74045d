"""Training's HTTP door: the routers of `doors/`, in the order of a person's way."""

from training.entrypoints.doors import certificates, classes, enrolments, followups, placements, programmes

TITLE = "Training"
DESCRIPTION = "Programmes, seats, placements, enrolments, certificates and follow-up of one agency that trains."
ROUTERS = (
    programmes.router,
    placements.router,
    classes.router,
    enrolments.router,
    certificates.router,
    followups.router,
)
