"""Spans of whole services on a real broker and a real database: one tree of what belongs together, and of nobody."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar

import httpx
import toy
from fastapi import APIRouter, Depends
from test_a_running_service import referral, tell

from chassis import ids, measures
from chassis.consuming import Listener
from chassis.duties import Duties
from chassis.errors import Conflict
from chassis.http import Body, Edge, edge
from chassis.kept import Kept
from chassis.running import Parts, Service
from chassis.testing import Running
from chassis.wire import Heard, Said
from chassis.work import Duty, Work

CASE = "prt_" + "a" * 26
NAME, NUMBER = "Canary Pattiselanno", "9171010101010001"
CODE = "error.type"
SERVER, PRODUCER, CONSUMER = 2, 4, 5  # as OTLP numbers kinds


class Requested(Said):
    TYPE: ClassVar[str] = toy.REQUESTED
    SUBJECT: ClassVar[str | None] = "referral_id"
    referral_id: str
    case_ref: str = CASE
    field: str = "WELDING"
    age_group: str = "ADULT"
    accommodations: tuple[str, ...] = ()
    availability: tuple[str, ...] = ("MORNING",)
    agreement_number: str = "PKS-001"
    eligible_until: str = "2027-04-15"
    due_on: str = "2027-01-25"
    requested_at: str = "2027-01-18T01:30:00.000Z"


class Accepted(Heard):
    TYPE: ClassVar[str] = toy.Accepted.TYPE
    referral_id: str


class Ask(Body):
    number: int
    name: str = ""
    unlinked: bool = False


def asking(office: str) -> Callable[[Any], Parts]:
    """The other side of the toy: its command requests a referral, and it hears the answer."""

    def build(_settings: Any) -> Parts:
        listener, duties, router = Listener("referral", "referrals"), Duties(), APIRouter()

        @router.post("/asks", status_code=201)
        async def ask(body: Ask, at: Annotated[Edge, Depends(edge)]) -> None:
            async def request(body: Ask, work: Work) -> None:
                if body.number == 0:
                    raise Conflict(field="number")
                tally = toy.Tally(id=referral(body.number)["referral_id"], version=1, seen=(body.name,))
                work.save(tally, Requested(referral_id=tally.id), to=office, unlinked=body.unlinked)

            await at.store.transact(request, body, at.cause)

        @router.get("/asks/{person}")
        async def look(person: str, at: Annotated[Edge, Depends(edge)]) -> str:
            found = await at.store.get(toy.Tally, person)
            return found.id

        @duties.on("asking.again")
        async def again(duty: Duty, work: Work) -> None:
            work.save(toy.Tally(id=duty.subject, version=1), Requested(referral_id=duty.subject), to=office)

        @listener.to(Accepted)
        async def settle(event: Accepted, work: Work) -> None:
            if event.referral_id == referral(9)["referral_id"]:
                raise Conflict(field="number")

        kept = [Kept(toy.Tally, "tallies")]
        return Parts(title="t", description="t", routers=[router], listener=listener, duties=duties, kept=kept)

    return build


class Pair:
    """A sender and an office, both with spans on, and what they tell."""

    def __init__(self, running_service: Callable[..., Any], folder: Path) -> None:
        self._start, self._folder = running_service, folder

    async def play(self, act: Callable[[Running, Running], Awaitable[None]]) -> list[dict[str, Any]]:
        """Spans of both, told up to their stop."""
        async with self._start("training", toy.Settings, toy.build, spans=f"file:{self._folder}") as office:
            own = {"agency": office.partner, "database": f"{office.partner}-referral"}
            settings = office.service.settings.model_copy(update=own)
            service = Service("referral", settings, asking(office.agency)(settings))
            await service.start()
            sender = Running(service, office.issuer, office.kafka, office.agency, settings.clock_file)
            await sender.start()
            try:
                await act(sender, office)
                for running in (sender, office, sender):
                    await running.settled()
            finally:
                await sender.stop()
        return told_in(self._folder)


def told_in(folder: Path) -> list[dict[str, Any]]:
    """Every span, with its attributes and its service's names at hand."""
    found = []
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            (of,) = json.loads(line)["resourceSpans"]
            (span,) = of["scopeSpans"][0]["spans"]
            found.append(span | _plain(span["attributes"]) | _plain(of["resource"]["attributes"]))
    return found


def _plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in attributes}


def tree(spans: list[dict[str, Any]], under: str | None = None) -> list[Any]:
    """Names of spans, each with those under it."""
    own = sorted((one for one in spans if one.get("parentSpanId") == under), key=lambda one: one["name"])
    return [(one["name"], tree(spans, one["spanId"])) for one in own]


