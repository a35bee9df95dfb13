"""Queries from roots on: the steps that are neither conditions nor outputs.

Knows all of resolve but the finishers. The invariant: a step leads from a shape to a shape, and is remembered on the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Any, Final, Literal, TypeAlias

from modelkit.expressions.base import Value
from modelkit.ir.expr import BOOLEAN, INTEGER, And, Col, Compare, Const, Expr, In, Or, Param
from modelkit.ir.query import Source
from modelkit.ir.types import IntegerType
from modelkit.modelinfo import Attribute, ModelInfo, Relation, info_of
from modelkit.resolve import conditions, correlation, expressions, filtering, ordering
from modelkit.resolve.combinations import order_names
from modelkit.resolve.correlation import Take, opened, parameter, stepped, taken
from modelkit.resolve.joins import Context, Enclosing, Leaf, Scope, Slots, conjoined, free_tag
from modelkit.resolve.moving import moved
from modelkit.resolve.paths import key_field, path_of, read_early, steps_of
from modelkit.resolve.query import Cache, Query, Shape, Term, check_stores, evolved, refuse

__all__ = [
    "among",
    "by_key",
    "combined",
    "distinct",
    "finds_nothing",
    "is_empty",
    "locked",
    "needed",
    "nothing",
    "ordered",
    "out_of_reach",
    "related_to",
    "related_to_any",
    "reversed_",
    "root",
    "sliced",
]

_TRUE: Final = Const(BOOLEAN, False, True)
_FALSE: Final = Const(BOOLEAN, False, False)


# -- steps


def root(info: ModelInfo) -> Query:
    """All rows of a model."""
    known: Query | None = info.roots.get("")
    if known is None:
        known = info.roots[""] = Query(Shape(info, Cache(), (Source(info.table),)))
    return known


def ordered(query: Query, keys: tuple[Any, ...]) -> Query:
    """`query` in the order of `keys` (names with "-", "?", nodes, faces); none: in no order, Meta's neither.

    Raises FieldError for names that lead nowhere, TypeError on a slice.
    """
    shape = query.shape
    key = ("order", *keys)
    try:
        made = shape.next.get(key)
        hashed = True
    except TypeError:
        made, hashed = None, False
    if made is None:
        if shape.sliced:
            raise TypeError("order_by() after a slice: a slice is the last step of a query.")
        made = shape.evolve(order=ordering.normalised(keys))
        if shape.combination is not None:
            order_names(made)
            return Query(made, query.params)
        scope = Scope.of(made, "order_by")
        ordering.sort_keys(scope, made)
        if scope.slots.stores:
            made = made.evolve(stores=made.stores | scope.slots.stores, sticky=made.sticky)
        if scope.slots.open:
            made = opened(made, shape, shape.pending, shape.width)
        if hashed:
            shape.cache.add(shape.next, key, made)
    return Query(made, query.params)


def by_key(query: Query, verb: str) -> Query:
    """`query` in the order of the primary key, for `verb`; TypeError where its rows are groups without one."""
    group = query.shape.group
    if isinstance(group, tuple) and not {*query.info.table.key}.issubset(_own_columns(group)):
        raise TypeError(
            f"{verb}() on an unordered queryset performing aggregation has no order to go by: add order_by() before."
        )
    return ordered(query, ("pk",))


def _own_columns(exprs: Iterable[Expr]) -> Iterator[int]:
    """The columns of the model's own table that stand among `exprs`."""
    return (expr.column for expr in exprs if isinstance(expr, Col) and expr.source == 0)


def reversed_(query: Query) -> Query:
    """`query` in the opposite order; TypeError on a slice."""
    if query.is_sliced:
        raise TypeError("reverse() after a slice: a slice is the last step of a query.")
    return evolved(query, ("reverse",), backwards=not query.shape.backwards)


