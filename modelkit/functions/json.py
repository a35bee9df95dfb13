"""Functions that build JSON values of others, and those that name what stands in one. Symbolic."""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

from modelkit.errors import DataError
from modelkit.expressions.base import F, KeyPath, Value, json_key, node_of
from modelkit.expressions.builtins import JSON_TEXT
from modelkit.expressions.functions import Func
from modelkit.ir.codec import JSON_NULL
from modelkit.ir.expr import JSON, TEXT, FunctionDef
from modelkit.records import dataclass

__all__ = ["KT", "JSONArray", "JSONObject", "KeyTextTransform", "KeyTransform", "KeyTransformFactory"]


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


@dataclass(frozen=True, slots=True, eq=False, init=False)
class KeyTransform(KeyPath):
    """What stands under `key` in a JSON value: `KeyTransform("name", "data")` is `F("data__name")`, of any expression.

    Digits alone are a place in an array too. As the right side of has_key, its keys are the path that is asked for.
    """

    def __init__(self, key: str | int, expression: object) -> None:
        KeyPath.__init__(
            self, F(expression) if isinstance(expression, str) else node_of(expression), (json_key(str(key)),)
        )


class KeyTransformFactory:
    """Makes KeyTransforms of one key: what `get_transform()` of a JSONField gives for a name that is registered for nothing."""

    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, expression: object) -> KeyTransform:
        return KeyTransform(self.key, expression)


class KeyTextTransform(Func):
    """The text of what stands under `key` in a JSON value; NULL where nothing or null is.

    Numbers, truth values, arrays and objects are the text of their JSON.
    """

    __slots__ = ()
    function = JSON_TEXT
    result = TEXT

    def __init__(self, key: str | int, expression: object) -> None:
        inner = expression.args[0] if isinstance(expression, KeyTextTransform) else expression
        super().__init__(KeyTransform(key, inner))


class KT(Func):
    """The text of what a path of names and keys leads to in a JSON value: `KT("data__owner__name")`; NULL where nothing or null is.

    Numbers, truth values, arrays and objects are the text of their JSON. Raises ValueError for a path without keys.
    """

    __slots__ = ()
    arity = 1
    function = JSON_TEXT
    result = TEXT

    def __init__(self, path: object) -> None:
        if isinstance(path, str) and "__" not in path.strip("_"):
            raise ValueError(f"KT() takes a field with the keys that lead into it, as in 'data__name', not {path!r}.")
        super().__init__(path)
