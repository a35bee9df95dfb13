"""Random tables and random queries over them: NULLs, ties, joins of every kind, inner queries, all nodes of the IR.

Everything is drawn from one `random.Random`, so that a seed is a whole case.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from modelkit.expressions import accumulators
from modelkit.ir import expr as ir
from modelkit.ir.codec import JSON_NULL
from modelkit.ir.query import Assignment, Compound, Dealt, Delete, RowOutput, Select, Source, Update, ValueOutput
from modelkit.ir.schema import Column, Index, Reference, Row, Table, Unique
from modelkit.ir.types import (
    BooleanType,
    DateType,
    DecimalType,
    DurationType,
    FloatType,
    IntegerType,
    JsonType,
    ScalarType,
    TextType,
    TupleType,
)
from modelkit.stores.memory.access import access_paths

INT, TEXT, BOOL, JSON = IntegerType(), TextType(), BooleanType(), JsonType()
DECIMAL, DATE, DURATION, FLOAT = DecimalType(), DateType(), DurationType(), FloatType()

AREA = Table(
    "area",
    (Column("id", INT), Column("name", TEXT, nullable=True), Column("kind", INT, nullable=True)),
    (0,),
    indexes=(Index("area_kind", (2,)),),
)
PERSON = Table(
    "person",
    (
        Column("id", INT),
        Column("name", TEXT),
        Column("age", INT, nullable=True),
        Column("area_id", INT, nullable=True),
        Column("boss_id", INT, nullable=True),
        Column("active", BOOL, nullable=True),
        Column("data", JSON, nullable=True),
        Column("score", DECIMAL),
        Column("born", DATE, nullable=True),
        Column("code", TEXT, nullable=True),
    ),
    (0,),
    indexes=(Index("person_age", (2,)), Index("person_name", (1,)), Index("person_data", (6,)), Index("score", (7,))),
    uniques=(Unique("person_code", (9,)),),
    references=(Reference("person_area", (3,), "area", (0,)), Reference("person_boss", (4,), "person", (0,))),
)
NOTE = Table(
    "note",
    (
        Column("id", INT),
        Column("person_id", INT),
        Column("stars", INT, nullable=True),
        Column("tag", TEXT, nullable=True),
        Column("place", INT, nullable=True),
    ),
    (0,),
    indexes=(Index("note_both", (1, 2)), Index("note_stars", (2,))),
    references=(Reference("note_person", (1,), "person", (0,)),),
)
LINK = Table(
    "link",
    (Column("person_id", INT), Column("area_id", INT), Column("weight", INT)),
    (0, 1),
    references=(Reference("link_person", (0,), "person", (0,)), Reference("link_area", (1,), "area", (0,))),
)
PLAIN = Table("plain", (Column("word", TEXT, nullable=True), Column("count", INT, nullable=True)), ())
SCHEMA = (AREA, PERSON, NOTE, LINK, PLAIN)


@dataclass(frozen=True)
class Join:
    """A way from one table to another."""

    parent: Table
    child: Table
    left: tuple[int, ...]
    right: tuple[int, ...]
    many: bool
    optional: bool


JOINS = (
    Join(PERSON, AREA, (3,), (0,), many=False, optional=True),
    Join(PERSON, PERSON, (4,), (0,), many=False, optional=True),
    Join(PERSON, PERSON, (0,), (4,), many=True, optional=True),
    Join(PERSON, NOTE, (0,), (1,), many=True, optional=True),
    Join(PERSON, LINK, (0,), (0,), many=True, optional=True),
    Join(PERSON, PLAIN, (9,), (0,), many=True, optional=True),
    Join(NOTE, PERSON, (1,), (0,), many=False, optional=False),
    Join(NOTE, LINK, (1, 4), (0, 1), many=False, optional=True),
    Join(LINK, NOTE, (0, 1), (1, 4), many=True, optional=True),
    Join(LINK, PERSON, (0,), (0,), many=False, optional=False),
    Join(LINK, AREA, (1,), (0,), many=False, optional=False),
    Join(AREA, PERSON, (0,), (3,), many=True, optional=True),
    Join(AREA, LINK, (0,), (1,), many=True, optional=True),
    Join(AREA, NOTE, (2,), (2,), many=True, optional=True),
    Join(PLAIN, PERSON, (0,), (9,), many=False, optional=True),
)

WORDS = ("", "a", "ab", "abc", "b", "B", "ß", "ss", "É", "%", "_", "[", "'\"\n{}", "\U0010ffff")
JSONS: tuple[Any, ...] = (
    JSON_NULL, True, False, 1, 1.0, 0, "a", "", [], [1, None], {"a": 1}, {"a": None, "b": [2]}, {"0": "x"}, {"a": {"a": 2}},
)  # fmt: skip
DATES = tuple(datetime.date(2024, 2, 27) + datetime.timedelta(days=day) for day in range(5))


def random_tables(rng: Random) -> dict[Table, list[Row | None]]:
    """Rows for all tables: references hold, removed rows leave gaps."""

    def maybe(value: Any, chance: float = 0.3) -> Any:
        return None if rng.random() < chance else value

    areas: list[Row | None] = [
        (key, maybe(rng.choice(WORDS)), maybe(rng.randint(0, 3)))
        for key in rng.sample(range(9), rng.choice((0, 2, 3, 4)))
    ]
    people: list[Row | None] = []
    codes = list(WORDS)
    rng.shuffle(codes)
    keys = rng.sample(range(20), rng.choice((0, 4, 5, 6, 7, 8, 9)))
    for key in keys:
        area = maybe(rng.choice(areas)[0]) if areas else None  # type: ignore[index]
        people.append(
            (
                key,
                rng.choice(WORDS[:6]),
                maybe(rng.randint(0, 4)),
                area,
                maybe(rng.choice(keys)),
                maybe(rng.random() < 0.5),
                maybe(rng.choice(JSONS)),
                Decimal(rng.randint(0, 6)) / 2,
                maybe(rng.choice(DATES)),
                maybe(codes.pop()),
            )
        )
    notes: list[Row | None] = [
        (key, rng.choice(keys), maybe(rng.randint(0, 3)), maybe(rng.choice(WORDS)), maybe(rng.randint(0, 8)))
        for key in (rng.sample(range(30), rng.choice((0, 3, 5, 8))) if keys else ())
    ]
    links: list[Row | None] = [
        (person, area[0], rng.randint(0, 2)) for person in keys for area in areas if area and rng.random() < 0.4
    ]
    plain: list[Row | None] = [
        (maybe(rng.choice(WORDS)), maybe(rng.randint(0, 3))) for _ in range(rng.choice((0, 2, 4, 6)))
    ]
    seen: set[Any] = set()
    plain = [row for row in plain if row is not None and (row[0] is None or not (row[0] in seen or seen.add(row[0])))]
    tables = {AREA: areas, PERSON: people, NOTE: notes, LINK: links, PLAIN: plain}
    for rows in tables.values():
        rng.shuffle(rows)
        for _ in range(rng.randint(0, 2)):
            rows.insert(rng.randint(0, len(rows)), None)
    return tables


def _may_be_missing(sources: list[Source], number: int) -> bool:
    """Whether a source, or one that it is joined to, is optional."""
    return number > 0 and (sources[number].optional or _may_be_missing(sources, sources[number].parent))


class Queries:
    """Draws queries; `params` are the values of their parameters."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.params: list[Any] = []

    def param(self, kind: ScalarType, value: Any, *, nullable: bool = False) -> ir.Param:
        self.params.append(value)
        return ir.Param(kind, nullable, len(self.params) - 1)

    # -- sources ------------------------------------------------------------------------------------------------------

    def sources(self, count: int, outer: Scope | None = None) -> tuple[Source, ...]:
        rng = self.rng
        found = [Source(rng.choice(SCHEMA))]
        if rng.random() < 0.06:
            return (Source(None, rows=self.rows(outer)),)
        while len(found) < count:
            parent = rng.randrange(len(found))
            ways = [join for join in JOINS if join.parent is found[parent].table]
            if not ways:
                break
            join = rng.choice(ways)
            condition = None
            if (join.optional or not _may_be_missing(found, parent)) and rng.random() < 0.2:
                tried = Source(join.child, parent, join.left, join.right, join.many, join.optional)
                condition = Scope(
                    self, (*found, tried), outer, only=(len(found), parent, rng.randrange(len(found)))
                ).condition(1)
            found.append(Source(join.child, parent, join.left, join.right, join.many, join.optional, condition))
        return tuple(found)

    def rows(self, outer: Scope | None, kinds: Sequence[ScalarType] = (INT, TEXT)) -> Select | Compound:
        """What stands in a source in the place of a table: a query, or several put together, of columns of `kinds`.

        It may read what stands around the query that reads it.
        """
        rng = self.rng

        def one() -> Select:
            sources = (Source(rng.choice(SCHEMA)),)
            scope = Scope(self, sources, outer)
            where = scope.condition(0) if rng.random() < 0.4 else None
            limit = self.param(INT, rng.randint(0, 3)) if rng.random() < 0.2 else None
            return Select(sources, tuple(ValueOutput(scope.value(kind, 1)) for kind in kinds), where, limit=limit)

        if rng.random() < 0.5:
            return one()
        return Compound(rng.choice(("union", "union all", "intersect", "except")), (one(), one()))

    def select(self, *, outer: Scope | None = None, depth: int = 2, values: ScalarType | None = None) -> Select:
        """A query; with `values`, one column of that type."""
        rng = self.rng
        sources = self.sources(rng.choice((1, 1, 1, 2, 2, 3, 4) if depth > 1 else (1, 1, 2)), outer)
        scope = Scope(self, sources, outer)
        where = None
        if rng.random() < 0.65:
            parts = tuple(scope.condition(depth) for _ in range(rng.choice((1, 1, 1, 2, 3))))
            where = parts[0] if len(parts) == 1 else ir.And(BOOL, True, parts)
        outputs: list[Any] = []
        if values is not None:
            outputs = [ValueOutput(scope.value(values, 1))]
        else:
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                if rng.random() < 0.6:
                    outputs.append(RowOutput(rng.randrange(len(sources))))
                else:
                    outputs.append(ValueOutput(scope.value(rng.choice(KINDS), 1)))
        order = tuple(scope.sort_key() for _ in range(rng.choice((0, 0, 1, 1, 2, 3))))
        limit = self.param(INT, rng.choice((0, 1, 2, 3, 5))) if rng.random() < 0.25 else None
        offset = self.param(INT, rng.randint(0, 2)) if rng.random() < 0.15 else None
        distinct_on = (scope.value(rng.choice(KINDS), 1),) if rng.random() < 0.07 and values is None else ()
        return Select(
            sources,
            tuple(outputs),
            where,
            order,
            distinct=not distinct_on and rng.random() < 0.15,
            distinct_on=distinct_on,
            limit=limit,
            offset=offset,
            bare=len(outputs) == 1 and rng.random() < 0.6,
            result=rng.choice(("rows", "rows", "rows", "rows", "count", "exists"))
            if values is None and outer is None
            else "rows",
        )

    def dealt(self) -> Select:
        """A query whose rows are dealt to the values of a column, mostly to those of them that are asked for."""
        rng = self.rng
        between = rng.random() < 0.5
        query = self.select()
        while query.sources[0].table is None or (between and not any(source.many for source in query.sources)):
            query = self.select()
        tables = [
            (number, source.table)
            for number, source in enumerate(query.sources)
            if source.table is not None and (source.many or not between)
        ]
        number, table = rng.choice(tables)
        place = rng.choice([place for path in access_paths(table) for place in path.columns] or [0])
        column = table.columns[place]
        missing = _may_be_missing(list(query.sources), number)
        owner = ir.Col(column.type, column.nullable or missing, number, place)
        where = query.where if rng.random() < 0.4 else None
        if rng.random() < 0.8:
            choices: Sequence[Any] = WORDS if column.type == TEXT else JSONS if column.type == JSON else range(9)
            values = [column.type.coerce(value) for value in rng.sample(choices, rng.choice((1, 3, 5)))]
            asked = ir.In(BOOL, True, owner, self.param(column.type, tuple(values)))
            where = asked if where is None else ir.And(BOOL, True, (asked, where))
        outputs = (RowOutput(0),) if rng.random() < 0.6 else query.outputs
        dealt: Dealt = "by row" if between or rng.random() < 0.3 else "by owner"
        return Select(
            query.sources,
            (*outputs, ValueOutput(owner)),
            where,
            query.order,
            bare=dealt == "by owner" and len(outputs) == 1 and rng.random() < 0.7,
            dealt=dealt,
        )

    def query(self) -> Select | Compound:
        """A query of any kind."""
        way = self.rng.random()
        if way < 0.15:
            return self.compound(KINDS[self.rng.randrange(len(KINDS))])
        if way < 0.35:
            return self.grouped()
        return self.windowed() if way < 0.5 else self.select()

    def compound(self, kind: ScalarType, outer: Scope | None = None) -> Compound:
        """Two or three queries for values of one type, put together."""
        rng = self.rng
        parts: list[Select | Compound] = [
            self.select(outer=outer, depth=1, values=kind) for _ in range(rng.choice((2, 2, 3)))
        ]
        if rng.random() < 0.1:
            parts.append(Compound("union all", (parts[0], parts[1])))
        return Compound(
            rng.choice(("union", "union all", "intersect", "except")),
            tuple(parts),
            order=((0, rng.random() < 0.5, rng.choice((None, "first", "last"))),) if rng.random() < 0.5 else (),
            limit=self.param(INT, rng.randint(0, 4)) if rng.random() < 0.2 else None,
            offset=self.param(INT, rng.randint(0, 2)) if rng.random() < 0.2 else None,
            bare=rng.random() < 0.5,
            result=rng.choice(("rows", "rows", "count", "exists")) if outer is None else "rows",
        )

    def grouped(self, outer: Scope | None = None, kind: ScalarType | None = None) -> Select:
        """A query over groups; with `kind`, of one value of that type."""
        rng = self.rng
        sources = self.sources(rng.choice((1, 1, 2, 3)))
        scope = Scope(self, sources, outer)
        group = tuple(scope.value(rng.choice(KINDS), rng.choice((0, 0, 1))) for _ in range(rng.choice((0, 1, 1, 2))))
        groups = Groups(scope, group)
        kinds = [kind] if kind is not None else [rng.choice(KINDS) for _ in range(rng.choice((1, 2, 3)))]
        limited = rng.random() < 0.15
        return Select(
            sources,
            tuple(ValueOutput(groups.value(each, 1)) for each in kinds),
            scope.condition(1) if rng.random() < 0.5 else None,
            tuple(
                ir.SortKey(groups.value(rng.choice(KINDS), 0), rng.random() < 0.5) for _ in range(rng.choice((0, 1, 2)))
            ),
            distinct=rng.random() < 0.1,
            group=group,
            having=groups.condition() if rng.random() < 0.4 else None,
            limit=self.param(INT, rng.randint(0, 3)) if limited else None,
            bare=len(kinds) == 1 and rng.random() < 0.5,
            result=rng.choice(("rows", "rows", "rows", "count", "exists")) if outer is None else "rows",
        )

    def windowed(self, outer: Scope | None = None, kind: ScalarType | None = None) -> Select:
        """A query of rows or groups with window functions; with `kind`, of one value of that type."""
        rng = self.rng
        if rng.random() < 0.2:
            query = self.grouped(outer, kind)
            windows = Windows(self, Groups(Scope(self, query.sources, outer), query.group or ()))
        else:
            query = self.select(outer=outer, depth=1, values=kind)
            windows = Windows(self, Scope(self, query.sources, outer))
        outputs = query.outputs
        if kind is None and not query.bare:
            outputs = (*outputs, *(ValueOutput(windows.value()) for _ in range(rng.choice((1, 2)))))
        ordering = rng.random() < 0.2 and not query.distinct
        return replace(
            query,
            outputs=outputs,
            qualify=windows.condition() if query.bare or rng.random() < 0.4 else None,
            order=(*query.order, ir.SortKey(windows.value(), rng.random() < 0.5)) if ordering else query.order,
        )

    def write(self) -> Update | Delete:
        """An update or a delete."""
        rng = self.rng
        sources = self.sources(rng.choice((1, 1, 2, 3)))
        while sources[0].table is None:
            sources = self.sources(1)
        scope = Scope(self, sources)
        limit = self.param(INT, rng.randint(0, 3)) if rng.random() < 0.1 else None
        order = (scope.sort_key(),) if limit else ()
        target = Select(sources, (RowOutput(0),), scope.condition(2), order, bare=True, limit=limit)
        if rng.random() < 0.4:
            return Delete(target)
        own = Scope(self, sources[:1])
        table = sources[0].table
        assert table is not None
        columns = rng.sample(range(len(table.columns)), rng.choice((1, 1, 2)) if len(table.columns) > 2 else 1)
        return Update(target, tuple(Assignment(column, own.value(table.columns[column].type, 2)) for column in columns))


