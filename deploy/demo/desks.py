"""What officers do at the doors of each service, one method per act. Paths and bodies as in contracts/http."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from deploy.demo.officers import Officer, Refused, View, until


def state_is(*states: str) -> Any:
    """Whether a view shows one of these states: how an officer knows that a move was made already."""
    return lambda view: view["state"] in states


class Intake:
    """A probation officer, an assistant or the head at the agency's intake."""

    def __init__(self, officer: Officer) -> None:
        self.officer = officer

    async def bring_in(self, table: bytes) -> View:
        return await self.officer.post("/cases/import", table, content_type="text/csv")

    async def case_of(self, register_no: str) -> View:
        return await self.officer.post("/cases/search", {"register_no": register_no})

    async def case(self, case_ref: str) -> View:
        return dict(await self.officer.get(f"/cases/{case_ref}"))

    async def move(self, case: View, name: str, done: str, **facts: object) -> View:
        """`case` as it was last seen: an officer works on the file in hand."""
        return await self.officer.move(f"/cases/{case['case_ref']}", name, case, state_is(done), **facts)

    async def consents(self, case_ref: str) -> list[View]:
        return list(await self.officer.get("/consents", case_ref=case_ref))

    async def ask_consent(self, case_ref: str, agency: str, purpose: str, valid_until: str) -> View:
        async def known() -> View | None:
            found = [
                one
                for one in await self.consents(case_ref)
                if (one["agency"], one["purpose"], one["state"]) == (agency, purpose, "asked")
            ]
            return found[0] if found else None

        body = {"case_ref": case_ref, "agency": agency, "purpose": purpose, "valid_until": valid_until}
        return await self.officer.post("/consents", {**body, "text_version": "2027-1"}, known=known)

    async def move_consent(self, consent: View, name: str, done: str, **facts: object) -> View:
        thing = f"/consents/{consent['consent_id']}"
        return await self.officer.move(thing, name, consent, state_is(done, "withdrawn"), **facts)

    async def cards_shown(self, case_ref: str) -> list[View]:
        shown = await self.officer.get(f"/cases/{case_ref}/disclosures")
        return [one for one in shown if one["kind"] == "PARTICIPANT_CARD"]


class Referrals:
    """A probation officer at the agency's referral service."""

    def __init__(self, officer: Officer) -> None:
        self.officer = officer

    async def person(self, case_ref: str) -> View | None:
        found = await self.officer.find(f"/participants/{case_ref}")
        return None if found is None else dict(found)

    async def referral(self, referral_id: str) -> View:
        return dict(await self.officer.get(f"/referrals/{referral_id}"))

    async def draft(self, case_ref: str, to_agency: str, field: str, **facts: object) -> View:
        async def known() -> View | None:
            found = await self.officer.get("/referrals", case_ref=case_ref, state="draft")
            mine = [one for one in found if (one["to_agency"], one["field"]) == (to_agency, field)]
            return dict(mine[0]) if mine else None

        body = {"case_ref": case_ref, "to_agency": to_agency, "field": field, **facts}
        return await self.officer.post("/referrals", body, known=known)

    async def move(self, referral: View, name: str, done: str, **facts: object) -> View:
        thing = f"/referrals/{referral['referral_id']}"
        return await self.officer.move(thing, name, referral, state_is(done), **facts)

    async def outcomes(self) -> list[View]:
        return list(await self.officer.get("/outcomes"))


