"""What generated code calls: JSON access and order, patterns, rows by keys, sorting with NULLs, the first n.

Knows canonical values and rows; nothing of queries. Its one invariant: no function here changes what it is given,
save for lists of results that it is handed to sort.
"""

from __future__ import annotations

import decimal
import heapq
import json
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, Final, TypeAlias

from modelkit.errors import DataError, shorten
from modelkit.ir.codec import JSON_NULL, JsonNull, freeze_json
from modelkit.ir.expr import AggregateDef
from modelkit.ir.types import ScalarType
from modelkit.stores.memory.access import TableView

__all__ = [
    "NO_VALUE",
    "SortPass",
    "chunks_by_slots",
    "collected",
    "content_order",
    "distinct_key",
    "distinct_keys",
    "distinct_rows",
    "first_rows",
    "gathered",
    "in_order",
    "json_key",
    "json_order",
    "member_of",
    "pattern_of",
    "prefix_end",
    "row_by_key",
    "row_key",
    "rows_by_key",
    "search",
    "shortest",
    "shortest_slots",
    "sort_rows",
    "text_of",
]

NO_VALUE: Final = object()
"""The state of an aggregate that has met no value yet."""


distinct_keys: Final = dict.fromkeys
"""Keys as a set that keeps their order: rows that were made in the order of their keys are then found in slot order."""


def json_key(value: Any, key: str | int) -> Any:
    """What stands under `key` in a JSON value; None where nothing does, JSON_NULL where null does."""
    if isinstance(value, dict):
        name = str(key)
        if name not in value:
            return None
        found = value[name]
    elif isinstance(value, list) and isinstance(key, int):
        if not -len(value) <= key < len(value):
            return None
        found = value[key]
    else:
        return None
    return JSON_NULL if found is None else found


def json_order(value: Any) -> tuple[Any, ...]:
    """A key that orders JSON values of all kinds: null, false, true, numbers, text, arrays, objects (as PostgreSQL groups them)."""
    if value is None or isinstance(value, JsonNull):
        return (0,)
    if isinstance(value, bool):
        return (1, value)
    if isinstance(value, (int, float, decimal.Decimal)):
        return (2, value)
    if isinstance(value, str):
        return (3, value)
    if isinstance(value, list):
        return (4, len(value), [json_order(item) for item in value])
    if isinstance(value, dict):
        return (5, len(value), sorted((key, json_order(item)) for key, item in value.items()))
    return (6, str(value))


def text_of(value: Any) -> str:
    """The text that a text lookup on a value of another type reads."""
    if isinstance(value, str):
        return value
    if isinstance(value, JsonNull):
        return "null"
    if isinstance(value, (bool, dict, list)):
        return json.dumps(value)
    return str(value)


def pattern_of(pattern: Any, fold: bool) -> Any:
    """The compiled form of a regular expression, which may be compiled already; DataError for an invalid one."""
    if isinstance(pattern, re.Pattern):
        if not fold or pattern.flags & re.IGNORECASE:
            return pattern
        return re.compile(pattern.pattern, pattern.flags | re.IGNORECASE)
    try:
        return re.compile(pattern, re.IGNORECASE if fold else 0)
    except re.error as error:
        raise DataError(f"{shorten(pattern)} is not a regular expression: {error}") from None


def search(pattern: Any, text: str, fold: bool) -> bool:
    """Whether a regular expression that is computed row by row matches somewhere in `text`."""
    return pattern_of(pattern, fold).search(text) is not None


def prefix_end(prefix: str) -> str | None:
    """The smallest text above all that start with `prefix`; None where there is none."""
    stem = prefix.rstrip("\U0010ffff")
    return stem[:-1] + chr(ord(stem[-1]) + 1) if stem else None


def member_of(items: tuple[Any, ...], choices: Iterable[tuple[Any, ...]]) -> bool | None:
    """Whether a row of values, some NULL, equals one of `choices`; None where it is not known."""
    answer: bool | None = False
    for choice in choices:
        same: bool | None = True
        for item, other in zip(items, choice, strict=True):
            if item is None or other is None:
                same = None
            elif item != other:
                same = False
                break
        if same:
            return True
        if same is None:
            answer = None
    return answer


