"""A store's files while it is open: the snapshot, the log to which commits are appended, the lock.

Knows tables' states and what is written to them, not who writes. The invariant: what `append` returned from stands in the log
(and with `sync="full"` on the disk); what it raised from does not, unless it raised CommitOutcomeUnknown.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from modelkit.errors import CommitOutcomeUnknown, NotSupportedError, StoreClosed, StoreError, StoreLocked
from modelkit.ir.schema import Row
from modelkit.stores.memory.constraints import TableWrites
from modelkit.stores.memory.files.document import FORMAT, compact, written
from modelkit.stores.memory.files.image import EMPTY, Image, read_image
from modelkit.stores.memory.files.records import framed
from modelkit.stores.memory.files.schema import Schema, schema_of
from modelkit.stores.memory.files.system import System
from modelkit.stores.memory.files.values import encoder
from modelkit.stores.memory.heap import Changed
from modelkit.stores.memory.tables import TableState

__all__ = ["Journal", "Sync", "encoded_rows"]

Sync: TypeAlias = Literal["full", "normal", "off"]

SHORTEST_LOG: Final = 1 << 16
"""A log below this many bytes is left to grow, whatever the size of the snapshot."""


class Journal:
    """The files of one open store. All but `close` is called under the store's lock.

    `states` gives the tables to write into a snapshot, `numbers` the next number of each by `TableState.number`.
    """

    def __init__(self, file: str | os.PathLike[str], *, sync: Sync = "full", system: System | None = None) -> None:
        self.path = Path(file)
        self.states: Callable[[], Sequence[TableState]] = list
        self.numbers: Mapping[int, int] = {}
        self._sync = sync
        self._waits = sync != "off"
        """Whether what is written anew is waited for until it stands on the disk."""
        self._owes = False
        """Whether a snapshot was written that was not waited for."""
        self._system = system or System()
        self._log_path, self._lock_path = self._beside("log"), self._beside("lock")
        self._schemas: dict[str, Schema] = {}
        self._written: dict[str, int] = {}
        """The next numbers as the files know them."""
        self._known: dict[TableState, _Known] = {}
        self._draft: dict[str, tuple[Schema, int]] = {}
        """Schema and next number of the tables in the commit that was appended and is not settled."""
        self._broken: BaseException | None = None
        self._owner = os.getpid()
        self._log = -1
        self._at = self._next = (0, 0)
        """Where the last commit ends in the log, and its number; the same of one that was appended and is not settled."""
        self._emptying = False
        self._behind = False
        """Whether the files hold tables as they were before they were defined anew."""
        self._snapshot_size = 0
        self._refused_at = 0
        self._lock = self._take_lock()
        try:
            self.image = self._open()
        except BaseException:
            self.release()
            raise

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{ending}")

    def _take_lock(self) -> int:
        directory = self.path.parent
        if not directory.is_dir():
            raise StoreError(f"There is no directory {directory} to keep {self.path.name} in: make it first.")
        try:
            descriptor = self._system.lock(self._lock_path)
        except OSError as error:
            raise StoreError(f"{self._lock_path} cannot be opened: {error.strerror}.") from error
        if descriptor is None:
            raise StoreLocked(str(self.path), self._holder())
        try:
            self._system.truncate(descriptor, 0)
            self._system.write(descriptor, b"%d\n" % os.getpid())
        except OSError as error:
            self._system.unlock(self._lock_path, descriptor)
            raise StoreError(f"{self._lock_path} cannot be written: {error.strerror}.") from error
        return descriptor

    def _holder(self) -> int | None:
        try:
            return int(self._lock_path.read_text())
        except (OSError, ValueError):
            return None

    # -- opening

    def _open(self) -> Image:
        system = self._system
        try:
            log = system.read(self._log_path) if system.exists(self._log_path) else b""
            if not system.exists(self.path):
                if log:
                    raise StoreError(f"{self._log_path} is there, but {self.path}, which it belongs to, is not.")
                self._replace(written(EMPTY))
            snapshot = system.read(self.path)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be opened: {error.strerror}.") from error
        image = read_image(snapshot, log, str(self.path))
        try:
            if image.whole < len(log):
                self._keep_torn(log[image.whole :])
            self._log = system.open(self._log_path, append=True)
            if image.whole < len(log):
                system.truncate(self._log, image.whole)
            if self._waits:
                # A process before may have left it to the system, and the log may be a new name.
                system.sync(self._log)
                self._sync_snapshot()
        except OSError as error:
            raise StoreError(f"{self._log_path} cannot be opened: {error.strerror}.") from error
        self._at = self._next = (image.whole, image.sequence)
        self._snapshot_size = len(snapshot)
        self._schemas = {name: table.schema for name, table in image.tables.items()}
        self._written = {name: table.next for name, table in image.tables.items()}
        return image

    def _keep_torn(self, torn: bytes) -> None:
        path = self._beside("log.torn")
        descriptor = self._system.open(path)
        try:
            self._system.write(descriptor, torn)
            self._wait(descriptor)
        finally:
            self._system.close(descriptor)
        warnings.warn(
            f"{self._log_path} ended in the middle of a commit that nobody was told of: its {len(torn)} bytes are in {path}.",
            RuntimeWarning,
            stacklevel=2,
        )

    def opened(self, states: Callable[[], Sequence[TableState]], numbers: Mapping[int, int]) -> None:
        """The image has become tables: `states` gives them from now on, `numbers` their next numbers."""
        self.states, self.numbers = states, numbers
        self.image = Image()

    # -- committing

    def append(self, writes: Sequence[TableWrites]) -> None:
        """Put one commit into the log. StoreError where it could not be saved, and then nothing of it is in the log.

        It stands there for good once `settle` was called; `undo` takes it back. Linear in the writes.
        """
        self._check()
        if self._behind:
            self.compact()
        record = framed(self._record(writes))
        try:
            self._system.write(self._log, record)
        except OSError as error:
            self._cut()
            raise StoreError(f"The commit was not saved: {error.strerror}.") from error
        if self._sync == "full":
            try:
                self._system.sync(self._log)
            except OSError as error:
                self._broken = error
                raise CommitOutcomeUnknown(
                    f"The system cannot say whether the commit was saved ({error.strerror}): the store takes no more writes; "
                    "open it anew to see."
                ) from error
        end, sequence = self._at
        self._next = (end + len(record), sequence + 1)

    def settle(self) -> None:
        """The commit that was appended is published: it counts. May be repeated, from the middle too."""
        for name, (schema, number) in self._draft.items():
            self._schemas[name] = schema
            self._written[name] = number
        self._at = self._next

    def undo(self) -> None:
        """`append` failed, or an interrupt came before `settle`: take back what may have been written. May be repeated."""
        self._next = self._at
        self._draft = {}
        if self._broken is None:
            self._cut()

    def _cut(self) -> None:
        """Cut the log after its last whole commit; where that fails nothing may be appended after what stands there."""
        try:
            self._system.truncate(self._log, self._at[0])
        except OSError as error:
            self._broken = error

    def _check(self) -> None:
        if self._owner != os.getpid():
            raise StoreClosed(f"{self.path} was opened by process {self._owner}, before it forked: open it here anew.")
        if self._log < 0:
            raise StoreClosed("The store is closed.")
        if self._broken is not None:
            raise StoreError(
                f"{self.path} takes no more writes since one failed ({self._broken}): close the store and open it anew."
            ) from self._broken
        if self._emptying:
            self._empty()

    def redefined(self) -> None:
        """Tables were defined anew: where one stands otherwise in the files, with rows that were made to fit perhaps, write all."""
        stored = [state for state in self.states() if not state.namespace and state.name in self._schemas]
        self._behind = any(self._schemas[state.name] != self._of(state).schema for state in stored)
        if self._behind:
            self._try_to_compact()

    def _of(self, state: TableState) -> _Known:
        known = self._known.get(state)
        if known is None or known.links is not state.links or known.table is not state.kept:
            for old in [other for other in self._known if other.replaced]:
                del self._known[old]
            known = self._known[state] = _Known(state)
        return known

    def _record(self, writes: Sequence[TableWrites]) -> bytes:
        schemas: dict[str, Schema] = {}
        tables: dict[str, dict[str, Any]] = {}
        numbers: dict[str, int] = {}
        draft: dict[str, tuple[Schema, int]] = {}
        for written_ in writes:
            state, known = written_.state, self._of(written_.state)
            for needed in (state, *_parents([state])) if state.name not in self._schemas else ():
                if needed.name not in self._schemas and needed.name not in schemas:
                    schemas[needed.name] = self._of(needed).schema
                    draft[needed.name] = schemas[needed.name], 1
            tables[state.name] = known.changes(written_)
            number = self.numbers[state.number]
            if number != self._written.get(state.name, 1):
                numbers[state.name] = number
            draft[state.name] = known.schema, number
        self._draft = draft
        record: dict[str, Any] = {"sequence": self._at[1] + 1}
        parts: dict[str, Any] = {"schemas": schemas, "tables": tables, "next": numbers}
        record.update((name, part) for name, part in parts.items() if part)
        return compact(record).encode()

    # -- compaction

    @property
    def is_long(self) -> bool:
        """Whether the log has outgrown the snapshot."""
        return self._at[0] > max(SHORTEST_LOG, self._snapshot_size, 2 * self._refused_at)

    def compact_if_long(self) -> None:
        """Write a new snapshot where the log has outgrown the present one. What fails is a warning: the log holds everything."""
        if self.is_long and self._broken is None:
            self._try_to_compact()

    def _try_to_compact(self) -> None:
        try:
            self.compact()
        except StoreError as error:
            self._refused_at = self._at[0]
            warnings.warn(f"The snapshot was not written anew, the log goes on: {error}", RuntimeWarning, stacklevel=3)

    def compact(self) -> None:
        """Write a new snapshot of all tables and empty the log. StoreError where that fails: then all is as it was. Linear."""
        self._check()
        filled = [
            state for state in self.states() if not state.namespace and (state.heap.live or state.name in self._schemas)
        ]
        tables: dict[str, dict[str, Any]] = {}
        for state in sorted({*filled, *_parents(filled)}, key=lambda state: state.name):
            known = self._of(state)
            tables[state.name] = {
                "schema": known.schema,
                "next": self.numbers[state.number],
                "rows": encoded_rows(state, known.encode),
            }
        document = written({"modelkit": FORMAT, "sequence": self._at[1], "tables": tables})
        try:
            self._replace(document)
        except OSError as error:
            raise StoreError(f"{self.path} was not written anew: {error.strerror}.") from error
        self._snapshot_size = len(document)
        self._schemas = {name: table["schema"] for name, table in tables.items()}
        self._written = {name: table["next"] for name, table in tables.items()}
        self._behind = False
        self._emptying = True
        self._empty()

    def _empty(self) -> None:
        """Empty the log, whose commits all stand in the snapshot. May be repeated until it is done: nothing is appended before."""
        try:
            self._system.truncate(self._log, 0)
            self._wait(self._log)
        except OSError as error:
            raise StoreError(f"{self._log_path} was not emptied: {error.strerror}.") from error
        self._at = self._next = (0, self._at[1])
        self._refused_at = 0
        self._emptying = False

    def _replace(self, document: bytes) -> None:
        """Let the snapshot be `document`: written beside it, synced, renamed over it, the directory synced."""
        system, path = self._system, self._beside("tmp")
        descriptor = system.open(path)
        try:
            try:
                system.write(descriptor, document)
                self._wait(descriptor)
            finally:
                system.close(descriptor)
            system.rename(path, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                system.remove(path)
            raise
        if self._waits:
            system.sync_directory(self.path.parent)
        self._owes = not self._waits

    def _wait(self, descriptor: int) -> None:
        """Wait until what was written stands on the disk, unless that is left to the system."""
        if self._waits:
            self._system.sync(descriptor)

    def _sync_snapshot(self) -> None:
        """Wait until the snapshot, as it is, and the names in its directory stand on the disk."""
        descriptor = self._system.open(self.path, append=True)
        try:
            self._system.sync(descriptor)
        finally:
            self._system.close(descriptor)
        self._system.sync_directory(self.path.parent)
        self._owes = False

    # -- closing

    def close(self) -> None:
        """Write the snapshot where the log holds anything, wait for the disk, and give the lock back. Idempotent."""
        if self._log < 0:
            return
        try:
            if self._owner == os.getpid() and self._broken is None:
                self._waits = True
                if self._at[0]:
                    self._try_to_compact()
                self._pay()
        finally:
            self.release()

    def _pay(self) -> None:
        """Wait for what was not waited for yet; what fails is a warning."""
        try:
            if self._at[0] and self._sync != "full":
                self._system.sync(self._log)
            if self._owes:
                self._sync_snapshot()
        except OSError as error:
            warnings.warn(f"{self.path} may not stand on the disk yet: {error.strerror}.", RuntimeWarning, stacklevel=4)

    def release(self) -> None:
        """Give files and lock back as they are. Idempotent."""
        log, self._log = self._log, -1
        lock, self._lock = self._lock, -1
        if log >= 0:
            self._system.close(log)
        if lock >= 0:
            if self._owner == os.getpid():
                self._system.unlock(self._lock_path, lock)
            else:
                os.close(lock)


class _Known:
    """What the journal knows of one table's state: how its rows are written."""

    __slots__ = ("encode", "key", "links", "schema", "table")

    def __init__(self, state: TableState) -> None:
        table = state.kept
        if table is None or state.namespace:
            raise NotSupportedError(
                f"{state.label} belongs to an isolated registry, which no other run of the program could name: its rows would not be found "
                "again. A store in a file keeps models of the common registry; give this one a store without a file."
            )
        if not state.key:
            raise NotSupportedError(
                f"{state.label} has no primary key: the log names rows by their keys, so a store in a file cannot keep it."
            )
        # A parent that was defined anew has its columns in other places, and so have the references to it.
        placed = {link.reference.name: link.reference for link in state.links}
        references = tuple([placed.get(reference.name, reference) for reference in table.references])
        self.schema: Schema = schema_of(replace(table, references=references))
        self.links, self.table = state.links, table
        self.encode = _row_encoder(state)
        self.key = _row_encoder(state, state.key)

    def changes(self, writes: TableWrites) -> dict[str, Any]:
        """What is written to the table, rows named by the keys that they had."""
        changes, inserts = writes.changes, writes.inserts
        back = [slot for slot, old, new in changes if old is None and new is not None]
        if back:
            changes, behind = _moved_behind(writes.state, changes, min(back))
            inserts = [*behind, *inserts]
        deleted = [self.key(old) for _, old, new in changes if new is None and old is not None]
        changed = [[self.key(old), self.encode(new)] for _, old, new in changes if old is not None and new is not None]
        added = list(map(self.encode, inserts))
        parts = {"deleted": deleted, "changed": changed, "added": added}
        return {name: part for name, part in parts.items() if part}


