"""Good files, what is changed of each, and all that must be said of it: pointers and rules."""

from dataclasses import dataclass
from typing import Any

from deploy.basudara.contracts.validate import Kind

GONE = object()  # the member is taken away
TYPE = "id.basudara.referral.referral.requested.v1"
CASE = "id.basudara.intake.case.registered.v1"
GOOD: dict[Kind, str] = {
    "event": f"contracts/events/{TYPE}/examples/adult.json",
    "example": f"contracts/events/{TYPE}/examples/adult.json",
    "schema": f"contracts/events/{TYPE}/schema.json",
    "asyncapi": "contracts/asyncapi.yaml",
    "reader": f"contracts/readers/training/{TYPE}.json",
    "manifest": "deploy/agencies/bapas-ambon.yaml",
    "agreement": "deploy/agreements/pks-001-contoh.yaml",
}


@dataclass(frozen=True)
class Bad:
    """`changes`: JSON pointer to new value; `expected`: pointers and rules."""

    name: str
    kind: Kind
    changes: dict[str, Any]
    expected: frozenset[tuple[str, str]]


def changed(document: Any, changes: dict[str, Any]) -> Any:
    """The document itself, changed; a pointer that ends in /- adds to a list."""
    for at, value in changes.items():
        *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in at.split("/")[1:]]
        place: Any = document
        for step in steps:
            place = place[int(step) if isinstance(place, list) else step]
        if value is GONE:
            del place[int(last) if isinstance(place, list) else last]
        elif isinstance(place, list):
            place.append(value) if last == "-" else place.__setitem__(int(last), value)
        else:
            place[last] = value
    return document


def of(kind: Kind, name: str, changes: dict[str, Any], *expected: str) -> Bad:
    """`expected`: "POINTER RULE", the pointer empty for the whole."""
    pairs = (one.rpartition(" ") for one in expected)
    return Bad(name, kind, changes, frozenset((pointer, rule) for pointer, _, rule in pairs))


