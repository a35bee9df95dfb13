"""One lookup, from its parts to IR: transforms and JSON keys over a left side, then the lookup itself.

Knows the table of lookups, terms and operands; joins are made before. The invariant: a lookup that the type of its left
side does not have raises FieldError with the nearest that it has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from modelkit.errors import FieldError, NotSupportedError, did_you_mean, shorten
from modelkit.expressions import builtins
from modelkit.expressions.base import F, json_key
from modelkit.expressions.functions import Transform
from modelkit.expressions.lookups import (
    LOOKUPS,
    RELATED,
    LookupDef,
    TransformDef,
    find_lookup,
    find_transform,
    names_for,
)
from modelkit.expressions.predicates import Lookup
from modelkit.fields.base import Field
from modelkit.ir.expr import (
    BOOLEAN,
    JSON,
    TEXT,
    And,
    Call,
    Compare,
    Const,
    Expr,
    In,
    IsNull,
    JsonKey,
    Match,
    Not,
    Param,
    Subquery,
    TupleNode,
)
from modelkit.ir.query import Select
from modelkit.ir.types import (
    AnyType,
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    FloatType,
    IntegerType,
    JsonType,
    ScalarType,
    UuidType,
)
from modelkit.records import dataclass
from modelkit.resolve import functions, operands, tuples
from modelkit.resolve.casts import as_text, collation_of, comparable, under
from modelkit.resolve.joins import Leaf, Slots, constant
from modelkit.resolve.paths import Route, names_of, refuse_virtual, unnamed
from modelkit.resolve.query import Convert, Term, itself

__all__ = [
    "Built",
    "Chain",
    "Link",
    "Operand",
    "build",
    "chain",
    "check_key_lookup",
    "conjunction",
    "definition_of",
    "is_null",
    "keyed",
    "links_of",
    "ordered_together",
    "registrant",
    "related_chain",
    "transformed",
]

_SAME: Final = LOOKUPS["exact"]

Operand: TypeAlias = "Leaf | Term | Select | tuple[Leaf | Term, ...] | tuple[tuples.Row, ...]"
"""What stands on the right, resolved: a value, an expression, a query of one column, or several values and expressions.

