"""The one way to write: validate, compute all that can raise, publish.

Knows tables and pins, not queries. `apply` serves all writes; two shortcuts do what it would do for one row, the generated
insert (`insertion.py`) and `rewrite`. Two invariants. Only what runs here changes a heap or an index, and it does so under the
lock. And publishing is all or nothing: `publishing` is set before the first change and cleared after the last; each change
may be made twice, so whoever next takes the lock and finds it set makes all of them (again): an interrupt can stop the
thread that publishes anywhere, and Python has no way to mask it.

Nor can it mask the garbage collector, which may run anybody's `__del__` while the lock is held. What such code commits
before an outer commit publishes, that one notices by `version`; in the middle of publishing it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from threading import RLock
from typing import Any, Final, Literal, NoReturn, Protocol, TypeAlias, final

from modelkit.errors import OperationalError, StoreClosed, TransactionConflict
from modelkit.ir.schema import DEFAULT, Row
from modelkit.ir.types import IntegerType
from modelkit.stores.memory.constraints import TableWrites, Viewed, validate
from modelkit.stores.memory.feed import Feeds
from modelkit.stores.memory.files.journal import Journal
from modelkit.stores.memory.heap import MASK, SHIFT, Changed, Heap, Pin, TablePin, note
from modelkit.stores.memory.index import Index
from modelkit.stores.memory.insertion import insertion
from modelkit.stores.memory.rows import shown
from modelkit.stores.memory.tables import TableState
from modelkit.stores.memory.view import View

__all__ = ["CLOSED", "Closed", "Committer", "latest"]


@final
class Closed:
    """Stands in `Committer.publishing` once the store is closed, so that one test serves both."""


CLOSED: Final = Closed()


@final
class Appending:
    """Stands in `Committer.publishing` while a commit is on its way into the journal."""


APPENDING: Final = Appending()


class Trouble(Protocol):
    """What fails commits on purpose."""

    def __call__(self, *, transaction: bool) -> None:
        """Raise, or let the commit be made."""


Known: TypeAlias = Callable[[Mapping[Heap, TablePin]], Mapping[TableState, TablePin]]
"""Whose the heaps are; those of no table are left out."""

Lone: TypeAlias = tuple[TableState, Row, int, int]
"""One inserted row, its slot, and how many rows there were."""


def latest(_: TableState) -> View | None:
    """`Viewed` for a statement that saw the latest commit."""
    return None


class Committer:
    """A store's lock, its open pins, its sequences, and the way into its tables; its journal, where it is kept in a file."""

    __slots__ = ("feeds", "journal", "lock", "numbers", "pins", "plain", "publishing", "trouble", "version", "working")

    def __init__(self) -> None:
        self.lock = RLock()
        self.pins: dict[Pin, None] = {}
        """Those that are open, oldest first. Whoever goes through them takes a list: they come and go by single steps."""
        self.numbers: dict[int, int] = {}
        self.publishing: list[TableWrites] | Lone | Appending | Closed | None = None
        self.journal: Journal | None = None
        self.feeds = Feeds()
        self.trouble: Trouble | None = None
        """Called before each commit, to fail it on purpose."""
        self.plain = True
        """Whether a commit is done when it is published: nobody else has to hear of it."""
        self.version = 0
        self.working = False

    def recheck(self) -> None:
        """Note whether anybody has to hear of commits; to be called where that may have changed."""
        self.plain = self.journal is None and self.trouble is None and not self.feeds

    def recover(self) -> None:
        """Finish what an interrupt left unpublished. StoreClosed where the store is. Under the lock."""
        if self.working:
            raise OperationalError(
                "The store is used in the middle of its own commit: by a finalizer or a signal handler. "
                "Let that code only note what is to be done later."
            )
        pending = self.publishing
        if isinstance(pending, Closed):
            raise StoreClosed("The store is closed.")
        if isinstance(pending, Appending):
            if self.journal is not None:
                self.journal.undo()
            self.publishing = None
        elif isinstance(pending, tuple):
            state, row, slot, live = pending
            written = TableWrites(state, (), (row,), None)
            written.first, written.live, written.slots = slot, live, [slot]
            self.publish([written])
        elif pending is not None:
            self.publish(pending)

    def pin(self) -> Pin:
        """Keep this moment until the pin is closed. O(1). Under the lock."""
        if self.publishing is not None:
            self.recover()
        return Pin(self.version, self.pins)

    def share(self, pin: Pin) -> Pin:
        """Another pin of the same moment, which stays when `pin` is closed."""
        with self.lock:
            return pin.share()

    def apply(
        self,
        writes: list[TableWrites],
        viewed: Viewed = latest,
        *,
        since: int | None = None,
        closing: Pin | None = None,
        reads: Callable[[], object] | None = None,
    ) -> None:
        """Publish `writes`, all or nothing. Under the lock.

        `viewed` is what the writer could see: it tells which broken constraint a concurrent commit caused. `since` is the
        version that changed rows were found in. `closing`, the writer's own pin, is closed before its writes would be kept
        from it. `reads` refuses what the writer read and others changed since, once no constraint is broken.
        Raises IntegrityError, and TransactionConflict where there is a newer version. Linear in the writes.
        """
        self._move_sequences(writes)
        trouble = self.trouble
        while True:
            version = self.version
            self.judge(writes, viewed)
            if reads is not None:
                reads()
            if trouble is not None:
                trouble(transaction=closing is not None)
                trouble = None
            if since is not None and since != version:
                raise TransactionConflict("A finalizer wrote to the store meanwhile: nothing was saved.", kind="write")
            if self._commit(writes, version, closing):
                return

    def _commit(self, writes: list[TableWrites], version: int, closing: Pin | None = None) -> bool:
        """Put `writes` into the journal, if there is one, and publish them. What is interrupted is undone or finished later.

        False, and nothing done, where there is a newer version than `version`, which they were judged by.
        """
        journal = self.journal
        try:
            if journal is not None and not self._append(journal, writes, version):
                return False
            if not self.publish(writes, version, closing):
                return False
        except BaseException:
            self.working = False
            raise
        if journal is not None:
            journal.compact_if_long()
        return True

    def _append(self, journal: Journal, writes: list[TableWrites], version: int) -> bool:
        """Put `writes` into the journal, where they count once they are published; where that fails, they are taken back."""
        if version != self.version:
            return False
        self.publishing = APPENDING
        self.working = True
        try:
            journal.append(writes)
        except BaseException:
            journal.undo()
            self.publishing = None
            raise
        return True

    def judge(self, writes: Sequence[TableWrites], viewed: Viewed) -> None:
        """Raise what `apply` would raise. Under the lock."""
        for written in writes:
            written.place()
        validate(writes, viewed)

    def publish(self, writes: list[TableWrites], version: int | None = None, closing: Pin | None = None) -> bool:
        """Make `writes`, placed and validated, the latest commit. Nothing here raises; all of it may be repeated.

        False, and nothing done, where there is a newer version than `version`.
        """
        repeated = self._is_publishing()
        # From this test on nobody else's code can run until `working` refuses it.
        if version is not None and version != self.version:
            return False
        self.publishing = writes
        try:
            self.working = True
            if closing is not None:
                closing.close()
            if not self.plain:
                if self.journal is not None:
                    self.journal.settle()
                self.feeds.tell(writes)
            self.version += 1
            pins = list(self.pins) if self.pins else []
            if pins:
                for written in writes:
                    note(pins, written.state.heap, written.first, written.live, written.changes)
            copy = any(pin.reads for pin in pins)
            for written in writes:
                _publish_table(written, copy=copy, repeated=repeated)
            self.publishing = None
        finally:
            self.working = False
        return True

    def rewrite(self, state: TableState, change: Changed, *, since: int, closing: Pin | None = None) -> bool:
        """Put a row over another: all that `apply` would do where no index or sequence reads what differs. Under the lock.

        False, and nothing done, where somebody must be told of it, where there is a newer version than `since`, or where there
        are pins besides `closing`, the writer's own, which is closed.
        """
        pins = self.pins
        if not self.plain or state.replaced:
            return False
        # From where pins are compared to the one step that publishes nobody else's code can run: there is nothing to recover.
        if (pins and pins != {closing: None}) or self.version != since:
            return False
        slot, _, row = change
        self.version = since + 1
        state.heap.chunks[slot >> SHIFT][slot & MASK] = row
        if closing is not None:
            closing.close()
        return True

    def _move_sequences(self, writes: Sequence[TableWrites]) -> None:
        """An auto column that was updated never gives its new numbers out again."""
        for written in writes:
            auto = written.state.auto
            if auto >= 0 and written.columns is not None and auto in written.columns:
                highest = max((new[auto] for _, _, new in written.changes if new is not None), default=0)
                number = written.state.number
                if self.numbers[number] <= highest:
                    self.numbers[number] = highest + 1

    def admit(self, state: TableState, rows: Sequence[Row]) -> list[Row]:
        """The rows as they will be stored, by themselves: numbered, filled in, fitted and checked. Takes the lock."""
        if not state.plain:
            # A user's function may run in a default or a check: not under the lock.
            return [state.admit(row) for row in self._numbered(state, rows)]
        with self.lock:
            if self.publishing is not None:
                self.recover()
            return list(map(state.admit, rows))

    def _numbered(self, state: TableState, rows: Sequence[Row]) -> Sequence[Row]:
        auto, number, numbers = state.auto, state.number, self.numbers
        if auto < 0:
            return rows
        type_ = state.columns[auto].type
        high = type_.high if isinstance(type_, IntegerType) else 0
        numbered = []
        with self.lock:
            if self.publishing is not None:
                self.recover()
            for row in rows:
                value = row[auto] if len(row) > auto else None
                if value is DEFAULT:
                    value = numbers[number]
                    numbers[number] = value + 1
                    row = (*row[:auto], value, *row[auto + 1 :])
                elif isinstance(value, int) and numbers[number] <= value <= high:
                    numbers[number] = value + 1
                numbered.append(row)
        return numbered

    def insertion(self, state: TableState) -> Callable[[Row], Row]:
        """What admits and publishes one row of a plain table, to be called under the lock. Kept with the table."""
        state.insert = insertion(self, state)
        return state.insert

    def check_unchanged(self, state: TableState, pin: Pin, changes: Iterable[Changed]) -> None:
        """First committer wins: raise TransactionConflict where a row that is written was changed since `pin`."""
        pinned = pin.tables.get(state.heap)
        if pinned is None or not pinned.before:
            return
        before = pinned.before
        for slot, old, _ in changes:
            if slot in before:
                refuse_conflict(state, old)

    def restore(self, pin: Pin, known: Known, numbers: Mapping[int, int]) -> None:
        """Put rows, indexes and sequences back to `pin`, which stays. Under the lock.

        `known` tells whose the tables are that `pin` keeps, `numbers` are the sequences of that moment. Linear in what was
        changed since.
        """
        tables = pin.tables
        self.replace(lambda: {state: _back(state.heap, pinned) for state, pinned in known(tables).items()}, numbers)
        self.truncate({state.heap: pinned.length for state, pinned in known(tables).items()})
        pin.tables = {}

    def truncate(self, lengths: Mapping[Heap, int]) -> None:
        """Give back the slots from a length on that hold no rows and that no open pin knows of. Under the lock."""
        # There is nothing to finish; but a finalizer that would take a snapshot meanwhile is refused.
        self.publishing = []
        try:
            self.working = True
            pins = list(self.pins)
            for heap, length in lengths.items():
                known = [pin.tables.get(heap) for pin in pins]
                if all(pinned is not None and pinned.length <= length for pinned in known):
                    heap.truncate(length)
            self.publishing = None
        finally:
            self.working = False

    def replace(self, changes: Callable[[], Mapping[TableState, list[Changed]]], numbers: Mapping[int, int]) -> None:
        """Publish the `changes` of each table, unjudged, and set the sequences; those not in `numbers` start anew."""
        while True:
            version = self.version
            writes = [TableWrites(state, made, (), None) for state, made in changes().items() if made]
            for written in writes:
                written.place()
            before = self.numbers.copy()
            after = {number: numbers.get(number, 1) for number in before}
            if version == self.version:
                break
        # Already here, so that no finalizer takes one of the new numbers.
        self.publishing = APPENDING
        try:
            self.working = True
            self.numbers.update(after)
            self._commit(writes, version)
        except BaseException:
            self.working = False
            if not self._is_publishing():
                self.numbers.update(before)
            raise

    def _is_publishing(self) -> bool:
        """Whether there are writes that will be published, whatever happens."""
        return isinstance(self.publishing, (list, tuple))


