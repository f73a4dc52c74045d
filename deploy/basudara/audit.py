"""`basudara audit`: whether a service's record of who read or changed what is whole, and what it says of one case.

Its form: services/chassis/audit.md. Read as the operator; the services need not run.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from chassis.audit import OPEN, SEALED, Block, Head, hash_of, head_of, number_of
from chassis.database import record_of
from deploy.basudara.console import UP, AsJson, Home, Refusal, one_line, show
from deploy.basudara.stack import Stack

app = typer.Typer(no_args_is_help=True, help="The record of who read or changed what.")
TOLD = re.compile(r"^basudara_audit_(blocks|head) (\S+)$", re.MULTILINE)
HEAD = re.compile(r"([1-9][0-9]{0,15}):([0-9a-f]{64})")
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
ASK_SECONDS = 3


class Broken(Exception):
    """The first place that is not as it was sealed; behind it nothing is proven."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A head that was told elsewhere: with its whole hash, or the bits of it that a measure has."""

    number: int
    hash: str | None = None
    bits: int | None = None

    def fits(self, found: Head) -> bool:
        return self.hash == found.hash if self.hash is not None else self.bits == number_of(found)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`head`: how far the chain is whole. `broken`: None if that is all of it."""

    name: str
    head: Head
    broken: str | None
    open: int = 0


def judged(name: str, blocks: Iterable[Block], told: Collection[Told] = ()) -> Verdict:
    """The chain of "agency/service", by itself and by the heads that were told elsewhere."""
    head, last = Head(), max((one.number for one in told), default=0)
    try:
        for block in blocks:
            head = _next(name, head, block)
            if not all(one.fits(head) for one in told if one.number == head.number):
                raise Broken(f"block {head.number}: is not the one whose hash was told")
        if head.number < last:
            raise Broken(f"block {head.number + 1}: is missing; block {last} was sealed")
    except Broken as broken:
        return Verdict(name=name, head=head, broken=str(broken))
    return Verdict(name=name, head=head, broken=None)


def _next(name: str, before: Head, block: Block) -> Head:
    number = before.number + 1
    wanted = {"_id": number, "number": number, "previous": before.hash, "first": before.entries + 1}
    wanted |= dict(zip(("agency", "service"), name.split("/"), strict=True))
    for member, value in wanted.items():
        if block.get(member) != value:
            raise Broken(f"block {number}: {member} is not what follows block {before.number}")
    if not isinstance(block.get("entries"), list) or not block["entries"]:
        raise Broken(f"block {number}: has no entries")
    try:
        found = hash_of(block)
    except TypeError:  # a value that no JSON has was put there
        found = ""
    if found != block.get("hash"):
        raise Broken(f"block {number}: is not what was sealed")
    return head_of(block)


def verdict(stack: Stack, name: str, told: Collection[Told]) -> Verdict:
    with stack.reach.store() as store:
        database = stack.databases[name]
        found = judged(name, store[record_of(database)][SEALED].find(sort=[("_id", 1)]), told)
        return replace(found, open=store[database][OPEN].count_documents({}))


def told_by_service(url: str) -> list[Told]:
    """What a running service says of its own record; nothing if it does not answer, or has sealed nothing."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=ASK_SECONDS) as reply:  # noqa: S310 - our own address
            found = dict(TOLD.findall(reply.read().decode()))
    except (urllib.error.URLError, OSError):
        return []
    blocks = int(float(found.get("blocks", "0")))
    return [Told(number=blocks, bits=int(float(found["head"])))] if blocks else []


@app.command()
def verify(
    name: Annotated[str | None, typer.Argument(help="AGENCY/SERVICE; without, all")] = None,
    head: Annotated[str | None, typer.Option(help="NUMBER:HASH, as it was told before")] = None,
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """Say whether the record is as it was sealed. Exit code 1 with the first place where it is not."""
    with one_line():
        stack = Stack.load(home)
        if name is not None and name not in stack.databases:
            raise Refusal(f"{name}: not one of {', '.join(stack.databases)}")
        if head is not None and name is None:
            raise Refusal("--head: of which record? Name AGENCY/SERVICE")
        names = list(stack.databases) if name is None else [name]
        # asked before the store is read: it may seal meanwhile, never unseal
        told = {one: told_by_service(stack.urls[one]) for one in names if one in stack.urls}
        if head is not None and name is not None:
            told[name] = [*told.get(name, []), _head(head)]
        found = [verdict(stack, one, told.get(one, [])) for one in names]
    if as_json:
        print(json.dumps([_told(one) for one in found]))
    else:
        columns = ("record", "verdict", "blocks", "entries", "open", "head")
        show(columns, ([one.name, one.broken or "intact", *_cells(one)] for one in found))
    if any(one.broken for one in found):
        raise typer.Exit(1)


def _head(text: str) -> Told:
    match = HEAD.fullmatch(text)
    if match is None:
        raise Refusal("--head: NUMBER:HASH, a block's number and its hash of 64 hex digits")
    return Told(number=int(match[1]), hash=match[2])


def _cells(one: Verdict) -> list[str]:
    return [str(one.head.number), str(one.head.entries), str(one.open), str(one.head)]


def _told(one: Verdict) -> dict[str, Any]:
    return {"record": one.name, "intact": one.broken is None, "broken": one.broken, "blocks": one.head.number,
            "entries": one.head.entries, "open": one.open, "head": str(one.head)}  # fmt: skip


@app.command("show")
def show_ref(
    ref: Annotated[str, typer.Argument(help="a case_ref, or a referral's, enrolment's or message's id")],
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """Who read or changed it, or was refused, in all records. Exit code 1 if none tells of it."""
    with one_line():
        if not REF.fullmatch(ref):
            raise Refusal("REF: an id, such as a case_ref")
        found = sorted(_entries(Stack.load(home), ref), key=lambda row: str(row["at"]))
    if as_json:
        print(json.dumps(found))
    else:
        columns = ("at", "record", "block", "who", "role", "what", "outcome", "code", "times")
        show(columns, ([str(row["at"]), row["record"], _block(row), _who(row), *_rest(row)] for row in found))
    if not found:
        raise typer.Exit(1)


def _entries(stack: Stack, ref: str) -> Iterable[dict[str, Any]]:
    with stack.reach.store() as store:
        for name, database in stack.databases.items():
            for block in store[record_of(database)][SEALED].find({"entries.refs": ref}):
                for one in block["entries"]:
                    if ref in one["refs"]:
                        yield {**one, "record": name, "block": block["number"]}
            for one in store[database][OPEN].find({"refs": ref}, {"_id": 0}):
                yield {**one, "record": name, "block": None}


def _block(row: dict[str, Any]) -> str:
    return "open" if row["block"] is None else str(row["block"])


def _who(row: dict[str, Any]) -> str:
    return f"{row['agency']}/{row['service'] or row['subject']}" if row["agency"] else "-"


def _rest(row: dict[str, Any]) -> list[str]:
    what = row["what"] + (f" {row['move']}" if row["move"] else "")
    return [row["role"] or "-", what, row["outcome"], row["rule"] or row["code"] or "", str(row["times"])]
