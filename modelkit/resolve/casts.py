"""Conversions between scalar types inside a query, where two sides of an operator, a function or an output_field ask for them.

Knows types and functions only. The invariant: a converted value is canonical for the type that it was converted to.
"""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Final

from modelkit.errors import DataError, FieldError, shorten
from modelkit.expressions import builtins
from modelkit.functions.comparison import COLLATIONS
from modelkit.ir.codec import JSON_NULL
from modelkit.ir.expr import Arith, Call, Const, Expr, FunctionDef
from modelkit.ir.types import (
    UTC,
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
    UnfitValue,
    UuidType,
)
from modelkit.transaction import datetime_policies

__all__ = ["as_moment", "as_text", "cast", "collation_of", "comparable", "converted", "under"]


def _moment(value: Any) -> datetime.datetime:
    """A date as its first moment, a naive moment as one in UTC."""
    if not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _decimal(value: Any) -> decimal.Decimal:
    return decimal.Decimal(repr(value)) if isinstance(value, float) else decimal.Decimal(value)


MOMENT: Final = FunctionDef("moment", _moment, sql="TIMESTAMP")
_NUMBERS: Final[dict[type[ScalarType], FunctionDef]] = {
    IntegerType: FunctionDef("to_integer", int, sql="CAST_INTEGER"),
    FloatType: FunctionDef("to_float", float, sql="CAST_FLOAT"),
    DecimalType: FunctionDef("to_decimal", _decimal, sql="CAST_DECIMAL"),
}


def as_moment(expr: Expr) -> Expr:
    """A date or moment as a moment that can be compared with any other."""
    return Call(DateTimeType(), expr.nullable, MOMENT, (expr,))


def comparable(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Two sides as they are compared: a date that meets a moment as one, both under the collation of one, the left's first."""
    collation = collation_of(left) or collation_of(right)
    if collation is not None:
        return under(collation, left), under(collation, right)
    kinds = (type(left.type), type(right.type))
    computed = isinstance(left, (Arith, Call)) or isinstance(right, (Arith, Call))
    mixed = set(kinds) == {DateType, DateTimeType}
    if mixed or (kinds == (DateTimeType, DateTimeType) and computed):
        return as_moment(left), as_moment(right)
    return left, right


def collation_of(expr: Expr) -> FunctionDef | None:
    """What `expr`, a text under a collation, was made by; None for anything else."""
    return expr.function if isinstance(expr, Call) and expr.function in COLLATIONS.values() else None


def under(collation: FunctionDef, expr: Expr) -> Expr:
    """A text as it compares under `collation`, in place of one that it names itself; as it is where it is no text."""
    if isinstance(expr, Call) and collation_of(expr) is not None:
        return replace(expr, function=collation)
    return Call(expr.type, expr.nullable, collation, (expr,)) if isinstance(expr.type, TextType) else expr


def cast(expr: Expr, wanted: ScalarType) -> Expr:
    """A number as one of another type; anything else as it is."""
    function = _NUMBERS.get(type(wanted))
    if function is None or type(expr.type) not in _NUMBERS or type(expr.type) is type(wanted):
        return expr
    if isinstance(expr, Const) or isinstance(wanted, AnyType):
        return expr
    return Call(wanted, expr.nullable, function, (expr,))


def as_text(expr: Expr) -> Expr:
    """A value of any type as text."""
    if isinstance(expr.type, (TextType, AnyType)):
        return expr
    if isinstance(expr.type, JsonType):
        return Call(TextType(), True, builtins.JSON_TEXT, (expr,))
    return Call(TextType(), expr.nullable, builtins.TO_TEXT, (expr,))


# -- CAST: any type to any other that has something to do with it


def _to_text(value: Any) -> str:
    text: str = builtins.TO_TEXT.python(value)
    return text


def _json_as_text(value: Any) -> str:
    return json.dumps(None if value is JSON_NULL else value, ensure_ascii=False)


def _parsed_json(value: str) -> Any:
    return json.loads(value)


def _to_integer(value: Any) -> int:
    return int(value.strip()) if isinstance(value, str) else int(value)


def _to_float(value: Any) -> float:
    return float(value)


def _to_decimal(value: Any) -> decimal.Decimal:
    return _decimal(value.strip() if isinstance(value, str) else value)


def _to_boolean(value: Any) -> bool:
    return BooleanType().coerce(value.strip()) if isinstance(value, str) else bool(value)


def _to_date(value: Any) -> datetime.date:
    if isinstance(value, str):
        return datetime.datetime.fromisoformat(value.strip()).date()
    return value.date() if isinstance(value, datetime.datetime) else value


def _to_time(value: Any) -> datetime.time:
    if isinstance(value, str):
        return datetime.time.fromisoformat(value.strip())
    return value.time() if isinstance(value, datetime.datetime) else value


def _to_moment(value: Any) -> datetime.datetime:
    """A date or text as a moment of the kind that the stores in use keep."""
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.strip())
    moment = _moment(value)
    return moment.astimezone(UTC).replace(tzinfo=None) if datetime_policies() == {"naive"} else moment


