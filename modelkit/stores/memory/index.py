"""Hash indexes of the latest commit, with sorted companions.

Knows slots and keys; how a row gives its key is handed in. The invariant: the slots under a key, and the values that are
kept beside it, are exactly those of the rows that have it in the latest commit. Older views re-check what they find
(`view.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias, cast, final

from sortedcontainers import SortedKeyList, SortedList

from modelkit.ir.schema import Row
from modelkit.stores.memory.access import AccessPath

__all__ = ["ABSENT", "BARE", "Absent", "Bucket", "Index", "IndexKey"]


@final
class Absent:
    """Stands for the key of a row that an index leaves out, and for the row of a slot that was never written."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()

Bucket: TypeAlias = int | list[int] | dict[int, None]
"""The slots under one key: one bare slot (an index of distinct values costs no container each), a sorted list, or where
there are many a dict, which forgets one without moving the others; sorted when it is read."""

IndexKey: TypeAlias = Callable[[Row], Any]

LISTED: Final = 256
SPARSE: Final = 64
"""A bucket of fewer slots is a list again."""
BARE: Final = {int}
MOST_BESIDE: Final = 1 << 16
"""Beside more keys than these no values are kept."""
REBUILD: Final = 6
"""A companion is sorted anew where more than one key in this many changed since its last use."""


