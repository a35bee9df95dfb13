"""What the programs asked: features of the query language by outcome, and nodes of the IR by nullability and polarity."""

from __future__ import annotations

import ast
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

from modelkit.ir import expr as ir
from modelkit.ir.analysis import children
from modelkit.ir.query import Compound, Delete, Select, Update, ValueOutput
from tests.properties.differential.models import COMPOSITE, MODELS, RELATIONS, SCALARS

__all__ = ["Coverage", "features"]

Mode: TypeAlias = Literal["true", "false", "value"]
Verdict: TypeAlias = Literal["compared", "refused", "not comparable", "different"]

_OPTIONS = frozenset(
    "all default distinct exclusion filter frame flat ignore_conflicts named partition_by sample tzinfo update_conflicts".split()
)
_FLIPPED: dict[Mode, Mode] = {"true": "false", "false": "true", "value": "value"}
_PLAIN = frozenset("date datetime time timedelta Decimal ZoneInfo dict unordered len".split())
_MODELS = frozenset((*MODELS, *COMPOSITE))
_NAMES = frozenset({"pk", *(name for model in MODELS for name in (*SCALARS[model], *RELATIONS[model]))})


def features(step: str) -> set[str]:
    """What a step uses: functions, methods, options, lookups, operators."""
    found = set()
    for node in ast.walk(ast.parse(step, mode="eval")):
        match node:
            case ast.Call(func=ast.Name(id=name), keywords=keywords):
                found.add(name)
                found.update(f"{name}({word.arg}=)" for word in keywords if word.arg in _OPTIONS)
            case ast.Call(func=ast.Attribute(attr=name), keywords=keywords):
                found.add(f".{name}()")
                found.update(f".{name}({word.arg}=)" for word in keywords if word.arg in _OPTIONS)
            case ast.keyword(arg=str(name)) if "__" in name:
                found.add(_lookup(name))
            case ast.BinOp(op=op):
                found.add(type(op).__name__)
            case ast.Subscript(value=ast.Call(func=ast.Name(id="F"))):
                found.add("F[]")
            case ast.Subscript(slice=ast.Slice()):
                found.add("slice")
    return {name for name in found if name not in _PLAIN and name not in _MODELS}


def _lookup(name: str) -> str:
    """The lookup or transform that a name ends in; a field's own name asks for equality."""
    last = name.rpartition("__")[2]
    return "__exact" if last in _NAMES or re.fullmatch(r"[anj]?\d|[abcn]", last) else f"__{last}"


def _kind(feature: str) -> str:
    """Under which heading a feature is counted."""
    if feature.startswith("__"):
        return "lookups"
    if feature.startswith("."):
        return "methods"
    if feature[0].isupper() and "(" not in feature and not hasattr(ast, feature):
        return "functions, aggregates, expressions"
    return "options" if "(" in feature else "operators and others"


def _sayable() -> set[str]:
    """The functions, lookups, transforms and methods of querysets, but for asynchronous ones, as features."""
    from modelkit import functions
    from modelkit.expressions import lookups
    from modelkit.queryset.queries import QuerySet

    methods = {name for name in dir(QuerySet) if not name.startswith("_") and callable(getattr(QuerySet, name))}
    asked = {*lookups.LOOKUPS, *lookups.JSON_LOOKUPS, *lookups.TRANSFORMS}
    return {
        *functions.__all__,
        *(f"__{name}" for name in asked),
        *(f".{name}()" for name in methods if name.removeprefix("a") not in methods - {name}),
    }