def _back(heap: Heap, pinned: TablePin) -> list[Changed]:
    """The changes that make `heap` what it was when it was pinned; a row that was written with the values it had stays."""
    changes: list[Changed] = []
    for slot, old in list(pinned.before.items()):
        row = heap.row(slot)
        if row is not old and not _is_same(row, old):
            changes.append((slot, row, old))
    for slot in range(pinned.length, heap.length):
        row = heap.row(slot)
        if row is not None:
            changes.append((slot, row, None))
    return changes


def _is_same(row: Row | None, old: Row | None) -> bool:
    """Whether two rows of a table cannot be told apart: equality alone takes -0.0 for 0.0, and in JSON True for 1."""
    if row is None or old is None:
        return False
    return all(one is two or (one == two and repr(one) == repr(two)) for one, two in zip(row, old, strict=True))


_MET: Final = {"write": " first", "read": ", which this one read"}
"""What a transaction did with a row that another one wrote -> how that is told."""


def refuse_conflict(state: TableState, row: Row | None, kind: Literal["write", "read"] = "write") -> NoReturn:
    """Raise for a row that another transaction changed before this one, which wrote or read it."""
    key: Any = None if row is None or not state.key else state.key_of(row)
    parts = key if len(state.key) > 1 else (key,)
    which = shown([state.columns[place] for place in state.key], parts) if state.key else "a row"
    raise TransactionConflict(
        f"Another transaction wrote {state.label} {which}{_MET[kind]}: nothing was saved; run the whole transaction again "
        "(retry() does).",
        model=state.label,
        pk=key,
        kind=kind,
    )


