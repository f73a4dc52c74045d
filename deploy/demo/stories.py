"""Stories A and D of the domain handbook as scripts of officers' acts, with the events that each person's story makes.

The lists are written down from the handbook, not taken from the acts: the two are held against each other.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from deploy.demo.acts import Acts
from deploy.demo.classes import Class, Offers
from deploy.demo.crowd import Crowd
from deploy.demo.expected import Person
from deploy.demo.officers import refusal_of
from deploy.demo.town import Script, Step, Town, load, on

DISNAKER, DINKOP = "disnaker-ambon", "dinkop-ambon"

TO_BE_REFERRED = Counter({
    "intake.case.registered": 1,
    "intake.case.assigned": 1,
    "intake.eligibility.decided": 1,
    "intake.case.opened": 1,
})  # fmt: skip
FROM_SEAT_TO_CERTIFICATE = Counter({
    "training.seat.reserved": 1,
    "training.enrolment.confirmed": 1,
    "training.enrolment.started": 1,
    "referral.referral.started": 1,
    "training.enrolment.completed": 1,
    "training.certificate.issued": 2,
    "referral.referral.completed": 1,
})  # fmt: skip

STORY_A = TO_BE_REFERRED + FROM_SEAT_TO_CERTIFICATE + Counter({
    "intake.consent.asked": 3,
    "intake.consent.granted": 3,
    "referral.referral.requested": 1,
    "training.placement.accepted": 1,
    "referral.referral.accepted": 1,
    "referral.referral.progressed": 2,  # scheduled, enrolled
    "training.certificate.registered": 1,
    "training.followup.due": 2,  # the third window opens after his release: nothing of it is Bapas's
    "training.followup.recorded": 2,  # and the third answer is a count without him
    "intake.case.closed": 1,
    "intake.consent.expired": 1,  # TRAINING ends with the case
})  # fmt: skip

STORY_D = TO_BE_REFERRED + FROM_SEAT_TO_CERTIFICATE + Counter({
    "intake.consent.asked": 4,  # TRAINING for dinkop; all three for disnaker
    "intake.consent.granted": 4,
    "referral.referral.requested": 2,
    "training.placement.declined": 1,
    "referral.referral.rejected": 1,
    "training.placement.accepted": 1,
    "training.seat.waitlisted": 1,
    "referral.referral.accepted": 1,
    "referral.referral.progressed": 3,  # waitlisted, scheduled, enrolled
    "training.followup.due": 3,
    "training.followup.recorded": 3,
})  # fmt: skip


class StoryA:
    """Yopi, welding: the straight way, a release in between, and a livelihood at the end."""

    title, kinds = "A", STORY_A

    def __init__(self, acts: Acts, person: Person, welding: Class) -> None:
        self.acts, self.town, self.person, self.welding = acts, acts.town, person, welding

    def steps(self) -> list[Step]:
        return [
            Step(on(1, 11), "A: case registered, a PK appointed", self.register),
            Step(on(1, 15), "A: litmas, RRI and needs done; eligible until 15 April", self.decide),
            Step(on(1, 18), "A: consents, case opened, referral requested", self.request),
            Step(on(1, 21), "A: accepted with a seat; card fetched, seat confirmed", self.accept),
            Step(on(6, 30), "A: released, case closed", self.release),
            Step(on(8, 27, 20), "A: looked at from outside", self.look_back),
        ]

    async def register(self) -> None:
        await self.acts.bring_in([self.person.row])
        await self.acts.assign(self.person)

    async def decide(self) -> None:
        await self.acts.decide(self.person, "WELDING")
        case = await self.acts.pk(self.person).case(self.person.refs["bapas-ambon"])
        self.town.check("A: eligible until 2027-04-15", case["eligibility"]["valid_until"] == "2027-04-15")

    async def request(self) -> None:
        await self.acts.consent(self.person, DISNAKER)
        await self.acts.open_case(self.person)
        await self.acts.known_at_referral(self.person, DISNAKER)
        requested = await self.acts.request(self.person, DISNAKER, "WELDING")
        self.town.check("A: an answer is due on 2027-01-25", requested["due_on"] == "2027-01-25")

    async def accept(self) -> None:
        training = self.town.training(DISNAKER)
        enrolment = await self.acts.accept(self.person, training, self.welding.cohort["place_code"])
        self.town.check("A: a seat at once", enrolment["state"] == "reserved")
        self.welding.seats.append(self.person)
        await self.acts.confirm(self.person, training)

    async def release(self) -> None:
        await self.acts.close_case(self.person)

    async def look_back(self) -> None:
        """What must hold: 92.5 %, two tries at unit 2, and a last answer that is nobody's."""
        seen = await self.town.training(DISNAKER).enrolment(self.person.enrolment_id)
        unit = seen["units"]["WELD-2"]
        self.town.check("A: 148 of 160 JP, 92.5 %, passed", (seen["percent"], seen["passed"]) == (92.5, True))
        self.town.check("A: unit 2 passed on attempt 2", unit == {"attempts": 2, "result": "PASS"})
        await self.town.watch.caught_up()
        last = [one for one in self.town.watch.events if one.kind == "training.followup.recorded" and one.ref is None]
        nobodys = [one.data["enrolment_id"] is None and one.key == one.data["followup_id"] for one in last]
        self.town.check("A: the answer of day 180 reaches Bapas as a count, without him", nobodys == [True])
        outcomes = await self.town.referrals(self.person.officer).outcomes()
        counted = sum(one["count"] for one in outcomes if one["day"] == 180)
        told = sum(
            1 for one in self.town.watch.events if one.kind == "training.followup.recorded" and one.data["day"] == 180
        )
        self.town.check(f"A: Bapas counts {counted} answers of day 180, {told} were told", counted == told)