MEMBERS = "/properties/field"
CHANNEL = "/channels/referral.referral.to"
MESSAGE = f"/components/messages/{TYPE}"
SENDS = "/operations/referral.sends.referral.referral.to"
HEARS = "/operations/training.placements.receives.referral.referral.to"
CHANNEL_MESSAGE = f"#/channels/intake.case/messages/{CASE}"
EVENT_BAD = [
    of("event", "another version of CloudEvents", {"/specversion": "0.3"}, "/specversion const"),
    of("event", "no id", {"/id": GONE}, " required"),
    of("event", "null is not there", {"/id": None}, " required"),
    of("event", "an empty id", {"/id": ""}, "/id minLength"),
    of("event", "an id that is no UUIDv7", {"/id": "01a3266a-55c0-4270-b142-146774d38d15"}, "/id pattern"),
    of("event", "an id that is a number", {"/id": 7}, "/id type"),
    of("event", "a source that is no reference", {"/source": "/a b/referral"}, "/source format"),
    of("event", "a source without a service", {"/source": "/bapas-ambon"}, "/source owner", "/source pattern"),
    of("event", "a source of another service", {"/source": "/bapas-ambon/intake"}, "/source owner"),
    of("event", "a type that nobody published", {"/type": f"{CASE}2"}, "/type unknown-type"),
    of("event", "a type with a capital", {"/type": TYPE.replace("referral", "Referral", 1)}, "/type unknown-type",
       "/type pattern"),
    of("event", "an attribute with a hyphen", {"/trace-id": "x"}, "/trace-id name"),
    of("event", "an attribute with a capital", {"/traceId": "x"}, "/traceId name"),
    of("event", "an attribute of 21 letters", {"/" + "a" * 21: "x"}, f"/{'a' * 21} name"),
    of("event", "an attribute that is an object", {"/extra": {"a": 1}}, "/extra type"),
    of("event", "an attribute with a fraction", {"/extra": 1.5}, "/extra type"),
    of("event", "an attribute beyond 32 bit", {"/extra": 2**31}, "/extra maximum"),
    of("event", "time by the wall", {"/time": "2027-01-18T01:30:00"}, "/time format"),
    of("event", "a blank in the time", {"/time": "2027-01-18 01:30:00Z"}, "/time format"),
    of("event", "the 30th of February", {"/time": "2027-02-30T01:30:00Z"}, "/time format"),
    of("event", "a leap second that never was", {"/time": "2027-01-18T01:30:60Z"}, "/time format"),
    of("event", "an offset without a colon", {"/time": "2027-01-18T01:30:00+0900"}, "/time format"),
    of("event", "a time of another zone", {"/time": "2027-01-18T10:30:00+09:00"}, "/time utc"),
    of("event", "no correlation", {"/correlationid": GONE}, " required"),
    of("event", "no trace", {"/traceparent": "00-xyz"}, "/traceparent pattern"),
    of("event", "a version of zero", {"/aggregateversion": 0}, "/aggregateversion minimum"),
    of("event", "a version that is text", {"/aggregateversion": "1"}, "/aggregateversion type"),
    of("event", "another schema", {"/dataschema": "urn:basudara:events:other"}, "/dataschema dataschema"),
    of("event", "another media type", {"/datacontenttype": "text/plain"}, "/datacontenttype const"),
    of("event", "a media type that is none", {"/datacontenttype": "json"}, "/datacontenttype pattern"),
    of("event", "a payload in base64", {"/data_base64": "e30="}, "/data_base64 data"),
    of("event", "a payload that is a list", {"/data": []}, "/data type"),
    of("event", "a subject of something else", {"/subject": "ref_" + "a" * 26}, "/subject subject"),
    of("event", "a member that nobody published", {"/data/full_name": "Yopi"}, "/data additionalProperties"),
    of("event", "a member that is missing", {"/data/field": GONE}, "/data required"),
    of("event", "a code that is not listed", {"/data/field": "POETRY"}, "/data/field enum"),
    of("event", "a day that is none", {"/data/due_on": "2027-02-30"}, "/data/due_on format"),
    of("event", "an item twice", {"/data/availability": ["MORNING", "MORNING"]}, "/data/availability uniqueItems"),
    of("event", "too few items", {"/data/availability": []}, "/data/availability minItems"),
    of("example", "another folder", {"/type": CASE, "/source": "/bapas-ambon/intake"}, "/dataschema dataschema",
       "/type folder", "/data required", "/data additionalProperties"),
    of("example", "an attribute that is not ours", {"/partitionkey": "x"}, "/partitionkey unpublished"),
]  # fmt: skip
SCHEMA_BAD = [
    of("schema", "another dialect", {"/$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema dialect"),
    of("schema", "no dialect", {"/$schema": GONE}, "/$schema dialect"),
    of("schema", "another id", {"/$id": "urn:basudara:events:other"}, "/$id id"),
    of("schema", "another title", {"/title": "referral.asked"}, "/title title"),
    of("schema", "no word on when", {"/description": "A referral."}, "/description described"),
    of("schema", "a keyword misspelt", {f"{MEMBERS}/minlength": 3}, f"{MEMBERS}/minlength keyword"),
    of("schema", "a type that is none", {f"{MEMBERS}/type": "text"}, f"{MEMBERS}/type enum"),
    of("schema", "a bound that is text", {"/properties/due_on/maxLength": "10"}, "/properties/due_on/maxLength type"),
    of("schema", "a pattern that is none", {"/properties/due_on/pattern": "["}, "/properties/due_on/pattern format"),
    of("schema", "a format nobody asserts", {"/properties/due_on/format": "day"}, "/properties/due_on suffix",
       "/properties/due_on/format format"),
    of("schema", "a reference to nowhere", {MEMBERS: {"$ref": "#/$defs/field"}}, f"{MEMBERS}/$ref reference"),
    of("schema", "a reference to another file", {MEMBERS: {"$ref": "urn:x"}}, f"{MEMBERS}/$ref reference"),
    of("schema", "an open object", {"/additionalProperties": GONE}, " closed"),
    of("schema", "a member that may be absent", {"/required/2": GONE}, f"{MEMBERS} complete"),
    of("schema", "a member without a description", {f"{MEMBERS}/description": GONE}, f"{MEMBERS} described"),
    of("schema", "a text without bounds", {f"{MEMBERS}/enum": GONE}, f"{MEMBERS} bounded"),
    of("schema", "a list without bounds", {"/properties/availability/maxItems": GONE},
       "/properties/availability bounded"),
    of("schema", "a name outside a-z0-9", {"/properties/dueOn": {"type": "boolean", "description": "X."},
                                           "/required/-": "dueOn"}, "/properties/dueOn name"),
    of("schema", "a name of a person", {"/properties/full_name": {"type": "boolean", "description": "X."},
                                        "/required/-": "full_name"}, "/properties/full_name identity"),
    of("schema", "a suffix that lies", {"/properties/due_on/format": GONE}, "/properties/due_on suffix"),
    of("schema", "a payload that is a list", {"/type": "array", "/items": {}, "/minItems": 0, "/maxItems": 1,
                                              "/properties": {}, "/required": []}, "/type object", "/items described"),
]  # fmt: skip
ASYNCAPI_BAD = [
    of("asyncapi", "another version", {"/asyncapi": "2.6.0"}, "/asyncapi const"),
    of("asyncapi", "no title", {"/info/title": GONE}, "/info required"),
    of("asyncapi", "partitions in words", {"/components/channelBindings/person/kafka/partitions": "six"},
       "/components/channelBindings/person/kafka/partitions type"),
    of("asyncapi", "a reference to no message", {f"{CHANNEL}/messages/{TYPE}/$ref": "#/components/messages/none"},
       f"{CHANNEL}/messages/{TYPE}/$ref reference"),
    of("asyncapi", "a reference to no file", {f"{MESSAGE}/payload/schema/$ref": "./events/none/schema.json"},
       f"{MESSAGE}/payload/schema/$ref reference"),
    of("asyncapi", "a reference out of the folder", {f"{MESSAGE}/payload/schema/$ref": "../deploy/__init__.py"},
       f"{MESSAGE}/payload/schema/$ref reference"),
    of("asyncapi", "a reference to itself", {"/components/parameters/owner": {"$ref": "#/components/parameters/owner"}},
       "/components/parameters/owner/$ref reference"),
    of("asyncapi", "a parameter without its place", {f"{CHANNEL}/parameters/group": {}},
       f"{CHANNEL}/parameters/group parameter"),
    of("asyncapi", "a place without its parameter", {f"{CHANNEL}/parameters/reader": GONE},
       f"{CHANNEL}/address parameter"),
    of("asyncapi", "an address twice", {"/channels/notification.message/address": "{owner}.intake.case.v1"},
       "/channels/notification.message/address address"),
    of("asyncapi", "addresses that overlap", {"/channels/notification.message/address": "{owner}.a.b.retry.v1"},
       "/channels/retry/address address"),
    of("asyncapi", "an address outside a-z0-9", {"/channels/intake.case/address": "{owner}.intake.Case.v1"},
       "/channels/intake.case/address name"),
    of("asyncapi", "no address", {"/channels/intake.case/address": None}, "/channels/intake.case/address type"),
    of("asyncapi", "a message outside its channel", {f"{HEARS}/messages/0/$ref": CHANNEL_MESSAGE},
       f"{HEARS}/messages/0 message"),
    of("asyncapi", "a message twice", {f"{HEARS}/messages/-": {"$ref": f"#{CHANNEL}/messages/{TYPE}"}},
       f"{HEARS}/messages/6 message"),
    of("asyncapi", "an operation without channel", {f"{SENDS}/channel": GONE}, f"{SENDS} required"),
    of("asyncapi", "an operation of no channel", {f"{SENDS}/channel/$ref": "#/components/parameters/owner"},
       f"{SENDS}/channel channel"),
    of("asyncapi", "a sender that is not the owner", {f"{SENDS}/x-basudara/service": "intake"},
       f"{SENDS}/x-basudara/service owner"),
    of("asyncapi", "a type that nobody sends", {f"{SENDS}/messages/0": GONE},
       f"{CHANNEL}/messages/{TYPE} operation"),
    of("asyncapi", "a reader of what is not for it", {f"{HEARS}/x-basudara/from": "parties"},
       f"{HEARS}/x-basudara/from readers"),
    of("asyncapi", "a reader without group", {f"{HEARS}/x-basudara/group": GONE}, f"{HEARS}/x-basudara required"),
    of("asyncapi", "a channel without owner", {f"{CHANNEL}/x-basudara/owner": GONE}, f"{CHANNEL}/x-basudara required"),
    of("asyncapi", "a class that every party might read", {f"{CHANNEL}/x-basudara/data_class": "N"},
       f"{CHANNEL}/x-basudara/readers readers"),
    of("asyncapi", "a message on two channels", {
        f"/channels/intake.case/messages/{TYPE}": {"$ref": f"#/components/messages/{TYPE}"}},
       f"/channels/intake.case/messages/{TYPE} owner", f"/channels/intake.case/messages/{TYPE} operation",
       f"{MESSAGE} one-channel"),
    of("asyncapi", "a message of another name", {f"{MESSAGE}/name": CASE}, f"{MESSAGE}/name message"),
    of("asyncapi", "a message without the headers", {f"{MESSAGE}/traits": GONE}, f"{MESSAGE}/traits message"),
    of("asyncapi", "an attribute outside a-z0-9", {
        "/components/schemas/envelope/properties/traceId": {"type": "string"}},
       "/components/schemas/envelope/properties/traceId name"),
    of("asyncapi", "a header of no attribute", {"/components/schemas/headers/properties/ce_other": {"type": "string"}},
       "/components/schemas/headers/properties/ce_other name"),
    of("asyncapi", "a format nobody asserts", {"/components/schemas/envelope/properties/time/format": "instant"},
       "/components/schemas/envelope/properties/time/format format"),
    of("asyncapi", "a correlation in no header", {
        "/components/correlationIds/correlation/location": "$message.header#/ce_other"},
       "/components/correlationIds/correlation/location reference"),
]  # fmt: skip
OTHER_BAD = [
    of("reader", "another type", {"/type": CASE, "/fields": {}}, "/type file-name", "/type operation"),
    of("reader", "a type nobody published", {"/type": "id.x"}, "/type unknown-type"),
    of("reader", "no fields", {"/fields": GONE}, "/fields type"),
    of("reader", "a member too many", {"/note": 1}, "/note extra"),
    of("reader", "a field nobody published", {"/fields/~1nik": "string"}, "/fields/~1nik unpublished"),
    of("reader", "a JSON type that is none", {"/fields/~1due_on": "date"}, "/fields/~1due_on json-type"),
    of("reader", "a narrower type", {"/fields/~1availability": "string"}, "/fields/~1availability narrower"),
    of("manifest", "a wildcard", {"/agency": "bapas-*"}, "/agency string_pattern_mismatch"),
    of("manifest", "a member too many", {"/topics": []}, "/topics extra_forbidden"),
    of("manifest", "no name", {"/name": GONE}, "/name missing"),
    of("manifest", "a service that is none", {"/services/0": "payroll"}, "/services/0 literal_error"),
    of("manifest", "a service twice", {"/services/-": "intake"}, "/services/3 twice"),
    of("manifest", "an officer twice", {"/staff/-": {"staff_id": "pk-001", "role": "head_of_bapas",
                                                     "phone": "+6281000090001"}}, "/staff/6 twice"),
    of("manifest", "a phone without +", {"/staff/0/phone": "081000090001"}, "/staff/0/phone string_pattern_mismatch"),
    of("manifest", "another file", {"/agency": "bapas-lain"}, "/agency file-name"),
    of("manifest", "nothing to run", {"/services": []}, "/services services"),
    of("agreement", "an end before its beginning", {"/valid_until": "2020-01-01"}, "/valid_until coherent"),
    of("agreement", "a PKS without its KB", {"/umbrella_number": None}, "/umbrella_number coherent"),
    of("agreement", "a day that is none", {"/valid_from": "2026-02-30"}, "/valid_from date_from_datetime_parsing"),
    of("agreement", "a state that is none", {"/state": "SIGNED"}, "/state literal_error"),
    of("agreement", "a party without manifest", {"/parties/1/agency": "opd-lain"}, "/parties/1/agency party"),
    of("agreement", "a party twice", {"/parties/2/agency": "disnaker-ambon"}, "/parties/2 twice",
       "/parties uniqueItems"),
    of("agreement", "nobody who trains", {"/parties": [{"agency": "bapas-ambon", "role": "SENDER"},
                                                       {"agency": "kanwil-maluku", "role": "WITNESS"}]},
       "/parties parties"),
    of("agreement", "a field that is not listed", {"/scope/0": "POETRY"}, "/scope/0 enum"),
    of("agreement", "one party alone", {"/parties/2": GONE, "/parties/1": GONE}, "/parties too_short"),
]  # fmt: skip
BAD = [*EVENT_BAD, *SCHEMA_BAD, *ASYNCAPI_BAD, *OTHER_BAD]
