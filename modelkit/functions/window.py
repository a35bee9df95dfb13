"""Window functions: `Window(Rank(), partition_by="department", order_by="-salary")`. Symbolic.

Ranks and neighbours read their partition in the window's order; FirstValue, LastValue and NthValue its frame.
"""

from __future__ import annotations

from typing import Any

from modelkit.expressions.base import Value
from modelkit.expressions.windows import WindowFunction

__all__ = [
    "CumeDist",
    "DenseRank",
    "FirstValue",
    "Lag",
    "LastValue",
    "Lead",
    "NthValue",
    "Ntile",
    "PercentRank",
    "Rank",
    "RowNumber",
]


def _counted(kind: type, name: str, value: object) -> Value:
    """`value` as a constant; ValueError where it counts no rows."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{kind.__name__} requires a positive whole number for {name}, not {value!r}.")
    return Value(value)


def _given(kind: type, expression: object) -> object:
    if expression is None:
        raise ValueError(f"{kind.__name__} requires a source expression that is not None.")
    return expression


class _Ranking(WindowFunction):
    __slots__ = ()

    def __init__(self, *, output_field: Any = None) -> None:
        super().__init__(output_field=output_field)


class RowNumber(_Ranking):
    """1, 2, 3 in the window's order; ties in the order of the rows."""

    __slots__ = ()
    function = "row_number"


class Rank(_Ranking):
    """One more than how many rows come before; peers share a rank, and gaps follow them."""

    __slots__ = ()
    function = "rank"


class DenseRank(_Ranking):
    """As Rank, without gaps."""

    __slots__ = ()
    function = "dense_rank"


class PercentRank(_Ranking):
    """The share of the other rows that come before, from 0.0 to 1.0."""

    __slots__ = ()
    function = "percent_rank"


class CumeDist(_Ranking):
    """The share of the rows that come before or are peers, up to 1.0."""

    __slots__ = ()
    function = "cume_dist"


class Ntile(WindowFunction):
    """Which of `num_buckets` parts, as even as can be, the row is in, from 1."""

    __slots__ = ()
    function = "ntile"

    def __init__(self, num_buckets: int = 1, *, output_field: Any = None) -> None:
        super().__init__(_counted(Ntile, "num_buckets", num_buckets), output_field=output_field)


class _Neighbour(WindowFunction):
    __slots__ = ()

    def __init__(self, expression: object, offset: int = 1, default: Any = None, *, output_field: Any = None) -> None:
        kind = type(self)
        instead = () if default is None else (default,)
        super().__init__(
            _given(kind, expression), _counted(kind, "the offset", offset), *instead, output_field=output_field
        )


class Lag(_Neighbour):
    """The value `offset` rows earlier; `default` (NULL) where there is no such row."""

    __slots__ = ()
    function = "lag"


class Lead(_Neighbour):
    """The value `offset` rows later; `default` (NULL) where there is no such row."""

    __slots__ = ()
    function = "lead"


class FirstValue(WindowFunction):
    """The value in the first row of the frame."""

    __slots__ = ()
    function = "first_value"

    def __init__(self, expression: object, *, output_field: Any = None) -> None:
        super().__init__(_given(FirstValue, expression), output_field=output_field)


class LastValue(WindowFunction):
    """The value in the last row of the frame: by default, of the current row's last peer."""

    __slots__ = ()
    function = "last_value"

    def __init__(self, expression: object, *, output_field: Any = None) -> None:
        super().__init__(_given(LastValue, expression), output_field=output_field)


class NthValue(WindowFunction):
    """The value in row number `nth` of the frame, from 1; NULL where the frame is shorter."""

    __slots__ = ()
    function = "nth_value"

    def __init__(self, expression: object, nth: int = 1, *, output_field: Any = None) -> None:
        super().__init__(_given(NthValue, expression), _counted(NthValue, "nth", nth), output_field=output_field)
