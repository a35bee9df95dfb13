"""Window expressions: a function over the rows that share a partition, in an order. Symbolic.

Knows nodes, no fields and no query. The invariant: a frame that was made can be read: its offsets are whole numbers, and it
starts no later than it ends.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Literal

from modelkit.expressions.aggregates import Aggregate
from modelkit.expressions.base import Expression, F, Face, Node, OrderBy, node_of
from modelkit.ir import expr as ir
from modelkit.records import dataclass

__all__ = ["RowRange", "ValueRange", "Window", "WindowFrame", "WindowFrameExclusion", "WindowFunction"]


class WindowFrameExclusion(enum.Enum):
    """What a frame leaves out: the current row, it and its peers (rows equal in the window's order), its peers alone, nothing."""

    CURRENT_ROW = "CURRENT ROW"
    GROUP = "GROUP"
    TIES = "TIES"
    NO_OTHERS = "NO OTHERS"

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class WindowFrame(Node):
    """The rows from `start` to `end`, both included: offsets from the current row, None for the partition's edge.

    The base of RowRange and ValueRange, which say what an offset counts.
    """

    unit: ClassVar[Literal["rows", "range"] | None] = None

    start: int | None = None
    end: int | None = None
    exclusion: WindowFrameExclusion | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.exclusion, (WindowFrameExclusion, type(None))):
            raise TypeError(
                f"{type(self).__name__}.exclusion must be a WindowFrameExclusion, not {type(self.exclusion).__name__}."
            )

    def get_group_by_cols(self) -> list[Node]:
        return []

    def __repr__(self) -> str:
        start = "UNBOUNDED PRECEDING" if self.start is None else _edge(self.start)
        end = "UNBOUNDED FOLLOWING" if self.end is None else _edge(self.end)
        without = "" if self.exclusion is None else f" EXCLUDE {self.exclusion.value}"
        return f"<{type(self).__name__}: {(self.unit or 'frame').upper()} BETWEEN {start} AND {end}{without}>"


def _edge(offset: int) -> str:
    if not offset:
        return "CURRENT ROW"
    return f"{abs(offset)} {'PRECEDING' if offset < 0 else 'FOLLOWING'}"


def _whole(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


class RowRange(WindowFrame):
    """A frame that counts rows: `RowRange(start=-2, end=0)` is the current row and the two before it."""

    __slots__ = ()
    unit = "rows"

    def __post_init__(self) -> None:
        WindowFrame.__post_init__(self)
        for name, value in (("start", self.start), ("end", self.end)):
            if not _whole(value):
                raise ValueError(f"The {name} argument must be a whole number or None, not {value!r}.")
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError(f"The start cannot be greater than the end: {self.start} is after {self.end}.")


class ValueRange(WindowFrame):
    """A frame that measures the distance of the one sort key, a number: `ValueRange(-2, 2)` has the rows at most 2 from it.

    0 is the current row with its peers, those of the same value.
    """

    __slots__ = ()
    unit = "range"

    def __post_init__(self) -> None:
        WindowFrame.__post_init__(self)
        if not _whole(self.start) or (self.start is not None and self.start > 0):
            raise ValueError(f"The start argument must be a negative whole number, zero or None, not {self.start!r}.")
        if not _whole(self.end) or (self.end is not None and self.end < 0):
            raise ValueError(f"The end argument must be a positive whole number, zero or None, not {self.end!r}.")


@dataclass(frozen=True, slots=True, eq=False, init=False)
class WindowFunction(Expression):
    """The base of the functions that have a value in a Window alone: ranks, neighbours, rows of the frame.

    `args`: what `ir.expr.Window` says of the function; text names a field.
    """

    function: ClassVar[ir.WindowFunction]

    args: tuple[Node, ...]

    def __init__(self, *args: object, output_field: Any = None) -> None:
        object.__setattr__(self, "args", tuple(F(arg) if isinstance(arg, str) else node_of(arg) for arg in args))
        object.__setattr__(self, "given", output_field)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"


def _listed(items: object) -> tuple[object, ...]:
    if items is None:
        return ()
    return tuple(items) if isinstance(items, (list, tuple)) else (items,)


def _key(item: object) -> Node:
    if isinstance(item, str):
        return OrderBy(F(item[1:]), True) if item.startswith("-") else F(item)
    return node_of(item)


def _order(items: tuple[object, ...]) -> tuple[Node, ...]:
    for item in items:
        if not isinstance(item, (str, Node, Face)):
            raise ValueError(  # noqa: TRY004 - as Django
                f"Window.order_by takes a name, an expression, or a list or tuple of them, not {item!r}."
            )
    return tuple(map(_key, items))


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Window(Expression):
    """`expression` (an aggregate or a window function) over the rows that share `partition_by`, in the order of `order_by`.

    Without an order all rows of a partition are peers. A `frame` says which of them an aggregate reads, by default those
    from the first to the current row's last peer. Raises ValueError for an expression that has no meaning over rows.
    """

    expression: Aggregate | WindowFunction
    partition_by: tuple[Node, ...]
    order_by: tuple[Node, ...]
    frame: WindowFrame | None

    def __init__(
        self,
        expression: object,
        partition_by: object = None,
        order_by: object = None,
        frame: WindowFrame | None = None,
        output_field: Any = None,
    ) -> None:
        node = node_of(expression)
        if not isinstance(node, (Aggregate, WindowFunction)):
            raise ValueError(  # noqa: TRY004 - as Django: the expression is at fault, whatever its type
                f"{type(node).__name__} is not compatible with windows: they take aggregates and window functions."
            )
        fill = object.__setattr__
        fill(self, "expression", node)
        fill(
            self,
            "partition_by",
            tuple(F(item) if isinstance(item, str) else node_of(item) for item in _listed(partition_by)),
        )
        fill(self, "order_by", _order(_listed(order_by)))
        fill(self, "frame", frame)
        fill(self, "given", output_field)

    @property
    def contains_aggregate(self) -> bool:
        return False

    @property
    def contains_over_clause(self) -> bool:
        return True

    def get_group_by_cols(self) -> list[Node]:
        """What its partition and its order go by."""
        return [key for node in (*self.partition_by, *self.order_by) for key in node.get_group_by_cols()]

    def __repr__(self) -> str:
        parts = []
        if self.partition_by:
            parts.append(f"PARTITION BY {', '.join(map(repr, self.partition_by))}")
        if self.order_by:
            parts.append(", ".join(repr(key if isinstance(key, OrderBy) else OrderBy(key)) for key in self.order_by))
        if self.frame is not None:
            parts.append(repr(self.frame))
        return f"<{type(self).__name__}: {self.expression!r} OVER ({' '.join(parts)})>"