def _publish_table(written: TableWrites, *, copy: bool, repeated: bool) -> None:
    state = written.state
    heap = state.heap
    if repeated:
        # The interrupt may have caught a companion half changed.
        for index in state.indexes:
            index.unsort()
    gone = 0
    if written.changes:
        heap.replace(written.changes, copy=copy)
        if written.removes:
            gone = len(written.changes)
        elif written.columns is None:
            for _, old, new in written.changes:
                gone += (new is None) - (old is None)
        for index in state.indexes:
            if index.beside:
                index.forget_beside(_changed_keys(index, written))
    if written.inserts:
        heap.extend(written.first, written.inserts)
    heap.live = written.live - gone + len(written.inserts)
    if not heap.live:
        for index in state.indexes:
            index.clear()
        return
    for index, delta in written.deltas.items():
        if delta.removed:
            index.discard_many(delta.removed, delta.removed_slots)
        if delta.added:
            add = index.add
            for key, slot in zip(delta.added, delta.added_slots, strict=True):
                add(key, slot)
        if delta.fresh:
            index.add_many(delta.fresh, written.slots)


def _changed_keys(index: Index, written: TableWrites) -> Sequence[Hashable]:
    """The keys of `index` under which changed rows are, or were: none where nothing is kept beside them that was written."""
    if written.removes:
        return written.deltas[index].removed
    if not index.keeps_beside(written.columns):
        return ()
    return index.keys([row for _, old, new in written.changes for row in (old, new) if row is not None])
