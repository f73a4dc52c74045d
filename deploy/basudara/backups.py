"""`basudara backup` and `basudara restore`: one agency's stores, out and back."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.basudara import backup as taking
from deploy.basudara.console import UP, AsJson, Home, Refusal, busy, code_of, one_line, show
from deploy.basudara.records import Seen
from deploy.basudara.restore import Restore
from deploy.basudara.stack import Stack

Code = Annotated[str, typer.Argument(metavar="AGENCY")]
LOST = ("event", "subject", "version", "id", "topic")


def backup(
    code: Code,
    folder: Annotated[Path, typer.Argument(help="to be made")],
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """Copy what an agency's services keep into a new folder, while they run.

    The agency's key is not in it: without it nobody is readable, so keep it elsewhere.
    """
    with one_line(), busy(f"{code} is copied"):
        stack = Stack.load(home)
        taken = taking.take(code, _databases(stack, code), stack.site.catalogue, stack.reach, folder.resolve())
    if as_json:
        print(taken.model_dump_json(by_alias=True))
    else:
        rows = ([one.service, str(sum(kept.documents for kept in one.kept))] for one in taken.services)
        show(("service", "documents"), rows)


def restore(
    code: Code,
    folder: Path,
    yes: Annotated[bool, typer.Option("--yes", help="do it; else it is only said")] = False,
    lost: Annotated[bool, typer.Option("--lost", help="only name what was lost by it, now that it is done")] = False,
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """Put an agency's stores back to a backup; its services stop, and start when it is done.

    What they heard since they hear again, and who was erased since is forgotten again, before they open their doors.
    What was commanded since is lost: the events that told of it are named. Services that others run must be stopped
    before; what was lost is asked for by `--lost` when they have started again. Exit code 1: nothing was done, since
    `--yes` was not given.
    """
    with one_line():
        stack = Stack.load(home)
        found = taking.read(folder)
        here, theirs = set(_databases(stack, code).values()), {one.database for one in found.services}
        if found.agency != code or not theirs <= here:
            raise Refusal(f"{folder}: is of {found.agency}, not of {code} as it runs here")
        back = Restore(found, folder, stack.site.catalogue, stack.reach)
        if lost:
            _say_lost(back.lost(), as_json)
            return
        back.must_be_possible()
        if yes:
            running = stack.running_of(code)
            _put_back(back, stack, running)
            if running:
                _say_lost(back.lost(), as_json)
            else:
                print(f"{code} is put back. Start its services, and then ask again with --lost.")
            return
    _say_plan(found, as_json)
    raise typer.Exit(1)


def _put_back(back: Restore, stack: Stack, running: list[str]) -> None:
    """What ran runs again, once it has heard all."""
    with busy(f"{back.backup.agency} is put back"):
        for name in running:
            stack.end(name)
        back.do()
        for name in running:
            stack.start(name)


def _databases(stack: Stack, code: str) -> dict[str, str]:
    """By service. Raises Refusal."""
    found = {name.split("/")[1]: of for name, of in stack.databases.items() if name.startswith(f"{code_of(code)}/")}
    if not found:
        raise Refusal(f"{code}: keeps nothing here")
    return found


def _say_plan(found: taking.Backup, as_json: bool) -> None:
    lines = [f"put back to {found.taken_at:%Y-%m-%d %H:%M:%S} UTC: {one.database}" for one in found.services]
    print(json.dumps(lines) if as_json else "\n".join(lines))


def _say_lost(lost: list[Seen], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {"event": one.kind, "subject": one.subject, "version": one.version, "id": one.id, "topic": one.topic}
        for one in lost
    ]
    if as_json:
        print(json.dumps(rows))
    elif rows:
        print("Told since the backup, and followed from what nobody can hear again. Do it once more, or tell others:")
        show(LOST, ([str(row[name]) for name in LOST] for row in rows))
    else:
        print("Nothing was lost.")
