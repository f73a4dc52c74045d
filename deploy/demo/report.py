"""What a play shows: events as they happen, agency by agency, and tables at the end."""

from collections import Counter
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.basudara.records import Seen
from deploy.demo.expected import Person, by_agency
from deploy.demo.town import BAPAS, WIT, Town
from deploy.demo.verdict import Findings

COLOURS = ("cyan", "green", "yellow", "magenta", "blue")
LINES_OF_MISSING = 25


class Stage:
    """Prints to a console, or keeps silent. Whoever a story tells of is shown event by event, the crowd in sums."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self.console, self.quiet = console, quiet
        self.stars: dict[str, Person] = {}
        self.crowd: list[Seen] = []
        self._colours: dict[str, str] = {}

    def say(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, highlight=False, soft_wrap=True)

    def curtain(self, at: datetime, titles: list[str]) -> None:
        self.sum_up()
        when = at.astimezone(WIT)
        self.say("")
        self.say(f"[bold]{when:%a %d %b %Y %H:%M} WIT[/bold]  {'; '.join(_gathered(titles))}")

    def told(self, event: Seen) -> None:
        """One event, as it happens."""
        if self.quiet:
            return
        star = next((name for name, one in self.stars.items() if event.ref in one.refs.values()), None)
        if star is None:
            self.crowd.append(event)
            return
        short = event.kind.split(".", 1)[1]
        self.say(f"  {self._name(event.agency)} {event.service:<12} {short:<22} [bold]{star}[/bold] {_fact(event)}")

    def sum_up(self) -> None:
        """The crowd's events since the last curtain, a line per agency and service."""
        for (agency, service), kinds in by_agency(self.crowd).items():
            sums = ", ".join(f"{kind} ×{number}" for kind, number in sorted(kinds.items()))
            self.say(f"  {self._name(agency)} {service:<12} [dim]{sums}[/dim]")
        self.crowd = []

    def _name(self, agency: str) -> str:
        colour = self._colours.setdefault(agency, COLOURS[len(self._colours) % len(COLOURS)])
        return f"[{colour}]{agency:<20}[/{colour}]"


def _gathered(titles: list[str]) -> list[str]:
    """What several do at the same moment is said once: `welding, sewing: accepted`."""
    who: dict[str, list[str]] = {}
    for title in titles:
        name, _, what = title.rpartition(": ")
        who.setdefault(what, []).append(name)
    return [f"{', '.join(filter(None, names))}: {what}" if any(names) else what for what, names in who.items()]


def _fact(event: Seen) -> str:
    """The one member that tells most; ids are left out."""
    for name in (
        "template",
        "reason_code",
        "business_status",
        "cohort_code",
        "place_in_line",
        "due_on",
        "outcome_code",
        "kind",
    ):
        if event.data.get(name) is not None:
            return str(event.data[name])
    return ""


def closing(console: Console, town: Town, found: Findings) -> None:
    """Persons, referrals, events, messages, effects."""
    for table in (_persons(town, found), _events(town, found), _messages(found), _effects(town, found)):
        console.print(table)
    for line in found.missing[:LINES_OF_MISSING]:
        console.print(f"  [red]missing[/red] {line}", highlight=False, soft_wrap=True)
    if len(found.missing) > LINES_OF_MISSING:
        console.print(f"  … and {len(found.missing) - LINES_OF_MISSING} more")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 or column == "state" else "right")
    return table


def _persons(town: Town, found: Findings) -> Table:
    table = _table("Persons and referrals", "what", "state", "number")
    registered = sum(BAPAS in one.refs for one in town.expected.persons.values())
    table.add_row("rows of the register", "brought in", str(registered))
    table.add_row("", "refused", str(found.effects_seen["refused row"]))
    for what, states in (("cases", found.cases), ("referrals", found.referrals), ("enrolments", found.enrolments)):
        table.add_section()
        for number, (state, count) in enumerate(sorted(states.items())):
            table.add_row(what if number == 0 else "", state, str(count))
    return table


def _events(town: Town, found: Findings) -> Table:
    table = _table("Events by type", "type", "expected", "seen")
    expected = town.expected.events
    seen = Counter(event.kind for event in town.watch.events if not event.kind.startswith("notification.message"))
    for kind in sorted({*expected, *seen}):
        table.add_row(kind, str(expected[kind]), str(seen[kind]))
    table.add_section()
    table.add_row("all but messages", str(sum(expected.values())), str(sum(seen.values())))
    again = f"{found.repeats} sent again after a kill" if found.repeats else ""
    table.add_row("all", again, str(len(town.watch.events)))
    return table


def _messages(found: Findings) -> Table:
    table = _table("Messages by state", "agency", "state", "number")
    for agency, states in found.messages.items():
        table.add_section()
        for number, (state, count) in enumerate(sorted(states.items())):
            table.add_row(agency if number == 0 else "", state, str(count))
    return table


def _effects(town: Town, found: Findings) -> Table:
    table = _table("Effects at the doors", "what", "expected", "seen")
    for what in sorted(found.effects_expected):
        table.add_row(what, str(found.effects_expected[what]), str(found.effects_seen[what]))
    table.add_section()
    table.add_row("promises looked at and kept", str(found.promises_kept + len(town.trouble)), str(found.promises_kept))
    return table


def verdict_line(town: Town, found: Findings, times: dict[str, float], killed: list[str]) -> str:
    took = ", ".join(f"{name} {value:.1f} s" for name, value in times.items())
    after = f", {' and '.join(killed)} killed and back" if killed else ""
    if found.holds:
        return (
            f"VERDICT: ok — {sum(found.effects_expected.values())} effects and "
            f"{sum(town.expected.events.values())} events expected and seen, "
            f"{found.promises_kept} promises kept, nothing parked{after} ({took})"
        )
    first = "; ".join(found.missing[:3])
    return f"VERDICT: FAILED — {len(found.missing)} differences{after}: {first} ({took})"


def failure(problem: Exception) -> dict[str, Any]:
    return {"verdict": "failed", "missing": [f"{type(problem).__name__}: {problem}"]}