def whole_rows(rows: Iterable[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """The rows of values of which none is NULL."""
    return {row for row in rows if None not in row}


def chunks_by_slots(view: TableView, slots: Iterator[int]) -> Iterable[Sequence[Any]]:
    """The rows in `slots`, in slot order, as one run; the whole table where these turn out to be many of its rows.

    Reading a row by its slot costs some eight times as much as coming by it.
    """
    most = view.roughly() // 8 + 16
    found = list(islice(slots, most + 1))
    if len(found) > most:
        return view.chunks()
    found.sort()
    return (view.rows_in(found),)


def gathered(
    view: TableView, path: int, rows: Sequence[Any], keys: Sequence[Hashable]
) -> Iterator[tuple[Any, list[Any]]]:
    """(row of the view, those of `rows` with its key) for each row under one of `keys` of a unique path, in slot order.

    `keys` are those of `rows`, in their order.
    """
    alike: defaultdict[Hashable, list[Any]] = defaultdict(list)
    for key, row in zip(keys, rows, strict=True):
        alike[key].append(row)
    return _with_rows(view, path, alike)


def collected(
    view: TableView, path: int, values: Sequence[Any], sides: Sequence[Sequence[Hashable]]
) -> list[tuple[Any, list[Any]]]:
    """(row of the view, those of `values` on whose side its key stands) for each row under a key of a unique path, in slot order.

    `sides` are the keys beside each of `values`, in their order.
    """
    alike: dict[Hashable, list[Any]] = {}
    find = alike.get
    for value, side in zip(values, sides, strict=True):
        for key in side:
            found = find(key)
            if found is None:
                alike[key] = [value]
            else:
                found.append(value)
    # NULL is nobody's key.
    alike.pop(None, None)
    return list(_with_rows(view, path, alike))


def _with_rows(view: TableView, path: int, kept: Mapping[Hashable, list[Any]]) -> Iterator[tuple[Any, list[Any]]]:
    """The rows of the view under the keys of `kept`, in slot order, each with what is kept by its key."""
    found = dict(zip(view.find_slots(path, [*kept]), kept.values(), strict=True))
    found.pop(-1, None)
    slots = sorted(found)
    return zip(view.rows_in(slots), map(found.__getitem__, slots), strict=True)


SortPass: TypeAlias = tuple[Callable[[Any], Any], bool, bool | None]
"""A key function, whether it descends, and where NULLs go: first, last, or (None) there are none."""


def sort_rows(rows: list[Any], passes: Sequence[SortPass]) -> list[Any]:
    """`rows` in order, ties as they were: one stable pass for each key, from the last to the first."""
    for key, descending, nulls_first in reversed(passes):
        if nulls_first is not None:
            absent = [row for row in rows if key(row) is None]
            if absent:
                rows = [row for row in rows if key(row) is not None]
                rows.sort(key=key, reverse=descending)
                rows = absent + rows if nulls_first else rows + absent
                continue
        rows.sort(key=key, reverse=descending)
    return rows


def _ranked(key: Callable[[Any], Any], nulls_first: bool) -> Callable[[Any], Any]:
    def ranked(row: Any) -> tuple[bool, Any]:
        value = key(row)
        return ((value is None) is not nulls_first, value)

    return ranked


def first_rows(rows: list[Any], count: int, passes: Sequence[SortPass]) -> list[Any]:
    """The first `count` of `rows` in order: by a heap where they are few, on the first key alone where there are several.

    O(n log count) where `count` is small against n.
    """
    if count * 8 > len(rows):
        return sort_rows(rows, passes)[:count]
    if count == 0:
        return []
    key, descending, nulls_first = passes[0]
    if nulls_first is not None:
        key = _ranked(key, nulls_first is not descending)
    least = heapq.nlargest(count, rows, key) if descending else heapq.nsmallest(count, rows, key)
    if len(passes) == 1:
        return least
    bound = key(least[-1])
    kept = [row for row in rows if key(row) >= bound] if descending else [row for row in rows if key(row) <= bound]
    return sort_rows(kept, passes)[:count]


def distinct_rows(rows: list[Any], key: Callable[[Any], Hashable]) -> list[Any]:
    """The first of `rows` for each value of `key`, in order."""
    seen: set[Hashable] = set()
    add = seen.add
    return [row for row in rows if (value := key(row)) not in seen and not add(value)]


def row_key(columns: Sequence[int], types: Sequence[ScalarType]) -> Callable[[Any], Hashable]:
    """A function from a row to its key over `columns`: None where a part is NULL."""
    kinds = [kind for kind in types if not kind.immutable]
    if len(columns) == 1 and not kinds:
        single: Callable[[Any], Hashable] = itemgetter(columns[0])
        return single
    parts = [(column, types[number].key if kinds else None) for number, column in enumerate(columns)]

    def key(row: Any) -> Hashable:
        values = [row[column] for column, _ in parts]
        if None in values:
            return None
        found = [value if freeze is None else freeze(value) for value, (_, freeze) in zip(values, parts, strict=True)]
        return found[0] if len(found) == 1 else tuple(found)

    return key


def rows_by_key(chunks: Iterable[Sequence[Any]], key: Callable[[Any], Hashable]) -> dict[Hashable, list[Any]]:
    """The rows of `chunks` in lists by their keys, in order; those without a key are left out."""
    found: dict[Hashable, list[Any]] = {}
    for chunk in chunks:
        for row in chunk:
            if row is not None and (value := key(row)) is not None:
                found.setdefault(value, []).append(row)
    return found


def row_by_key(chunks: Iterable[Sequence[Any]], key: Callable[[Any], Hashable]) -> dict[Hashable, Any]:
    """The first row for each key."""
    found: dict[Hashable, Any] = {}
    for chunk in chunks:
        for row in chunk:
            if row is not None and (value := key(row)) is not None:
                found.setdefault(value, row)
    return found


def shortest(view: TableView, *options: tuple[int, Hashable]) -> list[Any]:
    """The rows of the shortest of several buckets."""
    return view.bucket(*min(options, key=lambda option: view.bucket_size(*option)))


def shortest_slots(view: TableView, *options: tuple[int, Hashable]) -> list[int]:
    """The slots of the shortest of several buckets."""
    return view.bucket_slots(*min(options, key=lambda option: view.bucket_size(*option)))


def content_order(place: int) -> Callable[[Any], Any]:
    """A function that gives the order of the JSON value at `place` of a row, None for NULL."""

    def order(row: Any) -> Any:
        return None if row[place] is None else json_order(row[place])

    return order


def distinct_key(value: Any) -> Hashable:
    """A hashable form of a result row or a value, in which NULL and JSON's null differ."""
    if isinstance(value, tuple):
        return tuple([distinct_key(part) for part in value])
    return None if value is None else freeze_json(value)


def in_order(found: list[Any], passes: Sequence[SortPass], function: AggregateDef, distinct: bool) -> Any:
    """An aggregate over (value, keys...) in the order of the keys, over distinct values where asked."""
    values = [entry[0] for entry in sort_rows(found, passes)]
    if distinct:
        values = distinct_rows(values, distinct_key)
    if not values:
        return function.empty
    state = function.start()
    for value in values:
        state = function.step(state, value)
    return function.finish(state)
