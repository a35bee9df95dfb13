"""Writes GROUP BY: one pass that keeps a list of accumulators for each group, then the groups as if they were rows.

Knows loops and results. Its one invariant: an aggregate is computed once for each group, however often the query names it;
what is not an aggregate is read from the group's first row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelkit.ir.analysis import nodes_of
from modelkit.ir.expr import Aggregate, Expr
from modelkit.ir.query import Select, ValueOutput
from modelkit.records import dataclass
from modelkit.stores.memory.compiler import runtime
from modelkit.stores.memory.compiler.loops import Clause, For, If, Let, Nest, statements
from modelkit.stores.memory.compiler.scope import TERNARY, Block, Scope, Text, atom, wrap

__all__ = ["group_rows"]


@dataclass
class _Accumulator:
    """One aggregate: its place in a group's list, and the name of its result."""

    node: Aggregate
    place: int
    name: str
    seen: int = -1
    """The place of the set of values that were counted already, where only distinct ones are."""

    @property
    def counts_rows(self) -> bool:
        """Whether it is COUNT(*), which needs no function calls."""
        return not self.node.args and self.node.function.name.lower() == "count" and self.node.function.empty == 0

    @property
    def gathers(self) -> bool:
        """Whether its values must be put in order before they are stepped through."""
        return bool(self.node.order)


def _expressions(query: Select) -> Iterator[Expr]:
    """What is evaluated once for each group."""
    yield from (output.expr for output in query.outputs if isinstance(output, ValueOutput))
    for condition in (query.having, query.qualify):
        if condition is not None:
            yield condition
    yield from (key.expr for key in query.order)
    yield from query.distinct_on


def group_rows(block: Block, nest: Nest, clauses: Sequence[Clause]) -> tuple[Nest, list[Clause]]:
    """Write what puts the rows that `clauses` find into groups.

    What is given is the scope in which aggregates have values, and the loop over the groups that `having` keeps.
    """
    query = nest.plan.query
    group = query.group or ()
    rows = _rows_kept(nest)
    accumulators = _accumulators(nest, query, len(rows))
    _accumulate(block, nest, clauses, group, rows, accumulators)
    if not group:
        with block.block("if not groups:"):
            block.line(f"groups[()] = {_fresh(nest, [nest.null_row(source) for source in rows], accumulators)}")
    found = _group_nest(nest, rows, accumulators, everything_may_be_missing=not group)
    names = [*(nest.scope.rows[source] for source in rows), *_state_names(accumulators)]
    target = f"{', '.join(names)}{',' if len(names) == 1 else ''}"
    loop: list[Clause] = [For(target, "groups.values()") if names else For("_", "groups")]
    loop += [made for accumulator in accumulators if (made := _finished_state(nest, accumulator)) is not None]
    if query.having is not None:
        loop.append(If(found.writer.conditions((query.having,))))
    return found, loop


def _rows_kept(nest: Nest) -> list[int]:
    """The sources whose row a group keeps: any that an output may read."""
    return sorted(nest.scope.rows)


def _accumulators(nest: Nest, query: Select, place: int) -> list[_Accumulator]:
    found: dict[Aggregate, _Accumulator] = {}
    for expr in _expressions(query):
        for node in nodes_of(expr):
            if not isinstance(node, Aggregate) or node in found:
                continue
            made = found[node] = _Accumulator(node, place, nest.program.fresh("a"))
            place += 1
            if node.distinct and not node.order:
                made.seen, place = place, place + 1
    return list(found.values())


def _fresh(nest: Nest, rows: Sequence[str], accumulators: Sequence[_Accumulator]) -> str:
    """A new group's list."""
    parts = list(rows)
    for accumulator in accumulators:
        if accumulator.gathers:
            parts.append("[]")
        elif accumulator.counts_rows:
            parts.append("0")
        else:
            parts.append(nest.program.bind(runtime.NO_VALUE, "no_value"))
        if accumulator.seen >= 0:
            parts.append("set()")
    return f"[{', '.join(parts)}]"


def _state_names(accumulators: Sequence[_Accumulator]) -> Iterator[str]:
    for accumulator in accumulators:
        yield accumulator.name
        if accumulator.seen >= 0:
            yield f"seen_{accumulator.name}"


