"""modelkit as it would be if it tied inner queries the way Django does: to whatever source has the same alias.

Below a NOT, Django asks about a to-many relation by an inner query, and ties it to a row that the call has joined already if an
alias of the one is among the aliases of the other. Two sources may share an alias though they were reached by different
relations. modelkit goes by the relations; this replaces that, so that one can tell whether it makes the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["ties_by_name"]


@contextmanager
def ties_by_name(models: Iterable[Any]) -> Iterator[None]:
    """Inside, queries over `models` are tied by coincidence."""
    from modelkit.modelinfo import info_of
    from modelkit.resolve import conditions

    infos = [info_of(model) for model in models]
    own = {name: getattr(conditions, name) for name in ("_tied", "_excluded", "_excluded_null")}
    reused: list[Any] = [None]

    def tied(scope: Any, before: Any, hop: Any, context: Any) -> int | None:
        return _namesake(scope, [*(step.hop.table for step in before), hop.table], context.reuse)

    def excluded(scope: Any, way: Any, many: int, found: Any, operand: Any, context: Any, label: str) -> Any:
        reused.append(context.reuse)
        try:
            return own["_excluded"](scope, way, many, found, operand, context, label)
        finally:
            reused.pop()

    def excluded_null(scope: Any, way: Any, many: int, found: Any, operand: Any, ends: Any, label: str) -> Any:
        from modelkit.ir.expr import BOOLEAN, Or

        number = _namesake(scope, [step.hop.table for step in way.steps[:many]], reused[-1])
        if number is None:
            return own["_excluded_null"](scope, way, many, found, operand, ends, label)
        there = tuple(scope.column(number, column) for column in way.steps[many].hop.left)
        exists = own["_excluded_null"](scope, way, many, found, operand, there, label)
        missing = [conditions.lookups.is_null(end, True) for end in ends if end.nullable]
        return Or(BOOLEAN, False, (exists, *missing))

    def replace(by: dict[str, Any]) -> None:
        for info in infos:
            info.roots.clear()
        for name, function in by.items():
            setattr(conditions, name, function)

    replace({"_tied": tied, "_excluded": excluded, "_excluded_null": excluded_null})
    try:
        yield
    finally:
        replace(own)


def _namesake(scope: Any, tables: list[Any], reuse: Any) -> int | None:
    """The source that the call may reuse and whose alias is that of the last of `tables`, joined one after the other."""
    wanted = _alias([scope.info.table, *tables], len(tables))
    outer = [source.table for source in scope.sources]
    return next((number for number in sorted(reuse or ()) if number and _alias(outer, number) == wanted), None)


def _alias(tables: list[Any], number: int) -> tuple[Any, int]:
    """What Django calls a source by: its table, and a number unless it is the first of it."""
    first = all(table is not tables[number] for table in tables[:number])
    return tables[number], 0 if first else number
