"""The store contract, clause by clause (`stores/base.py`), over every store."""

from __future__ import annotations

import datetime
import decimal
import uuid

import pytest

from modelkit.errors import (
    DataError,
    IntegrityError,
    ProgrammingError,
    TransactionConflict,
    TransactionError,
    ValidationError,
)
from modelkit.ir.codec import JSON_NULL
from modelkit.ir.expr import Arith, Col, Compare, Const, In, Param
from modelkit.ir.query import Assignment, Conflict, Delete, Select, Source, Update, ValueOutput
from modelkit.ir.schema import DEFAULT, Check, Column, Formula, Index, Reference, Table, Unique
from modelkit.ir.types import (
    UTC,
    BinaryType,
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    DurationType,
    FloatType,
    IntegerType,
    JsonType,
    TextType,
    TimeType,
    UuidType,
)
from modelkit.stores.base import Removal
from tests.stores.samples import (
    AGE,
    BOOLEAN,
    CODE,
    ID,
    INTEGER,
    NAME,
    TEAM,
    add_to_all,
    by,
    col,
    compare,
    count,
    delete_all,
    delete_where,
    every,
    null,
    ordered,
    rows_where,
    set_where,
)


def user(name="ann", age=None, team=None, code=None, id=DEFAULT):
    return (id, name, age, team, code)


def new_table(store, *columns, name="thing", **more):
    table = Table(name, (Column("id", IntegerType(), auto=True), *columns), (0,), label="Thing", **more)
    store.define([table])
    return table


# Insert


def test_insert_returns_the_rows_as_stored_in_order(db):
    rows = db.store.insert(db.team, [(DEFAULT, "b"), (DEFAULT, "a")])
    assert rows == [(1, "b"), (2, "a")]
    assert db.store.select(every(db.team), ()) == rows


def test_insert_of_nothing_writes_nothing(db):
    assert db.store.insert(db.team, []) == []
    transaction = db.store.begin()
    assert transaction.insert(db.team, []) == []
    transaction.commit()
    assert db.store.select(count(db.team), ()) == 0


def test_an_explicit_number_moves_the_sequence_past_it(db):
    db.store.insert(db.team, [(7, "x")])
    assert db.store.insert(db.team, [(DEFAULT, "y")]) == [(8, "y")]
    db.store.insert(db.team, [(3, "z"), (DEFAULT, "q")])
    assert db.store.select(by(db.team, ID), (9,)) == [(9, "q")]


def test_a_number_once_given_out_is_not_given_out_again(db):
    transaction = db.store.begin()
    assert transaction.insert(db.team, [(DEFAULT, "x")]) == [(1, "x")]
    transaction.rollback()
    assert db.store.insert(db.team, [(DEFAULT, "x")]) == [(2, "x")]
    db.store.delete(delete_where(db.team), (2,))
    assert db.store.insert(db.team, [(DEFAULT, "x")]) == [(3, "x")]


def test_an_updated_number_is_not_given_out_again(db):
    db.store.insert(db.team, [(DEFAULT, "x")])
    db.store.update(set_where(db.team, ID), (1, 2))
    assert db.store.insert(db.team, [(DEFAULT, "y")]) == [(3, "y")]


def test_a_row_of_the_wrong_width_is_refused(db):
    with pytest.raises(ProgrammingError, match="2 values, not 1"):
        db.store.insert(db.team, [("x",)])


def test_a_table_that_was_not_defined_is_named_with_its_near_miss(db):
    stranger = Table("teams", (Column("id", IntegerType()),), (0,), label="Teams")
    with pytest.raises(ProgrammingError, match=r"no table 'teams'.*Did you mean 'team'\?"):
        db.store.insert(stranger, [(1,)])
    with pytest.raises(ProgrammingError, match="no table 'teams'"):
        db.store.select(every(stranger), ())


# Types, NULL, checks


VALUES = {
    "boolean": (BooleanType(), [True, False], [1, "x"]),
    "integer": (IntegerType(0, 10), [0, 10], [True, -1, 11, 1.0, "1"]),
    "float": (FloatType(), [1.5, float("inf")], [float("nan"), 1, "1.5"]),
    "decimal": (DecimalType(4, 2), [decimal.Decimal("1.25")], [decimal.Decimal(100), 1.5, decimal.Decimal("99.995")]),
    "text": (TextType(3), ["abc", "äöü", ""], ["abcd", "a\0", "\ud800", 5]),
    "binary": (BinaryType(3), [b"abc"], [b"abcd", "abc"]),
    "date": (DateType(), [datetime.date(2024, 2, 29)], ["2024-02-29"]),
    "time": (TimeType(), [datetime.time(1, 2)], [datetime.time(1, tzinfo=UTC)]),
    "datetime": (DateTimeType(), [datetime.datetime(2024, 1, 1, tzinfo=UTC)], [datetime.date(2024, 1, 1)]),
    "duration": (DurationType(), [datetime.timedelta(1)], [1]),
    "uuid": (UuidType(), [uuid.UUID(int=5)], ["5"]),
    "json": (JsonType(), [{"a": [1, None]}, JSON_NULL, 1, "x", [], True], [object(), b""]),
}


