"""Conditions: Q trees and keyword lookups to IR, with Django's joins and its guards against NULL.

Knows scopes, lookups and expressions. The invariant: what a condition means is what Django 5.2 makes of it, NULL for NULL,
including which rows of a to-many relation one call's conditions share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from modelkit.errors import FieldError, spelled
from modelkit.expressions.base import F, Face, KeyPath, NamedTransform, Negated, Node, Path, Value
from modelkit.expressions.conditional import Subquery
from modelkit.expressions.conditions import Condition, NamedLookup, Q, Related
from modelkit.expressions.predicates import Lookup
from modelkit.ir.analysis import inner_sources, sources_of, subselects
from modelkit.ir.expr import (
    BOOLEAN,
    INTEGER,
    And,
    Case,
    Col,
    Compare,
    Const,
    Exists,
    Expr,
    In,
    Not,
    Or,
    Param,
    TupleNode,
    Xor,
)
from modelkit.ir.query import Select, Source, ValueOutput
from modelkit.ir.schema import Formula
from modelkit.ir.types import AnyType, BooleanType, TupleType
from modelkit.modelinfo import Hop, ModelInfo, info_of
from modelkit.resolve import expressions, lookups, tuples
from modelkit.resolve.expressions import resolve, resolve_whole, resolver
from modelkit.resolve.grouping import has_aggregate, has_window
from modelkit.resolve.joins import Context, Leaf, Scope, beside, conjoined, outer, select_of
from modelkit.resolve.lookups import Built, Chain, Operand
from modelkit.resolve.moving import outward
from modelkit.resolve.paths import SEPARATOR, Route, Step, read_early, route, split, steps_of
from modelkit.resolve.query import Term
from modelkit.resolve.skeleton import query_in
from modelkit.resolve.subqueries import compared_select

__all__ = ["formula", "of_values", "parity", "present", "related_rows", "resolve_condition", "there"]

_TRUE: Final = Const(BOOLEAN, False, True)
_FALSE: Final = Const(BOOLEAN, False, False)
_ROWS: Final = (ValueOutput(Const(INTEGER, False, 1)),)


def there(sources: tuple[Source, ...], where: tuple[Expr, ...]) -> frozenset[int]:
    """The sources that have a row wherever all of `where` holds."""
    return inner_sources(Select(sources, (), conjoined(where)))


def _flat(where: Expr) -> tuple[Expr, ...]:
    return where.items if isinstance(where, And) else (where,)


def formula(info: ModelInfo, condition: Node) -> Formula:
    """`condition` on a row of the model's own table, for constraints and indexes."""

    def make(scope: Scope, context: Context) -> Expr:
        return of_values(scope, condition, context)

    return Formula(*expressions.own_table(info, "condition", make))


def of_values(scope: Scope, condition: Node, context: Context) -> Expr:
    """`condition` where it may read no rows but its own; FieldError where it does."""
    expr = resolve_condition(scope, condition, context) or _TRUE
    if any(subselects(expr)):
        raise FieldError(f"{scope.info.name}: a condition on one row reads no others, and so no queryset.")
    return expr


# -- the tree


def resolve_condition(scope: Scope, part: Any, context: Context) -> Expr | None:
    """A condition (node, face or (name, value) pair) as IR; None where it says nothing."""
    if isinstance(part, Face):
        part = part.node
    match part:
        case Q():
            return _q(scope, part, context)
        case (str(name), operand):
            return _by_name(scope, name, operand, context)
        case NamedLookup():
            return _lookup_node(scope, part, context)
        case Lookup():
            return _lookup_class(scope, part, context)
        case Related():
            return _related(scope, part, context)
        case Node():
            term = resolve(scope, part, context)
            if not isinstance(term.expr.type, (BooleanType, AnyType)):
                raise TypeError(f"{scope.verb}() takes conditions, and {part!r} is none: compare it with something.")
            return term.expr
        case _:
            raise TypeError(f"{scope.verb}() takes conditions, not {type(part).__name__}.")


