"""At the end: what became of each record, with each of its readers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chassis.delivery import COPY, REASON, SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC
from deploy.basudara import records
from deploy.basudara.records import Record
from deploy.basudara.stack import Stack
from tests.fuzz.events import NUMBER, Reader, Target
from tests.fuzz.putting import Put

HANDLED, DUPLICATE, PARKED, PASSED_BY = "handled", "duplicate", "parked", "passed by"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What one reader keeps. `notes`: of its inbox; `parked`: reasons by a record's place, and by our number of it."""

    notes: frozenset[str]
    parked: Mapping[str, list[str]]


@dataclass
class Account:
    """Of one reader. `lost`: records of which it knows nothing; `twice`: parked more than once."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    lost: list[Put] = field(default_factory=list)
    twice: list[Put] = field(default_factory=list)


def account(reader: Reader, puts: Iterable[Put], kept: Kept) -> Account:
    """Each record is handled, parked with a reason, refused as one that came before, or of a type nobody asked for."""
    found, seen = Account(), set[str]()
    for put in puts:
        reasons = kept.parked.get(f"number {put.number}") or kept.parked.get(put.place) or []
        outcome = _outcome(put, reasons, reader, kept.notes, seen)
        if outcome is None:
            found.lost.append(put)
            continue
        found.outcomes[outcome] += 1
        if outcome == PARKED:
            found.reasons[_short(reasons[0])] += 1
        if len(reasons) > 1:
            found.twice.append(put)
    return found


def _short(reason: str) -> str:
    """The code, and of its facts the first where that is no id."""
    code, *facts = reason.split()
    return " ".join([code, *(fact for fact in facts[:1] if "_id=" not in fact and "_ref=" not in fact)])


def _outcome(put: Put, reasons: list[str], reader: Reader, notes: frozenset[str], seen: set[str]) -> str | None:
    if reasons:
        return PARKED
    if put.event is None:
        return None
    id, kind = put.event
    if kind not in reader.heard:
        return PASSED_BY
    if f"{reader.group}:{id}" not in notes:
        return None
    outcome = DUPLICATE if id in seen else HANDLED
    seen.add(id)
    return outcome


def accounts(stack: Stack, targets: Iterable[Target], puts: list[Put]) -> dict[str, Account]:
    """By reader. Asks their stores and reads their parked topics."""
    reads: dict[str, set[str]] = {}
    known: dict[str, Reader] = {}
    for target in targets:
        for reader in target.readers:
            reads.setdefault(reader.name, set()).add(target.topic)
            known[reader.name] = reader
    return {
        name: account(reader, [put for put in puts if put.topic in reads[name]], kept(stack, reader))
        for name, reader in sorted(known.items())
    }


def kept(stack: Stack, reader: Reader) -> Kept:
    topic = f"{reader.name.replace('/', '.')}.{reader.group}.parked.v1"
    with stack.reach.store() as mongo:
        notes = frozenset(str(row["_id"]) for row in mongo[reader.database]["inbox"].find({}, {"_id": 1}))
    return Kept(notes=notes, parked=parked_of(records.until_now(stack.reach.broker, lambda name: name == topic)))


def parked_of(copies: Iterable[Record]) -> dict[str, list[str]]:
    """A copy that the relay sent twice counts once."""
    found: dict[str, list[str]] = {}
    known = set[str | None]()
    for copy in copies:
        if copy.header(COPY) in known:
            continue
        known.add(copy.header(COPY))
        source = ":".join(copy.header(name) or "" for name in (SOURCE_TOPIC, SOURCE_PARTITION, SOURCE_OFFSET))
        number = copy.header(NUMBER)
        found.setdefault(source if number is None else f"number {number}", []).append(copy.header(REASON) or "")
    return found