Where the left is several values side by side, the values are rows of these, and the query has as many columns."""


Link: TypeAlias = "TransformDef | type[Transform] | str"
"""A step between a field and its lookup: a transform of the table, a registered one, a JSON key."""


LookupClass: TypeAlias = type[Lookup]


@dataclass(frozen=True, slots=True)
class Chain:
    """The names after a field, understood: transforms and JSON keys in their order, then the lookup.

    `kind` is the registered class that the lookup is of; None for one of the table.
    """

    links: tuple[Link, ...]
    lookup: LookupDef
    type: ScalarType
    kind: LookupClass | None = None

    @property
    def takes_none(self) -> bool:
        """Whether None is a value to the lookup."""
        return self.kind is not None and self.kind.can_use_none_as_rhs


@dataclass(frozen=True, slots=True)
class Built:
    """A lookup as IR. `null`: it asks whether the left is NULL (True), is not (False), or something else (None)."""

    expr: Expr
    null: bool | None = None


class _Left:
    """What the next name is asked of: a type, and the field or transform that may have names of its own registered."""

    def __init__(self, type_: ScalarType, field: Field[Any] | None) -> None:
        self.type = type_
        self.links: list[Link] = []
        self._field = field
        self._holders: list[Any] = [field if field is not None else operands.standard_field(type_)]

    def registered(self, name: str, base: type) -> Any:
        """The class of lookups or transforms that `name` was registered as, or that the field itself knows; None where there is none."""
        own = self._field
        if base is Lookup and own is not None and type(own).get_lookup is not Field.get_lookup:
            return own.get_lookup(name)
        if base is Transform and own is not None and type(own).get_transform is not Field.get_transform:
            found = own.get_transform(name)
            return found if isinstance(found, type) else None
        for holder in self._holders:
            found = holder.get_lookups().get(name) if holder is not None else None
            if found is not None and issubclass(found, base):
                return found
        return None

    def take(self, name: str) -> bool:
        """Go on over the transform or JSON key `name`; False where it is neither."""
        custom = self.registered(name, Transform)
        if custom is not None:
            node = custom(F(name))
            kept = functions.result_of(node, (self.type,))
            declared = functions.field_of(node.declared)
            if declared is None and type(kept) is type(self.type):
                declared = self._field
            self._step(custom, kept, declared)
            self._holders.insert(0, custom)
            return True
        transform = find_transform(name, self.type)
        if transform is not None:
            self._step(transform, transform.output, None)
        elif isinstance(self.type, JsonType):
            self._step(name, self.type, None)
        else:
            return False
        return True

    def _step(self, link: Link, type_: ScalarType, field: Field[Any] | None) -> None:
        self.links.append(link)
        self.type = type_
        self._field = field
        self._holders = [field if field is not None else operands.standard_field(type_)]

    def names(self) -> tuple[str, ...]:
        """All that could stand next."""
        own = [name for holder in self._holders if holder is not None for name in holder.get_lookups()]
        return (*own, *names_for(self.type))


def chain(type_: ScalarType, rest: tuple[str, ...], label: str, context: str, field: Field[Any] | None = None) -> Chain:
    """Understand the names after a left side of `type_`; FieldError names the one that does not fit."""
    left = _Left(type_, field)
    for position, name in enumerate(rest):
        if position == len(rest) - 1:
            custom = left.registered(name, Lookup)
            if custom is not None:
                return Chain(tuple(left.links), definition_of(custom), left.type, custom)
            lookup = find_lookup(name, left.type)
            if lookup is not None and left.registered(name, Transform) is None:
                return Chain(tuple(left.links), lookup, left.type)
        if not left.take(name):
            if not name:
                raise unnamed(context)
            kind = type(field).__name__ if field is not None and not left.links else left.type.name
            if not left.links and position == 0 and field is not None and field.is_relation:
                raise FieldError(
                    f"{label} is a relation, and '{name}' would be read from another row (in {context}): "
                    "constraints, indexes and defaults read the model's own."
                )
            raise FieldError(
                f"{label} ({kind}) has no lookup or transform '{name}' (in {context}).{did_you_mean(name, left.names())}"
            )
    custom = left.registered("exact", Lookup)
    return Chain(tuple(left.links), _SAME if custom is None else definition_of(custom), left.type, custom)


def links_of(
    type_: ScalarType, rest: Iterable[str], label: str, context: str, field: Field[Any] | None = None
) -> tuple[Link, ...]:
    """Understand names after a term as transforms and JSON keys; FieldError names the one that does not fit."""
    left = _Left(type_, field)
    for name in rest:
        if not left.take(name):
            raise FieldError(f"{label} has no transform '{name}' (in {context}).{did_you_mean(name, left.names())}")
    return tuple(left.links)


def _name_of(link: Link) -> str:
    match link:
        case str():
            return link
        case TransformDef():
            return link.name
        case _:
            return link.lookup_name or link.__name__


def definition_of(kind: type[Lookup]) -> LookupDef:
    """What a class of lookups means; NotSupportedError where it does not say what it computes."""
    if kind.definition is None:
        raise NotSupportedError(
            f"The lookup {kind.__name__} does not say what it computes: declare `python`, a callable of the values of its two sides."
        )
    return kind.definition


def registrant(route: Route) -> Field[Any] | None:
    """The relation's own field, where names end in a relation and the first name after is registered on that; else None."""
    relation = route.relation
    if relation is None or not route.rest or route.rest[0] not in relation.field.get_lookups():
        return None
    field: Field[Any] = relation.field
    return field


def related_chain(route: Route, type_: ScalarType, context: str) -> Chain:
    """Understand the names after a relation: a few lookups on its key, or an error about the field meant."""
    if not route.rest:
        return Chain((), _SAME, type_)
    own = registrant(route)
    if own is not None:
        return chain(type_, route.rest, f"{route.owner.name}.{route.names[-1]}", context, own)
    name = route.rest[0]
    if not name:
        raise unnamed(context)
    if len(route.rest) == 1 and name in RELATED:
        return Chain((), LOOKUPS[name], type_)
    if find_transform(name, type_) is not None:
        return chain(type_, route.rest, route.label, context)
    assert route.target is not None
    target = route.target
    if name in LOOKUPS:
        raise FieldError(
            f"{route.label} is a relation to {target.name}, which has no lookup '{name}' of its own "
            f"(in {context}). Name a field of {target.name}, as in {route.names[-1]}__{target.attributes[-1].name}__{name}."
        )
    refuse_virtual(target, name, context)
    raise FieldError(
        f"{target.name} has no field '{name}' (in {context}).{did_you_mean(name, (*names_of(target), *RELATED))}"
    )


