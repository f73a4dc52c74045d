"""Checks a record by what `services/chassis/audit.md` says of it, and by nothing else: none of our code is used here.

python record_checker.py AGENCY SERVICE [NUMBER:HASH] < blocks, one JSON document a line, in the order of `number`
Exit code 0: intact, with its head; 1: the first place where it is not.
"""

import hashlib
import json
import sys
from collections.abc import Iterable


def text_of(value: object) -> str:
    """JSON with members sorted by name, nothing between them, whole numbers in digits. Raises ValueError."""
    if value is None:
        return "null"
    if isinstance(value, str):
        if any(not " " <= one <= "~" or one in '"\\' for one in value):
            raise ValueError
        return f'"{value}"'
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(text_of(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{text_of(name)}:{text_of(value[name])}" for name in sorted(value)) + "}"
    raise ValueError


def check(agency: str, service: str, told: str, lines: Iterable[str]) -> str | None:
    """None, or what is wrong. Prints the head."""
    number, previous, first = 0, "0" * 64, 1
    known, _, known_hash = told.partition(":")
    for line in lines:
        block = json.loads(line)
        number += 1
        hashed = {name: value for name, value in block.items() if name not in ("_id", "hash")}
        try:
            found = hashlib.sha256(text_of(hashed).encode()).hexdigest()
        except ValueError:
            return f"block {number}: a value that no block has"
        if (block["_id"], block["number"], block["first"]) != (number, number, first):
            return f"block {number}: a number is not the next one"
        if (block["agency"], block["service"]) != (agency, service):
            return f"block {number}: of another record"
        if block["previous"] != previous:
            return f"block {number}: the block before has another hash"
        if block["hash"] != found or not block["entries"]:
            return f"block {number}: another hash"
        if known == str(number) and known_hash != found:
            return f"block {number}: another hash was told"
        previous, first = found, first + len(block["entries"])
    if known and int(known) > number:
        return f"block {number + 1}: is missing"
    print(f"{number}:{previous} {first - 1}")
    return None


if __name__ == "__main__":
    wrong = check(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "", sys.stdin)
    if wrong is not None:
        print(wrong)
        raise SystemExit(1)
