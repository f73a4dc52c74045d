"""What every page shares: head, menu, search, language switch; links that work from any folder and from a file."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.basudara.contracts.docs.catalogue import Catalogue
from deploy.basudara.contracts.docs.html import Html, Inside, joined, tag
from deploy.basudara.contracts.docs.language import Language

POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Site:
    """One language's tree of pages."""

    catalogue: Catalogue
    language: Language
    others: tuple[Language, ...]


@dataclass(frozen=True)
class Page:
    """`path` from the root of the language's tree, such as events/….html."""

    path: str
    title: str
    lead: str
    main: Html

    @property
    def up(self) -> str:
        """From this page to the root of its tree."""
        return "../" * self.path.count("/")


def event_path(kind: str) -> str:
    return f"events/{kind}.html"


def service_path(name: str) -> str:
    return f"services/{name}.html"


def whole(site: Site, page: Page) -> str:
    say, plain = site.language.say, site.language.plain
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", f"{page.title} – {site.catalogue.document.info.title}"),
        tag("link", rel="stylesheet", href=f"{page.up}../assets/site.css"),
        tag("link", rel="icon", href=f"{page.up}../assets/icon.svg"),
        tag("script", src=f"{page.up}search-index.js", defer=True),
        tag("script", src=f"{page.up}../assets/search.js", defer=True),
    )
    body = tag(
        "body",
        tag("a", say("Skip to the content"), href="#main", class_="skip"),
        _header(site, page),
        tag("main", page.main, id="main", tabindex="-1"),
        tag("footer", tag("p", plain("Contracts, version"), f" {site.catalogue.document.info.version}")),
        data_up=page.up,
    )
    return f"<!doctype html>\n{tag('html', head, body, lang=site.language.code)}\n"


def _header(site: Site, page: Page) -> Html:
    say, plain = site.language.say, site.language.plain
    home = tag("a", site.catalogue.document.info.title, href=f"{page.up}index.html", class_="home")
    switch = [
        tag(
            "a", other.name, lang=other.code, hreflang=other.code, rel="alternate",
            href=f"{page.up}../{other.code}/{page.path}",
        )
        for other in site.others
    ]  # fmt: skip
    search = tag(
        "search",
        tag("label", say("Search"), for_="search"),
        tag("input", id="search", type_="search", autocomplete="off", aria_controls="found"),
        tag("p", "", id="count", role="status", data_none=plain("Nothing found"), data_some=plain("found")),
        tag("ul", id="found", hidden=True),
        hidden=True, id="search-box",
    )  # fmt: skip
    return tag("header", tag("div", home, search, tag("p", *switch, class_="switch"), class_="bar"), _menu(site, page))


def _menu(site: Site, page: Page) -> Html:
    say = site.language.say
    fixed = [
        ("index.html", say("Start")),
        ("subscribe.html", say("Subscribe in twenty lines")),
        ("envelope.html", say("Envelope and headers")),
        ("glossary.html", say("Glossary")),
    ]
    services = [(service_path(name), tag("code", name)) for name in site.catalogue.services]
    links = [
        tag("li", tag("a", label, href=page.up + path, aria_current="page" if path == page.path else None))
        for path, label in fixed + services
    ]
    return tag("nav", tag("ul", *links), aria_label=site.language.plain("Pages"))


def table(columns: Sequence[Inside], rows: Sequence[Sequence[Inside]], *, label: str) -> Html:
    """The first cell of a row is its heading."""
    head = tag("thead", tag("tr", *(tag("th", column, scope="col") for column in columns)))
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    return wide(tag("table", head, tag("tbody", *body)), label=label)


def wide(content: Html, *, label: str) -> Html:
    """What may be wider than the screen: it scrolls inside itself, the page does not."""
    return tag("div", content, class_="wide", role="region", aria_label=label, tabindex="0")


def code_block(text: str, *, label: str) -> Html:
    return tag("pre", tag("code", text), role="region", aria_label=label, tabindex="0")


def facts(rows: Sequence[tuple[Inside, Inside]]) -> Html:
    """Pairs of what and which; those without a which are left out."""
    return tag("dl", *(joined([tag("dt", what), tag("dd", which)]) for what, which in rows if which))


def listed(parts: Sequence[Inside]) -> Html:
    return joined(parts, ", ")
