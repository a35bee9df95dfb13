"""What the memory store promises beyond the contract: snapshots, interrupts, threads, definitions, bounds."""

from __future__ import annotations

import datetime
import gc
import itertools
import random
import sys
import threading
import weakref

import pytest

from modelkit.errors import (
    ConcurrentIntegrityError,
    DataError,
    IntegrityError,
    NotYetSupported,
    ProgrammingError,
    SchemaMismatch,
    StoreClosed,
    TransactionConflict,
    ValidationError,
)
from modelkit.ir.expr import INTEGER, Call, Col, Compare, Const, FunctionDef
from modelkit.ir.query import Assignment, Conflict, Update
from modelkit.ir.schema import DEFAULT, Check, Column, Formula, Reference, Table, Unique
from modelkit.ir.types import UTC, DateTimeType, FloatType, IntegerType, JsonType, TextType
from modelkit.stores.memory import store as store_module
from modelkit.stores.memory.commit import Committer
from modelkit.stores.memory.heap import Heap
from modelkit.stores.memory.index import Index
from modelkit.stores.memory.store import MemoryStore
from modelkit.stores.memory.transactions import MemoryTransaction
from modelkit.stores.memory.view import OwnView
from tests.stores.samples import (
    AGE,
    BOOLEAN,
    CODE,
    ID,
    NAME,
    TEAM,
    add_to_all,
    by,
    col,
    count,
    delete_all,
    delete_where,
    every,
    ordered,
    param,
    rows_where,
    set_where,
    team_and_user,
)
from tests.stores.works import (
    beside,
    deletion,
    dump,
    many_inserts,
    one_insert,
    one_update,
    prepared,
    shift,
    transaction_of_all,
    transaction_of_one_update,
    transaction_of_two_updates,
    user,
)

# Snapshot and restore


def test_restore_puts_rows_indexes_and_sequences_back(db):
    db.store.insert(db.team, [(DEFAULT, name) for name in "abcd"])
    db.store.insert(db.user, [user(age=number, team=1, code=number) for number in range(200)])
    before = dump(db.store, db.team, db.user)
    snapshot = db.store.snapshot()
    for _ in range(3):
        db.store.delete(delete_all(db.user), ())
        db.store.update(set_where(db.team, NAME), (1, "z"))
        db.store.insert(db.user, [user(code=5), user(code=6)])
        db.store.insert(db.team, [(100, "new")])
        db.store.restore(snapshot)
        assert dump(db.store, db.team, db.user) == before
        db.store._check()
        assert db.store.select(by(db.user, CODE), (5,)) == [before[1][5]]
        assert db.store.stats()["kept_versions"] == 0
    assert db.store.insert(db.team, [(DEFAULT, "next")]) == [(5, "next")]
    snapshot.close()
    with pytest.raises(ProgrammingError, match="closed"):
        db.store.restore(snapshot)
    with pytest.raises(ProgrammingError, match="another store"):
        MemoryStore().restore(snapshot)


def test_rows_that_a_restore_puts_back_stand_in_a_file_where_they_stood(db):
    db.store.insert(db.team, [(DEFAULT, name) for name in "abcdef"])
    before = db.store.snapshot()
    db.store.update(set_where(db.team, 1), (4, "new"))
    for key in (2, 5):
        db.store.delete(delete_where(db.team), (key,))
    db.store.insert(db.team, [(DEFAULT, "g")])
    db.store.restore(before)
    assert [row[0] for row in db.store.select(every(db.team), ())] == [1, 2, 3, 4, 5, 6]


def test_a_chunk_that_was_emptied_and_comes_back_takes_new_rows_at_their_slots(db):
    store = db.store
    store.insert(db.user, [user()])
    snapshot = store.snapshot()
    store.insert(db.user, [user()])
    reader = store.begin()
    assert len(reader.select(every(db.user), ())) == 2
    store.restore(snapshot)
    store.delete(delete_all(db.user), ())
    store.restore(snapshot)
    store.insert(db.user, [user(), user()])
    assert len(store.select(every(db.user), ())) == 3
    store._check()
    reader.rollback()
    snapshot.close()


def test_numbers_given_out_and_rolled_back_start_again_after_a_restore(db):
    snapshot = db.store.snapshot()
    transaction = db.store.begin()
    transaction.insert(db.team, [(DEFAULT, "a")])
    transaction.rollback()
    db.store.restore(snapshot)
    assert db.store.insert(db.team, [(DEFAULT, "a")]) == [(1, "a")]
    snapshot.close()


def test_snapshots_nest(db):
    outer = db.store.snapshot()
    db.store.insert(db.team, [(DEFAULT, "a")])
    inner = db.store.snapshot()
    db.store.insert(db.team, [(DEFAULT, "b")])
    db.store.delete(delete_where(db.team), (1,))
    db.store.restore(inner)
    assert dump(db.store, db.team) == [[(1, "a")]]
    db.store.insert(db.team, [(DEFAULT, "c")])
    db.store.restore(outer)
    assert dump(db.store, db.team) == [[]]
    db.store.restore(inner)
    assert dump(db.store, db.team) == [[(1, "a")]]
    db.store._check()
    inner.close()
    outer.close()


def test_a_table_defined_after_a_snapshot_is_empty_after_its_restore(db):
    snapshot = db.store.snapshot()
    table = Table("late", (Column("id", IntegerType(), auto=True),), (0,))
    db.store.define([table])
    db.store.insert(table, [(DEFAULT,), (DEFAULT,)])
    db.store.restore(snapshot)
    assert dump(db.store, table) == [[]]
    assert db.store.insert(table, [(DEFAULT,)]) == [(1,)]
    snapshot.close()


