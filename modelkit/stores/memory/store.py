"""The memory store: statements that are transactions of their own, transactions, snapshots.

Knows all the rooms around it and no model. The invariant: no user's code runs under its lock.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from os import PathLike
from typing import Any, Final, Literal, TypeVar

from modelkit.errors import InternalError, ProgrammingError, TransactionConflict, not_yet
from modelkit.garbage import without_collection
from modelkit.ir.query import Compound, Conflict, Delete, Select, Update
from modelkit.ir.schema import Row, Table
from modelkit.stores.base import Capabilities, Isolation, Params, Removal, TimeZonePolicy
from modelkit.stores.memory.cascade import found_by_steps
from modelkit.stores.memory.catalog import Catalog, Migrate
from modelkit.stores.memory.commit import CLOSED, Closed, Committer, Trouble
from modelkit.stores.memory.constraints import TableWrites
from modelkit.stores.memory.feed import Feed
from modelkit.stores.memory.files.journal import Journal, Sync
from modelkit.stores.memory.files.system import System
from modelkit.stores.memory.heap import Changed, Pin
from modelkit.stores.memory.opening import forked, load
from modelkit.stores.memory.plans import Plans, Prepared, target_of
from modelkit.stores.memory.tables import TableState
from modelkit.stores.memory.transactions import MemoryTransaction, Stream
from modelkit.stores.memory.view import View

__all__ = ["MemoryStore", "Snapshot"]

T = TypeVar("T")

ATTEMPTS: Final = 50
"""How often a single statement starts again where others commit first, each time on their result."""

PATIENCE: Final = 3
"""How often an update that scans tries to leave others their turn."""


class Snapshot:
    """A moment of a store, for `MemoryStore.restore`, any number of times. Costs what changes, until closed or dropped."""

    __slots__ = ("_numbers", "_pin", "_store")

    def __init__(self, store: MemoryStore, pin: Pin, numbers: dict[int, int]) -> None:
        self._store = store
        self._pin = pin
        self._numbers = numbers

    def close(self) -> None:
        """Let go of the moment. Idempotent."""
        self._pin.close()

    def __del__(self) -> None:
        self._pin.close()


class MemoryStore:
    """Tables in this process's memory. See `stores.base.Store`.

    Args:
        tz: "aware" keeps datetimes in UTC and refuses naive ones; "naive" the reverse.
        nulls: where NULLs stand in an ascending order.
        portable: not supported yet.
        file: where to keep the rows too, such as "data/db.json": a readable snapshot, with a log and a lock beside it.
        sync: "full" waits at each commit until it stands on the disk; "normal" at each new snapshot and at `close`; "off" at
            `close` alone. What is not waited for is lost, or leaves a damaged file, only where the machine stops.
        migrate: makes new rows of a file's old ones, where a model has changed in another way than by fields with defaults: it
            takes the model's label and a list of dicts by column, and gives dicts. It must not use the store.
        system: what stands for the operating system, for tests.

    Raises:
        StoreCorrupt, StoreLocked, StoreError: the file is damaged, is open elsewhere, or cannot be opened.

    >>> store = MemoryStore()
    >>> store.stats()["open_snapshots"]
    0
    """

    def __init__(
        self,
        *,
        tz: TimeZonePolicy = "aware",
        nulls: Literal["first", "last"] = "first",
        portable: Literal["error", "warn"] | None = None,
        file: str | PathLike[str] | None = None,
        sync: Sync = "full",
        migrate: Migrate | None = None,
        system: System | None = None,
    ) -> None:
        if tz not in ("aware", "naive"):
            raise ValueError(f"tz is 'aware' or 'naive', not {tz!r}")
        if nulls not in ("first", "last"):
            raise ValueError(f"nulls is 'first' or 'last', not {nulls!r}")
        if portable is not None:
            not_yet("portable")
        if sync not in ("full", "normal", "off"):
            raise ValueError(f"sync is 'full', 'normal' or 'off', not {sync!r}")
        self.capabilities = Capabilities(vendor="memory", datetimes=tz, nulls=nulls)
        self.epoch = 0
        self._committer = Committer()
        self._lock = self._committer.lock
        self._catalog = Catalog(self._committer.numbers, self._lock, tz)
        self._plans = Plans(self._catalog, nulls)
        # Not a method: the catalog must not keep the store.
        self._catalog.changed = partial(_redefined, self._plans, self._committer)
        if file is not None:
            self._catalog.strict, self._catalog.migrate = True, migrate
            self._open(Journal(file, sync=sync, system=system))

    def _open(self, journal: Journal) -> None:
        """Take over what stands in the files."""
        try:
            load(self._catalog, self._committer, journal)
        except BaseException:
            journal.release()
            raise
        weakref.finalize(self, journal.release)
        forked.add(self)

    @property
    def store(self) -> MemoryStore:
        """The store itself: it is the session whose statements are transactions of their own."""
        return self

    def select(self, query: Select | Compound, params: Params) -> Any:
        """The result rows as a new list; an int or a bool where `query.result` says so."""
        entry = self._plans.entries.get(id(query)) or self._plans.of(query)
        if entry.inside:
            committer = self._committer
            with self._lock:
                if committer.publishing is not None:
                    committer.recover()
                return entry.run(entry.latest, params)
        pin, views = self._pinned(entry.states)
        try:
            with without_collection:
                return entry.run(views, params)
        finally:
            pin.close()

    def _pinned(self, states: Sequence[TableState]) -> tuple[Pin, list[View]]:
        """A pin of this moment, and tables at it."""
        with self._lock:
            pin = self._committer.pin()
            return pin, [state.view(pin.table(state.heap)) for state in states]

    def stream(self, query: Select | Compound, params: Params, chunk: int) -> Iterator[list[Any]]:
        """The result rows in lists of at most `chunk`, all of one snapshot, which is taken now."""
        compiled, states = self._plans.compile(query)
        pin, views = self._pinned(states)
        try:
            return Stream(pin, compiled.rows(views, params), chunk)
        except BaseException:
            pin.close()
            raise

    def explain(self, query: Select | Compound | Update | Delete, *, verbose: bool = False) -> str:
        """The plan as text; `verbose` adds what is run."""
        compiled, states = self._plans.compile(query)
        with self._lock:
            self._enter()
            return compiled.explain(verbose, [state.latest for state in states])

    def insert(self, table: Table, rows: Sequence[Row], conflict: Conflict | None = None) -> list[Row | None]:
        """Add rows; the rows as stored."""
        state = self._catalog.state(table)
        if conflict is not None or not state.plain:
            return self._alone(lambda transaction: transaction.insert(table, rows, conflict))
        committer = self._committer
        with self._lock:
            if committer.publishing is not None:
                committer.recover()
            if len(rows) == 1 and committer.plain:
                return [(state.insert or committer.insertion(state))(rows[0])]
            admitted = committer.admit(state, rows)
            if admitted:
                committer.apply([TableWrites(state, (), admitted, None)])
        return admitted  # type: ignore[return-value]  # the heap took its rows over into chunks; the list is the caller's

    def update(self, query: Update, params: Params) -> int:
        """Change rows; how many were found."""
        entry = self._plans.entries.get(id(query)) or self._plans.of(query)
        if entry.alone:
            number = self._rewrite(entry, params)
            if number is not None:
                return number
        return self._write(entry, params, entry.columns)

    def _rewrite(self, entry: Prepared, params: Params) -> int | None:
        """Change the one row that is found, in place; None, and nothing done, where others must be told of it."""
        committer = self._committer
        with self._lock:
            if committer.publishing is not None:
                committer.recover()
            if committer.pins:
                return None
            version = committer.version
            found = entry.run(entry.latest, params)
            if not found:
                return 0
            (change,) = entry.finish(found)
            done = committer.rewrite(target_of(entry), change, since=version)
        return 1 if done else None

    def delete(self, query: Delete, params: Params) -> int:
        """Remove rows; how many were found."""
        return self._write(self._plans.of(query), params, None)

    def cascade(self, steps: Sequence[Removal], params: Params) -> list[int]:
        """Remove what `steps` find; how many rows by step. Under the lock where all of it is done by key, at once."""
        entries = [self._plans.of(step.drop) for step in steps]
        tables = [target_of(entry) for entry in entries]
        for entry, state in zip(entries, tables, strict=True):
            if not entry.inside or not state.plain:
                return self._alone(lambda transaction: transaction.cascade(steps, params))

        def found(number: int, given: Params) -> tuple[TableState, list[Any]]:
            entry = entries[number]
            return tables[number], entry.run(entry.latest, given)

        committer = self._committer
        with self._lock:
            self._enter()
            version = committer.version
            counts, removed = found_by_steps(steps, params, found)
            writes = [TableWrites.removing(state, rows) for state, rows in removed.items()]
            if writes:
                committer.apply(writes, since=version)
        return counts

    def _write(self, entry: Prepared, params: Params, columns: frozenset[int] | None) -> int:
        """Find rows, then write over them; again on the latest commit where somebody else wrote one of them meanwhile.

        What need not be done outside the lock is done under it where it is quick, or where others were faster several times.
        """
        state = target_of(entry)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if entry.pure and state.plain and (entry.inside or attempt > PATIENCE):
                    return self._write_inside(state, entry, params, columns)
                with without_collection:
                    return self._write_outside(state, entry, params, columns)
            except TransactionConflict:
                if attempt == ATTEMPTS:
                    raise
        raise InternalError("the last attempt returns or raises")

    def _write_inside(self, state: TableState, entry: Prepared, params: Params, columns: frozenset[int] | None) -> int:
        committer = self._committer
        with self._lock:
            self._enter()
            version = committer.version
            found = entry.run(entry.latest, params)
            if found:
                committer.apply([TableWrites(state, entry.finish(found), (), columns)], since=version)
            return len(found)

    def _write_outside(self, state: TableState, entry: Prepared, params: Params, columns: frozenset[int] | None) -> int:
        committer = self._committer
        pin, views = self._pinned(entry.states)
        try:
            found = entry.run(views, params)
            if found:
                written = TableWrites(state, entry.finish(found), (), columns)
                with self._lock:
                    self._enter()
                    version = committer.version
                    committer.check_unchanged(state, pin, written.changes)
                    committer.apply([written], since=version, closing=pin)
            return len(found)
        finally:
            pin.close()

    def _alone(self, work: Callable[[MemoryTransaction], T]) -> T:
        """`work` as a transaction of its own, again where others commit first."""
        for attempt in range(1, ATTEMPTS + 1):
            transaction = self.begin()
            try:
                result = work(transaction)
                transaction.commit()
            except TransactionConflict:
                if attempt == ATTEMPTS:
                    raise
            else:
                return result
            finally:
                transaction.rollback()
        raise InternalError("the last attempt returns or raises")

    def begin(self, *, isolation: Isolation = "serializable") -> MemoryTransaction:
        """Start a transaction; its snapshot is taken at its first statement."""
        if isolation not in ("serializable", "snapshot"):
            raise ValueError(f"isolation is 'serializable' or 'snapshot', not {isolation!r}")
        if self._committer.publishing is not None:
            with self._lock:
                self._enter()
        return MemoryTransaction(self, self._committer, self._catalog, self._plans, isolation)

    def snapshot(self) -> Snapshot:
        """This moment, to come back to by `restore`. O(1) but for the sequences."""
        with self._lock:
            pin = self._committer.pin()
            pin.reads = False
            return Snapshot(self, pin, self._committer.numbers.copy())

    def restore(self, snapshot: Snapshot) -> None:
        """Put rows, indexes and sequences back to a snapshot of this store, which may be restored again.

        Linear in what was changed since. Open transactions that wrote what this changes conflict.
        """
        if snapshot._store is not self:
            raise ProgrammingError("This snapshot was taken of another store.")
        if snapshot._pin.closed:
            raise ProgrammingError("This snapshot was closed.")
        with self._lock:
            self._enter()
            pin = snapshot._pin
            self.epoch += 1
            self._committer.restore(pin, self._catalog.pinned, snapshot._numbers)

    def changes(self) -> Feed:
        """What is committed from now on: an iterable of Change, as long as it is held or until it is closed."""
        with self._lock:
            self._enter()
            feed = self._committer.feeds.open()
            self._committer.recheck()
            return feed

    @contextmanager
    def troubled(self, trouble: Trouble) -> Iterator[None]:
        """Let `trouble` be asked before each commit inside the `with`: it may raise, and the commit is not made."""
        committer = self._committer
        before = committer.trouble
        committer.trouble = trouble
        committer.recheck()
        try:
            yield
        finally:
            committer.trouble = before
            committer.recheck()

    def _enter(self) -> None:
        """What every statement does first under the lock."""
        if self._committer.publishing is not None:
            self._committer.recover()

    def define(self, tables: Sequence[Table]) -> None:
        """Make the tables known; see `stores.base.Store.define`."""
        with self._lock:
            self._enter()
            if self._catalog.define(tables):
                self._catalog.changed()

    def undeclared(self) -> Sequence[Table]:
        """The tables of the file that nobody declares here. O(1) where there are none, else linear in them."""
        catalog = self._catalog
        if not catalog.stored:
            return ()
        with self._lock:
            self._enter()
        catalog.discover_stored()
        return [state.kept for state in catalog.stored if state.kept is not None]

    def clear(self) -> None:
        """Remove all rows of all tables and start their numbering anew. Linear in the rows."""
        with self._lock:
            self._enter()
            self.epoch += 1
            self._committer.replace(lambda: {state: _all_gone(state) for state in self._catalog.states()}, {})
            self._committer.truncate(dict.fromkeys([state.heap for state in self._catalog.states()], 0))

    def stats(self) -> Mapping[str, Any]:
        """Figures for people: `rows` by model, `chunks`, `open_snapshots`, `kept_versions`, `plans`."""
        with self._lock:
            self._enter()
            pins = list(self._committer.pins)
            kept = {id(pinned.before): len(pinned.before) for pin in pins for pinned in pin.tables.values()}
            states = self._catalog.states()
            return {
                "rows": {state.label: state.heap.live for state in states},
                "chunks": {state.label: len(state.heap.chunks) for state in states},
                "open_snapshots": len(pins),
                "kept_versions": sum(kept.values()),
                "plans": len(self._plans.entries),
            }

    def close(self) -> None:
        """Forget all rows; one kept in a file writes them there. Idempotent; further use raises StoreClosed."""
        with self._lock:
            if not isinstance(self._committer.publishing, Closed):
                self._enter()
            if self._committer.journal is not None:
                self._committer.journal.close()
            self._committer.feeds.close()
            for pin in list(self._committer.pins):
                pin.close()
            self._plans.clear()
            self._committer.publishing = CLOSED
            for state in self._catalog.states():
                state.heap.chunks.clear()
                for index in state.indexes:
                    index.clear()

    def _check(self) -> None:
        with self._lock:
            self._enter()
            for state in self._catalog.states():
                state._check()


def _redefined(plans: Plans, committer: Committer) -> None:
    """Tables were defined anew. Under the lock."""
    plans.clear()
    if committer.journal is not None:
        committer.journal.redefined()


def _all_gone(state: TableState) -> list[Changed]:
    return [
        (base + offset, row, None)
        for base, chunk in state.latest.slotted()
        for offset, row in enumerate(chunk)
        if row is not None
    ]
