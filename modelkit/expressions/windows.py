"""Window expressions: a function over the rows that share a partition, in an order. Symbolic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelkit.expressions.base import Combinable, F, Node, OrderBy, node_of

__all__ = ["RowRange", "ValueRange", "Window", "WindowFrame", "WindowFrameExclusion"]


class WindowFrameExclusion:
    """What a frame leaves out."""

    CURRENT_ROW = "current row"
    GROUP = "group"
    TIES = "ties"
    NO_OTHERS = "no others"


@dataclass(frozen=True, slots=True, eq=False)
class WindowFrame(Node):
    """From `start` to `end`, offsets from the current row; None is the partition's edge."""

    start: int | None = None
    end: int | None = None
    exclusion: str | None = None


class RowRange(WindowFrame):
    """A frame counted in rows."""

    __slots__ = ()


class ValueRange(WindowFrame):
    """A frame counted in peers of the order's value."""

    __slots__ = ()


def _many(items: object) -> tuple[Node, ...]:
    if items is None:
        return ()
    listed = items if isinstance(items, (list, tuple)) else (items,)
    return tuple(_key(item) for item in listed)


def _key(item: object) -> Node:
    if isinstance(item, str):
        return OrderBy(F(item[1:]), True) if item.startswith("-") else F(item)
    return node_of(item)


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Window(Combinable):
    """`expression` (an aggregate or window function) over the rows that share `partition_by`, in the order of `order_by`."""

    expression: Node
    partition_by: tuple[Node, ...]
    order_by: tuple[Node, ...]
    frame: WindowFrame | None
    output_field: Any

    def __init__(
        self,
        expression: object,
        partition_by: object = None,
        order_by: object = None,
        frame: WindowFrame | None = None,
        output_field: Any = None,
    ) -> None:
        fill = object.__setattr__
        fill(self, "expression", node_of(expression))
        fill(self, "partition_by", _many(partition_by))
        fill(self, "order_by", _many(order_by))
        fill(self, "frame", frame)
        fill(self, "output_field", output_field)
