"""The one table of lookups and transforms: which exist, on which scalar types, with what operand, and what they mean.

Read by resolve (which builds the IR), by the typed faces, by the plugin for checkers and by the documentation, so that none can drift.
Knows scalar types and functions, no field and no model. A name is either a lookup or a transform, never both.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from modelkit.expressions import builtins
from modelkit.ir.expr import INTEGER, FunctionDef
from modelkit.ir.types import (
    AnyType,
    BinaryType,
    BooleanType,
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
    TupleType,
    UuidType,
)
from modelkit.records import dataclass

__all__ = [
    "JSON_LOOKUPS",
    "LOOKUPS",
    "RELATED",
    "TRANSFORMS",
    "LookupDef",
    "LookupForm",
    "OperandKind",
    "TransformDef",
    "find_lookup",
    "find_transform",
    "is_unknown",
    "names_for",
]

OperandKind: TypeAlias = Literal["same", "any", "text", "regex", "bool", "iterable", "pair", "json", "key", "keys"]
"""What stands on the right: a value of the left's type, any value, text, a regular expression, True or False, values or a query,
two values, any JSON value, one JSON key, several."""

LookupForm: TypeAlias = Literal["compare", "match", "in", "range", "isnull", "call"]

ScalarTypes: TypeAlias = tuple[type[ScalarType], ...]

EVERY: ScalarTypes = (
    BooleanType, IntegerType, FloatType, DecimalType, TextType, BinaryType, DateType, TimeType, DateTimeType, DurationType,
    UuidType, JsonType,
)  # fmt: skip
_COMPARED: ScalarTypes = (*EVERY, TupleType)
_TEXTUAL: ScalarTypes = (
    TextType, IntegerType, FloatType, DecimalType, DateType, TimeType, DateTimeType, UuidType, JsonType,
)  # fmt: skip
_DATES: ScalarTypes = (DateType, DateTimeType)
_CLOCKS: ScalarTypes = (TimeType, DateTimeType)
_JSON: ScalarTypes = (JsonType,)


@dataclass(frozen=True, slots=True)
class LookupDef:
    """A lookup. `form` says which IR it becomes, `op` the operator of a Compare or the kind of a Match, `fold` its case-blindness.

    `function` is what a "call" applies to (left, operand). Text lookups on types other than text read the left through
    `builtins.TO_TEXT`, or `builtins.JSON_TEXT` on JSON.
    """

    name: str
    types: ScalarTypes
    operand: OperandKind
    form: LookupForm
    op: str = ""
    fold: bool = False
    function: FunctionDef | None = None

    def allows(self, type_: ScalarType) -> bool:
        """Whether the lookup exists on `type_`."""
        return isinstance(type_, self.types) or is_unknown(type_)


@dataclass(frozen=True, slots=True)
class TransformDef:
    """A transform: `function` of the left, giving a value of type `output`."""

    name: str
    types: ScalarTypes
    function: FunctionDef
    output: ScalarType

    def allows(self, type_: ScalarType) -> bool:
        """Whether the transform exists on `type_`."""
        return isinstance(type_, self.types) or is_unknown(type_)


def is_unknown(type_: ScalarType) -> bool:
    """Whether nothing is known of `type_`, so that everything is allowed on it."""
    return isinstance(type_, AnyType)


def _compare(name: str, op: str) -> LookupDef:
    return LookupDef(name, _COMPARED, "same", "compare", op)


def _match(name: str, op: str, *, fold: bool = False) -> LookupDef:
    return LookupDef(name, _TEXTUAL, "regex" if op == "regex" else "text", "match", op, fold)


LOOKUPS: dict[str, LookupDef] = {
    lookup.name: lookup
    for lookup in (
        _compare("exact", "eq"),
        _match("iexact", "exact", fold=True),
        _compare("gt", "gt"),
        _compare("gte", "ge"),
        _compare("lt", "lt"),
        _compare("lte", "le"),
        LookupDef("in", _COMPARED, "iterable", "in"),
        LookupDef("range", EVERY, "pair", "range"),
        LookupDef("isnull", _COMPARED, "bool", "isnull"),
        _match("contains", "contains"),
        _match("icontains", "contains", fold=True),
        _match("startswith", "startswith"),
        _match("istartswith", "startswith", fold=True),
        _match("endswith", "endswith"),
        _match("iendswith", "endswith", fold=True),
        _match("regex", "regex"),
        _match("iregex", "regex", fold=True),
    )
}

JSON_LOOKUPS: dict[str, LookupDef] = {
    "contains": LookupDef("contains", _JSON, "json", "call", function=builtins.JSON_CONTAINS),
    "contained_by": LookupDef("contained_by", _JSON, "json", "call", function=builtins.JSON_CONTAINED_BY),
    "has_key": LookupDef("has_key", _JSON, "key", "call", function=builtins.JSON_HAS_KEY),
    "has_keys": LookupDef("has_keys", _JSON, "keys", "call", function=builtins.JSON_HAS_KEYS),
    "has_any_keys": LookupDef("has_any_keys", _JSON, "keys", "call", function=builtins.JSON_HAS_ANY_KEYS),
}
"""What JSON has of its own; where a name is in both tables, JSON means this one."""

RELATED: Final = frozenset({"exact", "in", "gt", "gte", "lt", "lte", "isnull"})
"""The lookups that a relation has, as comparisons of its key."""

TRANSFORMS: dict[str, TransformDef] = {
    "date": TransformDef("date", (DateTimeType,), builtins.DATE, DateType()),
    "time": TransformDef("time", (DateTimeType,), builtins.TIME, TimeType()),
    **{name: TransformDef(name, _DATES, part, INTEGER) for name, part in builtins.DATE_PARTS.items()},
    **{name: TransformDef(name, _CLOCKS, part, INTEGER) for name, part in builtins.TIME_PARTS.items()},
}


def find_lookup(name: str, type_: ScalarType) -> LookupDef | None:
    """The lookup `name` on `type_`, or None."""
    if isinstance(type_, JsonType) and name in JSON_LOOKUPS:
        return JSON_LOOKUPS[name]
    lookup = LOOKUPS.get(name)
    return lookup if lookup is not None and lookup.allows(type_) else None


def find_transform(name: str, type_: ScalarType) -> TransformDef | None:
    """The transform `name` on `type_`, or None."""
    transform = TRANSFORMS.get(name)
    return transform if transform is not None and transform.allows(type_) else None


def names_for(type_: ScalarType) -> tuple[str, ...]:
    """All names of lookups and transforms on `type_`: what a message about an unknown one chooses from."""
    own = tuple(JSON_LOOKUPS) if isinstance(type_, JsonType) else ()
    tables: tuple[LookupDef | TransformDef, ...] = (*LOOKUPS.values(), *TRANSFORMS.values())
    return tuple(dict.fromkeys((*(entry.name for entry in tables if entry.allows(type_)), *own)))
