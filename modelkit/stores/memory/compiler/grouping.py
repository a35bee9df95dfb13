"""Writes GROUP BY: one pass that keeps for each group what its aggregates need, then the groups as if they were rows.

Knows loops and results. Its one invariant: an aggregate is computed once for each group, however often the query names it;
what is not an aggregate is the group's key, or read from the group's first row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from modelkit.ir.analysis import children, nodes_of, sources_of, subselects, windows_of
from modelkit.ir.expr import Aggregate, Col, Expr, Outer
from modelkit.ir.query import RowOutput, Select, ValueOutput
from modelkit.ir.types import BooleanType
from modelkit.stores.memory.compiler.accumulators import Accumulator, accumulator_of
from modelkit.stores.memory.compiler.loops import Clause, For, If, Let, Nest, statements
from modelkit.stores.memory.compiler.results import gather
from modelkit.stores.memory.compiler.scope import TERNARY, Block, Scope, wrap
from modelkit.stores.memory.compiler.values import is_json

__all__ = ["group_rows"]


def group_rows(block: Block, nest: Nest, clauses: Sequence[Clause]) -> tuple[Nest, list[Clause]]:
    """Write what puts the rows that `clauses` find into groups.

    What is given is the scope in which aggregates have values, and the loop over the groups that `having` keeps.
    """
    query = nest.plan.query
    writer = _GroupWriter(block, nest, query)
    if not query.group and not writer.rows:
        loop = writer.one_group(clauses)
    elif writer.only_counts:
        loop = writer.counted(clauses)
    else:
        loop = writer.grouped(clauses)
    found = writer.nest_of_groups()
    if query.having is not None:
        loop.append(If(found.writer.conditions((query.having,))))
    return found, loop


def _expressions(query: Select) -> Iterator[Expr]:
    """What is evaluated once for each group."""
    yield from (output.expr for output in query.outputs if isinstance(output, ValueOutput))
    for condition in (query.having, query.qualify):
        if condition is not None:
            yield condition
    yield from (key.expr for key in query.order)
    yield from query.distinct_on


def _aggregates(query: Select) -> list[Aggregate]:
    nodes = chain.from_iterable(map(nodes_of, _expressions(query)))
    return list(dict.fromkeys(node for node in nodes if isinstance(node, Aggregate)))


def _read_of_groups(query: Select, keys: Collection[Expr]) -> tuple[set[int], set[Expr]]:
    """What is read beside aggregates: the sources of which a group keeps its first row, and those of `keys`."""
    rows = {output.source for output in query.outputs if isinstance(output, RowOutput)}
    read: set[Expr] = set()
    waiting = list(_expressions(query))
    while waiting:
        expr = waiting.pop()
        if expr in keys:
            read.add(expr)
        elif isinstance(expr, (Col, Outer)) or any(True for _ in subselects(expr)):
            rows |= sources_of(expr)
        elif not isinstance(expr, Aggregate):
            waiting.extend(children(expr))
    return rows, read


class _GroupWriter:
    """Writes the groups of one query. `rows` are the sources of which a group keeps its first row."""

    def __init__(self, block: Block, nest: Nest, query: Select) -> None:
        self._block = block
        self._nest = nest
        self._group: tuple[Expr, ...] = query.group or ()
        self._keys = self._named_keys()
        rows, read = _read_of_groups(query, self._keys)
        if windows_of(query):
            rows, read = set(nest.scope.rows), set()
        self.rows = sorted(rows)
        self._keys = {expr: name for expr, name in self._keys.items() if expr in read}
        self._accumulators = [accumulator_of(nest, node) for node in _aggregates(query)]

    def _named_keys(self) -> dict[Expr, str]:
        """The names of what is grouped by, where the key itself is the value: not JSON, which is frozen, and no condition."""
        return {
            expr: self._nest.program.fresh("key")
            for expr in self._group
            if not is_json(expr) and (isinstance(expr, Col) or not isinstance(expr.type, BooleanType))
        }

    @property
    def only_counts(self) -> bool:
        """Whether all that is asked of a group is its key and how many rows it has."""
        if self.rows or len(self._accumulators) != 1:
            return False
        node = self._accumulators[0].node
        always = node.where is None and not node.distinct and not any(map(self._nest.writer.nullable, node.args))
        return node.function.counts and always and not node.order

    # -- the pass over the rows

    def one_group(self, clauses: Sequence[Clause]) -> list[Clause]:
        """All rows as one group, of which everything has a name: nothing is left to loop over."""
        block = self._block
        for accumulator in self._accumulators:
            for state, unset in zip(accumulator.states, accumulator.unset, strict=True):
                block.line(f"{state} = {unset}")
        depth = block.depth
        if self._accumulators:
            statements(block, clauses)
            for accumulator in self._accumulators:
                accumulator.take(block, accumulator.states)
        block.close(depth)
        for name, result in self._results():
            block.line(f"{name} = {result}")
        return []

    def counted(self, clauses: Sequence[Clause]) -> list[Clause]:
        """The keys alone, counted."""
        (accumulator,) = self._accumulators
        gather(self._block, self._key_text(), clauses, into="keys")
        counted = f"{self._nest.program.bind(Counter, 'Counter')}(keys)"
        if not self._keys:
            return [For(accumulator.name, f"{counted}.values()")]
        return [For(f"{self._key_target()}, {accumulator.name}", f"{counted}.items()")]

    def grouped(self, clauses: Sequence[Clause]) -> list[Clause]:
        """A list for each group, of rows and states."""
        block, rows = self._block, [self._nest.scope.rows[source] for source in self.rows]
        depth = block.depth
        block.line("groups = {}")
        statements(block, clauses)
        key = self._key_target() if len(self._group) == 1 and self._keys else "key"
        block.line(f"{key} = {self._key_text()}")
        self._accumulate(key, rows)
        block.close(depth)
        if not self._group:
            missing = [self._nest.null_row(source) for source in self.rows]
            unset = chain.from_iterable(accumulator.unset for accumulator in self._accumulators)
            with block.block("if not groups:"):
                block.line(f"groups[()] = [{', '.join([*missing, *unset])}]")
        return [self._loop([*rows, *self._states()]), *(Let(name, result) for name, result in self._results())]

    def _accumulate(self, key: str, rows: list[str]) -> None:
        """Write what takes one row into the group of `key`, which begins with it where there is none."""
        block = self._block
        begun: list[tuple[Accumulator, list[str]]] = []
        later: list[tuple[Accumulator, list[str]]] = []
        parts = list(rows)
        for accumulator in self._accumulators:
            first = accumulator.first(block) if self._group else None
            start, number = len(parts), len(accumulator.states)
            states = [f"group[{place}]" for place in range(start, start + number)]
            (later if first is None else begun).append((accumulator, states))
            parts += accumulator.unset if first is None else first
        named = " = group" if later else ""
        block.line(f"group = groups.get({key})")
        with block.block("if group is None:"):
            block.line(f"groups[{key}]{named} = [{', '.join(parts)}]")
        growing = [(accumulator, states) for accumulator, states in begun if accumulator.grows]
        if growing:
            with block.block("else:"):
                for accumulator, states in growing:
                    accumulator.more(block, states)
        for accumulator, states in later:
            accumulator.take(block, states)

    def _key_text(self) -> str:
        keys = [wrap(self._nest.writer.key(expr), TERNARY) for expr in self._group]
        return keys[0] if len(keys) == 1 else f"({', '.join(keys)})"

    # -- the loop over the groups

    def _states(self) -> list[str]:
        return [state for accumulator in self._accumulators for state in accumulator.states]

    def _key_target(self) -> str:
        names = [self._keys.get(expr, "_") for expr in self._group]
        return names[0] if len(names) == 1 else f"({', '.join(names)})"

    def _loop(self, names: list[str]) -> For:
        """The loop that names what a group holds, and its keys where they are values."""
        held = f"{', '.join(names)}{',' if len(names) == 1 else ''}"
        if not self._keys:
            return For(held, "groups.values()") if names else For("_", "groups")
        return For(f"{self._key_target()}, ({held})", "groups.items()") if names else For(self._key_target(), "groups")

    def _results(self) -> Iterator[tuple[str, str]]:
        """The results that are not states themselves: their names and what they are."""
        for accumulator in self._accumulators:
            result = accumulator.result(accumulator.states)
            if result != accumulator.name:
                yield accumulator.name, result

    def nest_of_groups(self) -> Nest:
        """The scope in which outputs, `having` and the order are written: aggregates and keys have names."""
        nest = self._nest
        names = {accumulator.node: accumulator.name for accumulator in self._accumulators}
        scope = Scope(
            nest.scope.sources,
            nest.scope.missing if self._group else frozenset(self.rows),
            nest.scope.rows,
            nest.scope.parent,
            rendered={**self._keys, **names},
        )
        found = Nest(nest.program, nest.plan, scope, nest.writer.around(scope))
        found.local = nest.local
        nest.local |= set(scope.rendered.values())
        return found
