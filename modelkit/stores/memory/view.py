"""Tables as one snapshot sees them: the heap, patched with what was there before, then with a transaction's own writes.

Knows heaps, pins and indexes. The invariant of `TableView`: everything a view gives is of one snapshot. Views of a pin
read rows without the store's lock, the heap first and `before` after it; a writer does the opposite (`heap.note`).
Candidates from an index are the latest commit's; those whose slot was changed since, or written here, come from a patch
instead and are re-checked for one thing: that the row in this view has the key.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias

from modelkit.ir.schema import Row
from modelkit.stores.memory.heap import CHUNK, MASK, PROVISIONAL, SHIFT, Changed, Chunk, Heap, TablePin
from modelkit.stores.memory.index import ABSENT, Absent, Bucket, Index

__all__ = ["LatestView", "OwnView", "Undone", "View"]

Undone: TypeAlias = "Row | Absent | None"
"""What a slot held in a transaction before a write: ABSENT where it was not written yet."""

_NOTHING: Final[dict[int, Row | None]] = {}
_NONE_ADDED: Final[list[Row | None]] = []
SCATTERED: Final = 4
"""How many rows are scanned in the time in which one is found by its key."""

_FIRST = 32
_LARGEST = 2048


class _Patch:
    """Slots by key of one path, for the rows that the latest index cannot speak for. Only ever grows: stale ones fail the re-check."""

    __slots__ = ("_ordered", "candidates", "seen")

    def __init__(self) -> None:
        self.candidates: dict[Hashable, int | list[int]] = {}
        self.seen = 0
        self._ordered: list[Any] = []

    def add(self, key: Hashable, slot: int) -> None:
        known = self.candidates.get(key)
        if known is None:
            self.candidates[key] = slot
        elif isinstance(known, list):
            known.append(slot)
        elif known != slot:
            self.candidates[key] = [known, slot]

    def slots(self, key: Hashable) -> list[int]:
        known = self.candidates.get(key)
        if known is None:
            return []
        return known if isinstance(known, list) else [known]

    def between(self, index: Index, low: Any, high: Any, inclusive: tuple[bool, bool]) -> list[Any]:
        """The keys in a range (None: unbounded), a lone NULL in none. O(n log n) where keys came since the last time."""
        keys = self._ordered
        if len(keys) + (None in self.candidates) != len(self.candidates):
            keys = self._ordered = sorted((key for key in self.candidates if key is not None), key=index.order)
        start, stop = 0, len(keys)
        if low is not None:
            start = (bisect_left if inclusive[0] else bisect_right)(keys, index.order(low), key=index.order)
        if high is not None:
            stop = (bisect_right if inclusive[1] else bisect_left)(keys, index.order(high), key=index.order)
        return keys[start:stop]


class View:
    """A table at the moment of a pin."""

    __slots__ = ("_heap", "_indexes", "_lock", "_maps", "added", "before", "length", "live", "own", "patches")

    def __init__(
        self, heap: Heap, indexes: Sequence[Index], maps: Sequence[dict[Any, Any]], lock: Any, pinned: TablePin
    ) -> None:
        self._heap = heap
        self._indexes = indexes
        self._maps = maps
        self._lock = lock
        self.length = pinned.length
        self.live = pinned.live
        self.before = pinned.before
        self.own = _NOTHING
        self.added = _NONE_ADDED
        self.patches: dict[int, _Patch] = {}

    def row(self, slot: int) -> Row | None:
        """The row in `slot`. O(1)."""
        if slot >= PROVISIONAL:
            place = slot - PROVISIONAL
            return self.added[place] if place < len(self.added) else None
        row = self._heap.row(slot)
        if slot in self.own:
            return self.own[slot]
        if slot in self.before:
            return self.before[slot]
        return row if slot < self.length else None

    def size(self) -> int:
        """How many rows there are. Linear in what was written here."""
        if not self.own and not self.added:
            return self.live
        gone = sum(row is None for row in self.own.values())
        return self.live - gone + sum(row is not None for row in self.added)

    def roughly(self) -> int:
        """As `size`, for choosing between plans."""
        return self.size()

    def chunks(self) -> Iterator[Sequence[Row | None]]:
        """All rows in slot order, in runs."""
        for _, chunk in self.slotted():
            yield chunk

    def slotted(self) -> Iterator[tuple[int, Sequence[Row | None]]]:
        """As `chunks`, each with the slot of its first entry. What is read is fixed when the first run is asked for."""
        with self._lock:
            runs = self._heap.runs()
            touched = self._touched()
            dropped = [number for number in touched if number not in self._heap.chunks]
            added = self.added.copy() if self.added else None
        if dropped:
            runs = sorted([*runs, *((number, []) for number in dropped)], key=_number)
        edge, cut = self.length >> SHIFT, self.length & MASK
        for number, chunk in runs:
            if number >= edge:
                if number > edge or not cut:
                    break
                chunk = chunk[:cut]
            patched = touched.get(number) if touched else None
            yield number << SHIFT, chunk if patched is None else _apply(chunk, patched)
        if added is not None:
            yield PROVISIONAL, added

    def _touched(self) -> Mapping[int, list[tuple[int, Row | None]]]:
        """Offsets and rows that replace the heap's, by chunk; later ones win."""
        touched: dict[int, list[tuple[int, Row | None]]] = {}
        for patch in (self.before, self.own):
            for slot, row in patch.items():
                touched.setdefault(slot >> SHIFT, []).append((slot & MASK, row))
        return touched

    def find(self, path: int, key: Hashable) -> Row | None:
        """The one row under `key` of a unique path; None where there is none, and for NULL. O(1)."""
        slot: Any = self._maps[path].get(key)
        if slot.__class__ is int:
            row = self._heap.row(slot)
            if slot < self.length and slot not in self.before and slot not in self.own:
                return row
        if self.before or self.own or self.added:
            slot = self._find_patched(path, key, slot)
            return self.row(slot) if slot >= 0 else None
        return None

    def find_slot(self, path: int, key: Hashable) -> int:
        """Its slot, or -1. O(1)."""
        slot: Any = self._maps[path].get(key)
        if slot.__class__ is int and slot < self.length and slot not in self.before and slot not in self.own:
            return int(slot)
        return self._find_patched(path, key, slot) if self.before or self.own or self.added else -1

    def _find_patched(self, path: int, key: Hashable, bucket: Any) -> int:
        """As `find_slot`, of what was written here or since. `bucket`: what the latest index says."""
        index = self._indexes[path]
        if index.is_null(key):
            return -1
        if bucket.__class__ is int and bucket < self.length:
            row = self.row(bucket)
            if row is not None and index.entry(row) == key:
                return int(bucket)
        slots = self.bucket_slots(path, key)
        return slots[0] if slots else -1

    def bucket(self, path: int, key: Hashable) -> list[Row]:
        """The rows under `key`, in slot order. O(k log k)."""
        with self._lock:
            if not self._is_patched():
                return self._rows(self._visible(self._indexes[path].slots(key)))
        return self._rows(self.bucket_slots(path, key))

    def rows_in(self, slots: Sequence[int]) -> list[Row]:
        """The rows in `slots`, each of which has one, in their order. Linear."""
        with self._lock:
            if not self._is_patched():
                return self._rows(slots)
        return self._rows(slots)

    def _rows(self, slots: Sequence[int]) -> list[Row]:
        """The rows in `slots`, all of which have one. Under the lock where nothing is patched."""
        if self._is_patched():
            row = self.row
            return [row(slot) for slot in slots]  # type: ignore[misc]  # the docstring's condition
        chunks = self._heap.chunks
        return [chunks[slot >> SHIFT][slot & MASK] for slot in slots]  # type: ignore[misc]  # as above

    def bucket_slots(self, path: int, key: Hashable) -> list[int]:
        """Their slots, in order. O(k log k)."""
        with self._lock:
            kept = self._visible(self._indexes[path].slots(key))
            if not self._is_patched():
                return kept
            fresh = self._fresh(path)
        return self._with_candidates(path, key, kept, self._absorb(path, fresh))

    def slots_under(self, path: int, keys: Iterable[Hashable]) -> list[int]:
        """The slots of the rows under any of distinct `keys`, in order. O(k log k)."""
        with self._lock:
            if not self._is_patched():
                found = _slots_under(self._maps[path], keys)
                found.sort()
                return self._visible(found)
        found = []
        for key in keys:
            found += self.bucket_slots(path, key)
        found.sort()
        return found

    def rows_under(self, path: int, keys: Collection[Hashable]) -> list[Row]:
        """The rows under any of distinct `keys`, in slot order. O(k log k), and never more than a scan."""
        if len(keys) * SCATTERED > self.size():
            key = self._indexes[path].key
            return [row for chunk in self.chunks() for row in chunk if row is not None and key(row) in keys]
        return self.rows_in(self.slots_under(path, keys))

    def find_slots(self, path: int, keys: Sequence[Hashable]) -> list[int]:
        """As `find_slot`, for each of `keys`. Linear."""
        if not self._is_patched():
            with self._lock:
                found: list[Any] = list(map(self._maps[path].get, keys))
                if not self._is_patched() and _all_below(found, self.length):
                    return found
        return [self.find_slot(path, key) for key in keys]

    def buckets(self, path: int, keys: Sequence[Hashable]) -> list[list[Row]]:
        """For each of distinct `keys`, the rows under it, in slot order. Linear, and never more than a scan."""
        if len(keys) * SCATTERED <= self.size():
            with self._lock:
                if self._heap.length == self.length and not self._is_patched():
                    find, chunks = self._maps[path].get, self._heap.chunks
                    return [_latest_rows(find(key), chunks) for key in keys]
        found: dict[Hashable, list[Row]] = {key: [] for key in keys}
        key_of = self._indexes[path].key
        for row in self.rows_under(path, found):
            found[key_of(row)].append(row)
        return list(found.values())

    def values_under(self, path: int, column: int, keys: Sequence[Hashable]) -> list[tuple[Any, ...]]:
        """For each of `keys`, what `column` holds in the rows under it, in slot order. Linear where nothing was written."""
        with self._lock:
            if self._heap.length == self.length and not self._is_patched():
                return self._indexes[path].values_under(column, keys, self._heap.row)
        return [tuple([row[column] for row in self.bucket(path, key)]) for key in keys]

    def bucket_size(self, path: int, key: Hashable) -> int:
        """How many there are. O(1) where nothing was written here or since."""
        if self._heap.length == self.length and not self._is_patched():
            return self._indexes[path].size(key)
        return len(self.bucket_slots(path, key))

    def _is_patched(self) -> bool:
        return bool(self.before or self.own or self.added)

    def _visible(self, slots: list[int]) -> list[int]:
        """Those of sorted `slots` whose row here is the latest commit's. Under the lock."""
        if slots and slots[-1] >= self.length:
            slots = slots[: bisect_left(slots, self.length)]
        before, own = self.before, self.own
        if before or own:
            return [slot for slot in slots if slot not in before and slot not in own]
        return slots

    def _fresh(self, path: int) -> list[tuple[int, Row | None]]:
        """What the path's patch has not seen of `before` yet. Under the lock."""
        patch = self.patches.get(path)
        unseen = len(self.before) - (patch.seen if patch is not None else 0)
        return list(islice(reversed(self.before.items()), unseen)) if unseen else []

    def _absorb(self, path: int, fresh: list[tuple[int, Row | None]]) -> _Patch:
        """The path's patch, with `fresh` in it. Outside the lock: keys of expressions may run a user's function."""
        patch = self.patches.get(path)
        index = self._indexes[path]
        if patch is None:
            patch = _Patch()
            rows = [*self.own.items(), *enumerate(self.added, PROVISIONAL), *fresh]
        else:
            rows = fresh
        for slot, row in rows:
            if row is not None:
                key = index.entry(row)
                if key is not ABSENT:
                    patch.add(key, slot)
        patch.seen += len(fresh)
        self.patches[path] = patch
        return patch

    def _with_candidates(self, path: int, key: Hashable, kept: list[int], patch: _Patch) -> list[int]:
        candidates = patch.slots(key)
        if not candidates:
            return kept
        entry, before, own = self._indexes[path].entry, self.before, self.own
        for slot in set(candidates):
            # A write that was undone leaves its slot to the latest index.
            if slot in own or slot in before or slot >= PROVISIONAL:
                row = self.row(slot)
                if row is not None and entry(row) == key:
                    kept.append(slot)
        kept.sort()
        return kept

    def span(
        self,
        path: int,
        low: Hashable,
        high: Hashable,
        *,
        low_open: bool = False,
        high_open: bool = False,
        bounded: tuple[bool, bool] = (True, True),
        reverse: bool = False,
        most: int | None = None,
    ) -> Iterator[Row]:
        """The rows whose key lies between `low` and `high`, in key order, then slot order; see `TableView.span`."""
        for _, rows in self._spans(path, low, high, (not low_open, not high_open), bounded, reverse, most):
            yield from rows

    def span_slots(
        self,
        path: int,
        low: Hashable,
        high: Hashable,
        *,
        low_open: bool = False,
        high_open: bool = False,
        bounded: tuple[bool, bool] = (True, True),
        reverse: bool = False,
    ) -> Iterator[int]:
        """As `span`, their slots."""
        for slots, _ in self._spans(path, low, high, (not low_open, not high_open), bounded, reverse):
            yield from slots

    def _spans(
        self,
        path: int,
        low: Any,
        high: Any,
        inclusive: tuple[bool, bool],
        bounded: tuple[bool, bool],
        reverse: bool,
        most: int | None = None,
    ) -> Iterator[tuple[list[int], list[Row]]]:
        """Slots and their rows, in runs that grow; the first is of `most` where that is small."""
        index = self._indexes[path]
        whole = bounded == (False, False)
        low, high = low if bounded[0] else None, high if bounded[1] else None
        if (bounded[0] and index.is_null(low)) or (bounded[1] and index.is_null(high)):
            return
        lone_null = whole and index.nullable and not index.composite
        if lone_null and not reverse:
            yield self.bucket_slots(path, None), self.bucket(path, None)
        skip_null = index.composite and index.nullable and not whole
        count = _FIRST if most is None else max(1, min(most, _FIRST))
        while True:
            slots, last = self._batch(path, low, high, inclusive, reverse, count, skip_null)
            for start in range(0, len(slots), _FIRST):
                part = slots[start : start + _FIRST] if len(slots) > _FIRST else slots
                yield part, self.rows_in(part)
            if last is None:
                break
            if reverse:
                high, inclusive = last, (inclusive[0], False)
            else:
                low, inclusive = last, (False, inclusive[1])
            count = min(count * 4, _LARGEST)
        if lone_null and reverse:
            yield self.bucket_slots(path, None), self.bucket(path, None)

    def _batch(
        self,
        path: int,
        low: Any,
        high: Any,
        inclusive: tuple[bool, bool],
        reverse: bool,
        count: int,
        skip_null: bool,
    ) -> tuple[list[int], Any]:
        """The next `count` slots or some more, and the last of their keys; None where the span is done."""
        index = self._indexes[path]
        with self._lock:
            if not skip_null and not self._is_patched():
                found, last = index.span_slots(low, high, inclusive, reverse=reverse, count=count)
                if self.length < self._heap.length:
                    found = [slot for slot in found if slot < self.length]
                return found, last
            buckets, last = index.span(low, high, inclusive, reverse=reverse, count=count)
            if skip_null:
                buckets = [(key, slots) for key, slots in buckets if None not in key]
            kept = {key: self._visible(slots) for key, slots in buckets}
            fresh = self._fresh(path)
        patch = self._absorb(path, fresh)
        if last is not None:
            low, high, inclusive = (last, high, (True, inclusive[1])) if reverse else (low, last, (inclusive[0], True))
        for key in patch.between(index, low, high, inclusive):
            if key not in kept and not (skip_null and index.is_null(key)):
                kept[key] = []
        found = []
        for key in sorted(kept, key=index.order, reverse=reverse):
            found += self._with_candidates(path, key, kept[key], patch)
        return found, last