def test_a_restore_does_not_write_rows_that_hold_what_they_held(db):
    db.store.insert(db.user, [user(age=1), user("bob", age=2)])
    snapshot = db.store.snapshot()
    db.store.update(set_where(db.user, AGE), (1, 1))
    db.store.update(set_where(db.user, AGE), (2, 3))
    writers = {number: begun(db) for number in (1, 2)}
    for number, writer in writers.items():
        writer.update(set_where(db.user, AGE), (number, 9))
    feed = db.store.changes()
    db.store.restore(snapshot)
    snapshot.close()
    assert [change.pk for change in feed] == [(2,)]
    writers[1].commit()
    with pytest.raises(TransactionConflict):
        writers[2].commit()
    assert [row[AGE] for row in db.store.select(every(db.user), ())] == [9, 2]


@pytest.mark.parametrize(
    ("type_", "value", "like"),
    [(FloatType(), 0.0, -0.0), (JsonType(), {"a": [1]}, {"a": [True]}), (JsonType(), {"a": 1}, {"a": 1.0})],
)
def test_a_restore_brings_back_values_that_merely_equal_others(store, type_, value, like):
    table = Table("held", (Column("id", IntegerType()), Column("value", type_)), (0,))
    store.define([table])
    store.insert(table, [(1, value)])
    snapshot = store.snapshot()
    store.update(set_where(table, 1), (1, like))
    assert repr(store.select(every(table), ())) == repr([(1, like)])
    store.restore(snapshot)
    snapshot.close()
    assert repr(store.select(every(table), ())) == repr([(1, value)])


def test_a_transaction_that_is_open_during_a_restore_keeps_its_snapshot_and_conflicts(db):
    snapshot = db.store.snapshot()
    db.store.insert(db.team, [(DEFAULT, "a")])
    transaction = db.store.begin()
    transaction.update(set_where(db.team, NAME), (1, "x"))
    db.store.restore(snapshot)
    db.store.insert(db.team, [(DEFAULT, "other")])
    assert transaction.select(every(db.team), ()) == [(1, "x")]
    with pytest.raises(TransactionConflict):
        transaction.commit()
    snapshot.close()


def test_clear_removes_rows_and_starts_the_numbers_anew(db):
    db.store.insert(db.team, [(DEFAULT, "a")])
    db.store.insert(db.user, [user(team=1)])
    transaction = db.store.begin()
    assert transaction.select(count(db.user), ()) == 1
    db.store.clear()
    assert transaction.select(by(db.user, ID), (1,)) == [(1, "ann", None, 1, None)]
    transaction.rollback()
    assert dump(db.store, db.team, db.user) == [[], []]
    assert db.store.insert(db.team, [(DEFAULT, "a")]) == [(1, "a")]
    db.store.clear()
    assert db.store.stats()["chunks"] == {"Team": 0, "User": 0}


# Concurrency: what a commit of somebody else breaks


def begun(db):
    transaction = db.store.begin(isolation="snapshot")
    transaction.select(count(db.team), ())
    return transaction


def concurrent(transaction, kind):
    with pytest.raises(ConcurrentIntegrityError, match="Another transaction committed this") as caught:
        transaction.commit()
    assert caught.value.kind == kind
    assert isinstance(caught.value, TransactionConflict)


def test_a_key_that_another_commit_took_is_a_concurrent_failure(db):
    transaction = begun(db)
    transaction.insert(db.team, [(DEFAULT, "a")])
    db.store.insert(db.team, [(DEFAULT, "a")])
    concurrent(transaction, "unique")
    assert dump(db.store, db.team) == [[(2, "a")]]


def test_a_key_that_another_commit_renamed_to_is_a_concurrent_failure(db):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    transaction = begun(db)
    transaction.update(set_where(db.team, NAME), (1, "x"))
    db.store.update(set_where(db.team, NAME), (2, "x"))
    concurrent(transaction, "unique")


def test_a_parent_that_another_commit_deleted_is_a_concurrent_failure(db):
    db.store.insert(db.team, [(DEFAULT, "a")])
    transaction = begun(db)
    transaction.insert(db.user, [user(team=1)])
    db.store.delete(delete_where(db.team), (1,))
    concurrent(transaction, "reference")


def test_a_child_that_another_commit_added_is_a_concurrent_failure(db):
    db.store.insert(db.team, [(DEFAULT, "a")])
    transaction = begun(db)
    transaction.delete(delete_where(db.team), (1,))
    db.store.insert(db.user, [user(team=1)])
    concurrent(transaction, "reference")


def test_a_failure_of_ones_own_is_not_called_concurrent(db):
    db.store.insert(db.team, [(DEFAULT, "a")])
    transaction = begun(db)
    transaction.insert(db.user, [user(team=77)])
    db.store.insert(db.team, [(DEFAULT, "b")])
    with pytest.raises(IntegrityError) as caught:
        transaction.commit()
    assert not isinstance(caught.value, TransactionConflict)


def test_a_key_freed_by_another_commit_is_free_at_commit(db):
    db.store.insert(db.team, [(DEFAULT, "a")])
    transaction = begun(db)
    db.store.delete(delete_where(db.team), (1,))
    with pytest.raises(IntegrityError):
        transaction.insert(db.team, [(DEFAULT, "a")])
    assert transaction.select(by(db.team, NAME), ("a",)) == [(1, "a")]
    transaction.rollback()
    db.store.insert(db.team, [(DEFAULT, "a")])


def test_rows_take_their_place_in_the_order_of_commits(db):
    first, second = begun(db), begun(db)
    first.insert(db.team, [(DEFAULT, "first")])
    second.insert(db.team, [(DEFAULT, "second")])
    second.commit()
    first.commit()
    assert [row[1] for row in db.store.select(every(db.team), ())] == ["second", "first"]


