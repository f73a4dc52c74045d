"""Saving an aggregate with the event its move tells: never one without the other."""

from chassis.work import Work
from training import wire
from training.domain.certificate import Certificate
from training.domain.cohort import Cohort
from training.domain.enrolment import Enrolment
from training.domain.placement import Placement
from training.domain.told import Told


def save_placement(work: Work, placement: Placement, told: Told) -> None:
    references = {"referral_id": placement.id, "case_ref": placement.case_ref}
    work.save(placement, *wire.said(told, references), to=placement.from_agency)


def save_enrolment(work: Work, enrolment: Enrolment, told: Told) -> None:
    references = {"enrolment_id": enrolment.id, "referral_id": enrolment.referral_id, "case_ref": enrolment.case_ref}
    work.save(enrolment, *wire.said(told, references), to=enrolment.from_agency)


def save_certificate(work: Work, certificate: Certificate, told: Told) -> None:
    references = {
        "certificate_id": certificate.id,
        "enrolment_id": certificate.enrolment_id,
        "referral_id": certificate.referral_id,
        "case_ref": certificate.case_ref,
    }
    work.save(certificate, *wire.said(told, references), to=certificate.from_agency)


def save_cohort(work: Work, cohort: Cohort, told: Told) -> None:
    work.save(cohort, *wire.of_cohort(cohort, told))