async def ask(sender: Running, number: int, **body: Any) -> httpx.Response:
    return await sender.http.post("/asks", json={"number": number, **body}, headers=sender.as_("officer"))


async def test_a_command_its_event_the_handler_and_the_answer_are_one_tree(
    running_service: Callable[..., Any], tmp_path: Path
) -> None:
    async def act(sender: Running, _office: Running) -> None:
        assert (await ask(sender, 2)).status_code == 201

    spans = await Pair(running_service, tmp_path).play(act)
    answered: Any = [("process training.placement.accepted", [])]
    placed = [("process referral.referral.requested", [("send training.placement.accepted", answered)])]
    commanded = [("command request", [("send referral.referral.requested", placed)])]
    assert tree(spans) == [("POST /asks", commanded)]
    assert len({one["traceId"] for one in spans}) == 1
    heard = {one["service.name"]: one["basudara.outcome"] for one in spans if one["kind"] == CONSUMER}
    assert heard == {"training": "handled", "referral": "handled"}
    assert [one["http.response.status_code"] for one in spans if one["kind"] == SERVER] == ["201"]
    assert all(int(one["startTimeUnixNano"]) <= int(one["endTimeUnixNano"]) for one in spans)


async def test_an_event_carries_the_id_of_the_span_that_sent_it(
    running_service: Callable[..., Any], tmp_path: Path
) -> None:
    events = []

    async def act(sender: Running, office: Running) -> None:
        await ask(sender, 2)
        await sender.settled()
        events.extend([*await sender.said(), *await office.said()])

    spans = await Pair(running_service, tmp_path).play(act)
    carried = {one.id: tuple(one.traceparent.split("-")[1:3]) for one in events}
    assert len(carried) == 2
    assert carried == {
        one["cloudevents.event_id"]: (one["traceId"], one["spanId"]) for one in spans if one["kind"] == PRODUCER
    }


async def test_each_record_of_a_poll_keeps_its_own_trace(running_service: Callable[..., Any], tmp_path: Path) -> None:
    numbers = [int(f"{number:o}") for number in range(2, 22)]  # an id has no 8 and no 9
    async with running_service("training", toy.Settings, toy.build, spans=f"file:{tmp_path}") as office:
        before = committed()
        async with office.service.consumer._busy:  # what comes meanwhile is one poll
            asked = [await tell(office, number) for number in numbers]
            await asyncio.sleep(1)
        answers = await office.said(toy.Accepted.TYPE)
        polls, records = (after - was for after, was in zip(committed(), before, strict=True))
    assert records == 20
    assert polls < 6, "they came together"
    handled = {one["traceId"]: one for one in told_in(tmp_path) if one["kind"] == CONSUMER}
    sent = {one["traceId"]: one for one in told_in(tmp_path) if one["kind"] == PRODUCER}
    assert set(handled) == {event.traceparent.split("-")[1] for event in asked}
    assert len(handled) == 20
    for event in asked:
        _, trace, span, _ = event.traceparent.split("-")
        assert handled[trace]["parentSpanId"] == span
        assert sent[trace]["parentSpanId"] == handled[trace]["spanId"]
    caused = {answer.causationid: answer.traceparent.split("-")[1] for answer in answers}
    assert caused == {event.id: event.traceparent.split("-")[1] for event in asked}


def committed() -> tuple[int, int]:
    """Polls and the records in them."""
    told = {one.name.rsplit("_", 1)[1]: int(one.value) for one in next(iter(measures.COMMITTED.collect())).samples}
    return told["count"], told["sum"]


async def test_a_span_says_what_became_of_a_record(running_service: Callable[..., Any], tmp_path: Path) -> None:
    async def act(_sender: Running, office: Running) -> None:
        first = await tell(office, 2)
        await office.settled()
        await tell(office, 2, id=first.id)
        await tell(office, 3, "BAKERY")
        await tell(office, 4, "BARISTA")
        await tell(office, 5, "SEWING")
        await office.hear(toy.REQUESTED, {"case_ref": CASE, "referral_id": "r"}, source=office.partner)
        while len(await office.parked()) < 4:
            await asyncio.sleep(0.1)

    spans = await Pair(running_service, tmp_path).play(act)
    heard = [one for one in spans if one["kind"] == CONSUMER and one["service.name"] == "training"]
    told = Counter((one["basudara.outcome"], one.get(CODE)) for one in heard)
    once = [("handled", None), ("duplicate", None), *(("parked", code) for code in ("conflict", "defect", "invalid"))]
    assert told == Counter([*once, *[("retried", "not_yet")] * 3, ("parked", "not_yet")])
    assert len({one["spanId"] for one in heard}) == len(heard), "each try is a span of its own"
    sent = [one["name"] for one in spans if one["kind"] == PRODUCER and one["service.name"] == "training"]
    assert sent == ["send training.placement.accepted"], "a copy is no new event"
    assert {one["status"]["code"] for one in spans if CODE in one} == {2}


