"""Event types on two sides: can each reader still read, and does each writer still give what readers need?"""

from collections.abc import Iterator
from typing import Any

from deploy.basudara.contracts.compare.reading import needs, used
from deploy.basudara.contracts.compare.schemas import canonical
from deploy.basudara.contracts.compare.sides import Change, Party, Side, readers_of
from deploy.basudara.contracts.compare.verdicts import Gap, gaps


def changes(old: Side, new: Side) -> Iterator[Change]:
    for kind in sorted(old.schemas.keys() | new.schemas.keys()):
        if kind not in new.schemas:
            yield from _removed(old, new, kind)
            continue
        if kind in old.schemas:
            yield from _written(old, new, kind)
            yield from _examples(old, new, kind)
        yield from _read(old, new, kind)


def _removed(old: Side, new: Side, kind: str) -> Iterator[Change]:
    """A type goes when nobody reads it any more: its readers went in a change before."""
    readers = set(readers_of((old, new), kind))
    readers |= {Party("any agency", service, "-") for service, one in old.readers if one == kind and not readers}
    yield Change(
        file=f"events/{kind}",
        pointer="",
        rule="type-removed",
        found="the type is gone" + (" while it is read" if readers else "; nobody read it"),
        breaks=tuple(sorted(readers)),
        breaking=bool(readers),
    )


def _written(old: Side, new: Side, kind: str) -> Iterator[Change]:
    """A writer's change: what the new one may write, read as the old schema promised it."""
    before, after = old.schemas[kind], new.schemas[kind]
    if before == after:
        return
    everything = gaps(after, used(before))  # a reader lets pass what it does not know: members may be added
    if not everything:
        return  # then it holds for fewer fields, too
    broken: dict[tuple[str, str], tuple[Gap, set[Party]]] = {}
    services = sorted(service for service, one in old.readers if one == kind)
    for service in services:
        for gap in gaps(after, used(before, old.readers[service, kind])):
            parties = readers_of((old, new), kind, service) or (Party("any agency", service, "-"),)
            broken.setdefault((gap.pointer, gap.rule), (gap, set()))[1].update(parties)
    for gap, breaks in broken.values():
        yield _told(f"events/{kind}/schema.json", gap, tuple(sorted(breaks)))
    if not broken:
        for gap in everything:
            yield _told(f"events/{kind}/schema.json", gap, (), breaking=False)


def _read(old: Side, new: Side, kind: str) -> Iterator[Change]:
    """A reader's change: what it needs now must have been given before, since records of then are still there."""
    for service in sorted(service for service, one in new.readers if one == kind):
        fields = new.readers[service, kind]
        same_reader = old.readers.get((service, kind)) == fields
        written = [side for side in (old, new) if kind in side.schemas]
        if same_reader and (kind not in old.schemas or old.schemas[kind] == new.schemas[kind]):
            continue
        sides = written[-1:] if same_reader else written
        told: set[tuple[str, str]] = set()
        for side in sides:
            for gap in gaps(side.schemas[kind], needs(fields)):
                if (gap.pointer, gap.rule) not in told:
                    told.add((gap.pointer, gap.rule))
                    parties = readers_of((new,), kind, service) or (Party("any agency", service, "-"),)
                    yield _told(f"readers/{service}/{kind}.json", gap, parties)


def _told(file: str, gap: Gap, parties: tuple[Party, ...], breaking: bool = True) -> Change:
    return Change(
        file=file,
        pointer=gap.pointer,
        rule=gap.rule,
        found=gap.found,
        breaks=parties,
        breaking=breaking,
        witness=gap.witness,
        has_witness=gap.decided,
    )


def _examples(old: Side, new: Side, kind: str) -> Iterator[Change]:
    before, after = old.examples(kind), new.examples(kind)
    kept: set[Any] = {canonical(one) for one in after.values()}
    for name, one in before.items():
        if name not in after and canonical(one) not in kept:
            yield Change(
                file=f"events/{kind}/examples/{name}",
                pointer="",
                rule="example-removed",
                found="the example is gone, and readers try themselves on it",
                breaks=readers_of((old, new), kind),
            )
