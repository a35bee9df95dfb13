"""A query inside another, as Exists, Subquery or what a lookup compares with.

Knows shapes, scopes and expressions, and registers the nodes that hold querysets. The invariant: an inner query, whose
parameters move behind the outer query's, reads the same rows there as alone with its own.
"""

from __future__ import annotations

from typing import Any

from modelkit.errors import NotSupportedError, shorten
from modelkit.expressions.base import F
from modelkit.expressions.conditional import Exists, OuterRef, Subquery
from modelkit.ir import expr as ir
from modelkit.ir.expr import BOOLEAN, Const, Expr, TupleNode
from modelkit.ir.query import Output, Select, ValueOutput
from modelkit.ir.types import AnyType
from modelkit.modelinfo import Attribute
from modelkit.records import dataclass
from modelkit.resolve.correlation import bound, parameter
from modelkit.resolve.expressions import leaf_of, resolve_whole, resolver, typed
from modelkit.resolve.finishers import entered, finished, telling
from modelkit.resolve.grouping import has_window
from modelkit.resolve.joins import Context, Enclosing, Leaf, Scope, Slots, beside, constant, outer
from modelkit.resolve.moving import moved
from modelkit.resolve.operands import akin
from modelkit.resolve.outputs import values
from modelkit.resolve.paths import Route, ends_of, key_field, path_of
from modelkit.resolve.query import Binding, Convert, Query, Shape, Term, itself
from modelkit.resolve.skeleton import alias_in, query_in

__all__ = ["compared_select"]


def _targets(way: Route | None, shape: Shape) -> tuple[Attribute, ...]:
    """The attributes of an inner query's rows that a lookup on a relation compares with: one, or those of a composite key.

    What the relation refers to; for rows of the relation's own model, whose key it is, that key; else the rows' key.
    ValueError where the rows are of another model.
    """
    relation, target = (way.relation, way.target) if way is not None else (None, None)
    if way is None or relation is None or target is None:
        return shape.info.key
    if not akin(shape.info.concrete, target):
        if not way.own_key or not akin(shape.info.concrete, way.owner):
            raise ValueError(f"{way.label} leads to {target.name}: a queryset of {shape.info.name} has no rows of it.")
        own = shape.info.named.get(way.attribute.name)
        return shape.info.key if own is None else (own,)
    wanted = ends_of(relation)
    ends = tuple(attribute for end in wanted if (attribute := shape.info.named.get(end.name)) is not None)
    return ends if wanted != target.key and len(ends) == len(wanted) else shape.info.key


def _one(label: str) -> Convert:
    def limit(value: Any) -> Any:
        if value > 1:
            raise ValueError(
                f"{label}: a queryset stands for one value only where it is cut to one row, as in queryset[:1]."
            )
        return value

    return limit


@dataclass(slots=True)
class _Inner:
    """The queryset in `leaf` inside the query of another scope: its own scope, its shape, what fills its parameters."""

    leaf: Leaf
    shape: Shape
    scope: Scope
    bindings: tuple[Binding, ...]

    def columns(
        self, slots: Slots, outputs: tuple[Expr, ...], *, ordered: bool = False, limit: Convert = itself
    ) -> Select:
        """The query of these values a row, its parameters behind those of `slots`; `limit` converts its limit."""
        order = ordered or self.shape.sliced or bool(self.shape.distinct_on)
        made: list[Output] = [ValueOutput(output) for output in outputs]
        bare = len(made) == 1
        return self._placed(
            slots, *finished(self.shape, self.scope, made, order=order, identity=outputs, bare=bare), limit
        )

    def any(self, slots: Slots) -> Select:
        """The query that has a row where this one has, its parameters behind those of `slots`."""
        if not self.shape.sliced:
            self.shape = self.shape.evolve(distinct=False, distinct_on=())
        made, identity = telling(self.scope, self.shape)
        order = self.shape.sliced
        return self._placed(slots, *finished(self.shape, self.scope, made, order=order, identity=identity))

    def _placed(self, slots: Slots, select: Select, extra: tuple[Any, ...], limit: Convert = itself) -> Select:
        base = slots.width
        own = self.shape.limit.slot if self.shape.limit is not None else None
        for slot, (number, convert) in enumerate(self.bindings):
            slots.bind(self.leaf, parameter(number, limit if slot == own else convert))
        for value in extra:
            slots.bind(constant(value), itself)
        placed: Select = moved(select, base)
        return placed


