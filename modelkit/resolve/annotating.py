"""annotate() and alias(): named expressions and filtered relations of a query, for later steps and for its results.

Knows shapes and expressions. The invariant: a name stands for one thing in a query, and none for a field of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelkit.errors import shorten
from modelkit.expressions import conditional
from modelkit.expressions.base import Face, Node
from modelkit.expressions.filtered import FilteredRelation
from modelkit.resolve.correlation import stepped
from modelkit.resolve.expressions import alias_of, checked_alias, resolve_whole
from modelkit.resolve.filtered import filtered_join
from modelkit.resolve.grouping import group_of, has_aggregate
from modelkit.resolve.joins import Context, Enclosing, Scope, Slots
from modelkit.resolve.query import Annotation, Query, Shape, refuse
from modelkit.resolve.skeleton import key_of, query_in

__all__ = ["annotated"]


def annotated(query: Query, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, select: bool) -> Query:
    """`query` with named expressions; `select` False: usable in later calls, not part of the results (alias()).

    `args` are typed expressions, whose values stand beside the instance, or aggregates that name themselves. Raises
    ValueError for a name that is taken or no identifier, TypeError for what is no expression or has no name.
    """
    verb = "annotate" if select else "alias"
    named = _named_expressions(query, args, kwargs, verb)
    faced = _faced(args)
    leaves: list[Any] = []
    key = (verb, faced, *[(name, key_of(node, leaves)) for name, node in named])
    return stepped(query, key, leaves, _annotating, (tuple(named), select, faced, verb))


def _named_expressions(
    query: Query, args: tuple[Any, ...], kwargs: Mapping[str, Any], verb: str
) -> list[tuple[str, Node]]:
    faced = _faced(args)
    if faced and kwargs:
        raise TypeError(
            f"{verb}() takes typed expressions, which give tuples, or named ones, which set attributes: not both in one call."
        )
    named: list[tuple[str, Node]] = []
    for number, value in enumerate(args, len(query.shape.annotations)):
        if faced:
            named.append((f"_{number}", value.node))
            continue
        name = alias_of(value, verb)
        if name in kwargs:
            raise ValueError(f"{verb}({name}=...): '{name}' is the name of another expression of the call already.")
        named.append((_free_alias(query, name, verb), value))
    for name, value in kwargs.items():
        if query_in(value) is not None:
            value = conditional.Subquery(value)
        if not isinstance(value, (Node, Face)):
            raise TypeError(f"{verb}({name}=...) takes an expression, not {shorten(value)}. A constant is Value(...).")
        checked_alias(name)
        named.append((_free_alias(query, name, verb), value.node if isinstance(value, Face) else value))
    return named


def _faced(args: tuple[Any, ...]) -> bool:
    return bool(args) and all(isinstance(arg, Face) for arg in args)


def _free_alias(query: Query, name: str, verb: str) -> str:
    """`name`; ValueError where a field has it."""
    taken = query.info.named.keys() | query.info.relations.keys()
    if query.shape.values is not None:
        taken = {known for known, _ in query.shape.values} - query.shape.annotations.keys()
    if name in taken:
        raise ValueError(f"{verb}({name}=...): {query.info.name} has a field '{name}' already. Choose another name.")
    return name


def _annotating(shape: Shape, parts: tuple[Any, ...], around: Enclosing | None) -> tuple[Shape, Slots]:
    """The shape after an annotate() or alias() of marked expressions."""
    named, select, typed, verb = parts
    refuse(shape, verb)
    scope = Scope.of(shape, verb, around)
    values = shape.values
    for name, node in named:
        _check_kind(scope, name, node)
        if isinstance(node, FilteredRelation):
            scope.filtered = {**scope.filtered, name: filtered_join(scope, name, node)}
            continue
        term = resolve_whole(scope, node, Context(None))
        scope.annotations[name] = Annotation(term, select, "" if typed else name)
        if values is not None and select:
            values = (*(pair for pair in values if pair[0] != name), (name, term))
    summed = any(has_aggregate(scope.annotations[name].term.expr) for name, _ in named if name in scope.annotations)
    made = shape.evolve(
        sources=tuple(scope.sources),
        annotations=scope.annotations,
        filtered=scope.filtered,
        values=values,
        group=group_of(values) if summed else shape.group,
        style="row" if typed and shape.style == "entity" else shape.style,
        width=scope.slots.width,
    )
    return made, scope.slots


def _check_kind(scope: Scope, name: str, node: Node) -> None:
    """ValueError where `name` stands for an expression and would become a relation, or the reverse."""
    others = scope.annotations if isinstance(node, FilteredRelation) else scope.filtered
    if name in others:
        raise ValueError(
            f"{scope.verb}({name}=...): '{name}' names {'an expression' if others is scope.annotations else 'a relation'} "
            "of this query already. Choose another name."
        )
