"""What generated code calls for window functions: rows put in order by partitions, ranks, neighbours, frames.

Rows are known by their places in lists ("columns"): one list for each expression, as long as there are rows. Every function
gives such a column. The invariant: nothing here reads a row, and no column that came in is changed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

from modelkit.ir.expr import AggregateDef, Frame
from modelkit.stores.memory.compiler.runtime import NO_VALUE, sort_rows

__all__ = [
    "Partitions",
    "cume_dist",
    "dense_rank",
    "first_value",
    "framed",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "partitions",
    "percent_rank",
    "rank",
    "row_number",
]

Column: TypeAlias = Sequence[Any]
Span: TypeAlias = tuple[int, int]
"""Places within a partition, from the first to before the second."""
Key: TypeAlias = tuple[Column, bool, bool | None]
"""A sort key's values, whether it descends, and where NULLs go: first, last, or (None) there are none."""


class Partitions:
    """The places of rows, partition by partition, each in the window's order."""

    __slots__ = ("_keys", "_peers", "parts", "size")

    def __init__(self, size: int, parts: list[list[int]], keys: Sequence[Key]) -> None:
        self.size = size
        self.parts = parts
        self._keys = keys
        self._peers: list[list[Span]] | None = None

    def peers(self) -> list[list[Span]]:
        """For each partition the runs of rows that are alike in all sort keys. Linear, and done once."""
        if self._peers is None:
            self._peers = [self._runs(part) for part in self.parts]
        return self._peers

    def _runs(self, part: list[int]) -> list[Span]:
        columns = [column for column, _, _ in self._keys]
        if not columns:
            return [(0, len(part))]
        if len(columns) == 1:
            column = columns[0]
            ends = [end for end, (one, two) in enumerate(pairwise(part), 1) if column[one] != column[two]]
        else:
            ends = [
                end
                for end, (one, two) in enumerate(pairwise(part), 1)
                if any(column[one] != column[two] for column in columns)
            ]
        return list(pairwise((0, *ends, len(part))))

    @property
    def distance(self) -> Key:
        """The one sort key, by which RANGE offsets measure."""
        (key,) = self._keys
        return key

    def column(self, values: Iterator[Any]) -> list[Any]:
        """`values`, given partition by partition in order, as a column."""
        made: list[Any] = [None] * self.size
        for part in self.parts:
            for place, value in zip(part, values, strict=False):
                made[place] = value
        return made


def partitions(size: int, by: Sequence[Hashable] | None, keys: Sequence[Key]) -> Partitions:
    """`size` rows in partitions by the values of `by` (None: one partition), each sorted by `keys`, ties in row order."""
    if by is None:
        parts = [list(range(size))] if size else []
    else:
        found: dict[Hashable, list[int]] = {}
        for place, value in enumerate(by):
            known = found.get(value)
            if known is None:
                found[value] = [place]
            else:
                known.append(place)
        parts = list(found.values())
    if keys:
        passes = [(column.__getitem__, descending, first) for column, descending, first in keys]
        parts = [sort_rows(part, passes) for part in parts]
    return Partitions(size, parts, keys)


# -- ranks


def row_number(order: Partitions) -> list[int]:
    """1, 2, 3 in each partition."""
    return order.column(number for part in order.parts for number in range(1, len(part) + 1))


def rank(order: Partitions) -> list[int]:
    """One more than how many rows come before the first peer."""
    return order.column(start + 1 for runs in order.peers() for start, end in runs for _ in range(start, end))


def dense_rank(order: Partitions) -> list[int]:
    """Which run of peers this is, from 1."""
    return order.column(
        number for runs in order.peers() for number, (start, end) in enumerate(runs, 1) for _ in range(start, end)
    )


def percent_rank(order: Partitions) -> list[float]:
    """The share of the other rows that come before the first peer, from 0.0 to 1.0."""
    return order.column(
        start / max(runs[-1][1] - 1, 1) for runs in order.peers() for start, end in runs for _ in range(start, end)
    )


def cume_dist(order: Partitions) -> list[float]:
    """The share of the rows that come no later than the last peer."""
    return order.column(end / runs[-1][1] for runs in order.peers() for start, end in runs for _ in range(start, end))


