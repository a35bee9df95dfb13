"""What is done with the rows that the loops find: outputs, order, distinct, slices, counts.

Knows clauses and layouts, not access paths. Its one invariant: a result row is built once, and carries beside it only
what the order and the distinctness that were asked for still need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from itertools import islice
from operator import itemgetter

from modelkit.ir.analysis import nodes_of, source_columns, subselects
from modelkit.ir.codec import freeze_json
from modelkit.ir.expr import Call, Col, Expr, SortKey
from modelkit.ir.query import RowOutput, Select, ValueOutput
from modelkit.records import dataclass
from modelkit.stores.memory.compiler import runtime
from modelkit.stores.memory.compiler.loops import Clause, For, If, Nest, comprehensible, comprehension, statements
from modelkit.stores.memory.compiler.scope import TERNARY, Block, wrap
from modelkit.stores.memory.compiler.values import is_json

__all__ = [
    "Layout",
    "collect",
    "finished",
    "gather",
    "layout",
    "nulls_first",
    "result_text",
    "result_text_of_one",
    "row_text",
    "slice_bounds",
]


@dataclass
class Layout:
    """An item that the loops collect for each row found, and where in it the keys are.

    `passes`: (position, descending, nulls first or None), outermost key first. A position of -1 is the item itself, a pair
    one within the result. `strip`: the result stands first in the item.
    """

    item: str
    strip: bool = False
    passes: list[tuple[int | tuple[int, int], bool, bool | None]] = field(default_factory=list)
    distinct: int | None = None
    distinct_on: tuple[int, ...] = ()


def result_text(nest: Nest) -> str:
    """The result row as an expression."""
    query = nest.plan.query
    if not query.dealt:
        return _row([_output_text(nest, output) for output in query.outputs], bare=query.bare)
    if query.dealt == "by owner":
        return f"([{result_text_of_one(nest)}], {wrap(_output_text(nest, query.outputs[-1]), TERNARY)})"
    owners = nest.collected or f"[{_output_text(nest, query.outputs[-1])}]"
    return _row([*(_output_text(nest, output) for output in query.outputs[:-1]), owners], bare=False)


def result_text_of_one(nest: Nest) -> str:
    """The result row of a query that is dealt by owner as an expression, its owner left out."""
    texts = [_output_text(nest, output) for output in nest.plan.query.outputs[:-1]]
    return _row(texts, bare=nest.plan.query.bare)


def _row(texts: list[str], *, bare: bool) -> str:
    if bare:
        return texts[0]
    return f"({', '.join(wrap(text, TERNARY) for text in texts)}{',' if len(texts) == 1 else ''})"


def _output_text(nest: Nest, output: RowOutput | ValueOutput) -> str:
    if isinstance(output, ValueOutput):
        return nest.writer.output(output.expr)
    return row_text(nest, output)


def row_text(nest: Nest, output: RowOutput) -> str:
    """A source's stored row as an expression, None where it is missing."""
    row = nest.scope.rows[output.source]
    nest.program.touched.add(row)
    if output.source in nest.scope.missing:
        return f"None if {row} is {nest.null_row(output.source)} else {row}"
    return row


def nulls_first(nest: Nest, key: SortKey) -> bool | None:
    """Whether NULLs come first in a sort by `key`; None where there are none."""
    if not nest.writer.nullable(key.expr):
        return None
    if key.nulls is not None:
        return key.nulls == "first"
    return (nest.plan.nulls == "first") is not key.descending


def layout(nest: Nest, query: Select, result: str, *, sort: bool, whole: bool = True) -> Layout:
    """How rows are collected for `query`; `result` is the text of what stands for a result row (`whole`: of that row itself)."""
    order = query.order if sort else ()
    if not order and not query.distinct and not query.distinct_on:
        return Layout(result)
    nulls = [nulls_first(nest, key) for key in order]
    positions = _positions(query, order) if whole else None
    if positions is not None:
        made = Layout(result, distinct=-1 if query.distinct else None)
        made.passes.extend(
            (place, key.descending, first) for place, key, first in zip(positions, order, nulls, strict=True)
        )
        return made
    parts = [result]
    made = Layout("", strip=True)

    def add(text: str) -> int:
        parts.append(wrap(text, TERNARY))
        return len(parts) - 1

    for key, first in zip(order, nulls, strict=True):
        shared = _output_computed(query, key.expr) if whole else None
        place = add(nest.writer.sort_value(key.expr)) if shared is None else (0, shared)
        made.passes.append((place, key.descending, first))
    if query.distinct:
        made.distinct = add(_distinct_text(nest, query))
    made.distinct_on = tuple(add(nest.writer.key(expr)) for expr in query.distinct_on)
    made.item = f"({', '.join([wrap(parts[0], TERNARY), *parts[1:]])})"
    return made