def _q(scope: Scope, q: Q, context: Context) -> Expr | None:
    inside = context.inverted() if q.negated else context
    items: list[Expr] = []
    needed: list[set[int]] = []
    for child in q.children:
        part = inside.apart()
        item = resolve_condition(scope, child, part)
        needed.append(part.needed or set())
        if item is not None:
            items.append(item)
    if not items:
        return None
    if context.needed is not None:
        context.needed |= _needed_by(q.connector, needed, inside.negated)
    expr = _joined(q.connector, items)
    if not q.negated:
        return expr
    return Not(BOOLEAN, expr.nullable, _whole(expr) if q.connector == "AND" else expr)


def _needed_by(connector: str, needed: list[set[int]], negated: bool) -> set[int]:
    """What conditions so combined need of what each of them needs; below a NOT, AND and OR change places."""
    if connector == "XOR" and not negated:
        return set()
    both = (connector == "AND") is not negated
    return set().union(*needed) if both else set.intersection(*needed)


def _whole(expr: Expr) -> Expr:
    """`expr` as a conjunction of one where it is an OR of groups or windows: negated by exclude(), it is not taken apart."""
    if isinstance(expr, Or) and (has_aggregate(expr) or has_window(expr)):
        return And(BOOLEAN, expr.nullable, (expr,))
    return expr


def _joined(connector: str, items: list[Expr]) -> Expr:
    if len(items) == 1:
        return items[0]
    if connector == "AND":
        return lookups.conjunction([part for item in items for part in _flat(item)])
    if connector == "OR":
        items = _merged(items)
        return items[0] if len(items) == 1 else Or(BOOLEAN, any(item.nullable for item in items), tuple(items))
    return parity(items)


def parity(items: list[Expr]) -> Expr:
    """Whether an odd number of `items` is true; NULL counts as not."""
    return Xor(BOOLEAN, False, tuple(_truth(item) for item in items))


def _truth(item: Expr) -> Expr:
    """Whether `item` is true, where NULL is not: how parity counts."""
    return Case(BOOLEAN, False, ((item, _TRUE),), _FALSE) if item.nullable else item


def _merged(items: list[Expr]) -> list[Expr]:
    """Alternatives of which equalities on one column are one In, standing where the first of them stood."""
    found: dict[Expr, list[Expr]] = {}
    for item in items:
        if (
            isinstance(item, Compare)
            and item.op == "eq"
            and isinstance(item.left, Col)
            and isinstance(item.right, Param)
        ):
            found.setdefault(item.left, []).append(item.right)
    merged: list[Expr] = []
    for item in items:
        column = item.left if isinstance(item, Compare) and item.op == "eq" and isinstance(item.right, Param) else None
        choices = found.get(column) if column is not None else None
        if column is None or choices is None or len(choices) == 1:
            merged.append(item)
        elif item.right is choices[0]:  # type: ignore[union-attr]  # a Compare, as its column says
            merged.append(In(BOOLEAN, column.nullable, column, tuple(choices)))
    return merged


# -- lookups by name


def _shown(scope: Scope, name: str) -> str:
    return f"{scope.verb}({spelled(name)}=...)"


def _by_name(scope: Scope, name: str, operand: Any, context: Context) -> Expr:
    names = split(name) if not name.startswith(SEPARATOR) else (name,)
    shown = _shown(scope, name)
    known = expressions.annotation_of(scope, names, context)
    if known is not None:
        term, rest = known
        label = SEPARATOR.join(names[: len(names) - len(rest)])
        found = lookups.chain(term.expr.type, rest, label, shown, term.field)
        lookups.check_key_lookup(term, found, label, shown)
        right = _operand(scope, operand, context, found, None)
        return lookups.build(scope.slots, term, found, right, label).expr
    way = scope.route(names, shown)
    return _by_route(scope, way, operand, context, shown)


def _lookup_node(scope: Scope, node: NamedLookup, context: Context) -> Expr:
    """A comparison as a node: over a field, with the joins and guards that its name would have."""
    left, rest = _unwound(node.left)
    rest = (*rest, *node.transforms, node.lookup)
    if isinstance(left, F) and expressions.annotation_of(scope, split(left.name)) is None:
        way = scope.route(split(left.name), repr(node))
        return _by_route(scope, _extended(way, rest), node.right, context, repr(node))
    if isinstance(left, Path):
        expressions.owned_by(scope, left)
        way = route(scope.info, left.names or ("pk",), repr(node))
        return _by_route(scope, _extended(way, rest), node.right, context, repr(node))
    term = resolve_whole(scope, node.left, context)
    label = repr(node.left)
    found = lookups.chain(term.expr.type, (*node.transforms, node.lookup), label, repr(node), term.field)
    right = _operand(scope, node.right, context, found, None)
    return lookups.build(scope.slots, term, found, right, label).expr


