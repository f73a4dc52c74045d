"""`basudara contracts diff` and `check`: whether a change of the contracts breaks anybody, who, and by what document.

What breaks whom, and why: contracts/decisions/0008 and "How to change a contract" in contracts/README.md.
"""

import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Annotated, Literal

import typer

from deploy.basudara import manifests
from deploy.basudara.console import AsJson, Refusal, one_line, plain
from deploy.basudara.contracts.catalogues import MANIFESTS, manifests_of
from deploy.basudara.contracts.compare import channels, events
from deploy.basudara.contracts.compare.sides import Change, Side, schema_in
from deploy.basudara.contracts.compare.verdicts import gaps
from deploy.basudara.manifests import Agency
from deploy.basudara.stack import ROOT

CONTRACTS = "contracts"
Who = Literal["writer", "reader"]
Agencies = Annotated[
    Path | None,
    typer.Option(help="folder of the agencies' manifests; else deploy/agencies beside the contracts, or here"),
]


def diff(
    old: Annotated[Path, typer.Argument(help="folder of contracts, or a schema file, as it was")],
    new: Annotated[Path, typer.Argument(help="the same as it is to be")],
    change: Annotated[
        Who,
        typer.Option(help="of two schemas: writer, NEW writes for readers of OLD; reader, NEW reads what OLD wrote"),
    ] = "writer",
    agencies: Agencies = None,
    as_json: AsJson = False,
) -> None:
    """Compare two folders of contracts, or two schemas. Exit code 0: safe; 1: it breaks somebody."""
    with one_line():
        for one in (old, new):
            if not one.exists():
                raise Refusal(f"{one}: no such file")
        if old.is_dir() != new.is_dir():
            raise Refusal(f"{old} and {new}: one is a folder, the other a file")
        found = catalogues(old, new, agencies) if old.is_dir() else list(schemas(old, new, change))
    tell(found, as_json)


def check(
    base: Annotated[
        str | None, typer.Option(help="the commit to compare with; else where this branch left its upstream")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the contracts of this checkout with those of a commit. Exit code 0: safe; 1: it breaks somebody."""
    with one_line(), _committed(base) as (old, name):
        found = catalogues(old, ROOT / CONTRACTS, None) if old else []
    tell(found, as_json, f"compared with {name}")


def catalogues(old: Path, new: Path, agencies: Path | None) -> list[Change]:
    """Every change between two folders of contracts. Raises BadFile."""
    return changes(Side(old, _manifests(old, agencies)), Side(new, _manifests(new, agencies)))


def changes(before: Side, after: Side) -> list[Change]:
    """Raises BadFile."""
    return [*events.changes(before, after), *channels.changes(before, after)]


def schemas(old: Path, new: Path, change: Who) -> Iterator[Change]:
    """Two schema files, taken at their word: a closed object is closed. Raises BadFile."""
    before, after = schema_in(old), schema_in(new)
    for gap in gaps(after, before) if change == "writer" else gaps(before, after):
        yield Change(
            file=str(old if change == "writer" else new),
            pointer=gap.pointer,
            rule=gap.rule,
            found=gap.found,
            witness=gap.witness,
            has_witness=gap.decided,
        )


def _manifests(folder: Path, given: Path | None) -> dict[str, Agency]:
    return manifests.agencies(given or manifests_of(folder))


def tell(found: list[Change], as_json: bool, compared: str = "") -> None:
    """Raises typer.Exit: 1 where somebody breaks."""
    breaking = [one for one in found if one.breaking]
    if as_json:
        print(json.dumps([_row(one) for one in found], ensure_ascii=False))
    else:
        for one in found:
            print(plain(line(one)))
        said = f"{len(breaking)} breaking" if breaking else "nothing breaks"
        print(plain(f"{said}{', ' + compared if compared else ''}"))
    if breaking:
        raise typer.Exit(1)


def line(change: Change) -> str:
    """FILE#POINTER: RULE: what was found; who breaks; the witness."""
    parts = [f"{change.file}#{change.pointer}: {change.rule}: {' '.join(change.found.split())}"]
    if change.breaks:
        parts.append(f"{'breaks' if change.breaking else 'read by'} {', '.join(map(str, change.breaks))}")
    elif not change.breaking:
        parts.append("breaks nobody here")
    if change.has_witness:
        parts.append(f"witness {json.dumps(change.witness, ensure_ascii=False)}")
    return "; ".join(parts)


def _row(change: Change) -> dict[str, object]:
    row = {**asdict(change), "breaks": [party._asdict() for party in change.breaks]}
    if not row.pop("has_witness"):
        del row["witness"]
    return row


# -- the side that git keeps -------------------------------------------------------------------------------------------


@contextmanager
def _committed(base: str | None) -> Iterator[tuple[Path | None, str]]:
    """The contracts of the base in a folder of their own, and how to name it; None where there are none before."""
    revision = base or _default_base()
    name = f"{revision} ({_git('rev-parse', '--short', f'{revision}^{{commit}}')})"
    if not _git("ls-tree", "--name-only", revision, f"{CONTRACTS}/asyncapi.yaml"):
        yield None, f"{name}, which has no contracts yet"
        return
    kept = [path for path in (CONTRACTS, MANIFESTS) if _git("ls-tree", "--name-only", revision, path)]
    packed = subprocess.run(["git", "archive", revision, *kept], cwd=ROOT, capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder) / CONTRACTS, name


def _default_base() -> str:
    """Where this branch left its upstream; on the upstream itself, the commit before. Raises Refusal."""
    for upstream in ("@{upstream}", "refs/remotes/origin/HEAD"):
        if _is_commit(upstream):
            left = _git("merge-base", "HEAD", upstream, or_else="")
            if left and left != _git("rev-parse", "HEAD"):
                return left
    if _is_commit("HEAD~1"):
        return "HEAD~1"
    if _git("rev-parse", "--is-shallow-repository") == "true" and os.environ.get("CI"):
        raise Refusal("the history is cut off at HEAD: fetch one commit more (git fetch --deepen 1), or name --base")
    return "HEAD"  # the first commit, or a newcomer's shallow clone: only what is not committed can be judged


def _is_commit(revision: str) -> bool:
    return bool(_git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", or_else=""))


def _git(*arguments: str, or_else: str | None = None) -> str:
    """Raises Refusal with git's own first line, unless there is something else to return."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Refusal("git is not installed") from None
    if done.returncode == 0:
        return done.stdout.strip()
    if or_else is not None:
        return or_else
    raise Refusal(f"git {arguments[0]}: {(done.stderr.strip() or 'failed').splitlines()[0]}")
