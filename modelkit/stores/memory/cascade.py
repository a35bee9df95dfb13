"""Finds the rows that a cascade removes, step by step.

Knows steps and rows, neither views nor how rows are removed. The invariant: each row is removed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from modelkit.ir.schema import Row
from modelkit.stores.base import Params, Removal
from modelkit.stores.memory.tables import TableState

__all__ = ["found_by_steps"]

Located: TypeAlias = list[tuple[int, Row]]
"""Rows with their slots."""
Find: TypeAlias = Callable[[int, Params], tuple[TableState, Located]]


def found_by_steps(steps: Sequence[Removal], params: Params, find: Find) -> tuple[list[int], dict[TableState, Located]]:
    """How many rows each step finds that none before it found, and all of them by table.

    `find` gives the table of a step, by its number, and what it finds there. Linear in the rows.
    """
    rows: list[Located] = []
    counts: list[int] = []
    removed: dict[TableState, Located] = {}
    for number, step in enumerate(steps):
        given = params
        if step.parent is not None:
            keys = _keys(rows[step.parent], step.columns)
            if not keys:
                rows.append([])
                counts.append(0)
                continue
            given = (keys,)
        state, found = find(number, given)
        rows.append(found)
        before = removed.get(state)
        if before is not None:
            known = {slot for slot, _ in before}
            found = [(slot, row) for slot, row in found if slot not in known]
        counts.append(len(found))
        if found:
            removed[state] = found if before is None else [*before, *found]
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