@pytest.mark.parametrize("kind", VALUES)
def test_values_of_every_type_are_kept_and_others_refused(store, kind):
    type_, good, bad = VALUES[kind]
    table = new_table(store, Column("value", type_, nullable=True, label="worth"))
    assert [row[1] for row in store.insert(table, [(DEFAULT, value) for value in [*good, None]])] == [*good, None]
    for value in bad:
        with pytest.raises((DataError, IntegrityError, ValidationError), match=r"Thing.worth") as caught:
            store.insert(table, [(DEFAULT, value)])
        if isinstance(caught.value, ValidationError):
            assert value in ("a\0", "\ud800") or value != value
        else:
            assert (caught.value.model, caught.value.fields) == ("Thing", ("worth",))
        if isinstance(caught.value, IntegrityError):
            assert caught.value.kind == "check"
            assert value < 0
        update = set_where(table, 1)
        if kind not in ("json", "boolean"):
            before = store.select(every(table), ())
            with pytest.raises((DataError, IntegrityError, ValidationError), match="Thing"):
                store.update(update, (1, value))
            assert store.select(every(table), ()) == before


def test_decimals_are_rounded_half_up_to_the_places(store):
    table = new_table(store, Column("value", DecimalType(6, 2)))
    assert store.insert(table, [(DEFAULT, decimal.Decimal("1.005"))]) == [(1, decimal.Decimal("1.01"))]
    store.update(set_where(table, 1), (1, decimal.Decimal("2.675")))
    assert str(store.select(every(table), ())[0][1]) == "2.68"


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_null_is_refused_where_the_column_says_so(db, inside):
    session = db.store.begin() if inside else db.store
    with pytest.raises(IntegrityError, match=r"User.name must not be NULL") as caught:
        session.insert(db.user, [user(name=None)])
    assert (caught.value.kind, caught.value.model, caught.value.fields) == ("not_null", "User", ("name",))
    with pytest.raises(IntegrityError, match=r"User.name must not be NULL"):
        session.insert(db.user, [user(name=DEFAULT)])
    session.insert(db.user, [user(id=9)])
    with pytest.raises(IntegrityError, match=r"User.name must not be NULL"):
        session.update(set_where(db.user, NAME), (9, None))
    if inside:
        session.rollback()


def test_a_column_default_stands_in_for_default(store):
    one = Formula(Const(INTEGER, False, 1))
    table = new_table(store, Column("value", IntegerType(), default=one), Column("other", IntegerType(), nullable=True))
    assert store.insert(table, [(DEFAULT, DEFAULT, DEFAULT), (DEFAULT, 5, 6)]) == [(1, 1, None), (2, 5, 6)]


def positive(place):
    return Formula(Compare(BOOLEAN, True, "gt", col_of(place), Const(INTEGER, False, 0)))


def col_of(place):
    return Col(INTEGER, True, 0, place)


def test_a_check_refuses_what_is_false_and_lets_null_pass(store):
    table = new_table(store, Column("value", IntegerType(), nullable=True), checks=(Check("positive", positive(1)),))
    store.insert(table, [(DEFAULT, 1), (DEFAULT, None)])
    with pytest.raises(IntegrityError, match="breaks the check 'positive': value = 0") as caught:
        store.insert(table, [(DEFAULT, 0)])
    assert (caught.value.kind, caught.value.constraint, caught.value.values) == ("check", "positive", (0,))
    with pytest.raises(IntegrityError, match="positive"):
        store.update(set_where(table, 1), (1, -1))
    assert store.select(every(table), ()) == [(1, 1), (2, None)]


def test_sensitive_values_are_masked_in_messages(store):
    table = new_table(store, Column("secret", TextType(3), sensitive=True), uniques=(Unique("u", (1,)),))
    with pytest.raises(DataError) as caught:
        store.insert(table, [(DEFAULT, "hunter2")])
    assert "hunter2" not in str(caught.value)
    assert caught.value.values == ("hunter2",)
    with pytest.raises(IntegrityError) as duplicate:
        store.insert(table, [(DEFAULT, "abc"), (DEFAULT, "abc")])
    assert "abc" not in str(duplicate.value)


