"""Expressions: F, values, arithmetic and the like to terms of a query.

Knows scopes, routes and symbolic nodes. Conditions register themselves here (`resolver`), because each may stand inside the
other. The invariant: a term's type is that of its values, so that operands on its other side are coerced rightly.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from modelkit.errors import FieldError, NotSupportedError, shorten
from modelkit.expressions import aggregates, conditional
from modelkit.expressions.base import (
    Combined,
    Expression,
    ExpressionWrapper,
    F,
    Face,
    KeyPath,
    NamedTransform,
    Node,
    OrderBy,
    Path,
    Sliced,
    Value,
)
from modelkit.expressions.functions import Func
from modelkit.expressions.lookups import find_transform
from modelkit.functions.text import Substr
from modelkit.ir.expr import INTEGER, Arith, Const, Expr, TupleNode
from modelkit.ir.schema import Formula
from modelkit.ir.types import (
    AnyType,
    DateTimeType,
    DateType,
    DecimalType,
    DurationType,
    FloatType,
    IntegerType,
    JsonType,
    ScalarType,
    TextType,
    TimeType,
)
from modelkit.modelinfo import ModelInfo, info_of
from modelkit.resolve import functions, lookups, operands
from modelkit.resolve.casts import as_moment, cast
from modelkit.resolve.joins import Context, Leaf, Scope, constant
from modelkit.resolve.paths import SEPARATOR, Route, route, split
from modelkit.resolve.query import Term, check_stores
from modelkit.resolve.skeleton import query_in

__all__ = [
    "alias_of",
    "annotation_of",
    "arithmetic_type",
    "beside",
    "checked_alias",
    "column_term",
    "combined",
    "formula",
    "leaf_of",
    "of_one_row",
    "own_table",
    "owned_by",
    "resolve",
    "resolve_name",
    "resolve_whole",
    "resolver",
    "route_term",
    "typed",
]

Resolver: TypeAlias = Callable[[Scope, Any, Context], Term]

_RESOLVERS: dict[type, Resolver] = {}


def resolver(*kinds: type) -> Callable[[Resolver], Resolver]:
    """Register what resolves nodes of these classes, and of subclasses that have none of their own."""

    def register(function: Resolver) -> Resolver:
        for kind in kinds:
            _RESOLVERS[kind] = function
        return function

    return register


def resolve(scope: Scope, node: object, context: Context) -> Term:
    """The one value that `node` (a face, a constant) is in this query.

    Raises FieldError where it does not fit, ValueError where it is a composite key.
    """
    term = resolve_whole(scope, node, context)
    if isinstance(term.expr, TupleNode):
        raise ValueError(  # noqa: TRY004 - the type is right, the number of its values is not
            f"{scope.verb}(): {node!r} is a composite key, of {len(term.expr.items)} values: such a key can be compared, "
            "ordered by, counted and read, but it stands in no other expression. Name its fields one by one."
        )
    return term


def resolve_whole(scope: Scope, node: object, context: Context) -> Term:
    """The same, where several values side by side will do: a composite key's term holds a TupleNode."""
    if isinstance(node, Face):
        node = node.node
    if not isinstance(node, Node):
        return _value(scope, Value(node), context)
    for kind in type(node).__mro__:
        found = _RESOLVERS.get(kind)
        if found is not None:
            return found(scope, node, context)
    raise FieldError(f"{scope.verb}() cannot use {type(node).__name__} as a value.")


def leaf_of(value: object) -> Leaf:
    """`value` as a leaf: itself where it is one, else a constant."""
    return value if isinstance(value, Leaf) else constant(value)


def annotation_of(
    scope: Scope, names: tuple[str, ...], context: Context | None = None
) -> tuple[Term, tuple[str, ...]] | None:
    """The annotation that `names` begin with, and the names after it. FieldError where `context` cannot read it."""
    if scope.annotations:
        for length in range(1, len(names) + 1):
            name = SEPARATOR.join(names[:length])
            found = scope.annotations.get(name)
            if found is not None:
                if found.summary and context is not None and context.within:
                    raise FieldError(f"Cannot compute {context.within}('{name}'): '{name}' is an aggregate.")
                return found.term, names[length:]
    return None


