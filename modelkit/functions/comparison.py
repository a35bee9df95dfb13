"""Functions that choose among their arguments, compare them, or change their type. Symbolic."""

from __future__ import annotations

import re
from typing import Any

from modelkit.errors import NotSupportedError
from modelkit.expressions.functions import Coalesce, Func, known_to_sql
from modelkit.ir.expr import TEXT, FunctionDef
from modelkit.records import dataclass

__all__ = ["Cast", "Coalesce", "Collate", "Greatest", "Least", "NullIf"]


def _null_if(value: Any, other: Any) -> Any:
    return None if value is not None and value == other else value


GREATEST = FunctionDef("greatest", max, sql="GREATEST")
LEAST = FunctionDef("least", min, sql="LEAST")
NULL_IF = FunctionDef("nullif", _null_if, strict=False, sql="NULLIF")
COLLATIONS = {
    "BINARY": FunctionDef("collate_binary", str, sql="BINARY", inline="{0}"),
    "NOCASE": FunctionDef("collate_nocase", str.casefold, sql="NOCASE", inline="{0}.casefold()"),
}
"""What stands for a text where it is compared or ordered under a collation."""

known_to_sql(GREATEST, LEAST, NULL_IF)


class Greatest(Func):
    """The greatest of its arguments (two or more); NULL where one of them is."""

    __slots__ = ()
    function = GREATEST
    result = "common"

    def __init__(self, *expressions: object, output_field: Any = None) -> None:
        if len(expressions) < 2:
            raise ValueError(f"{type(self).__name__} must take at least two expressions")
        super().__init__(*expressions, output_field=output_field)


class Least(Greatest):
    """The least of its arguments (two or more); NULL where one of them is."""

    __slots__ = ()
    function = LEAST


class NullIf(Func):
    """The first argument, NULL where it equals the second."""

    __slots__ = ()
    arity = 2
    function = NULL_IF


class Cast(Func):
    """The value as one of `output_field`'s type: a text read as a number or date, a number or date written as text, and the like.

    Whole numbers are cut, decimals rounded half up to the field's places, text cut to the field's length. A value that has no
    counterpart in the type is a DataError when the query runs; two types that have nothing to do with one another a FieldError
    when it is built.
    """

    __slots__ = ()
    arity = 1

    def __init__(self, expression: object, output_field: Any) -> None:
        super().__init__(expression, output_field=output_field)


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Collate(Func):
    """The text as it compares and sorts under `collation`.

    The memory store compares text by code points, which is BINARY. NOCASE makes upper and lower case alike, by Unicode's rules
    without a locale: the value is then the folded text, and so is what it is compared with. Other collations raise
    NotSupportedError, names that no database would take ValueError.
    """

    collation: str

    def __init__(self, expression: object, collation: str | None) -> None:
        if not re.fullmatch(r"[\w-]+", collation or ""):
            raise ValueError(f"Invalid collation name: {collation!r}.")
        function = COLLATIONS.get(str(collation).upper())
        if function is None:
            raise NotSupportedError(
                f"The memory store has no collation {collation!r}: it knows {' and '.join(COLLATIONS)}."
            )
        Func.__init__(self, expression, function=function)
        object.__setattr__(self, "collation", collation)

    takes = (TEXT,)
    result = TEXT