# Unique


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_a_second_row_of_a_unique_key_is_refused_with_the_first_one_named(db, inside):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    session = db.store.begin() if inside else db.store
    for rows in ([(DEFAULT, "a")], [(DEFAULT, "c"), (DEFAULT, "a")]):
        with pytest.raises(IntegrityError, match=r"Team.name = 'a' is taken already, by Team 1") as caught:
            session.insert(db.team, rows)
        error = caught.value
        assert (error.kind, error.constraint, error.fields, error.values) == ("unique", "team_name", ("name",), ("a",))
        assert error.conflicting_pk == 1
        assert not isinstance(error, TransactionConflict)
    with pytest.raises(IntegrityError, match="primary key"):
        session.insert(db.team, [(2, "q")])
    with pytest.raises(IntegrityError, match="taken already"):
        session.insert(db.team, [(DEFAULT, "z"), (DEFAULT, "z")])
    with pytest.raises(IntegrityError, match="by Team 1"):
        session.update(set_where(db.team, NAME), (2, "a"))
    assert session.select(every(db.team), ()) == [(1, "a"), (2, "b")]
    if inside:
        session.rollback()


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_a_unique_column_may_be_shifted_in_one_statement(db, inside):
    db.store.insert(db.user, [user(code=number) for number in (1, 2, 3)])
    session = db.store.begin() if inside else db.store
    assert session.update(add_to_all(db.user, CODE), (1,)) == 3
    assert [row[CODE] for row in session.select(every(db.user), ())] == [2, 3, 4]
    if inside:
        session.commit()


def test_nulls_are_distinct_unless_told_otherwise(store):
    columns = (Column("a", IntegerType(), nullable=True), Column("b", IntegerType(), nullable=True))
    table = new_table(store, *columns, uniques=(Unique("ab", (1, 2)), Unique("a_once", (1,), nulls_distinct=False)))
    store.insert(table, [(DEFAULT, None, 1)])
    with pytest.raises(IntegrityError, match="a_once"):
        store.insert(table, [(DEFAULT, None, 2)])
    store.insert(table, [(DEFAULT, 1, None)])
    assert store.select(null(table, 1), ()) == [(1, None, 1)]


def test_rows_with_null_in_a_unique_key_are_found_by_isnull(db):
    db.store.insert(db.user, [user(code=None), user(code=1), user(code=None)])
    assert [row[ID] for row in db.store.select(null(db.user, CODE), ())] == [1, 3]
    db.store.delete(delete_where(db.user), (1,))
    assert [row[ID] for row in db.store.select(null(db.user, CODE), ())] == [3]


def test_a_conditional_unique_holds_for_the_rows_it_keeps(store):
    table = new_table(
        store,
        Column("slug", IntegerType()),
        Column("live", IntegerType()),
        uniques=(Unique("live_slug", (1,), condition=positive(2)),),
    )
    store.insert(table, [(DEFAULT, 5, 0), (DEFAULT, 5, 0), (DEFAULT, 5, 1)])
    with pytest.raises(IntegrityError, match="live_slug"):
        store.insert(table, [(DEFAULT, 5, 1)])
    with pytest.raises(IntegrityError, match="live_slug"):
        store.update(set_where(table, 2), (1, 1))
    store.update(set_where(table, 2), (3, 0))
    store.update(set_where(table, 2), (1, 1))
    assert [row[2] for row in store.select(every(table), ())] == [1, 0, 0]


def test_a_unique_over_an_expression_compares_its_values(store):
    parity = Formula(Arith(INTEGER, False, "%", col_of(1), Const(INTEGER, False, 10)))
    table = new_table(store, Column("value", IntegerType()), uniques=(Unique("last_digit", expressions=(parity,)),))
    store.insert(table, [(DEFAULT, 11)])
    with pytest.raises(IntegrityError, match="last_digit"):
        store.insert(table, [(DEFAULT, 21)])
    store.insert(table, [(DEFAULT, 22)])


def test_json_keys_ignore_the_order_of_names(store):
    table = new_table(store, Column("value", JsonType()), uniques=(Unique("value_once", (1,)),))
    store.insert(table, [(DEFAULT, {"a": 1, "b": 2}), (DEFAULT, True), (DEFAULT, 1)])
    with pytest.raises(IntegrityError, match="value_once"):
        store.insert(table, [(DEFAULT, {"b": 2, "a": 1})])


