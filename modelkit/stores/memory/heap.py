"""The rows of a table, in chunks by slot, and the pins that keep what rows were.

Knows rows and slots only. Two invariants: slots are given out in rising order and a chunk lists its rows in slot order, so
iteration is insertion order; and for every slot below a pin's `length` the row at the time of the pin is `before[slot]`
where that is set, else what the heap holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from modelkit.ir.schema import Row

__all__ = ["CHUNK", "MASK", "PROVISIONAL", "SHIFT", "Changed", "Chunk", "Heap", "Pin", "TablePin", "note"]

SHIFT = 7
CHUNK = 1 << SHIFT
MASK = CHUNK - 1

PROVISIONAL = 1 << 48
"""The first slot that a transaction gives to a row it inserts: after every slot that a heap will ever reach."""

Chunk: TypeAlias = list[Row | None]
Changed: TypeAlias = tuple[int, Row | None, Row | None]
"""A slot, its row before (None: it was empty), its row after (None: it is emptied)."""


class Heap:
    """A directory of chunks of 128 slots. A chunk without rows is dropped.

    `length` is the first slot never used, `live` the number of rows. Only a commit writes, and what it does here may be
    repeated from its beginning.
    """

    __slots__ = ("__weakref__", "_runs", "chunks", "length", "live")

    def __init__(self) -> None:
        self.chunks: dict[int, Chunk] = {}
        self.length = 0
        self.live = 0
        self._runs: list[tuple[int, Chunk]] | None = None

    def row(self, slot: int) -> Row | None:
        """The row in `slot`, None where there is none. O(1)."""
        chunk = self.chunks.get(slot >> SHIFT)
        if chunk is None:
            return None
        offset = slot & MASK
        return chunk[offset] if offset < len(chunk) else None

    def runs(self) -> list[tuple[int, Chunk]]:
        """Chunk numbers and chunks in order, as a list that is never changed. O(1) unless the directory changed since."""
        runs = self._runs
        if runs is None:
            runs = self._runs = list(self.chunks.items())
        return runs

    def append(self, slot: int, row: Row) -> None:
        """Put `row` into `slot`, the first never used."""
        chunk = self.chunks.get(slot >> SHIFT)
        if chunk is None:
            chunk = self._open(slot)
        offset = slot & MASK
        if offset == len(chunk):
            chunk.append(row)
        else:
            chunk[offset] = row
        self.length = slot + 1

    def extend(self, first: int, rows: Sequence[Row]) -> None:
        """Put `rows` into the slots from `first`, the first never used. Linear."""
        done, slot, total = 0, first, len(rows)
        while done < total:
            chunk = self.chunks.get(slot >> SHIFT)
            if chunk is None:
                chunk = self._open(slot)
            offset = slot & MASK
            part = rows[done : done + CHUNK - offset]
            chunk[offset : offset + len(part)] = part
            done += len(part)
            slot += len(part)
        self.length = first + total

    def _open(self, slot: int) -> Chunk:
        chunk: Chunk = [None] * (slot & MASK)
        self.chunks[slot >> SHIFT] = chunk
        self._runs = None
        return chunk

    def replace(self, changes: Iterable[Changed], *, copy: bool) -> None:
        """Write the rows after. `copy`: chunks are replaced, since a reader may hold the present ones. Linear."""
        copied: dict[int, Chunk] = {}
        written = copied if copy else self.chunks
        emptied: set[int] = set()
        present, chunk = -1, None
        for slot, _, new in changes:
            number = slot >> SHIFT
            if number != present:
                chunk = written.get(number)
                present = number
            if chunk is None:
                if new is None and number not in self.chunks:
                    continue
                chunk = self._writable(number)
                written = self.chunks
                if copy:
                    written = copied
                    chunk = copied[number] = chunk.copy()
            chunk[slot & MASK] = new
            if new is None:
                emptied.add(number)
        if copied:
            self.chunks.update(copied)
            self._runs = None
        for number in emptied:
            if not any(self.chunks.get(number, ())):
                self.chunks.pop(number, None)
                self._runs = None

    def _writable(self, number: int) -> Chunk:
        present = self.chunks.get(number)
        if present is not None:
            return present
        # A dropped chunk comes back, as long as it was: the directory's order is the order of its numbers.
        chunk: Chunk = [None] * min(CHUNK, self.length - (number << SHIFT))
        self.chunks = dict(sorted([*self.chunks.items(), (number, chunk)]))
        self._runs = None
        return chunk

    def truncate(self, length: int) -> None:
        """Give back the slots from `length` on, unless one of them holds a row. O(1)."""
        number, offset = length >> SHIFT, length & MASK
        chunk = self.chunks.get(number, [])
        if length >= self.length or next(reversed(self.chunks), -1) > number or any(chunk[offset:]):
            return
        # First, since an interrupt may leave the chunk longer, which harms nobody.
        self.length = length
        if chunk:
            # Replaced, since somebody may be reading it.
            self.chunks[number] = chunk[:offset]
            self._runs = None

    def _check(self) -> None:
        numbers = list(self.chunks)
        assert numbers == sorted(numbers), "chunks out of order"
        live = 0
        for number, chunk in self.chunks.items():
            assert 0 < len(chunk) <= CHUNK, "a chunk's size"
            assert len(chunk) == min(CHUNK, self.length - (number << SHIFT)), (
                "a chunk that is not as long as its heap says"
            )
            rows = sum(row is not None for row in chunk)
            assert rows, "an empty chunk was kept"
            live += rows
        assert live == self.live, f"{live} rows, counted {self.live}"
        assert self._runs is None or self._runs == list(self.chunks.items()), "stale runs"


class TablePin:
    """One table as it was: how many slots and rows there were, and the rows that were changed since."""

    __slots__ = ("before", "length", "live")

    def __init__(self, length: int, live: int) -> None:
        self.length = length
        self.live = live
        self.before: dict[int, Row | None] = {}


class Pin:
    """One moment of a whole store. Tables enter when they are first read or first changed: taking one is O(1).

    `reads`: somebody may hold chunks through it. `version` counts the commits before it. It enters `home`, the store's open
    pins, and leaves it, by one step of the dictionary each: no lock is needed to close one, and a finalizer may open or close
    another between any two lines of whoever holds the lock.
    """

    __slots__ = ("_home", "reads", "tables", "version")

    def __init__(self, version: int, home: dict[Pin, None]) -> None:
        self.tables: dict[Heap, TablePin] = {}
        self.version = version
        self.reads = True
        self._home = home
        home[self] = None

    @property
    def closed(self) -> bool:
        """Whether nobody wants it any more."""
        return self not in self._home

    def table(self, heap: Heap) -> TablePin:
        """`heap` at the moment of the pin. To be called under the store's lock."""
        entry = self.tables.get(heap)
        if entry is None:
            entry = self.tables[heap] = TablePin(heap.length, heap.live)
        return entry

    def share(self) -> Pin:
        """Another pin of the same moment, which stays when this one is closed."""
        other = Pin(self.version, self._home)
        other.tables = self.tables
        return other

    def close(self) -> None:
        """Let go of what is kept. Idempotent. Needs no lock."""
        self._home.pop(self, None)
        if self.tables:
            self.tables = {}


def note(pins: Iterable[Pin], heap: Heap, length: int, live: int, changes: Sequence[Changed]) -> None:
    """Tell `pins` what `changes` is about to do to `heap`, which has `length` slots and `live` rows.

    To be called before the heap is touched: who reads a row without a lock reads the heap first, then `before`.
    """
    for pin in pins:
        entry = pin.tables.get(heap)
        if entry is None:
            entry = pin.tables[heap] = TablePin(length, live)
        if changes:
            before, limit = entry.before, entry.length
            for slot, old, _ in changes:
                if slot < limit:
                    before.setdefault(slot, old)