def column_term(column: Expr, found: Route) -> Term:
    """The column that a route ends in as a term."""
    return Term(column, found.field, partial(operands.instance_key, found) if found.relation is not None else None)


def route_term(scope: Scope, found: Route, context: Context) -> Term:
    """The column (or several side by side) that a route ends in, its joins made."""
    source = scope.follow(found.steps, context)
    return column_term(scope.columns(source, found.columns), found)


def _check_promoted(scope: Scope, names: tuple[str, ...]) -> None:
    """FieldError where aggregate() names what alias() left out of the rows."""
    annotation = scope.annotations.get(names[0])
    if scope.verb == "aggregate" and annotation is not None and not annotation.selected:
        raise FieldError(f"Cannot aggregate over the '{names[0]}' alias. Use annotate() to promote it.")


def resolve_name(scope: Scope, name: str, context: Context, shown: str | None = None) -> Term:
    """What `name` (as in F) is: an annotation or a field, over relations, with transforms."""
    parts = split(name)
    where = shown if shown is not None else f"{scope.verb}(F({name!r}))"
    known = annotation_of(scope, parts, context)
    if known is not None:
        term, rest = known
        _check_promoted(scope, parts)
        if not context.joins and any(source for source in _sources(term.expr)):
            raise FieldError(f"{scope.verb}() reads the model's own table alone, and {parts[0]!r} reads others.")
        label = parts[0]
    else:
        found = scope.route(parts, where)
        own = lookups.registrant(found)
        unknown = own is None and found.rest and find_transform(found.rest[0], found.type) is None
        if found.relation is not None and unknown:
            lookups.related_chain(found, INTEGER, where)
            raise FieldError(f"A relation has no transform '{found.rest[0]}' (in {where}).")
        term, rest = route_term(scope, found, context), found.rest
        label = found.field.label
        if own is not None:
            return lookups.transformed(scope.slots, term, lookups.links_of(term.expr.type, rest, label, where, own))
    return lookups.transformed(scope.slots, term, lookups.links_of(term.expr.type, rest, label, where, term.field))


def _sources(expr: Any) -> list[int]:
    """The sources that an expression reads, inner queries apart."""
    found: list[int] = []
    waiting = [expr]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting.extend(part)
        elif (source := getattr(part, "source", None)) is not None and hasattr(part, "column"):
            found.append(source)
        else:
            waiting.extend(
                getattr(part, name) for name in getattr(type(part), "__dataclass_fields__", ()) if name != "type"
            )
    return found


def owned_by(scope: Scope, path: Path) -> None:
    """FieldError where `path` starts at another model than the query's."""
    info = scope.info
    owner = path.owner
    if issubclass(info.model, owner):
        return
    if hasattr(owner, "_meta") and not owner._meta.abstract and info_of(owner).concrete is info.concrete:
        return
    wanted = ".".join(path.names)
    raise FieldError(
        f"{scope.verb}() on {info.name} cannot use {owner.__name__}.{wanted}: that is a field of {owner.__name__}. "
        f"Reach it through a relation of {info.name}, or use a field of {info.name}."
    )


@resolver(F)
def _f(scope: Scope, node: F, context: Context) -> Term:
    return resolve_name(scope, node.name, context)


@resolver(Path)
def _path(scope: Scope, node: Path, context: Context) -> Term:
    owned_by(scope, node)
    found = route(scope.info, node.names or ("pk",), repr(node))
    if found.rest:
        raise FieldError(f"{node!r} does not lead to a field.")
    return route_term(scope, found, context)


def _value(scope: Scope, node: Value, context: Context, beside: Term | None = None) -> Term:
    """A constant, or an inner query; `beside` is the term on the other side of an operator."""
    leaf = leaf_of(node.value)
    if query_in(leaf.value) is not None:
        return resolve(scope, conditional.Subquery(leaf, node.declared), context)
    field = functions.field_of(node.declared)
    type_ = functions.type_of(node.declared)
    if type_ is None:
        type_ = operands.value_type(leaf.value)
        if beside is not None and isinstance(type_, FloatType) and isinstance(beside.expr.type, DecimalType):
            type_ = DecimalType()
        if beside is not None and leaf.value is None:
            type_ = beside.expr.type
    if leaf.value is None and not isinstance(type_, JsonType):
        return Term(Const(type_, True, None), field)
    return Term(scope.slots.param(type_, leaf, operands.value_of(type_, field)), field)


