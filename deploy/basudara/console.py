"""What every group of commands shares: the installation's home, one-line refusals, tables that stand any text."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from confluent_kafka import KafkaException
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chassis.catalogue import CODE
from deploy.basudara import stack as stacks
from deploy.basudara.manifests import Agency, BadFile
from deploy.local.processes import CannotStart

Home = Annotated[Path, typer.Option(help="Folder that holds the running installation.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
UP = stacks.ROOT / ".local" / "up"
WIDTH_UNSEEN = 240  # columns where no terminal says how many it has


class Refusal(Exception):
    """One line for the operator: what is not done, and why."""


@contextmanager
def one_line() -> Iterator[None]:
    """What the operator can mend is one line and exit code 2, never a traceback."""
    try:
        yield
    except KafkaException as error:
        _refuse(f"Kafka: {error.args[0].str()}")
    except PyMongoError as error:
        _refuse(f"MongoDB: {type(error).__name__}")  # its text lists every server and every try
    except (Refusal, BadFile, CannotStart, RuntimeError) as error:
        _refuse(str(error))


def _refuse(reason: str) -> None:
    sys.stderr.write(f"basudara: {plain(' '.join(reason.split()))}\n")
    raise typer.Exit(2) from None


def plain(text: str) -> str:
    """For a terminal: what came from outside can't move its cursor or turn its lines round."""
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def code_of(given: str) -> str:
    """The code of an agency or service as it was typed. Raises Refusal for what can't be one: it reaches patterns."""
    if not CODE.fullmatch(given):
        raise Refusal(f"{given}: not a code (lower-case letters, digits, single hyphens)")
    return given


def known(stack: stacks.Stack, code: str) -> Agency:
    """The agency of this code. Raises Refusal: the installation has no manifest of it."""
    found = stack.site.agencies.get(code_of(code))
    if found is None:
        raise Refusal(f"{code}: no manifest in {stack.manifests_folder}")
    return found


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """A sign of life on the terminal, beside what is printed."""
    with Console(stderr=True).status(doing):
        yield


def show(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; a cell is text, never markup."""
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(plain(cell), overflow="fold") for cell in row))
    console().print(table)


def console() -> Console:
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=WIDTH_UNSEEN)
