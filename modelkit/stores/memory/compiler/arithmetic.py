"""Arithmetic by SQL's rules, for generated code: whole division, 64-bit integers, exact decimals, dates and durations.

Knows canonical values only. Its one invariant: an operation either has a canonical value of the type asked for, or raises DataError.
"""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Callable
from typing import Any

from modelkit.errors import DataError, shorten
from modelkit.ir.types import ScalarType, UnfitValue

__all__ = ["arithmetic", "coerced", "integer_overflow"]

_EXACT = decimal.Context(prec=1000, rounding=decimal.ROUND_HALF_UP, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
_DIVISION = decimal.Context(prec=38, rounding=decimal.ROUND_HALF_UP, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
_LOW, _HIGH = -(2**63), 2**63 - 1


def integer_overflow(value: int) -> Any:
    """Refuse an integer that 64 bits cannot hold."""
    raise DataError(f"integer out of range: {shorten(value)} does not fit into 64 bits")


def _fit(value: Any) -> Any:
    if type(value) is int and not _LOW <= value <= _HIGH:
        return integer_overflow(value)
    if type(value) is float and value - value != 0.0:
        raise DataError("a float's value is out of range")
    return value


def _zero(left: Any) -> Any:
    raise DataError(f"division by zero (of {shorten(left)})")


def _divide(left: Any, right: Any) -> Any:
    if isinstance(left, datetime.timedelta):
        return left / float(right) if isinstance(right, decimal.Decimal) else left / right
    if right == 0:
        return _zero(left)
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) is (right < 0) else -quotient
    if isinstance(left, float) or isinstance(right, float):
        return float(left) / float(right)
    return _DIVISION.divide(left, right)


def _modulo(left: Any, right: Any) -> Any:
    if right == 0:
        return _zero(left)
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    if isinstance(left, float) or isinstance(right, float):
        return math.fmod(left, right)
    return _EXACT.remainder(left, right)


def _power(left: Any, right: Any) -> Any:
    if left == 0 and right < 0:
        return _zero(1)
    if isinstance(left, int) and isinstance(right, int):
        if right < 0:
            return float(left) ** right
        if abs(left) > 1 and right > 64:
            return integer_overflow(2**64)
        return left**right
    floats = isinstance(left, float) or isinstance(right, float)
    result: Any = float(left) ** float(right) if floats else _decimal_power(left, right)
    if isinstance(result, complex):
        raise DataError("a negative number has no fractional power")
    return result


def _decimal_power(left: Any, right: Any) -> Any:
    return _DIVISION.power(left, right)


def _shift(left: int, right: int) -> int:
    if not 0 <= right < 64:
        raise DataError(f"cannot shift by {shorten(right)} bits")
    return left << right


def _unshift(left: int, right: int) -> int:
    if not 0 <= right < 64:
        raise DataError(f"cannot shift by {shorten(right)} bits")
    return left >> right


def _exact(name: str) -> Callable[[Any, Any], Any]:
    compute: Callable[[Any, Any], Any] = getattr(_EXACT, name)
    return compute


def _moment(value: Any) -> Any:
    """A date as the datetime at which it begins."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return datetime.datetime.combine(value, datetime.time())
    return value


def _plus(left: Any, right: Any, *, minus: bool) -> Any:
    if isinstance(left, datetime.timedelta) and not isinstance(right, datetime.timedelta):
        left, right = right, left
    if isinstance(left, datetime.time):
        base = datetime.datetime.combine(datetime.date(2000, 1, 2), left)
        if isinstance(right, datetime.time):
            return base - datetime.datetime.combine(datetime.date(2000, 1, 2), right)
        return (base - right if minus else base + right).time()
    if isinstance(left, datetime.date):
        if type(left) is not type(right) and isinstance(right, datetime.date):
            left, right = _moment(left), _moment(right)
        elif isinstance(right, datetime.timedelta):
            left = _moment(left)
    return left - right if minus else left + right


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "/": _divide,
    "%": _modulo,
    "^": _power,
    "&": lambda left, right: left & right,
    "|": lambda left, right: left | right,
    "#": lambda left, right: left ^ right,
    "<<": _shift,
    ">>": _unshift,
}
_DECIMAL = {"+": _exact("add"), "-": _exact("subtract"), "*": _exact("multiply")}
_TEMPORAL = (datetime.date, datetime.time, datetime.timedelta)


def _compute(operator: str, left: Any, right: Any) -> Any:
    compute = _OPERATORS.get(operator)
    if compute is not None:
        return compute(left, right)
    if isinstance(left, decimal.Decimal) or isinstance(right, decimal.Decimal):
        temporal = isinstance(left, _TEMPORAL) or isinstance(right, _TEMPORAL)
        if not temporal and not isinstance(left, float) and not isinstance(right, float):
            return _DECIMAL[operator](left, right)
        left, right = _as_float(left), _as_float(right)
    return left * right if operator == "*" else _plus(left, right, minus=operator == "-")


def _as_float(value: Any) -> Any:
    return float(value) if isinstance(value, decimal.Decimal) else value


def arithmetic(operator: str, into: ScalarType) -> Callable[[Any, Any], Any]:
    """A function of two non-NULL values that computes `left operator right` as a value of type `into`; DataError where there is none."""

    def compute(left: Any, right: Any) -> Any:
        try:
            return coerced(_fit(_compute(operator, left, right)), into)
        except ArithmeticError as error:
            raise DataError(
                f"{shorten(left)} {operator} {shorten(right)} has no value: {type(error).__name__}"
            ) from None
        except TypeError:
            raise DataError(
                f"{operator} does not take {type(left).__name__} and {type(right).__name__} ({shorten(left)}, {shorten(right)})"
            ) from None

    return compute


def coerced(value: Any, into: ScalarType) -> Any:
    """`value` as a canonical value of `into`, fractions of whole numbers cut off; DataError where it is none."""
    if into.name == "integer" and isinstance(value, (float, decimal.Decimal)):
        return int(value)
    try:
        return into.coerce(value)
    except UnfitValue as error:
        raise DataError(f"{shorten(value)} is not a value of type {into.name}: {error}") from None