class LatestView(View):
    """The latest commit, to be read under the store's lock; never patched."""

    __slots__ = ()

    def __init__(self, heap: Heap, indexes: Sequence[Index], maps: Sequence[dict[Any, Any]], lock: Any) -> None:
        super().__init__(heap, indexes, maps, lock, TablePin(PROVISIONAL, 0))

    def row(self, slot: int) -> Row | None:
        """The row in `slot`. O(1)."""
        return self._heap.row(slot)

    def rows_in(self, slots: Sequence[int]) -> list[Row]:
        """The rows in `slots`, each of which has one, in their order. Linear."""
        chunks = self._heap.chunks
        return [chunks[slot >> SHIFT][slot & MASK] for slot in slots]  # type: ignore[misc]  # the docstring's condition

    def size(self) -> int:
        """How many rows there are. O(1)."""
        return self._heap.live

    def find(self, path: int, key: Hashable) -> Row | None:
        """The one row under `key` of a unique path; None where there is none, and for NULL. O(1)."""
        slot: Any = self._maps[path].get(key)
        if slot.__class__ is int:
            return self._heap.chunks[slot >> SHIFT][slot & MASK]
        return None

    def find_slot(self, path: int, key: Hashable) -> int:
        """Its slot, or -1. O(1)."""
        slot: Any = self._maps[path].get(key)
        return slot if slot.__class__ is int else -1

    def bucket(self, path: int, key: Hashable) -> list[Row]:
        """The rows under `key`, in slot order. O(k log k)."""
        return _latest_rows(self._maps[path].get(key), self._heap.chunks)

    def bucket_slots(self, path: int, key: Hashable) -> list[int]:
        """Their slots, in order. O(k log k)."""
        return self._indexes[path].slots(key)

    def slots_under(self, path: int, keys: Iterable[Hashable]) -> list[int]:
        """The slots of the rows under any of distinct `keys`, in order. O(k log k)."""
        found = _slots_under(self._maps[path], keys)
        found.sort()
        return found

    def values_under(self, path: int, column: int, keys: Sequence[Hashable]) -> list[tuple[Any, ...]]:
        """For each of `keys`, what `column` holds in the rows under it, in slot order. Linear."""
        return self._indexes[path].values_under(column, keys, self._heap.row)

    def bucket_size(self, path: int, key: Hashable) -> int:
        """How many there are. O(1)."""
        return self._indexes[path].size(key)