def _accumulate(
    block: Block,
    nest: Nest,
    clauses: Sequence[Clause],
    group: Sequence[Expr],
    rows: Sequence[int],
    accumulators: Sequence[_Accumulator],
) -> None:
    depth = block.depth
    block.line("groups = {}")
    statements(block, clauses)
    keys = [wrap(nest.writer.key(expr), TERNARY) for expr in group]
    block.line(f"key = {keys[0] if len(keys) == 1 else '(' + ', '.join(keys) + ')'}")
    block.line("group = groups.get(key)")
    with block.block("if group is None:"):
        names = [nest.scope.rows[source] for source in rows]
        block.line(f"groups[key] = group = {_fresh(nest, names, accumulators)}")
    inside = block.depth
    for accumulator in accumulators:
        _step(block, nest, accumulator)
        block.close(inside)
    block.close(depth)


def _step(block: Block, nest: Nest, accumulator: _Accumulator) -> None:
    """Take one row into an aggregate."""
    node, place = accumulator.node, accumulator.place
    known = set(nest.scope.known)
    if node.where is not None:
        block.open(f"if {nest.writer.conditions((node.where,))}:")
    if accumulator.counts_rows and not node.distinct:
        block.line(f"group[{place}] += 1")
    else:
        checks, texts = nest.writer.guarded(node.args)
        value = texts[0] if len(texts) == 1 else f"({', '.join(texts)}{',' if texts else ''})"
        if checks:
            block.open(f"if not ({' or '.join(checks)}):")
        if accumulator.gathers:
            _gather_value(block, nest, accumulator, value)
        else:
            _step_value(block, nest, accumulator, value)
    nest.scope.known.clear()
    nest.scope.known |= known


def _step_value(block: Block, nest: Nest, accumulator: _Accumulator, value: str) -> None:
    function, place = accumulator.node.function, accumulator.place
    block.line(f"value = {value}")
    if accumulator.seen >= 0:
        seen = f"group[{accumulator.seen}]"
        block.line(f"key = {nest.program.helper(runtime.distinct_key)}(value)")
        block.open(f"if key not in {seen}:")
        block.line(f"{seen}.add(key)")
    if accumulator.counts_rows:
        block.line(f"group[{place}] += 1")
        return
    start, step = nest.program.bind(function.start, "start"), nest.program.bind(function.step, "step")
    unset = nest.program.bind(runtime.NO_VALUE, "no_value")
    block.line(f"state = group[{place}]")
    block.line(f"group[{place}] = {step}({start}() if state is {unset} else state, value)")


def _gather_value(block: Block, nest: Nest, accumulator: _Accumulator, value: str) -> None:
    keys = [wrap(nest.writer.sort_value(key.expr), TERNARY) for key in accumulator.node.order]
    block.line(f"group[{accumulator.place}].append(({wrap(Text(value), TERNARY)}, {', '.join(keys)}))")


def _finished_state(nest: Nest, accumulator: _Accumulator) -> Let | None:
    """What gives the aggregate's result the name of its state; None where the state is the result."""
    node, name = accumulator.node, accumulator.name
    if accumulator.counts_rows and not accumulator.gathers:
        return None
    empty = nest.program.bind(node.function.empty, "empty") if node.function.empty is not None else "None"
    if accumulator.gathers:
        nulls_first = nest.plan.nulls == "first"
        passes = ", ".join(
            f"({nest.program.getter(number)}, {key.descending!r}, "
            f"{(key.nulls == 'first') if key.nulls is not None else nulls_first is not key.descending!r})"
            for number, key in enumerate(node.order, 1)
        )
        function = nest.program.bind(node.function, "function")
        return Let(name, f"{nest.program.helper(runtime.in_order)}({name}, ({passes},), {function}, {node.distinct!r})")
    finish, unset = nest.program.bind(node.function.finish, "finish"), nest.program.bind(runtime.NO_VALUE, "no_value")
    return Let(name, f"{empty} if {atom(name)} is {unset} else {finish}({name})")


def _group_nest(
    nest: Nest, rows: Sequence[int], accumulators: Sequence[_Accumulator], *, everything_may_be_missing: bool
) -> Nest:
    """The scope in which outputs, `having` and the order are written: aggregates stand for rows."""
    scope = Scope(
        nest.scope.sources,
        frozenset(rows) if everything_may_be_missing else nest.scope.missing,
        nest.scope.rows,
        nest.scope.parent,
        rendered={accumulator.node: accumulator.name for accumulator in accumulators},
    )
    found = Nest(nest.program, nest.plan, scope, nest.writer.around(scope))
    found.local = nest.local
    nest.local |= {accumulator.name for accumulator in accumulators}
    return found
