"""Writes UPDATE and DELETE: the slots and rows they find, each once, and the rows that take their place.

Knows queries, not how a store writes. Its one invariant: everything is read before anything is changed, so that the
order in which rows are found decides nothing.
"""

from __future__ import annotations

from modelkit.ir.expr import Expr
from modelkit.ir.query import Assignment, Delete, Update
from modelkit.ir.schema import Column, Table
from modelkit.ir.types import ScalarType
from modelkit.stores.memory.compiler import arithmetic
from modelkit.stores.memory.compiler.loops import For, Nest, statements
from modelkit.stores.memory.compiler.queries import QueryWriter
from modelkit.stores.memory.compiler.results import collect, gather, layout
from modelkit.stores.memory.compiler.scope import TERNARY, Block, wrap
from modelkit.stores.memory.steps import Plan

__all__ = ["write_body"]


def write_body(block: Block, queries: QueryWriter, chosen: Plan, statement: Update | Delete) -> None:
    """Write what returns the list of (slot, row), for an Update (slot, row, new row)."""
    nest = queries.nest(chosen, slots=True)
    guards = nest.guards()
    if guards:
        with block.block(f"if not ({guards}):"):
            block.line("return []")
    clauses = nest.clauses()
    query = chosen.query
    row = nest.scope.rows[0]
    special = query.limit or query.offset or query.distinct_on
    repeated = any(isinstance(clause, For) for clause in clauses[2:]) and any(
        not step.single for step in chosen.steps[1:]
    )
    if special:
        made = layout(nest, query, f"({nest.slot}, {row})", sort=not chosen.walks, whole=False)
        block.line(f"out = {collect(block, nest, query, made, clauses)}")
        block.line("out = list(dict(out).items())")
    elif repeated:
        block.line("found = {}")
        depth = block.depth
        statements(block, clauses)
        block.line(f"found[{nest.slot}] = {row}")
        block.close(depth)
        block.line("out = found.items()")
    else:
        item = f"({nest.slot}, {row})" if isinstance(statement, Delete) else _changed(nest, statement)
        gather(block, item, clauses)
        block.line("return out")
        return
    item = f"({nest.slot}, {row})" if isinstance(statement, Delete) else _changed(nest, statement)
    block.line(f"return [{item} for {nest.slot}, {row} in out]")


def _changed(nest: Nest, statement: Update) -> str:
    table = nest.sources[0].table
    row = nest.scope.rows[0]
    columns: tuple[Column, ...] = table.columns if isinstance(table, Table) else ()
    values = {
        assignment.column: _value(nest, assignment, columns[assignment.column].type)
        for assignment in statement.assignments
    }
    return f"({nest.slot}, {row}, {_new_row(row, len(columns), values)})"


def _new_row(row: str, width: int, values: dict[int, str]) -> str:
    """The row with some values replaced: runs of kept columns are sliced where that is shorter."""
    if width > 8 and len(values) <= 2:
        parts: list[str] = []
        start = 0
        for column in sorted(values):
            if column > start:
                parts.append(f"*{row}[{start:d}:{column:d}]")
            parts.append(values[column])
            start = column + 1
        if start < width:
            parts.append(f"*{row}[{start:d}:]")
        return f"({', '.join(parts)},)"
    return f"({', '.join(values.get(column, f'{row}[{column:d}]') for column in range(width))},)"


def _value(nest: Nest, assignment: Assignment, into: ScalarType) -> str:
    expr: Expr = assignment.value
    if expr.type.name in (into.name, "any"):
        return wrap(nest.writer.output(expr), TERNARY)
    kind = nest.program.bind(into, "type")
    convert = nest.program.helper(arithmetic.coerced)
    text = nest.writer.strict((expr,), lambda texts: f"{convert}({wrap(texts[0], TERNARY)}, {kind})")
    return wrap(text, TERNARY - 1)