KINDS: tuple[ScalarType, ...] = (INT, INT, TEXT, BOOL, JSON, DECIMAL, DATE)


def _columns(source: Source) -> list[tuple[ScalarType, bool]]:
    """The type of each column of a source, and whether it may be NULL."""
    if source.table is not None:
        return [(column.type, column.nullable) for column in source.table.columns]
    rows = source.rows
    while isinstance(rows, Compound):
        rows = rows.parts[0]
    assert rows is not None
    return [(output.expr.type, True) for output in rows.outputs if isinstance(output, ValueOutput)]


class Scope:
    """Draws expressions over the sources of one query and those around it."""

    def __init__(
        self,
        queries: Queries,
        sources: tuple[Source, ...],
        outer: Scope | None = None,
        only: tuple[int, ...] | None = None,
    ) -> None:
        self.queries = queries
        self.rng = queries.rng
        self.sources = sources
        self.outer = outer
        self.only = only if only is not None else tuple(range(len(sources)))

    def column(self, kind: ScalarType) -> ir.Expr | None:
        """A column of the type of `kind`, sometimes one of the query around."""
        if self.outer is not None and self.rng.random() < 0.4:
            found = self.outer.column(kind)
            return None if found is None else ir.Outer(found.type, True, found)
        places = [
            ir.Col(kind, number > 0 or nullable, number, column)
            for number in self.only
            for column, (found, nullable) in enumerate(_columns(self.sources[number]))
            if found.name == kind.name
        ]
        return self.rng.choice(places) if places else None

    def plain(self, kind: ScalarType) -> Any:
        """A value of the type of `kind`, not NULL."""
        rng = self.rng
        choices: dict[str, Callable[[], Any]] = {
            "integer": lambda: rng.randint(-1, 5),
            "text": lambda: rng.choice(WORDS),
            "boolean": lambda: rng.random() < 0.5,
            "json": lambda: rng.choice(JSONS),
            "decimal": lambda: Decimal(rng.randint(0, 6)) / 2,
            "date": lambda: rng.choice(DATES),
            "duration": lambda: datetime.timedelta(days=rng.randint(-2, 2)),
        }
        return choices[kind.name]()

    def constant(self, kind: ScalarType) -> ir.Expr:
        rng = self.rng
        if rng.random() < 0.05:
            return self.queries.param(kind, None, nullable=True)
        if rng.random() < 0.03:
            return ir.Const(kind, True, None)
        return self.queries.param(kind, self.plain(kind), nullable=rng.random() < 0.1)

    def value(self, kind: ScalarType, depth: int) -> ir.Expr:
        """An expression of the type of `kind`."""
        rng = self.rng
        if depth <= 0 or rng.random() < 0.55:
            found = self.column(kind) if rng.random() < 0.8 else None
            return found if found is not None else self.constant(kind)
        ways: list[Callable[[], ir.Expr]] = [
            lambda: ir.Coalesce(kind, True, tuple(self.value(kind, depth - 1) for _ in range(rng.randint(1, 3)))),
            lambda: ir.Case(
                kind,
                True,
                tuple((self.condition(depth - 1), self.value(kind, depth - 1)) for _ in range(rng.randint(1, 2))),
                self.value(kind, depth - 1),
            ),
            lambda: ir.Subquery(kind, True, self.inner(kind, depth)),
        ]
        if kind is BOOL:
            ways.append(lambda: self.condition(depth))
        if kind is INT:
            ways.append(
                lambda: ir.Arith(
                    INT, True, rng.choice("+-*/%&|#"), self.value(INT, depth - 1), self.value(INT, depth - 1)
                )
            )  # type: ignore[arg-type]
            ways.append(lambda: ir.Call(INT, True, rng.choice(LENGTHS), (self.value(TEXT, depth - 1),)))
        if kind is DECIMAL:
            other = rng.choice((INT, DECIMAL))
            ways.append(
                lambda: ir.Arith(
                    DECIMAL, True, rng.choice("+-*"), self.value(DECIMAL, depth - 1), self.value(other, depth - 1)
                )
            )  # type: ignore[arg-type]
        if kind is DATE:
            ways.append(
                lambda: ir.Arith(DATE, True, rng.choice("+-"), self.value(DATE, depth - 1), self.constant(DURATION))
            )  # type: ignore[arg-type]
        if kind is JSON:
            ways.append(lambda: self.json_key(depth))
        return rng.choice(ways)()

    def inner(self, kind: ScalarType, depth: int, outer: Scope | None = None) -> Select | Compound:
        """An inner query for values of the type of `kind`."""
        way, outer = self.rng.random(), outer or self
        if way < 0.1:
            return self.queries.compound(kind, outer)
        if way < 0.2:
            return self.queries.grouped(outer, kind)
        if way < 0.25:
            return self.queries.windowed(outer, kind)
        return self.queries.select(outer=outer, depth=depth - 1, values=kind)

    def json_key(self, depth: int) -> ir.Expr:
        key = self.rng.choice(("a", "b", 0, 1))
        kind = INT if isinstance(key, int) else TEXT
        return ir.JsonKey(JSON, True, self.value(JSON, depth - 1), self.queries.param(kind, key))

    def sort_key(self) -> ir.SortKey:
        rng = self.rng
        nulls = rng.choice((None, None, "first", "last"))
        return ir.SortKey(self.value(rng.choice(KINDS), rng.choice((0, 0, 0, 1))), rng.random() < 0.5, nulls)  # type: ignore[arg-type]

    def condition(self, depth: int) -> ir.Expr:
        """A condition."""
        rng = self.rng
        if rng.random() < 0.08:
            return self.alternatives()
        if depth <= 0 or rng.random() < 0.5:
            return self.test(depth)
        items = tuple(self.condition(depth - 1) for _ in range(rng.choice((2, 2, 3))))
        return rng.choice(
            (
                lambda: ir.And(BOOL, True, items),
                lambda: ir.Or(BOOL, True, items),
                lambda: ir.Not(BOOL, True, items[0]),
                lambda: ir.Xor(BOOL, True, items),
                lambda: ir.IsNull(BOOL, False, items[0]),
                lambda: self.test(depth),
            )
        )()

    def test(self, depth: int) -> ir.Expr:
        """A condition without And, Or, Not at its top."""
        rng = self.rng
        kind = rng.choice(KINDS)
        ops: Any = ("eq", "eq", "ne", "ne", "lt", "le", "gt", "ge", "ge")
        ways: list[Callable[[], ir.Expr]] = [
            *[lambda: ir.Compare(BOOL, True, rng.choice(ops), self.value(kind, depth - 1), self.value(kind, depth - 1))]
            * 4,
            *[lambda: self.compare_column(ops)] * 5,
            lambda: ir.IsNull(BOOL, False, self.value(kind, depth - 1)),
            *[lambda: self.member(kind, depth)] * 3,
            *[lambda: self.match(depth)] * 2,
            lambda: self.tuples(depth),
            lambda: self.value(BOOL, depth - 1),
        ]
        if depth > 0:
            ways += [lambda: ir.Exists(BOOL, False, self.inner(kind, depth))] * 2
        return rng.choice(ways)()

    def compare_column(self, ops: Any) -> ir.Expr:
        """What access paths serve: a column against a parameter."""
        kind = self.rng.choice((INT, INT, TEXT, JSON, DECIMAL))
        column = self.column(kind)
        if column is None:
            return ir.Const(BOOL, False, True)
        sides = (column, self.constant(kind))
        if self.rng.random() < 0.1:
            sides = (sides[1], sides[0])
        return ir.Compare(BOOL, True, self.rng.choice(ops), *sides)

    def alternatives(self) -> ir.Expr:
        """What access paths serve together: columns of one source against parameters, any of which may hold."""
        rng = self.rng
        by_source = {
            number: {path.columns[0] for path in access_paths(table) if len(path.columns) == 1}
            for number in self.only
            if (table := self.sources[number].table) is not None
        }
        numbers = [number for number, places in by_source.items() if places]
        if not numbers:
            return self.test(0)
        number = rng.choice(numbers)
        table = self.sources[number].table
        assert table is not None
        columns = [(place, table.columns[place]) for place in sorted(by_source[number])]

        def one() -> ir.Expr:
            place, column = rng.choice(columns)
            item = ir.Col(column.type, number > 0 or column.nullable, number, place)
            if rng.random() < 0.3:
                return ir.In(BOOL, True, item, tuple(self.constant(column.type) for _ in range(rng.choice((1, 2, 3)))))
            if rng.random() < 0.1:
                return ir.IsNull(BOOL, False, item)
            op: Any = rng.choice(("eq", "eq", "eq", "le", "gt"))
            return ir.Compare(BOOL, True, op, item, self.constant(column.type))

        items = [one() for _ in range(rng.choice((2, 2, 3)))]
        if rng.random() < 0.3:
            items[0] = ir.And(BOOL, True, (items[0], self.test(0)))
        if rng.random() < 0.2:
            items.append(ir.And(BOOL, True, (one(), ir.Or(BOOL, True, (one(), one())))))
        return ir.Or(BOOL, True, tuple(items))

    def member(self, kind: ScalarType, depth: int) -> ir.Expr:
        rng = self.rng
        item = self.value(kind, depth - 2)
        way = rng.random()
        if way < 0.4:
            values = [self.constant(kind) for _ in range(rng.randint(0, 3))]
            listed = tuple(self.queries.params[v.slot] for v in values if isinstance(v, ir.Param))
            choices: Any = self.queries.param(kind, tuple(v for v in listed if v is not None))
        elif way < 0.7 or depth <= 0:
            choices = tuple(self.value(kind, depth - 1) for _ in range(rng.randint(0, 3)))
        else:
            outer = self if rng.random() < 0.5 else Scope(self.queries, ())
            choices = self.inner(kind, depth, outer)
        return ir.In(BOOL, True, item, choices)

    def match(self, depth: int) -> ir.Expr:
        rng = self.rng
        item = self.value(rng.choice((TEXT, TEXT, TEXT, INT, JSON)), depth - 2)
        kind: Any = rng.choice(("exact", "contains", "startswith", "endswith", "regex", "startswith"))
        fold = kind == "exact" or rng.random() < 0.4
        if kind == "regex":
            compiled = re.compile(rng.choice(("a", "^a.*", "b$", "\\[", "")), re.IGNORECASE if fold else 0)
            return ir.Match(BOOL, True, kind, fold, item, self.queries.param(TEXT, compiled))
        return ir.Match(BOOL, True, kind, fold, item, self.value(TEXT, depth - 2))

    def tuples(self, depth: int) -> ir.Expr:
        rng = self.rng
        kinds = [rng.choice((INT, TEXT)) for _ in range(2)]

        def row() -> ir.TupleNode:
            return ir.TupleNode(TupleType(tuple(kinds)), True, tuple(self.value(kind, depth - 2) for kind in kinds))

        item = row()
        if rng.random() < 0.35:
            ops: Any = ("eq", "ne", "lt", "le", "gt", "ge")
            return ir.Compare(BOOL, True, rng.choice(ops), item, row())
        key = self.key_columns()
        if key is not None and rng.random() < 0.6:
            item, kinds = key, [INT, INT]
        way = rng.random()
        choices: Any
        if way < 0.35:
            choices = self.queries.param(
                TupleType(tuple(kinds)), tuple(tuple(map(self.plain, kinds)) for _ in range(rng.randint(0, 4)))
            )
        elif way < 0.65 or depth <= 0:
            choices = tuple(row() for _ in range(rng.randint(0, 3)))
        else:
            choices = self.queries.rows(self if rng.random() < 0.5 else Scope(self.queries, ()), kinds)
        return ir.In(BOOL, True, item, choices)

    def key_columns(self) -> ir.TupleNode | None:
        """What an access path over two columns serves: these side by side, in either order."""
        paths = {LINK: (0, 1), NOTE: (1, 2)}
        found = [number for number in self.only if self.sources[number].table in paths]
        if not found:
            return None
        number = self.rng.choice(found)
        table = self.sources[number].table
        assert table is not None
        columns = list(paths[table])
        self.rng.shuffle(columns)
        items = tuple(ir.Col(INT, number > 0 or table.columns[place].nullable, number, place) for place in columns)
        return ir.TupleNode(TupleType((INT, INT)), True, items)


