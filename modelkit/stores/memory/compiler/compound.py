"""Writes UNION, INTERSECT and EXCEPT: lists of result rows put together.

Knows results, not how their parts are read. Its one invariant: rows keep the order of the parts they come from, the first
of equal ones standing for all.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelkit.ir.expr import Col
from modelkit.ir.query import Compound, Output, RowOutput, Select, ValueOutput
from modelkit.stores.memory.compiler import runtime
from modelkit.stores.memory.compiler.scope import Block, Program

__all__ = ["combine", "plain_rows"]


def plain_rows(query: Select | Compound) -> bool:
    """Whether result rows can be hashed as they are."""
    return all(_plain_columns(query))


def _plain_columns(query: Select | Compound) -> list[bool]:
    """For each output, whether its values can be hashed, and order by themselves."""
    if isinstance(query, Compound):
        return [all(column) for column in zip(*map(_plain_columns, query.parts), strict=True)]
    return [_is_plain(query, output) for output in query.outputs]


def _is_plain(query: Select, output: Output) -> bool:
    match output:
        case ValueOutput(expr=Col(source=source, column=column)) if (rows := query.sources[source].rows) is not None:
            return _plain_columns(rows)[column]
        case ValueOutput(expr=expr):
            return expr.type.immutable
        case RowOutput(source=source):
            table = query.sources[source].table
            return table is not None and all(column.type.immutable for column in table.columns)


def combine(block: Block, program: Program, query: Compound, parts: Sequence[str], first: str) -> None:
    """Write what returns the result of `query`; `parts` are texts that give the parts' rows as lists of tuples.

    `first`: where NULLs stand in an ascending order.
    """
    key = "" if plain_rows(query) else program.helper(runtime.distinct_key)
    match query.operator:
        case "union all":
            block.line(f"out = [{', '.join(f'*{part}' for part in parts)}]")
        case "union":
            block.line(f"out = [{', '.join(f'*{part}' for part in parts)}]")
            _distinct(block, program, key)
        case operator:
            block.line(f"out = {parts[0]}")
            _distinct(block, program, key)
            for part in parts[1:]:
                block.line(f"others = set({f'map({key}, {part})' if key else part})")
                word = "in" if operator == "intersect" else "not in"
                block.line(f"out = [row for row in out if {f'{key}(row)' if key else 'row'} {word} others]")
    if query.order and query.result == "rows":
        _order(block, program, query, first)
    start = program.param(query.offset.slot) if query.offset is not None else ""
    stop = program.param(query.limit.slot) if query.limit is not None else ""
    sliced = f"out[{start}:{f'{start} + {stop}' if start and stop else stop}]" if start or stop else "out"
    match query.result:
        case "count":
            block.line(f"return len({sliced})")
        case "exists":
            block.line(f"return bool({sliced})")
        case _:
            block.line(f"return [row[0] for row in {sliced}]" if query.bare else f"return {sliced}")


def _distinct(block: Block, program: Program, key: str) -> None:
    if key:
        block.line(f"out = {program.helper(runtime.distinct_rows)}(out, {key})")
    else:
        block.line("out = list(dict.fromkeys(out))")


def _order(block: Block, program: Program, query: Compound, first: str) -> None:
    plain = _plain_columns(query)
    passes = []
    for place, descending, nulls in query.order:
        getter = program.getter(place)
        if not plain[place]:
            getter = program.bind(runtime.content_order(place), "key")
        nulls_first = nulls == "first" if nulls is not None else (first == "first") is not descending
        passes.append(f"({getter}, {descending!r}, {nulls_first!r})")
    block.line(f"out = {program.helper(runtime.sort_rows)}(out, ({', '.join(passes)},))")
