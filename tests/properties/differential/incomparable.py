"""Where Django on SQLite is no referee. Each reason is one that `docs/internals.md` lists, or a row of the semantics.

A reason is given only for outcomes that differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.properties.differential.models import MODELS
from tests.properties.differential.worlds import Outcome, World

__all__ = ["NOT_BUILT", "reason"]

NOT_BUILT = "not built"


def reason(steps: Sequence[str], theirs: Outcome, ours: Outcome, world: World) -> str | None:
    """Why the outcomes of the last of `steps` may differ; None if they may not. `world` is modelkit's."""
    if _not_built(ours.error):
        return NOT_BUILT
    kind = type(theirs.error).__name__
    if kind in ("OperationalError", "NotSupportedError", "NotImplementedError", "RecursionError"):
        return f"Django or SQLite cannot: {kind}"
    if type(ours.error).__name__ == "DataError" and re.search(r"zero|range", str(ours.error)):
        return "semantics: x/0 and overflow are errors"
    if (
        theirs.error is None
        and ".update(" in steps[-1]
        and not any(sql.startswith("UPDATE") for sql in theirs.statements)
    ):
        return "an update to the value of an inner query that Django knows to be empty"
    if theirs.error is None and _leaves_a_part_out(steps[-1], theirs.statements):
        return "a set operation whose part Django knows to be empty"
    if any(map(_mistied, theirs.statements)):
        return "an inner query tied by a coincidence of aliases"
    if any(map(_rereads, theirs.statements)):
        return "an UPDATE that reads its own table"
    if "for ForeignKey or join on the field" in str(theirs.error) and re.search(r"\w__id\b", steps[-1]):
        return "a key over a relation that Django reads as the foreign key, which has fewer lookups"
    if re.search(r"\bfilter=.*__in=\[(None)?\]", steps[-1]):
        return "an aggregate whose filter Django knows to be empty"
    if re.search(r"FilteredRelation\(.*__in=\[(None)?\]", steps[-1]):
        return "a FilteredRelation whose condition Django knows to be empty"
    if "(in alias(" in str(ours.error) or "(in annotate(" in str(ours.error):
        return "a FilteredRelation whose condition Django does not read before it joins"
    if any(re.match(r"SELECT DISTINCT (?!.* ORDER BY).* GROUP BY ", sql) for sql in theirs.statements):
        return "distinct() groups of a model with an order of its own"
    if any(re.search(r'SELECT DISTINCT .*"qual0"', sql) for sql in theirs.statements):
        return "distinct() of rows that windows choose, where Django compares the windows too"
    if any(map(_windows_over_ties, theirs.statements)):
        return "a window over rows that a join multiplies: they tie in every order"
    if any(re.search(r"JSON_OBJECT\(.*GROUP BY", sql) for sql in theirs.statements):
        return "truth in JSON that is a number to SQLite"
    if theirs.error is None and _tied_by_name(steps, theirs, world):
        return "an inner query tied by a coincidence of aliases"
    return None


def _not_built(error: Exception | None) -> bool:
    """Whether modelkit says that this is to come, or lacks a name altogether."""
    return type(error).__name__ in ("NotYetSupported", "NameError")


def _leaves_a_part_out(step: str, statements: Sequence[str]) -> bool:
    """Whether Django wrote fewer set operations than it was asked for: what remains may then repeat rows."""
    words = {"union": "UNION", "intersection": "INTERSECT", "difference": "EXCEPT"}
    return any(
        sum(sql.count(f" {word} ") for sql in statements) < step.count(f".{method}(") for method, word in words.items()
    )


def _mistied(sql: str) -> bool:
    """Whether Django tied an inner query to the row of another table: its aliases T3, T4 may meet by accident."""
    tables = {alias: table for table, alias in re.findall(r'"(\w+)" ([TU]\d+)\b', sql)}
    ties = re.findall(r'(U\d+)\."\w+" = \((?:"(\w+)"|(T\d+))\."id"\)', sql)
    return any(
        tables.get(inner) != (tables.get(alias) if alias else table)
        for inner, table, alias in ties
        if f'{inner}."id" = ' in sql
    )


def _windows_over_ties(sql: str) -> bool:
    """Whether a window reads rows of a to-many join, which share the key that decides its order."""
    return " OVER (" in sql and re.search(r'JOIN "library_(\w+_\w+|book)"', sql) is not None


def _rereads(sql: str) -> bool:
    """Whether an UPDATE reads its own table a second time: SQLite shows it rows that it has changed already."""
    table = re.match(r'UPDATE ("\w+")', sql)
    return table is not None and re.search(rf"(FROM|JOIN) {table[1]}", sql) is not None


def _tied_by_name(steps: Sequence[str], theirs: Outcome, world: World) -> bool:
    """Whether the outcome would be Django's if inner queries were tied as Django does it: to any source of the call whose
    alias happens to be the same."""
    with _ties_by_name(world.names[name] for name in MODELS):
        return list(world.run(steps))[-1].same(theirs)


@contextmanager
def _ties_by_name(models: Iterable[Any]) -> Iterator[None]:
    from modelkit.modelinfo import info_of
    from modelkit.resolve import conditions

    def alias(tables: list[Any], number: int) -> tuple[Any, int]:
        first = all(table is not tables[number] for table in tables[:number])
        return tables[number], 0 if first else number

    def tied(scope: Any, before: Any, hop: Any, context: Any) -> int | None:
        inner = [scope.info.table, *(step.hop.table for step in before), hop.table]
        outer = [source.table for source in scope.sources]
        wanted = alias(inner, len(inner) - 1)
        return next(
            (number for number in sorted(context.reuse or ()) if number and alias(outer, number) == wanted), None
        )

    infos = [info_of(model) for model in models]
    own = conditions._tied
    for info in infos:
        info.roots.clear()
    conditions._tied = tied
    try:
        yield
    finally:
        conditions._tied = own
        for info in infos:
            info.roots.clear()
