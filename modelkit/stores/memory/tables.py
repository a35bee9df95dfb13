"""One table in the store: its heap, its indexes, what its rows and keys are held to, and what it refers to.

Knows one Table at a time and its links to others. The invariant: the indexes are those of `access_paths(table)`, by number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from modelkit.errors import ProgrammingError
from modelkit.ir.analysis import nodes_of, runs_functions
from modelkit.ir.expr import Col
from modelkit.ir.schema import Column, Formula, Reference, Row, Table
from modelkit.records import dataclass
from modelkit.stores.base import TimeZonePolicy
from modelkit.stores.memory.access import AccessPath, access_paths
from modelkit.stores.memory.compiler import compile_formula
from modelkit.stores.memory.heap import Heap, TablePin
from modelkit.stores.memory.index import Index, IndexKey
from modelkit.stores.memory.rows import Refit, RowRules, admit_rows, refit_rows
from modelkit.stores.memory.view import LatestView, OwnView, View

__all__ = ["Link", "TableState", "UniqueRule"]


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """A key, or a unique constraint, and the index that finds its rows."""

    name: str
    index: Index
    nulls_distinct: bool = True
    deferred: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A reference that is enforced: the key of a row of `child` in `child_index` is a key of `parent` in `parent_index`."""

    reference: Reference
    child: TableState
    child_index: Index
    parent: TableState
    parent_index: Index


class TableState:
    """What a store keeps of one table.

    `plain`: no formula of the table runs a function that a user may have written, so its rows may be judged under the lock.
    `links` are its references, `linked` those of other tables (and its own) to it. `insert` and `add` are the generated inserts of
    one row (`insertion.py`), once there was one. `replaced`: a newer definition took its rows over.
    """

    __slots__ = (
        "__weakref__",
        "_generated",
        "_refits",
        "add",
        "admit",
        "auto",
        "columns",
        "heap",
        "ident",
        "indexes",
        "insert",
        "kept",
        "key",
        "key_of",
        "label",
        "latest",
        "linked",
        "links",
        "lock",
        "maps",
        "name",
        "namespace",
        "number",
        "numbers",
        "plain",
        "replaced",
        "rules",
        "uniques",
    )  # fmt: skip

    def __init__(self, table: Table, number: int, numbers: dict[int, int], lock: Any, policy: TimeZonePolicy) -> None:
        self.name, self.namespace = table.name, table.namespace
        self.label = table.label or table.name
        self.columns, self.key = table.columns, table.key
        self.ident, self.replaced = id(table), False
        # What keeps the Table alive: None where it is watched instead (`catalog.py`).
        self.kept: Table | None = table
        self.number, self.numbers, self.lock = number, numbers, lock
        self.auto = _auto_column(table)
        numbers[number] = 1
        self.heap = Heap()
        self.key_of: IndexKey = _getter(table.columns, table.key) if table.key else _no_key
        self.indexes = tuple(_index(table, path) for path in access_paths(table))
        self.maps = tuple(index.entries for index in self.indexes)
        self.uniques = tuple(self._unique_rules(table))
        self.links: tuple[Link, ...] = ()
        self.linked: tuple[Link, ...] = ()
        self.rules = RowRules(
            name=table.name,
            label=self.label,
            columns=table.columns,
            key=table.key,
            policy=policy,
            numbers=numbers,
            number=number,
            checks=tuple(
                (check, compile_formula(check.condition), columns_read(check.condition)) for check in table.checks
            ),
            defaults={
                place: compile_formula(column.default)
                for place, column in enumerate(table.columns)
                if column.default is not None
            },
            generated={
                place: compile_formula(column.generated)
                for place, column in enumerate(table.columns)
                if column.generated is not None
            },
        )
        self._generated = {
            place: columns_read(column.generated)
            for place, column in enumerate(table.columns)
            if column.generated is not None
        }
        self.plain = not any(runs_functions(formula.expr) for formula in _formulas(table))
        self.admit = admit_rows(self.rules)
        self.insert: Callable[[Row], Row] | None = None
        self.add: Callable[[OwnView, Row], bool] | None = None
        self._refits: dict[frozenset[int], Refit] = {}
        self.latest = LatestView(self.heap, self.indexes, self.maps, lock)

    def _unique_rules(self, table: Table) -> Iterator[UniqueRule]:
        shapes = {(index.path.columns, index.path.expressions, index.path.condition): index for index in self.indexes}
        if table.key:
            yield UniqueRule("primary key", shapes[table.key, (), None])
        for unique in table.uniques:
            index = shapes[unique.columns, unique.expressions, unique.condition]
            yield UniqueRule(unique.name, index, unique.nulls_distinct, unique.deferred)

    def refit(self, columns: frozenset[int]) -> Refit:
        """What fits and checks the rows of an update of `columns`; written once for each set of them."""
        known = self._refits.get(columns)
        if known is None:
            known = self._refits[columns] = refit_rows(self.rules, columns)
        return known

    def uniques_over(self, columns: frozenset[int]) -> tuple[UniqueRule, ...]:
        """The rules that a statement which writes `columns` may break at its end."""
        return tuple([rule for rule in self.uniques if not rule.deferred and rule.index.reads & columns])

    def touched(self, columns: frozenset[int]) -> frozenset[int]:
        """The columns that an update of `columns` changes: these, and those that are generated from them."""
        if not self._generated:
            return columns
        return columns.union(place for place, reads in self._generated.items() if not columns.isdisjoint(reads))

    def index_of(self, columns: tuple[int, ...]) -> Index | None:
        """The plain index over exactly `columns`."""
        for index in self.indexes:
            if index.path.columns == columns and not index.path.expressions and index.path.condition is None:
                return index
        return None

    def view(self, pinned: TablePin) -> View:
        """The table at a pin."""
        return View(self.heap, self.indexes, self.maps, self.lock, pinned)

    def own_view(self, pinned: TablePin) -> OwnView:
        """The table at a pin, to be written to by a transaction."""
        return OwnView(self.heap, self.indexes, self.maps, self.lock, pinned)

    def names(self, columns: Sequence[int]) -> tuple[str, ...]:
        """The fields' names of `columns`."""
        return tuple([self.columns[place].label or self.columns[place].name for place in columns])

    def _check(self) -> None:
        self.heap._check()
        rows = [
            (slot + offset, row)
            for slot, chunk in self.latest.slotted()
            for offset, row in enumerate(chunk)
            if row is not None
        ]
        for index in self.indexes:
            index._check(rows)
        for link in self.links:
            for _, row in rows:
                key = link.child_index.key(row)
                assert link.child_index.is_null(key) or key in link.parent_index.entries, (
                    f"{link.reference.name}: {row}"
                )