class StoryD:
    """Frans, barista: no seat at the first office, the third place in line at the second."""

    title, kinds = "D", STORY_D

    def __init__(self, acts: Acts, person: Person, barista: Class) -> None:
        self.acts, self.town, self.person, self.barista = acts, acts.town, person, barista
        self.first: dict[str, Any] = {}
        self.refused: dict[str, Any] = {}

    def steps(self) -> list[Step]:
        return [
            Step(on(1, 4), "D: case registered, a PK appointed", self.register),
            Step(on(1, 8), "D: eligible for barista", self.decide),
            Step(on(1, 11), "D: consent for dinkop-ambon, referral requested", self.request_first),
            Step(on(1, 13, 9, 20), "D: declined, CAPACITY_FULL; the other office may not be asked yet", self.decline),
            Step(on(1, 14), "D: consent for disnaker-ambon, a new referral", self.request_second),
            Step(on(1, 18), "D: accepted, place 3 in line", self.accept),
            Step(on(1, 21, 9, 20), "D: the third who left made room for him", self.seated),
            Step(on(8, 27, 20), "D: looked at from outside", self.look_back),
        ]

    async def register(self) -> None:
        await self.acts.bring_in([self.person.row])
        await self.acts.assign(self.person)

    async def decide(self) -> None:
        await self.acts.decide(self.person, "BARISTA")

    async def request_first(self) -> None:
        await self.acts.consent(self.person, DINKOP, ["TRAINING"])
        await self.acts.open_case(self.person)
        await self.acts.known_at_referral(self.person, DINKOP)
        self.first = await self.acts.request(self.person, DINKOP, "BARISTA")
        self.town.check("D: an answer is due on 2027-01-18", self.first["due_on"] == "2027-01-18")

    async def decline(self) -> None:
        training = self.town.training(DINKOP)
        cohort = await training.cohort("KOPI-2027-01")
        self.town.check("D: the class of dinkop-ambon is full", cohort["seats_free"] == 0)
        await self.acts.decline(self.person, training, "CAPACITY_FULL")
        await self.town.arrived()
        self.refused = await self.acts.must_refuse(
            self.person, DISNAKER, "BARISTA", "no_consent", replaces=self.first["referral_id"]
        )

    async def request_second(self) -> None:
        await self.acts.consent(self.person, DISNAKER)
        await self.acts.known_at_referral(self.person, DISNAKER)
        second = await self.acts.send(self.person, self.refused)
        self.town.check(
            "D: the second referral says which it replaces", second["replaces"] == self.first["referral_id"]
        )

    async def accept(self) -> None:
        training = self.town.training(DISNAKER)
        await self.acts.accept(self.person, training, self.barista.cohort["place_code"])
        enrolment = await training.enrolment(self.person.enrolment_id)
        self.town.check("D: place 3 in line", (enrolment["state"], enrolment["place_in_line"]) == ("waitlisted", 3))

    async def seated(self) -> None:
        """The crowd's three leavings moved the line; the last of them gave him the seat and he confirmed it."""
        enrolment = await self.town.training(DISNAKER).enrolment(self.person.enrolment_id)
        self.town.check("D: scheduled when the third had left", enrolment["cohort_code"] == self.barista.code)
        seats = [
            one
            for one in self.town.watch.events
            if one.data.get("cohort_code") == self.barista.code
            and one.kind in ("training.seat.released", "training.seat.reserved")
            and one.time >= on(1, 20)
        ]
        order = [one.kind.rsplit(".", 1)[1] for one in sorted(seats, key=lambda one: (one.time, one.id))]
        self.town.check("D: three times released, then reserved", order == ["released", "reserved"] * 3)

    async def look_back(self) -> None:
        """What must hold: the first referral stays rejected, and dinkop-ambon never learns of the second."""
        first = await self.acts.desk(self.person).referral(self.first["referral_id"])
        said = (first["state"], first["reason_code"])
        self.town.check("D: the first referral stays rejected, CAPACITY_FULL", said == ("rejected", "CAPACITY_FULL"))
        second = self.person.referrals[-1]["referral_id"]
        there = await refusal_of(self.town.training(DINKOP).officer.get(f"/placements/{second}"))
        self.town.check("D: dinkop-ambon does not know the second", there is not None and there.status == 404)
        own = self.person.refs[DINKOP]
        strange = [one for one in self.town.watch.of(*self.person.refs.values()) if DINKOP in one.topic]
        self.town.check("D: no topic of dinkop-ambon tells of it", {one.ref for one in strange} == {own})