def check_key_lookup(term: Term, found: Chain, label: str, context: str) -> None:
    """FieldError for a lookup on a relation's keys that keys do not have."""
    if term.key_of is not None and not found.links and found.lookup.name not in RELATED:
        raise FieldError(
            f"{label} holds the keys of a relation, which have no lookup '{found.lookup.name}' (in {context})."
            f"{did_you_mean(found.lookup.name, RELATED)}"
        )


def transformed(slots: Slots, term: Term, links: tuple[Link, ...]) -> Term:
    """`term` with transforms and JSON keys applied."""
    for link in links:
        match link:
            case str():
                param = slots.param(AnyType(), constant(json_key(link)), itself)
                term = Term(JsonKey(JSON, True, term.expr, param))
            case TransformDef():
                term = Term(Call(link.output, term.expr.nullable, link.function, (term.expr,)))
            case _:
                node = link(F("_"))
                rest = [_constant_term(slots, arg) for arg in node.args[1:]]
                term = functions.applied(node, [term, *rest])
    return term


def _constant_term(slots: Slots, arg: Any) -> Term:
    """A constant that a transform takes beside what it is applied to."""
    type_ = operands.value_type(arg.value)
    return Term(slots.param(type_, constant(arg.value), itself))


def keyed(slots: Slots, term: Term, keys: tuple[str | int, ...]) -> Term:
    """What stands in a JSON term under `keys`."""
    expr = term.expr
    for key in keys:
        expr = JsonKey(JSON, True, expr, slots.param(AnyType(), constant(key), itself))
    return Term(expr)


def is_null(expr: Expr, wanted: bool) -> Expr:
    """Whether `expr` (or one of several values side by side) is NULL, or is not."""
    if isinstance(expr, TupleNode):
        return tuples.is_null(expr, wanted)
    test = IsNull(BOOLEAN, False, expr)
    return test if wanted else Not(BOOLEAN, False, test)


def conjunction(items: list[Expr]) -> Expr:
    """All of `items`, at least one."""
    return items[0] if len(items) == 1 else And(BOOLEAN, any(item.nullable for item in items), tuple(items))


def build(slots: Slots, left: Term, found: Chain, operand: Operand, label: str) -> Built:
    """The lookup `found` of `left` (before its transforms) with `operand`."""
    operand = _bilateral(slots, left, found, operand)
    term = transformed(slots, left, found.links)
    lookup = found.lookup
    type_ = term.expr.type
    label = "__".join((label, *map(_name_of, found.links)))
    field = term.field if term.field is not None else operands.field_speaking_as(label, type_, left.field)
    convert = operands.value_of(type_, field)
    whole, label = label, f"{label}__{lookup.name}" if lookup is not _SAME else label
    if term.key_of is not None:
        convert = operands.related(term.key_of, convert)
    if (
        isinstance(operand, Leaf)
        and operand.value is None
        and not (isinstance(type_, JsonType) and lookup.form == "compare")
        and not found.takes_none
        and not (isinstance(term.expr, TupleNode) and term.key_of is None)
    ):
        if lookup.name in {"exact", "iexact"}:
            return Built(is_null(term.expr, True), True)
        raise ValueError(f"{label} takes a value, and None is none. Use isnull to ask for NULL.")
    if isinstance(term.expr, TupleNode) and lookup.form != "isnull":
        return Built(tuples.build(slots, term, lookup, operand, whole))
    show = operands.show_of(left.field)
    match lookup.form:
        case "compare":
            canonical = operands.canonical(type_, term.field)
            if lookup.op == "eq" and canonical is None and isinstance(operand, Leaf):
                if _becomes_null(operand, convert, type_):
                    slots.shared = False
                    return Built(is_null(term.expr, True), True)
                convert = operands.never_null(convert)
            return Built(_compare(slots, term.expr, lookup, operand, convert, canonical))
        case "match":
            return Built(_match(slots, term.expr, lookup, operand, label, show))
        case "in":
            return Built(_in(slots, term, operand, convert, label))
        case "range":
            return Built(_range(slots, term.expr, operand, convert, label, show))
        case "isnull":
            return _isnull(term.expr, operand, label)
        case "call":
            return Built(_call(slots, term.expr, lookup, operand, convert, label))