async def test_what_is_sent_without_links_begins_a_trace_of_its_own(
    running_service: Callable[..., Any], tmp_path: Path
) -> None:
    async def act(sender: Running, _office: Running) -> None:
        await ask(sender, 2, unlinked=True)

    spans = await Pair(running_service, tmp_path).play(act)
    assert [name for name, _ in tree(spans)] == ["POST /asks", "send referral.referral.requested"]
    ways = [{one["traceId"] for one in spans if one["name"].startswith(name)} for name in ("POST", "send", "command")]
    assert len(ways[0] | ways[1]) == 2
    assert ways[0] == ways[2]


async def test_a_refused_command_and_a_duty_have_their_spans(
    running_service: Callable[..., Any], tmp_path: Path
) -> None:
    async def act(sender: Running, _office: Running) -> None:
        assert (await ask(sender, 0)).status_code == 409

        async def plan(subject: str, work: Work) -> None:
            work.schedule("asking.again", subject, sender.now())

        await sender.service.store.transact(plan, referral(3)["referral_id"], cause=nobody(sender))
        while not await sender.said():
            await asyncio.sleep(0.1)

    spans = await Pair(running_service, tmp_path).play(act)
    by_name = {one["name"]: one for one in spans}
    assert (by_name["POST /asks"]["http.response.status_code"], by_name["command request"][CODE]) == ("409", "conflict")
    assert by_name["duty asking.again"]["basudara.outcome"] == "done"
    assert by_name["send referral.referral.requested"]["parentSpanId"] == by_name["duty asking.again"]["spanId"]
    assert "command plan" not in by_name, "what nobody asked for and says nothing"


def nobody(service: Running) -> Any:
    return service.service.store.work(_cause(service)).cause


def _cause(service: Running) -> Any:
    from chassis.work import Cause

    return Cause(id="c", correlation_id="c", traceparent=ids.traceparent(), at=service.now())


async def test_a_service_goes_on_where_no_collector_answers(running_service: Callable[..., Any]) -> None:
    before = measures.SPANS_DROPPED._value.get()
    async with running_service(
        "training", toy.Settings, toy.build, spans="otlp:http://127.0.0.1:9/v1/traces"
    ) as office:
        for number in range(2, 8):
            await tell(office, number)
        assert len(await office.said(toy.Accepted.TYPE)) == 6
        while measures.SPANS_DROPPED._value.get() == before:
            await asyncio.sleep(0.1)
        await tell(office, 22)
        assert len(await office.said(toy.Accepted.TYPE)) == 7


async def test_no_personal_value_is_in_a_span_whatever_fails(
    running_service: Callable[..., Any], tmp_path: Path
) -> None:
    async def act(sender: Running, office: Running) -> None:
        officer = sender.as_("officer")
        await ask(sender, 2, name=NAME)
        await ask(sender, 0, name=NAME)
        await ask(sender, 2, name=NAME)  # it is there already
        await sender.http.post("/asks", json={"number": NUMBER, NAME: NAME}, headers=officer)
        await sender.http.get(f"/asks/{NUMBER}?name={NAME}", headers={**officer, "traceparent": NUMBER})
        await sender.http.get(f"/people/{NAME}", headers=officer)
        named = {"case_ref": CASE, "referral_id": NAME, "name": NAME, "field": NUMBER}
        for body in (referral(3, "BAKERY") | {"name": NAME}, referral(4, "SEWING") | {"name": NAME}, named):
            await office.hear(
                toy.REQUESTED, body, source=office.partner, subject=NAME, id=NUMBER + NAME + body["field"]
            )

    spans = await Pair(running_service, tmp_path).play(act)
    written = json.dumps(spans)
    assert len(spans) >= 12
    assert [one["name"] for one in spans if "people" in str(one) or "/asks/" in one["name"]] == ["GET /asks/{person}"]
    for canary in (NAME, "Canary", "Pattiselanno", NUMBER, CASE):
        assert canary not in written