def test_a_deferred_unique_is_checked_at_commit_only(store):
    table = new_table(store, Column("pos", IntegerType()), uniques=(Unique("pos_once", (1,), deferred=True),))
    store.insert(table, [(DEFAULT, 1), (DEFAULT, 2)])
    transaction = store.begin()
    transaction.update(set_where(table, 1), (1, 2))
    with pytest.raises(IntegrityError, match="pos_once"):
        transaction.check_references()
    assert [row[ID] for row in transaction.select(by(table, 1), (2,))] == [1, 2]
    transaction.update(set_where(table, 1), (2, 1))
    transaction.check_references()
    transaction.commit()
    assert store.select(every(table), ()) == [(1, 2), (2, 1)]
    transaction = store.begin()
    transaction.insert(table, [(DEFAULT, 1)])
    with pytest.raises(IntegrityError, match="pos_once"):
        transaction.commit()
    assert store.select(count(table), ()) == 2


CROSSING = {
    "json": (JsonType(), [True, 1, 1.0, "1", [1], [True], {"a": 1}, {"a": True}, 0, False, JSON_NULL, "", [], {}]),
    "decimal": (DecimalType(), [decimal.Decimal(text) for text in ("1", "1.0", "1.00", "0", "-0", "10", "1E1")]),
    "float": (FloatType(), [0.0, -0.0, 1.0, 1.5, float("inf")]),
    "datetime": (DateTimeType(), [datetime.datetime(2024, 10, 27, hour, tzinfo=UTC) for hour in (0, 1, 1, 2)]),
    "text": (TextType(), ["1", "1 ", "a", "A", "ä", "a\u0308", ""]),
}


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
@pytest.mark.parametrize("kind", CROSSING)
def test_an_index_finds_what_a_scan_finds_over_values_that_nearly_equal_one_another(store, kind, inside):
    type_, values = CROSSING[kind]
    plain = new_table(store, Column("value", type_, nullable=True), name="plain")
    keyed = new_table(store, Column("value", type_, nullable=True), name="keyed", indexes=(Index("value", (1,)),))
    rows = [(DEFAULT, value) for value in [*values, None, *values]]
    session = store.begin() if inside else store
    for table in (plain, keyed):
        session.insert(table, rows)
        session.update(set_where(table, 1), (2, values[0]))
    for value in values:
        found = session.select(by(keyed, 1), (value,))
        assert found == session.select(by(plain, 1), (value,))
        assert {type_.key(row[1]) for row in found} == {type_.key(value)}
        ids = [
            row[0]
            for row in session.select(every(keyed), ())
            if row[1] is not None and type_.key(row[1]) == type_.key(value)
        ]
        assert [row[0] for row in found] == ids
    if inside:
        session.rollback()


# Insert with a conflict


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_insert_that_ignores_leaves_out_what_breaks_a_unique_key(db, inside):
    db.store.insert(db.team, [(DEFAULT, "a")])
    session = db.store.begin() if inside else db.store
    stored = session.insert(
        db.team, [(DEFAULT, "b"), (DEFAULT, "a"), (DEFAULT, "b"), (DEFAULT, "c")], Conflict("ignore")
    )
    assert [row and row[1] for row in stored] == ["b", None, None, "c"]
    assert [row[1] for row in session.select(every(db.team), ())] == ["a", "b", "c"]
    with pytest.raises(IntegrityError, match="NULL"):
        session.insert(db.team, [(DEFAULT, None)], Conflict("ignore"))
    if inside:
        session.commit()
    assert db.store.select(count(db.team), ()) == 3


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_insert_that_updates_writes_the_columns_into_the_row_of_the_same_target(db, inside):
    db.store.insert(db.user, [user("ann", 20, code=5), user("bob", 30, code=6)])
    session = db.store.begin() if inside else db.store
    conflict = Conflict("update", target=(CODE,), columns=(NAME,))
    stored = session.insert(
        db.user, [user("eve", 99, code=5), user("new", 1, code=7), user("last", 2, code=7)], conflict
    )
    assert [row[1:3] for row in stored] == [("eve", 20), ("new", 1), ("last", 1)]
    assert [row[1:3] for row in session.select(every(db.user), ())] == [("eve", 20), ("bob", 30), ("last", 1)]
    with pytest.raises(IntegrityError, match="primary key"):
        session.insert(db.user, [user("x", code=8), user("x", code=9, id=1)], conflict)
    assert session.select(count(db.user), ()) == 3
    with pytest.raises(ProgrammingError, match="no unique constraint over age"):
        session.insert(db.user, [user()], Conflict("update", target=(AGE,), columns=(NAME,)))
    if inside:
        session.commit()


# References


def test_a_reference_is_checked_at_once_outside_transactions(db):
    with pytest.raises(IntegrityError, match=r"User.team = 9 refers to no Team") as caught:
        db.store.insert(db.user, [user(team=9)])
    assert (caught.value.kind, caught.value.constraint, caught.value.fields) == ("reference", "user_team", ("team",))
    with pytest.raises(IntegrityError, match="refers to no Team"):
        db.store.insert(db.user, [user(), user(team=9)])
    assert db.store.select(count(db.user), ()) == 0
    db.store.insert(db.user, [user(id=9)])
    with pytest.raises(IntegrityError, match="refers to no Team"):
        db.store.update(set_where(db.user, TEAM), (9, 9))


