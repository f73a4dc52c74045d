"""The page of one event: meaning, when it is sent, who may read, members, example, readers, history, basis."""

import json
from collections.abc import Iterator

from deploy.basudara.contracts.docs.catalogue import Event
from deploy.basudara.contracts.docs.html import Html, Inside, joined, tag
from deploy.basudara.contracts.docs.layout import (
    Page,
    Site,
    code_block,
    event_path,
    facts,
    listed,
    service_path,
    table,
)
from deploy.basudara.contracts.docs.members import members_table
from deploy.basudara.contracts.docs.telling import DECIDERS, ORIGINS, data_class, kept, key, may_read


def event_page(site: Site, event: Event) -> Page:
    say, message = site.language.say, event.message
    return Page(
        path=event_path(event.kind),
        title=message.title,
        lead=site.language.plain(message.summary),
        main=joined(
            [
                tag("h1", message.title),
                tag("p", tag("code", event.kind), class_="type"),
                _succession(site, event),
                tag("h2", say("When it is sent")),
                tag("p", say(message.summary)),
                *_section(say("What it means"), message.facts.meaning and say(message.facts.meaning)),
                tag("h2", say("Where it travels, and who may read it")),
                _where(site, event),
                *_basis(site, event),
                tag("h2", say("Members of the payload"), id="members"),
                tag(
                    "p", say("These are the members of `data`. All of them are always there; what is unknown is null.")
                ),
                members_table(site.language, event.schema, label=site.language.plain("Members of the payload")),
                *_alternatives(site, event),
                _schema(site, event),
                *_examples(site, event),
                tag("h2", say("Readers, and what each uses")),
                _readers(site, event),
                *_history(site, event),
            ]
        ),
    )


def _section(title: Html, text: Inside) -> list[Html]:
    return [tag("h2", title), tag("p", text)] if text else []


def _succession(site: Site, event: Event) -> Html | None:
    """A newer version beside this one, or the word that it will go."""
    say, newer = site.language.say, event.newer
    if newer in site.catalogue.events:
        link = tag("a", tag("code", newer), href=f"{newer}.html")
        return tag("p", say("There is a newer version of this event:"), " ", link, class_="note")
    return tag("p", say("This event is going to end."), class_="note") if event.message.deprecated else None


def _where(site: Site, event: Event) -> Html:
    say, channel = site.language.say, site.catalogue.channels[event.channel]
    writer = tag("a", channel.facts.owner, href=f"../{service_path(channel.facts.owner)}")
    address = tag("a", tag("code", channel.address), href=f"../{service_path(channel.facts.owner)}#{event.channel}")
    return facts(
        [
            (say("Topic"), address),
            (say("Sent by"), joined([say("service"), " ", writer])),
            (say("Who may read it"), may_read(site.language, channel)),
            (say("Key of the record"), joined([key(channel), " – ", say(event.key)])),
            (say("Partitions"), str(channel.bindings.kafka.partitions)),
            (say("Kept for"), kept(site.language, channel)),
            (say("Data class of the topic"), data_class(site.language, channel)),
            (say("Headers"), tag("a", say("those of every event"), href="../envelope.html")),
        ]
    )


def _basis(site: Site, event: Event) -> list[Html]:
    """Only what the catalogue names: where it names nothing, nothing is claimed."""
    say, told = site.language.say, event.message.facts
    move: Html | None = None
    if told.move:
        starts = listed([tag("code", state) for state in told.move.starts]) if told.move.starts else say("(nothing)")
        move = joined([tag("strong", told.move.machine), ": ", starts, " → ", tag("code", told.move.ends)])
    rows: list[tuple[Inside, Inside]] = [
        (say("Law"), joined((say(law) for law in told.law), tag("br"))),
        (say("Move of the state machine"), move),
        (say("Decided by"), joined((say(DECIDERS.get(who, who)) for who in told.by), "; ")),
    ]
    return [tag("h2", say("Which rule it comes from")), facts(rows)] if any(which for _, which in rows) else []


def _alternatives(site: Site, event: Event) -> Iterator[Html]:
    if event.schema.alternatives:
        choices = [one.description for one in event.schema.alternatives if one.description]
        yield tag("p", site.language.say("Exactly one of these holds:"))
        yield tag("ul", *(tag("li", site.language.say(choice)) for choice in choices))


def _schema(site: Site, event: Event) -> Html:
    label = site.language.plain("JSON Schema of the payload")
    link = tag("a", site.language.say("as a file"), href=f"../../schemas/{event.kind}.json")
    return tag("details", tag("summary", label), tag("p", link), code_block(event.schema_text, label=label))


def _examples(site: Site, event: Event) -> Iterator[Html]:
    say = site.language.say
    yield tag("h2", say("Example"), id="example")
    yield tag("p", say("A whole record as it travels: its value, then its headers. Every person in it is invented."))
    for name, told in event.examples.items():
        label = f"{site.language.plain('Example')}: {name}"
        yield tag("h3", tag("code", name))
        yield code_block(json.dumps(told, indent=2, ensure_ascii=False), label=label)
        lines = ["content-type: application/cloudevents+json"]
        lines += [f"ce_{attribute}: {value}" for attribute, value in told.items() if attribute not in {"data"}]
        title = site.language.plain("Headers of this example")
        yield tag("details", tag("summary", title), code_block("\n".join(lines), label=f"{title}: {name}"))


def _readers(site: Site, event: Event) -> Html:
    say = site.language.say
    rows = []
    for row in site.catalogue.readings(kind=event.kind):
        uses = site.catalogue.uses.get((row.facts.service, event.kind))
        used = joined((tag("code", _path(path)) for path in uses.fields), " ") if uses else None
        who = tag("a", row.facts.service, href=f"../{service_path(row.facts.service)}")
        origin = say(ORIGINS[row.facts.origin]) if row.facts.origin else None
        rows.append((who, tag("code", row.facts.group or ""), origin, say(row.summary), used))
    if not rows:
        return tag("p", say("No service of ours reads it; a subscriber may."))
    columns = (say("Service"), say("Group"), say("From"), say("What for"), say("Members that it uses"))
    return table(columns, rows, label=site.language.plain("Readers, and what each uses"))


def _path(pointer: str) -> str:
    """`/units/*/critical` as the table of members spells it."""
    return pointer.removeprefix("/").replace("/*", "[]").replace("/", ".")


def _history(site: Site, event: Event) -> list[Html]:
    say, told = site.language.say, event.message.facts.history
    if not told:
        return []
    rows = [(change.version, say(change.what)) for change in told]
    columns = (say("Version of the contracts"), say("What changed"))
    return [tag("h2", say("History")), table(columns, rows, label=site.language.plain("History"))]
