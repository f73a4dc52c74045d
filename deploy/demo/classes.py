"""The OPDs' own work: programmes and cohorts, class by class, results, certificates, and how people live afterwards."""

import asyncio
from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial
from typing import Any

from deploy.demo.acts import Acts
from deploy.demo.desks import Training
from deploy.demo.expected import Person
from deploy.demo.officers import refusal_of, until
from deploy.demo.town import Step, Town, load, wit

OPENS_ON = date(2027, 1, 4)
RESULTS_ON = date(2027, 3, 1)
BNSP_ON = date(2027, 3, 29)
ASKED_ON = {30: date(2027, 3, 31), 90: date(2027, 5, 31), 180: date(2027, 8, 27)}
PASS_PERCENT = 80
UNREACHABLE_TRIES = 3


def class_days(cohort: dict[str, Any]) -> list[date]:
    """Days with a session: Monday to Friday, less the days without class."""
    plan = cohort["sessions"]
    if plan is None:
        return []
    days = [plan["from"] + timedelta(days=n) for n in range((plan["until"] - plan["from"]).days + 1)]
    return [day for day in days if day.isoweekday() <= 5 and day not in plan["no_class_on"]]


class Offers:
    """What the OPDs publish before anybody is sent to them."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.programmes = load("programmes.yaml")
        self.cohorts = load("cohorts.yaml")

    def steps(self) -> list[Step]:
        found = [Step(wit(OPENS_ON), "three OPDs publish programmes and open classes", self.publish)]
        for cohort in self.cohorts:
            if (end := cohort.get("cancelled")) is not None:
                found.append(Step(wit(end["day"]), "a class is called off", partial(self.call_off, cohort)))
            if (later := cohort.get("rescheduled")) is not None:
                found.append(Step(wit(later["day"]), "a class is put off", partial(self.put_off, cohort)))
        return found

    async def publish(self) -> None:
        await asyncio.gather(*(self._publish_of(agency) for agency in {one["agency"] for one in self.cohorts}))

    async def _publish_of(self, agency: str) -> None:
        training, expected = self.town.training(agency), self.town.expected
        for programme in (one for one in self.programmes if one["agency"] == agency):
            await training.publish({name: value for name, value in programme.items() if name != "agency"})
            expected.code("training.programme.published", programme["programme_code"])
        for cohort in (one for one in self.cohorts if one["agency"] == agency):
            await self._open(training, cohort)

    async def _open(self, training: Training, cohort: dict[str, Any]) -> None:
        members = ("cohort_code", "programme_code", "capacity", "place_code", "minors_only", "budget_line")
        plan = {name: cohort[name] for name in members}
        dates = {name: cohort[name].isoformat() for name in ("starts_on", "ends_on")}
        await training.plan({**plan, **dates})
        facts = {name: cohort[name] for name in ("instructor_id", "assessor_ids")}
        if "hazard_plan" in cohort:
            facts["hazard_plan"] = cohort["hazard_plan"]
        await training.move_cohort(cohort["cohort_code"], "open", "open", **facts)
        self.town.expected.code("training.cohort.planned", cohort["cohort_code"])
        self.town.expected.code("training.cohort.opened", cohort["cohort_code"])
        days, times = class_days(cohort), cohort["sessions"]
        for day in days:
            await training.schedule(
                cohort["cohort_code"], session_of(cohort, day), day, times["hours"], times["starts_at"]
            )
        await self._no_class_on_holidays(training, cohort)

    async def _no_class_on_holidays(self, training: Training, cohort: dict[str, Any]) -> None:
        for day in (cohort["sessions"] or {}).get("no_class_on", ()):
            act = training.schedule(cohort["cohort_code"], session_of(cohort, day), day, 8, "08:00")
            refusal = await refusal_of(act)
            refused = refusal is not None and refusal.code == "not_a_working_day"
            self.town.check(f"no session of {cohort['cohort_code']} on {day.isoformat()}", refused)

    async def call_off(self, cohort: dict[str, Any]) -> None:
        head = self.town.training(cohort["agency"], "head_of_opd")
        reason = cohort["cancelled"]["reason_code"]
        await head.move_cohort(cohort["cohort_code"], "cancel", "cancelled", reason_code=reason)
        self.town.expected.code("training.cohort.cancelled", cohort["cohort_code"])

    async def put_off(self, cohort: dict[str, Any]) -> None:
        facts = {name: str(value) for name, value in cohort["rescheduled"].items() if name != "day"}
        code = cohort["cohort_code"]
        thing = f"/cohorts/{code}"
        officer = self.town.training(cohort["agency"])
        seen = await officer.cohort(code)
        await officer.officer.move(
            thing, "reschedule", seen, lambda now: bool(now["starts_on"] == facts["starts_on"]), **facts
        )
        self.town.expected.code("training.cohort.rescheduled", code)


def session_of(cohort: dict[str, Any], day: date) -> str:
    return f"{cohort['cohort_code']}.{day:%m%d}"


class Class:
    """One cohort from its first day to its certificates. `seats`: who holds a seat, as the acts wrote down."""

    def __init__(self, acts: Acts, cohort: dict[str, Any], journeys: dict[str, Any]) -> None:
        self.acts, self.town, self.cohort = acts, acts.town, cohort
        self.code, self.agency = cohort["cohort_code"], cohort["agency"]
        self.programme = next(
            one for one in load("programmes.yaml") if one["programme_code"] == cohort["programme_code"]
        )
        self.marks = {(one["person"], one["day"]): one for one in journeys["attendance"]}
        self.attempts = {(one["person"], one["unit"]): one["results"] for one in journeys["attempts"]}
        self.outcomes = journeys["outcomes"]
        self.bnsp = {one["person"]: one for one in journeys["bnsp"] if one["cohort"] == self.code}
        self.seats: list[Person] = []
        self.hours: dict[str, int] = {}

    def steps(self) -> list[Step]:
        days = class_days(self.cohort)
        if not days:
            return []
        first = days[0]
        found = [
            Step(wit(first - timedelta(days=1), 16, 5), f"reminders for {self.code}", self.town.reminders_sent),
            Step(wit(first), f"{self.code} starts", self.begin),
        ]
        found += [Step(wit(day, 16, 30), "", partial(self.teach, day)) for day in days]
        found.append(Step(wit(RESULTS_ON, 17, 30), f"{self.code}: results and certificates", self.finish))
        if self.bnsp:
            found.append(Step(wit(BNSP_ON), f"{self.code}: windows of day 30 open; a BNSP certificate", self.register))
        for number, day in ASKED_ON.items():
            title = f"{self.code}: asked how they live, day {number}"
            found.append(Step(wit(day, 10), title, partial(self.ask, number)))
        return found

    @property
    def present(self) -> list[Person]:
        return [person for person in self.seats if not person.away]

    def officer(self, role: str = "programme_officer") -> Training:
        return self.town.training(self.agency, role)

    async def begin(self) -> None:
        await self.officer().move_cohort(self.code, "start", "running")
        self.town.expected.code("training.cohort.started", self.code)

    async def teach(self, day: date) -> None:
        """One class list, then the list is locked."""
        instructor = self.officer("instructor")
        entries = [self._line(person, day) for person in self.present]
        session = await instructor.record(self.code, session_of(self.cohort, day), entries)
        await instructor.close_session(self.code, session)

    def _line(self, person: Person, day: date) -> dict[str, Any]:
        mark = self.marks.get((person.number, day), {"state": "PRESENT", "hours": self.cohort["sessions"]["hours"]})
        if person.register_no not in self.hours and mark["state"] in ("PRESENT", "LATE"):
            person.expects("training.enrolment.started", "referral.referral.started")
            person.effects[("enrolment", person.enrolment_id)] = "active"
            person.effects[("referral", str(person.referrals[-1]["referral_id"]))] = "in-progress"
            self.hours[person.register_no] = 0
        if mark["state"] in ("PRESENT", "LATE", "MADE_UP"):
            self.hours[person.register_no] += mark["hours"]
        return {"enrolment_id": person.enrolment_id, "state": mark["state"], "hours": mark["hours"]}

    # -- results -----------------------------------------------------------------------------------------------------

    async def finish(self) -> None:
        await asyncio.gather(*(self._finish(person) for person in self.present))
        await self.officer().move_cohort(self.code, "finish", "finished")
        self.town.expected.code("training.cohort.finished", self.code)

    async def _finish(self, person: Person) -> None:
        """Assessed in every unit; finished by the assessor, then by the officer; signed by the head."""
        last: dict[str, str] = {}
        seen = person.enrolment
        for unit in (one["unit"] for one in self.programme["units"]):
            for number, result in enumerate(self.attempts.get((person.number, unit), ["PASS"]), start=1):
                seen = await self.officer("assessor").assess(person.enrolment_id, unit, number, result)
                last[unit] = result
        seen = await self.officer("assessor").mark_finished(seen)
        done = await self.officer().move_enrolment(seen, "finish", "completed")
        self._expect_result(person, done, last)
        for certificate in await self.officer().certificates(person.enrolment_id):
            await self.officer("head_of_opd").issue(certificate)

    def _expect_result(self, person: Person, done: dict[str, Any], last: dict[str, str]) -> None:
        """80 % of the hours and every critical unit: computed here again, from what was written on the class lists."""
        hours, all_hours = self.hours[person.register_no], self.programme["hours"]
        enough = hours * 100 >= PASS_PERCENT * all_hours
        critical = all(last[one["unit"]] == "PASS" for one in self.programme["units"] if one["critical"])
        kinds = ["PARTICIPATION_STATEMENT"]
        if enough:
            kinds = ["TRAINING_PASS", "COMPLETION_STATEMENT"] if critical else ["COMPLETION_STATEMENT"]
        person.expects("training.enrolment.completed", "referral.referral.completed")
        person.expects(*(["training.certificate.issued"] * len(kinds)))
        person.effects[("enrolment", person.enrolment_id)] = "completed"
        person.effects[("referral", str(person.referrals[-1]["referral_id"]))] = "completed"
        person.effects[("result", person.enrolment_id)] = (enough and critical, hours * 1000 // all_hours / 10)
        person.effects[("certificates", person.enrolment_id)] = sorted(kinds)
        self.town.check(f"{person.register_no}: {done['percent']} %", done["percent"] == hours * 1000 // all_hours / 10)

    async def register(self) -> None:
        """Day 30 comes near for everybody: the windows open by themselves. And an LSP has tested some."""
        for person in self._finished():
            if (seen := self.bnsp.get(person.number)) is None:
                continue
            facts = (seen["number"], seen["lsp"], seen["expires_on"].isoformat())
            await self.officer().register_bnsp(person.enrolment_id, *facts)
            person.expects("training.certificate.registered")
            kinds = person.effects[("certificates", person.enrolment_id)]
            person.effects[("certificates", person.enrolment_id)] = sorted([*_texts(kinds), "BNSP_COMPETENCE"])

    # -- afterwards --------------------------------------------------------------------------------------------------

    async def ask(self, number: int) -> None:
        """Whoever agreed to be asked. Nobody else's window ever opens."""
        for person in self._finished():
            if not self._may_ask(person):
                person.effects[("followups", person.enrolment_id)] = ["stopped"] * len(ASKED_ON)
        await asyncio.gather(*(self._ask(person, number) for person in self._finished() if self._may_ask(person)))

    async def _ask(self, person: Person, number: int) -> None:
        followup_day = ASKED_ON[number]
        outcome = self._outcome(person, number)

        async def look() -> dict[str, Any] | None:
            found = (await self.officer().followups(person.enrolment_id)).get(number)
            return found if found is not None and found["state"] == "due" else None

        followup = await until(f"{person.register_no}: day {number} is due", look)
        tried = [followup_day]
        if outcome == "UNREACHABLE":
            tried = [followup_day - timedelta(days=n) for n in reversed(range(UNREACHABLE_TRIES))]
        for made_on in tried:
            followup = await self.officer().record_outcome(followup, outcome, made_on)
        if not person.closed:
            person.expects("training.followup.due", "training.followup.recorded")
        else:
            self.town.expected.counts += 1
        known = person.effects.get(("followups", person.enrolment_id), ())
        person.effects[("followups", person.enrolment_id)] = [*_texts(known), outcome]

    def _outcome(self, person: Person, number: int) -> str:
        place = sorted(ASKED_ON).index(number)
        named = self.outcomes["named"].get(person.number)
        usual = self.outcomes["minors" if person.minor else "usual"]
        return str((named or usual[person.number % len(usual)])[place])

    def _may_ask(self, person: Person) -> bool:
        return (self.agency, "LIVELIHOOD_FOLLOWUP") in person.consents

    def _finished(self) -> list[Person]:
        return [one for one in self.seats if one.effects.get(("enrolment", one.enrolment_id)) == "completed"]


def _texts(found: object) -> Iterable[str]:
    if not isinstance(found, list | tuple):
        raise TypeError("a list was expected")
    return [str(one) for one in found]
