"""What generated loops read: one table as one snapshot sees it, and the access paths that a table has.

Knows the IR's tables. Its one invariant: everything a view gives is of one snapshot, in slot order (by key, then slot, for
ranges), and stays what it is while other transactions commit.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from modelkit.ir.schema import Formula, Row, Table
from modelkit.records import dataclass

__all__ = ["AccessPath", "TableView", "access_paths", "is_indexed"]


@dataclass(frozen=True, slots=True)
class AccessPath:
    """A way to rows by key: the key of the table, a unique constraint, an index or a reference.

    `number` is its place in `access_paths(table)`. A key is `type.key(value)` of the one column (None for NULL), or a tuple of these.
    """

    number: int
    columns: tuple[int, ...]
    unique: bool = False
    expressions: tuple[Formula, ...] = ()
    condition: Formula | None = None
    name: str = ""


def access_paths(table: Table) -> tuple[AccessPath, ...]:
    """The access paths of `table`, its primary key first, each set of columns once (the strongest: unique before not).

    Linear in the table's declarations.
    """
    strongest: dict[object, AccessPath] = {}

    def add(
        name: str,
        columns: tuple[int, ...],
        *,
        unique: bool = False,
        expressions: tuple[Formula, ...] = (),
        condition: Formula | None = None,
    ) -> None:
        shape = (columns, expressions, condition)
        known = strongest.get(shape)
        if known is None or (unique and not known.unique):
            number = known.number if known else len(strongest)
            strongest[shape] = AccessPath(number, columns, unique, expressions, condition, name)

    if table.key:
        add("primary key", table.key, unique=True)
    for constraint in table.uniques:
        add(
            constraint.name,
            constraint.columns,
            # A deferred one may be broken inside a transaction: several rows may be under a key.
            unique=not constraint.deferred,
            expressions=constraint.expressions,
            condition=constraint.condition,
        )
    for reference in table.references:
        add(reference.name, reference.columns)
    for index in table.indexes:
        add(index.name, index.columns, expressions=index.expressions, condition=index.condition)
    return tuple(strongest.values())


def is_indexed(table: Table, column: int) -> bool:
    """Whether an access path of `table` tells of every change of `column`."""
    return any(column in path.columns for path in access_paths(table))


class TableView(Protocol):
    """One table in one snapshot. `path` is the number of an access path."""

    def chunks(self) -> Iterable[Sequence[Row | None]]:
        """All rows in slot order, in runs; None stands where a row was removed."""
        ...

    def slotted(self) -> Iterable[tuple[int, Sequence[Row | None]]]:
        """As `chunks`, each with the slot of its first entry."""
        ...

    def row(self, slot: int) -> Row | None:
        """The row in a slot."""
        ...

    def rows_in(self, slots: Sequence[int]) -> list[Row]:
        """The rows in `slots`, each of which has one, in their order. Linear."""
        ...

    def size(self) -> int:
        """How many rows there are. O(1) in a view that nothing was written to or under."""
        ...

    def roughly(self) -> int:
        """As `size`, for choosing between plans: what is chosen by it must not change a result."""
        ...

    def find(self, path: int, key: Hashable) -> Row | None:
        """The one row under `key` of a unique path; None where there is none. O(1)."""
        ...

    def find_slot(self, path: int, key: Hashable) -> int:
        """Its slot, or -1. O(1)."""
        ...

    def bucket(self, path: int, key: Hashable) -> list[Row]:
        """The rows under `key`, in slot order. O(k log k) in their number."""
        ...

    def bucket_slots(self, path: int, key: Hashable) -> list[int]:
        """Their slots, in order."""
        ...

    def slots_under(self, path: int, keys: Iterable[Hashable]) -> list[int]:
        """The slots of the rows under any of distinct `keys`, in order. O(k log k)."""
        ...

    def find_slots(self, path: int, keys: Sequence[Hashable]) -> list[int]:
        """As `find_slot`, for each of `keys`. Linear."""
        ...

    def rows_under(self, path: int, keys: Collection[Hashable]) -> list[Row]:
        """The rows under any of distinct `keys`, in slot order. O(k log k), and never more than a scan."""
        ...

    def buckets(self, path: int, keys: Sequence[Hashable]) -> list[list[Row]]:
        """For each of distinct `keys`, the rows under it, in slot order. Linear, and never more than a scan."""
        ...

    def values_under(self, path: int, column: int, keys: Sequence[Hashable]) -> list[tuple[Any, ...]]:
        """For each of `keys`, what `column` holds in the rows under it, in slot order. O(1) a key where it was asked before.

        The path is over columns, of all rows and not unique, and `column` is indexed.
        """
        ...

    def bucket_size(self, path: int, key: Hashable) -> int:
        """How many there are. O(1) where the view is unpatched."""
        ...

    def span(
        self,
        path: int,
        low: Hashable,
        high: Hashable,
        *,
        low_open: bool = False,
        high_open: bool = False,
        bounded: tuple[bool, bool] = (True, True),
        reverse: bool = False,
        most: int | None = None,
    ) -> Iterator[Row]:
        """The rows whose key lies between `low` and `high` (`*_open`: excluded; not `bounded`: no bound on that side).

        In key order, descending where `reverse`, equal keys in slot order either way. Rows with NULL in the key are left
        out where either side is bounded, and come first (last where `reverse`) where neither is: in a key of several parts,
        part by part.
        `most` hints at how many will be asked for.
        The path's sorted companion is built at the first use: O(n log n) once, O(log n + k) then.
        """
        ...

    def span_slots(
        self,
        path: int,
        low: Hashable,
        high: Hashable,
        *,
        low_open: bool = False,
        high_open: bool = False,
        bounded: tuple[bool, bool] = (True, True),
        reverse: bool = False,
    ) -> Iterator[int]:
        """As `span`, their slots."""
        ...
