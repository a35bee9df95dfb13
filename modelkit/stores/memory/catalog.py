"""The tables that a store knows: defining them, linking their references, and taking rows over to a new definition.

Knows tables and their rows, not queries. The invariant: every enforced reference of a known table is linked to the present
definition of its target.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from modelkit.errors import DataError, IntegrityError, NotSupportedError, ProgrammingError, SchemaMismatch, did_you_mean
from modelkit.ir.schema import DEFAULT, Column, Reference, Row, Table
from modelkit.stores.base import TimeZonePolicy, discovery
from modelkit.stores.memory.constraints import TableWrites, validate
from modelkit.stores.memory.heap import Heap, TablePin
from modelkit.stores.memory.tables import Link, TableState

__all__ = ["Catalog", "Migrate"]

Migrate: TypeAlias = Callable[[str, list[dict[str, Any]]], Iterable[Mapping[str, Any]]]
"""Takes a model's label and its old rows by column, and gives the new ones."""


class Catalog:
    """The states of a store's tables, by the identity of the Table and by (namespace, name).

    Tables of a namespace go with its owner, an isolated registry; where nobody owns it, each goes with its last user.
    """

    def __init__(self, numbers: dict[int, int], lock: Any, policy: TimeZonePolicy) -> None:
        self._numbers = numbers
        self._lock = lock
        self._policy: TimeZonePolicy = policy
        self._states: dict[int, TableState] = {}
        self._named: dict[tuple[str, str], TableState] = {}
        self._by_heap: dict[Heap, TableState] = {}
        self._watched: dict[int | str, weakref.ref[Any]] = {}
        """By identity of the Table, or by namespace: what the rows live as long as."""
        self._next = itertools.count()
        self.changed: Callable[[], object] = list
        """Called after tables were defined anew."""
        self.stored: list[TableState] = []
        """The tables that came from a file, as long as nobody declares them: nobody but the catalog has these Tables."""
        self.strict = False
        """Whether a column that is gone is refused rather than forgotten with its values."""
        self.migrate: Migrate | None = None

    def state(self, table: Table) -> TableState:
        """What the store keeps of `table`, which is looked for where it is met for the first time. O(1) from then on.

        ProgrammingError where nobody knows it.
        """
        state = self._states.get(id(table)) or self._discovered(table)
        if state is None:
            name = table.label or table.name
            if (table.namespace, table.name) in self._named:
                raise ProgrammingError(f"{name} was defined anew in this store: use the new class.")
            near = did_you_mean(table.name, [other for _, other in list(self._named)])
            raise ProgrammingError(f"This store has no table '{table.name}' (of {name}): define() it first.{near}")
        return state

    def _discovered(self, table: Table) -> TableState | None:
        tables = () if discovery.family is None else discovery.family(table)
        with self._lock:
            if tables and self.define(tables):
                self.changed()
        return self._states.get(id(table))

    def discover_stored(self) -> None:
        """Let those tables of the file be declared that somebody declares here and that no statement has met yet."""
        named = discovery.named
        for state in list(self.stored):
            table = None if named is None or state.replaced else named(state.name)
            if table is not None:
                self._discovered(table)

    def states(self) -> list[TableState]:
        """All of them, in the order of their definition."""
        return list(self._states.values())

    def pinned(self, tables: Mapping[Heap, TablePin]) -> dict[TableState, TablePin]:
        """The heaps of `tables` as the tables whose they are; those of no known table are left out."""
        return {state: pin for heap, pin in list(tables.items()) if (state := self._by_heap.get(heap)) is not None}

    def define(self, tables: Sequence[Table]) -> bool:
        """Make `tables` known, all or none; whether any is new. Under the lock.

        Linear in the rows of the tables that are defined anew.
        """
        fresh = [table for table in tables if id(table) not in self._states]
        if not fresh:
            return False
        for table in fresh:
            _refuse_collations(table)
        states = [TableState(table, next(self._next), self._numbers, self._lock, self._policy) for table in fresh]
        named = {(state.namespace, state.name): state for state in states}
        if len(named) < len(states):
            raise ProgrammingError("Two tables of one define() have the same name.")
        replaced = {key: self._named[key] for key in named if key in self._named}
        standing = [state for state in self.states() if (state.namespace, state.name) not in replaced]
        known = {**self._named, **named}
        tables_by_state = dict(zip(states, fresh, strict=True))
        links = {state: self._links(state, table.references, known) for state, table in tables_by_state.items()}
        relinked = {
            state: _relink(state, known)
            for state in standing
            if any(link.parent.name in _names(replaced) for link in state.links)
        }
        for state in states:
            state.links = links[state]
        self._take_over(replaced, named, relinked)
        for state, changed in relinked.items():
            state.links, state.insert = changed, None
        self.stored = [state for state in self.stored if (state.namespace, state.name) not in replaced]
        for state in self.stored:
            self._point(state, replaced, named)
        for key, old in replaced.items():
            old.replaced = True
            self._forget(old.ident, old)
            named[key].numbers[named[key].number] = max(
                self._numbers.get(old.number, 1), self._numbers[named[key].number]
            )
        for state, table in tables_by_state.items():
            self._remember(state, table)
        _link_back(self.states())
        return True

    def _point(
        self, state: TableState, replaced: dict[tuple[str, str], TableState], named: dict[tuple[str, str], TableState]
    ) -> None:
        """Let the references of a table that nobody declares lead to the columns, by name, of tables that were defined anew."""
        table = state.kept
        assert table is not None, "only tables of namespaces are watched"
        if not any(("", reference.target) in replaced for reference in table.references):
            return
        references = []
        for reference in table.references:
            old, new = replaced.get(("", reference.target)), named.get(("", reference.target))
            if old is None or new is None:
                references.append(reference)
                continue
            names = {column.name: place for place, column in enumerate(new.columns)}
            places = [names.get(old.columns[place].name) for place in reference.target_columns]
            # One that is enforced was relinked before; where the column of another is gone, nothing can refer to it.
            if None not in places:
                references.append(replace(reference, target_columns=tuple(places)))  # type: ignore[arg-type]
        state.kept = replace(table, references=tuple(references))
        del self._states[state.ident]
        state.ident = id(state.kept)
        self._states[state.ident] = state

    def _remember(self, state: TableState, table: Table) -> None:
        self._states[state.ident] = state
        self._by_heap[state.heap] = state
        self._named[state.namespace, state.name] = state
        if state.namespace:
            owner = None if discovery.owner is None else discovery.owner(state.namespace)
            if owner is None:
                state.kept = None
                self._watch(state.ident, table)
            elif state.namespace not in self._watched:
                self._watch(state.namespace, owner)

    def _watch(self, key: int | str, owner: object) -> None:
        """Let the table of that identity, or all of that namespace, go when `owner` does."""
        me = weakref.ref(self)

        def vanish(_: object) -> None:
            catalog = me()
            if catalog is not None:
                catalog._watched.pop(key, None)
                for state in catalog.states():
                    if key in (state.ident, state.namespace):
                        catalog._forget(state.ident, state)
                        catalog._numbers.pop(state.number, None)

        self._watched[key] = weakref.ref(owner, vanish)

    def _forget(self, ident: int, state: TableState) -> None:
        self._states.pop(ident, None)
        self._watched.pop(ident, None)
        self._by_heap.pop(state.heap, None)
        if self._named.get((state.namespace, state.name)) is state:
            del self._named[state.namespace, state.name]
        for link in state.links:
            link.parent.linked = tuple([other for other in link.parent.linked if other.child is not state])

    def _links(
        self, state: TableState, references: Iterable[Reference], known: dict[tuple[str, str], TableState]
    ) -> tuple[Link, ...]:
        links = []
        for reference in references:
            if not reference.enforced:
                continue
            parent = known.get((state.namespace, reference.target))
            if parent is None:
                near = did_you_mean(
                    reference.target, [name for namespace, name in known if namespace == state.namespace]
                )
                raise ProgrammingError(
                    f"{state.label} refers to the table '{reference.target}', which this store does not know.{near}"
                )
            links.append(_link(state, reference, parent))
        return tuple(links)

    def _take_over(
        self,
        replaced: dict[tuple[str, str], TableState],
        named: dict[tuple[str, str], TableState],
        relinked: dict[TableState, tuple[Link, ...]],
    ) -> None:
        """Fill the new states, which nobody sees yet, with the rows of the old ones."""
        writes = []
        try:
            for key, old in replaced.items():
                rows = _converted(old, named[key], strict=self.strict, migrate=self.migrate)
                writes.append(TableWrites(named[key], (), rows, None))
            for written in writes:
                written.place()
            validate(writes, lambda _: None)
        except (IntegrityError, DataError) as error:
            raise SchemaMismatch(f"The stored rows do not fit the new definition: {error}") from error
        for written in writes:
            heap = written.state.heap
            heap.extend(written.first, written.inserts)
            heap.live = len(written.inserts)
            for index, delta in written.deltas.items():
                index.add_many(delta.fresh, written.slots)
        for state, links in relinked.items():
            for link in links:
                lost = [
                    key
                    for key in link.child_index.entries
                    if not link.child_index.is_null(key) and key not in link.parent_index.entries
                ]
                if lost:
                    raise SchemaMismatch(f"Rows of {state.label} would refer to no {link.parent.label} any more.")