def test_a_bank_keeps_its_total_under_threads(db):
    accounts, rounds, workers = 8, 60, 4
    db.store.insert(db.user, [user(age=100) for _ in range(accounts)])
    wrong: list[object] = []

    def work(seed):
        rng = random.Random(seed)
        for _ in range(rounds):
            a, b = rng.sample(range(1, accounts + 1), 2)
            transaction = db.store.begin()
            try:
                rows = {row[ID]: row for row in transaction.select(every(db.user), ())}
                total = sum(row[AGE] for row in rows.values())
                if total != accounts * 100:
                    wrong.append(total)
                transaction.update(set_where(db.user, AGE), (a, rows[a][AGE] - 1))
                transaction.update(set_where(db.user, AGE), (b, rows[b][AGE] + 1))
                transaction.insert(db.team, [(DEFAULT, f"{seed}-{rng.getrandbits(40):x}")])
                transaction.commit()
            except TransactionConflict:
                pass
            except BaseException as error:
                wrong.append(error)
                raise
            finally:
                transaction.rollback()

    def count_up():
        for _ in range(rounds):
            db.store.update(add_to_all(db.user, AGE), (0,))
            db.store.select(ordered(db.user, AGE, op="ge"), (0,))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(workers)]
        threads.append(threading.Thread(target=count_up))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong
    assert sum(row[AGE] for row in db.store.select(every(db.user), ())) == accounts * 100


