"""Functions of numbers. Symbolic; NULL gives NULL, and a number that a function has no value for is a DataError."""

from __future__ import annotations

import decimal
import math
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from modelkit.errors import DataError, shorten
from modelkit.expressions.functions import Func, Transform, known_to_sql
from modelkit.ir.expr import INTEGER, FunctionDef
from modelkit.ir.types import FloatType

__all__ = [
    "ACos",
    "ASin",
    "ATan",
    "ATan2",
    "Abs",
    "Ceil",
    "Cos",
    "Cot",
    "Degrees",
    "Exp",
    "Floor",
    "Ln",
    "Log",
    "Mod",
    "Pi",
    "Power",
    "Radians",
    "Random",
    "Round",
    "Sign",
    "Sin",
    "Sqrt",
    "Tan",
]

FLOAT = FloatType()


def _real(name: str, function: Callable[..., float], sql: str | None = None) -> FunctionDef:
    """A function of floats; DataError where it has no value or none that a float holds."""
    return FunctionDef(name, partial(_computed, name, function), sql=sql or name.upper())


def _computed(name: str, function: Callable[..., float], *numbers: float) -> float:
    try:
        result = function(*numbers)
    except (ValueError, ZeroDivisionError):
        raise DataError(f"{name}({', '.join(map(shorten, numbers))}) has no value.") from None
    except OverflowError:
        raise DataError(f"{name}({', '.join(map(shorten, numbers))}) is out of range.") from None
    if isinstance(result, complex):
        raise DataError(f"{name}({', '.join(map(shorten, numbers))}) has no real value.")
    return result


def _power(base: float, exponent: float) -> float:
    power: float = base**exponent
    return power


def _cot(angle: float) -> float:
    return 1 / math.tan(angle)


def _log(base: float, number: float) -> float:
    return math.log(number, base)


def _pi() -> float:
    return math.pi


def _ceil(number: Any) -> Any:
    return type(number)(math.ceil(number))


def _floor(number: Any) -> Any:
    return type(number)(math.floor(number))


def _sign(number: Any) -> Any:
    return type(number)((number > 0) - (number < 0))


_PLENTY = decimal.Context(prec=1000, rounding=decimal.ROUND_HALF_UP)


def _round(number: Any, places: int = 0) -> Any:
    """Half away from zero, exactly: a float is rounded as the shortest decimal that reads as it."""
    exact = number if isinstance(number, decimal.Decimal) else decimal.Decimal(str(number))
    rounded = exact.quantize(decimal.Decimal(1).scaleb(-places), context=_PLENTY)
    if isinstance(number, decimal.Decimal) and places < 0:
        return rounded.quantize(decimal.Decimal(1), context=_PLENTY)
    return type(number)(rounded)


def _random() -> float:
    return random.random()


ABS = FunctionDef("abs", abs, sql="ABS", inline="abs({0})")
CEIL = FunctionDef("ceil", _ceil, sql="CEILING")
FLOOR = FunctionDef("floor", _floor, sql="FLOOR")
SIGN = FunctionDef("sign", _sign, sql="SIGN")
ROUND = FunctionDef("round", _round, sql="ROUND")
SQRT = _real("sqrt", math.sqrt)
POWER = _real("power", _power)
PI = FunctionDef("pi", _pi, sql="PI")
RANDOM = FunctionDef("random", _random, sql="RANDOM", pure=False)


class Abs(Transform):
    """The number without its sign, of the same type."""

    __slots__ = ()
    lookup_name = "abs"
    function = ABS


class Ceil(Transform):
    """The least whole number that is not less, of the same type."""

    __slots__ = ()
    lookup_name = "ceil"
    function = CEIL


class Floor(Transform):
    """The greatest whole number that is not greater, of the same type."""

    __slots__ = ()
    lookup_name = "floor"
    function = FLOOR


class Sign(Transform):
    """-1, 0 or 1, of the same type."""

    __slots__ = ()
    lookup_name = "sign"
    function = SIGN


class Round(Transform):
    """The number rounded half away from zero to `precision` digits behind the point (below 0: before it), of the same type."""

    __slots__ = ()
    lookup_name = "round"
    arity = None
    function = ROUND
    takes = (None, INTEGER)

    def __init__(self, expression: object, precision: object = 0, *, output_field: Any = None) -> None:
        super().__init__(expression, precision, output_field=output_field)


class _Real(Transform):
    """A function that gives a fractional number: a Decimal of Decimals, else a float."""

    __slots__ = ()
    result = "real"


class _RealPair(Func):
    """The same of two numbers."""

    __slots__ = ()
    arity = 2
    result = "real"


class ACos(_Real):
    """The angle whose cosine it is, in radians; DataError outside -1 to 1."""

    __slots__ = ()
    lookup_name = "acos"
    function = _real("acos", math.acos)


class ASin(_Real):
    """The angle whose sine it is, in radians; DataError outside -1 to 1."""

    __slots__ = ()
    lookup_name = "asin"
    function = _real("asin", math.asin)


class ATan(_Real):
    """The angle whose tangent it is, in radians."""

    __slots__ = ()
    lookup_name = "atan"
    function = _real("atan", math.atan)


class ATan2(_RealPair):
    """The angle whose tangent is the first over the second, in radians, of the right quadrant."""

    __slots__ = ()
    function = _real("atan2", math.atan2)


class Cos(_Real):
    """The cosine of an angle in radians."""

    __slots__ = ()
    lookup_name = "cos"
    function = _real("cos", math.cos)


class Cot(_Real):
    """The cotangent of an angle in radians; DataError at 0."""

    __slots__ = ()
    lookup_name = "cot"
    function = _real("cot", _cot)


class Degrees(_Real):
    """An angle in degrees, from radians."""

    __slots__ = ()
    lookup_name = "degrees"
    function = _real("degrees", math.degrees)


class Exp(_Real):
    """e to this power; DataError where a float cannot hold it."""

    __slots__ = ()
    lookup_name = "exp"
    function = _real("exp", math.exp)


class Ln(_Real):
    """The natural logarithm; DataError for what is not greater than 0."""

    __slots__ = ()
    lookup_name = "ln"
    function = _real("ln", math.log)


class Log(_RealPair):
    """The logarithm to the base of the first number, of the second."""

    __slots__ = ()
    function = _real("log", _log)


class Mod(_RealPair):
    """What division leaves, with the sign of the first number; DataError for a divisor of 0."""

    __slots__ = ()
    function = _real("mod", math.fmod)


class Power(_RealPair):
    """The first number to the power of the second."""

    __slots__ = ()
    function = POWER


class Pi(Func):
    """The number pi."""

    __slots__ = ()
    arity = 0
    function = PI
    result = FLOAT


class Radians(_Real):
    """An angle in radians, from degrees."""

    __slots__ = ()
    lookup_name = "radians"
    function = _real("radians", math.radians)


class Random(Func):
    """A number from 0 to below 1, another one for each row."""

    __slots__ = ()
    arity = 0
    function = RANDOM
    result = FLOAT


class Sin(_Real):
    """The sine of an angle in radians."""

    __slots__ = ()
    lookup_name = "sin"
    function = _real("sin", math.sin)


class Sqrt(_Real):
    """The square root; DataError for a negative number."""

    __slots__ = ()
    lookup_name = "sqrt"
    function = SQRT


class Tan(_Real):
    """The tangent of an angle in radians."""

    __slots__ = ()
    lookup_name = "tan"
    function = _real("tan", math.tan)


known_to_sql(ABS, CEIL, FLOOR, SIGN, ROUND, SQRT, POWER, PI, RANDOM)
