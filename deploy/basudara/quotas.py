"""How much of the broker one user may take: bytes in, bytes out, its time. Beyond that he is answered later.

Two requests of Kafka's own (DescribeClientQuotas 48, AlterClientQuotas 49; version 0 of both), told to aiokafka here,
since no admin client in use has them.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int8, Int16, Int32, Schema, String

from deploy.basudara.reach import Reach
from deploy.basudara.rights import QUOTAS

WANTED = {re.sub("[A-Z]", lambda one: f"_{one[0].lower()}", name): float(value) for name, value in QUOTAS.items()}
_USER, _ANY_NAME = "user", 2

_TEXT = String("utf-8")
_ENTITY = Array(("type", _TEXT), ("name", _TEXT))


def known(reach: Reach) -> Mapping[str, Mapping[str, float]]:
    """The quotas of every user that has any, by user. Raises RuntimeError."""
    told = asyncio.run(_answer(reach, _Describe()))
    _check(told.error_code, told.error_message)
    return {name: dict(values) for ((_, name),), values in told.entries if name}  # without a name: those of all others


def put(reach: Reach, changes: Mapping[str, Mapping[str, float | None]]) -> None:
    """Set these quotas of these users; None: take it away. Raises RuntimeError."""
    for code, message, _ in asyncio.run(_answer(reach, _Alter(changes))).entries:
        _check(code, message)


def _check(code: int, message: str | None) -> None:
    if code:
        raise RuntimeError(f"quotas: {message or for_code(code).__name__}")


async def _answer(reach: Reach, request: Any) -> Any:
    client = AIOKafkaClient(**reach.aiokafka)
    try:
        await client.bootstrap()
        return await client.send(client.get_random_node(), request)
    except KafkaError as error:
        raise RuntimeError(f"quotas: {error}") from error
    finally:
        await client.close()


class _Described(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = 48, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", _TEXT),
        ("entries", Array(("entity", _ENTITY), ("values", Array(("key", _TEXT), ("value", Float64))))),
    )


class _DescribeStruct(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION, RESPONSE_TYPE = 48, 0, _Described
    SCHEMA = Schema(("components", Array(("type", _TEXT), ("match", Int8), ("name", _TEXT))), ("strict", Boolean))


class _Describe(Request[_DescribeStruct]):  # type: ignore[misc]
    """Of users by themselves, not of users with a client's id."""

    API_KEY = 48

    def build(self, struct: type[_DescribeStruct]) -> _DescribeStruct:
        return struct([(_USER, _ANY_NAME, None)], True)


class _Altered(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = 49, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", _TEXT), ("entity", _ENTITY))),
    )


class _AlterStruct(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION, RESPONSE_TYPE = 49, 0, _Altered
    SCHEMA = Schema(
        (
            "entries",
            Array(("entity", _ENTITY), ("ops", Array(("key", _TEXT), ("value", Float64), ("remove", Boolean)))),
        ),
        ("validate_only", Boolean),
    )


class _Alter(Request[_AlterStruct]):  # type: ignore[misc]
    API_KEY = 49

    def __init__(self, changes: Mapping[str, Mapping[str, float | None]]) -> None:
        self._changes = changes

    def build(self, struct: type[_AlterStruct]) -> _AlterStruct:
        entries = [
            ([(_USER, user)], [(key, value or 0.0, value is None) for key, value in sorted(some.items())])
            for user, some in self._changes.items()
        ]
        return struct(entries, False)