def test_an_interrupt_while_a_first_update_goes_into_a_view_undoes_that_once(db, monkeypatch):
    db.store.insert(db.user, [user(name="a"), user(name="b")])
    transaction = db.store.begin()
    assert transaction.update(set_where(db.user, NAME), (1, "z")) == 1
    write, calls = OwnView.write, iter([KeyboardInterrupt])

    def interrupted(*arguments):
        for error in calls:
            raise error
        write(*arguments)

    monkeypatch.setattr(OwnView, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        transaction.select(every(db.user), ())
    assert [row[NAME] for row in transaction.select(every(db.user), ())] == ["z", "b"]
    transaction.commit()
    assert [row[NAME] for row in db.store.select(every(db.user), ())] == ["z", "b"]


def test_updates_that_stand_alone_are_never_lost(db):
    db.store.insert(db.user, [user(age=0), user(age=0)])
    workers, rounds = 4, 50
    failures: list[BaseException] = []

    def work():
        try:
            for _ in range(rounds):
                db.store.update(add_to_all(db.user, AGE), (1,))
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures
    assert [row[AGE] for row in db.store.select(every(db.user), ())] == [workers * rounds] * 2


# Rows that a transaction inserts one by one


def test_a_row_that_a_transaction_adds_is_held_to_every_unique_key(db):
    db.store.insert(db.user, [user(code=1)])
    transaction = db.store.begin()
    for code in (2, None, 3, None, 4):
        transaction.insert(db.user, [user(code=code, age=code)])
    for taken in (1, 2, 4):
        with pytest.raises(IntegrityError, match="is taken already"):
            transaction.insert(db.user, [user(code=taken)])
    with pytest.raises(IntegrityError, match="id = 3 is taken already"):
        transaction.insert(db.user, [user(id=3)])
    assert transaction.select(by(db.user, CODE), (3,))[0][AGE] == 3
    assert [row[CODE] for row in transaction.select(by(db.user, AGE), (4,))] == [4]
    transaction.insert(db.user, [user(code=5, age=4)])
    assert [row[CODE] for row in transaction.select(by(db.user, AGE), (4,))] == [4, 5]
    mark = transaction.savepoint()
    transaction.insert(db.user, [user(code=6)])
    transaction.rollback_to(mark)
    transaction.insert(db.user, [user(code=6)])
    transaction.commit()
    assert [row[CODE] for row in db.store.select(every(db.user), ())] == [1, 2, None, 3, None, 4, 5, 6]


def test_a_key_that_others_commit_while_rows_are_added_is_taken_at_commit(db):
    transaction = db.store.begin()
    for code in range(3):
        transaction.insert(db.user, [user(code=code)])
    db.store.insert(db.user, [user(code=7)])
    with pytest.raises(IntegrityError):
        transaction.insert(db.user, [user(code=2)])
    with pytest.raises(IntegrityError):
        transaction.insert(db.user, [user(code=7)])
        transaction.commit()
    transaction.rollback()
    assert [row[CODE] for row in db.store.select(every(db.user), ())] == [7]


def test_a_row_that_was_written_over_is_found_by_its_key(db):
    db.store.insert(db.user, [user(code=1), user(code=2)])
    transaction = db.store.begin()
    transaction.update(set_where(db.user, NAME), (1, "x"))
    transaction.update(set_where(db.user, NAME), (2, "y"))
    transaction.update(set_where(db.user, CODE), (1, 5))
    assert [row[NAME] for row in transaction.select(by(db.user, ID), (1,))] == ["x"]
    assert [row[NAME] for row in transaction.select(by(db.user, CODE), (5,))] == ["x"]
    assert transaction.select(by(db.user, CODE), (1,)) == []
    transaction.update(set_where(db.user, CODE), (2, 1))
    assert [row[NAME] for row in transaction.select(by(db.user, CODE), (1,))] == ["y"]
    assert transaction.delete(delete_where(db.user, ID), (1,)) == 1
    assert transaction.select(by(db.user, ID), (1,)) == []
    transaction.commit()


# A transaction's only write


@pytest.fixture
def renaming(db):
    """A transaction that has read one row by key and renamed it, and nothing else."""
    db.store.insert(db.user, [user(), user()])
    transaction = db.store.begin()
    assert transaction.select(by(db.user, ID), (1,)) == [(1, "ann", None, None, None)]
    assert transaction.update(set_where(db.user, NAME), (1, "x")) == 1
    yield transaction
    transaction.rollback()


def names(session, table):
    return [row[NAME] for row in session.select(every(table), ())]


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_the_only_write_of_a_transaction_is_made_in_place(db, renaming, rewrites):
    assert names(db.store, db.user) == ["ann", "ann"]
    assert db.store.stats()["open_snapshots"] == 1
    renaming.commit()
    assert [row[NAME] for row in rewrites] == ["x"]
    assert names(db.store, db.user) == ["x", "ann"]
    assert db.store.stats()["open_snapshots"] == 0


MORE = {
    "the same again": (lambda session, table: session.update(set_where(table, NAME), (1, "y")), ["y", "ann"]),
    "another row": (lambda session, table: session.update(set_where(table, NAME), (2, "y")), ["x", "y"]),
    "an insert": (lambda session, table: session.insert(table, [user(name="y")]), ["x", "ann", "y"]),
    "its deletion": (lambda session, table: session.delete(delete_where(table), (1,)), ["ann"]),
    "a scan": (lambda session, table: session.select(every(table), ()), ["x", "ann"]),
    "a stream": (lambda session, table: list(session.stream(every(table), (), 1)), ["x", "ann"]),
    "a savepoint": (lambda session, _: session.savepoint(), ["x", "ann"]),
    "a way back": (lambda session, _: session.rollback_to(0), ["ann", "ann"]),
    "a check": (lambda session, _: session.check_references(), ["x", "ann"]),
    "an explanation": (lambda session, table: session.explain(every(table)), ["x", "ann"]),
}


@pytest.mark.parametrize("more", list(MORE))
def test_whatever_follows_the_first_write_finds_it_there(db, renaming, rewrites, more):
    follow, after = MORE[more]
    follow(renaming, db.user)
    assert names(renaming, db.user) == after
    assert names(db.store, db.user) == ["ann", "ann"]
    renaming.commit()
    assert names(db.store, db.user) == after
    assert rewrites == []


def test_what_others_commit_meanwhile_is_kept_beside_the_only_write(db, renaming, rewrites):
    db.store.update(set_where(db.user, NAME), (2, "other"))
    renaming.commit()
    assert names(db.store, db.user) == ["x", "other"]
    assert rewrites == []


def test_the_only_write_conflicts_where_others_wrote_the_row_first(db, renaming):
    db.store.update(set_where(db.user, NAME), (1, "other"))
    with pytest.raises(TransactionConflict, match="User 1 first"):
        renaming.commit()
    assert names(db.store, db.user) == ["other", "ann"]


def test_the_only_write_is_kept_from_whoever_has_a_snapshot(db, renaming, rewrites):
    reader = begun(db)
    renaming.commit()
    assert names(reader, db.user) == ["ann", "ann"]
    assert names(db.store, db.user) == ["x", "ann"]
    assert rewrites == []
    reader.rollback()


def test_a_snapshot_that_began_with_a_look_up_by_key_lasts(db):
    db.store.insert(db.user, [user(), user()])
    transaction = db.store.begin()
    found = transaction.select(by(db.user, ID), (1,))
    db.store.update(set_where(db.user, NAME), (1, "other"))
    db.store.delete(delete_where(db.user), (2,))
    assert transaction.select(by(db.user, ID), (1,)) == found
    assert names(transaction, db.user) == ["ann", "ann"]
    transaction.commit()


@pytest.mark.parametrize("what", ["undone", "refused", "missing"])
def test_what_the_first_write_read_is_judged_where_it_comes_to_nothing(db, what):
    db.store.insert(db.user, [user(), user()])
    transaction = db.store.begin()
    row = 9 if what == "missing" else 1
    if what == "refused":
        with pytest.raises(DataError):
            transaction.update(set_where(db.user, NAME), (row, "y" * 21))
    else:
        transaction.update(set_where(db.user, NAME), (row, "x"))
        transaction.rollback_to(0)
    transaction.update(set_where(db.user, NAME), (2, "y"))
    if what == "missing":
        db.store.insert(db.user, [user(id=9)])
    else:
        db.store.update(set_where(db.user, NAME), (1, "other"))
    with pytest.raises(TransactionConflict, match="which this one read"):
        transaction.commit()


def test_the_only_write_to_a_table_that_was_defined_anew_conflicts(db, renaming):
    columns = (*db.user.columns, Column("more", IntegerType(), nullable=True))
    db.store.define([Table("user", columns, (0,), label="User")])
    with pytest.raises(TransactionConflict, match="defined anew"):
        renaming.commit()


# No user's code under the lock


def locked_elsewhere(store):
    """Whether another thread can take the store's lock now."""
    got: list[bool] = []

    def try_it():
        if store._lock.acquire(blocking=False):
            got.append(True)
            store._lock.release()

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    return not got


@pytest.fixture
def rewrites(monkeypatch):
    """The rows that were changed in place, alone."""
    seen = []
    rewrite = Committer.rewrite

    def noted(self, state, change, **options):
        done = rewrite(self, state, change, **options)
        if done:
            seen.append(change[2])
        return done

    monkeypatch.setattr(Committer, "rewrite", noted)
    return seen


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_a_row_is_changed_in_place_where_nobody_else_is_concerned(db, rewrites):
    db.store.insert(db.user, [user(), user(code=5)])
    assert db.store.update(set_where(db.user, NAME), (1, "x")) == 1
    assert db.store.update(set_where(db.user, NAME), (9, "x")) == 0
    assert [row[NAME] for row in rewrites] == ["x"]
    assert [row[NAME] for row in db.store.select(every(db.user), ())] == ["x", "ann"]
    with pytest.raises(DataError):
        db.store.update(set_where(db.user, NAME), (1, "y" * 21))
    with pytest.raises(IntegrityError):
        db.store.update(set_where(db.user, NAME), (1, None))
    with pytest.raises(IntegrityError, match="taken already"):
        db.store.update(set_where(db.user, CODE), (1, 5))
    with pytest.raises(IntegrityError, match="refers to no Team"):
        db.store.update(set_where(db.user, TEAM), (1, 7))
    db.store.update(set_where(db.user, AGE), (1, 30))
    assert db.store.select(by(db.user, AGE), (30,))[0][ID] == 1
    assert len(rewrites) == 1


@pytest.mark.parametrize("kind", ["snapshot", "transaction", "stream"])
def test_a_row_that_somebody_may_still_read_is_not_changed_in_place(db, rewrites, kind):
    db.store.insert(db.user, [user(), user()])
    before = db.store.select(every(db.user), ())
    change = set_where(db.user, NAME)
    if kind == "transaction":
        transaction = db.store.begin()
        assert transaction.select(every(db.user), ()) == before
        db.store.update(change, (1, "x"))
        assert transaction.select(every(db.user), ()) == before
        transaction.update(change, (1, "y"))
        with pytest.raises(TransactionConflict):
            transaction.commit()
    elif kind == "stream":
        stream = db.store.stream(every(db.user), (), 1)
        db.store.update(change, (1, "x"))
        assert [row for rows in stream for row in rows] == before
    else:
        snapshot = db.store.snapshot()
        db.store.update(change, (1, "x"))
        db.store.restore(snapshot)
        snapshot.close()
        assert db.store.select(every(db.user), ()) == before
    assert rewrites == []


def test_registered_functions_run_outside_the_lock(store):
    seen: list[bool] = []

    def watch(value):
        seen.append(locked_elsewhere(store))
        return value

    function = FunctionDef("watch", watch)
    watched = Formula(Call(INTEGER, False, function, (Col(INTEGER, False, 0, 1),)))
    positive = Formula(Compare(BOOLEAN, False, "gt", watched.expr, Const(INTEGER, False, 0)))
    default = Formula(Call(INTEGER, False, function, (Const(INTEGER, False, 7),)))
    table = Table(
        "watched",
        (
            Column("id", IntegerType(), auto=True),
            Column("value", IntegerType()),
            Column("other", IntegerType(), default=default),
        ),
        (0,),
        uniques=(Unique("once", expressions=(watched,)),),
        checks=(Check("positive", positive),),
    )
    store.define([table])
    store.insert(table, [(DEFAULT, 1, DEFAULT), (7, 2, DEFAULT), (DEFAULT, 3, 4)])
    assert [row[0] for row in store.select(every(table), ())] == [1, 7, 8]
    store.insert(table, [(DEFAULT, 4, 4)])
    store.update(set_where(table, 1), (1, 9))
    transaction = store.begin()
    transaction.insert(table, [(DEFAULT, 20, DEFAULT)])
    transaction.update(set_where(table, 1), (7, 30))
    transaction.commit()
    by_function = rows_where(table, Compare(BOOLEAN, False, "eq", Col(INTEGER, False, 0, 0), param(table, 0)))
    store.select(by_function, (1,))
    assigned = Update(by(table, ID), (Assignment(1, Call(INTEGER, False, function, (Const(INTEGER, False, 50),))),))
    store.update(assigned, (1,))
    store.delete(delete_where(table), (1,))
    with pytest.raises(IntegrityError, match="positive"):
        store.insert(table, [(DEFAULT, -1, 1)])
    with pytest.raises(IntegrityError, match="once"):
        store.insert(table, [(DEFAULT, 3, 1)])
    assert seen
    assert not any(seen)


# Finalizers


def test_a_transaction_that_is_dropped_is_closed_with_a_warning(db):
    transaction = begun(db)
    transaction.insert(db.team, [(DEFAULT, "a")])
    with pytest.warns(ResourceWarning, match="dropped without commit"):
        del transaction
    assert db.store.stats()["open_snapshots"] == 0
    assert dump(db.store, db.team) == [[]]


@pytest.mark.parametrize("started", [True, False])
def test_a_stream_that_is_dropped_lets_go_of_its_snapshot(db, started):
    db.store.insert(db.team, [(DEFAULT, name) for name in "abc"])
    stream = db.store.stream(every(db.team), (), 2)
    if started:
        next(stream)
    assert db.store.stats()["open_snapshots"] == 1
    del stream
    gc.collect()
    assert db.store.stats()["open_snapshots"] == 0
    stream = db.store.stream(every(db.team), (), 2)
    stream.close()
    stream.close()
    assert list(stream) == []


def test_a_snapshot_that_is_dropped_costs_nothing_more(db):
    snapshot = db.store.snapshot()
    db.store.insert(db.team, [(DEFAULT, "a")])
    assert db.store.stats()["open_snapshots"] == 1
    del snapshot
    assert db.store.stats()["open_snapshots"] == 0


# Interrupts


class Interrupt(BaseException):
    """Stands for KeyboardInterrupt."""


WATCHED = {
    function.__code__
    for function in (
        Committer.publish,
        Committer.rewrite,
        MemoryStore._rewrite,
        MemoryTransaction._publish_lone,
        MemoryTransaction._update_latest,
        MemoryTransaction._write_lone,
        MemoryTransaction.commit,
        Heap.append,
        Heap.extend,
        Heap.replace,
        Index.add,
        Index.add_many,
        Index.discard,
        Index.discard_many,
        sys.modules["modelkit.stores.memory.commit"]._publish_table,
        sys.modules["modelkit.stores.memory.heap"].note,
    )
}


def interrupted(work, step):
    """Run `work`, raising Interrupt at the `step`-th line of the code that publishes; False if it ended before."""
    left = step

    def local(frame, event, arg):
        nonlocal left
        if event == "line":
            left -= 1
            if left == 0:
                raise Interrupt
        return local

    def trace(frame, event, arg):
        generated = frame.f_code.co_filename.startswith("<modelkit insert")
        return local if generated or frame.f_code in WATCHED else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Interrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("pinned", [False, True], ids=["nothing pinned", "pinned"])
@pytest.mark.parametrize(
    "work",
    [
        one_insert,
        many_inserts,
        one_update,
        shift,
        deletion,
        transaction_of_one_update,
        transaction_of_two_updates,
        transaction_of_all,
    ],
)
def test_an_interrupt_at_any_line_of_publishing_leaves_all_or_nothing(work, pinned):
    done = prepared()
    work(*done)
    after = dump(done[0], *done[1:])
    step = 0
    outcomes = set()
    while True:
        step += 1
        store, team, table = prepared()
        before = dump(store, team, table)
        reader = store.begin() if pinned else None
        if reader is not None:
            assert [reader.select(every(team), ()), reader.select(every(table), ())] == before
        if not interrupted(lambda: work(store, team, table), step):  # noqa: B023 - run at once
            if reader is not None:
                reader.rollback()
            break
        found = dump(store, team, table)
        assert found in (before, after), f"a half at line {step}"
        outcomes.add(found == after)
        store._check()
        if reader is not None:
            assert [reader.select(every(team), ()), reader.select(every(table), ())] == before
            assert reader.select(by(table, AGE), (1,)) == [row for row in before[1] if row[AGE] == 1]
            reader.rollback()
        store.insert(team, [(DEFAULT, "later")])
        store._check()
    assert step > 10
    assert outcomes == {True, False}


# Definitions


def test_defining_the_same_tables_again_changes_nothing(db):
    db.store.insert(db.team, [(DEFAULT, "a")])
    db.store.define([db.team, db.user])
    assert dump(db.store, db.team) == [[(1, "a")]]


def test_a_new_definition_takes_the_rows_over(db):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    db.store.insert(db.user, [user(team=1)])
    db.store.delete(delete_where(db.team), (2,))
    one = Formula(Const(INTEGER, False, 1))
    newer = Table(
        "team",
        (
            Column("rank", IntegerType(), default=one),
            Column("name", TextType(50)),
            Column("id", IntegerType(), auto=True),
            Column("motto", TextType(), nullable=True),
        ),
        (2,),
        label="Team",
    )
    db.store.define([newer])
    assert dump(db.store, newer) == [[(1, "a", 1, None)]]
    assert db.store.insert(newer, [(5, "c", DEFAULT, "m")]) == [(5, "c", 3, "m")]
    with pytest.raises(ProgrammingError, match="Team was defined anew"):
        db.store.select(every(db.team), ())
    with pytest.raises(IntegrityError, match="Team 1 cannot be removed"):
        db.store.delete(delete_where(newer, 2), (1,))
    with pytest.raises(IntegrityError, match="refers to no Team"):
        db.store.insert(db.user, [user(team=9)])


def test_what_fills_a_new_column_is_asked_for_each_row_and_before_null(db):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    numbers = itertools.count(7)
    added = Column("rank", IntegerType(), nullable=True, fill=lambda: next(numbers))
    newer = Table("team", (*db.team.columns, added), (0,), label="Team")
    db.store.define([newer])
    assert dump(db.store, newer) == [[(1, "a", 7), (2, "b", 8)]]
    wrong = Column("year", IntegerType(), fill=lambda: "soon")
    with pytest.raises(SchemaMismatch, match="year"):
        db.store.define([Table("team", (*newer.columns, wrong), (0,), label="Team")])
    assert len(dump(db.store, newer)[0]) == 2


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (Column("extra", IntegerType()), "extra .is new, without a default"),
        (Column("name", IntegerType()), "name .was text and is integer now"),
    ],
)
def test_a_definition_that_the_rows_do_not_fit_is_refused(db, column, why):
    db.store.insert(db.team, [(DEFAULT, "abc")])
    newer = Table("team", (Column("id", IntegerType(), auto=True), column), (0,), label="Team")
    with pytest.raises(SchemaMismatch, match=why):
        db.store.define([newer])
    assert dump(db.store, db.team) == [[(1, "abc")]]