def story_kinds(person: Person, watch_kinds: Counter[str], literal: Counter[str]) -> list[str]:
    """Differences between the handbook's list, the script's list and what was seen; none if all agree."""
    lines = []
    for kind in sorted({*literal, *person.kinds, *watch_kinds}):
        told = (literal[kind], person.kinds[kind], watch_kinds[kind])
        if len(set(told)) > 1:
            lines.append(f"{person.register_no}: {kind}: handbook {told[0]}, script {told[1]}, seen {told[2]}")
    return lines


@dataclass(frozen=True)
class Cast:
    """The whole play. `scripts` is for `town.play`."""

    story_a: StoryA
    story_d: StoryD
    crowd: Crowd
    offers: Offers
    rooms: dict[str, Class]

    @property
    def scripts(self) -> list[Script]:
        return [self.offers, self.story_a, self.story_d, self.crowd, *self.rooms.values()]


def cast(town: Town) -> Cast:
    """Offers, both stories, the crowd, the classes."""
    journeys, acts, offers = load("journeys.yaml"), Acts(town), Offers(town)
    rooms = {one["cohort_code"]: Class(acts, one, journeys) for one in offers.cohorts}
    persons, who = town.expected.persons, journeys["stories"]
    return Cast(
        story_a=StoryA(acts, persons[who["A"]], rooms["WELD-2027-01"]),
        story_d=StoryD(acts, persons[who["D"]], rooms["BAR-2027-01"]),
        crowd=Crowd(acts, journeys, rooms),
        offers=offers,
        rooms=rooms,
    )
