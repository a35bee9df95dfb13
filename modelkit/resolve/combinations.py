"""Unions, intersections and differences: several queries as one, whose columns are those of the first.

Knows shapes, scopes and expressions; how a part is read is its caller's. The invariant: a combined query is finished like any
other, over one source that holds the rows of its parts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol

from modelkit.errors import FieldError, NotSupportedError, ProgrammingError, did_you_mean
from modelkit.expressions.base import F, Face, Node, Path
from modelkit.ir.expr import Col
from modelkit.ir.query import Compound, Output, Select, Source, ValueOutput
from modelkit.ir.types import AnyType, ScalarType
from modelkit.modelinfo import EntityPlan
from modelkit.records import dataclass
from modelkit.resolve import expressions
from modelkit.resolve.correlation import SYMBOLIC
from modelkit.resolve.joins import Context, Enclosing, Scope, Slots, constant
from modelkit.resolve.moving import moved
from modelkit.resolve.paths import SEPARATOR
from modelkit.resolve.query import Annotation, Combination, Plan, Query, SetOperation, Shape, Term, itself

__all__ = ["Combined", "ReadPart", "combined_rows", "joined", "order_names", "rejoined"]


class ReadPart(Protocol):
    """Finishes one part, whose added parameters begin at slot `base`, with the values of `more` names behind its columns."""

    def __call__(self, shape: Shape, around: Enclosing | None, base: int, more: tuple[str, ...]) -> Plan: ...


@dataclass(frozen=True, slots=True)
class Combined:
    """A combined query over the rows of its parts: what finishes it, and its outputs."""

    shape: Shape
    scope: Scope
    outputs: tuple[Output, ...]
    entity: EntityPlan | None
    names: tuple[str, ...]
    fields: tuple[Any, ...]


# -- steps


def joined(operation: SetOperation, queries: tuple[Query, ...], *, whole: bool | None = None) -> Query:
    """The rows of several queries as one query, in no order."""
    first = queries[0].shape
    shapes = tuple(query.shape for query in queries)
    if whole is None:
        whole = all(_is_whole(shape) for shape in shapes)
    key = (operation, whole, *shapes[1:])
    made = first.next.get(key)
    if made is None:
        made = Shape(
            first.info,
            first.cache,
            (Source(first.info.table),),
            width=sum(shape.width for shape in shapes),
            order=(),
            annotations=first.annotations,
            style=first.style,
            values=first.values,
            into=first.into,
            combination=Combination(operation, shapes, whole),
            stores=frozenset().union(*(shape.stores for shape in shapes)),
        )
        first.cache.add(first.next, key, made)
    return Query(made, tuple(value for query in queries for value in query.params))


def _is_whole(shape: Shape) -> bool:
    return shape.combination.whole if shape.combination is not None else shape.values is None


def rejoined(query: Query, parts: tuple[Query, ...], **changes: Any) -> Query:
    """Combined `query` with other parts, in the same order, cut alike, but for `changes`."""
    shape = query.shape
    assert shape.combination is not None
    made = joined(shape.combination.operation, parts, whole=shape.combination.whole)
    before = sum(part.width for part in shape.combination.parts)
    kept = {name: moved(getattr(shape, name), made.shape.width - before) for name in SYMBOLIC} | changes
    bounds = query.params[before:]
    key = ("as", *kept.values())
    try:
        known = made.shape.next.get(key)
    except TypeError:
        known, key = None, ()
    if known is None:
        known = made.shape.evolve(width=made.shape.width + len(bounds), **kept)
        if key:
            made.shape.cache.add(made.shape.next, key, known)
    return Query(known, made.params + bounds)


# -- order


def order_names(shape: Shape) -> tuple[str, ...]:
    """The fields that give the order of a combined query and are not among its results.

    FieldError for a name that no part has: of parts whose columns were chosen, those alone are known.
    """
    assert shape.combination is not None
    shown = _shown(shape.combination.parts[0])
    found: dict[str, None] = {}
    for key in shape.order or ():
        for name in _names(key):
            if name.split(SEPARATOR)[0] not in shown:
                found[name] = None
    if found and not shape.combination.whole:
        name = next(iter(found))
        raise FieldError(
            f"order_by({name!r}) after {shape.combination.method}(): the results have no column '{name}'."
            f"{did_you_mean(name, shown)}"
        )
    for name in found:
        scope = Scope.of(shape.combination.parts[0], "order_by")
        expressions.resolve_name(scope, name, Context(None), f"order_by({name!r})")
    return tuple(found)


def _shown(shape: Shape) -> tuple[str, ...]:
    if shape.values is not None:
        return tuple(name for name, _ in shape.values)
    return tuple(name for name, annotation in shape.annotations.items() if annotation.selected)


def _names(key: Any) -> Iterator[str]:
    """The names that a key of an order reads."""
    if isinstance(key, str):
        if key != "?":
            yield key.removeprefix("-")
    elif isinstance(key, F):
        yield key.name
    elif isinstance(key, Path):
        yield SEPARATOR.join(key.names or ("pk",))
    elif isinstance(key, Node):
        for part in key.parts():
            yield from _names(part)


def _by_name(key: Any) -> Any:
    """A key of an order with names in place of typed fields."""
    if isinstance(key, Face):
        key = key.node
    if isinstance(key, Path):
        return F(SEPARATOR.join(key.names or ("pk",)))
    if isinstance(key, tuple):
        return tuple(_by_name(item) for item in key)
    if not isinstance(key, Node) or isinstance(key, F):
        return key
    copied = object.__new__(type(key))
    for field in dataclasses.fields(key):  # type: ignore[arg-type]  # every node in an order is a dataclass
        object.__setattr__(copied, field.name, _by_name(getattr(key, field.name)))
    return copied


# -- reading


def combined_rows(
    shape: Shape, verb: str, around: Enclosing | None, read: ReadPart, base: int, more: tuple[str, ...] = ()
) -> Combined:
    """A combined shape as a query over one source, the rows of its parts; the values of `more` names stand behind the others.

    Added parameters begin at slot `base`. Raises ProgrammingError where the parts differ in their number of columns,
    NotSupportedError where instances of several models would have to be one.
    """
    combination = shape.combination
    assert combination is not None
    hidden = tuple(dict.fromkeys((*order_names(shape), *more)))
    scope = Scope(shape.info, [], Slots(base), verb, around=around)
    plans: list[Plan] = []
    selects: list[Select | Compound] = []
    before = 0
    for part in combination.parts:
        plan = read(_like(combination.parts[0], part), around, scope.slots.width - before, hidden)
        for value in plan.extra:
            scope.slots.bind(constant(value), itself)
        plans.append(plan)
        selects.append(moved(plan.select, before))
        before += part.width
    _check_alike(combination, plans)
    operation = combination.operation if len(selects) > 1 else "union all"
    scope.sources.append(Source(None, rows=Compound(operation, tuple(selects))))
    return _over(shape, scope, plans, hidden, more)


def _like(first: Shape, part: Shape) -> Shape:
    """A part that loads of its instances what the first one does."""
    if part is first or part.values is not None or (part.mask, part.related) == (first.mask, first.related):
        return part
    return part.evolve(mask=first.mask, related=first.related)


def _check_alike(combination: Combination, plans: list[Plan]) -> None:
    """ProgrammingError where the rows of the parts cannot be of one kind."""
    first = plans[0]
    for plan in plans[1:]:
        widths = [_width(each) for each in (first, plan)]
        if (
            first.entity is not None
            and plan.entity is not None
            and first.entity.info.concrete is not plan.entity.info.concrete
        ):
            raise NotSupportedError(
                f"{combination.method}(): instances of {first.entity.info.name} and of {plan.entity.info.name} are not combined; "
                "choose columns of each, by values() or values_list()."
            )
        if widths[0] != widths[1]:
            raise ProgrammingError(
                f"{combination.method}(): the querysets have {widths[0]} and {widths[1]} columns; choose as many of each, by "
                "values() or values_list()."
            )


def _width(plan: Plan) -> int:
    """How many columns the rows of a part have."""
    return len(plan.names) + (0 if plan.entity is None else _loaded(plan.entity))


def _loaded(entity: EntityPlan) -> int:
    """How many fields are loaded of an instance and of those that come along."""
    return len(entity.info.attributes) - len(entity.deferred) + sum(_loaded(child.plan) for child in entity.children)


def _over(shape: Shape, scope: Scope, plans: list[Plan], hidden: tuple[str, ...], more: tuple[str, ...]) -> Combined:
    """The query over the rows of the parts."""
    first = plans[0]
    columns = [Col(type_, True, 0, number) for number, type_ in enumerate(_types(plans))]
    shown = len(columns) - len(hidden)
    rows = shown - len(first.names)
    terms = {
        name: Term(column, field)
        for name, column, field in zip(first.names, columns[rows:shown], first.fields, strict=True)
    }
    scope.annotations.update({name: Annotation(term, True, name) for name, term in terms.items()})
    for name, column in zip(hidden, columns[shown:], strict=True):
        scope.annotations.setdefault(name, Annotation(Term(column), False, name))
    names = first.names if shape.values is None else tuple(name for name, _ in shape.values)
    over = shape.evolve(
        sources=tuple(scope.sources),
        where=(),
        values=None if shape.values is None else tuple((name, terms[name]) for name in names),
        annotations=dict(scope.annotations),
        order=tuple(map(_by_name, shape.order or ())),
        combination=None,
    )
    chosen = [*columns[:rows], *(terms[name].expr for name in names)]
    chosen.extend(scope.annotations[name].term.expr for name in more)
    fields = tuple(terms[name].field for name in names)
    return Combined(over, scope, tuple(map(ValueOutput, chosen)), first.entity, names, fields)


def _types(plans: list[Plan]) -> Iterator[ScalarType]:
    """The types of the columns: those of the parts where they agree."""
    for outputs in zip(*(plan.select.outputs for plan in plans), strict=True):
        kinds = [output.expr.type if isinstance(output, ValueOutput) else AnyType() for output in outputs]
        known = [kind for kind in kinds if not isinstance(kind, AnyType)]
        yield known[0] if known and all(type(kind) is type(known[0]) for kind in known) else AnyType()