def test_a_definition_whose_constraints_the_rows_break_is_refused(db):
    db.store.insert(db.team, [(DEFAULT, "abc")])
    shorter = Table("team", (Column("id", IntegerType(), auto=True), Column("name", TextType(2))), (0,), label="Team")
    with pytest.raises(SchemaMismatch, match="at most 2"):
        db.store.define([shorter])
    db.store.insert(db.user, [user(age=3), user(age=3)])
    unique = Table(
        "user", db.user.columns, (0,), uniques=(Unique("age", (AGE,)),), references=db.user.references, label="User"
    )
    with pytest.raises(SchemaMismatch, match="taken already"):
        db.store.define([unique])
    assert len(dump(db.store, db.user)[0]) == 2


def test_a_transaction_over_a_table_that_was_defined_anew_conflicts(db):
    transaction = begun(db)
    transaction.insert(db.team, [(DEFAULT, "a")])
    db.store.define([Table("team", db.team.columns, (0,), label="Team")])
    with pytest.raises(TransactionConflict, match="defined anew"):
        transaction.commit()


def test_a_reference_to_an_unknown_table_is_refused(store):
    child = Table(
        "c",
        (Column("id", IntegerType()), Column("p", IntegerType())),
        (0,),
        references=(Reference("r", (1,), "teem", (0,)),),
    )
    parent = Table("team", (Column("id", IntegerType()),), (0,))
    store.define([parent])
    with pytest.raises(ProgrammingError, match=r"'teem'.*Did you mean 'team'"):
        store.define([child])
    to_plain = Table(
        "d",
        (Column("id", IntegerType()), Column("p", IntegerType())),
        (0,),
        references=(Reference("r", (1,), "e", (1,)),),
    )
    plain = Table("e", (Column("id", IntegerType()), Column("x", IntegerType())), (0,))
    with pytest.raises(ProgrammingError, match="neither its key nor unique"):
        store.define([to_plain, plain])
    assert store.stats()["rows"] == {"team": 0}


