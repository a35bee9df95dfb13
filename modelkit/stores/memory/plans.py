"""The compiled queries of a store, by the identity of the query.

Knows queries and tables, no rows. The invariant: an entry lives as long as its query at most, and there are never more
than `MOST` of them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from modelkit.errors import InternalError
from modelkit.ir.analysis import local_conditions, readings, runs_functions
from modelkit.ir.expr import Expr
from modelkit.ir.query import Compound, Delete, Select, Update
from modelkit.ir.schema import Row
from modelkit.stores.base import Params
from modelkit.stores.memory.catalog import Catalog
from modelkit.stores.memory.compiler import Compiled, compile_condition, compile_query
from modelkit.stores.memory.heap import Changed
from modelkit.stores.memory.tables import TableState, UniqueRule
from modelkit.stores.memory.view import LatestView

__all__ = ["MOST", "Plans", "Prepared", "Query", "target_of"]

Query: TypeAlias = Select | Compound | Update | Delete

Finish: TypeAlias = Callable[[Any], Sequence[Changed]]

MOST: Final = 4096


class Prepared:
    """A compiled query, and what this store runs it on.

    `pure`: it runs nothing that a user wrote, so it may run under the store's lock; `inside`: and it should, since it
    reads by key alone and is done at once.
    `target` and `columns` are what a write writes to, `finish` makes the changes of the rows that it finds, `uniques` are the
    rules that these may break. `alone`: it
    changes at most one row, in columns that no index, sequence or function of a user's reads, so that putting the new row
    into its slot is all there is to do.
    `root` is the table of source 0 where the query reads it there alone, `local` what its rows must pass by themselves to
    matter; `flat`: it reads nothing else. `locks`: what it reads must stay as it is until the commit.
    """

    __slots__ = (
        "_condition",
        "alone",
        "columns",
        "finish",
        "flat",
        "inside",
        "latest",
        "local",
        "locks",
        "pure",
        "ref",
        "root",
        "run",
        "states",
        "target",
        "uniques",
    )

    def __init__(
        self, query: Query, compiled: Compiled, states: tuple[TableState, ...], target: TableState | None
    ) -> None:
        self.run: Callable[[Sequence[Any], tuple[Any, ...]], Any] = compiled.run
        self.states = states
        self.latest: tuple[LatestView, ...] = tuple([state.latest for state in states])
        self.pure = not runs_functions(query)
        self.inside = compiled.probes and self.pure
        self.target = target
        self.columns: frozenset[int] = frozenset()
        self.finish: Finish = _emptied
        self.uniques: tuple[UniqueRule, ...] = ()
        if isinstance(query, Update) and target is not None:
            self.columns = target.touched(frozenset(assignment.column for assignment in query.assignments))
            self.finish = target.refit(self.columns)
            self.uniques = target.uniques_over(self.columns)
        self.alone = self.inside and compiled.single and target is not None and self._stands_alone(target)
        self.ref: weakref.ref[Any] | None = None
        self._condition: Callable[[Params], Callable[[Row], bool]] | None = None
        target_query = query.target if isinstance(query, (Update, Delete)) else query
        tables = readings(query)
        first = target_query.sources[0].table if isinstance(target_query, Select) else None
        self.locks = isinstance(target_query, Select) and target_query.locks
        self.root: TableState | None = None
        self.local: tuple[Expr, ...] = ()
        if isinstance(target_query, Select) and first is not None and tables.count(first) == 1:
            self.root = states[compiled.tables.index(first)]
            self.local = local_conditions(target_query)
        self.flat = self.root is not None and len(tables) == 1

    def _stands_alone(self, target: TableState) -> bool:
        columns = self.columns
        indexed = any(index.reads & columns for index in target.indexes)
        return bool(columns) and target.plain and target.auto not in columns and not indexed

    def condition(self, params: Params) -> Callable[[Row], bool]:
        """Whether a row of `root` passes `local`, with these parameters. Written at the first call."""
        if self._condition is None:
            self._condition = compile_condition(self.local)
        return self._condition(params)


def target_of(entry: Prepared) -> TableState:
    """The table that a write writes to."""
    if entry.target is None:
        raise InternalError("a write without a table")
    return entry.target


def _emptied(found: Sequence[tuple[int, Row]]) -> Sequence[Changed]:
    return [(slot, row, None) for slot, row in found]


class Plans:
    """Compiles a query at its first run, and keeps it."""

    __slots__ = ("_catalog", "_nulls", "entries")

    def __init__(self, catalog: Catalog, nulls: Literal["first", "last"]) -> None:
        self.entries: dict[int, Prepared] = {}
        self._catalog = catalog
        self._nulls: Literal["first", "last"] = nulls

    def of(self, query: Query) -> Prepared:
        """The compiled `query`. O(1) once it is known."""
        return self.entries.get(id(query)) or self._prepare(query)

    def compile(self, query: Query) -> tuple[Compiled, tuple[TableState, ...]]:
        """The compiler's own answer for `query`, not kept, and the tables in the order of its views."""
        compiled = compile_query(query, nulls=self._nulls)
        return compiled, tuple([self._catalog.state(table) for table in compiled.tables])

    def clear(self) -> None:
        """Forget all: a table was defined anew."""
        self.entries.clear()

    def _prepare(self, query: Query) -> Prepared:
        compiled, states = self.compile(query)
        target = None
        if isinstance(query, (Update, Delete)):
            table = query.target.sources[0].table
            assert table is not None, "only tables are written to"
            target = self._catalog.state(table)
        entry = Prepared(query, compiled, states, target)
        if len(self.entries) >= MOST:
            self.entries.clear()
        # A closure over the entries alone: the query must not keep the store.
        entry.ref = weakref.ref(query, partial(_drop, self.entries, id(query)))
        self.entries[id(query)] = entry
        return entry


def _drop(entries: dict[int, Prepared], key: int, _: object) -> None:
    entries.pop(key, None)