def _lookup_class(scope: Scope, node: Lookup, context: Context) -> Expr:
    """A lookup as an object: of expressions, so that it has their joins and, as Django's, no guards of its own."""
    label = type(node).__name__
    definition = lookups.definition_of(type(node))
    term = _beside(scope, node.lhs, node.rhs, context)
    if not definition.allows(term.expr.type):
        raise FieldError(f"{node!r}: {definition.name} is no lookup on values of type {term.expr.type.name}.")
    found = Chain((), definition, term.expr.type, type(node))
    right = _operand(scope, node.rhs, context, found, None)
    return lookups.build(scope.slots, term, found, right, label).expr


def _beside(scope: Scope, left: Node, right: object, context: Context) -> Term:
    """The left side of a lookup; a constant there has the type of the expression that it is compared with."""
    if isinstance(left, Value) and left.declared is None and isinstance(right, (Node, Face)):
        other = resolve(scope, right, context)
        return resolve(scope, Value(left.value, other.field or other.expr.type), context)
    return resolve(scope, left, context)


def _unwound(node: Node) -> tuple[Node, tuple[str, ...]]:
    """A node without the transforms and JSON keys around it, and their names."""
    names: list[str] = []
    while isinstance(node, (NamedTransform, KeyPath)):
        names[:0] = (node.name,) if isinstance(node, NamedTransform) else tuple(map(str, node.keys))
        node = node.item
    return node, tuple(names)


def _extended(way: Route, rest: tuple[str, ...]) -> Route:
    return replace(way, rest=(*way.rest, *rest))


def _by_route(scope: Scope, way: Route, operand: Any, context: Context, shown: str) -> Expr:
    """A lookup on a field of the model or over relations: its operand, its joins, itself, its guards."""
    type_, label = way.type, way.label
    if way.relation is not None:
        found = lookups.related_chain(way, type_, shown)
    else:
        found = lookups.chain(type_, way.rest, label, shown, way.field)
    many = way.first_many
    if many is not None and context.branch_negated and context.split:
        excluded = _excluded if way.steps[0].filtered is None else _excluded_filtered
        return excluded(scope, way, many, found, operand, context, label)
    right = _operand(scope, operand, context, found, way)
    source = scope.follow(way.steps, context)
    column = scope.columns(source, way.columns)
    built = lookups.build(scope.slots, expressions.column_term(column, way), found, right, label)
    if context.needed is not None and context.negated is _asks_null(found, operand):
        # What an annotation reads was joined for it, with or without a row.
        annotated = {number for known in scope.annotations.values() for number in sources_of(known.term.expr)}
        for number in {source, *(sources_of(built.expr) - annotated)}:
            context.needed.update(scope.lineage(number))
    return _guarded(scope, built, column, right, context)


def _guarded(scope: Scope, built: Built, left: Col | TupleNode, right: Operand, context: Context) -> Expr:
    """Under a NOT, a lookup also asks that what it reads is there: rows where it is not are kept, as Python would."""
    nothing = isinstance(right, Leaf) and right.value is None
    if not context.negated or built.null is not None or nothing:
        return built.expr
    items = [built.expr]
    read = left.items if isinstance(left, TupleNode) else (left,)
    items.extend(lookups.is_null(column, False) for column in read if column.nullable)
    if isinstance(right, Term) and isinstance(right.expr, Col) and _declared_nullable(scope, right.expr):
        items.append(lookups.is_null(right.expr, False))
    return lookups.conjunction(items)


def _declared_nullable(scope: Scope, column: Col) -> bool:
    table = scope.sources[column.source].table
    return table is not None and table.columns[column.column].nullable


