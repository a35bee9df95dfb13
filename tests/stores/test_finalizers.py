"""A finalizer may run anywhere, while its own thread holds the store's lock too, and use the store: nothing is lost by it."""

from __future__ import annotations

import dis
import gc
import sys
from pathlib import Path

import pytest

from modelkit.errors import OperationalError, TransactionConflict
from modelkit.ir.schema import DEFAULT
from modelkit.stores import memory
from modelkit.stores.memory import commit
from tests.stores import works
from tests.stores.samples import AGE, CODE, ID, NAME, add_to_all, by, delete_where, every, set_where
from tests.stores.works import dump, prepared, user

ROOM = Path(memory.__file__).parent
WATCHED = {str(ROOM / f"{name}.py") for name in ("store", "transactions", "heap", "feed", "catalog")}
EXACT = commit.__file__
"""There, and in generated inserts, some lines rely on that nothing can run between them."""

QUIET = ("LOAD_", "STORE_", "POP_", "COMPARE_OP", "CONTAINS_OP", "IS_OP", "BINARY_", "JUMP_FORWARD", "UNPACK_SEQUENCE", "NOP",
         "COPY", "SWAP", "PUSH_", "PRECALL", "CACHE", "EXTENDED_ARG", "TO_BOOL", "NOT_TAKEN", "KW_NAMES")  # fmt: skip
"""Instructions that allocate nothing which the collector counts, and after which no finalizer runs."""


def meddled(work, step, meddle):
    """Run `work`, with `meddle` at the `step`-th place of the store's code where a finalizer could run; whether it ran."""
    left = step

    def arrive():
        nonlocal left
        left -= 1
        if left == 0:
            sys.settrace(None)
            try:
                meddle()
            finally:
                sys.settrace(trace)

    def exactly():
        loud = True

        def local(frame, event, arg):
            nonlocal loud
            if event == "opcode" and left > 0:
                if loud:
                    arrive()
                name = dis.opname[frame.f_code.co_code[frame.f_lasti]]
                loud = not name.startswith(QUIET)
            return local

        return local

    def by_line(frame, event, arg):
        if event == "line" and left > 0:
            arrive()
        return by_line

    def trace(frame, event, arg):
        name = frame.f_code.co_filename
        if left <= 0:
            return None
        if name == EXACT or name.startswith("<modelkit insert"):
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
            return exactly()
        return by_line if name in WATCHED else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return left <= 0


def scan(store, team, table):
    store.select(every(table), ())


def stream(store, team, table):
    rows = store.stream(every(table), (), 2)
    next(rows)
    del rows


def transaction_that_reads(store, team, table):
    transaction = store.begin()
    transaction.select(every(table), ())
    rows = transaction.stream(every(table), (), 2)
    next(rows)
    transaction.rollback()
    rows.close()


def restoring(store, team, table):
    snapshot = store.snapshot()
    works.many_inserts(store, team, table)
    works.deletion(store, team, table)
    store.restore(snapshot)
    snapshot.close()


def clearing(store, team, table):
    store.clear()


WORKS = [
    works.one_insert,
    works.many_inserts,
    works.one_update,
    works.deletion,
    works.transaction_of_one_update,
    works.transaction_of_two_updates,
    scan,
    stream,
    transaction_that_reads,
    restoring,
    clearing,
]


def later(store, team, table):
    """Commits that change every row and add one."""
    store.update(add_to_all(table, AGE), (1,))
    store.insert(table, [user(code=900)])
    store.insert(team, [(DEFAULT, "later")])


def tried(work, *given):
    """Do `work`, which may conflict where it is a transaction of several statements."""
    try:
        work(*given)
    except TransactionConflict:
        assert work is works.transaction_of_two_updates


def at_every_place(work, begin):
    """For each place: `begin` gives what to do there and what holds after `work` is done. How often it was refused, and done."""
    step, refused, done = 0, 0, 0
    while True:
        step += 1
        given = prepared()
        meddle, after = begin(*given)
        failed = []

        def run():
            try:
                meddle()  # noqa: B023 - run at once
            except OperationalError as error:
                failed.append(error)  # noqa: B023

        reached = meddled(lambda: tried(work, *given), step, run)  # noqa: B023
        if not reached:
            run()
        try:
            given[0]._check()
            after(bool(failed))
        except BaseException as error:
            error.add_note(f"at place {step}")
            raise
        if not reached:
            return refused, done
        refused, done = refused + len(failed), done + 1 - len(failed)


@pytest.mark.parametrize("store", ["memory"], indirect=True)
@pytest.mark.parametrize("work", WORKS)
def test_a_snapshot_that_a_finalizer_opens_anywhere_lasts(work, store):
    def begin(store, team, table):
        held, seen = [], []

        def meddle():
            transaction = store.begin()
            try:
                seen.append(dump(transaction, team, table))
            except OperationalError:
                transaction.rollback()
                raise
            held.append(transaction)

        def after(refused):
            assert store.stats()["open_snapshots"] == len(held) == 1 - refused
            later(store, team, table)
            for transaction in held:
                assert dump(transaction, team, table) == seen[0]
                transaction.rollback()
            assert store.stats()["open_snapshots"] == 0

        return meddle, after

    assert at_every_place(work, begin)[1] > 5


