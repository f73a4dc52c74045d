"""The site for subscribers: whole, the same each time, in two languages, with links that lead somewhere."""

import json
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from deploy.basudara.contracts.docs.catalogue import Catalogue, load
from deploy.basudara.contracts.docs.language import Language
from deploy.basudara.contracts.docs.layout import Site
from deploy.basudara.contracts.docs.render import EXAMPLE, HERE, _tree, files
from deploy.basudara.contracts.docs.source import read_yaml
from deploy.basudara.tests.contracts.site import CONTRACTS, Element, copied, docs, document_of, parsed, put_document

LANGUAGES = ("en", "id")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load(CONTRACTS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("site") / "docs"
    ended = docs(CONTRACTS, to)
    assert (ended.status, ended.told) == (0, ""), ended.shown
    return to


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Element]:
    return {str(file.relative_to(site)): parsed(file) for file in sorted(site.rglob("*.html"))}


def test_each_service_and_event_has_a_page_in_both_languages(pages: dict[str, Element], catalogue: Catalogue) -> None:
    for language in LANGUAGES:
        for kind in catalogue.events:
            assert f"{language}/events/{kind}.html" in pages
        for name in ("intake", "referral", "training", "notification", "agreement"):
            assert f"{language}/services/{name}.html" in pages
    assert len([name for name in pages if name.startswith("en/events/")]) == len(catalogue.events) > 60
    assert {name[3:] for name in pages if name.startswith("en/")} == {name[3:] for name in pages if name[:3] == "id/"}


def test_every_link_leads_to_a_file_and_a_place_in_it(site: Path, pages: dict[str, Element]) -> None:
    broken, followed = [], 0
    for name, page in pages.items():
        for element in page.all("a", "link", "script"):
            link = element.attributes.get("href") or element.attributes.get("src") or ""
            parts = urlsplit(link)
            assert not parts.scheme, f"{name}: {link} leads out of the site"
            assert not link.startswith("/"), f"{name}: {link} holds only at the root of a server"
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            followed += 1
            if not target.is_file():
                broken.append(f"{name}: {link}")
            elif parts.fragment:
                there = parsed(target) if target.suffix == ".html" else Element("", {})
                ids = {one.attributes.get("id") for one in there.all()}
                broken += [] if parts.fragment in ids else [f"{name}: {link}: no such place"]
    assert broken == []
    assert followed > 3000


def test_no_page_asks_anybody_else_for_anything(site: Path) -> None:
    for file in site.rglob("*"):
        if file.suffix in {".css", ".js"}:
            text = file.read_text()
            assert not [word for word in ("http:", "https:", "@import", "url(", "fetch(", "//cdn") if word in text]
        if file.suffix == ".html":
            for element in parsed(file).all():
                assert element.name not in {"img", "iframe", "object", "style", "base", "form"}, file
                assert not [name for name in element.attributes if name.startswith("on") or name == "style"], file
                if element.name == "script":
                    assert element.text == ""


def test_the_same_catalogue_gives_the_same_bytes(catalogue: Catalogue, site: Path) -> None:
    written = {str(file.relative_to(site)): file.read_text() for file in site.rglob("*") if file.is_file()}
    assert dict(files(load(CONTRACTS), set())) == written


def test_the_site_is_written_anew_as_a_whole(site: Path, tmp_path: Path) -> None:
    to = tmp_path / "docs"
    assert docs(CONTRACTS, to).status == 0
    (to / "en" / "events" / "id.basudara.gone.gone.gone.v1.html").write_text("gone")
    assert docs(CONTRACTS, to).status == 0
    assert sorted(file.name for file in to.rglob("*")) == sorted(file.name for file in site.rglob("*"))
    assert [one.name for one in tmp_path.iterdir()] == ["docs"], "nothing half-done is left beside it"


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "letter.txt"):
        ended = docs(CONTRACTS, place)
        assert (ended.status, ended.told.count("\n")) == (2, 1)
        assert "holds something else" in ended.told
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_an_empty_folder_that_one_stands_in_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert docs(CONTRACTS, Path()).status == 0
    assert (tmp_path / "here" / "index.html").is_file()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = docs(CONTRACTS, tmp_path / "file" / "docs")
    assert (ended.status, ended.told.count("\n")) == (2, 1)
    assert "cannot be written" in ended.told