def _operand(scope: Scope, operand: Any, context: Context, found: Chain, way: Route | None) -> Operand:
    """What stands right of a lookup, resolved in this query."""
    if isinstance(operand, Face):
        operand = operand.node
    if isinstance(found.type, TupleType):
        return _row_operand(scope, operand, context, found, way, len(found.type.items))
    if isinstance(operand, Value) and operand.declared is None:
        value = expressions.leaf_of(operand.value)
        return resolve(scope, operand, context) if value.value is None else value
    if isinstance(operand, Subquery) and found.lookup.form == "in":
        operand = operand.queryset
    if isinstance(operand, Node):
        return resolve(scope, operand, context)
    leaf = expressions.leaf_of(operand)
    if query_in(leaf.value) is not None:
        return compared_select(scope, context, leaf, found.lookup.name, way)
    if found.lookup.form in {"in", "range"} and isinstance(leaf.value, (list, tuple, set, frozenset)):
        return _several(scope, leaf, context, found.lookup.form == "range")
    return leaf


def _row_operand(scope: Scope, operand: Any, context: Context, found: Chain, way: Route | None, width: int) -> Operand:
    """The same of a lookup on `width` values side by side."""
    if isinstance(operand, Subquery):
        operand = operand.queryset
    if isinstance(operand, Node) and not isinstance(operand, Value):
        term = resolve_whole(scope, operand, context)
        if not scope.slots.open and (not isinstance(term.expr, TupleNode) or len(term.expr.items) != width):
            name = "__".join(way.names) if way is not None else "a composite key"
            raise ValueError(
                f"{name}: the '{found.lookup.name}' lookup compares {width} values with a tuple, a queryset or "
                f"another composite key, not with one expression (received {type(operand).__name__}: {operand!r})."
            )
        return term
    leaf = expressions.leaf_of(operand.value if isinstance(operand, Value) else operand)
    if query_in(leaf.value) is not None:
        return compared_select(scope, context, leaf, found.lookup.name, way, width)
    if found.lookup.form == "in":
        rows = tuples.rows_of(leaf.value)
        if not any(map(tuples.has_expressions, rows)):
            return leaf
        scope.slots.shared = False
        return tuple(_row(scope, row, context) for row in rows)
    if tuples.is_plain(leaf.value):
        return leaf
    scope.slots.shared = False
    return _row(scope, leaf.value, context)


def _row(scope: Scope, values: Any, context: Context) -> tuples.Row:
    """Values side by side, each by itself."""
    return tuple(
        resolve(scope, item, context) if isinstance(item, (Node, Face)) else expressions.leaf_of(item)
        for item in values
    )


def _several(scope: Scope, leaf: Leaf, context: Context, ends: bool) -> Operand:
    """Several values: one leaf, unless there are expressions (or an end that is None) among them."""
    items = list(leaf.value)
    if not any(isinstance(item, (Node, Face)) or (ends and item is None) for item in items):
        return leaf
    scope.slots.shared = False
    return _row(scope, items, context)


# -- to-many relations below a NOT


def _excluded(scope: Scope, way: Route, many: int, found: Chain, operand: Any, context: Context, label: str) -> Expr:
    """A lookup over a to-many relation below a NOT: whether any related row meets it."""
    before, after = way.steps[:many], way.steps[many:]
    hop = after[0].hop
    ends = _prefix(scope, before, hop.left, context)
    if _asks_null(found, operand):
        return _excluded_null(scope, way, many, found, operand, ends, label)
    inner = scope.inner(hop.table, scope.verb)
    guards = _guarding(inner, hop, scope, before, context)
    right = _outer_operand(scope, operand, context, found, way)
    shared = _tied(scope, before, hop, context)
    source = inner.follow(after[1:], Context(set()))
    column = inner.columns(source, way.columns)
    built = lookups.build(scope.slots, expressions.column_term(column, way), found, right, label)
    if shared is not None:
        keys = hop.table.key
        ties = [_equal(inner.column(0, key), outer(scope.column(shared, key))) for key in keys]
    else:
        ties = [_equal(inner.column(0, key), outer(end)) for key, end in zip(hop.right, ends, strict=True)]
    return Exists(BOOLEAN, False, _inner(inner, [*ties, *guards, built.expr]))