def distinct(query: Query, names: tuple[str, ...]) -> Query:
    """`query` without repeated rows; with `names`, the first row for each of their values. TypeError on a slice."""
    refuse(query.shape, "distinct")
    if query.is_sliced:
        raise TypeError("distinct() after a slice: a slice is the last step of a query.")
    for name in names:
        expressions.resolve_name(Scope.of(query.shape, "distinct"), name, Context(None), f"distinct({name!r})")
    return evolved(query, ("distinct", *names), distinct=True, distinct_on=names)


def locked(query: Query) -> Query:
    """`query`, whose rows must stay as they are until the transaction that reads them commits."""
    return query if query.shape.locks else evolved(query, ("locked",), locks=True)


def sliced(query: Query, start: int | None, stop: int | None) -> Query:
    """Rows `start` to `stop` of `query` (a slice of a slice counts from the former). ValueError on negative numbers."""
    for bound in (start, stop):
        if bound is not None and bound < 0:
            raise ValueError(
                f"A slice of a query counts from its start: {bound} is negative. Reverse the order instead."
            )
    shape = query.shape
    offset = query.params[shape.offset.slot] if shape.offset is not None else 0
    limit = query.params[shape.limit.slot] if shape.limit is not None else None
    low = start or 0
    count = None if stop is None else max(stop - low, 0)
    if limit is not None:
        left = max(limit - low, 0)
        count = left if count is None else min(count, left)
    if not low and stop is None:
        return query
    cut = _cut(query, offset + low, count)
    return nothing(cut) if count == 0 else cut


def _cut(query: Query, offset: int, count: int | None) -> Query:
    """`query` with these bounds, in the slots it has or in new ones."""
    shape = query.shape
    key = ("slice", bool(offset), count is not None)
    made = shape.next.get(key)
    if made is None:
        width = shape.width
        start, end = shape.offset, shape.limit
        if start is None and offset:
            start, width = Param(INTEGER, False, width), width + 1
        if end is None and count is not None:
            end, width = Param(INTEGER, False, width), width + 1
        made = shape.evolve(offset=start, limit=end, width=width)
        shape.cache.add(shape.next, key, made)
    params = [*query.params, *[None] * (made.width - shape.width)]
    if made.offset is not None:
        params[made.offset.slot] = offset
    if made.limit is not None:
        params[made.limit.slot] = count
    return Query(made, tuple(params))


def nothing(query: Query) -> Query:
    """`query` without rows."""
    return evolved(query, ("none",), empty=True, where=(_FALSE,))


def is_empty(query: Query) -> bool:
    """Whether `query` is none()."""
    return query.shape.empty


def finds_nothing(query: Query, alias: str | None = None) -> bool:
    """Whether the values of `query` alone say that no row is found, so that nothing need be asked of the store.

    So it is for none(), for a member of an empty list, and for numbers that a column of whole numbers cannot reach.
    Raises ValueError where a queryset inside of it is of another store than `alias`.
    """
    ranges, fails, stores = needed(query.shape)
    if stores:
        check_stores(stores, alias)
    return out_of_reach(ranges, query.params) or (fails is not None and fails(query, alias))


Ranges: TypeAlias = tuple[tuple[int, float, float], ...]
"""Parameters, by slot, and the numbers that they must lie between."""


def out_of_reach(ranges: Ranges, params: Sequence[Any]) -> bool:
    """Whether one of `params` is NULL or no number of its range."""
    for slot, low, high in ranges:
        value = params[slot]
        if value is None or not low <= value <= high:
            return True
    return False


Needed: TypeAlias = tuple[Ranges, Callable[[Query, str | None], bool] | None, frozenset[str]]


def needed(shape: Shape) -> Needed:
    """What a query needs to find a row: the numbers that parameters lie between, a test that fails else, and whose stores."""
    known: Needed | None = shape.compiled.get("needed")
    if known is None:
        known = shape.compiled["needed"] = _needed(shape)
    return known