resolver(Value)(_value)

_TEMPORAL: Final = (DateType, DateTimeType, TimeType)


def arithmetic_type(op: str, left: ScalarType, right: ScalarType) -> ScalarType | None:
    """The type of left OP right; None where the two do not go together."""
    if isinstance(left, AnyType) or isinstance(right, AnyType):
        known = right if isinstance(left, AnyType) else left
        # A moment and a length of time make a moment, two moments a length: one side does not say which.
        return AnyType() if isinstance(known, (*_TEMPORAL, DurationType)) else known
    if isinstance(left, IntegerType) and isinstance(right, IntegerType):
        return IntegerType(0) if op != "-" and left.low >= 0 and right.low >= 0 else IntegerType()
    if op in "&|#<<>>":
        return None
    pair = (type(left), type(right))
    if all(kind in {IntegerType, FloatType} for kind in pair):
        return FloatType()
    if all(kind in {IntegerType, DecimalType} for kind in pair):
        return DecimalType()
    if op in "+-":
        return _moved(op, left, right)
    return None


def _moved(op: str, left: ScalarType, right: ScalarType) -> ScalarType | None:
    """The type of a sum or difference of dates, times and durations."""
    if isinstance(left, DurationType) and isinstance(right, DurationType):
        return DurationType()
    if isinstance(left, _TEMPORAL) and isinstance(right, DurationType):
        return TimeType() if isinstance(left, TimeType) else DateTimeType()
    if op == "+" and isinstance(left, DurationType) and isinstance(right, _TEMPORAL):
        return TimeType() if isinstance(right, TimeType) else DateTimeType()
    if op == "-" and isinstance(left, _TEMPORAL) and type(left) is type(right):
        return DurationType()
    return None


def beside(scope: Scope, node: Node, context: Context, other: Term) -> Term:
    """The term of `node`; a constant takes its type from `other`, which stands beside it."""
    return _value(scope, node, context, other) if isinstance(node, Value) else resolve(scope, node, context)


def combined(scope: Scope, node: Combined, context: Context, output: Any = None) -> Term:
    if isinstance(node.left, Value) and not isinstance(node.right, Value):
        right = resolve(scope, node.right, context)
        left = _value(scope, node.left, context, right)
    else:
        left = resolve(scope, node.left, context)
        right = beside(scope, node.right, context, left)
    type_ = arithmetic_type(node.operator, left.expr.type, right.expr.type)
    if type_ is None:
        type_ = functions.type_of(output)
    if type_ is None:
        raise FieldError(
            f"{scope.verb}(): {left.expr.type.name} {node.operator} {right.expr.type.name} has no type of its own, in {node!r}. "
            "Say it with ExpressionWrapper(..., output_field=...)."
        )
    nullable = left.expr.nullable or right.expr.nullable
    sides = (left.expr, right.expr)
    if isinstance(type_, DateTimeType):
        sides = tuple(as_moment(side) if isinstance(side.type, DateType) else side for side in sides)  # type: ignore[assignment]
    return Term(Arith(type_, nullable, node.operator, *sides))


resolver(Combined)(combined)


@resolver(ExpressionWrapper)
def _wrapper(scope: Scope, node: ExpressionWrapper, context: Context) -> Term:
    if isinstance(node.expression, Combined):
        term = combined(scope, node.expression, context, node.declared)
    elif isinstance(node.expression, Value):
        term = _value(scope, Value(node.expression.value, node.declared), context)
    else:
        term = resolve(scope, node.expression, context)
    return typed(Term(term.expr), node.declared)


def typed(term: Term, output: Any) -> Term:
    """`term` as a value of `output` (a field or a scalar type; None: as it is)."""
    wanted = functions.type_of(output)
    return term if wanted is None else Term(cast(term.expr, wanted), functions.field_of(output), term.key_of)


@resolver(Func)
def _func(scope: Scope, node: Func, context: Context) -> Term:
    """A function: its arguments first, constants among them as those beside them want it."""
    terms = {number: resolve(scope, arg, context) for number, arg in enumerate(node.args) if not isinstance(arg, Value)}
    beside = next(iter(terms.values()), None)
    args = [
        terms[number] if number in terms else _value(scope, arg, context, beside)
        for number, arg in enumerate(node.args)
    ]
    return functions.applied(node, args)


