"""What may be done to a store of two tables, small enough to be tried once for each line that it runs."""

from __future__ import annotations

from modelkit.ir.schema import DEFAULT
from modelkit.stores.memory.store import MemoryStore
from tests.stores.samples import (
    AGE,
    CODE,
    NAME,
    TEAM,
    add_to_all,
    delete_where,
    every,
    ordered,
    set_where,
    team_and_user,
)

__all__ = [
    "beside",
    "deletion",
    "dump",
    "many_inserts",
    "one_insert",
    "one_update",
    "prepared",
    "shift",
    "transaction_of_all",
    "transaction_of_one_update",
    "transaction_of_two_updates",
    "user",
]


def user(name="ann", age=None, team=None, code=None, id=DEFAULT):
    return (id, name, age, team, code)


def dump(store, *tables):
    return [store.select(every(table), ()) for table in tables]


def prepared():
    store = MemoryStore()
    team, table = team_and_user()
    store.define([team, table])
    store.insert(team, [(DEFAULT, "a"), (DEFAULT, "b")])
    store.insert(table, [user(age=number % 3, team=1, code=number) for number in range(5)])
    store.select(ordered(table, AGE, op="ge"), (0,))
    beside(store, table, TEAM, CODE, [1])
    beside(store, table, AGE, CODE, [0, 1, 2])
    return store, team, table


def beside(store, table, place, column, keys):
    """What `column` holds in the latest rows that hold one of `keys` at `place`, by key."""
    state = store._catalog.state(table)
    return state.latest.values_under(state.index_of((place,)).path.number, column, keys)


def one_insert(store, team, table):
    store.insert(table, [user(code=50, age=1)])


def many_inserts(store, team, table):
    store.insert(table, [user(code=50, age=1), user(code=51, age=7)])


def one_update(store, team, table):
    store.update(set_where(table, NAME), (2, "x"))


def transaction_of_one_update(store, team, table):
    transaction = store.begin()
    try:
        transaction.update(set_where(table, NAME), (2, "x"))
        transaction.commit()
    finally:
        transaction.rollback()


def transaction_of_two_updates(store, team, table):
    transaction = store.begin()
    try:
        transaction.update(set_where(table, NAME), (2, "x"))
        transaction.update(set_where(table, NAME), (4, "y"))
        transaction.commit()
    finally:
        transaction.rollback()


def shift(store, team, table):
    store.update(add_to_all(table, CODE), (1,))


def deletion(store, team, table):
    store.delete(delete_where(table, AGE), (1,))


def transaction_of_all(store, team, table):
    transaction = store.begin()
    try:
        transaction.update(add_to_all(table, CODE), (1,))
        transaction.delete(delete_where(table, AGE), (1,))
        transaction.insert(team, [(DEFAULT, "c")])
        transaction.insert(table, [user(team=3, age=0)])
        transaction.commit()
    finally:
        transaction.rollback()
