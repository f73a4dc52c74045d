"""Tells referral what the other services would, and asks what an officer would. All persons are invented."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import httpx

from chassis.calendar import WIT
from chassis.envelope import Event
from chassis.ids import new_id
from chassis.testing import Running

KB, PKS = "KB-001/CONTOH", "PKS-001/CONTOH"


class Story:
    """One sender with referral running, a trainer, and another trainer that must learn nothing of it."""

    def __init__(self, svc: Running, other: str) -> None:
        self.svc, self.trainer, self.other = svc, svc.partner, other
        self._versions: dict[str, int] = {}

    # -- what others say -----------------------------------------------------------------------------------------------

    def next(self, subject: str) -> int:
        self._versions[subject] = self._versions.get(subject, 0) + 1
        return self._versions[subject]

    async def hear(self, name: str, subject: str, data: Mapping[str, Any], **how: Any) -> Event:
        """`name` is service and short name. The subject's next version, unless told otherwise."""
        how.setdefault("version", None)
        version = how.pop("version") or self.next(subject)
        return await self.svc.hear(f"id.basudara.{name}.v1", data, subject=subject, version=version, **how)

    async def agree(self, number: str = PKS, kind: str = "TECHNICAL", **changes: Any) -> None:
        parties = [{"agency": self.svc.agency, "role": "SENDER"}]
        parties += [{"agency": one, "role": "TRAINER"} for one in (self.trainer, self.other)]
        text = {
            "number": number,
            "kind": kind,
            "umbrella_number": KB if kind == "TECHNICAL" else None,
            "title": "Perjanjian Contoh",
            "parties": parties,
            "scope": ["WELDING", "BARISTA", "FISH_PROCESSING", "SEWING"],
            "territory": ["81.71"],
            "valid_from": "2026-02-09",
            "valid_until": "2029-02-08",
            "state": "ACTIVE",
        }
        await self.hear("agreement.agreement.recorded", number, {**text, **changes})

    async def agree_all(self) -> None:
        await self.agree(KB, "UMBRELLA")
        await self.agree()

    async def register(self, **changes: Any) -> str:
        case = new_id("prt")
        facts = {
            "case_ref": case,
            "age_group": "ADULT",
            "age_group_until": None,
            "home_area": "81.71",
            "voluntary": True,
            "referable_until": "2027-12-31",
        }
        await self.hear("intake.case.registered", case, {**facts, **changes})
        return case

    async def decide(self, case: str, *fields: str, until: str = "2027-04-15") -> None:
        outcome = "ELIGIBLE" if fields else "NOT_ELIGIBLE"
        data = {
            "case_ref": case,
            "outcome": outcome,
            "fields": list(fields),
            "valid_until": until if fields else None,
            "reason_code": None if fields else "NOT_READY",
        }
        await self.hear("intake.eligibility.decided", case, data)

    async def case(self, happened: str, case: str, **facts: Any) -> None:
        await self.hear(f"intake.case.{happened}", case, {"case_ref": case, **facts})

    async def ask(
        self,
        case: str,
        agency: str,
        pseudonym: str | None = None,
        purpose: str = "TRAINING",
        consent: str | None = None,
    ) -> tuple[str, str]:
        """A consent is put to the person. Returns its id and the pseudonym for the agency."""
        consent, pseudonym = consent or new_id("csn"), pseudonym or new_id("prt")
        data = {
            "consent_id": consent,
            "case_ref": case,
            "agency": agency,
            "agency_case_ref": pseudonym,
            "purpose": purpose,
            "text_version": "training-2027-01",
        }
        await self.hear("intake.consent.asked", consent, data, version=1)
        self._versions[consent] = max(1, self._versions.get(consent, 0))
        return consent, pseudonym

    async def consent(self, happened: str, consent: str, pseudonym: str, agency: str, **facts: Any) -> None:
        data = {"consent_id": consent, "case_ref": pseudonym, "purpose": "TRAINING", **facts}
        await self.hear(f"intake.consent.{happened}", consent, data, to=agency)

    async def grant(self, consent: str, pseudonym: str, agency: str, until: str = "2027-12-31") -> None:
        facts = {"given_by": ["PERSON"], "granted_at": "2027-01-18T01:05:00.000Z", "valid_until": until}
        await self.consent("granted", consent, pseudonym, agency, **facts)

    async def withdraw(self, consent: str, pseudonym: str, agency: str) -> None:
        facts = {"received_at": "2027-04-09T07:20:00.000Z", "stop_by": "2027-04-12T07:20:00.000Z"}
        await self.consent("withdrawn", consent, pseudonym, agency, **facts)

    async def ready(self, *fields: str, until: str = "2027-04-15", **facts: Any) -> tuple[str, str, str]:
        """A registered, eligible, consenting person with an open case. Returns case, consent, pseudonym."""
        case = await self.register(**facts)
        await self.decide(case, *(fields or ("WELDING",)), until=until)
        consent, pseudonym = await self.ask(case, self.trainer)
        await self.grant(consent, pseudonym, self.trainer)
        await self.case("opened", case)
        await self.svc.settled()
        return case, consent, pseudonym

    async def answer(
        self, happened: str, referral: str, pseudonym: str, source: str | None = None, **facts: Any
    ) -> None:
        data = {"referral_id": referral, "case_ref": pseudonym, **facts}
        subject = f"{referral}/placement"
        await self.hear(f"training.placement.{happened}", subject, data, source=source or self.trainer)

    async def accept(self, referral: str, pseudonym: str, **how: Any) -> None:
        await self.answer("accepted", referral, pseudonym, accepted_at="2027-01-21T02:00:00.000Z", **how)

    async def enrolment(
        self,
        happened: str,
        enrolment: str,
        referral: str,
        pseudonym: str,
        how: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        """`happened`: reserved, waitlisted, released of a seat; the rest of an enrolment."""
        of = "seat" if happened in ("reserved", "waitlisted", "released") else "enrolment"
        data = {"enrolment_id": enrolment, "referral_id": referral, "case_ref": pseudonym, **facts}
        await self.hear(f"training.{of}.{happened}", enrolment, data, **{"source": self.trainer, **(how or {})})

    async def reserve(self, enrolment: str, referral: str, pseudonym: str) -> None:
        await self.enrolment(
            "reserved", enrolment, referral, pseudonym, cohort_code="WELD-2027-01", starts_on="2027-02-01"
        )

    async def running(self) -> tuple[str, str, str, str, str]:
        """A referral in progress. Returns case, consent, pseudonym, referral, enrolment."""
        case, consent, pseudonym = await self.ready()
        referral = await self.requested(case)
        enrolment = new_id("enr")
        await self.accept(referral, pseudonym)
        await self.reserve(enrolment, referral, pseudonym)
        await self.enrolment("confirmed", enrolment, referral, pseudonym, cohort_code="WELD-2027-01")
        facts = {"cohort_code": "WELD-2027-01", "started_on": "2027-02-01"}
        await self.enrolment("started", enrolment, referral, pseudonym, **facts)
        await self.svc.settled()
        assert (await self.view(referral))["state"] == "in-progress"
        return case, consent, pseudonym, referral, enrolment

    # -- what an officer does ------------------------------------------------------------------------------------------

    async def draft(self, case: str, agency: str | None = None, field: str = "WELDING", **facts: Any) -> httpx.Response:
        body = {"case_ref": case, "to_agency": agency or self.trainer, "field": field, "availability": ["MORNING"]}
        return await self.svc.http.post("/referrals", json={**body, **facts}, headers=self.svc.as_("probation_officer"))

    async def drafted(self, case: str, agency: str | None = None, field: str = "WELDING", **facts: Any) -> str:
        reply = await self.draft(case, agency, field, **facts)
        assert reply.status_code == 201, reply.text
        referral: str = reply.json()["referral_id"]
        return referral

    async def move(self, referral: str, move: str, *, role: str = "probation_officer", **facts: Any) -> httpx.Response:
        if "expected_version" not in facts:
            facts["expected_version"] = (await self.view(referral))["version"]
        path = f"/referrals/{referral}/moves/{move}"
        return await self.svc.http.post(path, json=facts, headers=self.svc.as_(role))

    async def requested(self, case: str, agency: str | None = None, field: str = "WELDING", **facts: Any) -> str:
        referral = await self.drafted(case, agency, field, **facts)
        reply = await self.move(referral, "request")
        assert reply.status_code == 200, reply.text
        return referral

    async def view(self, referral: str) -> dict[str, Any]:
        reply = await self.svc.http.get(f"/referrals/{referral}", headers=self.svc.as_("probation_officer"))
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def person(self, case: str) -> dict[str, Any]:
        reply = await self.svc.http.get(f"/participants/{case}", headers=self.svc.as_("probation_officer"))
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def told(self, referral: str, reader: str | None = None) -> list[tuple[str, Mapping[str, Any]]]:
        """What referral has said of one referral, in order: short names and payloads."""
        events = [one for one in await self.svc.said(reader=reader) if one.subject == referral]
        versions = [one.aggregateversion for one in events]
        assert versions == sorted(set(versions)), "each event has a version of its own, in order"
        return [(one.type.removeprefix("id.basudara.referral.").removesuffix(".v1"), one.data) for one in events]

    async def names(self, referral: str) -> list[str]:
        return [name for name, _ in await self.told(referral)]

    async def parked_reasons(self) -> list[str]:
        found = []
        for record in await self.svc.parked():
            found += [value.decode() for name, value in record.headers if name == "basudara-reason"]
        return found


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A WIT clock time, as an instant."""
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=WIT)
