"""Everybody else of the register: brought in, decided, sent, accepted or declined, put in line, moved up, gone.

The calendar of the crowd is the calendar of the two stories: all of one moment is done before the clock moves on.
"""

import asyncio
import csv
from collections.abc import Awaitable
from datetime import datetime
from functools import partial
from typing import Any

from deploy.demo.acts import PURPOSES, Acts
from deploy.demo.classes import Class
from deploy.demo.desks import Training
from deploy.demo.expected import Person
from deploy.demo.officers import View
from deploy.demo.town import BAPAS, DATA, Step, on, wit

BROUGHT_IN = {1: on(1, 4), 2: on(1, 11)}
DECIDED = {1: on(1, 8), 2: on(1, 13)}
ASKED = {1: on(1, 11), 2: on(1, 18)}
ANSWERED = {1: on(1, 13), 2: on(1, 21, 9, 10)}
FULL_AT = on(1, 13, 9, 10)
LATE_AT = on(1, 25, 9, 10)
REMINDED_AT = on(1, 22)
MINORS_REMINDED_AT = on(1, 20, 8, 50)


class Crowd:
    """`tables`: what the register said of each table that was sent, for whoever shows it."""

    def __init__(self, acts: Acts, journeys: dict[str, Any], classes: dict[str, Class]) -> None:
        self.acts, self.town, self.classes, self.journeys = acts, acts.town, classes, journeys
        self.groups = journeys["groups"]
        self.tables: list[View] = []
        self.wrong_rows = len(journeys["wrong_rows"])

    def steps(self) -> list[Step]:
        found = [
            Step(BROUGHT_IN[wave], f"Bapas brings in the register, part {wave}", partial(self._bring_in, wave))
            for wave in (1, 2)
        ]
        for group in self.groups:
            found += self._steps_of(group)
        for leave in self.journeys["leaves"]:
            title = f"one of {self._group(leave['person'])['name']} leaves"
            found.append(Step(self._leaving_at(leave), title, partial(self._leave, leave)))
        for pause in self.journeys["pauses"]:
            found.append(Step(wit(pause["from"], 8), "one falls ill", partial(self._pause, pause)))
            found.append(Step(wit(pause["until"], 8), "and is back", partial(self._resume, pause)))
        return found

    def _steps_of(self, group: dict[str, Any]) -> list[Step]:
        wave, name = group["wave"], group["name"]
        stops, declined = group.get("stops"), group.get("declined")
        found = [
            Step(DECIDED[wave], f"{name}: heard and decided", partial(self._each, group, self._decide)),
        ]
        if stops != "not_eligible":
            found.append(Step(ASKED[wave], f"{name}: consent and referral", partial(self._each, group, self._ask)))
        if declined is not None:
            at = LATE_AT if declined.get("late") else FULL_AT
            found.append(Step(at, f"{name}: declined", partial(self._each, group, self._decline)))
            if declined.get("late"):
                found.append(Step(REMINDED_AT, f"{name}: the answer is due soon", partial(self._neared, group)))
        elif stops is None:
            found.append(Step(ANSWERED[wave], f"{name}: accepted", partial(self._accept_all, group)))
            if group["to"] == "disperindag-ambon":
                found.append(Step(MINORS_REMINDED_AT, f"{name}: the answer is due soon", partial(self._neared, group)))
        return found

    def _group(self, number: int) -> dict[str, Any]:
        return next(one for one in self.groups if number in one["persons"])

    async def _each(self, group: dict[str, Any], act: Any) -> None:
        await asyncio.gather(*(act(self.town.person(number), group) for number in group["persons"]))

    # -- intake ------------------------------------------------------------------------------------------------------

    async def _bring_in(self, wave: int) -> None:
        """First whoever was handed over by then; later the whole table, in which the first ones stay unchanged."""
        day = BROUGHT_IN[wave].date()
        with (DATA / "persons.csv").open(newline="") as table:
            rows = [row for row in csv.DictReader(table) if row["handed_over_on"] <= day.isoformat()]
        stories = self.journeys["stories"].values()
        rows = [row for row in rows if row["register_no"] not in stories]
        before = {one.register_no for one in self._known()}
        verdicts = await self.acts.bring_in(rows)
        self.tables.append(verdicts)
        self.town.check(f"table {wave}: {len(before)} rows stay unchanged", verdicts["unchanged"] == len(before))
        fresh = [one for one in self._known() if one.register_no not in before]
        await asyncio.gather(*(self.acts.assign(person) for person in fresh))

    def _known(self) -> list[Person]:
        """Of the crowd, whoever has a case."""
        stories = self.journeys["stories"].values()
        every = self.town.expected.persons.values()
        return [one for one in every if BAPAS in one.refs and one.register_no not in stories]

    async def _decide(self, person: Person, group: dict[str, Any]) -> None:
        against = "OTHER_PROGRAMME" if group.get("stops") == "not_eligible" else None
        await self.acts.decide(person, group["field"], against)

    async def _ask(self, person: Person, group: dict[str, Any]) -> None:
        stops = group.get("stops")
        if stops == "consent_refused":
            await self.acts.say_no(person, group["to"])
            return
        refused = self.journeys["no_consent"]
        purposes = [one for one in PURPOSES if person.number not in refused.get(one, ())]
        await self.acts.consent(person, group["to"], purposes)
        await self.acts.open_case(person)
        await self.acts.known_at_referral(person, group["to"])
        if stops is None:
            await self.acts.request(person, group["to"], group["field"])
        else:
            await self.acts.must_refuse(person, group["to"], group["field"], stops)

    # -- training ----------------------------------------------------------------------------------------------------

    async def _decline(self, person: Person, group: dict[str, Any]) -> None:
        await self.acts.decline(person, self.town.training(group["to"]), group["declined"]["reason_code"])

    async def _neared(self, group: dict[str, Any]) -> None:
        """One working day is left: both sides are told, by the clock."""
        for number in group["persons"]:
            self.town.person(number).expects("referral.deadline.neared")

    async def _accept_all(self, group: dict[str, Any]) -> None:
        """One after the other, as the order of a line is the order of the answers; the last seat by two at once."""
        at_once = group.get("at_once", [])
        training, room = self.town.training(group["to"]), self.classes[group["cohort"]]
        before = [number for number in group["persons"] if not at_once or number < at_once[0]]
        after = [number for number in group["persons"] if at_once and number > at_once[-1]]
        for number in before:
            await self._accept(self.town.person(number), training, room)
        if at_once:
            await self._last_seat(at_once, group, room)
        for number in after:
            await self._accept(self.town.person(number), training, room)
        await asyncio.gather(*(self._confirm(one, training) for one in room.seats if one.number in group["persons"]))

    async def _accept(self, person: Person, training: Training, room: Class) -> str:
        enrolment = await self.acts.accept(person, training, room.cohort["place_code"])
        if enrolment["state"] == "reserved":
            room.seats.append(person)
        return str(enrolment["state"])

    async def _last_seat(self, numbers: list[int], group: dict[str, Any], room: Class) -> None:
        """Two officers say yes at the same moment, and one seat is left."""
        free = (await self.town.training(group["to"]).cohort(room.code))["seats_free"]
        officers = [self.town.training(group["to"], number=one) for one in (1, 2)]
        asked: list[Awaitable[str]] = [
            self._accept(self.town.person(number), officer, room)
            for number, officer in zip(numbers, officers, strict=True)
        ]
        states = sorted(await asyncio.gather(*asked))
        self.town.check(
            f"{room.code}: {free} seat left, two officers at once give {' and '.join(states)}",
            free == 1 and states == ["reserved", "waitlisted"],
        )

    async def _confirm(self, person: Person, training: Training) -> None:
        await self.acts.confirm(person, training)

    # -- leaving, and moving up ----------------------------------------------------------------------------------------

    def _leaving_at(self, leave: dict[str, Any]) -> datetime:
        return wit(leave["day"], 9, leave["person"] % 12 * 5)  # one after the other: the line moves with each

    async def _leave(self, leave: dict[str, Any]) -> None:
        """The seat falls free, and whoever is first in line has it."""
        person, how = self.town.person(leave["person"]), leave["how"]
        room = self.classes[self._group(person.number)["cohort"]]
        training = self.town.training(room.agency)
        line = await training.waitlist(room.programme["field"], room.cohort["place_code"])
        if how == "cancelled_by_pk":
            await self.acts.cancel(person, leave["reason_code"])
        elif how == "consent_withdrawn":
            await self.acts.withdraw_consent(person, room.agency)
        elif how == "withdrawn_by_opd":
            await self.acts.leave_by_opd(person, training, leave["reason_code"])
        elif how == "no_longer_eligible":
            await self.acts.lose_eligibility(person, leave["reason_code"])
        else:
            await self.acts.drop(person, training, leave["reason_code"])
        room.seats.remove(person)
        if line:
            await self.move_up(line, training, room)

    async def _pause(self, pause: dict[str, Any]) -> None:
        await self.acts.suspend(self.town.person(pause["person"]), pause["reason_code"])

    async def _resume(self, pause: dict[str, Any]) -> None:
        await self.acts.resume(self.town.person(pause["person"]))

    async def move_up(self, line: list[str], training: Training, room: Class) -> None:
        first = self.town.by_enrolment(line[0])
        await self.acts.gets_seat(first, training)
        now = await training.waitlist(room.programme["field"], room.cohort["place_code"])
        self.town.check(f"{room.code}: the first in line moves up, {len(now)} stay in order", now == line[1:])
        room.seats.append(first)
        await self.acts.confirm(first, training)
