"""Finds the rows that a cascade removes, step by step.

Knows steps and rows, neither views nor how rows are removed. The invariant: each row is removed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from modelkit.ir.query import Delete
from modelkit.ir.schema import Row
from modelkit.stores.base import Params, Removal
from modelkit.stores.memory.heap import Changed
from modelkit.stores.memory.tables import TableState

__all__ = ["found_by_steps"]

Find: TypeAlias = Callable[[Delete, Params], tuple[TableState, list[tuple[int, Row]]]]


def found_by_steps(
    steps: Sequence[Removal], params: Params, find: Find
) -> tuple[list[int], dict[TableState, list[Changed]]]:
    """How many rows each step finds that none before it found, and the changes that remove them, by table.

    `find` gives a statement's table and its rows with their slots. Linear in the rows.
    """
    rows: list[list[tuple[int, Row]]] = []
    counts: list[int] = []
    removed: dict[TableState, list[Any]] = {}
    for step in steps:
        given = params
        if step.parent is not None:
            keys = _keys(rows[step.parent], step.columns)
            if not keys:
                rows.append([])
                counts.append(0)
                continue
            given = (keys,)
        state, found = find(step.drop, given)
        rows.append(found)
        changes = removed.get(state)
        if changes is not None:
            known = {slot for slot, _, _ in changes}
            found = [(slot, row) for slot, row in found if slot not in known]
        counts.append(len(found))
        if found:
            removed.setdefault(state, []).extend([(slot, row, None) for slot, row in found])
    return counts, removed


def _keys(rows: list[tuple[int, Row]], columns: tuple[int, ...]) -> tuple[Any, ...]:
    """The distinct values of `columns` among `rows`, in their order, without those that are or hold NULL, to which nothing refers."""
    if len(columns) == 1:
        (column,) = columns
        found = dict.fromkeys([row[column] for _, row in rows])
        found.pop(None, None)
        return tuple(found)
    key = itemgetter(*columns)
    return tuple([value for value in dict.fromkeys([key(row) for _, row in rows]) if None not in value])
