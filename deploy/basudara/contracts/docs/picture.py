"""Agencies and flows as one drawing: who writes which channel, who reads it, and where it leaves the agency."""

from collections.abc import Iterator, Sequence

from deploy.basudara.contracts.docs.html import Html, joined, tag
from deploy.basudara.contracts.docs.layout import Site, service_path, wide

WIDTH, ROW, TOP = 1000, 74, 40
WRITER_X, CHANNEL_X, READER_X = 10, 270, 830
BOX, CHANNEL = 160, 440  # widths
HEIGHT = 56
COLUMNS = ((WRITER_X, "writes"), (CHANNEL_X, "topic"), (READER_X, "reads"))


def picture(site: Site) -> Html:
    """A drawing that is also told by the table below it."""
    catalogue, plain = site.catalogue, site.language.plain
    channels = list(catalogue.channels)
    middles = {name: TOP + ROW * (place + 0.5) for place, name in enumerate(channels)}
    writers = _spread({service: [middles[one] for one in channels if _owner(site, one) == service]
                       for service in catalogue.services})  # fmt: skip
    reading = [name for name in catalogue.services if any(True for _ in catalogue.readings(service=name))]
    readers = {name: TOP + ROW * len(channels) * (place + 0.5) / len(reading) for place, name in enumerate(reading)}
    title = plain("Who writes which topic, and who reads it")
    drawing = tag(
        "svg",
        tag("title", title),
        tag("defs", *(_arrow(kind) for kind in ("own", "to-me", "parties"))),
        *(tag("text", plain(label), x=x, y=20, class_="column") for x, label in COLUMNS),
        *_lines(site, middles, writers, readers),
        *(_service(site, name, WRITER_X, y) for name, y in writers.items()),
        *(_channel(site, name, y) for name, y in middles.items()),
        *(_service(site, name, READER_X, y) for name, y in readers.items()),
        viewBox=f"0 0 {WIDTH} {TOP + ROW * len(channels)}",
        role="group",
        aria_label=title,
    )
    scrolling = wide(drawing, label=title)
    return tag("figure", scrolling, tag("figcaption", _legend(site)), class_="picture")


def _owner(site: Site, channel: str) -> str:
    return site.catalogue.channels[channel].facts.owner


def _spread(wanted: dict[str, list[float]]) -> dict[str, float]:
    """Each at the middle of what it writes, and never one upon another."""
    found: dict[str, float] = {}
    last: float = TOP - HEIGHT
    for name, heights in wanted.items():
        if heights:
            last = max(sum(heights) / len(heights), last + HEIGHT + 8)
            found[name] = last
    return found


def _lines(
    site: Site, middles: dict[str, float], writers: dict[str, float], readers: dict[str, float]
) -> Iterator[Html]:
    for name, y in middles.items():
        yield _line(WRITER_X + BOX, writers[_owner(site, name)], CHANNEL_X, y, "written")
        for row in site.catalogue.readings(channel=name):
            origin = row.facts.origin or "own"
            shift = {"own": -8, "to-me": 0, "parties": 8}[origin]
            yield _line(CHANNEL_X + CHANNEL, y + shift, READER_X, readers[row.facts.service] + shift, origin)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    bend = (x2 - x1) / 2
    path = f"M{x1:g} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2 - 7:g} {y2:g}"
    end = None if kind == "written" else f"url(#arrow-{kind})"
    return tag("path", d=path, class_=f"line {kind}", marker_end=end)


def _arrow(kind: str) -> Html:
    shape = tag("path", d="M0 0 L8 4 L0 8 z", class_=f"head {kind}")
    return tag(
        "marker", shape, id=f"arrow-{kind}", viewBox="0 0 8 8", refX=1, refY=4, markerWidth=8, markerHeight=8,
        orient="auto", markerUnits="userSpaceOnUse",
    )  # fmt: skip


def _service(site: Site, name: str, x: float, y: float) -> Html:
    roles = [site.language.plain(_SHORT.get(role, role)) for role in site.catalogue.services[name].run_by]
    return tag("a", *_box(x, y, BOX, "service", [name, *roles]), href=service_path(name))


def _channel(site: Site, name: str, y: float) -> Html:
    row = site.catalogue.channels[name]
    events = f"{site.language.plain('Events')}: {len(row.messages)}"
    href = f"{service_path(row.facts.owner)}#{name}"
    return tag("a", *_box(CHANNEL_X, y, CHANNEL, "channel", [row.address, events]), href=href)


_SHORT = {"sender": "sending agency", "trainer": "training agency", "register": "keeper of the register"}


def _box(x: float, y: float, width: float, kind: str, lines: Sequence[str]) -> Iterator[Html]:
    yield tag("rect", x=f"{x:g}", y=f"{y - HEIGHT / 2:g}", width=f"{width:g}", height=HEIGHT, rx=6, class_=kind)
    top = y - 8 * len(lines) + 12  # so that the lines stand in the middle
    for place, text in enumerate(lines):
        weight = "small" if place else "name"
        yield tag("text", text, x=f"{x + 10:g}", y=f"{top + 16 * place:g}", class_=weight)


def _legend(site: Site) -> Html:
    told = {
        "own": "read inside the agency that writes it",
        "to-me": "read by the one agency named in the address",
        "parties": "read by every party of an agreement in force",
    }
    return tag(
        "ul",
        *(
            tag("li", tag("span", "", class_=f"sample {kind}"), " ", site.language.say(text))
            for kind, text in told.items()
        ),
        class_="legend",
    )


def flows(site: Site) -> list[tuple[Html, Html, Html]]:
    """The rows that tell the same as the drawing: topic, who writes, who reads."""
    rows = []
    for name, row in site.catalogue.channels.items():
        address = tag("a", tag("code", row.address), href=f"{service_path(row.facts.owner)}#{name}")
        readers = dict.fromkeys(one.facts.service for one in site.catalogue.readings(channel=name))
        linked = joined((tag("a", one, href=service_path(one)) for one in readers), ", ")
        rows.append((address, tag("a", row.facts.owner, href=service_path(row.facts.owner)), linked))
    return rows