def _least(state: Any, value: Any) -> Any:
    return value if state is None or value < state else state


COUNT = ir.AggregateDef("COUNT", int, lambda state, _: state + 1, int, empty=0)
SUM = ir.AggregateDef("SUM", lambda: 0, lambda state, value: state + value, lambda state: state)
TOTAL = ir.AggregateDef("TOTAL", Decimal, lambda state, value: state + value, lambda state: state)
LEAST = ir.AggregateDef("MIN", lambda: None, _least, lambda state: state)
LAST = ir.AggregateDef("LAST", lambda: None, lambda _, value: value, lambda state: state)

# Those that are called for each value, and those that the compiler writes.
_OF_NUMBERS = {
    "integer": (SUM, accumulators.SUM),
    "decimal": (TOTAL, accumulators.SUM, accumulators.AVG),
    "float": (accumulators.SUM, accumulators.AVG),
}
_OF_VALUES = (LEAST, accumulators.MIN, accumulators.MAX, accumulators.ANY_VALUE)


class Groups:
    """Draws expressions over the groups of a query."""

    def __init__(self, scope: Scope, group: tuple[ir.Expr, ...]) -> None:
        self.scope = scope
        self.group = group
        self.rng = scope.rng

    def aggregate(self, kind: ScalarType) -> ir.Aggregate:
        rng, scope = self.rng, self.scope
        where = scope.condition(0) if rng.random() < 0.25 else None
        if kind is INT and rng.random() < 0.4:
            return ir.Aggregate(INT, False, rng.choice((COUNT, accumulators.COUNT)), (), where=where)
        if kind is INT and rng.random() < 0.4:
            counted, counts = scope.value(rng.choice(KINDS), 1), rng.choice((COUNT, accumulators.COUNT))
            return ir.Aggregate(INT, False, counts, (counted,), distinct=rng.random() < 0.5, where=where)
        if kind is JSON or kind is BOOL or rng.random() < 0.3:
            order = (scope.sort_key(),) if rng.random() < 0.5 else ()
            return ir.Aggregate(kind, True, LAST, (scope.value(kind, 1),), rng.random() < 0.4, where, order)
        function = rng.choice((*_OF_NUMBERS.get(kind.name, ()), *_OF_VALUES))
        return ir.Aggregate(kind, True, function, (scope.value(kind, 1),), rng.random() < 0.3, where)

    def value(self, kind: ScalarType, depth: int) -> ir.Expr:
        """A group's own expression, an aggregate, or something computed from such."""
        rng = self.rng
        own = [expr for expr in self.group if expr.type.name == kind.name]
        if own and rng.random() < 0.5:
            return rng.choice(own)
        if depth and rng.random() < 0.3:
            return ir.Coalesce(kind, True, (self.value(kind, 0), self.scope.constant(kind)))
        if depth and kind is INT and rng.random() < 0.3:
            return ir.Arith(INT, True, "+", self.value(INT, 0), self.value(INT, 0))
        return self.aggregate(kind)

    def condition(self) -> ir.Expr:
        """What `having` asks."""
        kind = self.rng.choice((INT, TEXT, DECIMAL))
        op: Any = self.rng.choice(("eq", "ne", "lt", "ge"))
        asked = ir.Compare(BOOL, True, op, self.value(kind, 1), self.scope.constant(kind))
        return ir.Not(BOOL, True, asked) if self.rng.random() < 0.3 else asked