def _positions(query: Select, order: Sequence[SortKey]) -> list[int] | None:
    """Where in a bare result row the sort keys stand, where they all do and the row is its own distinct key."""
    if query.distinct_on or query.dealt or (query.distinct and not _own_key(query)):
        return None
    found: list[int] = []
    for key in order:
        if is_json(key.expr):
            return None
        place = _position(query, key.expr)
        if place is None:
            return None
        found.append(place)
    return found


def _position(query: Select, expr: Expr) -> int | None:
    if query.bare:
        output = query.outputs[0]
        if isinstance(output, RowOutput):
            whole = isinstance(expr, Col) and expr.source == output.source and (output.source == 0)
            return expr.column if whole and isinstance(expr, Col) else None
        return -1 if output.expr == expr else None
    for number, output in enumerate(query.outputs):
        if isinstance(output, ValueOutput) and output.expr == expr:
            return number
    return None


def _output_computed(query: Select, expr: Expr) -> int | None:
    """The output that is `expr`, where an inner query or a function makes it: it is computed once, and sorted as it is shown."""
    called = any(isinstance(node, Call) and node.function.inline is None for node in nodes_of(expr))
    if query.bare or query.dealt or is_json(expr) or not (called or any(subselects(expr))):
        return None
    return _position(query, expr)


def _own_key(query: Select) -> bool:
    """Whether a result row can be hashed as it is."""
    for output in query.outputs:
        if isinstance(output, ValueOutput):
            if not output.expr.type.immutable:
                return False
        else:
            table = query.sources[output.source].table
            if table is None or not all(column.type.immutable for column in table.columns):
                return False
    return True


def _distinct_text(nest: Nest, query: Select) -> str:
    texts: list[str] = []
    for output in query.outputs:
        if isinstance(output, ValueOutput):
            texts.append(wrap(nest.writer.key(output.expr), TERNARY))
            continue
        source = query.sources[output.source]
        row = nest.scope.rows[output.source]
        table = source.table
        if table is None:
            texts.append(f"{nest.program.helper(runtime.distinct_key)}({row})")
            continue
        if all(column.type.immutable for column in table.columns):
            texts.append(row)
            continue
        freeze = nest.program.helper(freeze_json)
        for number in range(source_columns(source)):
            cell = f"{row}[{number:d}]"
            texts.append(cell if table.columns[number].type.immutable else f"{freeze}({cell}), {cell} is None")
    return f"({', '.join(texts)},)"


def slice_bounds(nest: Nest, query: Select) -> tuple[str, str]:
    """The texts of where a result starts and stops; empty where it does not."""
    start = nest.program.param(query.offset.slot) if query.offset is not None else ""
    stop = nest.program.param(query.limit.slot) if query.limit is not None else ""
    return start, f"{start} + {stop}" if start and stop else stop


def collect(block: Block, nest: Nest, query: Select, made: Layout, clauses: Sequence[Clause]) -> str:
    """Write the loops and what follows them; the text of the finished list."""
    _, stop = slice_bounds(nest, query)
    special = bool(made.passes) or made.distinct is not None or bool(made.distinct_on)
    if stop and not special:
        if not stop.isidentifier():
            block.line(f"stop = {stop}")
            stop = "stop"
        if _gather_until(block, nest, made.item, clauses, stop) and query.offset is None and not made.strip:
            return "out"
    else:
        gather(block, made.item, clauses)
    return finished(block, nest, query, made)


def finished(block: Block, nest: Nest, query: Select, made: Layout) -> str:
    """Write what is left to do once `out` holds an item for each row: order, distinctness; the text of the sliced result."""
    start, stop = slice_bounds(nest, query)
    _finish(block, nest, made, stop)
    sliced = f"out[{start}:{stop}]" if start or stop else "out"
    return f"[item[0] for item in {sliced}]" if made.strip else sliced


def is_chunked(clauses: Sequence[Clause]) -> int:
    """How many clauses come before the loops over rows begin: up to the loop over chunks, or leading assignments."""
    for number, clause in enumerate(clauses):
        if isinstance(clause, For):
            return number + 1 if clause.chunks else number
    return len(clauses)


