"""Random histories of interleaved transactions against a model of dicts, with every structure checked on the way."""

from __future__ import annotations

import copy
import os
import random
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from modelkit.errors import IntegrityError, TransactionConflict
from modelkit.stores.memory.store import MemoryStore
from tests.stores.samples import (
    AGE,
    CODE,
    ID,
    NAME,
    add_to_all,
    by,
    compare,
    count,
    delete_where,
    every,
    null,
    ordered,
    rows_where,
    set_where,
    team_and_user,
)

SMALL = st.integers(0, 6)
NULLABLE = st.none() | SMALL
WHO = st.integers(0, 2)

TEAM_TABLE, USER_TABLE = team_and_user()
EVERY, BY_ID, BY_AGE, BY_CODE = every(USER_TABLE), by(USER_TABLE, ID), by(USER_TABLE, AGE), by(USER_TABLE, CODE)
NULL_AGE, COUNT = null(USER_TABLE, AGE), count(USER_TABLE)
UP, DOWN = ordered(USER_TABLE, AGE), ordered(USER_TABLE, AGE, descending=True)
FROM_AGE = ordered(USER_TABLE, AGE, op="ge")
BELOW_AGE = rows_where(USER_TABLE, compare(USER_TABLE, "lt", AGE))
SET_AGE, SET_CODE, SET_NAME_BY_AGE = (
    set_where(USER_TABLE, AGE),
    set_where(USER_TABLE, CODE),
    set_where(USER_TABLE, NAME, AGE),
)
ADD_CODE = add_to_all(USER_TABLE, CODE)
DELETE, DELETE_BY_AGE = delete_where(USER_TABLE), delete_where(USER_TABLE, AGE)


class Model:
    """Rows in order, as one transaction sees them, and what it wrote."""

    def __init__(self, rows: list[tuple]) -> None:
        self.rows = list(rows)
        self.touched: set[tuple] = set()
        self.marks: list[tuple[int, Any]] = []

    def state(self) -> Any:
        return copy.copy(self.rows), set(self.touched)

    def back(self, state: Any) -> None:
        self.rows, self.touched = copy.copy(state[0]), set(state[1])


def broken(rows: list[tuple]) -> bool:
    codes = [row[CODE] for row in rows if row[CODE] is not None]
    ids = [row[ID] for row in rows]
    return len(set(codes)) < len(codes) or len(set(ids)) < len(ids)


