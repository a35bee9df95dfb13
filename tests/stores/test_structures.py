"""Heaps, indexes and views by themselves: each keeps its invariant through long random runs."""

from __future__ import annotations

import random
from threading import RLock

import pytest

from modelkit.stores.memory.access import AccessPath
from modelkit.stores.memory.heap import CHUNK, Heap, Pin, note
from modelkit.stores.memory.index import LISTED, Index
from modelkit.stores.memory.view import OwnView, View


def index_over(place, *, unique=False, nullable=True):
    return Index(
        AccessPath(0, (place,), unique),
        lambda row: row[place],
        None,
        composite=False,
        nullable=nullable,
        reads=frozenset({place}),
    )


def pair_index():
    return Index(
        AccessPath(0, (1, 2)),
        lambda row: (row[1], row[2]),
        None,
        composite=True,
        nullable=True,
        reads=frozenset({1, 2}),
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_heap_survives_random_writes(seed):
    print("seed", seed)
    rng = random.Random(seed)
    heap, model = Heap(), {}
    for step in range(400):
        if rng.random() < 0.5:
            rows = [(step, number) for number in range(rng.choice([1, 2, 5, 300]))]
            first = heap.length
            if len(rows) == 1:
                heap.append(first, rows[0])
                heap.append(first, rows[0])
            else:
                heap.extend(first, rows)
                heap.extend(first, rows)
            model.update(enumerate(rows, first))
        else:
            slots = rng.sample(sorted(model), min(len(model), rng.choice([1, 10, 400])))
            gone = rng.random() < 0.6
            changes = [(slot, model[slot], None if gone else (step, slot)) for slot in slots]
            copy = rng.random() < 0.5
            heap.replace(changes, copy=copy)
            heap.replace(changes, copy=copy)
            for slot, _, new in changes:
                if new is None:
                    del model[slot]
                else:
                    model[slot] = new
            if gone and rng.random() < 0.3:
                back = [(slot, None, old) for slot, old, _ in changes]
                heap.replace(back, copy=copy)
                model.update((slot, old) for slot, _, old in back)
        heap.live = len(model)
        heap._check()
    assert {slot: heap.row(slot) for slot in model} == model
    assert heap.row(heap.length) is None


def test_an_emptied_chunk_is_dropped_and_comes_back_in_its_place():
    heap = Heap()
    rows = [(number,) for number in range(3 * CHUNK)]
    heap.extend(0, rows)
    middle = [(slot, rows[slot], None) for slot in range(CHUNK, 2 * CHUNK)]
    heap.replace(middle, copy=False)
    assert list(heap.chunks) == [0, 2]
    heap.replace([(CHUNK + 5, None, (1,))], copy=True)
    assert list(heap.chunks) == [0, 1, 2]
    heap.live = 2 * CHUNK + 1
    heap._check()


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_an_index_survives_random_writes(seed, unique):
    print("seed", seed)
    rng = random.Random(seed)
    index, rows = index_over(1, unique=unique), {}
    keys = [None, *range(500)] if unique else [None, 0, 0, 0, 1, 2, *range(40)]
    for slot in range(3000):
        key = rng.choice(keys)
        if unique and key is not None and key in index.entries:
            continue
        rows[slot] = (slot, key)
        index.add(key, slot)
        index.add(key, slot)
        if rng.random() < 0.3 and rows:
            gone = rng.choice(list(rows))
            old = rows.pop(gone)
            index.discard(old[1], gone)
            index.discard(old[1], gone)
        if slot % 97 == 0:
            index.span(3, 30, (True, False), reverse=False, count=10)
            index._check(sorted(rows.items()))
    for slot in rng.sample(sorted(rows), len(rows)):
        index.discard(rows.pop(slot)[1], slot)
    index._check([])
    assert not index.entries


@pytest.mark.parametrize("together", [False, True])
def test_one_slot_stands_bare_and_many_shrink_back(together: bool):
    index = index_over(0, unique=False)
    index.add("k", 5)
    assert index.entries["k"] == 5
    index.add("k", 3)
    assert index.entries["k"] == [3, 5]
    for slot in range(10, 10 + LISTED):
        index.add("k", slot)
    assert isinstance(index.entries["k"], dict)
    gone = range(10, 10 + LISTED)
    if together:
        index.discard_many(["k", "k", *["k"] * LISTED], [7, 8, *gone])
    else:
        for slot in gone:
            index.discard("k", slot)
    assert index.entries["k"] == [3, 5]
    index.discard("k", 5)
    assert index.entries["k"] == 3


def test_a_companion_that_is_never_asked_again_does_not_grow():
    index = index_over(0)
    for slot in range(50_000):
        index.add(slot, slot)
        if slot == 10:
            index.span(None, None, (True, True), reverse=False, count=1)
        if slot >= 5:
            index.discard(slot - 5, slot - 5)
    assert len(index._touched) <= LISTED + 1


def test_composite_keys_with_null_sort_first_part_by_part():
    index = pair_index()
    rows = [(n, a, b) for n, (a, b) in enumerate([(1, None), (None, 2), (1, 0), (0, 5), (None, None)])]
    for slot, row in enumerate(rows):
        index.add(index.key(row), slot)
    found, last = index.span(None, None, (True, True), reverse=False, count=100)
    assert [key for key, _ in found] == [(None, None), (None, 2), (0, 5), (1, None), (1, 0)]
    assert last is None
    index._check(list(enumerate(rows)))


def views(heap, index, pin):
    return View(heap, [index], [index.entries], RLock(), pin.table(heap))


def test_a_pin_costs_what_changes_under_it_and_not_how_often():
    heap, index = Heap(), index_over(1)
    rows = [(number, number % 7) for number in range(1000)]
    heap.extend(0, rows)
    heap.live = 1000
    index.add_many([row[1] for row in rows], range(1000))
    pin = Pin(0, {})
    view = views(heap, index, pin)
    for turn in range(50):
        for slot in range(20):
            old = heap.row(slot)
            new = (slot, turn)
            note([pin], heap, heap.length, heap.live, [(slot, old, new)])
            heap.replace([(slot, old, new)], copy=True)
            index.discard(old[1], slot)
            index.add(new[1], slot)
    heap.append(1000, (1000, 3))
    index.add(3, 1000)
    assert len(view.before) == 20
    assert [row for chunk in view.chunks() for row in chunk if row is not None] == rows
    assert view.bucket(0, 3) == [row for row in rows if row[1] == 3]
    assert view.size() == 1000
    assert list(view.span(0, 2, 5, high_open=True)) == [row for key in (2, 3, 4) for row in rows if row[1] == key]


def test_a_view_keeps_rows_of_chunks_that_were_dropped():
    heap, index = Heap(), index_over(1)
    rows = [(number, 0) for number in range(400)]
    heap.extend(0, rows)
    heap.live = 400
    index.add_many([0] * 400, range(400))
    pin = Pin(0, {})
    view = views(heap, index, pin)
    gone = [(slot, rows[slot], None) for slot in range(100, 300)]
    note([pin], heap, 400, 400, gone)
    heap.replace(gone, copy=True)
    for slot, _, _ in gone:
        index.discard(0, slot)
    assert 1 not in heap.chunks
    assert [row for chunk in view.chunks() for row in chunk if row is not None] == rows
    assert view.bucket(0, 0) == rows
    assert [base for base, _ in view.slotted()] == [0, 128, 256, 384]
    assert view.bucket_size(0, 0) == 400


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("bounds", [(None, None), (10, None), (None, 40), (10, 40)])
def test_spans_over_many_batches_merge_own_rows_in(bounds, reverse):
    heap, index = Heap(), index_over(1)
    rng = random.Random(5)
    rows = [(number, rng.randrange(60)) for number in range(2000)]
    heap.extend(0, rows)
    heap.live = len(rows)
    index.add_many([row[1] for row in rows], range(len(rows)))
    view = OwnView(heap, [index], [index.entries], RLock(), Pin(0, {}).table(heap))
    for slot in range(0, 2000, 9):
        view.write(slot, rows[slot], None if slot % 2 else (slot, 100 - rows[slot][1]))
    view.add([(5000 + number, number) for number in range(0, 120, 3)])
    low, high = bounds
    mine = {slot: view.row(slot) for slot in range(2000)}
    expected = [row for row in [*mine.values(), *view.added] if row is not None]
    expected = [row for row in expected if (low is None or row[1] >= low) and (high is None or row[1] < high)]
    expected.sort(key=lambda row: row[1], reverse=reverse)
    found = view.span(0, low, high, high_open=True, bounded=(low is not None, high is not None), reverse=reverse)
    assert list(found) == expected
    slots = view.span_slots(0, low, high, high_open=True, bounded=(low is not None, high is not None), reverse=reverse)
    assert [view.row(slot) for slot in slots] == expected


def test_rows_under_many_keys_are_those_under_each_whether_looked_up_or_scanned_for():
    heap, index = Heap(), index_over(1)
    rows = [(number, number * 7 % 50) for number in range(500)]
    heap.extend(0, rows)
    heap.live = len(rows)
    index.add_many([row[1] for row in rows], range(len(rows)))
    plain = views(heap, index, Pin(0, {}))
    written = OwnView(heap, [index], [index.entries], RLock(), Pin(0, {}).table(heap))
    for slot in range(0, 500, 3):
        written.write(slot, rows[slot], None if slot % 2 else (slot, 7))
    written.add([(900, 7), (901, 3)])
    for view in (plain, written):
        for keys in ({7}, {3, 7, 70}, set(range(0, 50, 2)), set(range(1000))):
            expected = sorted(slot for key in keys for slot in view.bucket_slots(0, key))
            assert view.slots_under(0, keys) == expected
            assert view.rows_under(0, keys) == [view.row(slot) for slot in expected]
            buckets = [[view.row(slot) for slot in view.bucket_slots(0, key)] for key in keys]
            assert view.buckets(0, [*keys]) == buckets
            assert view.values_under(0, 0, [*keys]) == [tuple(row[0] for row in bucket) for bucket in buckets]


def test_slots_of_many_keys_are_those_of_each():
    heap, index = Heap(), index_over(0, unique=True)
    rows = [(number * 2,) for number in range(300)]
    heap.extend(0, rows)
    heap.live = len(rows)
    index.add_many([row[0] for row in rows], range(len(rows)))
    pin = Pin(0, {})
    plain = views(heap, index, pin)
    heap.append(300, (3,))
    index.add(3, 300)
    written = OwnView(heap, [index], [index.entries], RLock(), pin.table(heap))
    written.write(5, rows[5], None)
    for view in (plain, written):
        for keys in ([], [4, 0, 4], [4, 1], [3], [10, 8]):
            assert view.find_slots(0, keys) == [view.find_slot(0, key) for key in keys]
    assert plain.find_slots(0, [4, 1, 3, 10]) == [2, -1, -1, 5]