def gather(block: Block, item: str, clauses: Sequence[Clause], into: str = "out") -> None:
    """Collect `item` for each row found into a new list `into`."""
    lead = is_chunked(clauses)
    head, rest = clauses[:lead], clauses[lead:]
    depth = block.depth
    chunked = bool(head) and isinstance(head[-1], For)
    guarded = any(isinstance(clause, If) for clause in head)
    if not any(isinstance(clause, For) for clause in rest) or not comprehensible(rest):
        block.line(f"{into} = []")
        statements(block, clauses)
        block.line(f"{into}.append({wrap(item, TERNARY)})")
    elif chunked:
        block.line(f"{into} = []")
        statements(block, head)
        _assign(block, f"{into} +=", comprehension(item, rest))
    elif len(rest) == 1 and isinstance(rest[0], For) and rest[0].listed and not guarded and _is_item(rest[0], item):
        statements(block, head)
        block.line(f"{into} = {rest[0].iterable}")
    else:
        if guarded:
            block.line(f"{into} = []")
        statements(block, head)
        _assign(block, f"{into} =", comprehension(item, rest))
    block.close(depth)


def _is_item(loop: For, item: str) -> bool:
    """Whether `item` is just what `loop` binds its names to."""
    return item == (f"({loop.target})" if ", " in loop.target else loop.target)


def _assign(block: Block, target: str, lines: list[str]) -> None:
    block.line(f"{target} {lines[0]}")
    block.extend(lines[1:])


def _gather_until(block: Block, nest: Nest, item: str, clauses: Sequence[Clause], stop: str) -> bool:
    """As `gather`, ending soon after `out` has `stop` items; whether it has never more."""
    if not any(isinstance(clause, For) for clause in clauses):
        gather(block, item, clauses)
        return False
    lead = is_chunked(clauses)
    head, rest = clauses[:lead], clauses[lead:]
    depth = block.depth
    if lead == 1 and isinstance(head[0], For) and comprehensible(rest):
        block.line("out = []")
        statements(block, head)
        with block.block(f"if len(out) >= {stop}:"):
            block.line("break")
        _assign(block, "out +=", comprehension(item, rest))
        block.close(depth)
        return False
    islice_name = nest.program.bind(islice, "islice")
    *before, last = clauses
    if isinstance(last, For) and last.span and not any(isinstance(clause, (For, If)) for clause in before):
        statements(block, before)
        rows = f"{islice_name}({last.iterable[:-1]}, most={stop}), {stop})"
        block.line(f"out = list({rows})" if item == last.target else f"out = [{item} for {last.target} in {rows}]")
        return True
    with block.block("def found():"):
        inside = block.depth
        statements(block, clauses)
        block.line(f"yield {item}")
        block.close(inside)
    block.line(f"out = list({islice_name}(found(), {stop}))")
    return True


def _finish(block: Block, nest: Nest, made: Layout, stop: str) -> None:
    program = nest.program
    if made.passes:
        plain = made.distinct is None and not made.distinct_on
        if stop and plain:
            passes = ", ".join(
                f"({nest.program.getter(place)}, {descending!r}, {first!r})" for place, descending, first in made.passes
            )
            block.line(f"out = {program.helper(runtime.first_rows)}(out, {stop}, ({passes},))")
        else:
            _sort(block, nest, made)
    if made.distinct == -1:
        block.line("out = list(dict.fromkeys(out))")
    elif made.distinct is not None:
        getter = program.bind(itemgetter(made.distinct), "distinct_key")
        block.line(f"out = {program.helper(runtime.distinct_rows)}(out, {getter})")
    if made.distinct_on:
        getter = program.bind(itemgetter(*made.distinct_on), "distinct_key")
        block.line(f"out = {program.helper(runtime.distinct_rows)}(out, {getter})")


def _sort(block: Block, nest: Nest, made: Layout) -> None:
    if any(first is not None for _, _, first in made.passes):
        passes = ", ".join(
            f"({nest.program.getter(place)}, {descending!r}, {first!r})" for place, descending, first in made.passes
        )
        block.line(f"out = {nest.program.helper(runtime.sort_rows)}(out, ({passes},))")
        return
    for place, descending, _ in reversed(made.passes):
        key = "" if place == -1 else f"key={nest.program.getter(place)}"
        words = ", ".join(word for word in (key, "reverse=True" if descending else "") if word)
        block.line(f"out.sort({words})")