def _names(replaced: dict[tuple[str, str], TableState]) -> set[str]:
    return {name for _, name in replaced}


def _relink(state: TableState, known: dict[tuple[str, str], TableState]) -> tuple[Link, ...]:
    """The links of `state` to the newest definitions; columns of one that changed are found by name."""
    links = []
    for link in state.links:
        parent = known[state.namespace, link.parent.name]
        places = {column.name: place for place, column in enumerate(parent.columns)}
        names = [link.parent.columns[place].name for place in link.reference.target_columns]
        lost = [name for name in names if name not in places]
        if lost:
            raise SchemaMismatch(f"{state.label} refers to {parent.label} by {', '.join(lost)}, which is gone.")
        target = tuple([places[name] for name in names])
        links.append(_link(state, replace(link.reference, target_columns=target), parent))
    return tuple(links)


def _link(state: TableState, reference: Reference, parent: TableState) -> Link:
    child_index = state.index_of(reference.columns)
    parent_index = parent.index_of(reference.target_columns)
    assert child_index is not None, "every reference has an access path"
    if parent_index is None or not any(rule.index is parent_index for rule in parent.uniques):
        names = ", ".join(parent.names(reference.target_columns))
        raise ProgrammingError(
            f"{state.label} refers to {parent.label} by {names}, which is neither its key nor unique (in this order)."
        )
    return Link(reference, state, child_index, parent, parent_index)