class Index:
    """One access path's rows by key. NULLs of a unique path always stand in a container, so that `find` passes them by.

    `key` gives a row's key, `condition` (partial indexes) whether it is kept; `composite`: keys are tuples; `nullable`:
    a key may be or hold None. `beside` keeps, by column, what rows under a key hold there, as `values_under` asked for it.
    """

    __slots__ = (
        "_ordered",
        "_touched",
        "beside",
        "composite",
        "condition",
        "entries",
        "key",
        "nullable",
        "path",
        "reads",
    )

    def __init__(
        self,
        path: AccessPath,
        key: IndexKey,
        condition: IndexKey | None,
        *,
        composite: bool,
        nullable: bool,
        reads: frozenset[int],
    ) -> None:
        self.path = path
        self.key = key
        self.condition = condition
        self.composite = composite
        self.nullable = nullable
        self.reads = reads
        self.entries: dict[Hashable, Bucket] = {}
        self.beside: dict[int, dict[Hashable, tuple[Any, ...]]] = {}
        self._ordered: SortedList[Any] | SortedKeyList[Any, Any] | None = None
        self._touched: dict[Hashable, None] = {}

    def entry(self, row: Row) -> Any:
        """The key of `row`, ABSENT where the index leaves it out."""
        if self.condition is not None and self.condition(row) is not True:
            return ABSENT
        return self.key(row)

    def keys(self, rows: Iterable[Row]) -> list[Any]:
        """The entries of `rows`, in their order."""
        if self.condition is None:
            return list(map(self.key, rows))
        return [self.entry(row) for row in rows]

    def is_null(self, key: Hashable) -> bool:
        """Whether `key` is NULL or holds one."""
        return (None in key) if self.composite else key is None  # type: ignore[operator]  # a composite key is a tuple

    def slots(self, key: Hashable) -> list[int]:
        """A new list of the slots under `key`, in order. O(k log k)."""
        bucket = self.entries.get(key)
        if bucket is None:
            return []
        return [bucket] if isinstance(bucket, int) else sorted(bucket)

    def size(self, key: Hashable) -> int:
        """How many slots there are under `key`. O(1)."""
        bucket = self.entries.get(key)
        if bucket is None:
            return 0
        return 1 if isinstance(bucket, int) else len(bucket)

    def values_under(self, column: int, keys: Sequence[Hashable], row: Callable[[int], Any]) -> list[tuple[Any, ...]]:
        """For each of `keys` what `column` holds in the rows under it, in slot order; `row` gives the row in a slot.

        It is kept until a row under the key is written: rows of a table between two others are read for nothing else. O(1)
        for a key then, O(k log k) before. To be called for a column that some index reads, so that whoever writes it tells.
        """
        beside = self.beside.get(column)
        if beside is None or len(beside) > MOST_BESIDE:
            beside = self.beside[column] = {}
        found: list[Any] = list(map(beside.get, keys))
        if not all(found):
            for place, key in enumerate(keys):
                if found[place] is None:
                    values = found[place] = tuple([row(slot)[column] for slot in self.slots(key)])
                    # Nothing is kept for a key that has no rows: whoever adds the first does not ask.
                    if values:
                        beside[key] = values
        return found

    def keeps_beside(self, columns: frozenset[int] | None) -> bool:
        """Whether what is kept beside keys may change where `columns` (None: any) are written."""
        return columns is None or not columns.isdisjoint([*self.beside, *self.reads])

    def forget_beside(self, keys: Iterable[Hashable]) -> None:
        """Forget the values beside `keys`. Linear."""
        for beside in self.beside.values():
            for key in keys:
                beside.pop(key, None)

    def add(self, key: Hashable, slot: int) -> None:
        """Put `slot` under `key`, where it may stand already."""
        if self.beside:
            self.forget_beside((key,))
        bucket = self.entries.get(key)
        if bucket is None:
            if self.nullable and self.path.unique and self.is_null(key):
                self.entries[key] = [slot]
            else:
                self.entries[key] = slot
            if self._ordered is not None:
                self._touch(key)
        elif isinstance(bucket, int):
            if bucket != slot:
                self.entries[key] = [bucket, slot] if bucket < slot else [slot, bucket]
        elif isinstance(bucket, dict):
            bucket[slot] = None
        elif bucket[-1] < slot:
            bucket.append(slot)
            if len(bucket) > LISTED:
                self.entries[key] = dict.fromkeys(bucket)
        else:
            place = bisect_left(bucket, slot)
            if bucket[place] != slot:
                bucket.insert(place, slot)

    def add_many(self, keys: Sequence[Hashable], slots: Sequence[int]) -> None:
        """Put each of `slots` under its key; `keys` may hold ABSENT. Linear."""
        if self.path.unique and not self.nullable and self.condition is None:
            self.entries.update(zip(keys, slots, strict=True))
            if self._ordered is not None:
                for key in keys:
                    self._touch(key)
            return
        entries, add = self.entries, self.add
        bare = self._ordered is None and not (self.nullable and self.path.unique)
        for key, slot in zip(keys, slots, strict=True):
            if key is ABSENT:
                continue
            if bare and key not in entries:
                entries[key] = slot
            else:
                add(key, slot)

    def discard(self, key: Hashable, slot: int) -> None:
        """Take `slot` away from under `key`, where it may be gone already."""
        bucket = self.entries.get(key)
        if bucket is None:
            return
        if isinstance(bucket, int):
            if bucket == slot:
                self._forget(key)
        elif isinstance(bucket, dict):
            bucket.pop(slot, None)
            if len(bucket) < SPARSE:
                self.entries[key] = sorted(bucket)
        else:
            place = bisect_left(bucket, slot)
            if place < len(bucket) and bucket[place] == slot:
                if len(bucket) == 1:
                    self._forget(key)
                elif len(bucket) == 2 and not (self.nullable and self.path.unique and self.is_null(key)):
                    self.entries[key] = bucket[1 - place]
                else:
                    del bucket[place]

    def discard_many(self, keys: Sequence[Hashable], slots: Sequence[int]) -> None:
        """Take each of `slots` away from under its key. Linear."""
        entries, discard = self.entries, self.discard
        if self.path.unique and not self.nullable and self.condition is None:
            # Whatever stands under such a key is the slot that leaves it: new ones are added after.
            pop = entries.pop
            for key in keys:
                pop(key, None)
            if self._ordered is not None:
                for key in keys:
                    self._touch(key)
            return
        bare = self._ordered is None
        lone_in_list = self.nullable and self.path.unique
        get = entries.get
        for key, slot in zip(keys, slots, strict=True):
            bucket: Any = get(key)
            kind = bucket.__class__
            if kind is dict and len(bucket) > SPARSE:
                bucket.pop(slot, None)
            elif kind is list and bucket[0] == slot and not lone_in_list:
                if len(bucket) > 2:
                    del bucket[0]
                else:
                    entries[key] = bucket[1]
            elif bare and bucket == slot:
                del entries[key]
            else:
                discard(key, slot)

    def _forget(self, key: Hashable) -> None:
        del self.entries[key]
        if self._ordered is not None:
            self._touch(key)

    def _touch(self, key: Hashable) -> None:
        touched = self._touched
        touched[key] = None
        if len(touched) > LISTED and len(touched) * REBUILD > len(self.entries):
            self.unsort()

    def clear(self) -> None:
        """Forget all entries."""
        self.entries.clear()
        self.beside = {}
        self.unsort()

    def unsort(self) -> None:
        """Drop the sorted companion; the next span builds it anew."""
        self._ordered = None
        self._touched = {}

    def order(self, key: Any) -> Any:
        """What keys are sorted by: the key itself, or where parts of it may be None a form that sorts these first."""
        if self.composite and self.nullable:
            return tuple([(part is not None, part) for part in key])
        return key

    def span(
        self, low: Any, high: Any, inclusive: tuple[bool, bool], *, reverse: bool, count: int
    ) -> tuple[list[tuple[Any, list[int]]], Any]:
        """The first keys between `low` and `high` (None: unbounded) with their slots, until there are `count` slots.

        And the last key, None where there is nothing behind it. A lone NULL is not among them.
        O(n log n) at the first use and after bulk loads, O(log n + count) then.
        """
        found: list[tuple[Any, list[int]]] = []
        total = 0
        for key in self._sorted().irange(low, high, inclusive, reverse):
            if total >= count:
                return found, found[-1][0]
            slots = self.slots(key)
            found.append((key, slots))
            total += len(slots)
        return found, None

    def span_slots(
        self, low: Any, high: Any, inclusive: tuple[bool, bool], *, reverse: bool, count: int
    ) -> tuple[list[int], Any]:
        """As `span`, the slots alone."""
        keys = list(islice(self._sorted().irange(low, high, inclusive, reverse), count))
        last = keys[-1] if len(keys) == count else None
        buckets = list(map(self.entries.__getitem__, keys))
        if set(map(type, buckets)) <= BARE:
            return cast("list[int]", buckets), last
        found: list[int] = []
        for key, bucket in zip(keys, buckets, strict=True):
            if isinstance(bucket, int):
                found.append(bucket)
            else:
                found += sorted(bucket)
            if len(found) >= count:
                return found, key
        return found, last

    def _sorted(self) -> SortedList[Any] | SortedKeyList[Any, Any]:
        ordered, touched = self._ordered, self._touched
        if ordered is None or len(touched) * REBUILD > len(self.entries):
            self.unsort()
            keys: Iterator[Any] = iter(self.entries)
            if self.composite and self.nullable:
                ordered = SortedKeyList(keys, key=self.order)
            elif self.composite or not self.nullable:
                ordered = SortedList(keys)
            else:
                ordered = SortedList([key for key in keys if key is not None])
            self._ordered = ordered
        elif touched:
            # An interrupt in the middle leaves no companion rather than a broken one.
            self._ordered = None
            for key in touched:
                if key is None:
                    continue
                if key in self.entries:
                    if key not in ordered:
                        ordered.add(key)
                else:
                    ordered.discard(key)
            self._touched = {}
            self._ordered = ordered
        return ordered

    def _check(self, rows: Iterable[tuple[int, Row]]) -> None:
        expected: dict[Any, list[int]] = {}
        held: dict[Any, list[Row]] = {}
        for slot, row in rows:
            key = self.entry(row)
            if key is not ABSENT:
                expected.setdefault(key, []).append(slot)
                held.setdefault(key, []).append(row)
        assert expected == {key: self.slots(key) for key in self.entries}, f"{self.path.name}: entries"
        for key, bucket in self.entries.items():
            if isinstance(bucket, list):
                assert bucket == sorted(bucket), f"{self.path.name}: a list out of order"
            elif isinstance(bucket, int) and self.path.unique:
                assert not self.is_null(key), f"{self.path.name}: a bare NULL"
        for column, beside in self.beside.items():
            for key, values in beside.items():
                assert values == tuple([row[column] for row in held[key]]), f"{self.path.name}: stale values"
        if self._ordered is not None:
            ordered = self._sorted()
            ordered._check()  # type: ignore[attr-defined]  # the stubs leave it out
            known = [key for key in self.entries if self.composite or key is not None]
            assert list(ordered) == sorted(known, key=self.order), f"{self.path.name}: the companion"
