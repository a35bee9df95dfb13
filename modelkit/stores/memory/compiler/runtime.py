"""What generated code calls: arithmetic by SQL's rules, JSON access and order, sorting with NULLs, the first n.

Knows canonical values and rows; nothing of queries. Its one invariant: no function here changes what it is given,
save for lists of results that it is handed to sort.
"""

from __future__ import annotations

import datetime
import decimal
import heapq
import json
import math
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

from modelkit.errors import DataError, shorten
from modelkit.ir.codec import JSON_NULL, JsonNull
from modelkit.ir.types import ScalarType, UnfitValue
from modelkit.stores.memory.access import TableView

__all__ = [
    "SortPass",
    "arithmetic",
    "chunks_by_keys",
    "coerced",
    "distinct_rows",
    "first_rows",
    "integer_overflow",
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
    "slots_by_keys",
    "sort_rows",
    "text_of",
]

_EXACT = decimal.Context(prec=1000, rounding=decimal.ROUND_HALF_UP, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
_DIVISION = decimal.Context(prec=38, rounding=decimal.ROUND_HALF_UP, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
_LOW, _HIGH = -(2**63), 2**63 - 1


def integer_overflow(value: int) -> Any:
    """Refuse an integer that 64 bits cannot hold."""
    raise DataError(f"integer out of range: {shorten(value)} does not fit into 64 bits")


def _fit(value: Any) -> Any:
    if type(value) is int and not _LOW <= value <= _HIGH:
        return integer_overflow(value)
    if type(value) is float and value - value != 0.0:
        raise DataError("a float's value is out of range")
    return value


def _zero(left: Any) -> Any:
    raise DataError(f"division by zero (of {shorten(left)})")


def _divide(left: Any, right: Any) -> Any:
    if isinstance(left, datetime.timedelta):
        return left / float(right) if isinstance(right, decimal.Decimal) else left / right
    if right == 0:
        return _zero(left)
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) is (right < 0) else -quotient
    if isinstance(left, float) or isinstance(right, float):
        return float(left) / float(right)
    return _DIVISION.divide(left, right)


def _modulo(left: Any, right: Any) -> Any:
    if right == 0:
        return _zero(left)
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    if isinstance(left, float) or isinstance(right, float):
        return math.fmod(left, right)
    return _EXACT.remainder(left, right)


def _power(left: Any, right: Any) -> Any:
    if left == 0 and right < 0:
        return _zero(1)
    if isinstance(left, int) and isinstance(right, int):
        if right < 0:
            return float(left) ** right
        if abs(left) > 1 and right > 64:
            return integer_overflow(2**64)
        return left**right
    if isinstance(left, float) or isinstance(right, float):
        result = float(left) ** float(right)
    else:
        result = _DIVISION.power(left, right)
    if isinstance(result, complex):
        raise DataError("a negative number has no fractional power")
    return result


def _shift(left: int, right: int) -> int:
    if not 0 <= right < 64:
        raise DataError(f"cannot shift by {shorten(right)} bits")
    return left << right


def _unshift(left: int, right: int) -> int:
    if not 0 <= right < 64:
        raise DataError(f"cannot shift by {shorten(right)} bits")
    return left >> right


def _exact(name: str) -> Callable[[Any, Any], Any]:
    compute: Callable[[Any, Any], Any] = getattr(_EXACT, name)
    return compute


def _moment(value: Any) -> Any:
    """A date as the datetime at which it begins."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return datetime.datetime.combine(value, datetime.time())
    return value


def _plus(left: Any, right: Any, *, minus: bool) -> Any:
    if isinstance(left, datetime.timedelta) and not isinstance(right, datetime.timedelta):
        left, right = right, left
    if isinstance(left, datetime.time):
        base = datetime.datetime.combine(datetime.date(2000, 1, 2), left)
        if isinstance(right, datetime.time):
            return base - datetime.datetime.combine(datetime.date(2000, 1, 2), right)
        return (base - right if minus else base + right).time()
    if isinstance(left, datetime.date):
        if type(left) is not type(right) and isinstance(right, datetime.date):
            left, right = _moment(left), _moment(right)
        elif isinstance(right, datetime.timedelta):
            left = _moment(left)
    return left - right if minus else left + right


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "/": _divide,
    "%": _modulo,
    "^": _power,
    "&": lambda left, right: left & right,
    "|": lambda left, right: left | right,
    "#": lambda left, right: left ^ right,
    "<<": _shift,
    ">>": _unshift,
}
_DECIMAL = {"+": _exact("add"), "-": _exact("subtract"), "*": _exact("multiply")}
_TEMPORAL = (datetime.date, datetime.time, datetime.timedelta)


def _compute(operator: str, left: Any, right: Any) -> Any:
    if operator in _OPERATORS:
        return _OPERATORS[operator](left, right)
    if isinstance(left, decimal.Decimal) or isinstance(right, decimal.Decimal):
        if isinstance(left, float) or isinstance(right, float):
            left, right = float(left), float(right)
        elif not isinstance(left, _TEMPORAL) and not isinstance(right, _TEMPORAL):
            return _DECIMAL[operator](left, right)
        elif isinstance(left, decimal.Decimal):
            left = float(left)
        else:
            right = float(right)
    if operator == "*":
        return left * right
    return _plus(left, right, minus=operator == "-")


def arithmetic(operator: str, into: ScalarType) -> Callable[[Any, Any], Any]:
    """A function of two non-NULL values that computes `left operator right` as a value of type `into`; DataError where there is none."""

    def compute(left: Any, right: Any) -> Any:
        try:
            return coerced(_fit(_compute(operator, left, right)), into)
        except ArithmeticError as error:
            raise DataError(f"{shorten(left)} {operator} {shorten(right)} has no value: {type(error).__name__}") from None
        except TypeError:
            raise DataError(
                f"{operator} does not take {type(left).__name__} and {type(right).__name__} ({shorten(left)}, {shorten(right)})"
            ) from None

    return compute


def coerced(value: Any, into: ScalarType) -> Any:
    """`value` as a canonical value of `into`, fractions of whole numbers cut off; DataError where it is none."""
    if into.name == "integer" and isinstance(value, (float, decimal.Decimal)):
        return int(value)
    try:
        return into.coerce(value)
    except UnfitValue as error:
        raise DataError(f"{shorten(value)} is not a value of type {into.name}: {error}") from None


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


def slots_by_keys(view: TableView, path: int, unique: bool, keys: Iterable[Hashable]) -> list[int]:
    """The slots of the rows under distinct `keys`, in order."""
    if unique:
        find = view.find_slot
        found = [slot for key in keys if (slot := find(path, key)) >= 0]
    else:
        bucket = view.bucket_slots
        found = list(chain.from_iterable([bucket(path, key) for key in keys]))
    found.sort()
    return found


def chunks_by_keys(
    view: TableView, path: int, unique: bool, keys: Sequence[Hashable] | frozenset[Hashable]
) -> Iterable[Sequence[Any]]:
    """The rows under `keys` as one run; the whole table where there are nearly as many keys as rows."""
    if len(keys) * 4 > view.size() + 16:
        return view.chunks()
    return (list(map(view.row, slots_by_keys(view, path, unique, keys))),)


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
