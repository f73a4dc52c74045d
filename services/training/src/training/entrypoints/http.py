"""Training's HTTP door: the routers of `doors/`, in the order of a person's way."""

from training.entrypoints.doors import certificates, classes, enrolments, followups, placements, programmes

ROUTERS = (
    programmes.router,
    placements.router,
    classes.router,
    enrolments.router,
    certificates.router,
    followups.router,
)
