"""What officers do with one person, from the register to the hand-over of identity, and what must come of each act."""

import csv
import io
from collections.abc import Iterable
from datetime import date, timedelta

from deploy.demo.desks import Intake, Referrals, Training
from deploy.demo.expected import Person
from deploy.demo.officers import Refused, View, refusal_of, until
from deploy.demo.town import BAPAS, PROBATION_OFFICERS, Town

PURPOSES = ("TRAINING", "LIVELIHOOD_FOLLOWUP", "MESSAGING")
CONSENT_UNTIL = date(2027, 12, 31)
ELIGIBLE_DAYS = 90
HEAD = "kabapas-001"
RECEIPTS = {"TRAINING": ("training.consent.stopped", "notification.consent.stopped")}


class Acts:
    """Each act asks at a door, then writes down the events and the effects that have to follow."""

    def __init__(self, town: Town) -> None:
        self.town = town

    def pk(self, person: Person) -> Intake:
        return self.town.intake(person.officer)

    def desk(self, person: Person) -> Referrals:
        return self.town.referrals(person.officer)

    # -- intake ----------------------------------------------------------------------------------------------------

    async def bring_in(self, rows: list[dict[str, str]]) -> View:
        """The table as a PK sends it. What was known before stays as it is."""
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        verdicts = await self.town.intake(PROBATION_OFFICERS[0]).bring_in(out.getvalue().encode())
        for row in verdicts["rows"]:
            person = self.town.expected.persons.get(row["register_no"] or "")
            if row["case_ref"] is not None and person is not None and BAPAS not in person.refs:
                person.refs[BAPAS] = row["case_ref"]
                person.case = {"case_ref": row["case_ref"], "version": 1}
                person.expects("intake.case.registered")
                person.effects[("case", BAPAS)] = "registered"
        return verdicts

    async def assign(self, person: Person) -> None:
        facts = {"officer_id": person.officer, "conflict_free": True}
        person.case = await self.town.intake(HEAD).move(person.case, "assign", "in-assessment", **facts)
        person.expects("intake.case.assigned")
        person.effects[("case", BAPAS)] = "in-assessment"

    async def decide(self, person: Person, field: str, reason_code: str | None = None) -> None:
        """Eligible for the field for 90 days, or not at all for a reason that stays inside."""
        day = self.town.now.date()
        heard = {
            "social_inquiry_on": (day - timedelta(days=2)).isoformat(),
            "risk_assessed_on": (day - timedelta(days=2)).isoformat(),
            "needs_assessed_on": (day - timedelta(days=1)).isoformat(),
            "review_board_heard_on": day.isoformat(),
        }
        decision: dict[str, object] = {
            "outcome": "ELIGIBLE",
            "fields": [field],
            "valid_until": (day + timedelta(days=ELIGIBLE_DAYS)).isoformat(),
        }
        if reason_code is not None:
            decision = {"outcome": "NOT_ELIGIBLE", "fields": [], "reason_code": reason_code}
        facts = {**decision, **heard}
        person.case = await self.town.intake(HEAD).move(person.case, "decide-eligibility", "assessed", **facts)
        person.expects("intake.eligibility.decided")
        person.effects[("case", BAPAS)] = "assessed"

    async def ask_consent(self, person: Person, agency: str, purpose: str) -> View:
        until_day = CONSENT_UNTIL
        if purpose == "TRAINING" and person.row["supervision_until"]:
            until_day = min(until_day, date.fromisoformat(person.row["supervision_until"]))
        case_ref = person.refs[BAPAS]
        asked = await self.pk(person).ask_consent(case_ref, agency, purpose, until_day.isoformat())
        person.refs[agency] = asked["agency_case_ref"]
        person.expects("intake.consent.asked")
        person.effects[("consent", asked["consent_id"])] = "asked"
        return asked

    async def consent(self, person: Person, agency: str, purposes: Iterable[str] = PURPOSES) -> None:
        """Asked and given, on paper: by the person, or by a minor together with the guardian."""
        givers = ["GUARDIAN", "CHILD"] if person.minor else ["PERSON"]
        for purpose in purposes:
            asked = await self.ask_consent(person, agency, purpose)
            proof = f"BERKAS/{person.number:04d}/{purpose}"
            facts = {"given_by": givers, "channel": "WRITTEN", "proof_ref": proof}
            granted = await self.pk(person).move_consent(asked, "grant", "active", **facts)
            person.consents[(agency, purpose)] = granted
            person.expects("intake.consent.granted")
            person.effects[("consent", granted["consent_id"])] = "active"

    async def say_no(self, person: Person, agency: str) -> None:
        """A person who does not want the course. No reason is asked, and nothing else changes."""
        asked = await self.ask_consent(person, agency, "TRAINING")
        await self.pk(person).move_consent(asked, "refuse", "refused")
        person.expects("intake.consent.refused")
        person.effects[("consent", asked["consent_id"])] = "refused"

    async def open_case(self, person: Person) -> None:
        person.case = await self.pk(person).move(person.case, "open", "ready")
        person.expects("intake.case.opened")
        person.effects[("case", BAPAS)] = "ready"

    # -- referral ----------------------------------------------------------------------------------------------------

    async def known_at_referral(self, person: Person, agency: str) -> None:
        """Until the referral service has heard that the case is open and the consent for this agency stands."""

        async def look() -> bool | None:
            seen = await self.desk(person).person(person.refs[BAPAS])
            if seen is None or seen["state"] != "ready" or not seen["eligible_fields"]:
                return None
            active = [one for one in seen["consents"] if (one["agency"], one["state"]) == (agency, "active")]
            return any(one["purpose"] == "TRAINING" for one in active) or None

        await until(f"{person.register_no}: ready for a referral to {agency}", look)

    async def draft(self, person: Person, agency: str, field: str, replaces: str | None = None) -> View:
        needs = [code for code in person.row["accommodation"].split(";") if code]
        availability = ["AFTERNOON"] if person.minor else ["MORNING", "AFTERNOON"]
        facts = {"accommodations": needs, "availability": availability, "replaces": replaces}
        return await self.desk(person).draft(person.refs[BAPAS], agency, field, **facts)

    async def request(self, person: Person, agency: str, field: str, replaces: str | None = None) -> View:
        drafted = await self.draft(person, agency, field, replaces)
        return await self.send(person, drafted)

    async def send(self, person: Person, drafted: View) -> View:
        requested = await self.desk(person).move(drafted, "request", "requested")
        person.referrals.append(requested)
        person.expects("referral.referral.requested")
        person.effects[("referral", requested["referral_id"])] = "requested"
        return requested

    async def must_refuse(self, person: Person, agency: str, field: str, code: str, **facts: str) -> View:
        """A draft that may not be sent. It stays a draft."""
        drafted = await self.draft(person, agency, field, facts.get("replaces"))
        refusal = await refusal_of(self.desk(person).move(drafted, "request", "requested"))
        said = refusal.code if isinstance(refusal, Refused) else "allowed"
        self.town.check(f"{person.register_no}: request refused with {code}, said {said}", said == code)
        person.effects[("referral", drafted["referral_id"])] = "draft"
        return drafted

    async def cancel(self, person: Person, reason_code: str) -> None:
        """The PK ends a referral; training gives back what it held."""
        referral = await self.desk(person).referral(str(person.referrals[-1]["referral_id"]))
        await self.desk(person).move(referral, "cancel", "cancelled", reason_code=reason_code)
        person.expects("referral.referral.cancelled")
        self.stopped(person)

    async def withdraw_consent(self, person: Person, agency: str) -> None:
        """The person says so to the PK: everything stops, and everybody who stops says so."""
        purpose = "TRAINING"
        consent = person.consents[(agency, purpose)]
        await self.pk(person).move_consent(consent, "withdraw", "stopping", given_by="PERSON")
        person.expects("intake.consent.withdrawn", *RECEIPTS[purpose], "intake.consent.closed")
        person.expects("referral.referral.cancelled")
        person.effects[("consent", str(consent["consent_id"]))] = "withdrawn"
        self.stopped(person)

    async def lose_eligibility(self, person: Person, reason_code: str) -> None:
        """Decided by the head, for a reason that stays inside; outside it looks like any other absence."""
        facts = {"review_board_heard_on": self.town.now.date().isoformat(), "reason_code": reason_code}
        decision = {"outcome": "NOT_ELIGIBLE", "fields": []}
        head = self.town.intake(HEAD)
        person.case = await head.move(person.case, "re-decide", "assessed", facts_changed=True, **decision, **facts)
        person.expects("intake.eligibility.decided", "referral.referral.cancelled")
        person.effects[("case", BAPAS)] = "assessed"
        self.stopped(person)

    def stopped(self, person: Person) -> None:
        """What follows at training when a running referral of somebody with a confirmed seat ends."""
        person.expects("training.enrolment.withdrawn", "training.seat.released")
        person.effects[("referral", str(person.referrals[-1]["referral_id"]))] = "cancelled"
        person.effects[("enrolment", person.enrolment_id)] = "withdrawn"
        person.away = True

    # -- training ----------------------------------------------------------------------------------------------------

    async def accept(self, person: Person, training: Training, place_code: str) -> View:
        """Yes; and with it a seat or a place in line. Answers with the enrolment."""
        referral_id = str(person.referrals[-1]["referral_id"])
        facts = {"place_code": place_code, "accommodations_met": True}
        placement = await training.answer(referral_id, "accept", "accepted", **facts)
        person.enrolment = enrolment = await training.enrolment(placement["enrolment_id"])
        person.expects("training.placement.accepted", "referral.referral.accepted", "referral.referral.progressed")
        waits = enrolment["state"] == "waitlisted"
        person.expects("training.seat.waitlisted" if waits else "training.seat.reserved")
        person.effects[("referral", referral_id)] = "accepted"
        person.effects[("enrolment", person.enrolment_id)] = enrolment["state"]
        return enrolment

    async def decline(self, person: Person, training: Training, reason_code: str) -> None:
        referral_id = str(person.referrals[-1]["referral_id"])
        await training.answer(referral_id, "decline", "declined", reason_code=reason_code)
        person.expects("training.placement.declined", "referral.referral.rejected")
        person.effects[("referral", referral_id)] = "rejected"

    async def gets_seat(self, person: Person, training: Training) -> View:
        """Somebody left, and this person was first in line."""
        person.enrolment = await training.enrolment_in(person.enrolment_id, "reserved", "enrolled")
        person.expects("training.seat.reserved", "referral.referral.progressed")
        person.effects[("enrolment", person.enrolment_id)] = "reserved"
        return person.enrolment

    async def confirm(self, person: Person, training: Training) -> None:
        """Identity, once, from the sender's intake; then the seat is firm."""
        person.enrolment = await training.fetch_card(person.enrolment)
        person.enrolment = await training.move_enrolment(person.enrolment, "confirm", "enrolled")
        person.cards += 1
        person.expects("training.enrolment.confirmed", "referral.referral.progressed")
        person.effects[("enrolment", person.enrolment_id)] = "enrolled"

    async def leave_by_opd(self, person: Person, training: Training, reason_code: str) -> None:
        """The person told the OPD's officer; the referral hears it and ends too."""
        await training.move_enrolment(person.enrolment, "withdraw", "withdrawn", reason_code=reason_code)
        person.expects("referral.referral.cancelled")
        self.stopped(person)

    async def drop(self, person: Person, training: Training, reason_code: str) -> None:
        facts = {"reason_code": reason_code, "asked_officer": True}
        await training.move_enrolment(person.enrolment, "drop", "dropped", **facts)
        person.expects("training.enrolment.dropped", "training.seat.released", "referral.referral.failed")
        person.effects[("referral", str(person.referrals[-1]["referral_id"]))] = "failed"
        person.effects[("enrolment", person.enrolment_id)] = "dropped"
        person.away = True

    # -- while in training -------------------------------------------------------------------------------------------

    async def suspend(self, person: Person, reason_code: str) -> None:
        person.case = await self.pk(person).move(person.case, "suspend", "suspended", reason_code=reason_code)
        person.expects("intake.case.suspended", "referral.referral.paused", "training.enrolment.suspended")
        person.away = True

    async def resume(self, person: Person) -> None:
        heard = self.town.now.date().isoformat()
        head = self.town.intake(HEAD)
        person.case = await head.move(person.case, "resume", "ready", review_board_heard_on=heard)
        person.expects("intake.case.resumed", "referral.referral.resumed", "training.enrolment.resumed")
        person.away = False

    async def close_case(self, person: Person) -> None:
        """Full release. TRAINING ends with the case; what the person lives on is asked on, and told as a count."""
        facts = {"reason_code": "ENDED", "aftercare": False}
        person.case = await self.town.intake(HEAD).move(person.case, "close", "closed", **facts)
        person.expects("intake.case.closed")
        person.effects[("case", BAPAS)] = "closed"
        for (_, purpose), consent in person.consents.items():
            key = ("consent", str(consent["consent_id"]))
            if purpose == "TRAINING" and person.effects[key] == "active":
                person.expects("intake.consent.expired")
                person.effects[key] = "expired"
        person.closed = True
