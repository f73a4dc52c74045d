"""The site for subscribers in a real browser, opened as files: links, search, keyboard, narrow screen, dark, print."""

import base64
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.browser.webdriver import Browser

EVENT = "events/id.basudara.referral.referral.requested.v1.html"
NAMES = ("index.html", "subscribe.html", "envelope.html", "glossary.html", "services/training.html", EVENT)
PAGES = [f"{language}/{name}" for language in ("en", "id") for name in NAMES]
LEAST_CONTRAST = 4.5  # WCAG 2.2, level AA, text of normal size
LINKS = """
return [...document.querySelectorAll('a[href]')]
  .map(link => new URL(link.getAttribute('href'), location).href.split('#')[0])"""
CONTRASTS = """
const parts = colour => colour.match(/[\\d.]+/g).map(Number);
const light = colour => {
  const [r, g, b] = parts(colour).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = element => {
  for (let one = element; one; one = one.parentElement) {
    const box = one.tagName === 'a' && one.closest('svg') ? one.querySelector('rect') : null;
    const colour = box ? getComputedStyle(box).fill : getComputedStyle(one).backgroundColor;
    if ((parts(colour)[3] ?? 1) > 0) return colour;
  }
  return 'rgb(255, 255, 255)';
};
const found = [];
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  if (!own || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const ink = element.tagName === 'text' ? style.fill : style.color;
  const [a, b] = [light(ink), light(behind(element))].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), element.tagName, element.textContent.slice(0, 40)]);
}
return found.sort((x, y) => x[0] - y[0]);"""
WIDER = """
return [document.documentElement.scrollWidth - document.documentElement.clientWidth,
  [...document.querySelectorAll('main *')].filter(one => !one.closest('.wide, pre')
    && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))]"""
SHOWN = "return [...document.querySelectorAll('#found a')].map(link => link.firstChild.data)"
FOCUSED = "return document.activeElement.textContent || document.activeElement.id"
CUT_OFF = """
return [...document.querySelectorAll('svg a')].flatMap(box => {
  const wall = box.querySelector('rect').getBoundingClientRect();
  return [...box.querySelectorAll('text')].filter(text => {
    const at = text.getBoundingClientRect();
    return at.right > wall.right || at.top < wall.top || at.bottom > wall.bottom;
  }).map(text => text.textContent);
})"""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_with_its_style_and_search_and_asks_no_one_else(browser: Browser, site: Path, page: str) -> None:
    browser.asked_for()
    browser.open(site / page)
    root = site.resolve().as_uri()
    wanted = {page, f"{page[:2]}/search-index.js", "assets/search.js", "assets/site.css"}
    assert browser.asked_for() - {f"{root}/assets/icon.svg"} == {f"{root}/{one}" for one in wanted}
    assert looks_right(browser, page[:2])


def looks_right(browser: Browser, language: str) -> bool:
    """With the sheet applied, the search at work and its own language."""
    assert browser.run("return getComputedStyle(document.querySelector('.skip')).position") == "absolute"
    assert browser.run("return document.getElementById('search-box').checkVisibility()")
    assert browser.run("return document.title").endswith("– Basudara")
    return bool(browser.run("return document.documentElement.lang") == language)


