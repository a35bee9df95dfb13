"""Functions of numbers. Symbolic; NULL gives NULL."""

from __future__ import annotations

import math
from typing import Any

from modelkit.errors import DataError
from modelkit.expressions.base import Func
from modelkit.ir.expr import FunctionDef
from modelkit.ir.types import FloatType

__all__ = ["Abs", "Sqrt"]


def _root(value: Any) -> float:
    if value < 0:
        raise DataError("The square root of a negative number has no value.")
    return math.sqrt(value)


_ABS = FunctionDef("abs", abs, sql="ABS", inline="abs({0})")
_SQRT = FunctionDef("sqrt", _root, sql="SQRT")


class Abs(Func):
    """The number without its sign, of the same type."""

    __slots__ = ()

    def __init__(self, expression: object, *, output_field: Any = None) -> None:
        super().__init__(expression, function=_ABS, output_field=output_field)


class Sqrt(Func):
    """The square root, a float; DataError for a negative number."""

    __slots__ = ()

    def __init__(self, expression: object, *, output_field: Any = None) -> None:
        super().__init__(expression, function=_SQRT, output_field=output_field or FloatType())
