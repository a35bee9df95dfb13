"""Canonical values as JSON and back, by the type of their column; and values of any type, which name it themselves.

Knows types and plain data. The invariant: what `decoder(type)` gives for what `encoder(type)` gave is the same value, and
equal values are written the same way in every run.
"""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from modelkit.ir.codec import JSON_NULL
from modelkit.ir.types import (
    AnyType,
    BinaryType,
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    DurationType,
    FloatType,
    IntegerType,
    JsonType,
    ScalarType,
    TextType,
    TimeType,
    UuidType,
)

__all__ = ["decode_any", "decoder", "encode_any", "encoder"]

Convert: TypeAlias = Callable[[Any], Any]

_MICROSECOND: Final = datetime.timedelta(microseconds=1)


def _float(value: float) -> Any:
    return value if math.isfinite(value) else repr(value)


def _json(value: Any) -> list[Any]:
    return [None if value is JSON_NULL else value]


def _from_json(value: list[Any]) -> Any:
    return JSON_NULL if value[0] is None else value[0]


def _binary(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _from_duration(value: int) -> datetime.timedelta:
    return value * _MICROSECOND


def _duration(value: datetime.timedelta) -> int:
    return value // _MICROSECOND


def _isoformat(value: Any) -> str:
    text: str = value.isoformat()
    return text


_CODECS: Final[dict[type[ScalarType], tuple[Convert | None, Convert | None]]] = {
    BooleanType: (None, None),
    IntegerType: (None, None),
    TextType: (None, None),
    FloatType: (_float, float),
    DecimalType: (str, decimal.Decimal),
    BinaryType: (_binary, b64decode),
    DateType: (_isoformat, datetime.date.fromisoformat),
    TimeType: (_isoformat, datetime.time.fromisoformat),
    DateTimeType: (_isoformat, datetime.datetime.fromisoformat),
    DurationType: (_duration, _from_duration),
    UuidType: (str, uuid.UUID),
    JsonType: (_json, _from_json),
}

_NAMED: Final[dict[type, type[ScalarType]]] = {
    float: FloatType,
    decimal.Decimal: DecimalType,
    bytes: BinaryType,
    datetime.datetime: DateTimeType,
    datetime.date: DateType,
    datetime.time: TimeType,
    datetime.timedelta: DurationType,
    uuid.UUID: UuidType,
}
_BY_NAME: Final = {kind.name: kind for kind in _CODECS}


def encoder(type_: ScalarType) -> Convert | None:
    """What makes JSON of a column's values; None where they are JSON as they are. NULL never reaches it."""
    return encode_any if isinstance(type_, AnyType) or type(type_) not in _CODECS else _CODECS[type(type_)][0]


def decoder(type_: ScalarType) -> Convert | None:
    """What makes a column's values of JSON; None where they are JSON as they are."""
    return decode_any if isinstance(type_, AnyType) or type(type_) not in _CODECS else _CODECS[type(type_)][1]


def encode_any(value: Any) -> Any:
    """A value of whatever type: itself where JSON has it, else a list of the type's name and the value's JSON.

    Raises TypeError for a class that no type has.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, tuple):
        return ["tuple", [encode_any(part) for part in value]]
    if value is JSON_NULL or isinstance(value, (dict, list)):
        return ["json", _json(value)]
    kind = _NAMED.get(type(value))
    if kind is None:
        raise TypeError(f"{type(value).__name__} has no form in a file")
    encode = _CODECS[kind][0]
    return [kind.name, value if encode is None else encode(value)]


def decode_any(value: Any) -> Any:
    """What `encode_any` made `value` of."""
    if not isinstance(value, list):
        return value
    name, item = value
    if name == "tuple":
        return tuple([decode_any(part) for part in item])
    decode = _CODECS[_BY_NAME[name]][1]
    return item if decode is None else decode(item)