class OwnView(View):
    """A table in a transaction: at the moment of its pin, with its own writes.

    `own` holds rows written over slots of the heap, `base` what these were in the snapshot, `added` the inserted rows at
    their provisional slots, `columns` which columns updates wrote.
    """

    __slots__ = ("base", "columns")

    def __init__(
        self, heap: Heap, indexes: Sequence[Index], maps: Sequence[dict[Any, Any]], lock: Any, pinned: TablePin
    ) -> None:
        super().__init__(heap, indexes, maps, lock, pinned)
        self.own = {}
        self.added = []
        self.base: dict[int, Row | None] = {}
        self.columns: set[int] = set()

    def add(self, rows: Sequence[Row]) -> None:
        """Insert `rows`."""
        slot = len(self.added) + PROVISIONAL
        self.added.extend(rows)
        for path, patch in self.patches.items():
            known = patch.candidates
            for place, key in enumerate(self._indexes[path].keys(rows), slot):
                if key not in known:
                    known[key] = place
                else:
                    patch.add(key, place)
            known.pop(ABSENT, None)

    def held(self, slot: int) -> Undone:
        """What `undo` puts back after a `write` to `slot`."""
        return self.added[slot - PROVISIONAL] if slot >= PROVISIONAL else self.own.get(slot, ABSENT)

    def write(self, slot: int, old: Row | None, new: Row | None) -> None:
        """Put `new` over `old` in `slot`."""
        if slot >= PROVISIONAL:
            self.added[slot - PROVISIONAL] = new
        else:
            self.base.setdefault(slot, old)
            self.own[slot] = new
        if new is not None:
            self.index(slot, new)

    def index(self, slot: int, row: Row) -> None:
        """Let the patches know the keys of `row`."""
        for path, patch in self.patches.items():
            key = self._indexes[path].entry(row)
            if key is not ABSENT:
                patch.add(key, slot)

    def undo(self, slot: int, undone: Undone) -> None:
        """Take one `write` back, the latest first, which may not have happened."""
        if isinstance(undone, Absent):
            self.own.pop(slot, None)
        elif slot >= PROVISIONAL:
            self.added[slot - PROVISIONAL] = undone
        else:
            self.own[slot] = undone
        # A patch that was made since the write has not seen this row.
        if undone is not None and not isinstance(undone, Absent):
            self.index(slot, undone)

    def others(self, path: int, key: Hashable, slot: int) -> list[int]:
        """The slots under `key` besides `slot`."""
        return [other for other in self.bucket_slots(path, key) if other != slot]

    def is_free(self, path: int, key: Hashable) -> bool:
        """Whether surely no row here has `key`; False says that `others` must be asked. O(1)."""
        patch = self.patches.get(path)
        if patch is None or patch.seen != len(self.before):
            if not self.added and not self.own and not self.before:
                return key not in self._maps[path]
            with self._lock:
                fresh = self._fresh(path)
            patch = self._absorb(path, fresh)
        return key not in patch.candidates and key not in self._maps[path]

    def are_free(self, path: int, keys: Sequence[Hashable]) -> bool:
        """As `is_free`, of all `keys`. Linear in their number."""
        if not self.is_free(path, keys[0]) or not self._maps[path].keys().isdisjoint(keys):
            return False
        patch = self.patches.get(path)
        return patch is None or patch.candidates.keys().isdisjoint(keys)

    def changes(self) -> list[Changed]:
        """What is written over the snapshot's rows."""
        base = self.base
        return [(slot, base[slot], row) for slot, row in self.own.items()]

    def inserts(self) -> list[Row]:
        """The inserted rows that are still there, in their order."""
        return [row for row in self.added if row is not None]

    def is_written(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.own or self.added)

    def frozen(self, pinned: TablePin) -> View:
        """This view as it is now, whatever is written here later. Linear in what was written."""
        view = View(self._heap, self._indexes, self._maps, self._lock, pinned)
        view.own = self.own.copy()
        view.added = self.added.copy()
        return view


