"""A transaction of the memory store: a pin, own writes over it, and the list that undoes them. And streams, which pin too.

Knows views and how to commit them. The invariant: nothing it wrote is seen by anybody else before `commit`, and then all of
it is, or nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

from modelkit.errors import ProgrammingError, TransactionConflict, TransactionError
from modelkit.garbage import without_collection
from modelkit.ir.query import Compound, Conflict, Delete, Select, Update
from modelkit.ir.schema import Row, Table
from modelkit.stores.base import Isolation, Params, Removal, Savepoint, Store
from modelkit.stores.memory.access import TableView
from modelkit.stores.memory.cascade import found_by_steps
from modelkit.stores.memory.catalog import Catalog
from modelkit.stores.memory.commit import Committer
from modelkit.stores.memory.constraints import TableWrites, refuse_duplicate
from modelkit.stores.memory.footprint import Footprint
from modelkit.stores.memory.heap import Changed, Pin
from modelkit.stores.memory.index import ABSENT
from modelkit.stores.memory.insertion import addition
from modelkit.stores.memory.plans import Plans, Prepared, target_of
from modelkit.stores.memory.tables import TableState, UniqueRule
from modelkit.stores.memory.view import OwnView, Undone, View

__all__ = ["MemoryTransaction", "Stream"]

Lone: TypeAlias = tuple[Prepared, Params, Changed]
"""An update that is `alone`, its parameters, and the row it changes."""

_INSERTED = -1
"""Stands for a slot in the undo list: rows were inserted, and there were so many before."""


class Stream:
    """Result rows in lists of at most `chunk`, all of one snapshot, which is let go of at the end or when this is dropped."""

    __slots__ = ("_chunk", "_pin", "_rows")

    def __init__(self, pin: Pin, rows: Iterator[Any], chunk: int) -> None:
        self._pin = pin
        self._rows = rows
        self._chunk = chunk

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> list[Any]:
        part = list(islice(self._rows, self._chunk))
        if not part:
            self.close()
            raise StopIteration
        return part

    def close(self) -> None:
        """Let go of the snapshot: nothing more comes. Idempotent."""
        self._rows = iter(())
        self._pin.close()

    def __del__(self) -> None:
        self._pin.close()


class MemoryTransaction:
    """See `stores.base.Transaction`. For one thread at a time.

    Serializable, it notes what it reads and commits only where nobody else changed any of that since (`footprint.py`); with
    "snapshot" it notes only what is read to be locked. One without writes has nothing to be judged by: it commits.
    """

    __slots__ = (
        "__weakref__",
        "_catalog",
        "_committer",
        "_ended",
        "_footprint",
        "_lone",
        "_pin",
        "_plans",
        "_store",
        "_undo",
        "_views",
        "isolation",
    )

    def __init__(
        self, store: Store, committer: Committer, catalog: Catalog, plans: Plans, isolation: Isolation
    ) -> None:
        self._store = store
        self._committer = committer
        self._catalog = catalog
        self._plans = plans
        self.isolation: Isolation = isolation
        self._ended = False
        self._pin: Pin | None = None
        self._views: dict[TableState, OwnView] = {}
        self._undo: list[tuple[OwnView, int, Any]] = []
        self._lone: Lone | None = None
        """The only write until now, kept without a view."""
        self._footprint: Footprint | None = None

    @property
    def store(self) -> Store:
        """The store that the statements run on."""
        return self._store

    def select(self, query: Select | Compound, params: Params) -> Any:
        """The result rows as a new list; an int or a bool where `query.result` says so."""
        entry = self._plans.entries.get(id(query)) or self._plans.of(query)
        found = self._read_latest(entry, params)
        if found is not ABSENT:
            if entry.locks or self.isolation == "serializable":
                self._reads().note(entry, params)
            return found
        views = self._read(entry, params, self._begun())
        if entry.inside:
            return entry.run(views, params)
        with without_collection:
            return entry.run(views, params)

    def _read_latest(self, entry: Prepared, params: Params) -> Any:
        """What a query by key finds in the latest commit, while that is what is seen here; ABSENT where it is not.

        It is as long as nobody committed since the snapshot and nothing was written here.
        """
        if not entry.inside or not entry.flat or self._undo or self._lone is not None:
            return ABSENT
        committer = self._committer
        with committer.lock:
            pin = self._pinned()
            found = entry.run(entry.latest, params) if committer.version == pin.version else ABSENT
            # The collector may have run somebody's finalizer meanwhile.
            return found if committer.version == pin.version else ABSENT

    def _read(self, entry: Prepared, params: Params, pin: Pin) -> Sequence[TableView]:
        """The views that a query is run on; what it reads is noted, where that matters."""
        known = self._views
        views = [known.get(state) or self._view(state, pin) for state in entry.states]
        if entry.locks or self.isolation == "serializable":
            footprint = self._footprint or self._reads()
            if not entry.flat:
                return footprint.recorded(entry, params, views)
            footprint.note(entry, params)
        return views

    def _reads(self) -> Footprint:
        """What was read, to be added to."""
        if self._footprint is None:
            self._footprint = Footprint()
        return self._footprint

    def stream(self, query: Select | Compound, params: Params, chunk: int) -> Iterator[list[Any]]:
        """The result rows in lists of at most `chunk`, with what was written here until now."""
        pin = self._begun()
        entry = self._plans.of(query)
        compiled, states = self._plans.compile(query)
        own = [self._view(state, pin) for state in states]
        shared = self._committer.share(pin)
        try:
            views: Sequence[TableView]
            frozen = [view.frozen(pin.tables[state.heap]) for state, view in zip(states, own, strict=True)]
            views = frozen
            if entry.locks or self.isolation == "serializable":
                if entry.flat:
                    self._reads().note(entry, params)
                else:
                    views = self._reads().recorded(entry, params, frozen)
            return Stream(shared, compiled.rows(views, params), chunk)
        except BaseException:
            shared.close()
            raise

    def explain(self, query: Select | Compound | Update | Delete, *, verbose: bool = False) -> str:
        """The plan as text; `verbose` adds what is run."""
        pin = self._begun()
        compiled, states = self._plans.compile(query)
        return compiled.explain(verbose, [self._view(state, pin) for state in states])

    def _pinned(self) -> Pin:
        """The snapshot, taken now if this is the first statement; TransactionError after the end. Under the lock."""
        committer = self._committer
        if committer.publishing is not None:
            committer.recover()
        if self._pin is None:
            if self._ended:
                raise TransactionError("This transaction has ended: it was committed or rolled back.")
            self._pin = committer.pin()
        return self._pin

    def _begun(self) -> Pin:
        """As `_pinned`, outside the lock; what was written is in the views."""
        pin = self._pin
        if pin is None or self._committer.publishing is not None:
            with self._committer.lock:
                pin = self._pinned()
        if self._lone is not None:
            self._write_lone(self._lone, pin)
        return pin

    def _view(self, state: TableState, pin: Pin) -> OwnView:
        view = self._views.get(state)
        if view is None:
            with self._committer.lock:
                pinned = pin.table(state.heap)
            view = self._views[state] = state.own_view(pinned)
        return view

    def _viewed(self, state: TableState) -> View | None:
        return None if self._pin is None else self._view(state, self._pin)

    def insert(self, table: Table, rows: Sequence[Row], conflict: Conflict | None = None) -> list[Row | None]:
        """Add rows; the rows as stored."""
        pin = self._begun()
        state = self._catalog.state(table)
        view = self._views.get(state) or self._view(state, pin)
        admitted = self._committer.admit(state, rows)
        if conflict is not None:
            return self._insert_or(state, view, admitted, conflict)
        if admitted:
            self._undo.append((view, _INSERTED, len(view.added)))
            add = state.add or self._addition(state)
            if len(admitted) > 1 or not add(view, admitted[0]):
                for rule in state.uniques:
                    if not rule.deferred:
                        _check_free(state, view, rule, admitted)
                view.add(admitted)
        return admitted  # type: ignore[return-value]  # a fresh list that nobody else holds

    def _addition(self, state: TableState) -> Callable[[OwnView, Row], bool]:
        """What adds one row to a view. Kept with the table."""
        state.add = addition(state)
        return state.add

    def _insert_or(self, state: TableState, view: OwnView, rows: list[Row], conflict: Conflict) -> list[Row | None]:
        """Insert row by row, each seeing those before it; all or none."""
        rules = _arbiters(state, conflict)
        stored: list[Row | None] = []
        mark = len(self._undo)
        try:
            for row in rows:
                rule, slot = _clash(state, view, row, rules)
                if rule is None:
                    self._undo.append((view, _INSERTED, len(view.added)))
                    view.add([row])
                    stored.append(row)
                elif conflict.action == "ignore":
                    stored.append(None)
                else:
                    stored.append(self._merge(state, view, slot, row, conflict))
        except BaseException:
            self.rollback_to(mark)
            raise
        return stored

    def _merge(self, state: TableState, view: OwnView, slot: int, row: Row, conflict: Conflict) -> Row | None:
        old = view.row(slot)
        assert old is not None, "a row that clashes is there"
        columns = state.touched(frozenset(conflict.columns))
        merged = tuple([row[place] if place in columns else value for place, value in enumerate(old)])
        changes = state.refit(columns)([(slot, old, merged)])
        self._write(state, view, changes, columns, state.uniques_over(columns))
        return changes[0][2]

    def update(self, query: Update, params: Params) -> int:
        """Change rows; how many were found."""
        entry = self._plans.entries.get(id(query)) or self._plans.of(query)
        if entry.alone:
            number = self._update_latest(entry, params)
            if number is not None:
                return number
        state, view, found = self._found(entry, params)
        if found:
            self._write(state, view, entry.finish(found), entry.columns, entry.uniques)
        return len(found)

    def _update_latest(self, entry: Prepared, params: Params) -> int | None:
        """Change one row of the latest commit, and keep it without a view; None, and nothing done, where more is there already.

        To note what was read is not needed as long as that row is to be written: first committer wins.
        """
        if entry.target in self._views:
            return None
        found = self._read_latest(entry, params)
        if found is ABSENT:
            return None
        if found:
            try:
                (change,) = entry.finish(found)
            except BaseException:
                self._reads().note(entry, params)
                raise
            self._lone = entry, params, change
            return 1
        self._reads().note(entry, params)
        return 0

    def _write_lone(self, lone: Lone, pin: Pin) -> None:
        """Write what was kept without a view."""
        entry, params, change = lone
        state = target_of(entry)
        self._reads().note(entry, params)
        view = self._view(state, pin)
        # Else undoing what is interrupted would write it once more, and undo both.
        self._lone = None
        try:
            self._write(state, view, (change,), entry.columns)
        except BaseException:
            self._lone = lone
            raise

    def delete(self, query: Delete, params: Params) -> int:
        """Remove rows; how many were found."""
        entry = self._plans.of(query)
        state, view, found = self._found(entry, params)
        if found:
            self._write(state, view, entry.finish(found))
        return len(found)

    def cascade(self, steps: Sequence[Removal], params: Params) -> list[int]:
        """Remove what `steps` find; how many rows by step."""
        self._begun()
        mark = len(self._undo)

        def located(number: int, given: Params) -> tuple[TableState, list[Any]]:
            state, _, found = self._found(self._plans.of(steps[number].drop), given)
            return state, found

        counts, removed = found_by_steps(steps, params, located)
        try:
            for state, found in removed.items():
                self._write(state, self._views[state], [(slot, row, None) for slot, row in found])
        except BaseException:
            self.rollback_to(mark)
            raise
        return counts

    def _found(self, entry: Prepared, params: Params) -> tuple[TableState, OwnView, list[Any]]:
        pin = self._begun()
        state = target_of(entry)
        found = entry.run(self._read(entry, params, pin), params)
        return state, self._views[state], found

    def _write(
        self,
        state: TableState,
        view: OwnView,
        changes: Sequence[Changed],
        columns: frozenset[int] = frozenset(),
        uniques: Sequence[UniqueRule] = (),
    ) -> None:
        """Write over rows; all of it, or nothing where one of `uniques` is broken at the end."""
        undo = self._undo
        mark = len(undo)
        try:
            for slot, old, new in changes:
                undo.append((view, slot, view.held(slot)))
                view.write(slot, old, new)
            view.columns |= columns
            for rule in uniques:
                _check_changed(state, view, rule, changes)
        except BaseException:
            self.rollback_to(mark)
            raise

    def savepoint(self) -> Savepoint:
        """Mark the present state. O(1)."""
        if self._lone is not None:
            self._begun()
        return len(self._undo)

    def rollback_to(self, savepoint: Savepoint) -> None:
        """Undo what was written since `savepoint`, which stays usable. Linear in that."""
        if self._lone is not None:
            self._begun()
        undo = self._undo
        while len(undo) > savepoint:
            view, slot, held = undo[-1]
            if slot == _INSERTED:
                del view.added[held:]
            else:
                undone: Undone = held
                view.undo(slot, undone)
            undo.pop()

    def check_references(self) -> None:
        """Raise now what references and deferred uniques would raise at commit."""
        writes = self._writes()
        if writes:
            with self._committer.lock:
                self._committer.judge(writes, self._viewed)

    def commit(self) -> None:
        """Publish all writes at once, or raise IntegrityError or TransactionConflict, with nothing published; ends the transaction."""
        if self._ended:
            raise TransactionError("This transaction has ended: it was committed or rolled back.")
        try:
            if self._lone is None or not self._publish_lone(self._lone):
                writes = self._writes()
                if writes:
                    self._publish(writes)
        finally:
            self._end()

    def _publish_lone(self, lone: Lone) -> bool:
        """Publish a write that was kept without a view; False, and nothing done, where others must be told of it or judge it."""
        entry, _, change = lone
        committer, pin = self._committer, self._pin
        assert pin is not None, "there is a write"
        with committer.lock:
            if committer.publishing is not None:
                committer.recover()
            if not committer.rewrite(target_of(entry), change, since=pin.version, closing=pin):
                return False
        self._pin = None
        return True

    def _writes(self) -> list[TableWrites]:
        """What there is to publish; keys are computed here, outside the lock."""
        if self._lone is not None:
            self._begun()
        writes = []
        for state, view in self._views.items():
            if view.is_written():
                changes = view.changes()
                lasting = all(new is not None for _, _, new in changes)
                columns = frozenset(view.columns) if lasting else None
                writes.append(TableWrites(state, changes, view.inserts(), columns))
        return writes

    def _publish(self, writes: list[TableWrites]) -> None:
        committer, pin = self._committer, self._pin
        assert pin is not None, "there are writes"
        with committer.lock:
            if committer.publishing is not None:
                committer.recover()
            version = committer.version
            for written in writes:
                if written.state.replaced:
                    raise TransactionConflict(
                        f"{written.state.label} was defined anew meanwhile: nothing was saved.",
                        model=written.state.label,
                        kind="write",
                    )
            reads = None
            if pin.version != version:
                for written in writes:
                    committer.check_unchanged(written.state, pin, written.changes)
                if self._footprint is not None:
                    reads = partial(self._footprint.refuse_changed, pin)
            committer.apply(writes, self._viewed, since=version, closing=pin, reads=reads)

    def rollback(self) -> None:
        """Forget all writes; ends the transaction. Idempotent. O(1)."""
        self._end()

    def _end(self) -> None:
        self._ended = True
        if self._views:
            self._views = {}
            self._undo = []
        self._lone = self._footprint = None
        if self._pin is not None:
            self._pin.close()
            self._pin = None

    def __del__(self) -> None:
        pin = self._pin
        if pin is not None:
            # No lock here: the collector may run inside somebody's.
            pin.close()
            warnings.warn(
                "A transaction was dropped without commit() or rollback(). What it wrote is rolled back.",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )


def _check_free(state: TableState, view: OwnView, rule: UniqueRule, rows: list[Row]) -> None:
    """Raise where the key of one of `rows`, which are about to be inserted, is another row's. Linear."""
    index = rule.index
    path = index.path.number
    if len(rows) == 1:
        if view.is_free(path, index.key(rows[0]) if index.condition is None else index.entry(rows[0])):
            return
    elif not index.nullable and index.condition is None:
        keys = index.keys(rows)
        if len(set(keys)) == len(keys) and view.are_free(path, keys):
            return
    seen: dict[Any, Row] = {}
    for row in rows:
        key = index.entry(row)
        if key is ABSENT or (rule.nulls_distinct and index.nullable and index.is_null(key)):
            continue
        if key in seen:
            refuse_duplicate(state, rule, row, seen[key])
        if not view.is_free(path, key):
            held = view.bucket_slots(path, key)
            if held:
                refuse_duplicate(state, rule, row, view.row(held[0]))
        seen[key] = row


