"""Writes window functions: all rows (or groups) first, then a column of results for each function, then the rows again.

Knows clauses and layouts, not how rows are found. Its one invariant: rows are sorted once for all windows of one partition
and order, and an expression that several windows read is evaluated once for each row.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelkit.ir.analysis import conjuncts, own_expressions, sources_of
from modelkit.ir.expr import AggregateDef, Expr, SortKey, Window
from modelkit.ir.query import RowOutput, Select
from modelkit.stores.memory.compiler import frames
from modelkit.stores.memory.compiler.loops import Clause, For, If, Nest, comprehension
from modelkit.stores.memory.compiler.results import gather, nulls_first
from modelkit.stores.memory.compiler.scope import TERNARY, Block, Scope, Text, wrap

__all__ = ["window_rows"]


def window_rows(
    block: Block, nest: Nest, clauses: Sequence[Clause], windows: Sequence[Window]
) -> tuple[Nest, list[Clause]]:
    """Write what keeps the rows that `clauses` find and computes `windows` over them.

    What is given is the scope in which windows have values, and the loop over the rows that meet `qualify`.
    """
    columns = _Columns(block, nest)
    gather(block, columns.row, clauses, into="rows")
    results = {window: columns.window(window) for window in windows}
    scope = Scope(
        nest.scope.sources,
        nest.scope.missing,
        nest.scope.rows,
        nest.scope.parent,
        rendered={**nest.scope.rendered, **results},
    )
    after = Nest(nest.program, nest.plan, scope, nest.writer.around(scope))
    nest.local |= set(results.values())
    after.local = nest.local
    target = ", ".join((columns.row, *results.values()))
    loop: list[Clause] = [For(target, f"zip(rows, {', '.join(f'{name}_column' for name in results.values())})")]
    qualify = conjuncts(nest.plan.query.qualify)
    if qualify:
        loop.append(If(after.writer.conditions(qualify)))
    return after, loop


def _rows_kept(query: Select) -> frozenset[int]:
    """The sources whose rows are read once the rows are found; the root is always one."""
    kept = {0, *(output.source for output in query.outputs if isinstance(output, RowOutput))}
    for expr in own_expressions(query):
        kept |= sources_of(expr)
    return frozenset(kept)


class _Columns:
    """Writes lists of values, one for each row kept, each list once."""

    def __init__(self, block: Block, nest: Nest) -> None:
        kept = _rows_kept(nest.plan.query)
        names = [name for source, name in sorted(nest.scope.rows.items()) if source in kept]
        names += nest.scope.rendered.values()
        self.row = names[0] if len(names) == 1 else f"({', '.join(names)})"
        """What is kept of a row: its own name, or those of its parts."""
        self._block = block
        self._nest = nest
        self._program = nest.program
        self._writer = nest.writer
        self._known: dict[str, str] = {}

    def _named(self, text: str, hint: str) -> str:
        """The name of what `text` computes, the same for the same text."""
        name = self._known.get(text)
        if name is None:
            name = self._known[text] = self._program.fresh(hint)
            first, *rest = text.split("\n")
            self._block.line(f"{name} = {first}")
            self._block.extend(rest)
        return name

    def _column(self, text: str, hint: str) -> str:
        return self._named("\n".join(comprehension(wrap(text, TERNARY), [For(self.row, "rows")])), hint)

    def _value(self, expr: Expr) -> str:
        return self._column(self._writer.value(expr), "values")

    def _partitions(self, window: Window) -> str:
        """The name of the rows in partitions and in order."""
        by = "None"
        if window.partition:
            keys = [wrap(self._writer.key(expr), TERNARY) for expr in window.partition]
            by = self._column(keys[0] if len(keys) == 1 else f"({', '.join(keys)})", "by")
        keys = [self._key(key) for key in window.order]
        call = f"{self._program.helper(frames.partitions)}(len(rows), {by}, [{', '.join(keys)}])"
        return self._named(call, "order")

    def _key(self, key: SortKey) -> str:
        column = self._column(self._writer.sort_value(key.expr), "keys")
        return f"({column}, {key.descending!r}, {nulls_first(self._nest, key)!r})"

    def window(self, window: Window) -> str:
        """The name of the result for a row; that of the column ends in "_column"."""
        order = self._partitions(window)
        function = window.function
        if isinstance(function, AggregateDef):
            name, args = "framed", [self._taken(window), self._program.bind(function, "aggregate")]
        else:
            name, args = function, self._arguments(window)
        if window.frame is not None and name in _FRAMED:
            args.append(self._program.bind(window.frame, "frame"))
        call = f"{self._program.helper(getattr(frames, name))}({', '.join((order, *args))})"
        result = self._program.fresh(name)
        self._block.line(f"{result}_column = {call}")
        return result

    def _arguments(self, window: Window) -> list[str]:
        """What a window function that is no aggregate takes: a column of values, constants, a column of stand-ins."""
        match window.function, window.args:
            case "ntile", (buckets,):
                return [self._writer.value(buckets)]
            case "lag" | "lead" | "nth_value", (value, number, *instead):
                return [self._value(value), self._writer.value(number), *map(self._value, instead)]
            case _:
                return [self._value(value) for value in window.args]

    def _taken(self, window: Window) -> str:
        """The column of what an aggregate takes of each row; None for what it leaves out."""
        where = None if window.where is None else self._writer.true(window.where)
        text = self._writer.strict(window.args, _one)
        if where is not None:
            text = Text(f"{wrap(text, TERNARY - 1)} if {wrap(where, TERNARY - 1)} else None", TERNARY)
        return self._column(text, "values")


_FRAMED = frozenset({"framed", "first_value", "last_value", "nth_value"})


def _one(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