def _guarding(inner: Scope, hop: Hop, scope: Scope, before: tuple[Step, ...], context: Context) -> list[Expr]:
    """What `hop`'s guard asks of the row that an inner query starts at, instead of joining it."""
    if hop.guard is None:
        return []
    left = None
    if hop.guard.side == "left":
        left = outer(scope.column(scope.follow(before, context), hop.guard.column))
    return [inner.guarded(hop.guard, left, 0)]


def _inner(inner: Scope, items: list[Expr]) -> Select:
    return select_of(
        inner, lookups.conjunction([part for item in items for part in _flat(item)]), outputs=_ROWS, bare=True
    )


def _equal(left: Expr, right: Expr) -> Expr:
    return Compare(BOOLEAN, left.nullable or right.nullable, "eq", left, right)


def _asks_null(found: Chain, operand: Any) -> bool:
    """Whether a lookup is true where a join finds nothing: only then the inner query must begin before the join."""
    value = operand.value if isinstance(operand, Leaf) else operand
    if isinstance(value, (Node, Face)):
        return False
    if found.lookup.form == "isnull":
        return value is True
    return value is None and found.lookup.name in {"exact", "iexact"} and found.type.name != "json"


def _excluded_null(
    scope: Scope, way: Route, many: int, found: Chain, operand: Any, ends: tuple[Col, ...], label: str
) -> Expr:
    """The same for "has none": the inner query starts at the row that may lead nowhere."""
    steps = way.steps[many:]
    hop = steps[0].hop
    table = way.steps[many - 1].hop.table if many else scope.info.table
    inner = scope.inner(table, scope.verb)
    source = inner.follow(steps, Context(set()))
    column = inner.columns(source, way.columns)
    built = lookups.build(scope.slots, expressions.column_term(column, way), found, expressions.leaf_of(operand), label)
    ties = [_equal(inner.column(0, own), outer(end)) for own, end in zip(hop.left, ends, strict=True)]
    exists: Expr = Exists(BOOLEAN, False, _inner(inner, [*ties, built.expr]))
    missing = [lookups.is_null(end, True) for end in ends if end.nullable]
    return Or(BOOLEAN, False, (exists, *missing)) if missing else exists


def _excluded_filtered(
    scope: Scope, way: Route, _many: int, found: Chain, operand: Any, context: Context, label: str
) -> Expr:
    """The same over a filtered relation, whose condition may read any row on the way: the inner query begins at its start."""
    inner = scope.inner(scope.info.table, scope.verb)
    right = _outer_operand(scope, operand, context, found, way)
    source = inner.follow(way.steps, Context(set()))
    term = expressions.column_term(inner.columns(source, way.columns), way)
    built = lookups.build(scope.slots, term, found, right, label)
    ties = [_equal(inner.column(0, key), outer(scope.column(0, key))) for key in scope.info.table.key]
    return Exists(BOOLEAN, False, _inner(inner, [*ties, built.expr]))


def _prefix(scope: Scope, before: tuple[Step, ...], columns: tuple[int, ...], context: Context) -> tuple[Col, ...]:
    """The columns that a to-many step starts from, read as early on the way to it as they are known."""
    steps, read = read_early(before, columns)
    source = scope.follow(steps, context)
    return tuple(scope.column(source, column) for column in read)


def _tied(scope: Scope, before: tuple[Step, ...], hop: Hop, context: Context) -> int | None:
    """The source of this query at the end of the same to-many step, where this call has joined it.

    The inner query then asks about that very row.
    """
    at: int | None = scope.start
    for step in before:
        at = scope.known(at, step.hop) if at is not None else None
    return scope.known(at, hop, context.reuse or ()) if at is not None else None


def _outer_operand(scope: Scope, operand: Any, context: Context, found: Chain, way: Route) -> Operand:
    """The right side of a lookup that moves into an inner query: what it reads, it reads outside."""
    right = _operand(scope, operand, context, found, way)
    moved: Operand = outward(right) if isinstance(right, Select) else _outward(right)
    return moved


