"""Seeded damage: to bytes, and to JSON in ways that a parser, a validator or a store could trip over."""

import json
from random import Random
from typing import Any

RECORD_BYTES = 256 * 1024
# JSON texts, most of them no value that a schema allows at any place
ODD = (
    "null", "true", "{}", "[]", '""', "-1", "0.5", "1e400", "-0.0", "NaN", "-Infinity", "9" * 400,
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e-400", '"\\ud800"', '"\\udc00\\ud800"',
    '"\\u0000"', '"\\u202e"', '"\\uffff"', '"\u0661\u0662"', '"2027-02-30"', '"0001-01-01"', '"9999-12-31"',
    '"0001-01-01T00:00:00.000+14:00"', '"9999-12-31T23:59:59.999-14:00"', '"2027-01-18T09:00:00"', '"24:00"',
    '{"$where":"1"}', '{"$ref":"x","$id":1}', '{"a":1,"a":2}', '{"":1}', '{"a.b":1,"__proto__":[]}',
    "[" * 19 + "]" * 19, "[" * 40 + "]" * 40, "[" * 5000, '{"a":' * 3000,
    '"' + "x" * 20_000 + '"', '"' + "\U0001f600" * 300 + '"',
)  # fmt: skip
_HERE = "(here)"  # where the odd text goes: it may be none that `json.dumps` can write


class Damage:
    """All of it follows from the chance that is given."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def in_bytes(self, raw: bytes) -> bytes:
        """Cut off, flipped, spliced, doubled, or led by what some editors write first."""
        at = self.chance.randrange(len(raw) + 1)
        done = self.chance.choice(("cut", "flip", "splice", "twice", "led", "noise"))
        if done == "cut":
            return raw[:at]
        if done == "flip" and raw:
            flipped = bytearray(raw)
            for _ in range(self.chance.randint(1, 4)):
                flipped[self.chance.randrange(len(raw))] ^= 1 << self.chance.randrange(8)
            return bytes(flipped)
        if done == "splice":
            return raw[:at] + raw[self.chance.randrange(len(raw) + 1) :]
        if done == "led":
            return self.chance.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b" \n\t")) + raw
        return raw + raw if done == "twice" else self.noise(self.chance.randrange(400))

    def noise(self, length: int) -> bytes:
        return self.chance.randbytes(length)

    def in_json(self, value: Any) -> bytes:
        """One to three faults somewhere within, as bytes."""
        done = json.loads(json.dumps(value))
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            done = self._changed(done)
        text = json.dumps(done, ensure_ascii=self.chance.random() < 0.5)
        while (place := text.find(f'"{_HERE}"')) >= 0:
            text = text[:place] + self.chance.choice(ODD) + text[place + len(_HERE) + 2 :]
        if self.chance.random() < 0.1 and text.startswith("{"):
            text = self._repeated(text)
        return text.encode("utf-8", "surrogatepass")

    def _changed(self, value: Any) -> Any:
        if isinstance(value, dict) and value and self.chance.random() < 0.9:
            name = self.chance.choice(list(value))
            done = self.chance.choice(("drop", "add", "change", "change", "change", "rename"))
            if done == "drop":
                del value[name]
            elif done == "add":
                value[self.chance.choice(("extra", "", "$set", "constructor", "x" * 500))] = _HERE
            elif done == "rename":
                value[name.upper() if self.chance.random() < 0.5 else f"{name}\u200b"] = value.pop(name)
            else:
                value[name] = self._changed(value[name])
            return value
        if isinstance(value, list) and value and self.chance.random() < 0.8:
            at = self.chance.randrange(len(value))
            value[at] = self._changed(value[at])
            return value * self.chance.choice((1, 1, 2, 100))
        return _HERE

    def _repeated(self, text: str) -> str:
        """The same member once more, with another value."""
        name = text[1 : text.find(":")] if ":" in text else '"a"'
        return f"{{{name}: {self.chance.choice(ODD[:6])}, {text[1:]}"