class Windows:
    """Draws window functions over the rows or the groups of a query."""

    def __init__(self, queries: Queries, over: Scope | Groups) -> None:
        self.queries = queries
        self.over = over
        self.rng = queries.rng
        self.drawn: list[ir.Window] = []

    def number(self, low: int, high: int) -> ir.Param:
        return self.queries.param(INT, self.rng.randint(low, high))

    def window(self) -> ir.Window:
        """A window, sometimes one drawn before."""
        rng = self.rng
        if self.drawn and rng.random() < 0.4:
            return rng.choice(self.drawn)
        partition = tuple(self.over.value(rng.choice(KINDS), 0) for _ in range(rng.choice((0, 1, 1, 2))))
        kinds = [rng.choice(KINDS) for _ in range(rng.choice((0, 1, 1, 2)))]
        frame = self.frame() if rng.random() < 0.6 else None
        if frame is not None and frame.unit == "range" and (frame.start or frame.end):
            kinds = [rng.choice((INT, DECIMAL))]
        order = tuple(self.sort_key(kind) for kind in kinds)
        function: Any = rng.choice((*RANKS, *OFFSETS, *VALUES, *AGGREGATES, *AGGREGATES))
        made = self.made(function, partition, order, frame)
        self.drawn.append(made)
        return made

    def made(
        self, function: Any, partition: tuple[ir.Expr, ...], order: tuple[ir.SortKey, ...], frame: ir.Frame | None
    ) -> ir.Window:
        rng = self.rng
        if isinstance(function, ir.AggregateDef):
            counts = function in (COUNT, COUNTED)
            kind: ScalarType = rng.choice(KINDS) if counts else INT
            args = () if counts and rng.random() < 0.3 else (self.over.value(kind, 1),)
            plain = isinstance(self.over, Scope) and rng.random() < 0.2
            where = self.over.condition(0) if plain and isinstance(self.over, Scope) else None
            return ir.Window(INT, not counts, function, args, partition, order, frame, where)
        kind = rng.choice(KINDS)
        arguments: tuple[ir.Expr, ...] = ()
        if function == "ntile":
            arguments = (self.number(1, 4),)
        elif function in OFFSETS:
            arguments = (self.over.value(kind, 1), self.number(0, 3))
            arguments = (*arguments, self.over.value(kind, 0)) if rng.random() < 0.4 else arguments
        elif function in VALUES:
            arguments = (self.over.value(kind, 1), *((self.number(1, 3),) if function == "nth_value" else ()))
        if function in ("percent_rank", "cume_dist"):
            return ir.Window(FLOAT, False, function, (), partition, order)
        type_ = kind if arguments and function != "ntile" else INT
        framed = frame if function in VALUES else None
        return ir.Window(
            type_, function in OFFSETS or function in VALUES, function, arguments, partition, order, framed
        )

    def sort_key(self, kind: ScalarType) -> ir.SortKey:
        nulls: Any = self.rng.choice((None, None, "first", "last"))
        return ir.SortKey(self.over.value(kind, 0), self.rng.random() < 0.5, nulls)

    def frame(self) -> ir.Frame:
        rng = self.rng
        exclusion: Any = rng.choice(("no others", "no others", "current row", "group", "ties"))
        if rng.random() < 0.5:
            start, end = rng.choice((None, -2, -1, 0, 1)), rng.choice((None, -1, 0, 1, 2))
            if start is not None and end is not None and start > end:
                start, end = end, start
            return ir.Frame("rows", start, end, exclusion)
        return ir.Frame("range", rng.choice((None, -2, -1, 0)), rng.choice((None, 0, 1, 2)), exclusion)

    def value(self) -> ir.Expr:
        """A window, or something computed from one."""
        rng = self.rng
        window = self.window()
        if window.type is INT and rng.random() < 0.2:
            return ir.Arith(INT, True, "+", window, self.over.value(INT, 0))
        return window

    def condition(self) -> ir.Expr:
        """What `qualify` asks."""
        rng = self.rng
        window = self.window()
        op: Any = rng.choice(("eq", "ne", "lt", "ge"))
        scope = self.over if isinstance(self.over, Scope) else self.over.scope
        asked: ir.Expr = ir.Compare(
            BOOL, True, op, window, scope.constant(INT if window.type is FLOAT else window.type)
        )
        if rng.random() < 0.3:
            other = self.over.condition(1) if isinstance(self.over, Scope) else self.over.condition()
            asked = rng.choice((ir.Or, ir.And))(BOOL, True, (asked, other))
        return asked


# A sum that merges, and one that does not: the two ways over frames that move.
ADDED = ir.AggregateDef("ADDED", lambda: 0, lambda state, value: state + value, int, merge=lambda one, two: one + two)
COUNTED = ir.AggregateDef("COUNTED", int, lambda state, _: state + 1, int, empty=0, merge=lambda one, two: one + two)
TAKEN = ir.AggregateDef("LAST", lambda: None, lambda _, value: value, lambda state: state, merge=lambda _, two: two)
AGGREGATES = (COUNT, COUNTED, SUM, ADDED, LEAST, LAST, TAKEN, accumulators.SUM, accumulators.MIN, accumulators.MAX)
RANKS = ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile")
OFFSETS = ("lag", "lead")
VALUES = ("first_value", "last_value", "nth_value")

LENGTHS = (
    ir.FunctionDef("length", len),
    ir.FunctionDef("inline_length", len, inline="len({0}) + len({0}) - len({0})"),
    ir.FunctionDef("length_or_nothing", lambda text: -1 if text is None else len(text), strict=False),
)
