"""One record to the byte, headers and value: what a reader in any language may rely on."""

import json
from datetime import datetime

from chassis.envelope import Event, to_record

from .catalogue import CONTRACTS, EVENTS

GOLDEN = CONTRACTS.parent / "tests" / "contracts" / "data" / "golden-record.txt"
EXAMPLE = EVENTS / "id.basudara.referral.referral.requested.v1" / "examples" / "adult.json"


def sent() -> bytes:
    """The published example as a service sends it: a line for each header, an empty line, the value."""
    said = json.loads(EXAMPLE.read_text())
    own = {name: said[name] for name in Event.__dataclass_fields__ if name != "time"}
    value, headers = to_record(Event(**own, time=datetime.fromisoformat(said["time"])))
    return b"".join(name.encode() + b": " + told + b"\n" for name, told in headers) + b"\n" + value + b"\n"


def test_names_and_values_of_a_record_are_the_golden_ones() -> None:
    assert sent() == GOLDEN.read_bytes()


def test_every_header_name_is_of_a_z_and_0_9() -> None:
    """But `content-type`, and the standard's own prefix."""
    names = [line.split(b": ", 1)[0].decode() for line in GOLDEN.read_bytes().split(b"\n\n")[0].splitlines()]
    assert names[0] == "content-type"
    assert [name for name in names[1:] if not name.removeprefix("ce_").isalnum() or not name.islower()] == []
    assert len(names) == len(set(names)) == 13