def _outward(part: Any) -> Any:
    """A part of a right side as an inner query reads it."""
    if isinstance(part, tuple):
        return tuple(map(_outward, part))
    if not isinstance(part, Term) or isinstance(part.expr, (Param, Const)):
        return part
    if isinstance(part.expr, TupleNode):
        items = tuple(item if isinstance(item, (Param, Const)) else outer(item) for item in part.expr.items)
        return Term(beside(items), part.field, part.key_of)
    return Term(outer(part.expr), part.field, part.key_of)


# -- any, all, none


def _related(scope: Scope, node: Related, context: Context) -> Expr:
    """Whether any, all or none of the related rows meet conditions: always about rows of their own."""
    inner, there = _related_rows(scope, node.path, context)
    met = _met(inner, node.conditions)
    tests: list[Expr] = [*there, *met]
    if node.quantifier == "all":
        tests = [*there, *map(_not_true, met)] if met else [_FALSE]
    exists: Expr = Exists(BOOLEAN, False, _inner(inner, tests))
    return exists if node.quantifier == "any" else Not(BOOLEAN, False, exists)


def related_rows(scope: Scope, path: Path, conditions: tuple[Node, ...], context: Context) -> Select:
    """The rows that a to-many relation leads to from a row of `scope`, those that meet `conditions`, as an inner query."""
    inner, there = _related_rows(scope, path, context)
    return _inner(inner, [*there, *_met(inner, conditions)])


def over_related(
    scope: Scope, path: Path, conditions: tuple[Node, ...], context: Context, of: Callable[[Scope], Term]
) -> tuple[Select, Term]:
    """The one row of what `of` makes in the scope of such rows, an aggregate over them, and what it made."""
    inner, there = _related_rows(scope, path, context)
    tests = [*there, *_met(inner, conditions)]
    term = of(inner)
    return replace(_inner(inner, tests), outputs=(ValueOutput(term.expr),), group=()), term


def _related_rows(scope: Scope, path: Path, context: Context) -> tuple[Scope, list[Expr]]:
    """The scope of related rows, and what makes a row one of them."""
    expressions.owned_by(scope, path)
    info = scope.info
    steps: list[Step] = []
    for name in path.names:
        relation = info.relations.get(name)
        if relation is None:
            raise FieldError(f"{info.name} has no relation '{name}' (in {path!r}).")
        steps.extend(steps_of(relation))
        info = info_of(relation.target)
    first = steps[0].hop
    inner = Scope(info, [Source(first.table)], scope.slots, scope.verb, {}, scope)
    source = inner.follow(steps[1:], Context(None))
    start = scope.follow((), context)
    ties = [
        _equal(inner.column(0, right), outer(scope.column(start, left)))
        for left, right in zip(first.left, first.right, strict=True)
    ]
    there = [*ties, *_guarding(inner, first, scope, (), context), *present(inner, source)]
    at = Scope(info, inner.sources, inner.slots, inner.verb, {}, scope, source)
    return at, there


def _met(related: Scope, conditions: tuple[Node, ...]) -> list[Expr]:
    """What related rows have to meet, in one expression; none without conditions."""
    where = resolve_condition(related, Q.create(conditions, "AND"), Context(set())) if conditions else None
    return [] if where is None else [where]


def _not_true(expr: Expr) -> Expr:
    """Whether `expr` is false or NULL."""
    return Not(BOOLEAN, False, _truth(expr))


def present(inner: Scope, source: int) -> list[Expr]:
    """That the related row is there, where a LEFT join might have found none."""
    if not inner.missing(source):
        return []
    table = inner.sources[source].table
    assert table is not None
    return [lookups.is_null(inner.column(source, table.key[0]), False)]


@resolver(Negated)
def _negated(scope: Scope, node: Negated, context: Context) -> Term:
    term = resolve(scope, node.item, context)
    if not isinstance(term.expr.type, BooleanType):
        raise TypeError(f"{scope.verb}() cannot negate {node.item!r}: it holds {term.expr.type.name}, no truth value.")
    return Term(Not(BOOLEAN, term.expr.nullable, term.expr), term.field)


@resolver(Condition)
def _as_value(scope: Scope, node: Any, context: Context) -> Term:
    """A condition as a value: true, false or NULL."""
    expr = resolve_condition(scope, node, context.as_value())
    return Term(_TRUE if expr is None else expr)
