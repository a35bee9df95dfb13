"""A small shop: tables, rows and shorthands for the tests of planning and compiling."""

from __future__ import annotations

from typing import Any

from modelkit.ir import expr as ir
from modelkit.ir.query import Delete, RowOutput, Select, Source, Update
from modelkit.ir.schema import Column, Index, Reference, Row, Table, Unique
from modelkit.ir.types import BooleanType, IntegerType, JsonType, ScalarType, TextType
from modelkit.stores.memory.compiler import Compiled, compile_query
from tests.compiler.views import ListView

INT, TEXT, BOOL, JSON = IntegerType(), TextType(), BooleanType(), JsonType()

AUTHOR = Table(
    "author",
    (
        Column("id", INT),
        Column("name", TEXT),
        Column("country", TEXT, nullable=True),
        Column("age", INT, nullable=True),
    ),
    (0,),
    indexes=(Index("by_country", (2,)), Index("by_age", (3,))),
    uniques=(Unique("one_name", (1,)),),
)
BOOK = Table(
    "book",
    (
        Column("id", INT),
        Column("title", TEXT),
        Column("author_id", INT, nullable=True),
        Column("year", INT),
        Column("data", JSON, nullable=True),
    ),
    (0,),
    indexes=(Index("by_title", (1,)), Index("author_year", (2, 3))),
    references=(Reference("its_author", (2,), "author", (0,)),),
)
WORD = Table("word", (Column("word", TEXT, nullable=True), Column("weight", INT)), ())

ROWS: dict[Table, list[Row | None]] = {
    AUTHOR: [(3, "cy", "fr", None), (1, "ann", "de", 30), None, (2, "bob", None, 40), (4, "di", "de", 50)],
    BOOK: [
        (5, "xylo", 4, 2000, {"n": 1}),
        None,
        (2, "y", 2, 2001, None),
        (3, "xa", 1, 2002, [1]),
        (4, "w", None, 1999, None),
        (1, "x", 1, 2000, {"n": 1.0}),
    ],
    WORD: [("ann", 1), (None, 2), ("cy", 3)],
}


def col(source: int, table: Table, name: str, *, nullable: bool = False) -> ir.Col:
    place = table.positions[name]
    column = table.columns[place]
    return ir.Col(column.type, column.nullable or nullable, source, place)


def param(slot: int, kind: ScalarType = INT, *, nullable: bool = False) -> ir.Param:
    return ir.Param(kind, nullable, slot)


def compare(left: ir.Expr, op: Any, right: ir.Expr) -> ir.Compare:
    return ir.Compare(BOOL, True, op, left, right)


def both(*items: ir.Expr) -> ir.And:
    return ir.And(BOOL, True, items)


def rows_of(table: Table, where: ir.Expr | None = None, **options: Any) -> Select:
    """A query for whole rows of one table."""
    return Select((Source(table),), (RowOutput(0),), where, bare=True, **options)


BOOKS_AND_AUTHORS = (Source(BOOK), Source(AUTHOR, 0, (2,), (0,), optional=True))
AUTHORS_AND_BOOKS = (Source(AUTHOR), Source(BOOK, 0, (0,), (2,), many=True, optional=True))


class Ran:
    """A query run on the shop: its result, and how the tables were read."""

    def __init__(
        self, query: Select | Update | Delete, *params: Any, compiled: Compiled | None = None, **options: Any
    ) -> None:
        self.compiled = compiled or compile_query(query, **options)
        self.views = [ListView(table, ROWS[table]) for table in self.compiled.tables]
        self.result = self.compiled.run(self.views, params)
        self.calls = {call for view in self.views for call in view.calls}

    @property
    def keys(self) -> list[Any]:
        """The first value of each result row."""
        return [row[0] for row in self.result]
