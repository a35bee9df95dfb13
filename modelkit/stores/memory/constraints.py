"""Whether a set of writes may be published: unique keys and references, judged on the net effect on the latest commit.

Knows tables, their indexes and what is about to change in them; it writes nothing. The invariant: where `validate`
returns, publishing these writes at once breaks no constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NoReturn, Self, TypeAlias

from modelkit.errors import ConcurrentIntegrityError, IntegrityError
from modelkit.ir.schema import Row
from modelkit.stores.memory.heap import Changed
from modelkit.stores.memory.index import ABSENT, Bucket, Index
from modelkit.stores.memory.rows import shown
from modelkit.stores.memory.tables import Link, TableState, UniqueRule
from modelkit.stores.memory.view import View

__all__ = ["Delta", "TableWrites", "Viewed", "validate"]

Viewed: TypeAlias = Callable[[TableState], View | None]
"""What the writer could see of a table; None: the latest commit itself."""


class Delta:
    """What writes do to one index, in parallel lists: keys taken from slots, keys given to slots, keys of inserted rows."""

    __slots__ = ("added", "added_slots", "fresh", "gained", "index", "released", "removed", "removed_slots")

    def __init__(
        self,
        index: Index,
        fresh: Sequence[Any] = (),
        removed: Sequence[Any] = (),
        removed_slots: Sequence[int] = (),
    ) -> None:
        self.index = index
        self.removed = removed
        self.removed_slots = removed_slots
        self.added: Sequence[Any] = ()
        self.added_slots: Sequence[int] = ()
        self.fresh = fresh
        self.gained: set[Hashable] | None = None
        self.released: set[tuple[Hashable, int]] | None = None

    def gains_any(self) -> bool:
        """Whether a row comes under any key."""
        return bool(self.added or self.fresh)

    def gains(self, key: Hashable) -> bool:
        """Whether a row comes under `key`."""
        if self.gained is None:
            self.gained = {*self.added, *self.fresh}
        return key in self.gained

    def releases(self, key: Hashable, slot: int) -> bool:
        """Whether the row in `slot` leaves `key`."""
        if self.released is None:
            self.released = set(zip(self.removed, self.removed_slots, strict=True))
        return (key, slot) in self.released

    def compare(self, slots: Sequence[int], before: list[Any], after: list[Any]) -> None:
        """Take in how the entries of changed slots were and will be; ABSENT where there is none."""
        if before == after:
            return
        self.removed, self.removed_slots = removed, removed_slots = list[Any](), list[int]()
        self.added, self.added_slots = added, added_slots = list[Any](), list[int]()
        for slot, old, new in zip(slots, before, after, strict=True):
            if old == new:
                continue
            if old is not ABSENT:
                removed.append(old)
                removed_slots.append(slot)
            if new is not ABSENT:
                added.append(new)
                added_slots.append(slot)


class TableWrites:
    """What is written to one table: changed slots, inserted rows, and what follows for its indexes.

    Made outside the lock, since keys may run a user's function. `columns`: those that updates wrote, if nothing is
    removed; None says nothing. `first` (the slot of the first inserted row), `slots` and `live` are set under the lock,
    just before validation. `removes`: rows are removed, and nothing else is written.
    """

    __slots__ = ("changes", "columns", "deltas", "first", "inserts", "live", "removes", "slots", "state")

    def __init__(
        self, state: TableState, changes: Sequence[Changed], inserts: Sequence[Row], columns: frozenset[int] | None
    ) -> None:
        self.state = state
        self.changes = changes
        self.inserts = inserts
        self.columns = columns
        self.removes = False
        self.first = self.live = 0
        self.slots: list[int] = []
        self.deltas: dict[Index, Delta] = {}
        concerned = [index for index in state.indexes if columns is None or index.reads & columns] if changes else []
        if inserts:
            self.deltas = {index: Delta(index, index.keys(inserts)) for index in state.indexes}
        if concerned:
            self._compare(concerned)

    @classmethod
    def removing(cls, state: TableState, found: Sequence[tuple[int, Row]]) -> Self:
        """What removing rows, `found` with their slots, writes."""
        slots, rows = zip(*found, strict=True)
        made = cls(state, (), (), None)
        made.changes = list(zip(slots, rows, repeat(None)))
        made._remove(state.indexes, slots, rows)
        return made

    def _remove(self, indexes: Iterable[Index], slots: Sequence[int], rows: Sequence[Row]) -> None:
        """All that is written is that `rows` leave `slots`."""
        self.removes = True
        for index in indexes:
            if index.condition is None:
                self.deltas[index] = Delta(index, (), index.keys(rows), slots)
            else:
                self._add(Delta(index), slots, _entries(index, rows), [ABSENT] * len(rows))

    def _add(self, delta: Delta, slots: Sequence[int], before: list[Any], after: list[Any]) -> None:
        delta.compare(slots, before, after)
        if delta.removed or delta.added:
            self.deltas[delta.index] = delta

    def _compare(self, indexes: Sequence[Index]) -> None:
        changes = self.changes
        slots = [slot for slot, _, _ in changes]
        old = [row for _, row, _ in changes]
        new = [row for _, _, row in changes]
        # A row has columns: it is true.
        if not self.inserts and not any(new) and all(old):
            self._remove(indexes, slots, old)  # type: ignore[arg-type]  # as the line above says
            return
        for index in indexes:
            self._add(self.deltas.get(index) or Delta(index), slots, _entries(index, old), _entries(index, new))

    def place(self) -> None:
        """Give the inserted rows their slots."""
        self.first = self.state.heap.length
        self.live = self.state.heap.live
        self.slots = list(range(self.first, self.first + len(self.inserts)))

    def row(self, slot: int) -> Row | None:
        """The row that will stand in `slot`. Linear in the changes: for messages."""
        if slot >= self.first:
            return self.inserts[slot - self.first]
        for changed, _, new in self.changes:
            if changed == slot:
                return new
        return self.state.heap.row(slot)


def _entries(index: Index, rows: Sequence[Row | None]) -> list[Any]:
    if None not in rows:
        return index.keys(rows)  # type: ignore[arg-type]  # as the line above says
    entry = index.entry
    return [ABSENT if row is None else entry(row) for row in rows]


def validate(writes: Sequence[TableWrites], viewed: Viewed) -> None:
    """Raise IntegrityError where publishing `writes` would break a unique key or a reference.

    Linear in the writes. Under the lock; the writes are placed.
    """
    by_state = {written.state: written for written in writes}
    for written in writes:
        for rule in written.state.uniques:
            delta = written.deltas.get(rule.index)
            if delta is not None and (delta.added or delta.fresh):
                _check_unique(written, delta, rule, viewed)
    for written in writes:
        for link in written.state.links:
            delta = written.deltas.get(link.child_index)
            if delta is not None and (delta.added or delta.fresh):
                _check_parents(written, delta, link, by_state.get(link.parent), viewed)
        for link in written.state.linked:
            delta = written.deltas.get(link.parent_index)
            if delta is not None and delta.removed:
                _check_children(delta, link, by_state.get(link.child), viewed)


def _slots(bucket: Bucket | None) -> Sequence[int]:
    if bucket is None:
        return ()
    return (bucket,) if isinstance(bucket, int) else list(bucket)


def _check_unique(written: TableWrites, delta: Delta, rule: UniqueRule, viewed: Viewed) -> None:
    index, fresh = delta.index, delta.fresh
    entries = index.entries
    surely = not delta.added and not delta.removed and not index.nullable and index.condition is None
    if surely and entries.keys().isdisjoint(fresh) and len(set(fresh)) == len(fresh):
        return
    taken: dict[Hashable, int] = {}
    for key, slot in zip([*delta.added, *fresh], [*delta.added_slots, *(written.slots if fresh else ())], strict=True):
        if key is ABSENT or (rule.nulls_distinct and index.nullable and index.is_null(key)):
            continue
        holder = taken.get(key)
        if holder is None:
            holder = next((other for other in _slots(entries.get(key)) if not delta.releases(key, other)), None)
        if holder is not None and holder != slot:
            row = written.row(slot)
            assert row is not None
            other = written.row(holder)
            refuse_duplicate(
                written.state, rule, row, other, concurrent=_came_since(written.state, holder, other, viewed)
            )
        taken[key] = slot


def _came_since(state: TableState, slot: int, row: Row | None, viewed: Viewed) -> bool:
    """Whether the writer could not see `row` in `slot`: another transaction committed it since."""
    view = viewed(state)
    if view is None or row is None or slot >= state.heap.length:
        return False
    if slot >= view.length:
        return True
    return slot in view.before


def refuse_duplicate(
    state: TableState, rule: UniqueRule, row: Row, other: Row | None, *, concurrent: bool = False
) -> NoReturn:
    """Raise for `row`, whose key under `rule` is `other`'s already."""
    places = rule.index.path.columns or tuple(sorted(rule.index.reads))
    columns = [state.columns[place] for place in places]
    values = [row[place] for place in places]
    names = state.names(places)
    key = None if other is None or not state.key else state.key_of(other)
    holder = (
        f"{state.label} {shown([state.columns[place] for place in state.key], _parts(state, key))}"
        if state.key
        else "a row"
    )
    message = (
        f"{state.label}.{', '.join(names)} = {shown(columns, values)} is taken already, by {holder} (unique: {rule.name})."
        if other is not None and key != state.key_of(row)
        else f"{state.label}.{', '.join(names)} = {shown(columns, values)} is taken already (unique: {rule.name})."
    )
    _refuse(message, state, "unique", rule.name, names, values, key, concurrent=concurrent)