def test_a_parent_stays_while_a_child_refers_to_it(db):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    db.store.insert(db.user, [user(team=1)])
    with pytest.raises(
        IntegrityError, match=r"Team 1 cannot be removed or renamed: User 1 refers to it by team"
    ) as caught:
        db.store.delete(delete_where(db.team), (1,))
    assert (caught.value.kind, caught.value.conflicting_pk) == ("reference", 1)
    with pytest.raises(IntegrityError, match="Team 1 cannot be removed"):
        db.store.delete(delete_all(db.team), ())
    with pytest.raises(IntegrityError, match="Team 1 cannot be removed"):
        db.store.update(set_where(db.team, ID), (1, 5))
    assert db.store.delete(delete_where(db.team), (2,)) == 1
    db.store.update(set_where(db.user, TEAM), (1, None))
    assert db.store.delete(delete_where(db.team), (1,)) == 1


def removals(db, root):
    members = Delete(rows_where(db.user, In(BOOLEAN, True, col(db.user, TEAM), Param(INTEGER, False, 0))))
    return [Removal(root), Removal(members, 0, (ID,))]


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
@pytest.mark.parametrize("scan", [True, False], ids=["by a scan", "by key"])
def test_a_cascade_removes_rows_and_those_that_refer_to_them(db, inside, scan):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b"), (DEFAULT, "c")])
    db.store.insert(db.user, [user(team=team) for team in (1, 2, 1, None, 2)])
    session = db.store.begin() if inside else db.store
    root = Delete(rows_where(db.team, compare(db.team, "le", NAME))) if scan else delete_where(db.team)
    assert session.cascade(removals(db, root), ("a" if scan else 1,)) == [1, 2]
    assert session.cascade(removals(db, root), ("a" if scan else 3,)) == ([0, 0] if scan else [1, 0])
    if inside:
        assert len(db.store.select(every(db.user), ())) == 5
        session.commit()
    assert [row[ID] for row in db.store.select(every(db.user), ())] == [2, 4, 5]


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_a_row_that_several_steps_find_is_removed_once_and_counts_for_the_first(db, inside):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    db.store.insert(db.user, [user(team=1), user(team=2)])
    session = db.store.begin() if inside else db.store
    steps = [*removals(db, delete_all(db.team)), Removal(delete_all(db.user))]
    assert session.cascade([steps[2], *steps[:1], Removal(steps[1].drop, 1, (ID,))], ()) == [2, 2, 0]
    if inside:
        session.commit()
    assert db.store.select(every(db.user), ()) == []


def test_a_cascade_that_is_refused_removes_nothing(db):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    db.store.insert(db.user, [user(team=1), user(team=2)])
    with pytest.raises(IntegrityError, match="Team 2"):
        db.store.cascade(
            [Removal(delete_all(db.team)), Removal(Delete(rows_where(db.user, compare(db.user, "eq", TEAM, 0))))], (1,)
        )
    assert len(db.store.select(every(db.user), ())) == len(db.store.select(every(db.team), ())) == 2


def test_a_cascade_conflicts_with_who_committed_first(db):
    db.store.insert(db.team, [(DEFAULT, "a")])
    db.store.insert(db.user, [user(team=1)])
    transaction = db.store.begin()
    transaction.cascade(removals(db, delete_where(db.team)), (1,))
    db.store.update(set_where(db.user, NAME), (1, "x"))
    with pytest.raises(TransactionConflict):
        transaction.commit()


def test_references_wait_for_the_commit_of_a_transaction(db):
    transaction = db.store.begin()
    transaction.insert(db.user, [user(team=1)])
    with pytest.raises(IntegrityError, match="refers to no Team"):
        transaction.check_references()
    transaction.insert(db.team, [(1, "a")])
    transaction.check_references()
    transaction.commit()
    transaction = db.store.begin()
    transaction.delete(delete_where(db.team), (1,))
    transaction.delete(delete_where(db.user), (1,))
    transaction.insert(db.user, [user(team=1)])
    with pytest.raises(IntegrityError, match="Team"):
        transaction.commit()
    assert db.store.select(count(db.team), ()) == db.store.select(count(db.user), ()) == 1


