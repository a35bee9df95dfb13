"""Queries and writes: what a store is asked to do, without values.

A query reads a tree of sources. Source 0 is the root; every other one names its parent by index, always a smaller one.
Every join is LEFT by meaning: a source with no matching row gives one row of NULLs (`analysis` finds where it may be
treated as inner). The one exception is a join with a condition of its own that is not optional: it is INNER. Without
ORDER BY, and among ties, results come in the order of the slots of the source tree in preorder, where a source comes after
those that its condition reads.
Queries are compared by identity; `params` travel beside them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from modelkit.ir.expr import Expr, Param, SortKey, Subselect
from modelkit.ir.schema import Table
from modelkit.records import dataclass

__all__ = [
    "Assignment",
    "Compound",
    "Conflict",
    "Dealt",
    "Delete",
    "Output",
    "RowOutput",
    "Select",
    "Source",
    "Update",
    "ValueOutput",
]


@dataclass(frozen=True, slots=True)
class Source:
    """One table in a query, joined to its `parent` where left columns (of the parent) equal right columns (of `table`).

    Where one of two columns holds text and the other integers or UUIDs, the text is that of the other's value.

    `many`: several rows may match one row of the parent. `optional`: there may be none.
    `condition` is a further ON condition, over this source and those of smaller numbers. A source with one that is not
    optional leaves out rows of the parent without a match; then none of its ancestors is optional.
    `rows` replaces the table's rows by a query's (its outputs are then the columns): for aggregates over slices and unions;
    `table` is None there.
    `tag` is the name that a query gives a join to tell it from others that look the same.
    """

    table: Table | None
    parent: int = -1
    left: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    many: bool = False
    optional: bool = False
    condition: Expr | None = None
    rows: Select | Compound | None = None
    tag: str = ""


@dataclass(frozen=True, slots=True)
class RowOutput:
    """The whole stored row of a source as one tuple; None where an optional source has no row.

    `columns` are those that the caller will read; the others may hold anything. None: all.
    """

    source: int
    columns: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class ValueOutput:
    """The value of an expression: a canonical value, never one that shares mutable parts with the store."""

    expr: Expr


Output: TypeAlias = RowOutput | ValueOutput
Dealt: TypeAlias = Literal["", "by row", "by owner"]


@dataclass(frozen=True, eq=False, slots=True)
class Select(Subselect):
    """Read `outputs` from `sources` where `where`.

    A result row is a tuple of the outputs' values; where `bare`, the one output's value itself. JSON values in a
    RowOutput are the store's own and the loader copies them; those in a ValueOutput are copies.

    `group` is None for a plain query; a tuple (perhaps empty: one group of all rows) makes outputs, `having` and
    `order` expressions over groups. Window functions read the rows (groups) that are left then; `qualify` keeps those of
    which it is true, after all windows are computed and before `distinct` and the slice. `distinct` compares result
    rows by their types' keys, keeping the first in order; `distinct_on` keeps the first row for each value of these
    expressions.
    `limit` and `offset` are Params holding ints >= 0. `result`: "rows"; "count" gives the number of result rows, as an
    int; "exists" whether there is one, as a bool.
    `dealt`: the last of several outputs tells whose a result row is, and only those of one owner keep their order. Dealt "by
    row", a result row ends with a list of owners, each of whom has one of the kind. Dealt "by owner", it is a pair: a list of
    result rows (of the other outputs; bare where `bare`), and whose they are. The same row (owner) may come again,
    and for an owner a value that equals it. Of queries without groups, windows, distinctness and slices alone.
    """

    sources: tuple[Source, ...]
    outputs: tuple[Output, ...]
    where: Expr | None = None
    order: tuple[SortKey, ...] = ()
    distinct: bool = False
    distinct_on: tuple[Expr, ...] = ()
    group: tuple[Expr, ...] | None = None
    having: Expr | None = None
    qualify: Expr | None = None
    limit: Param | None = None
    offset: Param | None = None
    bare: bool = False
    result: Literal["rows", "count", "exists"] = "rows"
    locks: bool = False
    dealt: Dealt = ""


@dataclass(frozen=True, eq=False, slots=True)
class Compound(Subselect):
    """UNION, INTERSECT or EXCEPT of queries with as many outputs each. `order` sorts by output number."""

    operator: Literal["union", "union all", "intersect", "except"]
    parts: tuple[Select | Compound, ...]
    order: tuple[tuple[int, bool, Literal["first", "last"] | None], ...] = ()
    limit: Param | None = None
    offset: Param | None = None
    bare: bool = False
    result: Literal["rows", "count", "exists"] = "rows"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Column number `column` of the updated table becomes `value`, read from the row as it was (source 0)."""

    column: int
    value: Expr


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Update:
    """Change the rows of source 0's table that `target` finds; `target` has the one output RowOutput(0) and is bare.

    All rows are found before one is written. A row found several times is written once.
    """

    target: Select
    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Delete:
    """Remove the rows of source 0's table that `target` finds, as Update does. Cascades are the caller's."""

    target: Select


@dataclass(frozen=True, slots=True)
class Conflict:
    """What an insert does with a row that breaks a unique constraint.

    `action` "ignore" leaves it out; "update" writes `columns` of the new row into the row that has the same values in `target` columns.
    """

    action: Literal["ignore", "update"]
    target: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