def _moved_behind(state: TableState, changes: Sequence[Changed], first: int) -> tuple[Sequence[Changed], list[Row]]:
    """Changes that put rows back into emptied slots, `first` the first of these, as a log can say them: it knows no slots.

    All rows behind `first` are taken out, and with those that come back are added again: the rows to add, in slot order.
    """
    behind: dict[int, Row | None] = {
        base + offset: row
        for base, chunk in state.latest.slotted()
        for offset, row in enumerate(chunk)
        if row is not None and base + offset > first
    }
    moved = [change for change in changes if change[0] < first]
    moved += [(slot, row, None) for slot, row in behind.items()]
    behind.update((slot, new) for slot, _, new in changes if slot >= first)
    return moved, [row for _, row in sorted(behind.items()) if row is not None]


def _parents(states: Sequence[TableState]) -> set[TableState]:
    """The tables that `states` refer to, directly or not."""
    found: set[TableState] = set()
    waiting = list(states)
    while waiting:
        for link in waiting.pop().links:
            if link.parent not in found:
                found.add(link.parent)
                waiting.append(link.parent)
    return found


def _row_encoder(state: TableState, places: Sequence[int] | None = None) -> Callable[[Row], list[Any]]:
    """What makes a JSON list of a row, or of some of its columns."""
    chosen = range(len(state.columns)) if places is None else places
    special = [
        (number, convert)
        for number, place in enumerate(chosen)
        if (convert := encoder(state.columns[place].type)) is not None
    ]

    def encode(row: Row) -> list[Any]:
        values = list(row) if places is None else [row[place] for place in places]
        for number, convert in special:
            value = values[number]
            if value is not None:
                values[number] = convert(value)
        return values

    return encode


def encoded_rows(state: TableState, encode: Callable[[Row], list[Any]]) -> list[list[Any]]:
    """All rows of the latest commit, in their order. Linear."""
    return [encode(row) for chunk in state.latest.chunks() for row in chunk if row is not None]
