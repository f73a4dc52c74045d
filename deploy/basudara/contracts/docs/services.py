"""The page of one service: who runs it, what it sends on which topics, what it hears."""

from collections.abc import Iterator

from deploy.basudara.contracts.docs.html import Html, joined, tag
from deploy.basudara.contracts.docs.layout import Page, Site, event_path, facts, service_path, table
from deploy.basudara.contracts.docs.telling import ORIGINS, ROLES, data_class, kept, key, may_read


def service_page(site: Site, name: str) -> Page:
    say, service = site.language.say, site.catalogue.services[name]
    runs = joined((say(ROLES.get(role, role)) for role in service.run_by), "; ")
    return Page(
        path=service_path(name),
        title=f"{site.language.plain('Service')} {name}",
        lead=site.language.plain(service.meaning),
        main=joined(
            [
                tag("h1", say("Service"), " ", tag("code", name)),
                tag("p", say(service.meaning)) if service.meaning else None,
                facts([(say("Run by"), runs)]),
                tag("h2", say("What it sends")),
                *_sends(site, name),
                tag("h2", say("What it hears")),
                _hears(site, name),
            ]
        ),
    )


def _sends(site: Site, name: str) -> Iterator[Html]:
    say = site.language.say
    owned = {channel: row for channel, row in site.catalogue.channels.items() if row.facts.owner == name}
    if not owned:
        yield tag("p", say("Nothing."))
    for channel, row in owned.items():
        yield tag("h3", tag("code", row.address), id=channel)
        yield tag("p", say(row.description))
        for operation in site.catalogue.document.operations.values():
            if operation.action == "send" and operation.channel_name == channel:
                yield tag("p", say(operation.summary))
        yield facts(
            [
                (say("Who may read it"), may_read(site.language, row)),
                (say("Key of the record"), key(row)),
                (say("Partitions"), str(row.bindings.kafka.partitions)),
                (say("Kept for"), kept(site.language, row)),
                (say("Data class of the topic"), data_class(site.language, row)),
            ]
        )
        yield events_table(site, list(row.messages), up="../")


def events_table(site: Site, kinds: list[str], *, up: str) -> Html:
    say = site.language.say
    rows = []
    for kind in kinds:
        message = site.catalogue.events[kind].message
        rows.append((tag("a", message.title, href=up + event_path(kind)), say(message.summary)))
    return table((say("Event"), say("When it is sent")), rows, label=site.language.plain("Events"))


def _hears(site: Site, name: str) -> Html:
    say = site.language.say
    rows = []
    for row in site.catalogue.readings(service=name):
        channel = site.catalogue.document.channels[row.channel_name]
        events = site.catalogue.events
        linked = joined(
            (
                tag("a", events[kind].message.title, href=f"../{event_path(kind)}")
                for kind in row.kinds
                if kind in events
            ),
            ", ",
        )
        origin = say(ORIGINS[row.facts.origin]) if row.facts.origin else None
        rows.append((tag("code", channel.address), origin, say(row.summary), linked))
    if not rows:
        return tag("p", say("Nothing."))
    columns = (say("Topic"), say("From"), say("What for"), say("Events"))
    return table(columns, rows, label=site.language.plain("What it hears"))