def _parts(state: TableState, key: Any) -> tuple[Any, ...]:
    if len(state.key) > 1:
        return tuple(key) if key is not None else (None,) * len(state.key)
    return (key,)


def _refuse(
    message: str,
    state: TableState,
    kind: str,
    constraint: str,
    names: Sequence[str],
    values: Sequence[Any],
    key: Any,
    *,
    concurrent: bool,
) -> NoReturn:
    if concurrent:
        raise ConcurrentIntegrityError(
            f"{message} Another transaction committed this since the snapshot: nothing was saved; "
            "run the whole transaction again (retry() does).",
            model=state.label,
            kind=kind,
            constraint=constraint,
            fields=names,
            values=values,
            conflicting_pk=key,
        )
    raise IntegrityError(
        message,
        model=state.label,
        kind=kind,
        constraint=constraint,
        fields=names,
        values=values,
        conflicting_pk=key,
    )


def _check_parents(written: TableWrites, delta: Delta, link: Link, parents: TableWrites | None, viewed: Viewed) -> None:
    """Every key that a child now has must be a parent's."""
    index = delta.index
    given = parents.deltas.get(link.parent_index) if parents is not None else None
    entries = link.parent_index.entries
    wanted = {*delta.added, *delta.fresh}
    missing = wanted if given is not None and given.removed else wanted.difference(entries)
    for key in missing:
        if index.nullable and index.is_null(key):
            continue
        if given is not None and given.gains(key):
            continue
        if any(given is None or not given.releases(key, slot) for slot in _slots(entries.get(key))):
            continue
        row = next(row for row in _new_rows(written) if index.key(row) == key)
        view = viewed(link.parent)
        seen = view is not None and _is_seen(view, link.parent_index, key)
        refuse_orphan(link, row, concurrent=seen)


