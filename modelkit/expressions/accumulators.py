"""The aggregate functions, as AggregateDefs: how a state grows by the values of a group, and what it comes to.

Knows values only; NULLs never reach them. Sums are kept in the type of their values, so that decimals and durations stay
exact; a sum of integers that a 64-bit integer cannot hold is a DataError, as any arithmetic on integers is.
"""

from __future__ import annotations

import datetime
import decimal
import math
import operator
from dataclasses import replace
from typing import Any, Final

from modelkit.errors import DataError, shorten
from modelkit.ir.expr import AggregateDef, InlineSteps
from modelkit.ir.types import DecimalType, DurationType, FloatType, IntegerType, ScalarType

__all__ = [
    "ANY_VALUE",
    "AVG",
    "COUNT",
    "MAX",
    "MIN",
    "STDDEV",
    "STDDEV_SAMPLE",
    "SUM",
    "VARIANCE",
    "VARIANCE_SAMPLE",
]

_EXACT: Final = decimal.Context(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
"""Adds decimals without rounding: a sum has no more digits than its values need."""

_LIMIT: Final = 2**63


def _plus(left: Any, right: Any) -> Any:
    return _EXACT.add(left, right) if isinstance(right, decimal.Decimal) else left + right


def _count_start() -> int:
    return 0


def _count_step(state: int, _: Any) -> int:
    return state + 1


def _itself(state: Any) -> Any:
    return state


def _no_state() -> None:
    return None


def _sum_step(state: Any, value: Any) -> Any:
    return value if state is None else _plus(state, value)


def _sum_finish(state: Any) -> Any:
    if isinstance(state, int) and not -_LIMIT <= state < _LIMIT:
        raise DataError(f"The sum {shorten(state)} is out of range: an integer has 64 bits.")
    return state


def _mean_step(state: tuple[Any, int] | None, value: Any) -> tuple[Any, int]:
    return (value, 1) if state is None else (_plus(state[0], value), state[1] + 1)


def _mean_finish(state: tuple[Any, int]) -> Any:
    total, number = state
    return total / number


def _mean_merge(left: tuple[Any, int], right: tuple[Any, int]) -> tuple[Any, int]:
    return _plus(left[0], right[0]), left[1] + right[1]


def _min_step(state: Any, value: Any) -> Any:
    return value if state is None or value < state else state


def _max_step(state: Any, value: Any) -> Any:
    return value if state is None or value > state else state


def _first_step(state: Any, value: Any) -> Any:
    return value if state is None else state


_Spread = tuple[int, Any, Any, bool]
"""How many values there were, their mean, the sum of squared distances from it, and False.

Or of integers alone: how many, their sum, the sum of their squares, and True; what these come to is rounded once.
"""

_WIDE: Final = decimal.Context(prec=60, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
"""Takes roots to so many digits that the nearest float is that of the root itself."""


def _spread_step(state: _Spread | None, value: Any) -> _Spread:
    """One more value, by Welford's method (Technometrics 4, 1962), which loses no digits to large means."""
    if isinstance(value, datetime.timedelta):
        raise DataError("Durations have no variance: aggregate their seconds.")
    if isinstance(value, int) and (state is None or state[3]):
        count, total, squares, _ = state or (0, 0, 0, True)
        return count + 1, total + value, squares + value * value, True
    number: Any = value if isinstance(value, decimal.Decimal) else float(value)
    if state is None:
        return 1, number, number - number, False
    count, mean, squares, exact = state
    if exact:
        mean, squares = mean / count, _variance(state) * count
    count += 1
    distance = number - mean
    mean += distance / count
    return count, mean, squares + distance * (number - mean), False


def _ratio(state: _Spread, fewer: int) -> tuple[Any, int]:
    """The sum of squared distances, and by what it is divided for a mean over how many values there were, less `fewer`."""
    count, total, squares, exact = state
    if exact:
        return count * squares - total * total, count * (count - fewer)
    return squares, count - fewer


def _variance(state: _Spread) -> Any:
    squares, count = _ratio(state, 0)
    return squares / count


def _variance_of_sample(state: _Spread) -> Any:
    squares, count = _ratio(state, 1)
    return squares / count if count else None


def _root(squares: Any, count: int) -> Any:
    if isinstance(squares, int):
        return float(_WIDE.sqrt(_WIDE.divide(decimal.Decimal(squares), decimal.Decimal(count))))
    value = squares / count
    return value.sqrt() if isinstance(value, decimal.Decimal) else math.sqrt(value)


def _deviation(state: _Spread) -> Any:
    return _root(*_ratio(state, 0))


def _deviation_of_sample(state: _Spread) -> Any:
    squares, count = _ratio(state, 1)
    return _root(squares, count) if count else None


# -- as the compiler writes them


_ADDED: Final = InlineSteps(("{value}",), ("{0} += {value}",))
_ADDED_INTEGERS: Final = replace(
    _ADDED,
    result="{0} if -9223372036854775808 <= {0} <= 9223372036854775807 else {out_of_range}({0})",
    names=(("out_of_range", _sum_finish),),
)
_ADDED_DECIMALS: Final = InlineSteps(("{value}",), ("{0} = {add}({0}, {value})",), names=(("add", _EXACT.add),))


def _count_inline(_: ScalarType) -> InlineSteps:
    return InlineSteps(("1",), ("{0} += 1",), start=("0",))


def _first_inline(_: ScalarType) -> InlineSteps:
    return InlineSteps(("{value}",))


def _min_inline(_: ScalarType) -> InlineSteps:
    return InlineSteps(("{value}",), ("{0} = {value}",), when="{value} < {0}")


def _max_inline(_: ScalarType) -> InlineSteps:
    return InlineSteps(("{value}",), ("{0} = {value}",), when="{value} > {0}")


def _sum_inline(type_: ScalarType) -> InlineSteps | None:
    match type_:
        case IntegerType():
            return _ADDED_INTEGERS
        case DecimalType():
            return _ADDED_DECIMALS
        case FloatType() | DurationType():
            return _ADDED
        case _:
            return None


def _mean_inline(type_: ScalarType) -> InlineSteps | None:
    total = _ADDED if isinstance(type_, IntegerType) else _sum_inline(type_)
    if total is None:
        return None
    return replace(total, first=("{value}", "1"), more=(*total.more, "{1} += 1"), result="{0} / {1}")


COUNT: Final = AggregateDef(
    "count",
    _count_start,
    _count_step,
    _itself,
    empty=0,
    sql="COUNT",
    merge=operator.add,
    counts=True,
    inline=_count_inline,
)
SUM: Final = AggregateDef("sum", _no_state, _sum_step, _sum_finish, sql="SUM", merge=_plus, inline=_sum_inline)
AVG: Final = AggregateDef("avg", _no_state, _mean_step, _mean_finish, sql="AVG", merge=_mean_merge, inline=_mean_inline)
MIN: Final = AggregateDef("min", _no_state, _min_step, _itself, sql="MIN", merge=_min_step, inline=_min_inline)
MAX: Final = AggregateDef("max", _no_state, _max_step, _itself, sql="MAX", merge=_max_step, inline=_max_inline)
ANY_VALUE: Final = AggregateDef(
    "any_value", _no_state, _first_step, _itself, sql="ANY_VALUE", merge=_first_step, inline=_first_inline
)
STDDEV: Final = AggregateDef("stddev", _no_state, _spread_step, _deviation, sql="STDDEV_POP")
STDDEV_SAMPLE: Final = AggregateDef("stddev_sample", _no_state, _spread_step, _deviation_of_sample, sql="STDDEV_SAMP")
VARIANCE: Final = AggregateDef("variance", _no_state, _spread_step, _variance, sql="VAR_POP")
VARIANCE_SAMPLE: Final = AggregateDef("variance_sample", _no_state, _spread_step, _variance_of_sample, sql="VAR_SAMP")
