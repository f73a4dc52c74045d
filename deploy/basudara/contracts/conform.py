"""`basudara contracts conform`: what the records of a topic break, counted by rule, with the first places of each."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from chassis.clock import Clock
from deploy.basudara import records
from deploy.basudara.console import UP, AsJson, Home, Refusal, busy, one_line, plain, show
from deploy.basudara.contracts.catalogues import Contracts
from deploy.basudara.contracts.judging import Judge
from deploy.basudara.records import Broker, Record, Wanted
from deploy.basudara.stack import ROOT, Stack

EXAMPLES = 3  # places that are named for each rule


class TimeIsUp(Exception):
    """Ends the listening; what was heard counts."""


@dataclass
class Broken:
    """One rule at one place: how many records broke it, what was found in the first ways, and where first."""

    count: int = 0
    found: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What was heard, by topic; `broken` by topic, pointer and rule."""

    records: Counter[str] = field(default_factory=Counter)
    broken: dict[tuple[str, str, str], Broken] = field(default_factory=dict)

    def add(self, record: Record, judge: Judge) -> None:
        """Raises BadFile where the contracts can't say."""
        self.records[record.topic] += 1
        found: dict[tuple[str, str], list[str]] = {}
        for one in judge.findings(record):
            found.setdefault((one.pointer, one.rule), []).append(one.found)
        for (pointer, rule), texts in found.items():
            row = self.broken.setdefault((record.topic, pointer, rule), Broken())
            row.count += 1
            if row.count <= EXAMPLES:
                row.examples.append(f"{record.partition}:{record.offset}")
            row.found += [text for text in texts if text not in row.found][: EXAMPLES - len(row.found)]

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"topic": topic, "pointer": pointer, "rule": rule, **vars(row)}
            for (topic, pointer, rule), row in self.broken.items()
        ]


def conform(
    topics: Annotated[list[str], typer.Argument(help="whole names", metavar="TOPIC…")],
    seconds: Annotated[float | None, typer.Option(min=0.1, help="listen this long, to what comes too")] = None,
    until_end: Annotated[bool, typer.Option("--until-end", help="what is there, and end: the default")] = False,
    begin: Annotated[Literal["beginning", "end"], typer.Option("--from", help="where to begin")] = "beginning",
    most: Annotated[int | None, typer.Option("--max", min=1, help="end after so many records")] = None,
    contracts: Annotated[Path, typer.Option(help="folder of the contracts")] = ROOT / "contracts",
    kafka: Annotated[str | None, typer.Option(help="address of another broker than the installation's")] = None,
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """Listen to topics and report what their records break. Leaves no trace there. Exit code 1 for findings."""
    with one_line():
        if (seconds is None and begin == "end") or (seconds is not None and until_end):
            raise Refusal("either --until-end, from the beginning, or --seconds N, from the beginning or the end")
        broker, clock = _installation(kafka, home)
        judge, report = Judge(Contracts(contracts), clock.now()), Report()
        with busy(f"listening to {len(topics)} topics"):
            for record in _heard(broker, topics, seconds, begin == "beginning"):
                report.add(record, judge)
                if report.records.total() == most:
                    break
    if as_json:
        print(json.dumps({"records": dict(report.records), "broken": report.rows()}))
    else:
        _show(report, topics)
    if report.broken:
        raise typer.Exit(1)


def _installation(kafka: str | None, home: Path) -> tuple[Broker, Clock]:
    """A foreign broker's clock is the true one. Raises CannotStart."""
    if kafka is not None:
        return {"bootstrap.servers": kafka}, Clock()
    stack = Stack.load(home)
    return stack.reach.broker, stack.clock


def _heard(broker: Broker, topics: list[str], seconds: float | None, beginning: bool) -> Iterator[Record]:
    """Raises Refusal for a topic that is not there, RuntimeError, KafkaException."""
    listed: set[str] = set()
    until = None if seconds is None else time.monotonic() + seconds
    wanted = _asked_for(topics, listed, until)
    try:
        if until is None:
            yield from records.until_now(broker, wanted)
        else:
            for record in records.as_they_come(broker, wanted, beginning=beginning, ready=lambda _: None):
                if time.monotonic() >= until:
                    break
                yield record
    except (TimeIsUp, KeyboardInterrupt):
        pass  # heard as long as was wanted
    missing = [topic for topic in topics if topic not in listed]
    if missing:
        raise Refusal(f"{missing[0]}: no such topic, or it may not be read")


def _asked_for(topics: list[str], listed: set[str], until: float | None) -> Wanted:
    """Also the place to end where no record comes: the reader asks for its topics again every two seconds."""

    def wanted(topic: str) -> bool:
        if until is not None and time.monotonic() >= until:
            raise TimeIsUp
        listed.add(topic)
        return topic in topics

    return wanted


def _show(report: Report, topics: list[str]) -> None:
    for topic in topics:
        broken = sum(row.count for (name, _, _), row in report.broken.items() if name == topic)
        print(plain(f"{topic}: {report.records[topic]} records, {broken} findings"))
    if report.broken:
        columns = ("topic", "count", "where", "rule", "what was found", "first at partition:offset")
        show(columns, (_cells(row) for row in report.rows()))


def _cells(row: dict[str, Any]) -> list[str]:
    found, places = "; ".join(row["found"]), " ".join(row["examples"])
    return [row["topic"], str(row["count"]), row["pointer"], row["rule"], found, places]