def test_a_row_may_refer_to_itself(store):
    table = Table(
        "node",
        (Column("id", IntegerType(), auto=True), Column("parent", IntegerType(), nullable=True)),
        (0,),
        references=(Reference("parent", (1,), "node", (0,)),),
        label="Node",
    )
    store.define([table])
    store.insert(table, [(1, 1)])
    store.insert(table, [(2, 3), (3, 2)])
    with pytest.raises(IntegrityError, match="refers to no Node"):
        store.insert(table, [(4, 5)])
    with pytest.raises(IntegrityError, match="cannot be removed"):
        store.delete(delete_where(table), (2,))
    assert store.delete(delete_all(table), ()) == 3


def test_a_reference_that_is_not_enforced_is_not_checked(store):
    table = Table(
        "loose",
        (Column("id", IntegerType(), auto=True), Column("other", IntegerType())),
        (0,),
        references=(Reference("other", (1,), "nowhere", (0,), enforced=False),),
    )
    store.define([table])
    assert store.insert(table, [(DEFAULT, 5)]) == [(1, 5)]


def test_a_reference_may_name_a_unique_column(store):
    parent = Table(
        "p", (Column("id", IntegerType(), auto=True), Column("code", TextType())), (0,), uniques=(Unique("c", (1,)),)
    )
    child = Table(
        "c",
        (Column("id", IntegerType(), auto=True), Column("code", TextType())),
        (0,),
        references=(Reference("r", (1,), "p", (1,)),),
    )
    store.define([child, parent])
    store.insert(parent, [(DEFAULT, "x")])
    store.insert(child, [(DEFAULT, "x")])
    with pytest.raises(IntegrityError, match="cannot be removed or renamed"):
        store.update(set_where(parent, 1), (1, "y"))
    store.update(set_where(parent, 0), (1, 5))
    with pytest.raises(IntegrityError, match="refers to no p"):
        store.insert(child, [(DEFAULT, "y")])


# Update and delete


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_update_and_delete_say_how_many_rows_they_found(db, inside):
    db.store.insert(db.user, [user(age=age) for age in (1, 2, 2, None)])
    session = db.store.begin() if inside else db.store
    assert session.update(set_where(db.user, NAME, AGE), (2, "x")) == 2
    assert session.update(set_where(db.user, NAME, AGE), (7, "x")) == 0
    assert [row[NAME] for row in session.select(every(db.user), ())] == ["ann", "x", "x", "ann"]
    assert session.delete(delete_where(db.user, AGE), (2,)) == 2
    assert session.delete(delete_where(db.user, AGE), (2,)) == 0
    assert session.select(count(db.user), ()) == 2
    if inside:
        session.commit()
    assert [row[ID] for row in db.store.select(every(db.user), ())] == [1, 4]


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_update_collects_rows_before_it_writes(db, inside):
    db.store.insert(db.user, [user(age=age) for age in range(10)])
    session = db.store.begin() if inside else db.store
    more = Arith(INTEGER, True, "+", col(db.user, AGE), Param(INTEGER, False, 1))
    walking = Update(rows_where(db.user, compare(db.user, "ge", AGE)), (Assignment(AGE, more),))
    assert session.update(walking, (0, 1)) == 10
    assert [row[AGE] for row in session.select(every(db.user), ())] == list(range(1, 11))
    if inside:
        session.commit()


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_a_failed_statement_leaves_the_session_as_it_was(db, inside):
    db.store.insert(db.user, [user(code=1), user(code=2), user(age=995)])
    session = db.store.begin() if inside else db.store
    session.insert(db.user, [user(code=3)])
    before = session.select(every(db.user), ())
    for attempt in (
        lambda: session.insert(db.user, [user(code=4), user(code=5), user(code=1)]),
        lambda: session.update(add_to_all(db.user, AGE), (10,)),
        lambda: session.update(set_where(db.user, CODE), (2, 1)),
        lambda: session.insert(db.user, [user(code=6), user(code=None, name=None)]),
    ):
        with pytest.raises((IntegrityError, DataError)):
            attempt()
        assert session.select(every(db.user), ()) == before
        for number in range(1, 7):
            found = session.select(by(db.user, CODE), (number,))
            assert [row[CODE] for row in found] == ([number] if number <= 3 else [])
    if inside:
        session.commit()
    assert db.store.select(every(db.user), ()) == before