def _becomes_null(operand: Leaf, convert: Convert, type_: ScalarType) -> bool:
    """Whether the field prepares this value as NULL."""
    return not isinstance(type_, JsonType) and operand.value is not None and convert(operand.value) is None


def _bilateral(slots: Slots, left: Term, found: Chain, operand: Any) -> Any:
    """The right side with those transforms of the left that say they apply to both."""
    links = tuple(link for link in found.links if isinstance(link, type) and link.bilateral)
    if not links or isinstance(operand, Select):
        return operand
    type_ = left.expr.type
    convert = operands.value_of(type_, left.field)

    def on_value(item: Leaf | Term, made: Convert) -> Term:
        term = item if isinstance(item, Term) else Term(slots.param(type_, item, made), left.field)
        return transformed(slots, term, links)

    if isinstance(operand, Leaf) and found.lookup.form in {"in", "range"}:
        slots.shared = False
        return tuple(on_value(operand, operands.part(convert, number)) for number in range(len(operand.value)))
    if isinstance(operand, tuple):
        return tuple(on_value(item, convert) for item in operand)
    return on_value(operand, convert)


_NUMERIC: Final = (IntegerType, FloatType, DecimalType, BooleanType)


def ordered_together(left: ScalarType, right: ScalarType) -> bool:
    """Whether a value of one type can be greater or less than one of the other."""
    if isinstance(left, (AnyType, JsonType)) or isinstance(right, (AnyType, JsonType)):
        return True
    alike = type(left) is type(right) or {type(left), type(right)} == {DateType, DateTimeType}
    return alike or (isinstance(left, _NUMERIC) and isinstance(right, _NUMERIC))


def _compared(op: Any, left: Expr, right: Expr) -> Compare:
    left, right = comparable(left, right)
    if op not in {"eq", "ne"} and not ordered_together(left.type, right.type):
        raise FieldError(
            f"Values of type {left.type.name} and of type {right.type.name} have no common order: one cannot be greater "
            "or less than the other."
        )
    return Compare(BOOLEAN, left.nullable or right.nullable, op, left, right)


def _compare(
    slots: Slots, left: Expr, lookup: LookupDef, operand: Operand, convert: Convert, canonical: type | None
) -> Expr:
    op = lookup.op
    if isinstance(operand, Leaf):
        if isinstance(left.type, JsonType) and op not in {"eq", "ne"}:
            left, convert = _json_ordered(left, operand.value)
        straight = type(operand.value) is canonical
        right: Expr = slots.param(left.type, operand, itself if straight else operands.bound(left.type, convert, op))
    elif isinstance(operand, Term):
        right = operand.expr
    elif isinstance(operand, Select):
        right = Subquery(left.type, True, operand)
    else:
        raise TypeError(f"{lookup.name} takes one value, not several.")
    return _compared(op, left, right)


