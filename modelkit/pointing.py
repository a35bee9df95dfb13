"""Statements over the rows of one table that point somewhere: those whose columns hold one of given values.

Knows tables and the IR, not models. The invariant: parameter 0 is a tuple of values, tuples themselves where the columns are several.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelkit.ir.expr import BOOLEAN, And, Col, Const, Expr, In, Param, TupleNode
from modelkit.ir.query import Assignment, RowOutput, Select, Source
from modelkit.ir.schema import Table
from modelkit.ir.types import TupleType
from modelkit.modelinfo import Guard

__all__ = ["changes", "rows_under", "side_by_side"]


def side_by_side(table: Table, columns: tuple[int, ...], source: int = 0) -> Col | TupleNode:
    """Columns of a source that stands for `table`: one as it is, several as one value."""
    items = tuple(Col(table.columns[column].type, table.columns[column].nullable, source, column) for column in columns)
    return items[0] if len(items) == 1 else TupleNode(TupleType(tuple(item.type for item in items)), True, items)


def rows_under(table: Table, columns: tuple[int, ...], guard: Guard | None = None, *, enforced: bool = True) -> Select:
    """The rows of `table` whose `columns` hold one of a tuple of values, and of which `guard` is true.

    Where no reference is `enforced`, which a store would check when it commits, what was found must stay as it is until then.
    """
    item = side_by_side(table, columns)
    where: Expr = In(BOOLEAN, False, item, Param(item.type, False, 0))
    if guard is not None:
        other = table.columns[guard.column]
        where = And(BOOLEAN, True, (where, guard.test(Col(other.type, other.nullable, 0, guard.column), 1)))
    return Select((Source(table),), (RowOutput(0),), where=where, bare=True, locks=not enforced)


def changes(table: Table, columns: tuple[int, ...]) -> Iterator[Assignment]:
    """What sets the key of rows that point somewhere to parameter 1; of several columns, those become NULL that may."""
    for column in columns:
        declared = table.columns[column]
        if len(columns) == 1:
            yield Assignment(column, Param(declared.type, declared.nullable, 1))
        elif declared.nullable:
            yield Assignment(column, Const(declared.type, True, None))