def _slots_under(entries: Mapping[Hashable, Bucket], keys: Iterable[Hashable]) -> list[int]:
    """The slots under `keys`, in no order."""
    found: list[int] = []
    get = entries.get
    for key in keys:
        bucket = get(key)
        if isinstance(bucket, int):
            found.append(bucket)
        elif bucket is not None:
            found += bucket
    return found


def _latest_rows(bucket: Any, chunks: Mapping[int, Chunk]) -> list[Row]:
    """The rows of an index's bucket in the latest commit, in slot order."""
    if bucket is None:
        return []
    if bucket.__class__ is int:
        return [chunks[bucket >> SHIFT][bucket & MASK]]  # type: ignore[list-item]  # an indexed slot has a row
    slots = bucket if bucket.__class__ is list else sorted(bucket)
    return [chunks[slot >> SHIFT][slot & MASK] for slot in slots]


def _all_below(entries: list[Any], length: int) -> bool:
    """Whether all entries of an index are single slots, and those below `length`."""
    try:
        return bool(max(entries, default=-1) < length)
    except TypeError:
        # Several slots, or none, can be compared with no single one.
        return False


def _number(run: tuple[int, Chunk]) -> int:
    return run[0]


def _apply(chunk: Chunk, patched: list[tuple[int, Row | None]]) -> Chunk:
    rows = chunk.copy()
    longest = max(offset for offset, _ in patched) + 1
    if longest > len(rows):
        rows.extend([None] * (min(longest, CHUNK) - len(rows)))
    for offset, row in patched:
        rows[offset] = row
    return rows