def columns_read(formula: Formula) -> frozenset[int]:
    """The columns that a formula reads. Linear in its nodes."""
    return frozenset(node.column for node in nodes_of(formula.expr) if isinstance(node, Col))


def _formulas(table: Table) -> Iterator[Formula]:
    for check in table.checks:
        yield check.condition
    for column in table.columns:
        if column.default is not None:
            yield column.default
        if column.generated is not None:
            yield column.generated
    for path in access_paths(table):
        yield from path.expressions
        if path.condition is not None:
            yield path.condition


def _auto_column(table: Table) -> int:
    """The place of the auto column, -1 where there is none."""
    places = [place for place, column in enumerate(table.columns) if column.auto]
    if len(places) > 1:
        names = ", ".join(table.columns[place].label or table.columns[place].name for place in places)
        raise ProgrammingError(
            f"{table.label or table.name} has more than one auto column: {names}. A table numbers one."
        )
    return places[0] if places else -1


def _no_key(_: Row) -> None:
    return None


def _index(table: Table, path: AccessPath) -> Index:
    condition = None if path.condition is None else compile_formula(path.condition)
    reads = set(path.columns)
    if path.condition is not None:
        reads |= columns_read(path.condition)
    if path.expressions:
        for formula in path.expressions:
            reads |= columns_read(formula)
        key, count, nullable = _expression_key(path.expressions), len(path.expressions), True
    else:
        key, count = _getter(table.columns, path.columns), len(path.columns)
        nullable = any(table.columns[place].nullable and place not in table.key for place in path.columns)
    return Index(path, key, condition, composite=count > 1, nullable=nullable, reads=frozenset(reads))


def _getter(columns: Sequence[Column], places: tuple[int, ...]) -> IndexKey:
    """What takes a row's key: C code where keys are the values themselves."""
    if all(columns[place].type.is_own_key for place in places):
        return itemgetter(*places)
    parts = [(place, columns[place].type.key) for place in places]
    if len(parts) == 1:
        ((lone, key),) = parts
        return lambda row: None if row[lone] is None else key(row[lone])
    return lambda row: tuple([None if row[place] is None else key(row[place]) for place, key in parts])


def _expression_key(expressions: tuple[Formula, ...]) -> IndexKey:
    parts: list[tuple[Callable[[Row], Any], Any]] = [
        (compile_formula(formula), formula.expr.type.key) for formula in expressions
    ]
    if len(parts) == 1:
        ((lone, lone_key),) = parts

        def key(row: Row) -> Any:
            value = lone(row)
            return None if value is None else lone_key(value)

        return key

    def keys(row: Row) -> Any:
        values = [(function(row), key) for function, key in parts]
        return tuple([None if value is None else key(value) for value, key in values])

    return keys