def test_two_auto_columns_are_refused(store):
    with pytest.raises(ProgrammingError, match="more than one auto column: a, b"):
        store.define([Table("t", (Column("a", IntegerType(), auto=True), Column("b", IntegerType(), auto=True)), (0,))])


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_tables_of_a_namespace_vanish_with_their_last_user(store):
    refs = []
    for number in range(50):
        team, table = team_and_user(f"registry {number}")
        store.define([team, table])
        store.insert(team, [(DEFAULT, "a")])
        store.insert(table, [user(team=1)])
        query = every(table)
        assert len(store.select(query, ())) == 1
        store.update(set_where(table, NAME), (1, "b"))
        refs += [weakref.ref(team), weakref.ref(table)]
        del team, table, query
    gc.collect()
    assert sum(ref() is not None for ref in refs) == 0
    assert store.stats()["rows"] == {}
    assert store._committer.numbers == {}
    assert store.stats()["plans"] == 0


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_namespaces_keep_tables_of_one_name_apart(store):
    first, second = team_and_user("one"), team_and_user("two")
    store.define(first)
    store.define(second)
    store.insert(first[0], [(DEFAULT, "a")])
    assert dump(store, second[0]) == [[]]
    with pytest.raises(IntegrityError, match="refers to no Team"):
        store.insert(second[1], [user(team=1)])