def test_it_works_below_any_path_of_a_server(browser: Browser, site: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Its requests are looked at in the browser."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site.parent))) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            root = f"http://127.0.0.1:{server.server_port}/{quote(site.name)}"
            browser.asked_for()
            browser.call("url", url=f"{root}/id/{EVENT}")
            assert looks_right(browser, "id")
            asked = browser.asked_for()
        finally:
            server.shutdown()
            serving.join()
    assert len(asked) >= 4
    assert [one for one in asked if not one.startswith(root)] == []


def test_every_link_leads_from_page_to_page(browser: Browser, site: Path) -> None:
    """From the first page on, as a reader clicks; each page reached is opened."""
    browser.open(site / "index.html")
    waiting, opened = [browser.run("return location.href")], set[str]()
    while waiting:
        here = waiting.pop()
        if here in opened:
            continue
        opened.add(here)
        if here.endswith(".html"):
            browser.call("url", url=here)
            assert browser.run("return document.querySelectorAll('h1').length") == 1, here
            waiting += browser.run(LINKS)
        else:
            assert (site / here.removeprefix(site.resolve().as_uri() + "/")).is_file(), here
    assert len([one for one in opened if one.endswith(".html")]) == len(list(site.rglob("*.html"))) > 140


@pytest.mark.parametrize(("language", "typed", "first"), [
    ("en", "referral.requested", "referral.requested"),
    ("en", "waitlist place", "seat.waitlisted"),
    ("en", "SIGN_LANGUAGE", "referral.requested"),
    ("id", "daftar tunggu", "daftar tunggu"),
    ("id", "Penarikan", "penarikan"),
])  # fmt: skip
def test_what_is_searched_is_found(browser: Browser, site: Path, language: str, typed: str, first: str) -> None:
    browser.open(site / language / EVENT)
    browser.press("/", typed)
    shown = browser.run(SHOWN)
    assert any(first in one for one in shown[:3]), shown
    found = browser.run("return document.getElementById('count').textContent")
    assert int(found.split()[0]) >= len(shown) > 0


def test_search_is_worked_by_keyboard_and_leads_to_the_page(browser: Browser, site: Path) -> None:
    browser.open(site / "en" / "glossary.html")
    browser.press("/", "certificate.", "Down", "Down")
    second = browser.run(SHOWN)[1]
    assert browser.run(FOCUSED).startswith(second)
    browser.press("Enter")
    assert browser.run("return document.querySelector('h1').textContent") == second
    browser.press("/", "pseudonym of a case", "Enter")
    assert browser.run("return document.querySelector(':target').textContent") == "pairwise reference"
    browser.press("/", "nothing of the kind")
    assert browser.run("return document.getElementById('found').textContent") == "Nothing found"
    browser.press("Escape", "seat.", "Down", "Escape")
    assert browser.run("return document.getElementById('found').hidden")
    assert browser.run(FOCUSED) == "search", "back from the list to where one types"


def test_a_hostile_search_stays_text(browser: Browser, site: Path) -> None:
    browser.open(site / "en" / "index.html")
    browser.press("/", "<img src=x onerror=alert(1)>")
    assert browser.run("return document.querySelectorAll('img').length") == 0


@pytest.mark.parametrize("page", PAGES)
def test_a_narrow_screen_needs_no_sideways_scrolling(browser: Browser, site: Path, page: str) -> None:
    for width in (320, 360):
        browser.screen(width, 700)
        browser.open(site / page)
        assert browser.run("return innerWidth") == width
        over, outside = browser.run(WIDER)
        assert (over, outside) == (0, [])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_every_text_stands_out_from_what_is_behind_it(browser: Browser, site: Path, page: str, dark: bool) -> None:
    browser.screen(1280, 900, dark=dark)
    browser.open(site / page)
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is not dark
    contrasts = browser.run(CONTRASTS)
    assert len(contrasts) > 30
    assert [one for one in contrasts if one[0] < LEAST_CONTRAST] == []


@pytest.mark.parametrize("language", ["en", "id"])
def test_the_picture_is_whole_and_its_boxes_are_links(browser: Browser, site: Path, language: str) -> None:
    browser.open(site / language / "index.html")
    assert browser.run(CUT_OFF) == []
    assert browser.run("return document.querySelectorAll('svg a').length") == 17
    assert browser.run("return document.querySelector('svg').getBoundingClientRect().height") > 400


def test_a_keyboard_reaches_the_content_at_once_and_sees_where_it_is(browser: Browser, site: Path) -> None:
    browser.open(site / "en" / EVENT)
    browser.press("Tab")
    assert browser.run(FOCUSED) == "Skip to the content"
    assert browser.run("return document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Enter")
    assert browser.run("return document.activeElement.id") == "main"
    browser.press("Tab")
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.run(outline) == "solid"


def test_the_language_is_switched_on_the_same_page(browser: Browser, site: Path) -> None:
    browser.open(site / "en" / EVENT)
    browser.run("document.querySelector('.switch a').click()")
    assert browser.run("return [document.documentElement.lang, location.pathname.split('/').pop()]") == [
        "id", EVENT.split("/")[1],
    ]  # fmt: skip
    assert "Kapan dikirim" in browser.run("return document.querySelector('main').textContent")


def test_without_scripts_a_page_is_whole_but_for_the_search(browser: Browser, site: Path) -> None:
    browser.devtools("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(site / "en" / EVENT)
        title = browser.run("return document.querySelector('h1').textContent")
        unseen = browser.run("return document.getElementById('search-box').hidden")
    finally:
        browser.devtools("Emulation.setScriptExecutionDisabled", {"value": False})
    assert (title, unseen) == ("referral.requested", True)


def test_a_page_can_be_printed(browser: Browser, site: Path) -> None:
    browser.open(site / "en" / EVENT)
    paper = base64.b64decode(browser.call("print", shrinkToFit=False))
    assert paper.startswith(b"%PDF")
    browser.devtools("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    try:
        assert not browser.run("return document.querySelector('header').checkVisibility()")
        assert browser.run("return getComputedStyle(document.querySelector('pre')).whiteSpace") == "pre-wrap"
    finally:
        browser.devtools("Emulation.setEmulatedMedia", {"media": "", "features": []})
