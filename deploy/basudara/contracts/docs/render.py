"""The whole site, from the catalogue folder to a folder of files: the same input gives the same bytes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from deploy.basudara.console import one_line
from deploy.basudara.contracts.docs.catalogue import Catalogue, load
from deploy.basudara.contracts.docs.events import event_page
from deploy.basudara.contracts.docs.guides import envelope_page, glossary_page, start_page, subscribe_page
from deploy.basudara.contracts.docs.html import tag
from deploy.basudara.contracts.docs.language import Language
from deploy.basudara.contracts.docs.layout import POLICY, Page, Site, whole
from deploy.basudara.contracts.docs.members import members
from deploy.basudara.contracts.docs.services import service_page
from deploy.basudara.contracts.docs.source import read_text, read_yaml
from deploy.basudara.manifests import BadFile
from deploy.basudara.stack import ROOT

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "subscribe.py"
ASSETS = ("site.css", "search.js", "icon.svg")
MARK = "basudara-docs"  # a folder with this file was written by us, and may be written anew


def docs(
    to: Annotated[Path, typer.Option(help="Folder to write; written anew as a whole.")] = ROOT / ".local" / "docs",
    catalogue: Annotated[Path, typer.Option(help="Folder of the catalogue.")] = ROOT / "contracts",
) -> None:
    """The catalogue as a static site for subscribers. Exit code 1: written, but sentences lack a translation."""
    with one_line():
        unsaid = write(load(catalogue), to)
    for sentence in sorted(unsaid):
        print(f"{catalogue / 'indonesian.yaml'}: no Indonesian for: {sentence}")
    print(f"{to}: open index.html there")
    raise typer.Exit(1 if unsaid else 0)


def write(catalogue: Catalogue, to: Path) -> set[str]:
    """Write the site anew. Returns the sentences without a translation. Raises BadFile for a folder not ours."""
    to = to.resolve()  # `.` has no name to put a new folder beside
    if to.exists() and (not to.is_dir() or (any(to.iterdir()) and not (to / MARK).exists())):
        raise BadFile(f"{to}: holds something else: name a new or empty folder")
    fresh = to.with_name(f"{to.name}.new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        unsaid: set[str] = set()
        for path, text in files(catalogue, unsaid):
            file = fresh / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        shutil.rmtree(to, ignore_errors=True)
        fresh.rename(to)
    except OSError as error:
        raise BadFile(f"{error.filename}: cannot be written: {error.strerror}") from None
    return unsaid


def files(catalogue: Catalogue, unsaid: set[str]) -> Iterator[tuple[str, str]]:
    """Path and text of every file of the site."""
    languages = (
        Language("en", "English", None),
        Language("id", "Bahasa Indonesia", {**read_yaml(HERE / "words.yaml"), **catalogue.indonesian}, unsaid),
    )
    for language in languages:
        others = tuple(one for one in languages if one is not language)
        yield from _tree(Site(catalogue, language, others))
    yield "index.html", _choice(catalogue, languages)
    yield "subscribe.py", read_text(EXAMPLE)
    for name in ASSETS:
        yield f"assets/{name}", read_text(HERE / name)
    for event in catalogue.events.values():
        yield f"schemas/{event.kind}.json", event.schema_text
    yield MARK, "Written by `basudara contracts docs`, as a whole each time.\n"


def _tree(site: Site) -> Iterator[tuple[str, str]]:
    pages = [
        start_page(site),
        subscribe_page(site, read_text(EXAMPLE)),
        envelope_page(site),
        glossary_page(site),
        *(service_page(site, name) for name in site.catalogue.services),
        *(event_page(site, event) for event in site.catalogue.events.values()),
    ]
    for page in pages:
        yield f"{site.language.code}/{page.path}", whole(site, page)
    index = [*(_entry(site, page) for page in pages), *_words(site)]
    told = json.dumps(index, ensure_ascii=False, indent=0).replace("<", "\\u003c")
    yield f"{site.language.code}/search-index.js", f"globalThis.basudaraIndex = {told};\n"


def _entry(site: Site, page: Page) -> list[str]:
    """Title, path, what is shown below the title, and what is searched besides."""
    event = next((one for one in site.catalogue.events.values() if page.path == f"events/{one.kind}.html"), None)
    if event is None:
        return [page.title, page.path, page.lead, ""]
    codes = [str(code) for _, member in members(event.schema) for code in member.enum]
    names = [path for path, _ in members(event.schema)]
    meaning = site.language.plain(event.message.facts.meaning)
    return [page.title, page.path, page.lead, " ".join([event.kind, meaning, *names, *dict.fromkeys(codes)])]


def _words(site: Site) -> Iterator[list[str]]:
    for rows in site.catalogue.glossary.values():
        for row in rows:
            yield [row.term, f"glossary.html#{row.place}", site.language.plain(row.meaning), row.identifier]


def _choice(catalogue: Catalogue, languages: tuple[Language, ...]) -> str:
    """The page above the trees: which language."""
    title = catalogue.document.info.title
    links = [tag("li", tag("a", one.name, href=f"{one.code}/index.html", lang=one.code)) for one in languages]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", title),
        tag("link", rel="stylesheet", href="assets/site.css"),
        tag("link", rel="icon", href="assets/icon.svg"),
    )
    body = tag("body", tag("main", tag("h1", title), tag("ul", *links, class_="choice")))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"