@pytest.mark.parametrize("store", ["memory"], indirect=True)
@pytest.mark.parametrize("work", WORKS)
def test_a_snapshot_that_a_finalizer_closes_anywhere_is_gone(work, store):
    def begin(store, team, table):
        held = store.begin()
        before = dump(held, team, table)

        def meddle():
            held.rollback()

        def after(refused):
            assert store.stats()["open_snapshots"] == 0
            assert store.stats()["kept_versions"] == 0
            later(store, team, table)

        assert before
        return meddle, after

    refused, done = at_every_place(work, begin)
    assert refused == 0
    assert done > 5


@pytest.mark.parametrize("store", ["memory"], indirect=True)
@pytest.mark.parametrize("work", WORKS)
def test_what_a_finalizer_commits_anywhere_stays(work, store):
    def begin(store, team, table):
        whole = dump(store, team, table)
        work(*(fresh := prepared()))
        worked = dump(*fresh)

        def meddle():
            held = store.begin()
            try:
                held.insert(team, [(DEFAULT, "meddled")])
                held.update(set_where(table, AGE), (1, 77))
                held.insert(table, [user(name="meddled", age=77)])
                held.commit()
            finally:
                held.rollback()

        def after(refused):
            teams, users = dump(store, team, table)
            assert ("meddled" in [row[NAME] for row in teams]) == ("meddled" in [row[NAME] for row in users])
            assert len({row[ID] for row in users}) == len(users)
            if work not in (restoring, clearing):
                assert ("meddled" in [row[NAME] for row in teams]) is not refused
                assert len(teams) == 3 - refused
                left = [row for row in users if row[NAME] != "meddled"]
                assert len(left) in (len(whole[1]), len(worked[1]))
                if not refused and work is not works.deletion:
                    assert left[0][AGE] == 77
            later(store, team, table)
            assert store.stats()["open_snapshots"] == 0

        return meddle, after

    assert at_every_place(work, begin)[1] > 5


@pytest.mark.parametrize("store", ["memory"], indirect=True)
@pytest.mark.parametrize("work", WORKS)
def test_a_feed_that_a_finalizer_opens_anywhere_is_told_of_whole_commits(work, store):
    def begin(store, team, table):
        feeds = []
        first = store.changes()

        def meddle():
            feeds.append(store.changes())

        def after(refused):
            assert len(feeds) == 1 - refused
            later(store, team, table)
            told = list(first)
            for feed in feeds:
                heard = list(feed)
                assert heard == told[len(told) - len(heard) :]
                assert {change.sequence for change in heard}.isdisjoint(
                    change.sequence for change in told[: len(told) - len(heard)]
                )
                assert [change.after for change in heard][-1:] == [(3 if work is not clearing else 1, "later")]

        return meddle, after

    assert at_every_place(work, begin)[1] > 5


class Meddler:
    """Part of a cycle whose collection runs `work`."""

    def __init__(self, work):
        self.work = work
        self.me = self

    def __del__(self):
        self.work()


@pytest.mark.parametrize("kind", ["insert", "bulk", "update", "delete", "transaction", "rename", "restore"])
def test_a_finalizer_that_writes_during_a_commit_breaks_nothing(db, kind):
    store, number = db.store, [0]
    store.insert(db.user, [user(age=1, code=n) for n in range(20)])
    outcomes: set[str] = set()
    snapshot = store.snapshot()

    def meddle():
        number[0] += 1
        try:
            store.insert(db.user, [user(age=2, code=10_000 + number[0])])
            outcomes.add("written")
        except OperationalError:
            outcomes.add("refused")

    def work(turn):
        if kind == "insert":
            store.insert(db.user, [user(age=3, code=1000 + turn)])
        elif kind == "bulk":
            store.insert(db.user, [user(age=3, code=1000 + turn), user(age=3, code=2000 + turn)])
        elif kind == "update":
            store.update(add_to_all(db.user, AGE), (turn % 2,))
        elif kind == "delete":
            store.delete(delete_where(db.user, CODE), (turn % 20,))
        elif kind == "restore":
            store.restore(snapshot)
        elif kind == "rename":
            snapshot.close()
            transaction = store.begin()
            try:
                transaction.update(set_where(db.user, NAME), (turn % 20 + 1, str(turn)))
                transaction.commit()
                assert store.select(by(db.user, ID), (turn % 20 + 1,))[0][NAME] == str(turn)
            finally:
                transaction.rollback()
        else:
            transaction = store.begin()
            try:
                transaction.update(set_where(db.user, AGE), (turn % 20 + 1, turn))
                transaction.insert(db.user, [user(age=3, code=1000 + turn)])
                transaction.commit()
            except TransactionConflict:
                outcomes.add("conflict")
            finally:
                transaction.rollback()

    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    try:
        for turn in range(150):
            Meddler(meddle)
            gc.set_threshold(turn % 40 + 1, 1, 1)
            try:
                work(turn)
            finally:
                gc.set_threshold(*thresholds)
            gc.collect()
            store._check()
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        snapshot.close()
    gc.collect()
    assert "written" in outcomes
    store._check()
