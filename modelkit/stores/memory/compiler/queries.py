"""Writes whole queries as functions: the one that is run, and those for the queries inside of it.

Knows plans, loops and results. Its one invariant: an inner query becomes one function, of exactly the outer rows that it
reads; one that reads none is evaluated at most once per run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from modelkit.errors import InternalError
from modelkit.ir.analysis import conjuncts, is_correlated, row_by_row, windows_of
from modelkit.ir.expr import BOOLEAN, And, Compare, Expr, Nulls, Outer, Subselect, TupleNode
from modelkit.ir.query import Compound, RowOutput, Select, ValueOutput
from modelkit.stores.memory.compiler.compound import combine, plain_rows
from modelkit.stores.memory.compiler.conditions import ConditionWriter
from modelkit.stores.memory.compiler.grouping import group_rows
from modelkit.stores.memory.compiler.loops import Clause, If, Nest, statements
from modelkit.stores.memory.compiler.results import (
    Layout,
    collect,
    gather,
    layout,
    result_text,
    result_text_of_one,
    row_text,
)
from modelkit.stores.memory.compiler.runtime import distinct_key
from modelkit.stores.memory.compiler.scope import TERNARY, Block, Program, Scope, wrap
from modelkit.stores.memory.compiler.windows import window_rows
from modelkit.stores.memory.planner import plan
from modelkit.stores.memory.steps import Bucket, Plan, Probe, Purpose, Scan

__all__ = ["QueryWriter"]


class QueryWriter:
    """Writes the queries of one program; what condition writers call for inner queries."""

    def __init__(self, program: Program, nulls: Nulls, plans: Mapping[Select, Plan] | None = None) -> None:
        self.program = program
        self.nulls: Nulls = nulls
        self._plans = dict(plans or {})
        self.chosen: dict[Select, Plan] = {}

    def nest(self, chosen: Plan, parent: Scope | None = None, *, slots: bool = False) -> Nest:
        """The loops of a plan, in a new scope."""
        names = {step.source: self.program.fresh("r") for step in sorted(chosen.steps, key=lambda step: step.source)}
        scope = Scope(chosen.query.sources, chosen.missing, names, parent)
        return Nest(self.program, chosen, scope, ConditionWriter(self.program, scope, self), slots=slots)

    def _plan(self, select: Select, purpose: Purpose) -> Plan:
        chosen = self._plans.get(select) or plan(select, nulls=self.nulls, purpose=purpose)
        self.chosen[select] = chosen
        return chosen

    # -- bodies -------------------------------------------------------------------------------------------------------

    def body(self, block: Block, nest: Nest) -> None:
        """Write what returns a query's result: a list, or what `query.result` says."""
        query = nest.plan.query
        distinct = query.distinct or bool(query.distinct_on)
        plain = not (distinct or query.limit or query.offset or not row_by_row(query))
        if query.result == "rows":
            self._rows(block, nest, result_text)
        elif plain and query.result == "count":
            self._count(block, nest)
        elif plain:
            self._exists(block, nest)
        else:
            answer = f"{_ANSWERS[query.result]}({{}})"
            self._rows(block, nest, result_text if distinct else lambda _: "None", answer)

    def _guard(self, block: Block, nest: Nest, empty: str) -> None:
        guards = nest.guards()
        if guards:
            with block.block(f"if not ({guards}):"):
                block.line(f"return {empty}")

    def _rows(self, block: Block, nest: Nest, result: Callable[[Nest], str], answer: str = "{}") -> None:
        query = nest.plan.query
        guards = nest.guards() if query.group is not None else ""
        if query.group is None:
            self._guard(block, nest, answer.format("[]"))
        owners = nest.by_owner() if query.dealt == "by owner" else None
        if owners is not None:
            self._dealt(block, nest, *owners)
            return
        clauses: list[Clause] = [*([If(guards)] if guards else []), *nest.clauses()]
        if query.group is not None:
            nest, clauses = group_rows(block, nest, clauses)
        windows = windows_of(query)
        if windows:
            nest, clauses = window_rows(block, nest, clauses, windows)
        ordered = nest.plan.walks or (query.result != "rows" and not query.distinct_on)
        made = layout(nest, query, result(nest), sort=not ordered, whole=result is result_text)
        short = self._short_probe(nest, made, clauses)
        if short:
            block.extend(short)
            return
        finished = collect(block, nest, query, made, clauses)
        block.line(f"return {answer.format(finished)}")

    def _dealt(self, block: Block, nest: Nest, owners: Sequence[Clause], owner: str) -> None:
        """Write a query that is dealt by owner as a loop over `owners`, in which the root's rows are those of one."""
        query = replace(nest.plan.query, outputs=nest.plan.query.outputs[:-1], dealt="")
        block.line("dealt = []")
        depth = block.depth
        statements(block, owners)
        clauses = nest.clauses()
        made = layout(nest, query, result_text_of_one(nest), sort=not nest.plan.walks)
        finished = collect(block, nest, query, made, clauses)
        with block.block("if out:"):
            block.line(f"dealt.append(({finished}, {owner}))")
        block.close(depth)
        block.line("return dealt")

    def _short_probe(self, nest: Nest, made: Layout, clauses: Sequence[Clause]) -> list[str]:
        """The whole body where one probe without joins or slices answers the query."""
        query = nest.plan.query
        simple = (
            len(nest.plan.steps) == 1
            and isinstance(nest.plan.steps[0].access, Probe)
            and not (query.limit or query.offset or made.strip or nest.slot)
            and query.result == "rows"
            and row_by_row(query)
        )
        if not simple:
            return []
        block = Block()
        statements(block, clauses)
        block.line(f"return [{wrap(made.item, TERNARY)}]")
        block.close()
        block.line("return []")
        return block.lines

    def _count(self, block: Block, nest: Nest) -> None:
        self._guard(block, nest, "0")
        size = self._size(nest)
        if size:
            block.line(f"return {size}")
            return
        clauses = nest.clauses()
        gather(block, "None", clauses)
        block.line("return len(out)")

    def _size(self, nest: Nest) -> str:
        """How many rows there are, where a view knows it without reading them."""
        step = nest.plan.steps[0]
        table = step.source == 0 and nest.sources[0].table
        if len(nest.plan.steps) > 1 or step.conditions or not table:
            return ""
        match step.access:
            case Scan():
                return f"{self.program.method(table, 'size')}()"
            case Bucket(path=path, key=key):
                parts = [wrap(nest.writer.key(part), TERNARY) for part in key]
                text = parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
                return f"{self.program.method(table, 'bucket_size')}({path.number:d}, {text})"
        return ""

    def _exists(self, block: Block, nest: Nest) -> None:
        self._guard(block, nest, "False")
        size = self._size(nest)
        if size:
            block.line(f"return {size} > 0")
            return
        depth = block.depth
        statements(block, nest.clauses())
        block.line("return True")
        block.close(depth)
        block.line("return False")

    def compound(self, block: Block, query: Compound, parent: Scope | None = None) -> None:
        """Write what returns the result of a compound query."""
        combine(block, self.program, query, [self._listed(part, parent) for part in query.parts], self.nulls)

    def _listed(self, part: Select | Compound, parent: Scope | None) -> str:
        """A call that gives the result rows of `part` as a list of tuples."""
        if isinstance(part, Compound):
            whole = replace(part, bare=False, result="rows")
            return self._call("rows", part, set(), lambda block: self.compound(block, whole, parent))
        chosen = self._plan(replace(part, bare=False, result="rows"), "rows")
        self.chosen[part] = self.chosen.pop(chosen.query)
        nest = self.nest(chosen, parent)
        return self._call("rows", part, nest.local, lambda block: self.body(block, nest))

    # -- inner queries ------------------------------------------------------------------------------------------------

    def _function(self, hint: str, local: set[str], write: Callable[[Block], None]) -> tuple[str, str]:
        """Write an inner function, in which the names `local` are given: its name, and the outer rows it takes."""
        block = Block()
        with self.program.frame() as touched:
            write(block)
        arguments = ", ".join(sorted(touched - local))
        self.program.touched |= touched - local
        name = self.program.fresh(f"{hint}_")
        self.program.define([f"def {name}({arguments}):", *(f"    {line}" for line in block.lines)])
        return name, arguments

    def _call(self, hint: str, query: Select | Compound, local: set[str], write: Callable[[Block], None]) -> str:
        name, arguments = self._function(hint, local, write)
        if arguments or is_correlated(query):
            return f"{name}({arguments})"
        return self.program.once((hint, query), lambda: f"{name}()", self.program.fresh(hint))

    def exists(self, select: Subselect, scope: Scope) -> str:
        """An expression that is True where `select` has a row."""
        query = _query(select)
        if isinstance(query, Compound):
            return f"bool({self._listed(query, scope)})"
        if query.limit or query.offset or not row_by_row(query):
            asked = self.nest(self._plan(replace(query, result="exists"), "rows"), scope)
            return self._call("exists", query, asked.local, lambda block: self.body(block, asked))
        nest = self.nest(self._plan(query, "exists"), scope)
        return self._call("exists", query, nest.local, lambda block: self._exists(block, nest))

    def first(self, select: Subselect, scope: Scope) -> str:
        """The value of the first row, or None; how many rows there are, where the query asks for that."""
        query = _query(select)
        if query.result == "count":
            return self._counted(query, scope)
        if isinstance(query, Compound):
            return f"next(iter({self._listed(query, scope)}), (None,))[0]"
        nest = self.nest(self._plan(query, "rows"), scope)
        return self._call("value", query, nest.local, lambda block: self._first_value(block, nest))

    def _counted(self, query: Select | Compound, scope: Scope) -> str:
        """An expression that is the number of result rows."""
        if isinstance(query, Compound):
            return f"len({self._listed(query, scope)})"
        nest = self.nest(self._plan(query, "rows"), scope)
        return self._call("count", query, nest.local, lambda block: self.body(block, nest))

    def _first_value(self, block: Block, nest: Nest) -> None:
        query = nest.plan.query
        if not nest.plan.walks or query.offset or query.distinct_on or not row_by_row(query):
            self._rows(block, nest, _one_value, answer="next(iter({}), None)")
            return
        self._guard(block, nest, "None")
        if query.limit:
            with block.block(f"if not {self.program.param(query.limit.slot)}:"):
                block.line("return None")
        depth = block.depth
        statements(block, nest.clauses())
        block.line(f"return {_one_value(nest)}")
        block.close(depth)
        block.line("return None")

    def rows(self, query: Subselect, around: Scope | None) -> str:
        """The list of result rows of a query that stands for a table; `around` is the scope around the query that reads it."""
        return self._listed(_query(query), around)

    def members(self, select: Subselect, scope: Scope) -> tuple[str, str | None] | None:
        """Names of the set of values without NULL (frozen) and of whether there are others; None where correlated."""
        query = _query(select)
        if is_correlated(query):
            return None
        known = self.program.known
        listed = self._all_members(query, scope)
        return known(("present", query)) or listed, known(("null", query))

    def _all_members(self, query: Select | Compound, scope: Scope) -> str:
        """The name of the set of all values of a query that is not correlated."""
        program = self.program
        known = program.known(("members", query))
        if known is not None:
            return known
        text, nullable = self._keys(query, scope)
        listed = program.once(("members", query), lambda: text, program.fresh("members"))
        if nullable:
            whole = f"frozenset([row for row in {listed} if None not in row])"
            rest = whole if _width(query) > 1 else f"{listed} - {{None}}"
            present = program.once(("present", query), lambda: rest, program.fresh("members"))
            program.once(("null", query), lambda: f"len({present}) < len({listed})", program.fresh("null"))
        return listed

    def _keys(self, query: Select | Compound, scope: Scope) -> tuple[str, bool]:
        """The set of keys of a query's values, as text, and whether NULL may be among them."""
        if isinstance(query, Compound):
            rows = self._listed(query, scope)
            key = "row" if _width(query) > 1 else "row[0]"
            key = key if plain_rows(query) else f"{self.program.helper(distinct_key)}({key})"
            return f"frozenset([{key} for row in {rows}])", True
        nest = self.nest(self._plan(query, "rows"), scope)
        nullable = False

        def keys(nest: Nest) -> str:
            nonlocal nullable
            nullable = any(map(nest.writer.nullable, _output_values(query)))
            texts = _key_texts(nest, query)
            return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"

        name, _ = self._function("members", nest.local, lambda block: self._rows(block, nest, keys))
        return f"frozenset({name}())", nullable

    def values(self, select: Subselect, scope: Scope) -> str:
        """The values of `select`, each a tuple of keys."""
        query = _query(select)
        if _width(query) > 1 and not is_correlated(query):
            return self._all_members(query, scope)
        if isinstance(query, Compound):
            rows = self._listed(query, scope)
            return rows if plain_rows(query) else f"map({self.program.helper(distinct_key)}, {rows})"
        nest = self.nest(self._plan(query, "rows"), scope)

        def keys(nest: Nest) -> str:
            return f"({', '.join(_key_texts(nest, query))},)"

        return self._call("values", query, nest.local, lambda block: self._rows(block, nest, keys))

    def matches(self, item: Expr, select: Subselect, scope: Scope) -> str | None:
        """An expression that is True where a correlated `select` yields `item`; None where it must be asked value by value."""
        query = _query(select)
        items = item.items if isinstance(item, TupleNode) else (item,)
        if isinstance(query, Compound) or len(query.outputs) != len(items):
            return None
        outputs = _output_values(query)
        sliced = query.limit or query.offset or query.distinct_on
        if sliced or not row_by_row(query) or len(outputs) < len(items):
            return None
        same = [
            Compare(BOOLEAN, True, "eq", output, Outer(item.type, item.nullable, item))
            for output, item in zip(outputs, items, strict=True)
        ]
        where = And(BOOLEAN, True, (*conjuncts(query.where), *same))
        return self.exists(replace(query, where=where, order=()), scope)


def _output_values(query: Select) -> list[Expr]:
    return [output.expr for output in query.outputs if isinstance(output, ValueOutput)]


def _width(query: Select | Compound) -> int:
    """How many values a result row of `query` has."""
    return _width(query.parts[0]) if isinstance(query, Compound) else len(query.outputs)


def _key_texts(nest: Nest, query: Select) -> list[str]:
    return [wrap(nest.writer.key(expr), TERNARY) for expr in _output_values(query)]


_ANSWERS = {"count": "len", "exists": "bool"}


def _query(select: Subselect) -> Select | Compound:
    if not isinstance(select, (Select, Compound)):
        raise InternalError(f"{type(select).__name__} is not a query")
    return select


def _one_value(nest: Nest) -> str:
    output = nest.plan.query.outputs[0]
    if isinstance(output, RowOutput):
        return row_text(nest, output)
    return nest.writer.value(output.expr)
