"""The pages that are no event and no service: start, envelope, glossary, and how to subscribe."""

from collections.abc import Sequence

from deploy.basudara.contracts.docs.html import Html, joined, tag
from deploy.basudara.contracts.docs.layout import Page, Site, code_block, facts, table
from deploy.basudara.contracts.docs.members import members_table
from deploy.basudara.contracts.docs.picture import flows, picture
from deploy.basudara.contracts.docs.services import events_table

INSTALL = "python3 -m venv reader && reader/bin/pip install aiokafka"
RUN = r"""export KAFKA=localhost:9092                     # with `make up`: $(basudara url kafka)
export GROUP=my-agency.my-service.first         # yours alone; it keeps your place
export TOPICS='^[a-z0-9-]+\.(agreement\.agreement|training\.programme)\.v1$'   # a pattern over topic names
export TYPES=id.basudara.agreement.agreement.recorded.v1,id.basudara.training.programme.published.v1
reader/bin/python subscribe.py"""
LOGIN = """export KAFKA_USER=… KAFKA_PASSWORD=…            # the mechanism is SCRAM-SHA-512
export KAFKA_PROTOCOL=SASL_SSL                  # over an open network; SASL_PLAINTEXT is the default
export SSL_CERT_FILE=authority.pem              # who signed its certificate, if your machine does not know it"""
RULES = (
    "Choose topics by pattern: when a new agreement comes into force, its topics are found without a change of yours, "
    "within the time in which your client looks anew (aiokafka: five minutes).",
    "Let pass what you do not know: types, members, codes. New ones come without a new version.",
    "Remember `source` and `id` of each event together with what you did: the same event may come twice.",
    "Commit the offset only after your work is stored. Then nothing is lost when you die between the two.",
    "Begin at the earliest record. A group that begins at the end misses what was said before it came.",
    "Order holds per key, so per case: read a partition in order, and do not hand one key to two workers.",
    "Read at least once within the time a topic is kept. What is older is gone.",
    "A topic that is compacted keeps the last record of each key: take each as the whole truth about it.",
    "A record that you cannot read is set aside with its place, not waited on: the next ones are for you too.",
    "After `consent.withdrawn` stop before `stop_by`, after `referral.voided` erase what you hold.",
    "Do not join pseudonyms of different agencies, and do not look for the person behind one: "
    "identity comes by the participant card alone.",
)
NEEDS = (
    "A topic about persons is read by one agency only, the one in its address: your agency's code must stand there.",
    "A topic of a register is read by every party of an agreement in force.",
    "Ask the operator of your installation for a user, a password and the right to a group. "
    "The operator gives what the agreement (PKS) gives.",
)
TROUBLES = {  # what the reader says: what it comes from, as seen with a broker that asks who one is
    "reads nothing yet": "No topic fits the pattern, or you may see none that does: "
    "a broker hides what you may not read.",
    "Unable to bootstrap": "The address is wrong, or the user or the password is.",
    "GroupAuthorizationFailedError": "The group is not yours: use the name that the operator gave you.",
}
SHOWS = (
    "It prints the topics that it reads and then a line for each event, and keeps the events in `kept.db`. "
    "Then it waits for more: silence means that nobody has said anything. Stop it with Ctrl-C."
)


def start_page(site: Site) -> Page:
    say, document = site.language.say, site.catalogue.document
    groups = [
        joined([tag("h3", tag("code", row.address)), events_table(site, list(row.messages), up="")])
        for row in site.catalogue.channels.values()
    ]
    columns = (say("Topic"), say("Written by"), say("Read by"))
    label = site.language.plain("Who writes which topic, and who reads it")
    return Page(
        path="index.html",
        title=site.language.plain("Start"),
        lead=site.language.plain(document.info.description),
        main=joined(
            [
                tag("h1", document.info.title),
                tag("p", say(document.info.description)),
                tag("p", tag("a", say("Subscribe in twenty lines"), href="subscribe.html"), class_="note"),
                tag("h2", say("Agencies and flows")),
                picture(site),
                tag("details", tag("summary", say("The same as a table")), table(columns, flows(site), label=label)),
                tag("h2", say("All events")),
                *groups,
            ]
        ),
    )