@resolver(Sliced)
def _sliced(scope: Scope, node: Sliced, context: Context) -> Term:
    """A slice of text; NotSupportedError for values of other types, which have no places."""
    term = resolve(scope, node.item, context)
    if not isinstance(term.expr.type, (TextType, AnyType)):
        raise NotSupportedError(
            f"{scope.verb}({node.item!r}[...]): only text has slices, and this is {term.expr.type.name}."
        )
    bounds = [node.first] if node.length is None else [node.first, node.length]
    return functions.applied(Substr(node.item, *bounds), [term, *(resolve(scope, bound, context) for bound in bounds)])


@resolver(NamedTransform)
def _transform(scope: Scope, node: NamedTransform, context: Context) -> Term:
    term = resolve(scope, node.item, context)
    links = lookups.links_of(term.expr.type, (node.name,), repr(node.item), f"{scope.verb}()", term.field)
    return lookups.transformed(scope.slots, term, links)


@resolver(KeyPath)
def _key_path(scope: Scope, node: KeyPath, context: Context) -> Term:
    term = resolve(scope, node.item, context)
    if not isinstance(term.expr.type, JsonType):
        raise FieldError(f"{node!r}: only JSON values have keys.")
    return lookups.keyed(scope.slots, term, node.keys)


@resolver(Expression)
def _without_value(scope: Scope, node: Expression, _context: Context) -> Term:
    raise FieldError(
        f"{scope.verb}() cannot compute {node!r}: an expression of your own is a Func, a Transform or an Aggregate that says "
        "what it computes."
    )


@resolver(OrderBy)
def _order_by(scope: Scope, node: OrderBy, _context: Context) -> Term:
    raise FieldError(f"{scope.verb}() cannot use {node!r}: asc() and desc() stand in order_by() alone.")


def own_table(info: ModelInfo, verb: str, make: Callable[[Scope, Context], Expr]) -> tuple[Expr, tuple[Any, ...]]:
    """An expression over one row of a model's own table, and the values of its parameters."""
    return of_one_row(Scope.over(info, verb), make)


def of_one_row(scope: Scope, make: Callable[[Scope, Context], Expr]) -> tuple[Expr, tuple[Any, ...]]:
    """What `make` makes in `scope`, which is that of one row, and the values of its parameters."""
    expr = make(scope, Context(None, joins=False))
    if scope.slots.open:
        raise FieldError(
            f"{scope.info.name}: there is no query around an expression over one row for OuterRef to read."
        )
    return expr, tuple(convert(None) for _, convert in scope.slots.bindings)


def formula(info: ModelInfo, expression: Any) -> Formula:
    """`expression` over a row of the model's own table, for defaults and indexes."""
    return Formula(*own_table(info, "expression", lambda scope, context: resolve(scope, expression, context).expr))


def asked(info: ModelInfo, expression: Any, alias: str | None) -> Formula:
    """As `formula`, for the store `alias` to answer: ValueError where a queryset inside is of another one."""
    scope = Scope.over(info, "expression")
    made = of_one_row(scope, lambda scope, context: resolve(scope, expression, context).expr)
    check_stores(scope.slots.stores, alias)
    return Formula(*made)


def alias_of(value: Any, verb: str) -> str:
    """The name of an expression that was given none: an aggregate's own. TypeError where it has none."""
    if isinstance(value, aggregates.Aggregate):
        return value.default_alias
    if isinstance(value, Node):
        raise TypeError(
            f"{verb}() needs a name for this {type(value).__name__}: only aggregates of one field name themselves."
        )
    raise TypeError(f"{verb}() takes typed expressions or named ones, not {shorten(value)}.")


def checked_alias(name: str) -> None:
    """ValueError where `name` cannot be the name of an expression."""
    normal = name.isidentifier() and unicodedata.normalize("NFKC", name) == name
    if not normal or name.startswith("_") or keyword.iskeyword(name):
        raise ValueError(
            f"{shorten(name)} cannot name an expression: a name is an identifier in its normal form, no keyword, "
            "and starts without '_'."
        )