class Histories(RuleBasedStateMachine):
    """Three transactions at a time. A row's name never changes but by SET_NAME, so (first id, serial) tells rows apart."""

    @initialize()
    def start(self) -> None:
        self.store = MemoryStore()
        self.store.define([TEAM_TABLE, USER_TABLE])
        self.committed: list[tuple] = []
        self.versions: dict[int, int] = {}
        self.open: dict[int, tuple[Any, Model, dict[int, int]]] = {}
        self.snapshot: tuple[Any, list[tuple]] | None = None
        self.serial = 1

    def session(self, who: int) -> tuple[Any, Model]:
        """The transaction of `who`, begun now where there is none."""
        if who not in self.open:
            transaction = self.store.begin(isolation="snapshot")
            transaction.select(COUNT, ())
            self.open[who] = (transaction, Model(self.committed), dict(self.versions))
        transaction, model, _ = self.open[who]
        return transaction, model

    @rule(who=WHO, ages=st.lists(st.tuples(NULLABLE, NULLABLE), min_size=1, max_size=4))
    def insert(self, who: int, ages: list[tuple]) -> None:
        session, model = self.session(who)
        rows = []
        for age, code in ages:
            rows.append((self.serial, f"u{self.serial}", age, None, code))
            self.serial += 1
        if broken([*model.rows, *rows]):
            try:
                session.insert(USER_TABLE, rows)
            except IntegrityError:
                return
            raise AssertionError("a duplicate was let in")
        assert session.insert(USER_TABLE, rows) == rows
        model.rows += rows

    def change(self, who: int, write: Any, change: Any) -> None:
        session, model = self.session(who)
        after = [change(row) for row in model.rows]
        changed = {before[ID] for before, row in zip(model.rows, after, strict=True) if row is not before}
        if broken([row for row in after if row is not None]):
            try:
                write(session)
            except IntegrityError:
                return
            raise AssertionError("a duplicate was let in")
        assert write(session) == len(changed)
        model.rows = [row for row in after if row is not None]
        model.touched |= changed

    @rule(who=WHO, pick=SMALL, age=NULLABLE)
    def set_age(self, who: int, pick: int, age: int | None) -> None:
        number = self.pick(who, pick)
        self.change(
            who,
            lambda s: s.update(SET_AGE, (number, age)),
            lambda r: (*r[:AGE], age, *r[AGE + 1 :]) if r[ID] == number else r,
        )

    @rule(who=WHO, pick=SMALL, code=NULLABLE)
    def set_code(self, who: int, pick: int, code: int | None) -> None:
        number = self.pick(who, pick)
        self.change(
            who, lambda s: s.update(SET_CODE, (number, code)), lambda r: (*r[:CODE], code) if r[ID] == number else r
        )

    @rule(who=WHO, more=st.integers(-2, 2))
    def add_code(self, who: int, more: int) -> None:
        def shifted(row: tuple) -> tuple:
            return (*row[:CODE], None if row[CODE] is None else row[CODE] + more)

        self.change(who, lambda s: s.update(ADD_CODE, (more,)), shifted)

    @rule(who=WHO, age=SMALL)
    def rename(self, who: int, age: int) -> None:
        self.serial += 1
        name = f"n{self.serial}"
        self.change(
            who,
            lambda s: s.update(SET_NAME_BY_AGE, (age, name)),
            lambda r: (r[0], name, *r[2:]) if r[AGE] == age else r,
        )

    @rule(who=WHO, pick=SMALL)
    def delete(self, who: int, pick: int) -> None:
        number = self.pick(who, pick)
        self.change(who, lambda s: s.delete(DELETE, (number,)), lambda r: None if r[ID] == number else r)

    @rule(who=WHO, age=SMALL)
    def delete_by_age(self, who: int, age: int) -> None:
        self.change(who, lambda s: s.delete(DELETE_BY_AGE, (age,)), lambda r: None if r[AGE] == age else r)

    def pick(self, who: int, place: int) -> int:
        _, model = self.session(who)
        return model.rows[place % len(model.rows)][ID] if model.rows else 0

    @rule(who=WHO)
    def mark(self, who: int) -> None:
        session, model = self.session(who)
        model.marks.append((session.savepoint(), model.state()))

    @rule(who=WHO, place=SMALL)
    def back(self, who: int, place: int) -> None:
        session, model = self.session(who)
        if model.marks:
            place %= len(model.marks)
            mark, state = model.marks[place]
            del model.marks[place + 1 :]
            session.rollback_to(mark)
            model.back(state)

    @rule(who=WHO)
    def commit(self, who: int) -> None:
        session, model = self.session(who)
        _, _, seen = self.open.pop(who)
        known = {row[ID] for row in self.committed}
        mine = {row[ID]: row for row in model.rows}
        conflict = any(number in seen and self.versions.get(number) != seen[number] for number in model.touched)
        others = [row for row in self.committed if row[ID] not in model.touched]
        merged = []
        for row in self.committed:
            if row[ID] not in model.touched:
                merged.append(row)
            elif row[ID] in mine:
                merged.append(mine[row[ID]])
        fresh = [row for row in model.rows if row[ID] not in seen]
        merged += fresh
        if conflict or broken(merged):
            try:
                session.commit()
            except TransactionConflict:
                return
            raise AssertionError(f"a conflict went unnoticed: {others}")
        session.commit()
        for number in (model.touched & known) | {row[ID] for row in fresh}:
            self.serial += 1
            self.versions[number] = self.serial
        self.committed = merged

    @rule(who=WHO)
    def rollback(self, who: int) -> None:
        session, _ = self.session(who)
        self.open.pop(who)
        session.rollback()

    @rule(age=NULLABLE, code=NULLABLE)
    def alone(self, age: int | None, code: int | None) -> None:
        row = (self.serial, f"u{self.serial}", age, None, code)
        self.serial += 1
        if broken([*self.committed, row]):
            try:
                self.store.insert(USER_TABLE, [row])
            except IntegrityError:
                return
            raise AssertionError("a duplicate was let in")
        self.store.insert(USER_TABLE, [row])
        self.committed.append(row)
        self.versions[row[ID]] = row[ID]

    @rule(pick=SMALL, age=NULLABLE)
    def alone_set_age(self, pick: int, age: int | None) -> None:
        if self.committed:
            number = self.committed[pick % len(self.committed)][ID]
            assert self.store.update(SET_AGE, (number, age)) == 1
            self.committed = [(*r[:AGE], age, *r[AGE + 1 :]) if r[ID] == number else r for r in self.committed]
            self.serial += 1
            self.versions[number] = self.serial

    @rule()
    def take_snapshot(self) -> None:
        if self.snapshot is not None:
            self.snapshot[0].close()
        self.snapshot = (self.store.snapshot(), list(self.committed))

    @precondition(lambda self: self.snapshot is not None)
    @rule()
    def restore(self) -> None:
        """A row whose values are not what they were is written; all others are left alone, by whomever they were written since."""
        assert self.snapshot is not None
        kept, rows = self.snapshot
        self.store.restore(kept)
        self.serial += 1
        now, then = ({row[ID]: row for row in state} for state in (self.committed, rows))
        for number in now.keys() | then.keys():
            if now.get(number) != then.get(number):
                self.versions[number] = self.serial
        self.committed = list(rows)

    def compare(self, session: Any, rows: list[tuple]) -> None:
        assert session.select(EVERY, ()) == rows
        assert session.select(COUNT, ()) == len(rows)
        for number in range(7):
            assert session.select(BY_AGE, (number,)) == [row for row in rows if row[AGE] == number]
            assert session.select(BY_CODE, (number,)) == [row for row in rows if row[CODE] == number]
        for row in rows:
            assert session.select(BY_ID, (row[ID],)) == [row]
        assert session.select(NULL_AGE, ()) == [row for row in rows if row[AGE] is None]
        assert session.select(BELOW_AGE, (3,)) == [row for row in rows if row[AGE] is not None and row[AGE] < 3]

        def up(row: tuple) -> Any:
            return (row[AGE] is not None, row[AGE] or 0)

        assert session.select(UP, ()) == sorted(rows, key=up)
        assert session.select(DOWN, ()) == sorted(rows, key=up, reverse=True)
        assert session.select(FROM_AGE, (2,)) == sorted((r for r in rows if r[AGE] is not None and r[AGE] >= 2), key=up)

    @invariant()
    def everybody_sees_what_they_should(self) -> None:
        if not hasattr(self, "store"):
            return
        self.store._check()
        self.compare(self.store, self.committed)
        for session, model, _ in self.open.values():
            self.compare(session, model.rows)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            for session, _, _ in self.open.values():
                session.rollback()
            if self.snapshot is not None:
                self.snapshot[0].close()
            assert self.store.stats()["open_snapshots"] == 0


def test_random_histories_agree_with_the_model():
    number = int(os.environ.get("MODELKIT_HISTORIES_SEED") or random.randrange(2**32))
    print(f"MODELKIT_HISTORIES_SEED={number}")
    few = settings(
        max_examples=int(os.environ.get("MODELKIT_HISTORIES") or 120),
        stateful_step_count=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(Histories), settings=few)