def ntile(order: Partitions, buckets: int) -> list[int]:
    """Which of `buckets` even parts the row is in, from 1; the first parts take one more where they cannot be even."""

    def tiles() -> Iterator[int]:
        for part in order.parts:
            least, longer = divmod(len(part), buckets)
            for bucket in range(min(buckets, len(part))):
                for _ in range(least + (bucket < longer)):
                    yield bucket + 1

    return order.column(tiles())


# -- neighbours


def lag(order: Partitions, values: Column, offset: int, instead: Column | None = None) -> list[Any]:
    """The value `offset` rows earlier in the partition; `instead` (NULL) where there is none."""
    return _shifted(order, values, -offset, instead)


def lead(order: Partitions, values: Column, offset: int, instead: Column | None = None) -> list[Any]:
    """The value `offset` rows later in the partition; `instead` (NULL) where there is none."""
    return _shifted(order, values, offset, instead)


def _shifted(order: Partitions, values: Column, by: int, instead: Column | None) -> list[Any]:
    def shifted() -> Iterator[Any]:
        for part in order.parts:
            for number, place in enumerate(part, by):
                if 0 <= number < len(part):
                    yield values[part[number]]
                else:
                    yield None if instead is None else instead[place]

    return order.column(shifted())


# -- frames

DEFAULT: Final = Frame("range", None, 0)
"""What a function reads where no frame is given."""


def _edges(order: Partitions, number: int, frame: Frame) -> tuple[list[int], list[int]]:
    """Where the frame of each row of partition `number` starts, and before where it ends. No end is before its start."""
    size = len(order.parts[number])
    if frame.unit == "rows":
        starts = [0] * size if frame.start is None else [min(max(at + frame.start, 0), size) for at in range(size)]
        ends = [size] * size if frame.end is None else [min(max(at + frame.end + 1, 0), size) for at in range(size)]
        return starts, [max(start, end) for start, end in zip(starts, ends, strict=True)]
    runs = order.peers()[number]
    starts = [0 if frame.start is None else start for start, end in runs for _ in range(start, end)]
    ends = [size if frame.end is None else end for start, end in runs for _ in range(start, end)]
    if frame.start or frame.end:
        _measure(order, number, frame, starts, ends)
    return starts, ends


def _measure(order: Partitions, number: int, frame: Frame, starts: list[int], ends: list[int]) -> None:
    """Move the edges of a RANGE frame by its offsets: by binary search, since the keys are sorted.

    NULL is at no distance from a number: its frame ends with its peers, and none that starts or ends at a distance has it.
    """
    column, descending, _ = order.distance
    keys = [column[place] for place in order.parts[number]]
    low = next((at for at, key in enumerate(keys) if key is not None), len(keys))
    high = next((at for at in range(len(keys), low, -1) if keys[at - 1] is not None), low)
    sign = -1 if descending else 1
    measured = [sign * key for key in keys[low:high]]
    for at, key in enumerate(measured, low):
        if frame.start:
            starts[at] = low + bisect_left(measured, key + frame.start)
        if frame.end:
            ends[at] = low + bisect_right(measured, key + frame.end)


def _spans(order: Partitions, number: int, frame: Frame) -> list[tuple[Span, ...]]:
    """The frame of each row of a partition as spans without holes, in order; empty ones are left out."""
    starts, ends = _edges(order, number, frame)
    frames = list(zip(starts, ends, strict=True))
    if frame.exclusion == "no others":
        return [((start, end),) if start < end else () for start, end in frames]
    found: list[tuple[Span, ...]] = []
    for first, last in order.peers()[number]:
        for at in range(first, last):
            start, end = frames[at]
            match frame.exclusion:
                case "current row":
                    parts = ((start, min(at, end)), (max(at + 1, start), end))
                case "group":
                    parts = ((start, min(first, end)), (max(last, start), end))
                case _:
                    own = (max(at, start), min(at + 1, end))
                    parts = ((start, min(first, end)), own, (max(last, start), end))  # type: ignore[assignment]
            found.append(tuple([part for part in parts if part[0] < part[1]]))
    return found


def first_value(order: Partitions, values: Column, frame: Frame = DEFAULT) -> list[Any]:
    """The value of the first row of the frame; NULL where it has none."""
    return _picked(order, values, frame, lambda spans: spans[0][0])


def last_value(order: Partitions, values: Column, frame: Frame = DEFAULT) -> list[Any]:
    """The value of the last row of the frame; NULL where it has none."""
    return _picked(order, values, frame, lambda spans: spans[-1][1] - 1)


