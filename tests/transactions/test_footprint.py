"""Whatever is read through a view that notes what is asked of it, is noted: each way to read, the rows it gives and those it would."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from modelkit.stores.memory.access import TableView
from modelkit.stores.memory.footprint import Recorded, TableReads
from modelkit.stores.memory.store import MemoryStore
from tests.stores.samples import AGE, CODE, team_and_user
from tests.stores.works import user

ROWS = [user(f"u{number}", age=number % 5 or None, code=number) for number in range(1, 21)]

Read = Callable[[Any, int, int], object]
"""Takes a view, the path by age and the path by code."""

VALUES: list[Any] = [None, *range(21), 77]
ALL = set(VALUES)
READS: list[tuple[str, Read, int, set[Any]]] = [
    ("chunks", lambda view, _, __: list(view.chunks()), AGE, ALL),
    ("slotted", lambda view, _, __: list(view.slotted()), AGE, ALL),
    ("size", lambda view, _, __: view.size(), AGE, ALL),
    ("find", lambda view, _, code: view.find(code, 7), CODE, {7}),
    ("find", lambda view, _, code: view.find(code, 77), CODE, {77}),
    ("find_slot", lambda view, _, code: view.find_slot(code, 77), CODE, {77}),
    ("find_slots", lambda view, _, code: view.find_slots(code, [3, 77]), CODE, {3, 77}),
    ("bucket", lambda view, age, _: view.bucket(age, 3), AGE, {3}),
    ("bucket", lambda view, age, _: view.bucket(age, None), AGE, {None}),
    ("bucket_slots", lambda view, age, _: view.bucket_slots(age, 3), AGE, {3}),
    ("bucket_size", lambda view, age, _: view.bucket_size(age, 77), AGE, {77}),
    ("slots_under", lambda view, age, _: view.slots_under(age, [3, 77]), AGE, {3, 77}),
    ("slots_under", lambda view, age, _: view.slots_under(age, iter([3, 77])), AGE, {3, 77}),
    ("rows_under", lambda view, age, _: view.rows_under(age, [1, 2]), AGE, {1, 2}),
    ("buckets", lambda view, age, _: view.buckets(age, [1, 2]), AGE, {1, 2}),
    ("values_under", lambda view, age, _: view.values_under(age, 0, [1, 2]), AGE, {1, 2}),
    ("span", lambda view, age, _: list(view.span(age, 2, 3)), AGE, {2, 3}),
    ("span", lambda view, age, _: next(view.span(age, 2, 3)), AGE, {2, 3}),
    ("span", lambda view, age, _: list(view.span(age, 2, 4, low_open=True, high_open=True)), AGE, {3}),
    ("span", lambda view, age, _: list(view.span(age, 3, None, bounded=(True, False))), AGE, {*range(3, 21), 77}),
    ("span", lambda view, age, _: list(view.span(age, None, 2, bounded=(False, True))), AGE, {0, 1, 2}),
    ("span", lambda view, age, _: list(view.span(age, None, None, bounded=(False, False))), AGE, ALL),
    ("span_slots", lambda view, age, _: list(view.span_slots(age, 2, 3)), AGE, {2, 3}),
    ("span_slots", lambda view, age, _: list(view.span_slots(age, None, 2, bounded=(False, True))), AGE, {0, 1, 2}),
    ("span_slots", lambda view, age, _: list(view.span_slots(age, None, None, bounded=(False, False))), AGE, ALL),
]
"""A way to read, what is asked by it, of which column, and the values there that such a row would be read for."""


@pytest.fixture
def recorded() -> Iterator[tuple[Recorded, TableReads, int, int]]:
    """A view that notes, what it notes, and the numbers of the paths by age and by code."""
    store = MemoryStore()
    team, table = team_and_user()
    store.define([team, table])
    store.insert(table, ROWS)
    pin, (_, view) = store._pinned([store._catalog.state(team), store._catalog.state(table)])
    state = store._catalog.state(table)
    reads = TableReads(state)
    paths = {index.path.columns: index.path.number for index in state.indexes}
    yield Recorded(view, reads, None, ()), reads, paths[AGE,], paths[CODE,]
    pin.close()


@pytest.mark.parametrize(("name", "read", "column", "values"), READS)
def test_what_was_asked_for_is_noted_and_nothing_else(
    name: str, read: Read, column: int, values: set[Any], recorded: tuple[Recorded, TableReads, int, int]
) -> None:
    view, reads, age, code = recorded
    read(view, age, code)
    rows = {value: tuple(value if place == column else 999 for place in range(5)) for value in VALUES}
    assert {value for value, row in rows.items() if reads.concerns(row)} == values


def test_each_way_to_read_is_among_them() -> None:
    ways = {name for name, _ in inspect.getmembers(TableView, inspect.isfunction) if not name.startswith("_")}
    by_slot = {"row", "rows_in"}
    """A slot was found in one of the other ways."""
    assert {name for name, *_ in READS} | by_slot | {"roughly"} == ways
