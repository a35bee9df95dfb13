"""Calls of filter(), exclude() and get(): conditions and lookups by name become a step of a shape.

Knows conditions, which it joins to what the shape asks already. The invariant: a call is resolved once for all values of the
types that it was first made with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from modelkit.errors import FieldError, shorten
from modelkit.expressions.base import Face, Node
from modelkit.expressions.conditions import Q
from modelkit.ir.analysis import conjuncts
from modelkit.ir.expr import Expr
from modelkit.resolve import conditions
from modelkit.resolve.correlation import stepped, taken
from modelkit.resolve.grouping import has_window
from modelkit.resolve.joins import Context, Enclosing, Leaf, Scope, Slots, Unsuited
from modelkit.resolve.query import Query, Shape, Step, refuse
from modelkit.resolve.skeleton import children_key, plain

__all__ = ["filtered", "taking"]

_TRUTHS: Final = object()
"""Stands in a cache for calls whose structure may depend on which of the two truth values they pass."""
_RESERVED: Final = frozenset({"_connector", "_negated"})


def filtered(query: Query, given: tuple[Any, ...], lookups: Mapping[str, Any], *, verb: str = "filter") -> Query:
    """The rows of `query` that meet all conditions `given` and `lookups`; those that do not where `verb` is "exclude".

    Raises FieldError for names and lookups that do not exist, ValueError, TypeError or ValidationError for values that do
    not fit, QueryTooComplex for deep nesting. One look-up where a call of the same structure was resolved before.
    """
    shape = query.shape
    if not given:
        values = (*lookups.values(),)
        key = _structure(verb == "exclude", lookups, values)
        step = shape.next.get(key)
        if step is _TRUTHS:
            key = (*key, *[value for value in values if value is True or value is False])
            step = shape.next.get(key)
        if type(step) is Step:
            if step.width == len(values):
                return Query(step.shape, query.params + values)
            try:
                return step.apply(query, values)
            except Unsuited:
                pass
        elif step is None and all(map(plain, values)):
            return _taken(query, _children((), lookups, verb), values, key, verb)
    return _slowly(query, given, lookups, verb)


def _structure(excluded: bool, names: Iterable[str], values: tuple[Any, ...]) -> tuple[Any, ...]:
    """What calls have in common that are resolved alike but for the two truth values."""
    if len(values) == 1:  # at half the price of what is written below
        for name in names:
            return excluded, name, type(values[0])
    return (excluded, *names, *map(type, values))


def taking(shape: Shape, lookups: Iterable[str], values: tuple[Any, ...]) -> Shape | None:
    """What filtered() leads to by `lookups`, where all values of these types are parameters as they are; None: it must be asked."""
    step = shape.next.get(_structure(False, lookups, values))
    return step.shape if type(step) is Step and step.width == len(values) else None


def _children(given: tuple[Any, ...], lookups: Mapping[str, Any], verb: str) -> tuple[Any, ...]:
    """The children of the Q that a call amounts to, names in their order."""
    children: list[Any] = []
    for condition in given:
        if isinstance(condition, bool):
            raise TypeError(
                f"Conditions are made of fields and values; {condition!r} is the result of a comparison in Python, "
                "perhaps of a field's value with a wrong type."
            )
        node = condition.node if isinstance(condition, Face) else condition
        if isinstance(node, dict):
            raise FieldError(f"Lookups are passed by name, not as a dict: {verb}(**{shorten(node)}).")
        if not isinstance(node, Node):
            raise TypeError(f"{verb}() takes conditions, Q objects and lookups by name, not {shorten(condition)}.")
        children.append(node)
    if _RESERVED & lookups.keys():
        raise TypeError(
            f"{', '.join(sorted(_RESERVED & lookups.keys()))} cannot be passed to {verb}(): Q() takes these."
        )
    children.extend((name, lookups[name]) for name in sorted(lookups))
    return tuple(children)


def _slowly(query: Query, given: tuple[Any, ...], lookups: Mapping[str, Any], verb: str) -> Query:
    """The call with nodes or inner queries among its values."""
    children = _children(given, lookups, verb)
    leaves: list[Any] = []
    key = ("Q", verb == "exclude", *children_key(children, leaves))
    return stepped(query, key, leaves, _filtering, (Q.create(children, "AND"), verb))


def _taken(query: Query, children: tuple[Any, ...], values: tuple[Any, ...], key: tuple[Any, ...], verb: str) -> Query:
    """The first call of a plain structure: `values` are the leaves, in the order of the call."""
    if bool in key and len(key) == 2 * len(values) + 1:
        query.shape.cache.add(query.shape.next, key, _TRUTHS)
        key = (*key, *[value for value in values if value is True or value is False])
    numbers = {name: number for number, name in enumerate(key[1 : len(values) + 1])}
    whole = Q.create(tuple((name, Leaf(numbers[name], value)) for name, value in children), "AND")
    step, shared = taken(query.shape, _filtering, (whole, verb), values)
    if shared:
        query.shape.cache.add(query.shape.next, key, step)
    return step.apply(query, values or (None,))


def _filtering(shape: Shape, parts: tuple[Q, str], around: Enclosing | None) -> tuple[Shape, Slots]:
    """The shape after a filter(), exclude() or get() of marked conditions."""
    whole, verb = parts
    refuse(shape, verb)
    if shape.sliced and whole.children:
        raise TypeError(f"{verb}() after a slice: a slice is the last step of a query.")
    scope = Scope.of(shape, verb, around)
    context = Context(set(shape.sticky), needed=set())
    found = conditions.resolve_condition(scope, ~whole if verb == "exclude" else whole, context)
    where = shape.where if found is None else (*shape.where, *conjuncts(found))
    needed = _unsaid(scope, where, context.needed or ())
    made = shape.evolve(
        sources=tuple(scope.sources),
        where=(*where, *(condition for number in needed for condition in conditions.present(scope, number))),
        width=scope.slots.width,
        needed=shape.needed.union(needed),
    )
    return made, scope.slots


def _unsaid(scope: Scope, where: tuple[Expr, ...], needed: Iterable[int]) -> list[int]:
    """The sources of those `needed` that may lack a row by all that the conditions on rows in `where` say.

    It matters where a lookup compares with what has a value without the row, as Coalesce, and where a window counts rows.
    """
    missing = [number for number in sorted(needed, reverse=True) if scope.missing(number)]
    if not missing:
        return []
    known = conditions.there(tuple(scope.sources), tuple(condition for condition in where if not has_window(condition)))
    found: list[int] = []
    for number in missing:
        if number not in known:
            found.append(number)
            known = known.union(scope.lineage(number))
    return found
