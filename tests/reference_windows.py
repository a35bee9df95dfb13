"""What window functions mean: each computed for each row from the definition of its frame, in quadratic time.

A part of the reference, apart from it for its length; it shares nothing with the compiler.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from modelkit.ir import expr as ir
from modelkit.ir.codec import freeze_json
from modelkit.ir.query import Select, ValueOutput

__all__ = ["compute_windows"]


class Order(Protocol):
    """What compares values, and knows parameters."""

    params: Sequence[Any]

    def compare_values(self, key: ir.SortKey, one: Any, two: Any) -> int: ...


def _windows(part: Any) -> Iterator[ir.Window]:
    if isinstance(part, ir.Window):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from _windows(item)
    elif isinstance(part, (ir.Node, ir.SortKey, ValueOutput)):
        for base in type(part).__mro__:
            for name in getattr(base, "__slots__", ()):
                yield from _windows(getattr(part, name))


def compute_windows(query: Select, members: Sequence[Any], value: Callable[[ir.Expr, Any], Any], order: Order) -> None:
    """Give each member (a row or a group, told by `value`) the values of all windows of `query`."""
    for window in _windows((query.outputs, query.qualify, query.order, query.distinct_on)):
        partitions: dict[Any, list[Any]] = {}
        for member in members:
            key = tuple(
                (found is None, freeze_json(found)) for found in (value(part, member) for part in window.partition)
            )
            partitions.setdefault(key, []).append(member)
        for partition in partitions.values():
            results = list(_Partition(window, partition, value, order).results())
            for member, result in results:
                member.windows[window] = result


class _Partition:
    """The members that share a partition, sorted."""

    def __init__(
        self, window: ir.Window, members: list[Any], value: Callable[[ir.Expr, Any], Any], order: Order
    ) -> None:
        self.window = window
        self.params = order.params
        self.value = value
        self.order = order
        self.members = sorted(members, key=functools.cmp_to_key(self.compare))

    def compare(self, one: Any, two: Any) -> int:
        for key in self.window.order:
            answer = self.order.compare_values(key, self.value(key.expr, one), self.value(key.expr, two))
            if answer:
                return answer
        return 0

    def peers(self, one: int, two: int) -> bool:
        return self.compare(self.members[one], self.members[two]) == 0

    def results(self) -> Iterator[tuple[Any, Any]]:
        for place, member in enumerate(self.members):
            yield member, self.result(place)

    def argument(self, place: int, number: int = 0) -> Any:
        return self.value(self.window.args[number], self.members[place])

    def result(self, place: int) -> Any:
        window, size = self.window, len(self.members)
        before = [other for other in range(place) if not self.peers(other, place)]
        match window.function:
            case "row_number":
                return place + 1
            case "rank":
                return len(before) + 1
            case "dense_rank":
                return 1 + len([other for other in before if not (other and self.peers(other - 1, other))])
            case "percent_rank":
                return len(before) / (size - 1) if size > 1 else 0.0
            case "cume_dist":
                return len([other for other in range(size) if other <= place or self.peers(other, place)]) / size
            case "ntile":
                return self.tile(place, self.argument(place))
            case "lag" | "lead":
                other = place + (1 if window.function == "lead" else -1) * self.argument(place, 1)
                if 0 <= other < size:
                    return self.argument(other)
                return self.argument(place, 2) if len(window.args) > 2 else None
            case "first_value" | "last_value" | "nth_value":
                return self.of_frame(place)
            case ir.AggregateDef():
                return self.aggregate(window.function, place)

    def tile(self, place: int, buckets: int) -> int:
        sizes = [len(self.members) // buckets + (number < len(self.members) % buckets) for number in range(buckets)]
        return next(number for number in range(1, buckets + 1) if place < sum(sizes[:number]))

    def of_frame(self, place: int) -> Any:
        frame = self.frame(place)
        nth = {"first_value": 1, "last_value": len(frame)}.get(str(self.window.function))
        if nth is None:
            nth = self.argument(place, 1)
        return self.argument(frame[nth - 1]) if 0 < nth <= len(frame) else None

    def aggregate(self, function: ir.AggregateDef, place: int) -> Any:
        state, empty = function.start(), True
        for other in self.frame(place):
            member = self.members[other]
            if self.window.where is not None and self.value(self.window.where, member) is not True:
                continue
            values = tuple(self.value(arg, member) for arg in self.window.args)
            if None not in values:
                state, empty = function.step(state, values[0] if len(values) == 1 else values), False
        return function.empty if empty else function.finish(state)

    def frame(self, place: int) -> list[int]:
        frame = self.window.frame or ir.Frame("range", None, 0)
        reaches = self.reaches_rows if frame.unit == "rows" else self.reaches_range
        return [
            other
            for other in range(len(self.members))
            if reaches(place, other, frame) and not self.excluded(place, other, frame.exclusion)
        ]

    def excluded(self, place: int, other: int, exclusion: str) -> bool:
        match exclusion:
            case "current row":
                return place == other
            case "group":
                return self.peers(place, other)
            case "ties":
                return self.peers(place, other) and place != other
            case _:
                return False

    def reaches_rows(self, place: int, other: int, frame: ir.Frame) -> bool:
        after = frame.start is None or other - place >= frame.start
        return after and (frame.end is None or other - place <= frame.end)

    def reaches_range(self, place: int, other: int, frame: ir.Frame) -> bool:
        """An offset is a distance of the key; at the edges of NULLs a frame ends with the peers."""
        after = frame.start is None or other >= place or self.peers(place, other)
        until = frame.end is None or other <= place or self.peers(place, other)
        if frame.start:
            after = self.distance(place, other, frame.start, other > place) >= frame.start
        if frame.end:
            until = self.distance(place, other, frame.end, other > place) <= frame.end
        return after and until

    def distance(self, place: int, other: int, offset: int, later: bool) -> Any:
        """How much further on the other's key is; NULL is further than anything, in its direction."""
        (key,) = self.window.order
        one, two = (self.value(key.expr, self.members[number]) for number in (place, other))
        if one is None and two is None:
            return offset
        if one is None or two is None:
            return float("inf") if later else float("-inf")
        return (one - two) if key.descending else (two - one)
