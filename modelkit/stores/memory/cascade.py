"""Finds the rows that a cascade removes, step by step.

Knows steps and rows, neither views nor how rows are removed. The invariant: each row is removed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
            column = step.column
            keys = {row[column] for _, row in rows[step.parent]}
            keys.discard(None)
            if not keys:
                rows.append([])
                counts.append(0)
                continue
            given = (tuple(keys),)
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
