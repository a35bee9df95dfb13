"""What a transaction read, and whether what others committed since could have been read too.

Knows tables, views and prepared queries. The invariant: where `refuse_changed` returns, every query in the footprint would
find on the latest commit what it found on the transaction's snapshot. It runs nothing that a user wrote: what can only be
judged by that counts as the whole table.

A query of one table is noted as such, with its parameters: noting costs nothing to speak of, and its condition is asked of the
rows that changed. Other queries read through `Recorded` views, which note the keys and ranges asked for. This is backward
validation as in Kung and Robinson's optimistic concurrency control, with predicates in place of sets of objects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from modelkit.errors import DatabaseError, TransactionConflict
from modelkit.ir.expr import Col, Compare, In, Param
from modelkit.ir.schema import Row
from modelkit.stores.base import Params
from modelkit.stores.memory.commit import refuse_conflict
from modelkit.stores.memory.heap import SHIFT, Pin, TablePin
from modelkit.stores.memory.index import ABSENT
from modelkit.stores.memory.plans import Prepared
from modelkit.stores.memory.tables import TableState
from modelkit.stores.memory.view import View

__all__ = ["Footprint", "Recorded"]

Predicate: TypeAlias = Callable[[Row], bool]
Span: TypeAlias = tuple[Any, Any, tuple[bool, bool], tuple[bool, bool]]
"""Low, high, whether each is in the range, whether there is a bound on that side."""

FOLDED: Final = 4096
"""As many queries are noted before they are put together by table."""

MOST_KEYS: Final = 1 << 16
MOST_PREDICATES: Final = 512
"""More than these of one table count as the whole table."""


class TableReads:
    """What was read of one table: all of it, or the rows under keys and in ranges of access paths and those that pass predicates."""

    __slots__ = ("keys", "predicates", "spans", "state", "whole")

    def __init__(self, state: TableState) -> None:
        self.state = state
        self.whole = False
        self.keys: dict[int, set[Hashable]] = {}
        self.spans: dict[int, list[Span]] = {}
        self.predicates: list[Predicate] = []

    def under(self, path: int) -> set[Hashable]:
        """The keys of a path that were asked for, to be added to."""
        found = self.keys.get(path)
        if found is None:
            found = self.keys[path] = set()
            shape = self.state.indexes[path].path
            if (shape.expressions or shape.condition is not None) and not self.state.plain:
                self.whole = True
        elif len(found) > MOST_KEYS:
            self.take_whole()
            return set()
        return found

    def between(self, path: int, span: Span) -> None:
        """A range of a path was asked for."""
        self.under(path)
        spans = self.spans.setdefault(path, [])
        if len(spans) > MOST_PREDICATES:
            self.whole = True
        elif span not in spans:
            spans.append(span)

    def matching(self, predicate: Predicate) -> None:
        """The rows that pass `predicate` were asked for."""
        if len(self.predicates) > MOST_PREDICATES:
            self.take_whole()
        elif not self.whole:
            self.predicates.append(predicate)

    def take_whole(self) -> None:
        """The whole table was asked for."""
        self.whole = True
        self.keys, self.spans, self.predicates = {}, {}, []

    def concerns(self, row: Row) -> bool:
        """Whether `row` would have been read."""
        if self.whole:
            return True
        for path, keys in self.keys.items():
            index = self.state.indexes[path]
            key = index.entry(row)
            if key is not ABSENT and (
                key in keys or any(_within(index, key, span) for span in self.spans.get(path, ()))
            ):
                return True
        return any(_passes(predicate, row) for predicate in self.predicates)


def _passes(predicate: Predicate, row: Row) -> bool:
    try:
        return predicate(row)
    except DatabaseError:
        # The query itself would fail over this row: it matters.
        return True


def _within(index: Any, key: Any, span: Span) -> bool:
    low, high, inclusive, bounded = span
    if index.is_null(key):
        return bounded == (False, False)
    order = index.order
    own = order(key)
    if bounded[0] and (own < order(low) or (own == order(low) and not inclusive[0])):
        return False
    return not (bounded[1] and (own > order(high) or (own == order(high) and not inclusive[1])))


class Footprint:
    """What a transaction read: `noted`, and what was put together by table."""

    __slots__ = ("noted", "tables")

    def __init__(self) -> None:
        self.noted: list[tuple[Prepared, Params]] = []
        """Queries of one table each."""
        self.tables: dict[TableState, TableReads] = {}

    def note(self, entry: Prepared, params: Params) -> None:
        """A query of one table was run."""
        self.noted.append((entry, params))
        if len(self.noted) > FOLDED:
            self._fold()

    def of(self, state: TableState) -> TableReads:
        """What was read of a table, to be added to."""
        return self.tables.get(state) or self.tables.setdefault(state, TableReads(state))

    def recorded(self, entry: Prepared, params: Params, views: Sequence[View]) -> list[Recorded]:
        """The views of a query, which note what is read through them."""
        return [
            Recorded(view, self.of(state), entry if state is entry.root and entry.local else None, params)
            for state, view in zip(entry.states, views, strict=True)
        ]

    def _fold(self) -> None:
        seen: set[Hashable] = set()
        for entry, params in self.noted:
            state = entry.root
            assert state is not None, "only flat queries are noted"
            reads = self.of(state)
            if reads.whole:
                continue
            keys = _keys_asked(entry, params)
            if keys is not None:
                reads.under(0).update(keys)
            elif not entry.local:
                reads.take_whole()
            elif _is_new(seen, entry, params):
                reads.matching(entry.condition(params))
        self.noted = []

    def refuse_changed(self, pin: Pin) -> None:
        """Raise TransactionConflict where others changed, since `pin`, a row that was read or would be. Under the lock.

        Linear in what was changed, and in what was read where anything of it was.
        """
        read = {entry.root for entry, _ in self.noted} | self.tables.keys()
        touched = {
            state: pinned
            for state in read
            if state is not None and (pinned := pin.tables.get(state.heap)) is not None and _is_touched(state, pinned)
        }
        if not touched:
            return
        self._fold()
        for state, pinned in touched.items():
            reads = self.tables[state]
            if state.replaced:
                raise TransactionConflict(
                    f"{state.label}, which this transaction read, was defined anew meanwhile: nothing was saved.",
                    model=state.label,
                    kind="read",
                )
            for old, new in _changed(state, pinned):
                for row in (old, new):
                    if row is not None and reads.concerns(row):
                        refuse_conflict(state, row, "read")


def _is_new(seen: set[Hashable], entry: Prepared, params: Params) -> bool:
    try:
        known = (entry, params) in seen
        seen.add((entry, params))
    except TypeError:
        return True
    return not known


def _keys_asked(entry: Prepared, params: Params) -> Collection[Hashable] | None:
    """The primary keys by which `entry` finds its rows; None where it finds them otherwise."""
    state = entry.root
    if state is None or not state.key:
        return None
    equal: dict[int, Hashable] = {}
    for condition in entry.local:
        match condition:
            case Compare(op="eq", left=Col(column=column), right=Param() as right) if column in state.key:
                type_ = state.columns[column].type
                if type(right.type) is type(type_):
                    value = params[right.slot]
                    equal[column] = None if value is None else type_.key(value)
            case In(item=Col(column=column), choices=Param() as choices) if (column,) == state.key:
                type_ = state.columns[column].type
                if type(choices.type) is type(type_):
                    return list(map(type_.key, params[choices.slot]))
            case _:
                pass
    if len(equal) < len(state.key):
        return None
    key = [equal[column] for column in state.key]
    return () if None in key else (tuple(key) if len(key) > 1 else key[0],)


def _is_touched(state: TableState, pinned: TablePin) -> bool:
    return bool(pinned.before) or state.heap.length > pinned.length or state.replaced


def _changed(state: TableState, pinned: TablePin) -> Iterator[tuple[Row | None, Row | None]]:
    """The rows as they were and as they are, where others changed them."""
    heap = state.heap
    for slot, old in list(pinned.before.items()):
        new = heap.row(slot)
        if new is not old:
            yield old, new
    for number, chunk in heap.runs():
        base = number << SHIFT
        if base + len(chunk) > pinned.length:
            for row in chunk[max(0, pinned.length - base) :]:
                yield None, row


class Recorded:
    """A view that notes what is read through it. See `access.TableView`.

    `entry`: the query whose conditions on this table alone say which rows of a scan matter; None where all do.
    """

    __slots__ = ("_entry", "_find", "_params", "_reads", "_view")

    def __init__(self, view: View, reads: TableReads, entry: Prepared | None, params: Params) -> None:
        self._view = view
        self._reads = reads
        self._entry = entry
        self._params = params
        self._find = view.find

    def _scanned(self) -> None:
        if self._entry is None:
            self._reads.take_whole()
        else:
            self._reads.matching(self._entry.condition(self._params))
            self._entry = None if self._reads.whole else self._entry

    def chunks(self) -> Iterable[Sequence[Row | None]]:
        """As the view's; a scan."""
        self._scanned()
        return self._view.chunks()

    def slotted(self) -> Iterable[tuple[int, Sequence[Row | None]]]:
        """As the view's; a scan."""
        self._scanned()
        return self._view.slotted()

    def row(self, slot: int) -> Row | None:
        """As the view's: slots are found by what is noted."""
        return self._view.row(slot)

    def rows_in(self, slots: Sequence[int]) -> list[Row]:
        """As the view's: slots are found by what is noted."""
        return self._view.rows_in(slots)

    def size(self) -> int:
        """As the view's; a scan."""
        self._scanned()
        return self._view.size()

    def roughly(self) -> int:
        """As the view's: nothing depends on it."""
        return self._view.roughly()

    def find(self, path: int, key: Hashable) -> Row | None:
        """As the view's; a key."""
        self._reads.under(path).add(key)
        return self._find(path, key)

    def find_slot(self, path: int, key: Hashable) -> int:
        """As the view's; a key."""
        self._reads.under(path).add(key)
        return self._view.find_slot(path, key)

    def bucket(self, path: int, key: Hashable) -> list[Row]:
        """As the view's; a key."""
        self._reads.under(path).add(key)
        return self._view.bucket(path, key)

    def bucket_slots(self, path: int, key: Hashable) -> list[int]:
        """As the view's; a key."""
        self._reads.under(path).add(key)
        return self._view.bucket_slots(path, key)

    def bucket_size(self, path: int, key: Hashable) -> int:
        """As the view's; a key."""
        self._reads.under(path).add(key)
        return self._view.bucket_size(path, key)

    def slots_under(self, path: int, keys: Iterable[Hashable]) -> list[int]:
        """As the view's; keys."""
        asked = keys if isinstance(keys, Collection) else list(keys)
        self._reads.under(path).update(asked)
        return self._view.slots_under(path, asked)

    def rows_under(self, path: int, keys: Collection[Hashable]) -> list[Row]:
        """As the view's; keys."""
        self._reads.under(path).update(keys)
        return self._view.rows_under(path, keys)

    def buckets(self, path: int, keys: Sequence[Hashable]) -> list[list[Row]]:
        """As the view's; keys."""
        self._reads.under(path).update(keys)
        return self._view.buckets(path, keys)

    def values_under(self, path: int, column: int, keys: Sequence[Hashable]) -> list[tuple[Any, ...]]:
        """As the view's; keys."""
        self._reads.under(path).update(keys)
        return self._view.values_under(path, column, keys)

    def find_slots(self, path: int, keys: Sequence[Hashable]) -> list[int]:
        """As the view's; keys."""
        self._reads.under(path).update(keys)
        return self._view.find_slots(path, keys)

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
        """As the view's; a range."""
        self._reads.between(path, (low, high, (not low_open, not high_open), bounded))
        return self._view.span(
            path, low, high, low_open=low_open, high_open=high_open, bounded=bounded, reverse=reverse, most=most
        )

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
        """As the view's; a range."""
        self._reads.between(path, (low, high, (not low_open, not high_open), bounded))
        return self._view.span_slots(
            path, low, high, low_open=low_open, high_open=high_open, bounded=bounded, reverse=reverse
        )
