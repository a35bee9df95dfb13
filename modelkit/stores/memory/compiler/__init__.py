"""Compiles queries into Python functions over the views of their tables.

Its one invariant: a compiled query holds no rows and no parameters; it may be run by any number of threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from threading import Thread
from typing import Any, TypeAlias, cast

from modelkit.errors import QueryTooComplex
from modelkit.ir.analysis import row_by_row, tables_of
from modelkit.ir.expr import Expr, Nulls
from modelkit.ir.query import Compound, Delete, Select, Source, Update
from modelkit.ir.schema import Formula, Row, Table
from modelkit.stores.memory.access import TableView
from modelkit.stores.memory.compiler.conditions import ConditionWriter
from modelkit.stores.memory.compiler.explain import explain
from modelkit.stores.memory.compiler.loops import statements
from modelkit.stores.memory.compiler.queries import QueryWriter
from modelkit.stores.memory.compiler.results import result_text
from modelkit.stores.memory.compiler.scope import Block, Program, Scope
from modelkit.stores.memory.compiler.writes import write_body
from modelkit.stores.memory.planner import plan, semi_joined
from modelkit.stores.memory.steps import Plan, Purpose, Scan

__all__ = ["Compiled", "compile_condition", "compile_formula", "compile_plan", "compile_query"]

Statement: TypeAlias = Select | Compound | Update | Delete
Runner: TypeAlias = Callable[[Sequence[TableView], tuple[Any, ...]], Any]


class Compiled:
    """A query as a function.

    `tables`: all that it reads, in the order in which `run` takes their views. `probes`: it reads by key alone, so that
    what it depends on is the keys it asked for. `single`: it finds one row at most.
    """

    __slots__ = ("_plan", "_queries", "_statement", "_stream", "probes", "run", "single", "source", "tables")

    def __init__(self, statement: Statement, chosen: Plan) -> None:
        program = Program(f"query on {_label(chosen.query)}")
        queries = QueryWriter(program, chosen.nulls, chosen.inner)
        block = Block()
        if isinstance(statement, (Update, Delete)):
            write_body(block, queries, chosen, statement)
        else:
            queries.body(block, queries.nest(chosen))
        self.run: Runner = program.finish(block.lines)
        self.tables: tuple[Table, ...] = tuple(program.tables)
        self.probes: bool = not program.scans
        self.single: bool = all(step.single for step in chosen.steps)
        self.source: str = program.code.text
        self._statement = statement
        self._plan = chosen
        self._queries = queries
        self._stream: Runner | None = None

    def rows(self, views: Sequence[TableView], params: tuple[Any, ...]) -> Iterator[Any]:
        """The result rows one by one, read as they are asked for where the plan allows it."""
        query = self._plan.query
        if not self._plan.walks or query.distinct or query.distinct_on or not row_by_row(query):
            return iter(self.run(views, params))
        if self._stream is None:
            self._stream = _streaming(self._plan)
        found: Iterator[Any] = self._stream(views, params)
        start = params[query.offset.slot] if query.offset else 0
        stop = start + params[query.limit.slot] if query.limit else None
        return islice(found, start, stop) if start or stop is not None else found

    def explain(self, verbose: bool = False, views: Sequence[TableView] | None = None) -> str:
        """The plan for people; `verbose` adds the generated source, `views` the sizes of the tables."""
        text = explain(
            self._statement, self._plan, self._queries.chosen, dict(zip(self.tables, views or (), strict=False))
        )
        return f"{text}\n\n{self.source}" if verbose else text


class CompiledCompound(Compiled):
    """A UNION, INTERSECT or EXCEPT as a function."""

    __slots__ = ("_compound",)

    def __init__(self, query: Compound, nulls: Nulls) -> None:
        program = Program(query.operator)
        queries = QueryWriter(program, nulls)
        block = Block()
        queries.compound(block, query)
        self.run = program.finish(block.lines)
        self.tables = tuple(program.tables)
        self.probes = not program.scans
        self.single = False
        self.source = program.code.text
        self._queries = queries
        self._compound = query

    def rows(self, views: Sequence[TableView], params: tuple[Any, ...]) -> Iterator[Any]:
        """The result rows one by one, all read before."""
        return iter(self.run(views, params))

    def explain(self, verbose: bool = False, views: Sequence[TableView] | None = None) -> str:
        """As `Compiled.explain`, part by part."""
        known = dict(zip(self.tables, views or (), strict=False))
        plans = list(self._queries.chosen.items())
        parts = [explain(query, plan, {}, known) for query, plan in plans]
        text = "\n".join(
            [self._compound.operator.capitalize(), *(f"  {line}" for part in parts for line in part.split("\n"))]
        )
        return f"{text}\n\n{self.source}" if verbose else text


class Either(Compiled):
    """A query that has two plans, of which the sizes of two tables decide when it is run; each is compiled when first needed.

    Conditions on a joined table are asked once for each row of the root (`chosen`), or answered for the whole joined table
    before (`other`), which does not pay where that table is much the larger.
    """

    __slots__ = ("_first", "_joined", "_other", "_rewritten", "_root", "_second")

    def __init__(self, statement: Select | Update | Delete, chosen: Plan, other: Plan) -> None:
        self._statement = statement
        self._rewritten = other.query if isinstance(statement, Select) else replace(statement, target=other.query)
        self._plan = chosen
        self._other = other
        self._first: Compiled | None = None
        self._second: Compiled | None = None
        self.tables = tables_of(statement)
        self.probes = False
        self.single = False
        self.run = self._run
        sources = chosen.query.sources
        large = [self.tables.index(source.table) for source in sources[1:] if source.table is not None]
        self._root = 0 if sources[0].table is None else self.tables.index(sources[0].table)
        self._joined = tuple(large)

    @property
    def source(self) -> str:  # type: ignore[override]
        """The generated source of what was needed so far; of the second plan where none was."""
        parts = [part for part in (self._first, self._second) if part is not None]
        return "\n".join(part.source for part in parts or [self._compiled(semi=True)])

    def _choose(self, views: Sequence[TableView]) -> Compiled:
        most = 4 * views[self._root].roughly() + 64
        return self._compiled(semi=all(views[place].roughly() <= most for place in self._joined))

    def _compiled(self, *, semi: bool) -> Compiled:
        if semi:
            if self._second is None:
                self._second = Compiled(self._rewritten, self._other)
            return self._second
        if self._first is None:
            self._first = Compiled(self._statement, self._plan)
        return self._first

    def _views(self, compiled: Compiled, views: Sequence[TableView]) -> list[TableView]:
        return [views[self.tables.index(table)] for table in compiled.tables]

    def _run(self, views: Sequence[TableView], params: tuple[Any, ...]) -> Any:
        compiled = self._choose(views)
        return compiled.run(self._views(compiled, views), params)

    def rows(self, views: Sequence[TableView], params: tuple[Any, ...]) -> Iterator[Any]:
        """As `Compiled.rows`."""
        compiled = self._choose(views)
        return compiled.rows(self._views(compiled, views), params)

    def explain(self, verbose: bool = False, views: Sequence[TableView] | None = None) -> str:
        """As `Compiled.explain`, of the plan that is taken for `views`."""
        if views is None:
            return self._compiled(semi=True).explain(verbose)
        compiled = self._choose(views)
        return compiled.explain(verbose, self._views(compiled, views))


def compile_query(query: Statement, *, nulls: Nulls = "first") -> Compiled:
    """`query` as a function, by the plan that the rules choose. `nulls`: where they stand in an ascending order."""
    try:
        return _compile(query, nulls)
    except RecursionError:
        return _on_a_fresh_stack(partial(_compile, query, nulls))


def _compile(query: Statement, nulls: Nulls) -> Compiled:
    if isinstance(query, Compound):
        return CompiledCompound(query, nulls)
    target, purpose = (query, _ROWS) if isinstance(query, Select) else (query.target, _WRITES)
    chosen = plan(target, nulls=nulls, purpose=purpose)
    if len(chosen.steps) > 1 and isinstance(chosen.steps[0].access, Scan):
        other = semi_joined(target)
        if other is not None:
            return Either(query, chosen, plan(other, nulls=nulls, purpose=purpose))
    return Compiled(query, chosen)


_ROWS: Purpose = "rows"
_WRITES: Purpose = "writes"


def _on_a_fresh_stack(work: Callable[[], Compiled]) -> Compiled:
    """What `work` gives, done by a thread of its own: a caller deep in its own calls leaves too little of the stack."""
    done: list[Compiled | BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            done.append(error)

    thread = Thread(target=run, name="modelkit compiler")
    thread.start()
    thread.join()
    result = done[0]
    if isinstance(result, RecursionError):
        raise QueryTooComplex("Conditions or expressions are nested too deeply to be compiled.") from result
    if isinstance(result, BaseException):
        raise result
    return result


def compile_plan(chosen: Plan, statement: Update | Delete | None = None) -> Compiled:
    """A given plan as a function; `statement` is the write whose target it reads."""
    return Compiled(statement or chosen.query, chosen)


def compile_formula(formula: Formula) -> Callable[[Row], Any]:
    """An expression over one row as a function of that row: a value, or True, False or None."""
    program = Program("formula", lasting=True)
    scope = Scope((_ANY_ROW,), frozenset(), {0: "row"})
    writer = ConditionWriter(program, scope, QueryWriter(program, "first"))
    text = writer.value(formula.expr)
    make = program.finish(["def formula(row):", f"    return {text}", "return formula"], "make")
    return cast("Callable[[Row], Any]", make((), formula.params))


def compile_condition(items: Sequence[Expr]) -> Callable[[tuple[Any, ...]], Callable[[Row], bool]]:
    """Conditions over one row as a function of the parameters, which gives a function of that row: whether all are true."""
    program = Program("condition", lasting=True)
    writer = ConditionWriter(program, Scope((_ANY_ROW,), frozenset(), {0: "row"}), QueryWriter(program, "first"))
    text = writer.conditions(items)
    make = program.finish(["def condition(row):", f"    return {text}", "return condition"], "make")
    return partial(make, ())


_ANY_ROW = Source(None)


def _streaming(chosen: Plan) -> Runner:
    program = Program(f"stream of {_label(chosen.query)}")
    queries = QueryWriter(program, chosen.nulls, chosen.inner)
    nest = queries.nest(chosen)
    block = Block()
    guards = nest.guards()
    if guards:
        with block.block(f"if not ({guards}):"):
            block.line("return")
    statements(block, nest.clauses())
    block.line(f"yield {result_text(nest)}")
    return program.finish(block.lines)


def _label(query: Select) -> str:
    table = query.sources[0].table
    return table.name if table is not None else "rows"