def _to_uuid(value: str) -> uuid.UUID:
    return UuidType().coerce(value.strip())


def _same(value: Any) -> Any:
    return value


_NUMERIC: Final = (BooleanType, IntegerType, FloatType, DecimalType)
_CASTS: Final[dict[type[ScalarType], tuple[tuple[type[ScalarType], ...], Callable[[Any], Any], str]]] = {
    TextType: (
        (*_NUMERIC, DateType, TimeType, DateTimeType, DurationType, UuidType, TextType, BinaryType),
        _to_text,
        "CAST_TEXT",
    ),
    IntegerType: ((*_NUMERIC, TextType), _to_integer, "CAST_INTEGER"),
    FloatType: ((*_NUMERIC, TextType), _to_float, "CAST_FLOAT"),
    DecimalType: ((*_NUMERIC, TextType), _to_decimal, "CAST_DECIMAL"),
    BooleanType: ((*_NUMERIC, TextType), _to_boolean, "CAST_BOOLEAN"),
    DateType: ((DateTimeType, TextType), _to_date, "CAST_DATE"),
    TimeType: ((DateTimeType, TextType), _to_time, "CAST_TIME"),
    DateTimeType: ((DateType, TextType), _to_moment, "CAST_TIMESTAMP"),
    UuidType: ((TextType,), _to_uuid, "CAST_UUID"),
    JsonType: ((TextType,), _parsed_json, "CAST_JSON"),
    DurationType: ((), _same, "CAST_INTERVAL"),
    BinaryType: ((TextType,), str.encode, "CAST_BINARY"),
}
"""What each type can be made of, how, and what SQL calls it."""


@lru_cache(maxsize=1024)
def _cast_function(source: ScalarType, wanted: ScalarType) -> FunctionDef | None:
    """What makes values of `wanted` of values of `source`; None where the two have nothing to do with one another."""
    if isinstance(wanted, AnyType):
        return FunctionDef("cast_any", _same)
    sources, convert, sql = _CASTS[type(wanted)]
    kind = type(source)
    if kind is JsonType and isinstance(wanted, TextType):
        convert = _json_as_text
    elif kind is not AnyType and kind is not type(wanted) and kind not in sources:
        return None

    if kind is type(wanted) and not isinstance(wanted, TextType):
        convert = _same
    converting = partial(_cast_value, convert, wanted)
    return FunctionDef(f"cast_{wanted.name}", converting, sql=sql, pure=not isinstance(wanted, DateTimeType))


def _cast_value(convert: Callable[[Any], Any], wanted: ScalarType, value: Any) -> Any:
    try:
        made: Any = convert(value)
        if isinstance(wanted, TextType):
            return made[: wanted.max_length]
        if isinstance(wanted, DecimalType):
            made = wanted.fit(made)
        wanted.check(made)
    except (ValueError, ArithmeticError, UnfitValue):
        raise DataError(f"{shorten(value)} cannot be cast to {wanted.name}.") from None
    return made


def converted(expr: Expr, wanted: ScalarType) -> Expr:
    """CAST(expr AS wanted). Raises FieldError for types that have nothing to do with one another."""
    if isinstance(expr, Const) and expr.value is None:
        return Const(wanted, True, None)
    function = _cast_function(expr.type, wanted)
    if function is None:
        raise FieldError(f"A value of type {expr.type.name} cannot be cast to {wanted.name}.")
    return Call(wanted, expr.nullable, function, (expr,))
