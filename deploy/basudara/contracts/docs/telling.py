"""What several pages tell of a channel in the same words: who may read, how long it is kept, how strict its data is."""

from deploy.basudara.contracts.docs.html import Html, joined, tag
from deploy.basudara.contracts.docs.language import Language
from deploy.basudara.contracts.docs.source import Channel

READERS = {
    "own": "the services of the agency that writes it",
    "reader": "the one agency named in the address",
    "parties": "every party of an agreement in force",
}
ORIGINS = {
    "own": "topics of its own agency",
    "to-me": "topics of other agencies that name its own agency as the reader",
    "parties": "topics of every agency with which an agreement is in force",
}
CLASSES = {
    "S": "specific personal data",
    "P": "personal data",
    "K": "a pseudonym",
    "N": "no person at all",
}
ROLES = {
    "sender": "an agency that refers (Bapas, LPKA)",
    "trainer": "an agency that trains (OPD)",
    "register": "the agency that keeps the register of agreements (Kanwil)",
}
DECIDERS = {
    "probation_officer": "probation officer (PK)",
    "assistant_probation_officer": "assistant probation officer (APK)",
    "facility_officer": "facility officer",
    "head_of_bapas": "head of Bapas",
    "programme_officer": "programme officer",
    "head_of_opd": "head of the OPD",
    "training_host": "training host",
    "instructor": "instructor",
    "assessor": "assessor",
    "regional_office": "regional office (Kanwil)",
    "person": "the person",
    "participant": "the participant",
    "guardian": "the guardian",
    "child": "the child",
    "provider": "the provider's report",
    "two_persons": "two persons together",
    "system": "the system, on a clock or an event, never on a judgement",
}


def may_read(language: Language, channel: Channel) -> Html:
    return joined((language.say(READERS[one]) for one in channel.facts.readers), "; ")


def kept(language: Language, channel: Channel) -> Html:
    days = channel.retention_days
    if days is None:
        return language.say("the last record of each key stays (compacted)")
    return joined([str(days), " ", language.say("days")])


def data_class(language: Language, channel: Channel) -> Html:
    letter = channel.facts.data_class
    return joined([tag("strong", letter, class_=f"class-{letter.lower()}"), " – ", language.say(CLASSES[letter])])


def key(channel: Channel) -> Html:
    return joined((tag("code", member) for member in channel.facts.key), " / ")
