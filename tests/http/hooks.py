"""What schemathesis loads: who asks, how a receipt is signed, and that no problem quotes what was sent.

`HTTP_FACES` names a JSON file: tokens by name, the gateway's secret, the text of the document.
"""

import hashlib
import hmac
import itertools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import schemathesis
from requests.auth import AuthBase
from schemathesis.auths import GLOBAL_AUTH_STORAGE

GIVEN: dict[str, Any] = json.loads(Path(os.environ["HTTP_FACES"]).read_text())
# by operationId; whatever is not here is asked by the first of the tokens
ASKERS = {
    "assign_officer": "head_of_bapas", "decide_eligibility": "head_of_bapas", "redecide_eligibility": "head_of_bapas",
    "erase_case": "head_of_bapas", "list_disclosures": "head_of_bapas", "show_card": "training",
    "show_contact": "notification",
    "record_attendance": "instructor", "move_session": "instructor", "assess": "assessor",
    "move_certificate": "head_of_opd",
}  # fmt: skip
OUR_IDS = re.compile(r"[a-z]{3}_[a-z2-7]{26}")  # random: they tell of nobody
VERSION = re.compile(r"[0-9]{1,9}")  # too short for a NIK or a phone
OUR_NAMES = re.compile(r"[a-z][a-z_]{0,39}")  # of members: `chassis.http` tells back a name only in this form
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # the fact of some refusals: a holiday, a class that is still to come
SHORTEST = 8  # what is shorter may stand in a problem by chance
_turn = itertools.count()


class Signature(AuthBase):
    """As the gateway signs."""

    def __call__(self, asked: requests.PreparedRequest) -> requests.PreparedRequest:
        raw = asked.body.encode() if isinstance(asked.body, str) else asked.body or b""
        assert isinstance(raw, bytes)
        asked.headers["X-Gateway-Signature"] = hmac.new(GIVEN["secret"].encode(), raw, hashlib.sha256).hexdigest()
        return asked


GLOBAL_AUTH_STORAGE.set_from_requests(Signature()).apply_to(path="/receipts")


@schemathesis.auth(cache_by_key=None, refresh_interval=None).skip_for(path="/receipts")
class Officers:
    """Mostly those who may; every ninth request is somebody's who may not, or of another agency."""

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        tokens: dict[str, str] = GIVEN["tokens"]
        turn = next(_turn)
        if turn % 9 == 8:
            return list(tokens.values())[turn // 9 % len(tokens)]
        told = context.operation.definition.raw.get("operationId", "")
        return tokens.get(ASKERS.get(told, ""), next(iter(tokens.values())))

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.serializer("text/csv")
def csv_text(context: schemathesis.SerializationContext, value: Any) -> Any:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


@schemathesis.check
def problem_quotes_nothing(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Row 53 of the promises: an error shows no value that was sent, and no name of a member that is nobody's."""
    if "problem+json" not in str(response.headers.get("content-type", "")):
        return
    told = " ".join(_leaves(response.json()))
    sent = {value for part in (case.path_parameters, case.query, case.body) for value in _leaves(part)}
    quoted = {value for value in sent if _could_be_personal(value) and value in told}
    if quoted:
        raise AssertionError(f"the problem quotes {sorted(quoted)}")


def _could_be_personal(value: str) -> bool:
    ours = any(form.fullmatch(value) for form in (OUR_IDS, OUR_NAMES, VERSION, DAY))
    return len(value) >= SHORTEST and not ours and value not in GIVEN["document"]


def _leaves(value: object) -> Iterator[str]:
    """Every text and number in it, and every name of a member."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield str(name)
            yield from _leaves(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _leaves(member)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
