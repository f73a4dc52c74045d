"""`basudara contracts validate`: one line for each thing that a file breaks. The rules: contracts/validation.md."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from deploy.basudara.console import AsJson, Refusal, one_line, plain
from deploy.basudara.contracts import asyncapi, envelopes, parties, schemas, strict
from deploy.basudara.contracts.catalogues import Contracts
from deploy.basudara.contracts.findings import Finding, finding

Kind = Literal["event", "example", "schema", "asyncapi", "reader", "manifest", "agreement"]
ENDINGS = (".json", ".yaml", ".yml")
PLACES: dict[str, Kind] = {"agencies": "manifest", "agreements": "agreement", "examples": "example"}
MEMBERS: tuple[tuple[frozenset[str], Kind], ...] = (  # what only one kind of document has
    (frozenset({"asyncapi"}), "asyncapi"),
    (frozenset({"specversion"}), "event"),
    (frozenset({"$schema"}), "schema"),
    (frozenset({"agency", "services"}), "manifest"),
    (frozenset({"number", "parties"}), "agreement"),
    (frozenset({"type", "fields"}), "reader"),
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One file. `kind` is None where it could not be told."""

    file: str
    kind: Kind | None
    findings: tuple[Finding, ...]


def validate(
    files: Annotated[list[Path], typer.Argument(help="files, or folders of .json and .yaml files", metavar="FILE…")],
    kind: Annotated[Kind | None, typer.Option(help="what they are; else told from place and content")] = None,
    contracts: Annotated[
        Path | None, typer.Option(help="folder of the contracts; else the one the file lies in, else this checkout's")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold files against the published rules: one line for each finding. Exit code 1 when there is one."""
    with one_line():
        judged = list(judge_all(files, kind, contracts))
    if as_json:
        rows = [{**asdict(one), "findings": [asdict(row) for row in one.findings]} for one in judged]
        print(json.dumps(rows, ensure_ascii=False))
    else:
        for one in judged:
            print("\n".join(plain(line) for line in lines(one)))
    if any(one.findings for one in judged):
        raise typer.Exit(1)


def lines(judged: Judged) -> list[str]:
    """FILE#POINTER: RULE: what was found."""
    if not judged.findings:
        return [f"{judged.file}: ok ({judged.kind or 'of no kind known here: only that it can be read'})"]
    return [f"{judged.file}#{one.pointer}: {one.rule}: {one.found}" for one in judged.findings]


def judge_all(given: list[Path], kind: Kind | None, folder: Path | None) -> Iterator[Judged]:
    """Each file once, in order; of those found in a folder some may be of no kind known here.

    Raises Refusal for a path that is not there, BadFile for contracts that can't be used.
    """
    known: dict[Path, Contracts] = {}
    for file in _files(given):
        home = folder or Contracts.of(file)

        def contracts(home: Path = home) -> Contracts:  # read when the first event asks: a catalogue is judged without
            if home not in known:
                known[home] = Contracts(home)
            return known[home]

        one = judge(file, kind, contracts)
        yield one if one.kind or one.findings or file not in given else _of_no_kind(one)


def _of_no_kind(one: Judged) -> Judged:
    rule = f"neither place nor content tells what it is: say --kind, one of {', '.join(get_args(Kind))}"
    return replace(one, findings=(finding((), "kind", rule),))


def _files(given: list[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for one in given:
        if not one.exists():
            raise Refusal(f"{one}: no such file")
        inside = sorted(file for file in one.rglob("*") if file.suffix in ENDINGS and file.is_file())
        if one.is_dir() and not inside:
            raise Refusal(f"{one}: holds no file that ends in {', '.join(ENDINGS)}")
        found |= dict.fromkeys(inside if one.is_dir() else [one])
    return list(found)


def judge(file: Path, kind: Kind | None, contracts: Callable[[], Contracts]) -> Judged:
    """Raises Refusal, BadFile."""
    try:
        with file.open("rb") as opened:
            raw = opened.read(strict.MAX_BYTES + 1)
    except OSError as error:
        raise Refusal(f"{file}: cannot be read: {error.strerror}") from None
    told = kind or _by_place(file)
    try:
        document = _read(raw, file, told)
    except strict.Broken as broken:
        return Judged(file=str(file), kind=told, findings=broken.findings)
    told = told or _by_content(document)
    if told is None:
        return Judged(file=str(file), kind=None, findings=())
    return Judged(file=str(file), kind=told, findings=tuple(_findings(told, document, file, contracts)))


def _read(raw: bytes, file: Path, kind: Kind | None) -> Any:
    """JSON where the name or the kind says so. Raises strict.Broken."""
    event = kind in ("event", "example")
    if file.suffix == ".json" or event or kind in ("schema", "reader"):
        return strict.from_json(raw, event=event)
    return strict.from_yaml(raw)


def _by_place(file: Path) -> Kind | None:
    if file.name == "asyncapi.yaml":
        return "asyncapi"
    if file.name == "schema.json":
        return "schema"
    folder = file.resolve().parent
    return "reader" if folder.parent.name == "readers" else PLACES.get(folder.name)


def _by_content(document: Any) -> Kind | None:
    names = document.keys() if isinstance(document, dict) else frozenset()
    return next((kind for members, kind in MEMBERS if members <= names), None)


def _findings(kind: Kind, document: Any, file: Path, contracts: Callable[[], Contracts]) -> Iterator[Finding]:
    match kind:
        case "asyncapi":
            yield from asyncapi.broken(document, file)
        case "schema":
            yield from schemas.broken(document, file)
        case "manifest":
            yield from parties.manifest(document, file)
        case "agreement":
            yield from parties.agreement(document, file, contracts())
        case "reader":
            yield from parties.reader(document, file, contracts())
        case "event":
            yield from envelopes.broken(document, contracts())
        case "example":
            yield from envelopes.broken(document, contracts())
            yield from _example(document, file, contracts())


def _example(event: Any, file: Path, contracts: Contracts) -> Iterator[Finding]:
    """An example is an event of its folder's type, with nothing but the published attributes."""
    if not isinstance(event, dict):
        return
    folder = file.resolve().parent.parent.name
    if event.get("type") != folder:
        yield finding(["type"], "folder", f"must be {folder}, as the folder says")
    for name in event.keys() - contracts.document["components"]["schemas"]["envelope"]["properties"].keys():
        yield finding([name], "unpublished", "the envelope has no such attribute")
