"""`basudara agency`: from a manifest to topics, users, rights and running services, and back. `basudara agreement`."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from deploy.basudara import agreements, keys, manifests
from deploy.basudara import doctor as doctors
from deploy.basudara.applying import Step
from deploy.basudara.console import UP, AsJson, Home, busy, code_of, known, one_line, show
from deploy.basudara.stack import Stack

app = typer.Typer(no_args_is_help=True, help="Agencies: what their manifests say becomes so.")
agreement = typer.Typer(no_args_is_help=True, help="Agreements (KB, PKS): the access policy.")
app.command()(keys.rekey)
app.command()(keys.keyring)

Plan = Annotated[bool, typer.Option("--plan", help="say what would be done, and do nothing")]


@app.command()
def apply(code: str, plan: Plan = False, home: Home = UP, as_json: AsJson = False) -> None:
    """Make what the agency's manifest asks for and is not there: topics, users, rights, running services.

    Takes nothing away: what stands there too much is told. Twice is as good as once.
    """
    with one_line():
        stack = Stack.load(home)
        agency, site = known(stack, code), stack.site
        agreed = site.agreements() if site.has_register() else []
        rights = site.rights([code], filter(agreements.is_open, agreed))
        steps, idle, surplus = list(rights.missing()), stack.not_running(agency), list(rights.surplus())
        if not plan:
            with busy(f"{code} is made"):
                rights.do(steps)
                stack.join(agency)
    idle_lines = [f"service {name}" for name in idle]
    _say([*_lines(steps), *idle_lines, *(f"too much, and left: {line}" for line in _lines(surplus))], as_json)


@app.command()
def remove(
    code: str,
    yes: Annotated[bool, typer.Option("--yes", help="do it; else it is only said")] = False,
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """End an agency's services and take away all rights and users it has. Says first what; data stays.

    Its topics keep what is in them as long as the catalogue says, its databases until somebody drops them. While its
    manifest stays, the next start of the installation makes it again.
    Exit code 1: nothing was done, since `--yes` was not given.
    """
    with one_line():
        stack = Stack.load(home)
        rights = stack.site.rights([code_of(code)], [])
        steps, running = list(rights.removal()), stack.running_of(code)
        _say([*(f"service ended {name}" for name in running), *_lines(steps)], as_json)
        if yes:
            rights.do(steps)  # first: from here on the broker and the store refuse all it asks
            stack.leave(code)
    if not yes:
        raise typer.Exit(1)


@app.command()
def rotate(code: str, home: Home = UP, as_json: AsJson = False) -> None:
    """New passwords for all users of an agency; its services start again with them, one after the other.

    No event is lost: what a service has not said stays in its outbox, what it has not heard stays on its topics.
    """
    with one_line(), busy(f"{code} gets new passwords"):
        stack = Stack.load(home)
        known(stack, code)
        rights = stack.site.rights([code], [])
        for user in rights.users:
            rights.rotate_at_broker([user])
            if user.database is not None:
                rights.rotate_at_store([user])
            stack.restart(f"{user.agency}/{user.service}")
    _say([f"new passwords {user.name}" for user in rights.users], as_json)


@app.command()
def doctor(code: str, home: Home = UP, as_json: AsJson = False) -> None:
    """Prove an agency's installation by using it; each finding with what mends it. Exit code 1 for findings."""
    with one_line(), busy(f"{code} is looked at"):
        stack = Stack.load(home)
        found = list(doctors.examine(stack, known(stack, code)))
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
    elif found:
        show(("where", "what is wrong", "what mends it"), ([one.where, one.found, one.mend] for one in found))
    else:
        print(f"{code}: all that was tried works, and all that must be refused is refused")
    if found:
        raise typer.Exit(1)


@agreement.command("apply")
def agreement_apply(file: Path, home: Home = UP) -> None:
    """Put an agreement on the register's topic and open what it joins; the services obey it from then on."""
    with one_line():
        print(f"{file.name}: {Stack.load(home).apply_agreement(file)}")


@agreement.command("end")
def agreement_end(
    file: Path,
    readers_off: Annotated[
        bool, typer.Option("--readers-off", help="at once, also for what runs; else that is heard to its end")
    ] = False,
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """Record that an agreement ended: nothing new begins under it."""
    with one_line():
        one = manifests.agreement(file)
        taken = agreements.end(one, Stack.load(home).site, readers_off=readers_off)
    _say([f"ended {one.number}", *taken], as_json)


def _lines(steps: Iterable[Step]) -> list[str]:
    return [step.line for step in steps]


def _say(lines: list[str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(lines))
    else:
        print("\n".join(lines) or "nothing to do")
