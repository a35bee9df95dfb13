"""Conversions between scalar types inside a query, where two sides of an operator or an output_field ask for them.

Knows types and functions only. The invariant: a converted value is canonical for the type that it was converted to.
"""

from __future__ import annotations

import datetime
import decimal
from typing import Any, Final

from modelkit.ir.expr import Arith, Call, Const, Expr, FunctionDef, Param
from modelkit.ir.types import UTC, AnyType, DateTimeType, DateType, DecimalType, FloatType, IntegerType, ScalarType

__all__ = ["as_moment", "cast", "comparable"]


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
    """Two sides of a comparison, one of them converted where a date meets a moment."""
    kinds = (type(left.type), type(right.type))
    computed = isinstance(left, (Arith, Call)) or isinstance(right, (Arith, Call))
    mixed = set(kinds) == {DateType, DateTimeType}
    if mixed or (kinds == (DateTimeType, DateTimeType) and computed):
        return as_moment(left), as_moment(right)
    return left, right


def cast(expr: Expr, wanted: ScalarType) -> Expr:
    """A number as one of another type; anything else as it is."""
    function = _NUMBERS.get(type(wanted))
    if function is None or type(expr.type) not in _NUMBERS or type(expr.type) is type(wanted):
        return expr
    if isinstance(expr, (Const, Param)) or isinstance(wanted, AnyType):
        return expr
    return Call(wanted, expr.nullable, function, (expr,))