# Order


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_results_come_in_insertion_order_on_every_access_path(db, inside):
    db.store.insert(db.user, [user(age=number % 3, code=100 - number) for number in range(9)])
    session = db.store.begin() if inside else db.store
    session.update(set_where(db.user, AGE), (1, 1))
    session.insert(db.user, [user(age=1, code=-5)])
    assert [row[ID] for row in session.select(by(db.user, AGE), (1,))] == [1, 2, 5, 8, 10]
    assert [row[ID] for row in session.select(every(db.user), ())] == list(range(1, 11))
    ages = [(row[AGE], row[ID]) for row in session.select(ordered(db.user, AGE, op="ge"), (1,))]
    assert ages == sorted(ages)
    down = [(-row[AGE], row[ID]) for row in session.select(ordered(db.user, AGE, descending=True, op="ge"), (0,))]
    assert down == sorted(down)
    assert len(down) == 10
    if inside:
        session.rollback()


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_nulls_are_smallest_in_an_order(db, inside):
    db.store.insert(db.user, [user(age=3), user(age=None), user(age=1), user(age=None)])
    session = db.store.begin() if inside else db.store
    assert [row[ID] for row in session.select(ordered(db.user, AGE), ())] == [2, 4, 3, 1]
    assert [row[ID] for row in session.select(ordered(db.user, AGE, descending=True), ())] == [1, 3, 2, 4]
    if inside:
        session.rollback()


# Transactions


def test_a_transaction_sees_its_own_writes_and_nobody_else_does(db):
    db.store.insert(db.team, [(DEFAULT, "a")])
    transaction, other = db.store.begin(), db.store.begin()
    other.select(every(db.team), ())
    transaction.insert(db.team, [(DEFAULT, "b")])
    transaction.update(set_where(db.team, NAME), (1, "z"))
    assert transaction.select(every(db.team), ()) == [(1, "z"), (2, "b")]
    assert db.store.select(every(db.team), ()) == other.select(every(db.team), ()) == [(1, "a")]
    transaction.commit()
    assert db.store.select(every(db.team), ()) == [(1, "z"), (2, "b")]
    assert other.select(every(db.team), ()) == [(1, "a")]
    other.rollback()


def test_the_snapshot_is_taken_at_the_first_statement(db):
    transaction = db.store.begin()
    db.store.insert(db.team, [(DEFAULT, "a")])
    assert transaction.select(count(db.team), ()) == 1
    db.store.insert(db.team, [(DEFAULT, "b")])
    assert transaction.select(count(db.team), ()) == 1
    transaction.commit()


def test_a_snapshot_covers_tables_that_were_not_read_yet(db):
    transaction = db.store.begin()
    transaction.select(every(db.team), ())
    db.store.insert(db.team, [(DEFAULT, "a")])
    db.store.insert(db.user, [user(team=1)])
    assert transaction.select(every(db.user), ()) == []
    assert transaction.select(by(db.user, TEAM), (1,)) == []
    transaction.commit()


def test_the_first_committer_wins(db):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    first, second = db.store.begin(), db.store.begin()
    for transaction, name in ((first, "x"), (second, "y")):
        transaction.update(set_where(db.team, NAME), (1, name))
    second.insert(db.team, [(DEFAULT, "new")])
    first.commit()
    with pytest.raises(
        TransactionConflict, match="Another transaction wrote Team 1 first: nothing was saved"
    ) as caught:
        second.commit()
    assert (caught.value.model, caught.value.pk, caught.value.kind) == ("Team", 1, "write")
    assert db.store.select(every(db.team), ()) == [(1, "x"), (2, "b")]
    with pytest.raises(TransactionError, match="ended"):
        second.select(every(db.team), ())


def test_transactions_that_write_other_rows_both_commit(db):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    first, second = db.store.begin(), db.store.begin()
    first.update(set_where(db.team, NAME), (1, "x"))
    second.update(set_where(db.team, NAME), (2, "y"))
    second.insert(db.team, [(DEFAULT, "z")])
    first.insert(db.team, [(DEFAULT, "w")])
    first.commit()
    second.commit()
    assert [row[1] for row in db.store.select(every(db.team), ())] == ["x", "y", "w", "z"]


@pytest.mark.parametrize("writes", ["update", "delete"])
def test_a_deleted_row_conflicts_too(db, writes):
    db.store.insert(db.team, [(DEFAULT, "a")])
    transaction = db.store.begin()
    if writes == "update":
        transaction.update(set_where(db.team, NAME), (1, "x"))
    else:
        transaction.delete(delete_where(db.team), (1,))
    db.store.delete(delete_where(db.team), (1,))
    with pytest.raises(TransactionConflict):
        transaction.commit()


def test_rolled_back_writes_leave_nothing(db):
    db.store.insert(db.team, [(DEFAULT, "a")])
    transaction = db.store.begin()
    transaction.update(set_where(db.team, NAME), (1, "x"))
    transaction.insert(db.team, [(DEFAULT, "b")])
    transaction.delete(delete_where(db.team), (1,))
    transaction.rollback()
    transaction.rollback()
    assert db.store.select(every(db.team), ()) == [(1, "a")]
    for use in (
        lambda: transaction.select(every(db.team), ()),
        lambda: transaction.insert(db.team, [(DEFAULT, "b")]),
        transaction.commit,
    ):
        with pytest.raises(TransactionError, match="ended"):
            use()