class Training:
    """A programme officer, instructor, assessor or head of an OPD at its training service."""

    def __init__(self, officer: Officer) -> None:
        self.officer = officer

    async def publish(self, programme: Mapping[str, object]) -> View:
        code = programme["programme_code"]

        async def known() -> View | None:
            found = await self.officer.get("/programmes")
            return next((dict(one) for one in found if one["programme_code"] == code), None)

        return await self.officer.post("/programmes", dict(programme), known=known)

    async def plan(self, cohort: Mapping[str, object]) -> View:
        async def known() -> View | None:
            found = await self.officer.find(f"/cohorts/{cohort['cohort_code']}")
            return None if found is None else dict(found)

        return await self.officer.post("/cohorts", dict(cohort), known=known)

    async def cohort(self, code: str) -> View:
        return dict(await self.officer.get(f"/cohorts/{code}"))

    async def move_cohort(self, code: str, name: str, done: str, **facts: object) -> View:
        return await self.officer.move(f"/cohorts/{code}", name, await self.cohort(code), state_is(done), **facts)

    # -- referrals that came in ----------------------------------------------------------------------------------------

    async def placement(self, referral_id: str) -> View:
        """As soon as it has arrived."""

        async def look() -> View | None:
            found = await self.officer.find(f"/placements/{referral_id}")
            return None if found is None else dict(found)

        return await until(f"{self.officer.name}: a new request", look)

    async def answer(self, referral_id: str, name: str, done: str, **facts: object) -> View:
        view = await self.placement(referral_id)
        return await self.officer.move(f"/placements/{referral_id}", name, view, state_is(done), **facts)

    async def placements(self, **query: str) -> list[View]:
        return list(await self.officer.get("/placements", **query))

    async def waitlist(self, field: str, place_code: str) -> list[str]:
        """Enrolment ids in the order of the line."""
        found = await self.officer.get("/waitlist", field=field, place_code=place_code)
        return [one["enrolment_id"] for one in sorted(found, key=lambda one: int(one["place_in_line"]))]

    # -- enrolments ----------------------------------------------------------------------------------------------------

    async def enrolment(self, enrolment_id: str) -> View:
        return dict(await self.officer.get(f"/enrolments/{enrolment_id}"))

    async def enrolment_in(self, enrolment_id: str, *states: str) -> View:
        """As soon as it shows one of these states."""

        async def look() -> View | None:
            view = await self.enrolment(enrolment_id)
            return view if view["state"] in states else None

        return await until(f"{self.officer.name}: enrolment {' or '.join(states)}", look)

    async def fetch_card(self, enrolment: View) -> View:
        """Once intake has heard that the referral is accepted; until then it says no, and the officer asks again."""
        thing = f"/enrolments/{enrolment['enrolment_id']}"

        async def look() -> View | None:
            try:
                return await self.officer.move(thing, "fetch-card", enrolment, lambda now: bool(now["card_fetched"]))
            except Refused as refusal:
                if refusal.code == "not_allowed" and refusal.facts.get("partner"):
                    return None
                raise

        return await until(f"{self.officer.name}: the participant card", look)

    async def move_enrolment(self, enrolment: View, name: str, done: str, **facts: object) -> View:
        """`enrolment` as it was last seen."""
        thing = f"/enrolments/{enrolment['enrolment_id']}"
        return await self.officer.move(thing, name, enrolment, state_is(done), **facts)

    async def mark_finished(self, enrolment: View) -> View:
        """The assessor's half."""
        thing = f"/enrolments/{enrolment['enrolment_id']}"
        return await self.officer.move(thing, "finish", enrolment, lambda now: bool(now["finished_by_assessor"]))

    # -- class ---------------------------------------------------------------------------------------------------------

    async def sessions(self, cohort_code: str) -> dict[str, View]:
        found = await self.officer.get(f"/cohorts/{cohort_code}/sessions")
        return {one["session_id"]: dict(one) for one in found}

    async def schedule(self, cohort_code: str, session_id: str, held_on: date, hours: int, starts_at: str) -> View:
        async def known() -> View | None:
            return (await self.sessions(cohort_code)).get(session_id)

        body = {"session_id": session_id, "held_on": held_on.isoformat(), "hours": hours, "starts_at": starts_at}
        return await self.officer.post(f"/cohorts/{cohort_code}/sessions", body, known=known)

    async def record(self, cohort_code: str, session_id: str, entries: list[View]) -> View:
        """The first list of this session."""

        async def known() -> View | None:
            now = (await self.sessions(cohort_code))[session_id]
            return now if now["version"] > 1 else None

        return await self.officer.post(f"/sessions/{session_id}/attendance", {"entries": entries}, known=known)

    async def close_session(self, cohort_code: str, session: View) -> View:
        session_id = session["session_id"]

        async def known() -> View | None:
            now = (await self.sessions(cohort_code))[session_id]
            return now if now["state"] == "closed" else None

        body = {"expected_version": session["version"]}
        return await self.officer.post(f"/sessions/{session_id}/moves/close", body, known=known)

    async def assess(self, enrolment_id: str, unit: str, attempt: int, result: str) -> View:
        async def known() -> View | None:
            view = await self.enrolment(enrolment_id)
            return view if view["units"].get(unit, {}).get("attempts", 0) >= attempt else None

        body = {"unit": unit, "result": result}
        return await self.officer.post(f"/enrolments/{enrolment_id}/assessments", body, known=known)

    # -- afterwards ----------------------------------------------------------------------------------------------------

    async def certificates(self, enrolment_id: str) -> list[View]:
        return list(await self.officer.get("/certificates", enrolment_id=enrolment_id))

    async def issue(self, certificate: View) -> View:
        thing = f"/certificates/{certificate['certificate_id']}"
        return await self.officer.move(thing, "issue", certificate, state_is("issued"))

    async def register_bnsp(self, enrolment_id: str, number: str, lsp: str, expires_on: str) -> View:
        async def known() -> View | None:
            found = await self.certificates(enrolment_id)
            return next((one for one in found if one["number"] == number), None)

        body = {"number": number, "lsp": lsp, "expires_on": expires_on}
        return await self.officer.post(f"/enrolments/{enrolment_id}/certificates", body, known=known)

    async def followups(self, enrolment_id: str) -> dict[int, View]:
        found = await self.officer.get("/followups", enrolment_id=enrolment_id)
        return {int(one["day"]): dict(one) for one in found}

    async def record_outcome(self, followup: View, outcome: str, made_on: date) -> View:
        followup_id, enrolment_id, day = followup["followup_id"], followup["enrolment_id"], followup["day"]
        answered = outcome != "UNREACHABLE"

        async def known() -> View | None:
            now = (await self.followups(enrolment_id))[int(day)]
            return now if now["version"] > followup["version"] else None

        body = {"answered": answered, "outcome_code": outcome, "made_on": made_on.isoformat()}
        return await self.officer.post(f"/followups/{followup_id}/record", body, known=known)


class Messages:
    """An officer who looks at the agency's messages."""

    def __init__(self, officer: Officer) -> None:
        self.officer = officer

    async def in_state(self, state: str) -> list[View]:
        return list(await self.officer.get("/messages", state=state))

    async def resolve(self, message: View, reached: bool) -> View:
        thing = f"/messages/{message['message_id']}"
        return await self.officer.move(thing, "resolve", message, state_is("resolved"), reached=reached)
