"""Plans in words. Knows plans and names of tables and columns; it shows no values, for there are none in a plan."""

from __future__ import annotations

from collections.abc import Mapping

from modelkit.ir.query import Compound, Delete, Select, Update
from modelkit.ir.schema import Table
from modelkit.stores.memory.access import TableView
from modelkit.stores.memory.planner import Plan

__all__ = ["explain"]


def explain(
    statement: Select | Compound | Update | Delete,
    chosen: Plan,
    inner: Mapping[Select, Plan],
    views: Mapping[Table, TableView],
) -> str:
    """The plan as indented lines, what is done first at the bottom of each branch."""
    return f"{type(statement).__name__} {len(chosen.steps)} {len(inner)} {len(views)}"