def _json_ordered(left: Expr, value: Any) -> tuple[Expr, Convert]:
    """A JSON value as what can be compared with `value` by size: its number, or its text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Call(FloatType(), True, builtins.JSON_NUMBER, (left,)), float
    return Call(TEXT, True, builtins.JSON_STRING, (left,)), str


def _match(slots: Slots, left: Expr, lookup: LookupDef, operand: Operand, label: str, show: operands.Show) -> Expr:
    kind: Any = lookup.op
    item = as_text(left)
    if isinstance(operand, Leaf):
        expression = lookup.operand == "regex"
        convert = operands.regex(label, show, fold=lookup.fold) if expression else operands.pattern(left.type)
        plain = type(operand.value) is str and convert is operands.as_text
        pattern: Expr = slots.param(TEXT, operand, itself if plain else convert)
    elif isinstance(operand, Term):
        pattern = as_text(operand.expr)
        if isinstance(left.type, UuidType):
            pattern = Call(TEXT, pattern.nullable, builtins.WITHOUT_HYPHENS, (pattern,))
    else:
        raise TypeError(f"{label} takes one text, not several.")
    return Match(BOOLEAN, item.nullable or pattern.nullable, kind, lookup.fold, item, pattern)


def _in(slots: Slots, left: Term, operand: Operand, convert: Convert, label: str) -> Expr:
    choices: Param | tuple[Expr, ...] | Select
    collation = collation_of(left.expr)
    if isinstance(operand, Leaf):
        plain = operands.canonical(left.expr.type, left.field)
        if collation is not None:
            plain, convert = None, operands.folded(convert, collation.python)
        name = label.removesuffix("__in")
        choices = slots.param(
            left.expr.type, operand, operands.members(convert, name, operands.show_of(left.field), plain)
        )
        return In(BOOLEAN, left.expr.nullable, left.expr, choices)
    if isinstance(operand, Select):
        return In(BOOLEAN, True, left.expr, operand)
    if isinstance(operand, Term):
        operand = (operand,)
    choices = tuple(_either(slots, left.expr.type, item, convert) for item in operand if _given(item))
    if collation is not None:
        choices = tuple(under(collation, choice) for choice in choices)
    return In(BOOLEAN, True, left.expr, choices)


def _given(item: object) -> bool:
    return not (isinstance(item, Leaf) and item.value is None)


def _either(slots: Slots, type_: ScalarType, item: Any, convert: Convert) -> Expr:
    if isinstance(item, Term):
        return item.expr
    return Const(type_, True, None) if item.value is None else slots.param(type_, item, convert)


def _range(slots: Slots, left: Expr, operand: Operand, convert: Convert, label: str, show: operands.Show) -> Expr:
    low: Expr
    high: Expr
    lower, upper = operands.bound(left.type, convert, "ge"), operands.bound(left.type, convert, "le")
    if isinstance(operand, Leaf):
        name = label.removesuffix("__range")
        low = slots.param(left.type, operand, operands.pair(lower, 0, name, show))
        high = slots.param(left.type, operand, operands.pair(upper, 1, name, show))
    elif isinstance(operand, tuple) and len(operand) == 2:
        low, high = _either(slots, left.type, operand[0], lower), _either(slots, left.type, operand[1], upper)
    else:
        raise ValueError(f"{label} takes two values.")
    return conjunction([_compared("ge", left, low), _compared("le", left, high)])


def _isnull(left: Expr, operand: Operand, label: str) -> Built:
    if not isinstance(operand, Leaf) or not isinstance(operand.value, bool):
        shown = shorten(operand.value) if isinstance(operand, Leaf) else "an expression"
        raise ValueError(  # noqa: TRY004 - Django's exception
            f"{label} takes True or False, not {shown}."
        )
    return Built(is_null(left, operand.value), operand.value)


def _call(slots: Slots, left: Expr, lookup: LookupDef, operand: Operand, convert: Convert, label: str) -> Expr:
    function = lookup.function
    assert function is not None
    if isinstance(operand, Term):
        right = operand.expr
        if lookup.operand == "key" and (keys := _keys_of(right)):
            return is_null(_under(left, keys), False)
    elif isinstance(operand, Leaf):
        type_, made = _called_with(left.type, lookup, convert, label)
        right = slots.param(type_, operand, made, nullable=operand.value is None)
    elif isinstance(operand, Select):
        right = Subquery(left.type, True, operand)
    else:
        raise TypeError(f"{label} takes one value, not several.")
    return Call(BOOLEAN, not function.strict or left.nullable or right.nullable, function, (left, right))


def _keys_of(expr: Expr) -> list[Param]:
    """The keys by which a JSON expression, or the text of one, leads into a value: outermost first."""
    if isinstance(expr, Call) and expr.function == builtins.JSON_TEXT:
        expr = expr.args[0]
    keys: list[Param] = []
    while isinstance(expr, JsonKey):
        keys.insert(0, expr.key)
        expr = expr.item
    return keys


def _under(item: Expr, keys: list[Param]) -> Expr:
    for key in keys:
        item = JsonKey(JSON, True, item, key)
    return item


def _called_with(type_: ScalarType, lookup: LookupDef, convert: Convert, label: str) -> tuple[ScalarType, Convert]:
    """The type of the right side of a lookup that is a function, and what makes a value one."""
    match lookup.operand:
        case "same":
            return type_, convert
        case "key":
            return JSON, str
        case "keys":
            return JSON, operands.json_keys(label)
        case "json":
            return JSON, operands.value_of(JSON, None)
        case _:
            return AnyType(), itself