def test_a_query_that_is_gone_leaves_no_plan_and_there_is_a_bound(db, monkeypatch):
    query = by(db.team, ID)
    db.store.select(query, (1,))
    assert db.store.stats()["plans"] == 1
    del query
    gc.collect()
    assert db.store.stats()["plans"] == 0
    monkeypatch.setattr(sys.modules["modelkit.stores.memory.plans"], "MOST", 10)
    kept = [by(db.team, ID) for _ in range(35)]
    for query in kept:
        db.store.select(query, (1,))
    assert db.store.stats()["plans"] <= 10


# Policies and options


@pytest.mark.parametrize("policy", ["aware", "naive"])
def test_datetimes_are_held_to_the_stores_policy(policy):
    aware, naive = datetime.datetime(2024, 1, 1, tzinfo=UTC), datetime.datetime(2024, 1, 1)
    good, bad = (aware, naive) if policy == "aware" else (naive, aware)
    store = MemoryStore(tz=policy)
    table = Table("t", (Column("id", IntegerType(), auto=True), Column("at", DateTimeType())), (0,), label="T")
    store.define([table])
    assert store.insert(table, [(DEFAULT, good)]) == [(1, good)]
    with pytest.raises(ValidationError, match=r"T\.at: .* has (no|a) time zone"):
        store.insert(table, [(DEFAULT, bad)])
    with pytest.raises(ValidationError, match=r"T\.at: .* has (no|a) time zone"):
        store.update(set_where(table, 1), (1, bad))
    store.close()


def test_aware_datetimes_are_kept_in_utc():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    store = MemoryStore()
    table = Table("t", (Column("id", IntegerType(), auto=True), Column("at", DateTimeType())), (0,))
    store.define([table])
    ((_, stored),) = store.insert(table, [(DEFAULT, datetime.datetime(2024, 1, 1, 12, tzinfo=zone))])
    assert (stored.hour, stored.tzinfo) == (10, UTC)


def test_nulls_may_stand_last():
    store = MemoryStore(nulls="last")
    team, table = team_and_user()
    store.define([team, table])
    store.insert(table, [user(age=None), user(age=1), user(age=0)])
    assert [row[ID] for row in store.select(ordered(table, AGE), ())] == [3, 2, 1]
    assert [row[ID] for row in store.select(ordered(table, AGE, descending=True), ())] == [1, 2, 3]


def test_options_are_checked_and_later_ones_say_so():
    for wrong in ({"tz": "utc"}, {"nulls": "middle"}):
        with pytest.raises(ValueError, match="not"):
            MemoryStore(**wrong)
    for later in ({"portable": "error"},):
        with pytest.raises(NotYetSupported):
            MemoryStore(**later)
    with pytest.raises(ValueError, match="isolation"):
        MemoryStore().begin(isolation="dirty")


def test_a_closed_store_says_so(db):
    store = MemoryStore()
    store.define([db.team, db.user])
    store.insert(db.team, [(DEFAULT, "a")])
    transaction = store.begin()
    transaction.select(every(db.team), ())
    store.close()
    store.close()
    for use in (
        lambda: store.select(every(db.team), ()),
        lambda: store.select(by(db.team, ID), (1,)),
        lambda: store.insert(db.team, [(DEFAULT, "b")]),
        lambda: store.insert(db.team, [(DEFAULT, "b")], Conflict("ignore")),
        lambda: store.update(set_where(db.team, NAME), (1, "x")),
        lambda: store.delete(delete_all(db.team), ()),
        lambda: store.stream(every(db.team), (), 5),
        lambda: store.define([team_and_user("x")[0]]),
        store.begin,
        store.snapshot,
        store.clear,
        store.stats,
        lambda: transaction.select(every(db.team), ()),
    ):
        with pytest.raises(StoreClosed):
            use()
    transaction.rollback()


# Bounds


def test_a_queue_does_not_grow(store):
    table = Table("job", (Column("id", IntegerType(), auto=True), Column("state", IntegerType())), (0,), references=())
    store.define([table])
    first = delete_where(table)
    number = 0
    most = 0
    for turn in range(20_000):
        store.insert(table, [(DEFAULT, turn % 3)])
        if turn >= 300:
            number += 1
            assert store.delete(first, (number,)) == 1
        if turn % 500 == 0:
            most = max(most, store.stats()["chunks"]["job"])
    assert most <= 5
    assert store.stats()["rows"]["job"] == 300