def envelope_page(site: Site) -> Page:
    say, schemas = site.language.say, site.catalogue.document.components.schemas
    parts = [
        ("envelope", "The record", "envelope"),
        ("headers", "Headers of every record", "headers"),
        ("copy_headers", "Headers of a copy on a retry or parked topic", "copies"),
        ("decision_headers", "Headers of an operator's decision on a parked topic", "decisions"),
    ]
    sections = [
        joined(
            [
                tag("h2", say(title), id=place),
                tag("p", say(schemas[name].description)),
                members_table(site.language, schemas[name], label=site.language.plain(title)),
            ]
        )
        for name, title, place in parts
        if name in schemas
    ]
    return Page(
        path="envelope.html",
        title=site.language.plain("Envelope and headers"),
        lead=site.language.plain(schemas["envelope"].description),
        main=joined([tag("h1", say("Envelope and headers")), *sections, *_copies(site)]),
    )


def _copies(site: Site) -> Sequence[Html]:
    """The topics that no subscriber reads, so that nobody wonders what they are."""
    say = site.language.say
    rows = [(tag("code", row.address), say(row.description)) for row in site.catalogue.copies.values()]
    title = "Topics of copies, which only their own consumer and its operator read"
    columns = (say("Topic"), say("Meaning"))
    return [tag("h2", say(title)), table(columns, rows, label=site.language.plain(title))] if rows else []


def glossary_page(site: Site) -> Page:
    say = site.language.say
    columns = (say("Term"), say("Meaning"), say("Identifier"))
    sections = [
        joined(
            [
                tag("h2", say(title)),
                table(
                    columns,
                    [(tag("span", row.term, id=row.place), say(row.meaning), _codes(row.identifier)) for row in rows],
                    label=site.language.plain(title),
                ),
            ]
        )
        for title, rows in site.catalogue.glossary.items()
    ]
    title = site.language.plain("Glossary")
    return Page(path="glossary.html", title=title, lead=title, main=joined([tag("h1", title), *sections]))


def _codes(text: str) -> Html:
    return joined(tag("code", piece) if place % 2 else piece for place, piece in enumerate(text.split("`")))


def subscribe_page(site: Site, example: str) -> Page:
    say, plain = site.language.say, site.language.plain
    title = plain("Subscribe in twenty lines")
    lead = "Any Kafka client will do. This one is Python with aiokafka, and nothing of ours."
    return Page(
        path="subscribe.html",
        title=title,
        lead=plain(lead),
        main=joined(
            [
                tag("h1", title),
                tag("p", say(lead)),
                tag("h2", say("What you need")),
                _list(site, NEEDS),
                tag("h2", say("The reader")),
                tag("p", tag("a", "subscribe.py", href="../subscribe.py", download=True)),
                code_block(example, label=plain("The reader")),
                tag("h2", say("Run it")),
                code_block(INSTALL, label=plain("Install")),
                code_block(RUN, label=plain("Run it")),
                tag("p", say(SHOWS)),
                tag("p", say("Where the broker asks who you are, give it besides:")),
                code_block(LOGIN, label=plain("Credentials")),
                tag("h2", say("When it does not run")),
                _troubles(site),
                tag("h2", say("From an address to a pattern")),
                *_addresses(site),
                tag("h2", say("Rules of a reader")),
                _list(site, RULES),
            ]
        ),
    )


def _troubles(site: Site) -> Html:
    say = site.language.say
    rows = [(tag("code", said), say(cause)) for said, cause in TROUBLES.items()]
    return table(
        (say("What it says"), say("What it comes from")), rows, label=site.language.plain("When it does not run")
    )


def _addresses(site: Site) -> Sequence[Html]:
    say = site.language.say
    rows = []
    for name, row in site.catalogue.channels.items():
        writer = "YOUR-AGENCY" if set(row.facts.readers) == {"own"} else "[a-z0-9-]+"
        pattern = row.address.replace(".", r"\.").replace("{owner}", writer).replace("{reader}", "YOUR-AGENCY")
        link = tag("a", tag("code", row.address), href=f"services/{row.facts.owner}.html#{name}")
        rows.append((link, tag("code", f"^{pattern}$")))
    parameters = site.catalogue.document.components.parameters
    used = [(tag("code", f"{{{name}}}"), say(row.description)) for name, row in parameters.items()]
    columns = (say("Topic"), say("Pattern"))
    text = "In a pattern, put your own agency's code for YOUR-AGENCY."
    return [
        facts(used),
        tag("p", say(text)),
        table(columns, rows, label=site.language.plain("From an address to a pattern")),
    ]


def _list(site: Site, texts: Sequence[str]) -> Html:
    return tag("ul", *(tag("li", site.language.say(text)) for text in texts))