def _needed(shape: Shape) -> Needed:
    if shape.empty:
        return (), lambda *_: True, shape.stores
    if shape.combination is not None:
        return (), _combines_nothing, shape.stores
    if shape.open:  # its values are as they were passed, and no field has taken them in yet
        return (), None, shape.stores
    parts = [part for condition in shape.where for part in _all_of(condition)]
    ranges = tuple(
        (part.right.slot, *_reachable(part.op, part.left.type))
        for part in parts
        if isinstance(part, Compare)
        and isinstance(part.left, Col)
        and isinstance(part.left.type, IntegerType)
        and isinstance(part.right, Param)
        and part.op != "ne"
    )
    lists = [part.choices.slot for part in parts if isinstance(part, In) and isinstance(part.choices, Param)]
    fails = (lambda query, _: not all(query.params[slot] for slot in lists)) if lists else None
    return ranges, fails, shape.stores


def _all_of(condition: Expr) -> Iterator[Expr]:
    """The conditions that must all be true for `condition` to be."""
    if isinstance(condition, And):
        for item in condition.items:
            yield from _all_of(item)
    else:
        yield condition


def _reachable(op: str, type_: IntegerType) -> tuple[float, float]:
    """The least and the greatest number that a value of `type_` can stand in this relation to."""
    match op:
        case "gt":
            return -inf, type_.high - 1
        case "ge":
            return -inf, type_.high
        case "lt":
            return type_.low + 1, inf
        case "le":
            return type_.low, inf
        case _:
            return type_.low, type_.high


def _combines_nothing(query: Query, alias: str | None) -> bool:
    """The same for a combined query."""
    assert query.shape.combination is not None
    match query.shape.combination.operation:
        case "except":
            return finds_nothing(query.parts[0], alias)
        case "intersect":
            return any(finds_nothing(part, alias) for part in query.parts)
        case _:
            return all(finds_nothing(part, alias) for part in query.parts)


def related_to(query: Query, relation: Relation, values: tuple[Any, ...]) -> Query:
    """The rows of `query` that `relation` (of this query's model) leads from to the row with these `relation.remote` values.

    The first filter() after it shares the relation's join.
    """
    return _once_taken(query, "related_to", _relating, relation, values)


def related_to_any(query: Query, relation: Relation, values: tuple[tuple[Any, ...], ...]) -> Query:
    """The same for several rows, of a relation that goes by several fields."""
    return _once_taken(query, "related_to_any", _relating_any, relation, (values,))


def _once_taken(query: Query, name: str, take: Take, parts: Any, leaves: tuple[Any, ...]) -> Query:
    """`query` after a step that suits all values: it is taken for `parts` once, and applied to `leaves`."""
    shape = query.shape
    key = (name, parts)
    step = shape.next.get(key)
    if step is None:
        step, _ = taken(shape, take, parts, leaves)
        shape.cache.add(shape.next, key, step)
    made: Query = step.apply(query, leaves)
    return made


def _related_columns(
    scope: Scope, relation: Relation, reuse: set[int]
) -> tuple[int, tuple[Attribute, ...], tuple[int, ...]]:
    """The source in which a relation's far key stands, as near as it is known, that key, and its columns there."""
    target = info_of(relation.target)
    attributes = tuple(target.named[name] for name in relation.remote)
    steps, columns = read_early(steps_of(relation), tuple(attribute.column for attribute in attributes))
    return scope.follow(steps, Context(reuse)), attributes, columns


def _relating_any(shape: Shape, relation: Relation, around: Enclosing | None) -> tuple[Shape, Slots]:
    scope = Scope.of(shape, "related", around)
    source, _, columns = _related_columns(scope, relation, set())
    item = scope.columns(source, columns)
    where = In(BOOLEAN, item.nullable, item, scope.slots.param(item.type, Leaf(0, None), tuple))
    made = shape.evolve(sources=tuple(scope.sources), where=(*shape.where, where), width=scope.slots.width)
    return made, scope.slots


