"""Tables and queries that the store's tests share, written straight in the IR."""

from __future__ import annotations

from typing import Any

from modelkit.ir.expr import INTEGER, TEXT, Arith, Col, Compare, CompareOp, Const, Expr, IsNull, Param, SortKey
from modelkit.ir.query import Assignment, Delete, RowOutput, Select, Source, Update
from modelkit.ir.schema import Column, Index, Reference, Table, Unique
from modelkit.ir.types import BooleanType, IntegerType, TextType

BOOLEAN = BooleanType()
ID, NAME, AGE, TEAM, CODE = range(5)


def team_and_user(namespace: str = "") -> tuple[Table, Table]:
    """Team(id auto, name unique), User(id auto, name, age?, team? -> Team, code? unique; an index on age)."""
    team = Table(
        "team",
        (Column("id", IntegerType(), auto=True), Column("name", TextType(20))),
        (0,),
        uniques=(Unique("team_name", (1,)),),
        label="Team",
        namespace=namespace,
    )
    user = Table(
        "user",
        (
            Column("id", IntegerType(), auto=True),
            Column("name", TextType(20)),
            Column("age", IntegerType(-1000, 1000), nullable=True),
            Column("team", IntegerType(), nullable=True),
            Column("code", IntegerType(), nullable=True),
        ),
        (0,),
        indexes=(Index("user_age", (AGE,)),),
        uniques=(Unique("user_code", (CODE,)),),
        references=(Reference("user_team", (TEAM,), "team", (0,)),),
        label="User",
        namespace=namespace,
    )
    return team, user


def col(table: Table, place: int) -> Col:
    """A column of source 0."""
    column = table.columns[place]
    return Col(column.type, column.nullable, 0, place)


def param(table: Table, place: int, slot: int = 0, *, nullable: bool = False) -> Param:
    """A parameter of a column's type."""
    return Param(table.columns[place].type, nullable, slot)


def compare(table: Table, op: CompareOp, place: int, slot: int = 0) -> Expr:
    """`column op $slot`."""
    return Compare(BOOLEAN, table.columns[place].nullable, op, col(table, place), param(table, place, slot))


def rows_where(table: Table, where: Expr | None = None, **more: Any) -> Select:
    """The rows of `table` where `where`."""
    return Select((Source(table),), (RowOutput(0),), where=where, bare=True, **more)


def every(table: Table) -> Select:
    """All rows."""
    return rows_where(table)


def by(table: Table, place: int, op: CompareOp = "eq") -> Select:
    """Rows by one column against parameter 0."""
    return rows_where(table, compare(table, op, place))


def ordered(table: Table, place: int, *, descending: bool = False, op: CompareOp | None = None) -> Select:
    """Rows in the order of one column, perhaps those beyond parameter 0 alone."""
    where = None if op is None else compare(table, op, place)
    return rows_where(table, where, order=(SortKey(col(table, place), descending),))


def null(table: Table, place: int) -> Select:
    """Rows where a column is NULL."""
    return rows_where(table, IsNull(BOOLEAN, False, col(table, place)))


def set_where(table: Table, place: int, by_place: int = 0) -> Update:
    """Column `place` becomes parameter 1 where column `by_place` is parameter 0."""
    value = param(table, place, 1, nullable=True)
    return Update(by(table, by_place), (Assignment(place, value),))


def add_to_all(table: Table, place: int) -> Update:
    """Column `place` of every row grows by parameter 0."""
    more = Arith(INTEGER, True, "+", col(table, place), Param(INTEGER, False, 0))
    return Update(every(table), (Assignment(place, more),))


def delete_where(table: Table, place: int = 0) -> Delete:
    """Rows whose column is parameter 0 go."""
    return Delete(by(table, place))


def delete_all(table: Table) -> Delete:
    """All rows go."""
    return Delete(every(table))


def count(table: Table, where: Expr | None = None) -> Select:
    """How many rows there are."""
    return rows_where(table, where, result="count")


__all__ = [
    "AGE", "BOOLEAN", "CODE", "ID", "INTEGER", "NAME", "TEAM", "TEXT", "Const", "add_to_all", "by", "col", "compare", "count",
    "delete_all", "delete_where", "every", "null", "ordered", "param", "rows_where", "set_where", "team_and_user",
]  # fmt: skip
