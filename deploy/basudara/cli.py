"""`basudara`, the operator's command. Exit codes: 0 done, 1 not so, 2 could not run; every refusal is one line."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.basudara import agency, audit, backups, events, parked
from deploy.basudara import stack as stacks
from deploy.basudara.console import UP, AsJson, Home, one_line, show
from deploy.basudara.contracts import commands as contracts
from deploy.basudara.kubernetes import commands as kubernetes
from deploy.basudara.manifests import BadFile

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Agencies act together for a person and yet stay apart."
)
clock = typer.Typer(no_args_is_help=True, help="The movable clock of the example; production has none.")
app.add_typer(agency.app, name="agency")
app.add_typer(agency.agreement, name="agreement")
app.add_typer(audit.app, name="audit")
app.add_typer(events.app, name="events")
app.add_typer(parked.app, name="parked")
app.add_typer(clock, name="clock")
app.add_typer(contracts.app, name="contracts")
app.add_typer(kubernetes.app, name="render")
app.command()(backups.backup)
app.command()(backups.restore)


@app.command()
def up(
    agencies: Annotated[Path, typer.Option(help="folder of the agencies' manifests")] = stacks.AGENCIES,
    home: Home = UP,
) -> None:
    """Start every agency's services, and keep them running."""
    with one_line():
        stacks.up(home, foreground=False, folder=agencies, say=lambda line: print(f"  {line}", flush=True))
    status(home)


@app.command()
def down(home: Home = UP) -> None:
    """End what `up` started; data stays."""
    with one_line():
        stacks.down(home)


@app.command()
def status(home: Home = UP, as_json: AsJson = False) -> None:
    """Addresses, health and versions. Exit code 1 when something is not healthy."""
    with one_line():
        said = stacks.Stack.load(home).status()
    if as_json:
        print(json.dumps(said))
    else:
        columns = ("what", "address", "pid", "healthy", "version")
        show(columns, ([name, *_cells(row)] for name, row in said.items()))
    if not all(row["healthy"] for row in said.values()):
        raise typer.Exit(1)


def _cells(row: dict[str, Any]) -> list[str]:
    return [row["address"] or "-", str(row["pid"] or "-"), "yes" if row["healthy"] else "NO", row["version"] or ""]


@app.command()
def url(name: Annotated[str, typer.Argument(help="agency/service, kafka or gateway")], home: Home = UP) -> None:
    """The address of one service."""
    with one_line():
        running = stacks.Stack.load(home)
        known = {**running.urls, "kafka": running.kafka, "mongo": running.mongo, "gateway": running.gateway}
        if name not in known:
            raise BadFile(f"{name}: not one of {', '.join(known)}")
    print(known[name])


@app.command()
def token(
    code: Annotated[str, typer.Argument(metavar="AGENCY")],
    role: str,
    subject: Annotated[str, typer.Option(help="staff code of the officer")] = "officer-1",
    service: Annotated[str | None, typer.Option(help="for a service's credential")] = None,
    home: Home = UP,
) -> None:
    """A bearer token of the local issuer, for the example only."""
    with one_line():
        print(stacks.Stack.load(home).token(code, role, subject, service))


@clock.command("move")
def clock_move(instant: Annotated[str, typer.Argument(help="such as 2027-01-11T09:00+09:00")], home: Home = UP) -> None:
    """Make it this instant for all services; time flows on from there."""
    with one_line():
        try:
            moment = datetime.fromisoformat(instant)
        except ValueError:
            raise BadFile(f"{instant}: not an RFC 3339 instant") from None
        if moment.tzinfo is None:
            raise BadFile(f"{instant}: an offset such as +09:00 is needed")
        stacks.Stack.load(home).move_clock(moment)


if __name__ == "__main__":
    app()
