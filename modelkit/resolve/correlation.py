"""Steps that read the query around theirs: kept as they were written, and taken again once that query is known.

Knows shapes and scopes; it gives nodes no meaning. A step that meets an OuterRef before its query stands inside another
leads to an *open* shape, whose parameters are values as they were passed. The invariant: `bound` gives the shape that the same
steps would have led to, had they been taken inside the query around from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from modelkit.ir.expr import Param
from modelkit.resolve.joins import Enclosing, Slots, Unsuited
from modelkit.resolve.query import Binding, Call, Combination, Convert, Query, Shape, Step, itself
from modelkit.resolve.skeleton import Marker, query_in

__all__ = ["SYMBOLIC", "Bound", "Take", "bound", "check_closed", "opened", "parameter", "stepped", "taken"]

Take: TypeAlias = Callable[[Shape, Any, Enclosing | None], tuple[Shape, Slots]]
"""Resolves one step of a query on a shape, perhaps inside another query: the shape it leads to, and its new parameters."""

Bound: TypeAlias = tuple[Shape, tuple[Binding, ...]]
"""A shape inside the query around it, and which parameter of the open query makes each of its own, and how."""

SYMBOLIC: Final = (
    "order", "backwards", "style", "into", "distinct", "distinct_on", "mask", "related", "limit", "offset", "empty",
)  # fmt: skip
"""What a shape keeps as it was written until it is finished, so that no step need be taken again for it."""


def stepped(query: Query, key: Any, leaves: list[Any], take: Take, parts: Any) -> Query:
    """`query` after the step that `take` makes of `parts`, remembered under `key`; `leaves` are the values in both.

    A TypeError of a key that cannot be hashed means that the step is not remembered.
    """
    shape = query.shape
    filled = leaves or (None,)
    try:
        step = shape.next.get(key)
    except TypeError:
        step, key = None, None
    if step is not None:
        try:
            known: Query = step.apply(query, filled)
        except Unsuited:
            key = None
        else:
            return known
    step, shared = taken(shape, take, Marker(leaves).marked(parts), leaves)
    if key is not None and shared:
        shape.cache.add(shape.next, key, step)
    made: Query = step.apply(query, filled)
    return made


def taken(shape: Shape, take: Take, parts: Any, leaves: Sequence[Any]) -> tuple[Step, bool]:
    """The step that `take` makes of marked `parts`, and whether it suits every call of their structure."""
    made, slots = take(shape, parts, None)
    if slots.stores:
        made = made.evolve(stores=made.stores | slots.stores, sticky=made.sticky)
    if shape.base is None and not slots.open:
        return Step(made, tuple(slots.bindings)), slots.shared
    count = max(len(leaves), 1)
    call = Call(take, Marker((None,) * len(leaves)).marked(parts), shape.width, count)
    left_open = opened(made, shape, (*shape.pending, call), shape.width + count)
    return Step(left_open, tuple((number, itself) for number in range(count))), slots.shared


def opened(made: Shape, before: Shape, pending: tuple[Call, ...], width: int) -> Shape:
    """`made`, to which a step from `before` led, as a shape that waits for the query around it."""
    return made.evolve(base=before.base or before, pending=pending, width=width, sticky=made.sticky)


def bound(query: Query, around: Enclosing) -> Bound:
    """The shape of `query` inside the query around it. Linear in the steps since the first that reads it."""
    shape = query.shape
    if not shape.open:
        return shape, tuple((number, itself) for number in range(shape.width))
    if shape.combination is not None:
        return _bound_parts(query, shape.combination, around)
    assert shape.base is not None
    made = shape.base
    bindings: list[Binding] = [(number, itself) for number in range(made.width)]
    for call in shape.pending:
        leaves = query.params[call.slot : call.slot + call.count]
        made, slots = call.take(made, Marker(leaves).marked(call.parts), around)
        around.scope.slots.shared = around.scope.slots.shared and slots.shared
        around.scope.slots.stores |= slots.stores
        bindings.extend((call.slot + leaf, convert) for leaf, convert in slots.bindings)
    changes = _symbolic(shape, bindings)
    if shape.empty:
        changes["where"] = shape.where
    return made.evolve(width=len(bindings), **changes), tuple(bindings)


def _bound_parts(query: Query, combination: Combination, around: Enclosing) -> Bound:
    """The same for a query whose parts read the query around it."""
    made: list[Shape] = []
    bindings: list[Binding] = []
    before = 0
    for part in query.parts:
        shape, own = bound(part, around)
        made.append(shape)
        bindings.extend((before + number, convert) for number, convert in own)
        before += part.shape.width
    changes = _symbolic(query.shape, bindings)
    combined = replace(combination, parts=tuple(made))
    return query.shape.evolve(combination=combined, width=len(bindings), **changes), tuple(bindings)


def _symbolic(shape: Shape, bindings: list[Binding]) -> dict[str, Any]:
    """What `shape` keeps as it was written, the ends of its slice in the parameters that `bindings` fill."""
    changes = {name: getattr(shape, name) for name in SYMBOLIC}
    for name in ("offset", "limit"):
        if changes[name] is not None:
            changes[name] = _moved(changes[name], bindings)
    return changes


def parameter(number: int, convert: Convert) -> Convert:
    """What reads parameter `number` of a queryset's query and converts it."""
    if convert is itself:
        return lambda queryset: _query(queryset).params[number]
    return lambda queryset: convert(_query(queryset).params[number])


def _query(queryset: Any) -> Query:
    query = query_in(queryset)
    if query is None:
        raise Unsuited
    return query


def _moved(bound_: Param, bindings: list[Binding]) -> Param:
    """The end of a slice, in the next of the parameters that `bindings` fill."""
    for slot, (number, _) in enumerate(bindings):
        if number == bound_.slot:
            return Param(bound_.type, bound_.nullable, slot)
    bindings.append((bound_.slot, itself))
    return Param(bound_.type, bound_.nullable, len(bindings) - 1)


def check_closed(shape: Shape) -> None:
    """ValueError where `shape` reads a query around it: it has no rows of its own."""
    if shape.open:
        raise ValueError(
            f"This query on {shape.info.name} reads the query around it, by OuterRef: it can only stand inside another one, "
            "as in Exists(...) or Subquery(...)."
        )
