"""The operations that are compared: their arguments, what counts as the same answer, and their goals.

Knows no contender: an operation names the contender's method, which is called with one argument.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from tests.benchmarks.data import AUTHOR_COLUMNS, BOOK_COLUMNS, Dataset, Row

__all__ = ["BULK_ROWS", "OPERATIONS", "RESET_ROWS", "ROLLBACK_ROWS", "Operation", "select_operations"]

BULK_ROWS = 1_000
ROLLBACK_ROWS = 100
RESET_ROWS = 5
RANGE_LIMIT = 20


@dataclass(frozen=True)
class Operation:
    """One line of the table.

    `key` is the contender's method; `arguments(data, count)` gives at most `count` of its arguments, any two of which may
    be used one after the other; `answer` turns a method's result into a value that is equal where results are equal.
    `rows` divides the time of a call; `writes` says that contents change and are put back after each round;
    `most` bounds the calls of a round. Goals: at most `hand` times hand-written code, at least `django` times faster
    than Django.
    """

    key: str
    title: str
    arguments: Callable[[Dataset, int], Sequence[Any]]
    answer: Callable[[Any], Any]
    hand: float | None = None
    django: float | None = None
    rows: int = 1
    writes: bool = False
    most: int = 2_000
    unit: str = "us"


_author = attrgetter(*AUTHOR_COLUMNS)
_book = attrgetter(*BOOK_COLUMNS)


def _author_row(result: Any) -> Row:
    return result if isinstance(result, tuple) else _author(result)


def _book_row(result: Any) -> Row:
    return result if isinstance(result, tuple) else _book(result)


def _author_rows(results: Iterable[Any]) -> list[Row]:
    return sorted(map(_author_row, results))


def _ordered_authors(results: Iterable[Any]) -> list[Row]:
    return [_author_row(result) for result in results]


def _book_rows(results: Iterable[Any]) -> list[Row]:
    return sorted(map(_book_row, results))


def _ordered_books(results: Iterable[Any]) -> list[Row]:
    return [_book_row(result) for result in results]


def _books_with_author(results: Iterable[Any]) -> list[tuple[Row, Row]]:
    pairs = (r if isinstance(r, tuple) else (_book(r), _author(r.author)) for r in results)
    return sorted(pairs)


def _authors_with_books(results: Iterable[Any]) -> list[tuple[Row, list[Row]]]:
    """Contenders give (author, its books) pairs, since each reaches its prefetched books in its own way."""
    return sorted((_author_row(author), _book_rows(books)) for author, books in results)


def _books_with_tags(results: Iterable[Any]) -> list[tuple[Row, list[Row]]]:
    return sorted(
        (_book_row(book), sorted(tag if isinstance(tag, tuple) else (tag.id, tag.name) for tag in tags))
        for book, tags in results
    )


def _groups(results: Iterable[Any]) -> list[Row]:
    """Rows of (author's key, number of books, sum of pages, newest stamp)."""
    return sorted(
        (r["author_id"], r["n"], r["pages_sum"], r["newest"]) if isinstance(r, dict) else tuple(r) for r in results
    )


def _created(result: Any) -> Any:
    """A created author without its key, which is the store's to choose."""
    return _author_row(result)[1:]


def _nothing(result: Any) -> None:
    """For writes that are judged by the contents they leave."""


def _same(result: Any) -> Any:
    return result


def _keys(data: Dataset, count: int) -> list[int]:
    return random.Random(5).sample(range(1, data.size + 1), min(count, data.size))


def _emails(data: Dataset, count: int) -> list[str]:
    return [data.authors[pk - 1][2] for pk in _keys(data, count)]


def _countries(data: Dataset, count: int) -> list[str]:
    found = list(data.countries)
    random.Random(6).shuffle(found)
    return found[:count]


def _thresholds(data: Dataset, count: int) -> list[tuple[int, float]]:
    return [(40 + number % 20, 0.05) for number in range(count)]


def _stamps(data: Dataset, count: int) -> list[tuple[int, int]]:
    top = len(data.books) * 100
    width = top // 4
    source = random.Random(7)
    return [(low, low + width) for low in (source.randrange(top - width) for _ in range(count))]


def _pages(data: Dataset, count: int) -> list[int]:
    return [number % 3 for number in range(count)]


def _new_rows(data: Dataset, count: int) -> list[Row]:
    return data.new_authors(count)


def _batches(rows: int) -> Callable[[Dataset, int], list[list[Row]]]:
    def arguments(data: Dataset, count: int) -> list[list[Row]]:
        new = data.new_authors(rows * count)
        return [new[start : start + rows] for start in range(0, len(new), rows)]

    return arguments


def _changes(data: Dataset, count: int) -> list[tuple[int, int]]:
    """(author's key, new age), for the authors that contenders hold an instance of."""
    return [(number % min(data.size, 500) + 1, 100 + number) for number in range(count)]


def _ages(data: Dataset, count: int) -> list[int]:
    return [100 + number for number in range(count)]


def _numbers(data: Dataset, count: int) -> list[int]:
    return list(range(count))


def _cold(data: Dataset, count: int) -> list[int]:
    return list(range(min(count, data.cold_tables)))


OPERATIONS: tuple[Operation, ...] = (
    Operation("get_by_pk", "get by pk", _keys, _author_row, hand=4, django=50),
    Operation("get_by_email", "get by unique email", _emails, _author_row, hand=4, django=50),
    Operation("count_indexed", "count, indexed", _countries, _same, django=80),
    Operation("exists_indexed", "exists, indexed", _countries, _same, django=80),
    Operation("equal_indexed", "equality on index, 91 instances", _countries, _author_rows, hand=1.3, django=18),
    Operation("scan", "scan, two predicates", _thresholds, _author_rows, hand=1.2, django=3),
    Operation("range_order_limit", "range + order + limit 20", _stamps, _ordered_books, hand=1.3, django=18),
    Operation("order_two_keys", "order by two keys, all", _pages, _ordered_authors, hand=1.2, django=8),
    Operation("join_filter", "FK join filter, 455 rows", _countries, _book_rows, hand=1.4, django=10),
    Operation("select_related", "select_related, 455 rows", _countries, _books_with_author, hand=1.4, django=10),
    Operation("prefetch_reverse", "prefetch reverse FK", _countries, _authors_with_books, hand=1.5, django=12),
    Operation("prefetch_many", "prefetch m2m", _countries, _books_with_tags, hand=1.5, django=25),
    Operation("group_by", "group by, a group per author", _pages, _groups, hand=1.1, django=2),
    Operation("create", "create()", _new_rows, _created, hand=4, django=25, writes=True),
    Operation(
        "bulk_create",
        "bulk_create, per row",
        _batches(BULK_ROWS),
        _nothing,
        hand=4,
        django=10,
        rows=BULK_ROWS,
        writes=True,
        most=10,
    ),
    Operation("save_field", "save() of one changed field", _changes, _nothing, django=60, writes=True),
    Operation("update_many", "queryset.update(), half the authors", _ages, _same, hand=1.5, django=1.5, writes=True),
    Operation("delete_cascade", "delete with cascade", _keys, _nothing, hand=2, django=20, writes=True, most=200),
    Operation(
        "create_rollback",
        "100 creates + rollback",
        _batches(ROLLBACK_ROWS),
        _nothing,
        hand=3,
        django=40,
        writes=True,
        most=100,
    ),
    Operation(
        "reset", "reset between two tests", _batches(RESET_ROWS), _nothing, hand=5, django=40, writes=True, most=1_000
    ),
    Operation("cold_get", "get by pk, shape never seen", _cold, _created, django=1, most=16),
    Operation("import_connect", "import and first connection", _numbers, _same, django=3, most=1, unit="ms"),
    Operation("define_class", "defining a class of six fields", _numbers, _nothing, django=1, most=20),
)


def select_operations(names: Iterable[str]) -> list[Operation]:
    """The operations whose key is in `names` or starts with one of them; all for no names.

    Raises ValueError for a name that selects nothing.
    """
    wanted = list(names)
    chosen = [op for op in OPERATIONS if not wanted or any(op.key.startswith(name) for name in wanted)]
    for name in wanted:
        if not any(op.key.startswith(name) for op in OPERATIONS):
            known = ", ".join(op.key for op in OPERATIONS)
            raise ValueError(f"There is no operation '{name}'. There are: {known}.")
    return chosen