def test_a_page_says_its_language_and_leads_to_itself_in_the_other(pages: dict[str, Element]) -> None:
    for name, page in pages.items():
        if "/" not in name:
            continue
        own, path = name.split("/", 1)
        (other,) = set(LANGUAGES) - {own}
        (html,) = page.all("html")
        assert html.attributes["lang"] == own
        (switch,) = [one for one in page.all("a") if one.attributes.get("hreflang")]
        assert (switch.attributes["lang"], switch.attributes["hreflang"]) == (other, other)
        assert (switch.attributes["href"] or "").endswith(f"../{other}/{path}")


def test_a_page_can_be_walked_by_landmarks_headings_and_keyboard(pages: dict[str, Element]) -> None:
    for name, page in pages.items():
        levels = [int(one.name[1]) for one in page.all("h1", "h2", "h3", "h4")]
        assert levels.count(1) == 1, name
        assert levels[0] == 1, name
        assert all(after <= before + 1 for before, after in pairwise(levels)), f"{name}: {levels}"
        ids = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
        assert len(ids) == len(set(ids)), f"{name}: an id is there twice"
        if "/" in name:
            assert {"header", "nav", "main", "footer", "search"} <= {one.name for one in page.all()}, name
        for one in page.all():
            if one.attributes.get("class") == "wide" or one.name == "pre":
                assert one.attributes.get("tabindex") == "0", f"{name}: cannot be scrolled by keyboard"
                assert one.attributes.get("aria-label"), name
        assert all(one.attributes.get("scope") for one in page.all("th")), name


def test_an_event_says_all_that_a_subscriber_asks(pages: dict[str, Element], catalogue: Catalogue) -> None:
    for kind, event in catalogue.events.items():
        page = pages[f"en/events/{kind}.html"]
        text = page.text
        said = event.message.facts
        for wanted in (kind, event.message.title, said.meaning, *said.law, *(change.what for change in said.history)):
            assert wanted.replace("`", "") in text, f"{kind}: {wanted}"
        assert event.message.summary in text
        assert catalogue.channels[event.channel].address in text
        headings = [one.text for one in page.all("h2")]
        for wanted in ("When it is sent", "What it means", "Which rule it comes from", "Example", "History"):
            assert wanted in headings, kind
        cells = {one.text for one in page.all("th")}
        assert set(event.schema.properties) <= cells, kind
        shown = [one.text for one in page.all("pre")]
        for example in event.examples.values():
            assert json.dumps(example, indent=2, ensure_ascii=False) in shown, kind


def test_the_page_of_an_event_names_its_readers_and_what_they_use(pages: dict[str, Element]) -> None:
    page = pages["en/events/id.basudara.training.programme.published.v1.html"]
    assert "No service of ours reads it; a subscriber may." in page.text
    page = pages["en/events/id.basudara.referral.referral.requested.v1.html"]
    (table,) = [one for one in page.all("table") if "Members that it uses" in one.text]
    rows = {row.all("th")[0].text: row.text for row in table.all("tr")[1:]}
    assert set(rows) == {"training", "notification"}
    assert "accommodations[]" in rows["training"]
    assert "topics of other agencies that name its own agency" in rows["training"]


def test_the_picture_shows_each_flow_once(pages: dict[str, Element], catalogue: Catalogue) -> None:
    flows = [(row.facts.service, row.channel_name, row.facts.origin) for row in catalogue.readings()]
    for language in LANGUAGES:
        (drawing,) = pages[f"{language}/index.html"].all("svg")
        lines = [one.attributes["class"] for one in drawing.all("path") if "line" in (one.attributes["class"] or "")]
        assert lines.count("line written") == len(catalogue.channels) == 8
        assert len(lines) - 8 == len(set(flows)) == len(flows)
        said = drawing.text
        assert all(row.address in said for row in catalogue.channels.values())


