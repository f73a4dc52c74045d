"""`basudara events`: what happens as it happens, what happened to one case, and all of it for a checker."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from chassis.catalogue import Catalogue
from chassis.envelope import instant
from deploy.basudara import export, records, spans, tracing
from deploy.basudara.console import UP, AsJson, Home, Refusal, busy, code_of, console, one_line, plain, show
from deploy.basudara.records import Seen, Wanted
from deploy.basudara.spans import Placed
from deploy.basudara.stack import ROOT, Stack
from deploy.basudara.tracing import Step

COLOURS = ("cyan", "green", "yellow", "magenta", "blue")
SHOWN_EVERY = 5000  # lines between two signs of life of an export

app = typer.Typer(no_args_is_help=True, help="What happened, across the agencies' topics.")


def topics(*, events: bool, copies: bool) -> Wanted:
    """Topics of events, topics of consumers' copies, or both; by the catalogue, where only events have types."""
    channels = Catalogue(ROOT / "contracts").channels.values()
    return records.topics_of(one for one in channels if (events if one.types else copies))


@app.command()
def tail(
    agency: Annotated[str | None, typer.Option(help="only what this agency tells")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="only this type, whole or short")] = None,
    since: Annotated[Literal["beginning", "now"], typer.Option(help="from where on")] = "now",
    follow: Annotated[bool, typer.Option(help="--no-follow: what stands there, and end")] = True,
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """Events as they come, agency by agency. Ends at Ctrl-C."""
    with one_line():
        if agency is not None:
            code_of(agency)
        wanted, broker = topics(events=True, copies=False), Stack.load(home).reach.broker
        found = (
            records.as_they_come(broker, wanted, beginning=since == "beginning", ready=_say_ready)
            if follow
            else records.until_now(broker, wanted)
        )
        say = _Teller(as_json)
        try:
            for record in found:
                event = records.seen(record)
                if event is not None and agency in (None, event.agency) and _is_kind(event, kind):
                    say.event(event)
        except KeyboardInterrupt:
            return  # the one way to end it


def _say_ready(number: int) -> None:
    sys.stderr.write(f"basudara: looking at {number} topics\n")


def _is_kind(event: Seen, asked: str | None) -> bool:
    """`referral.requested`, `referral.referral.requested` or the whole type."""
    return asked is None or asked in (event.type, event.kind, event.kind.split(".", 1)[1])


class _Teller:
    """Prints events line by line, each agency in its colour."""

    def __init__(self, as_json: bool) -> None:
        self._as_json, self._console = as_json, console()
        self._colours: dict[str, str] = {}

    def event(self, event: Seen) -> None:
        if self._as_json:
            print(json.dumps(attributes(event)), flush=True)
            return
        colour = self._colours.setdefault(event.agency, COLOURS[len(self._colours) % len(COLOURS)])
        name = Text(f"{event.agency:<20}", style=colour)
        what = f" {event.service:<12} {event.kind.split('.', 1)[1]:<24} {plain(event.subject)} v{event.version}"
        self._console.print(Text(f"{instant(event.time)}  ") + name + Text(what), soft_wrap=True)


def attributes(event: Seen) -> dict[str, Any]:
    """An event without its payload."""
    place = {"topic": event.topic, "partition": event.partition, "offset": event.offset, "key": event.key}
    return {
        "time": instant(event.time),
        "agency": event.agency,
        "service": event.service,
        "type": event.type,
        "id": event.id,
        "subject": event.subject,
        "aggregateversion": event.version,
        "correlationid": event.correlation,
        "causationid": event.cause,
        **place,
    }


