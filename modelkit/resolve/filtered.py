"""FilteredRelation to the join that it stands for: its way, and its condition over the rows on it.

Knows scopes and conditions. The invariant: what is wrong with one is said where it is named, and the join is made the same
way however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from modelkit.errors import FieldError, did_you_mean
from modelkit.expressions.base import F, Node, Path
from modelkit.expressions.conditions import Q
from modelkit.expressions.filtered import FilteredRelation
from modelkit.ir.analysis import conjunction, replaced, sources_of
from modelkit.ir.expr import BOOLEAN, Col, Compare, Expr, Subquery
from modelkit.ir.query import Select, Source, ValueOutput
from modelkit.modelinfo import ModelInfo, Relation, info_of
from modelkit.resolve.conditions import resolve_condition
from modelkit.resolve.expressions import annotation_of
from modelkit.resolve.grouping import has_aggregate, has_window
from modelkit.resolve.joins import Context, Leaf, Scope, conjoined, free_tag, outer
from modelkit.resolve.paths import SEPARATOR, Step, split, step_to, steps_of, unknown
from modelkit.resolve.query import FilteredJoin
from modelkit.resolve.skeleton import query_in

__all__ = ["filtered_join"]


def filtered_join(scope: Scope, name: str, node: FilteredRelation) -> FilteredJoin:
    """The join that `node` stands for in a query of `scope`, under `name`; the scope itself gets parameters alone.

    Raises FieldError for names that lead nowhere or to no relation, ValueError for a path with a lookup and for a condition
    that reads rows beyond the path or beside it, or holds a queryset.
    """
    names = split(node.relation_name)
    way, owner, relation = _way(scope, names)
    base = scope.slots.width
    apart = replace(scope, sources=list(scope.sources))
    last = steps_of(relation)[-1].hop
    parent = apart.follow([*way, *steps_of(relation)[:-1]], Context(set()))
    at = apart.opened(parent, last)
    _check_names(apart, names, node)
    condition = resolve_condition(apart, node.condition, Context(None, split=False))
    if condition is not None:
        condition = _beside_joins(apart, node, condition, at)
    joined = apart.sources[at]
    parts = tuple(part for part in (joined.condition, condition) if part is not None)
    apart.sources[at] = replace(
        joined,
        condition=conjoined(parts),
        optional=joined.optional or apart.missing(parent),
        tag=_free_tag(scope, name),
    )
    sources = tuple(apart.sources)
    nested = len(names) > 1
    return FilteredJoin(
        name, owner, relation.name, nested, sources, len(scope.sources), at, base, scope.slots.width - base
    )


def _way(scope: Scope, names: tuple[str, ...]) -> tuple[list[Step], ModelInfo, Relation]:
    """The steps to the model whose relation is the last of `names`, and that relation."""
    shown = f"FilteredRelation({SEPARATOR.join(names)!r})"
    steps: list[Step] = []
    info = scope.info
    relation: Relation | None = None
    for position, name in enumerate(names):
        if relation is not None:
            steps.extend(steps_of(relation))
            info = info_of(relation.target)
        elif position:
            join = scope.filtered[names[0]]
            steps.append(step_to(join))
            info = info_of(join.relation.target)
        known = info.key_named(name)
        relation = info.relations.get(known[0].name if known else name)
        if relation is None and (position or name not in scope.filtered):
            raise _no_relation(scope, info, names, position, shown)
    if relation is None:
        join = scope.filtered[names[0]]
        raise FieldError(f"{shown}: '{names[0]}' is itself a filtered relation, of '{join.relation_name}': name that.")
    return steps, info, relation


def _no_relation(scope: Scope, info: ModelInfo, path: tuple[str, ...], position: int, shown: str) -> Exception:
    """The error for a path of which the name at `position` is no relation."""
    name = path[position]
    if not position and not info.key_named(name):
        return unknown(info, name, shown, scope.filtered)
    near = did_you_mean(name, [known for known in info.relations if not known.endswith("+")])
    if position == len(path) - 1 and info.key_named(name):
        return FieldError(f"{info.name}.{name} is no relation (in {shown}).{near}")
    return ValueError(f"{shown}: the path cannot contain lookups, and {info.name} has no relation '{name}'.{near}")


def _check_names(scope: Scope, path: tuple[str, ...], node: FilteredRelation) -> None:
    """ValueError where a name in the condition leads beyond `path`, or is a lookup over relations beside it."""
    shown = f"FilteredRelation({node.relation_name!r})"
    for name in _names(node.condition, shown):
        if annotation_of(scope, split(name)) is not None:
            continue
        way = scope.route(split(name), f"the condition of {shown}")
        if len(way.names) > len(path) + 1:
            raise ValueError(f"The condition of {shown} reads relations deeper than its path: {name!r}.")
        over = way.names[:-1] if way.rest else way.names[:-2]
        if any(one != other for one, other in zip(over, path, strict=False)):
            raise ValueError(f"The condition of {shown} reads relations outside its path: {name!r}.")


def _names(part: Any, shown: str) -> Iterator[str]:
    """The names that a condition reads. ValueError where it compares with a queryset."""
    match part:
        case Leaf(value=value) if query_in(value) is not None:
            raise ValueError(
                f"The condition of {shown} compares with a queryset, which is not supported: use Exists(...) or Subquery(...)."
            )
        case Q(children=children):
            for child in children:
                if isinstance(child, tuple):
                    yield child[0]
                    yield from _names(child[1], shown)
                else:
                    yield from _names(child, shown)
        case F(name=name):
            yield name
        case Path(names=names):
            yield SEPARATOR.join(names or ("pk",))
        case Node():
            for inner in part.parts():
                yield from _names(inner, shown)


def _beside_joins(scope: Scope, node: FilteredRelation, condition: Expr, at: int) -> Expr:
    """`condition` as part of the join of source `at`: fields that its rows inherit are read by inner queries.

    FieldError where it has no value while rows are joined, ValueError where it reads what is joined to the row later.
    """
    shown = f"The condition of FilteredRelation({node.relation_name!r})"
    if has_aggregate(condition) or has_window(condition):
        raise FieldError(f"{shown} reads an aggregate or a window, which has no value before rows are joined.")
    below = {at}
    for number, source in enumerate(scope.sources):
        if source.parent in below:
            below.add(number)
    below.discard(at)

    def inherited(part: Expr) -> Expr | None:
        return _inherited(scope.sources, at, part) if isinstance(part, Col) and part.source in below else None

    condition = replaced(condition, inherited)
    if sources_of(condition) & below:
        raise ValueError(f"{shown} reads relations deeper than its path, from within an inner query.")
    return condition


def _inherited(sources: list[Source], at: int, column: Col) -> Expr:
    """`column`, of a table that the rows of source `at` inherit from, read by a query of its own."""
    way = [column.source]
    while sources[way[-1]].parent != at:
        way.append(sources[way[-1]].parent)
    way.reverse()
    numbers = {number: position for position, number in enumerate(way)}
    first = sources[way[0]]
    inner = [Source(first.table)]
    inner.extend(replace(sources[number], parent=numbers[sources[number].parent]) for number in way[1:])
    ties = [
        Compare(BOOLEAN, True, "eq", _column(first, 0, right), outer(_column(sources[at], at, left)))
        for left, right in zip(first.left, first.right, strict=True)
    ]
    value = ValueOutput(replace(column, source=numbers[column.source]))
    return Subquery(column.type, True, Select(tuple(inner), (value,), conjunction(tuple(ties)), bare=True))


def _column(source: Source, number: int, column: int) -> Col:
    assert source.table is not None
    declared = source.table.columns[column]
    return Col(declared.type, declared.nullable, number, column)


def _free_tag(scope: Scope, name: str) -> str:
    """`name`, or a like one, that tells a new join from those that the query has."""
    taken = {source.tag for source in scope.sources} | {join.tag for join in scope.filtered.values()}
    return free_tag(name, taken)