def nth_value(order: Partitions, values: Column, nth: int, frame: Frame = DEFAULT) -> list[Any]:
    """The value of row number `nth` of the frame, from 1; NULL where it has fewer."""

    def pick(spans: tuple[Span, ...]) -> int | None:
        left = nth - 1
        for start, end in spans:
            if left < end - start:
                return start + left
            left -= end - start
        return None

    return _picked(order, values, frame, pick)


def _picked(
    order: Partitions, values: Column, frame: Frame, pick: Callable[[tuple[Span, ...]], int | None]
) -> list[Any]:
    def picked() -> Iterator[Any]:
        for number, part in enumerate(order.parts):
            for spans in _spans(order, number, frame):
                at = pick(spans) if spans else None
                yield None if at is None else values[part[at]]

    return order.column(picked())


# -- aggregates

_LITTLE: Final = 8
"""Frames of so many rows on average are cheaper to go through than to look up in a tree."""


def framed(order: Partitions, values: Column, function: AggregateDef, frame: Frame = DEFAULT) -> list[Any]:
    """The aggregate of the values that are not NULL in each row's frame.

    O(n) where frames only grow, as by default; else O(n log n) where the function merges, and as much as the frames hold
    where it does not.
    """

    def results() -> Iterator[Any]:
        for number, part in enumerate(order.parts):
            column = [values[place] for place in part]
            if frame.start is None and frame.exclusion == "no others":
                yield from _growing(column, _edges(order, number, frame)[1], function)
            else:
                yield from _moving(column, _spans(order, number, frame), function)

    return order.column(results())


def _growing(column: Column, ends: list[int], function: AggregateDef) -> Iterator[Any]:
    """One state that is carried on: each frame begins where the partition does."""
    state: Any = NO_VALUE
    result, at = function.empty, 0
    for end in ends:
        if at < end:
            for value in column[at:end]:
                if value is not None:
                    state = function.step(function.start() if state is NO_VALUE else state, value)
            at = end
            result = function.empty if state is NO_VALUE else function.finish(state)
        yield result


def _moving(column: Column, frames: list[tuple[Span, ...]], function: AggregateDef) -> Iterator[Any]:
    rows = sum(end - start for spans in frames for start, end in spans)
    if function.merge is None or rows <= _LITTLE * len(column):
        for spans in frames:
            yield _folded([value for start, end in spans for value in column[start:end]], function)
        return
    tree = _Tree(column, function, function.merge)
    for spans in frames:
        yield tree.over(spans)


def _folded(values: Iterable[Any], function: AggregateDef) -> Any:
    state: Any = NO_VALUE
    for value in values:
        if value is not None:
            state = function.step(function.start() if state is NO_VALUE else state, value)
    return function.empty if state is NO_VALUE else function.finish(state)


class _Tree:
    """The states of runs of rows, each run twice as long as those below it: a frame is merged from O(log n) of them.

    A segment tree, as in Leis et al., "Efficient Processing of Window Functions in Analytical SQL Queries" (VLDB 2015).
    """

    def __init__(self, column: Column, function: AggregateDef, merge: Callable[[Any, Any], Any]) -> None:
        self._function = function
        self._merge = merge
        self._size = size = len(column)
        leaves = [NO_VALUE if value is None else function.step(function.start(), value) for value in column]
        self._states = states = [NO_VALUE] * size + leaves
        for at in range(size - 1, 0, -1):
            states[at] = self._both(states[2 * at], states[2 * at + 1])

    def _both(self, one: Any, two: Any) -> Any:
        if one is NO_VALUE or two is NO_VALUE:
            return two if one is NO_VALUE else one
        return self._merge(one, two)

    def over(self, spans: Iterable[Span]) -> Any:
        """The result over the rows of `spans`, in their order."""
        state = NO_VALUE
        for start, end in spans:
            state = self._both(state, self._span(start + self._size, end + self._size))
        return self._function.empty if state is NO_VALUE else self._function.finish(state)

    def _span(self, low: int, high: int) -> Any:
        before = after = NO_VALUE
        while low < high:
            if low & 1:
                before = self._both(before, self._states[low])
                low += 1
            if high & 1:
                high -= 1
                after = self._both(self._states[high], after)
            low >>= 1
            high >>= 1
        return self._both(before, after)