@app.command()
def trace(
    ref: Annotated[str, typer.Argument(help="a case_ref, or the id of a referral, event, correlation, …")],
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """Everything about one case, in order of time, as far as the caller may read the topics."""
    with one_line(), busy("reading the topics"):
        broker, every, copies = (
            Stack.load(home).reach.broker,
            topics(events=True, copies=True),
            topics(events=False, copies=True),
        )
        steps = tracing.trace(lambda: records.until_now(broker, every), ref, copies)
        if not steps:
            raise Refusal(f"{ref}: no topic tells of it")
    if as_json:
        print(json.dumps([_as_json(step) for step in steps]))
    else:
        show(("", "when", "after", "agency", "service", "what", "about", "v", "because of"), _rows(steps))


def _as_json(step: Step) -> dict[str, Any]:
    aside = [{**vars(one), "at": instant(one.at)} for one in step.aside]
    told = {"after_seconds": step.after_seconds, "because_of": step.because_of, "aside": aside}
    return {**attributes(step.event), **told}


def _rows(steps: list[Step]) -> Iterator[list[str]]:
    """A row per event, and one under it for each time that a consumer put it aside."""
    for number, step in enumerate(steps, start=1):
        event = step.event
        what, cause = event.kind.split(".", 1)[1], f"step {step.because_of}" if step.because_of else ""
        who = [instant(event.time), _span(step.after_seconds), event.agency, event.service]
        yield [str(number), *who, what, event.subject, str(event.version), cause]
        for one in step.aside:
            agency, service, _, kind = one.place.split(".")[:4]
            yield ["", instant(one.at), "", agency, service, kind, one.reason, "", f"try {one.attempts}"]


def _span(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


@app.command("spans")
def show_spans(
    ref: Annotated[str, typer.Argument(help="a trace's or an event's id, or whatever `events trace` takes")],
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """One trace as a tree: requests, commands, sendings and handlings, each under what it came from, with its time."""
    with one_line(), busy("reading the spans"):
        stack = Stack.load(home)
        if not any(stack.spans_folder.glob("*.jsonl")):
            raise Refusal(f"no spans are kept in {home} (spans: {stack.spans}): start it with `make up SPANS=1`")
        found = spans.traces(stack.spans_folder, {ref}) or spans.traces(stack.spans_folder, _events_of(stack, ref))
        if not found:
            raise Refusal(f"{ref}: no span tells of it")
    if as_json:
        print(json.dumps([[_span_as_json(one) for one in trace] for trace in found]))
        return
    for trace in found:
        console().print(Text(f"trace {plain(trace[0].span.trace_id)}"))
        show(("what", "agency", "service", "after", "took", "outcome"), _span_rows(trace))


def _events_of(stack: Stack, ref: str) -> set[str]:
    """Ids of all events of a case: the topics tell which they are."""
    every, copies = topics(events=True, copies=True), topics(events=False, copies=True)
    return {step.event.id for step in tracing.trace(lambda: records.until_now(stack.reach.broker, every), ref, copies)}


def _span_as_json(one: Placed) -> dict[str, Any]:
    return {**vars(one.span), "depth": one.depth, "after_seconds": one.after_seconds, "seconds": one.seconds}


def _span_rows(trace: list[Placed]) -> Iterator[list[str]]:
    for one in trace:
        what, span = "  " * one.depth + one.span.name, one.span
        yield [what, span.agency, span.service, _span(one.after_seconds), _span(one.seconds), span.outcome]


@app.command("export")
def export_all(
    file: Annotated[Path, typer.Argument(help="JSON lines; its folder must be there")],
    commands: Annotated[Path | None, typer.Option(help="a journal of commands, JSON lines, to stand before")] = None,
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """Commands, aggregates, notes, rows and records as JSON lines, for a checker (deploy/basudara/events.md)."""
    with one_line(), busy("exporting"):
        stack = Stack.load(home)
        found = export.lines(Catalogue(ROOT / "contracts"), stack.reach, stack.databases, commands)
        counts = _write(found, file)
    if as_json:
        print(json.dumps(counts))
    else:
        show(("kind", "lines"), [[kind, str(number)] for kind, number in counts.items()])


def _write(found: Iterator[dict[str, Any]], file: Path) -> Counter[str]:
    """Whole or not at all, readable by its owner only. Returns lines by kind."""
    counts: Counter[str] = Counter()
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        with part.open("w", encoding="utf-8") as lines:
            for line in found:
                lines.write(json.dumps(line) + "\n")  # in ASCII: many readers end a line at U+2028 and U+0085 too
                counts[line["kind"]] += 1
        part.replace(file)
    except OSError as error:
        raise Refusal(f"{file}: cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    return counts