def test_savepoints_undo_what_came_after_them_and_stay_usable(db):
    db.store.insert(db.team, [(DEFAULT, "a"), (DEFAULT, "b")])
    transaction = db.store.begin()
    start = transaction.savepoint()
    transaction.update(set_where(db.team, NAME), (1, "x"))
    transaction.insert(db.team, [(10, "c"), (11, "d")])
    middle = transaction.savepoint()
    transaction.delete(delete_where(db.team), (1,))
    transaction.delete(delete_where(db.team), (10,))
    transaction.update(set_where(db.team, NAME), (11, "q"))
    transaction.insert(db.team, [(12, "e")])
    assert transaction.select(every(db.team), ()) == [(2, "b"), (11, "q"), (12, "e")]
    for _ in range(2):
        transaction.rollback_to(middle)
        assert transaction.select(every(db.team), ()) == [(1, "x"), (2, "b"), (10, "c"), (11, "d")]
        assert transaction.select(by(db.team, NAME), ("q",)) == transaction.select(by(db.team, NAME), ("e",)) == []
        transaction.insert(db.team, [(12, "e")])
    transaction.rollback_to(start)
    assert transaction.select(every(db.team), ()) == [(1, "a"), (2, "b")]
    transaction.insert(db.team, [(10, "x")])
    transaction.commit()
    assert db.store.select(every(db.team), ()) == [(1, "a"), (2, "b"), (10, "x")]


def test_a_key_freed_in_a_transaction_may_be_taken_again_in_it(db):
    db.store.insert(db.team, [(1, "a")])
    transaction = db.store.begin()
    transaction.delete(delete_where(db.team), (1,))
    transaction.insert(db.team, [(1, "a")])
    assert transaction.select(by(db.team, ID), (1,)) == transaction.select(by(db.team, NAME), ("a",)) == [(1, "a")]
    transaction.commit()
    assert db.store.select(by(db.team, ID), (1,)) == [(1, "a")]


# Streams


@pytest.mark.parametrize("inside", [True, False], ids=["in a transaction", "alone"])
def test_a_stream_reads_one_snapshot_however_long_it_takes(db, inside):
    db.store.insert(db.user, [user(age=number) for number in range(300)])
    session = db.store.begin() if inside else db.store
    expected = session.select(every(db.user), ())
    stream = session.stream(every(db.user), (), 70)
    got = list(next(stream))
    assert len(got) == 70
    session.update(add_to_all(db.user, AGE), (1,))
    session.insert(db.user, [user()])
    session.delete(delete_where(db.user), (250,))
    if inside:
        session.commit()
    db.store.delete(delete_all(db.user), ())
    sizes = []
    for part in stream:
        sizes.append(len(part))
        got += part
    assert sizes == [70, 70, 70, 20]
    assert got == expected


def test_an_ordered_stream_reads_one_snapshot(db):
    db.store.insert(db.user, [user(age=(number * 37) % 400) for number in range(400)])
    expected = db.store.select(ordered(db.user, AGE, op="ge"), (0,))
    stream = db.store.stream(ordered(db.user, AGE, op="ge"), (0,), 50)
    got = list(next(stream))
    db.store.update(add_to_all(db.user, AGE), (5,))
    for part in stream:
        got += part
        db.store.delete(delete_where(db.user), (got[-1][ID],))
        db.store.insert(db.user, [user(age=399)])
    assert got == expected


def test_explain_names_the_access_path(db):
    assert "primary key" in db.store.explain(by(db.user, ID))
    assert "def " in db.store.explain(by(db.user, ID), verbose=True)
    transaction = db.store.begin()
    assert "user_age" in transaction.explain(by(db.user, AGE))
    transaction.rollback()


def test_values_may_be_read_alone(db):
    db.store.insert(db.user, [user("a"), user("b")])
    names = Select((Source(db.user),), (ValueOutput(col(db.user, NAME)),), bare=True)
    assert db.store.select(names, ()) == ["a", "b"]


def test_an_index_on_expressions_or_under_a_condition_gives_what_a_scan_gives(store):
    table = new_table(
        store,
        Column("value", IntegerType(), nullable=True),
        indexes=(Index("partial", (1,), condition=positive(1)),),
    )
    store.insert(table, [(DEFAULT, value) for value in (3, -3, None, 3, 0)])
    positive_3 = rows_where(table, compare(table, "eq", 1))
    assert [row[0] for row in store.select(positive_3, (3,))] == [1, 4]
    assert [row[0] for row in store.select(positive_3, (-3,))] == [2]
    store.update(set_where(table, 1), (1, -3))
    assert [row[0] for row in store.select(positive_3, (3,))] == [4]