def _columns(inner: _Inner, way: Route | None, shown: str, width: int) -> tuple[Term, ...]:
    """The `width` values of an inner query's rows; for rows of a model, the key that a relation `way` compares with.

    ValueError where there are more or fewer.
    """
    scope, shape = inner.scope, inner.shape
    if shape.values is not None:
        terms = tuple(part for _, term in shape.values for part in _parted(term))
    else:
        attributes = _targets(way, shape)
        source = scope.follow(path_of(attributes[0]), Context(None))
        terms = tuple(
            Term(scope.column(source, attribute.column), key_field(shape.info, attribute)) for attribute in attributes
        )
    if len(terms) != width:
        needed = "one is" if width == 1 else f"{width} are"
        raise ValueError(f"{shown}: the queryset has {len(terms)} values a row, and {needed} needed.")
    return terms


def _parted(term: Term) -> tuple[Term, ...]:
    """A composite key's values as terms of their own; any other term alone."""
    return tuple(map(Term, term.expr.items)) if isinstance(term.expr, TupleNode) else (term,)


def _query(leaf: Leaf) -> Query:
    query = query_in(leaf.value)
    if query is None:
        raise TypeError(f"Exists() and Subquery() take a queryset, not {shorten(leaf.value)}.")
    return query


def _inside(scope: Scope, leaf: Leaf, query: Query, context: Context) -> _Inner:
    """The queryset in `leaf`, whose query is `query` or one with the same parameters, as a query inside `scope`."""
    around = Enclosing(scope, context)
    shape, bindings = bound(query, around)
    alias = alias_in(leaf.value)
    scope.slots.stores |= shape.stores if alias is None else {*shape.stores, alias}
    return _Inner(leaf, *entered(shape, scope.verb, around), bindings)


def _with_columns(
    scope: Scope, leaf: Leaf, way: Route | None, shown: str, context: Context, width: int = 1
) -> tuple[_Inner, tuple[Term, ...]]:
    """The same, and the `width` values of its rows that count."""
    query = _query(leaf)
    shape = query.shape
    if shape.combination is not None and shape.values is None:
        query = values(query, tuple(attribute.attname for attribute in _targets(way, shape)), style="tuple")
    inner = _inside(scope, leaf, query, context)
    return inner, _columns(inner, way, shown, width)


def compared_select(
    scope: Scope, context: Context, leaf: Leaf, lookup: str, way: Route | None, width: int = 1
) -> Select:
    """The queryset in `leaf` as what stands right of a lookup: a query of `width` columns inside `scope`.

    ValueError where it has another number of them, or more rows than the lookup takes.
    """
    label = "__".join(way.names) if way is not None else "a lookup"
    inner, terms = _with_columns(scope, leaf, way, f"{label}__{lookup}", context, width)
    if lookup != "in" and inner.shape.limit is None:
        raise ValueError(
            f"{label}: a queryset stands for one value only where it is cut to one row, as in queryset[:1]."
        )
    return inner.columns(
        scope.slots, tuple(term.expr for term in terms), limit=itself if lookup == "in" else _one(label)
    )


@resolver(Subquery)
def _subquery(scope: Scope, node: Subquery, context: Context) -> Term:
    inner, (term,) = _with_columns(scope, leaf_of(node.queryset), None, "Subquery()", context)
    select = inner.columns(scope.slots, (term.expr,), ordered=True)
    return typed(Term(ir.Subquery(term.expr.type, True, select), term.field, term.key_of), node.declared)


@resolver(Exists)
def _exists(scope: Scope, node: Exists, context: Context) -> Term:
    leaf = leaf_of(node.queryset)
    return Term(ir.Exists(BOOLEAN, False, _inside(scope, leaf, _query(leaf), context).any(scope.slots)))


@resolver(OuterRef)
def _outer_ref(scope: Scope, node: OuterRef, _context: Context) -> Term:
    """A name of the query around, read from inside; unknown as long as there is none."""
    host, levels = scope, 1
    while host.outer is not None:
        host, levels = host.outer, levels + 1
    if host.around is None:
        scope.slots.open = True
        return Term(outer(Const(AnyType(), True, None)))
    name = F(node.name) if isinstance(node.name, str) else node.name
    term = resolve_whole(host.around.scope, name, host.around.context)
    if has_window(term.expr):
        raise NotSupportedError(f"OuterRef({node.name!r}): a window of the query around has no value yet inside of it.")
    read = [_from_outside(part.expr, levels) for part in _parted(term)]
    return Term(read[0] if len(read) == 1 else beside(tuple(read)), term.field, term.key_of)


def _from_outside(expr: Expr, levels: int) -> Expr:
    """`expr`, of the query `levels` out, as it is read here."""
    for _ in range(levels):
        expr = outer(expr)
    return expr
