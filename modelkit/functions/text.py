"""Functions of text. Symbolic; NULL gives NULL."""

from __future__ import annotations

from typing import Any

from modelkit.expressions.base import Func
from modelkit.expressions.builtins import LENGTH, LOWER, UPPER
from modelkit.ir.expr import INTEGER, TEXT

__all__ = ["Length", "Lower", "Upper"]


class Lower(Func):
    """The text in lower case."""

    __slots__ = ()

    def __init__(self, expression: object, *, output_field: Any = None) -> None:
        super().__init__(expression, function=LOWER, output_field=output_field or TEXT)


class Upper(Func):
    """The text in upper case."""

    __slots__ = ()

    def __init__(self, expression: object, *, output_field: Any = None) -> None:
        super().__init__(expression, function=UPPER, output_field=output_field or TEXT)


class Length(Func):
    """The number of characters."""

    __slots__ = ()

    def __init__(self, expression: object, *, output_field: Any = None) -> None:
        super().__init__(expression, function=LENGTH, output_field=output_field or INTEGER)