class Coverage:
    """Counts. `watching()` sees each query that the store compiles."""

    def __init__(self) -> None:
        self.verdicts: Counter[str] = Counter()
        self.features: dict[str, Counter[str]] = {}
        self.reasons: Counter[str] = Counter()
        self.nodes: Counter[tuple[str, bool, Mode]] = Counter()

    def count(self, steps: Sequence[str], verdict: Verdict, reason: str | None = None) -> None:
        """A program that came out as `verdict`."""
        self.verdicts[verdict] += 1
        if reason is not None:
            self.reasons[reason] += 1
        for name in {name for step in steps for name in features(step)}:
            self.features.setdefault(name, Counter())[verdict] += 1

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count the nodes of all queries that are compiled inside."""
        from modelkit.stores.memory import plans

        compiled = plans.compile_query

        def watched(query: Any, **options: Any) -> Any:
            for node, mode in _of_query(query):
                self.nodes[type(node).__name__, node.nullable, mode] += 1
            return compiled(query, **options)

        plans.compile_query = watched
        try:
            yield
        finally:
            plans.compile_query = compiled

    def report(self) -> str:
        """The tables."""
        return f"{self._of_features()}\n\n{self._never_drawn()}\n\n{self._of_nodes()}\n\n{self._of_reasons()}"

    def _never_drawn(self) -> str:
        """What can be asked and no program did."""
        names = sorted(_sayable() - self.features.keys(), key=lambda name: (_kind(name), name))
        return textwrap.fill(f"never drawn: {', '.join(names)}", 118)

    def _of_features(self) -> str:
        columns = ("compared", "refused", "not comparable", "different")
        lines = [f"{'feature':34}" + "".join(f"{column:>16}" for column in columns)]
        totals = [
            ("all programs", self.verdicts),
            *sorted(self.features.items(), key=lambda item: (_kind(item[0]), item[0])),
        ]
        heading = ""
        for name, counts in totals:
            if name in self.features and heading != _kind(name):
                heading = _kind(name)
                lines += ["", heading]
            lines.append(f"{name:34}" + "".join(f"{counts[column] or '':>16}" for column in columns))
        return "\n".join(lines)

    def _of_nodes(self) -> str:
        modes: tuple[Mode, ...] = ("true", "false", "value")
        columns = [(nullable, mode) for nullable in (False, True) for mode in modes]
        heads = [f"{'' if nullable else 'not '}null {mode}" for nullable, mode in columns]
        lines = [f"{'IR node':14}" + "".join(f"{head:>16}" for head in heads)]
        for name in sorted({name for name, _, _ in self.nodes}):
            counts = (self.nodes[name, nullable, mode] for nullable, mode in columns)
            lines.append(f"{name:14}" + "".join(f"{count or '':>16}" for count in counts))
        return "\n".join(lines)

    def _of_reasons(self) -> str:
        total, excused = self.verdicts.total(), self.reasons.total()
        lines = [f"{count:8}  {count / total:7.2%}  {reason}" for reason, count in self.reasons.most_common()]
        return "\n".join(
            ["not comparable", *lines, f"{excused:8}  {excused / total:7.2%}  of all programs" if total else ""]
        )


Placed: TypeAlias = Iterator[tuple[ir.Node, Mode]]


def _of_query(query: Any) -> Placed:
    """Each node of a query, and the mode in which its value is asked."""
    match query:
        case Compound(parts=parts):
            for part in parts:
                yield from _of_query(part)
        case Update(target=target, assignments=assignments):
            yield from _of_query(target)
            yield from _of_all((assignment.value for assignment in assignments), "value")
        case Delete(target=target):
            yield from _of_query(target)
        case Select():
            for source in query.sources:
                if source.rows is not None:
                    yield from _of_query(source.rows)
                yield from _of_all(filter(None, (source.condition,)), "true")
            yield from _of_all(filter(None, (query.where, query.having, query.qualify)), "true")
            values = [output.expr for output in query.outputs if isinstance(output, ValueOutput)]
            values += [key.expr for key in query.order]
            yield from _of_all((*values, *(query.group or ()), *query.distinct_on), "value")


def _of_all(exprs: Iterable[Any], mode: Mode) -> Placed:
    for expr in exprs:
        yield from _of_expr(expr, mode)


def _of_expr(expr: Any, mode: Mode) -> Placed:
    yield expr, mode
    match expr:
        case ir.And(items=items) | ir.Or(items=items):
            yield from _of_all(items, mode)
        case ir.Not(item=item):
            yield from _of_expr(item, _FLIPPED[mode])
        case ir.Case(branches=branches, default=default):
            yield from _of_all((condition for condition, _ in branches), "true")
            yield from _of_all((*(value for _, value in branches), default), "value")
        case ir.Aggregate(where=ir.Node() as where, args=args):
            yield from _of_expr(where, "true")
            yield from _of_all(args, "value")
        case ir.Exists(select=select) | ir.Subquery(select=select):
            yield from _of_query(select)
        case ir.In(item=item, choices=ir.Subselect() as select):
            yield from _of_expr(item, "value")
            yield from _of_query(select)
        case ir.Outer(item=item):
            yield from _of_expr(item, "value")
        case _:
            yield from _of_all(children(expr), "value")
