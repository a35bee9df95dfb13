"""A table in a list, with access paths that are searched by reading it: what generated code is tested on."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import Any

from modelkit.ir.schema import Row, Table
from modelkit.stores.memory.access import AccessPath, access_paths


class ListView:
    """`rows` in slots of their own order; None is a removed row."""

    def __init__(self, table: Table, rows: Sequence[Row | None], chunk: int = 3) -> None:
        self.table = table
        self.slots = list(rows)
        self.chunk = chunk
        self.paths = access_paths(table)
        self.calls: list[str] = []

    def chunks(self) -> Iterable[Sequence[Row | None]]:
        self.calls.append("chunks")
        for start in range(0, len(self.slots), self.chunk):
            yield self.slots[start : start + self.chunk]

    def slotted(self) -> Iterable[tuple[int, Sequence[Row | None]]]:
        self.calls.append("slotted")
        for start in range(0, len(self.slots), self.chunk):
            yield start, self.slots[start : start + self.chunk]

    def row(self, slot: int) -> Row | None:
        return self.slots[slot]

    def rows_in(self, slots: Sequence[int]) -> list[Any]:
        return [self.slots[slot] for slot in slots]

    def slots_under(self, path: int, keys: Iterable[Hashable]) -> list[int]:
        if self.paths[path].unique:
            return sorted(slot for key in keys if (slot := self.find_slot(path, key)) >= 0)
        return sorted(slot for key in keys for slot in self.bucket_slots(path, key))

    def rows_under(self, path: int, keys: Collection[Hashable]) -> list[Any]:
        return self.rows_in(self.slots_under(path, keys))

    def buckets(self, path: int, keys: Sequence[Hashable]) -> list[list[Any]]:
        return [self.bucket(path, key) for key in keys]

    def values_under(self, path: int, column: int, keys: Sequence[Hashable]) -> list[tuple[Any, ...]]:
        return [tuple([row[column] for row in self.bucket(path, key)]) for key in keys]

    def find_slots(self, path: int, keys: Sequence[Hashable]) -> list[int]:
        return [self.find_slot(path, key) for key in keys]

    def size(self) -> int:
        return sum(row is not None for row in self.slots)

    def roughly(self) -> int:
        return self.size()

    def _key(self, path: AccessPath, row: Row) -> Hashable:
        parts = [None if row[c] is None else self.table.columns[c].type.key(row[c]) for c in path.columns]
        return parts[0] if len(parts) == 1 else tuple(parts)

    def _entries(self, number: int) -> Iterator[tuple[Any, int]]:
        path = self.paths[number]
        for slot, row in enumerate(self.slots):
            if row is not None:
                yield self._key(path, row), slot

    def find_slot(self, path: int, key: Hashable) -> int:
        self.calls.append("find")
        assert self.paths[path].unique
        return next((slot for known, slot in self._entries(path) if known == key), -1)

    def find(self, path: int, key: Hashable) -> Row | None:
        slot = self.find_slot(path, key)
        return None if slot < 0 else self.slots[slot]

    def bucket_slots(self, path: int, key: Hashable) -> list[int]:
        self.calls.append("bucket")
        return [slot for known, slot in self._entries(path) if known == key]

    def bucket(self, path: int, key: Hashable) -> list[Row]:
        return [row for slot in self.bucket_slots(path, key) if (row := self.slots[slot]) is not None]

    def bucket_size(self, path: int, key: Hashable) -> int:
        return len(self.bucket_slots(path, key))

    def span_slots(
        self,
        path: int,
        low: Any,
        high: Any,
        *,
        low_open: bool = False,
        high_open: bool = False,
        bounded: tuple[bool, bool] = (True, True),
        reverse: bool = False,
    ) -> Iterator[int]:
        self.calls.append("span")
        found: list[tuple[Any, int]] = []
        absent: list[int] = []
        for key, slot in self._entries(path):
            if key is None:
                absent.append(slot)
                continue
            if bounded[0] and (key < low or (low_open and key == low)):
                continue
            if bounded[1] and (key > high or (high_open and key == high)):
                continue
            found.append((key, slot))
        found.sort(key=lambda entry: entry[0], reverse=reverse)
        slots = [slot for _, slot in found]
        if any(bounded):
            return iter(slots)
        return iter(slots + absent if reverse else absent + slots)

    def span(self, path: int, low: Any, high: Any, *, most: int | None = None, **options: Any) -> Iterator[Row]:
        return (row for slot in self.span_slots(path, low, high, **options) if (row := self.slots[slot]) is not None)