def test_one_long_snapshot_keeps_a_version_for_each_changed_row_only(db):
    db.store.insert(db.user, [user(age=0) for _ in range(200)])
    reader = begun(db)
    before = reader.select(every(db.user), ())
    for turn in range(2000):
        db.store.update(set_where(db.user, AGE), (turn % 200 + 1, turn % 900))
        if turn % 10 == 0:
            db.store.insert(db.team, [(DEFAULT, f"t{turn}")])
    assert db.store.stats()["kept_versions"] == 200
    assert reader.select(every(db.user), ()) == before
    assert reader.select(by(db.user, AGE), (0,)) == before
    reader.rollback()
    assert db.store.stats()["kept_versions"] == 0


def test_a_commit_replaces_chunks_only_where_something_reads(db):
    db.store.insert(db.user, [user(age=0) for _ in range(200)])
    heap = db.store._catalog.state(db.user).heap
    chunk = heap.chunks[0]
    snapshot = db.store.snapshot()
    db.store.update(set_where(db.user, AGE), (1, 5))
    assert heap.chunks[0] is chunk
    reader = db.store.begin()
    reader.select(every(db.user), ())
    db.store.update(set_where(db.user, AGE), (1, 6))
    assert heap.chunks[0] is not chunk
    reader.rollback()
    snapshot.close()


def test_the_contracts_names_are_one(db):
    assert db.store.store is db.store
    transaction = db.store.begin()
    assert transaction.store is db.store
    transaction.rollback()
    assert store_module.MemoryStore is MemoryStore
    assert db.store.capabilities.vendor == "memory"
    assert col(db.user, TEAM).nullable


def test_an_undone_update_of_an_own_row_is_found_by_its_old_key(db):
    transaction = db.store.begin()
    transaction.insert(db.user, [user(age=1)])
    savepoint = transaction.savepoint()
    transaction.update(set_where(db.user, AGE), (1, 2))
    assert len(transaction.select(by(db.user, AGE), (2,))) == 1
    transaction.rollback_to(savepoint)
    assert transaction.select(by(db.user, AGE), (2,)) == []
    assert len(transaction.select(by(db.user, AGE), (1,))) == 1
    transaction.rollback()


# What is kept beside keys


def written_at_random(rng, store, team, table):
    """One write of any kind, in a transaction or not, kept or undone."""
    number = rng.randint(1, 60)
    value = rng.choice((None, *range(4)))
    writes = [
        lambda session: session.insert(table, [user(age=value, team=rng.choice((None, 1, 2)))]),
        lambda session: session.insert(table, [user(age=rng.randint(0, 3), team=1) for _ in range(4)]),
        lambda session: session.update(set_where(table, AGE), (number, value)),
        lambda session: session.update(set_where(table, TEAM), (number, rng.choice((None, 1, 2)))),
        lambda session: session.update(set_where(table, TEAM, AGE), (rng.randint(0, 3), 2)),
        lambda session: session.update(set_where(table, NAME), (number, "new")),
        lambda session: session.delete(delete_where(table), (number,)),
        lambda session: session.delete(delete_where(table, AGE), (rng.randint(0, 3),)),
    ]
    if rng.random() < 0.1:
        moment = store.snapshot()
        rng.choice(writes)(store)
        store.restore(moment)
    elif rng.random() < 0.5:
        rng.choice(writes)(store)
    else:
        transaction = store.begin()
        for write in rng.choices(writes, k=rng.randint(1, 3)):
            write(transaction)
        if rng.random() < 0.7:
            transaction.commit()
        transaction.rollback()


@pytest.mark.parametrize("seed", range(8))
def test_values_kept_beside_keys_follow_every_kind_of_write(db, seed):
    rng = random.Random(seed)
    store, team, table = db.store, db.team, db.user
    store.insert(team, [(DEFAULT, "a"), (DEFAULT, "b")])
    keys = [1, 2, None, 3]
    for _ in range(150):
        written_at_random(rng, store, team, table)
        rows = store.select(every(table), ())
        for place, column in ((TEAM, AGE), (AGE, TEAM), (AGE, ID)):
            expected = [tuple(row[column] for row in rows if row[place] == key) for key in keys]
            asked = rng.sample(range(4), 2)
            assert beside(store, table, place, column, [keys[each] for each in asked]) == [
                expected[each] for each in asked
            ]
        store._catalog.state(table)._check()


def test_a_snapshot_reads_its_own_values_under_keys_whatever_is_kept_of_the_latest(db):
    store, table = db.store, db.user
    store.insert(db.team, [(DEFAULT, "a")])
    store.insert(table, [user(team=1, age=age) for age in (5, 6)])
    state = store._catalog.state(table)
    number = state.index_of((TEAM,)).path.number

    def read(view):
        return view.values_under(number, AGE, [1, 9]), view.buckets(number, [1, 9]), view.buckets(number, [1])

    pin, (before,) = store._pinned([state])
    old = read(before)
    assert old[0] == [(5, 6), ()]
    store.insert(table, [user(team=1, age=7)])
    assert read(before) == old
    assert read(state.latest)[0] == [(5, 6, 7), ()]
    store.update(set_where(table, AGE), (1, 8))
    assert read(before) == old
    assert [row[AGE] for row in read(state.latest)[1][0]] == [8, 6, 7]
    assert read(state.latest)[0] == [(8, 6, 7), ()]
    pin.close()


def test_values_beside_keys_are_kept_of_so_many_keys_and_no_more(db, monkeypatch):
    monkeypatch.setattr("modelkit.stores.memory.index.MOST_BESIDE", 10)
    store, table = db.store, db.user
    store.insert(table, [user(age=age) for age in range(100)])
    for first in range(0, 100, 4):
        keys = list(range(first, first + 4))
        assert beside(store, table, AGE, ID, keys) == [(key + 1,) for key in keys]
        assert len(store._catalog.state(table).index_of((AGE,)).beside[ID]) <= 14