def _relating(shape: Shape, relation: Relation, around: Enclosing | None) -> tuple[Shape, Slots]:
    scope = Scope.of(shape, "related", around)
    target = info_of(relation.target)
    reuse: set[int] = set()
    source, attributes, columns = _related_columns(scope, relation, reuse)
    where: list[Expr] = []
    for number, (attribute, column) in enumerate(zip(attributes, columns, strict=True)):
        left = scope.column(source, column)
        right = scope.slots.param(left.type, Leaf(number, None), key_field(target, attribute).coerce)
        where.append(Compare(BOOLEAN, left.nullable, "eq", left, right))
    made = shape.evolve(
        sources=tuple(scope.sources),
        where=(*shape.where, *where),
        width=scope.slots.width,
        sticky=frozenset(reuse) if relation.many and len(relation.hops) > 1 else frozenset(),
    )
    return made, scope.slots


def among(query: Query, attnames: tuple[str, ...], values: tuple[Any, ...]) -> Query:
    """The rows of `query` whose `attnames` hold one of `values`: tuples where there are several attnames."""
    return _once_taken(query, "among", _choosing, attnames, (values,))


def _choosing(shape: Shape, attnames: tuple[str, ...], around: Enclosing | None) -> tuple[Shape, Slots]:
    scope = Scope.of(shape, "filter", around)
    attributes = [shape.info.named[name] for name in attnames]
    source = scope.follow(path_of(attributes[0]), Context(None))
    item = scope.columns(source, tuple(attribute.column for attribute in attributes))
    converts = [key_field(shape.info, attribute).coerce for attribute in attributes]

    def members(values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(converts) == 1:
            return tuple(map(converts[0], values))
        return tuple(
            [tuple([convert(part) for convert, part in zip(converts, value, strict=True)]) for value in values]
        )

    where = In(BOOLEAN, item.nullable, item, scope.slots.param(item.type, Leaf(0, None), members))
    made = shape.evolve(sources=tuple(scope.sources), where=(*shape.where, where), width=scope.slots.width)
    return made, scope.slots


# -- two queries as one


def combined(left: Query, operator: Literal["and", "or", "xor"], right: Query) -> Query:
    """The rows in both, either, or exactly one of two queries on one model.

    A slice on a side of "or" and "xor" stands for its rows by their keys. Raises TypeError where the two start at different
    models, differ in distinct(), or a side of "and" was sliced.
    """
    if operator != "and":
        left, right = _unsliced(left), _unsliced(right)
    _combinable(left, right)
    if operator == "and" and (left.shape.empty or right.shape.empty):
        return nothing(left)
    if left.shape.empty:
        return right
    if right.shape.empty:
        return left
    shape, other = left.shape, right.shape
    alike = _alike_joins(left, right)
    key = (operator, other, alike)
    if shape.base is not None or other.base is not None:
        return stepped(left, ("open", *key), [right], _combining_open, (operator, Value(right), alike))
    made = shape.next.get(key)
    if made is None:
        made = _combining(shape, operator, other, alike)
        shape.cache.add(shape.next, key, made)
    return Query(made, left.params + right.params)


def _unsliced(query: Query) -> Query:
    """A slice as a query that can go on: its rows, found by their keys."""
    if not query.is_sliced or query.shape.empty:
        return query
    return filtering.filtered(root(query.info), (), {"pk__in": query})


def _combinable(left: Query, right: Query) -> None:
    if left.info.model is not right.info.model:
        raise TypeError(f"A query on {left.info.name} cannot be combined with one on {right.info.name}.")
    if left.is_sliced or right.is_sliced:
        raise TypeError("A query that was sliced cannot be combined with another.")
    if (left.shape.distinct, left.shape.distinct_on) != (right.shape.distinct, right.shape.distinct_on):
        raise TypeError("A query with distinct() cannot be combined with one without, or with another distinct().")


def _alike_joins(left: Query, right: Query) -> frozenset[str]:
    """The tags of filtered relations that two queries have under one name, on one condition with the same values."""
    found: set[str] = set()
    if left.shape.base is not None or right.shape.base is not None:
        return frozenset()  # an open query's parameters are not yet those of its joins
    for name, join in left.shape.filtered.items():
        other = right.shape.filtered.get(name)
        if other is not None and (join.tag, join.at, join.width) == (other.tag, other.at, other.width):
            here, there = (slice(part.base, part.base + part.width) for part in (join, other))
            same = moved(other.sources, join.base - other.base) == join.sources
            if same and left.params[here] == right.params[there]:
                found.add(join.tag)
    return frozenset(found)


def _combining(
    shape: Shape, operator: Literal["and", "or", "xor"], other: Shape, alike: frozenset[str] = frozenset()
) -> Shape:
    """One shape of two: `and` opens the other's to-many joins anew, the others share each join once.

    Of filtered relations, those with tags in `alike` may be shared.
    """
    scope = Scope.of(shape, "combine")
    reuse = set() if operator == "and" else set(range(len(shape.sources)))
    own = {source.tag for source in shape.sources} | {join.tag for join in shape.filtered.values()}
    tags = {source.tag: free_tag(source.tag, own) for source in other.sources if source.tag and source.tag not in alike}
    numbers = {0: 0}
    for number, source in enumerate(other.sources[1:], 1):
        source = replace(source, tag=tags.get(source.tag, source.tag))
        parent = numbers[source.parent]
        found = scope.alike(source, parent, reuse if source.many else None)
        if found is None:
            found = len(scope.sources)
            condition = moved(source.condition, shape.width, {**numbers, number: found})
            scope.sources.append(replace(source, parent=parent, condition=condition))
        reuse.discard(found)
        numbers[number] = found
    theirs: tuple[Expr, ...] = moved(other.where, shape.width, numbers)
    needed = shape.needed.union(numbers[number] for number in other.needed)
    where: tuple[Expr, ...] = (*shape.where, *theirs)
    if operator != "and":
        sides = _alternatives(scope, shape.where, theirs, needed)
        where = () if operator == "or" and _TRUE in sides else (_either(operator, sides),)
    values = other.values
    if values is not None:
        values = tuple(
            (name, Term(moved(term.expr, shape.width, numbers), term.field, term.key_of)) for name, term in values
        )
    return shape.evolve(
        sources=tuple(scope.sources),
        where=where,
        needed=needed,
        width=shape.width + other.width,
        values=values if values is not None else shape.values,
        order=other.order or shape.order,
        stores=shape.stores | other.stores,
    )


def _combining_open(
    shape: Shape, parts: tuple[Literal["and", "or", "xor"], Value, frozenset[str]], around: Enclosing | None
) -> tuple[Shape, Slots]:
    """The same where one of the two reads the query around them."""
    operator, node, alike = parts
    leaf: Leaf = node.value
    slots = Slots(shape.width)
    slots.open = True
    other: Shape = leaf.value.shape
    if around is not None:
        other, bindings = correlation.bound(leaf.value, around)
        for number, convert in bindings:
            slots.bind(leaf, parameter(number, convert))
    return _combining(shape, operator, other, alike), slots


def _alternatives(scope: Scope, mine: tuple[Expr, ...], theirs: tuple[Expr, ...], needed: frozenset[int]) -> list[Expr]:
    """The conditions of two queries as alternatives; neither says that a row of `needed` is there that the other does without."""
    sides: list[Expr] = []
    for own, other in ((mine, theirs), (theirs, mine)):
        spare = needed - conditions.there(tuple(scope.sources), other)
        said = {condition for number in spare for condition in conditions.present(scope, number)}
        sides.append(conjoined(tuple(condition for condition in own if condition not in said)) or _TRUE)
    return sides


def _either(operator: str, sides: list[Expr]) -> Expr:
    if operator == "or":
        return Or(BOOLEAN, any(side.nullable for side in sides), tuple(sides))
    return conditions.parity(sides)