def _link_back(states: Sequence[TableState]) -> None:
    linked: dict[TableState, list[Link]] = {state: [] for state in states}
    for state in states:
        for link in state.links:
            if link.parent in linked:
                linked[link.parent].append(link)
    for state, links in linked.items():
        state.linked = tuple(links)


def _converted(old: TableState, new: TableState, *, strict: bool, migrate: Migrate | None) -> list[Row]:
    """The rows of `old` as rows of `new`; SchemaMismatch that lists the columns for which there is no value."""
    rows = [row for chunk in old.latest.chunks() for row in chunk if row is not None]
    if old.columns == new.columns and old.kept and new.kept and old.kept.checks == new.kept.checks:
        return rows
    places = {column.name: place for place, column in enumerate(old.columns)}
    sources: list[int | None] = []
    missing: list[str] = []
    for column in new.columns:
        place = places.get(column.name)
        if place is not None and type(old.columns[place].type) is type(column.type):
            sources.append(place)
        else:
            sources.append(None)
            if not _fills(column):
                why = "is new" if place is None else f"was {old.columns[place].type.name} and is {column.type.name} now"
                missing.append(f"{column.label or column.name} ({why}, without a default, not nullable)")
    gone = [name for name in places if name not in {column.name for column in new.columns}] if strict else []
    if rows and migrate is not None and (missing or gone):
        return _migrated(rows, old, new, migrate)
    if missing and rows:
        raise SchemaMismatch(f"{new.label} has {len(rows)} stored rows that lack a value for: {', '.join(missing)}.")
    if gone and rows:
        raise SchemaMismatch(
            f"{new.label} has {len(rows)} stored rows with values for what it has no field for: {', '.join(gone)}. "
            "MemoryStore(migrate=...) takes a function that makes new rows of the old ones."
        )
    fills = [_filler(column) for column in new.columns]
    return [
        new.admit(tuple([fill() if place is None else row[place] for place, fill in zip(sources, fills, strict=True)]))
        for row in rows
    ]


def _migrated(rows: list[Row], old: TableState, new: TableState, migrate: Migrate) -> list[Row]:
    names = [column.name for column in old.columns]
    made = []
    fills = {column.name: _filler(column) for column in new.columns}
    for given in migrate(new.label, [dict(zip(names, row, strict=True)) for row in rows]):
        unknown = [name for name in given if name not in fills]
        if unknown:
            raise SchemaMismatch(f"migrate() gave {new.label} a value for {', '.join(unknown)}: it has no such column.")
        made.append(new.admit(tuple([given[name] if name in given else fill() for name, fill in fills.items()])))
    return made


def _fills(column: Column) -> bool:
    known = (column.default, column.generated, column.fill)
    return column.nullable or column.auto or any(item is not None for item in known)


def _filler(column: Column) -> Callable[[], Any]:
    """What gives the column's value in a row that has none: the store's own way, else the column's `fill`."""
    if column.fill is None or column.auto or column.default is not None or column.generated is not None:
        return lambda: DEFAULT
    return column.fill


def _refuse_collations(table: Table) -> None:
    """NotSupportedError where texts of a column are to compare in a way that this store does not know."""
    for column in table.columns:
        if column.collation is not None and column.collation.upper() != "BINARY":
            raise NotSupportedError(
                f"{table.label}.{column.label} has the collation {column.collation!r}, and the memory store compares texts by "
                f"code points (BINARY): drop db_collation, and compare and order by Collate({column.label!r}, 'NOCASE')."
            )