def _is_seen(view: View, index: Index, key: Hashable) -> bool:
    return bool(view.bucket_slots(index.path.number, key))


def _new_rows(written: TableWrites) -> Iterator[Row]:
    for _, _, new in written.changes:
        if new is not None:
            yield new
    yield from written.inserts


def refuse_orphan(link: Link, row: Row, *, concurrent: bool = False) -> NoReturn:
    """Raise for `row` of the child, whose parent does not exist."""
    state, reference = link.child, link.reference
    columns = [state.columns[place] for place in reference.columns]
    values = [row[place] for place in reference.columns]
    names = state.names(reference.columns)
    targets = ", ".join(link.parent.names(reference.target_columns))
    message = (
        f"{state.label}.{', '.join(names)} = {shown(columns, values)} refers to no {link.parent.label}: "
        f"none has that {targets} (reference: {reference.name})."
    )
    _refuse(message, state, "reference", reference.name, names, values, None, concurrent=concurrent)


def _check_children(delta: Delta, link: Link, children: TableWrites | None, viewed: Viewed) -> None:
    """A key that a parent no longer has must be no child's."""
    entries = link.child_index.entries
    own = children.deltas.get(link.child_index) if children is not None else None
    if (own is None or not own.gains_any()) and _all_leave(delta.removed, entries, own):
        return
    kept = delta.index.entries
    for key in delta.removed:
        bucket = entries.get(key)
        if bucket is None and own is None:
            continue
        if delta.index.nullable and delta.index.is_null(key):
            continue
        if delta.gains(key) or any(not delta.releases(key, slot) for slot in _slots(kept.get(key))):
            continue
        slot = next((slot for slot in _slots(bucket) if own is None or not own.releases(key, slot)), None)
        if slot is not None:
            child = link.child.heap.row(slot)
        elif own is not None and children is not None and own.gains(key):
            given = zip([*own.added, *own.fresh], [*own.added_slots, *children.slots], strict=False)
            slot = next(slot for other, slot in given if other == key)
            child = children.row(slot)
        else:
            continue
        assert child is not None
        refuse_deletion(link, child, concurrent=_came_since(link.child, slot, child, viewed))


def _all_leave(keys: Iterable[Hashable], entries: Mapping[Hashable, Bucket], leaving: Delta | None) -> bool:
    """Whether no row stays under one of `keys`; False also where that cannot be told at a glance."""
    found: list[int] = []
    for key in keys:
        bucket = entries.get(key)
        if isinstance(bucket, int):
            found.append(bucket)
        elif bucket is not None:
            found += bucket
    return not found or (leaving is not None and set(leaving.removed_slots).issuperset(found))


def refuse_deletion(link: Link, child: Row, *, concurrent: bool = False) -> NoReturn:
    """Raise for a parent's row that goes, or changes its key, while `child` refers to it."""
    state, reference = link.child, link.reference
    names = state.names(reference.columns)
    values = [child[place] for place in reference.columns]
    key = state.key_of(child)
    columns = [state.columns[place] for place in reference.columns]
    which = shown([state.columns[place] for place in state.key], _parts(state, key)) if state.key else "a row"
    message = (
        f"{link.parent.label} {shown(columns, values)} cannot be removed or renamed: {state.label} {which} refers to it "
        f"by {', '.join(names)} (reference: {reference.name})."
    )
    _refuse(message, state, "reference", reference.name, names, values, key, concurrent=concurrent)
