"""`basudara`, the operator's command. Exit codes: 0 done, 1 not so, 2 could not run; every refusal is one line."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.basudara import stack as stacks
from deploy.basudara.manifests import BadFile
from deploy.local.processes import CannotStart

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Agencies act together for a person and yet stay apart."
)
agreement = typer.Typer(no_args_is_help=True, help="Agreements (KB, PKS): the access policy.")
clock = typer.Typer(no_args_is_help=True, help="The movable clock of the example; production has none.")
app.add_typer(agreement, name="agreement")
app.add_typer(clock, name="clock")

Home = Annotated[Path, typer.Option(help="Folder that holds the running installation.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
UP = stacks.ROOT / ".local" / "up"


@contextmanager
def _one_line() -> Iterator[None]:
    """What the operator can mend is one line and exit code 2, never a traceback."""
    try:
        yield
    except (BadFile, CannotStart, RuntimeError) as error:
        sys.stderr.write(f"basudara: {error}\n")
        raise typer.Exit(2) from None


@app.command()
def up(home: Home = UP) -> None:
    """Start every agency's services, and keep them running."""
    with _one_line():
        stacks.up(home, foreground=False, say=lambda line: print(f"  {line}", flush=True))
    status(home)


@app.command()
def down(home: Home = UP) -> None:
    """End what `up` started; data stays."""
    with _one_line():
        stacks.down(home)


@app.command()
def status(home: Home = UP, as_json: AsJson = False) -> None:
    """Addresses, health and versions. Exit code 1 when something is not healthy."""
    with _one_line():
        said = stacks.Stack.load(home).status()
    if as_json:
        print(json.dumps(said))
    else:
        table = Table("what", "address", "pid", "healthy", "version")
        for name, row in said.items():
            table.add_row(
                name,
                row["address"] or "-",
                str(row["pid"] or "-"),
                "yes" if row["healthy"] else "NO",
                row["version"] or "",
            )
        Console().print(table)
    if not all(row["healthy"] for row in said.values()):
        raise typer.Exit(1)


@app.command()
def url(name: Annotated[str, typer.Argument(help="agency/service, kafka or gateway")], home: Home = UP) -> None:
    """The address of one service."""
    with _one_line():
        running = stacks.Stack.load(home)
        known = {**running.urls, "kafka": running.kafka, "mongo": running.mongo, "gateway": running.gateway}
        if name not in known:
            raise BadFile(f"{name}: not one of {', '.join(known)}")
    print(known[name])


@app.command()
def token(
    agency: str,
    role: str,
    subject: Annotated[str, typer.Option(help="staff code of the officer")] = "officer-1",
    service: Annotated[str | None, typer.Option(help="for a service's credential")] = None,
    home: Home = UP,
) -> None:
    """A bearer token of the local issuer, for the example only."""
    with _one_line():
        print(stacks.Stack.load(home).token(agency, role, subject, service))


@agreement.command("apply")
def agreement_apply(file: Path, home: Home = UP) -> None:
    """Put an agreement on the register's topic; the services obey it from then on."""
    with _one_line():
        print(f"{file.name}: {stacks.Stack.load(home).apply_agreement(file)}")


@clock.command("move")
def clock_move(instant: Annotated[str, typer.Argument(help="such as 2027-01-11T09:00+09:00")], home: Home = UP) -> None:
    """Make it this instant for all services; time flows on from there."""
    with _one_line():
        try:
            moment = datetime.fromisoformat(instant)
        except ValueError:
            raise BadFile(f"{instant}: not an RFC 3339 instant") from None
        if moment.tzinfo is None:
            raise BadFile(f"{instant}: an offset such as +09:00 is needed")
        stacks.Stack.load(home).move_clock(moment)


if __name__ == "__main__":
    app()