def test_all_that_is_said_is_said_in_indonesian_too_and_nothing_is_left_over(catalogue: Catalogue) -> None:
    unsaid: set[str] = set()
    written = dict(files(catalogue, unsaid))
    assert sorted(unsaid) == []
    told = written["id/index.html"] + "".join(text for name, text in written.items() if name.startswith("id/events/"))
    assert "Dikirim ketika petugas merujuk seseorang ke instansi pelatihan." in told
    assert '<span lang="en">' not in "".join(text for name, text in written.items() if name.startswith("id/"))
    words = read_yaml(HERE / "words.yaml")
    assert words.keys() & catalogue.indonesian.keys() == set(), "each sentence is translated in one place"


def test_a_sentence_without_translation_is_named_and_marked_as_english(tmp_path: Path) -> None:
    contracts = copied(tmp_path)
    document = document_of(contracts)
    kind = "id.basudara.training.seat.reserved.v1"
    document["components"]["messages"][kind]["summary"] = "Sent when a chair is kept."
    put_document(contracts, document)
    ended = docs(contracts, tmp_path / "docs")
    assert ended.status == 1
    assert ended.shown.splitlines()[0] == f"{contracts}/indonesian.yaml: no Indonesian for: Sent when a chair is kept."
    page = parsed(tmp_path / "docs" / "id" / "events" / f"{kind}.html")
    (marked,) = [one for one in page.all("span") if one.attributes.get("lang") == "en"]
    assert marked.text == "Sent when a chair is kept."


class Listening(dict[str, str]):
    """Words that remember what was looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def __contains__(self, sentence: object) -> bool:
        self.asked.add(str(sentence))
        return super().__contains__(sentence)


def test_no_translation_is_left_of_a_sentence_that_is_gone(catalogue: Catalogue) -> None:
    words = Listening()
    assert list(_tree(Site(catalogue, Language("id", "Bahasa Indonesia", words), ())))
    left = {*catalogue.indonesian, *read_yaml(HERE / "words.yaml")} - words.asked
    assert left == {"There is a newer version of this event:", "This event is going to end."}, "said when one ends"


def test_a_newer_version_is_told_on_the_page_of_the_older(tmp_path: Path) -> None:
    contracts = copied(tmp_path)
    old, new = "id.basudara.training.seat.reserved.v1", "id.basudara.training.seat.reserved.v2"
    text = (contracts / "asyncapi.yaml").read_text()
    document = document_of(contracts)
    document["components"]["messages"][new] = {**document["components"]["messages"][old], "name": new}
    document["components"]["messages"][old]["deprecated"] = True
    seats = document["channels"]["training.enrolment.to"]["messages"]
    seats[new] = {"$ref": f"#/components/messages/{new}"}
    assert new not in text
    put_document(contracts, document)
    (contracts / "events" / new).mkdir()
    (contracts / "events" / new / "schema.json").write_text((contracts / "events" / old / "schema.json").read_text())
    assert docs(contracts, tmp_path / "docs").status == 0
    note = [one for one in parsed(tmp_path / "docs/en/events" / f"{old}.html").all("p") if one.attributes.get("class")]
    assert any(one.text == f"There is a newer version of this event: {new}" for one in note)
    assert (tmp_path / "docs/en/events" / f"{new}.html").is_file()
    indonesian = parsed(tmp_path / "docs/id/events" / f"{old}.html").text
    assert f"Ada versi yang lebih baru dari peristiwa ini: {new}" in indonesian


def test_the_reader_on_the_site_is_the_one_that_is_tested(site: Path, pages: dict[str, Element]) -> None:
    assert (site / "subscribe.py").read_text() == EXAMPLE.read_text()
    for language in LANGUAGES:
        assert EXAMPLE.read_text() in [one.text for one in pages[f"{language}/subscribe.html"].all("pre")]


def test_the_search_index_leads_to_every_page(site: Path, pages: dict[str, Element]) -> None:
    for language in LANGUAGES:
        text = (site / language / "search-index.js").read_text()
        rows = json.loads(text.removeprefix("globalThis.basudaraIndex = ").removesuffix(";\n"))
        own = {name for name in pages if name.startswith(f"{language}/")}
        assert {f"{language}/{row[1].split('#')[0]}" for row in rows} == own
        assert "</" not in text