def _check_changed(state: TableState, view: OwnView, rule: UniqueRule, changes: Sequence[Changed]) -> None:
    """Raise where a row that was changed has now another row's key."""
    index = rule.index
    for slot, old, new in changes:
        if new is None:
            continue
        key = index.entry(new)
        if key is ABSENT or (rule.nulls_distinct and index.nullable and index.is_null(key)):
            continue
        if old is not None and index.entry(old) == key:
            continue
        others = view.others(index.path.number, key, slot)
        if others:
            refuse_duplicate(state, rule, new, view.row(others[0]))


def _arbiters(state: TableState, conflict: Conflict) -> list[UniqueRule]:
    """The rules whose breach `conflict` settles."""
    rules = [rule for rule in state.uniques if not rule.deferred]
    if conflict.action == "update" and conflict.target:
        target = sorted(conflict.target)
        rules = [rule for rule in rules if sorted(rule.index.path.columns) == target]
        if not rules:
            raise ProgrammingError(
                f"{state.label} has no unique constraint over {', '.join(state.names(conflict.target))} to decide "
                "which rows are the same."
            )
    return rules


def _clash(state: TableState, view: OwnView, row: Row, arbiters: list[UniqueRule]) -> tuple[UniqueRule | None, int]:
    """The first of `arbiters` that `row` would break, and by which slot; IntegrityError for other rules."""
    for rule in sorted(state.uniques, key=lambda rule: rule not in arbiters):
        if rule.deferred:
            continue
        index = rule.index
        key = index.entry(row)
        if key is ABSENT or (rule.nulls_distinct and index.nullable and index.is_null(key)):
            continue
        held = view.bucket_slots(index.path.number, key)
        if held:
            if rule not in arbiters:
                refuse_duplicate(state, rule, row, view.row(held[0]))
            return rule, held[0]
    return None, -1
