"""Functions that build JSON values of others, and KT, which names what stands in one. Symbolic."""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

from modelkit.errors import DataError
from modelkit.expressions.base import Value
from modelkit.expressions.builtins import JSON_TEXT
from modelkit.expressions.functions import Func
from modelkit.ir.codec import JSON_NULL
from modelkit.ir.expr import JSON, TEXT, FunctionDef

__all__ = ["KT", "JSONArray", "JSONObject"]


def _json(value: Any) -> Any:
    """A stored value of any type as it stands inside of JSON, where null is None."""
    match value:
        case None | bool() | int() | float() | str() | list() | dict():
            return value
        case decimal.Decimal():
            return float(value)
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return value.total_seconds()
        case uuid.UUID():
            return str(value)
        case _ if value is JSON_NULL:
            return None
    raise DataError(f"A value of type {type(value).__name__} cannot stand in JSON.")


def _array(*items: Any) -> list[Any]:
    return [_json(item) for item in items]


def _object(*items: Any) -> dict[str, Any]:
    return {key: _json(value) for key, value in zip(items[::2], items[1::2], strict=True)}


class JSONArray(Func):
    """A JSON array of its arguments; NULL stands in it as null."""

    __slots__ = ()
    function = FunctionDef("json_array", _array, strict=False, sql="JSON_ARRAY")
    result = JSON


class JSONObject(Func):
    """A JSON object with its arguments under their names; NULL stands in it as null."""

    __slots__ = ()
    function = FunctionDef("json_object", _object, strict=False, sql="JSON_OBJECT")
    result = JSON

    def __init__(self, **fields: object) -> None:
        super().__init__(*(item for name, value in fields.items() for item in (Value(name, TEXT), value)))


class KT(Func):
    """The text of what a path of names and keys leads to in a JSON value: `KT("data__owner__name")`; NULL where nothing or null is.

    Numbers, truth values, arrays and objects are the text of their JSON.
    """

    __slots__ = ()
    arity = 1
    function = JSON_TEXT
    result = TEXT
