"""What names on a model stand for: columns and relations, and the types of their values.

Knows mypy's types and the facts of classes; no model as a whole, and no call. What is not understood has the value type Any.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from mypy.maptype import map_instance_to_supertype
from mypy.nodes import FuncDef, OverloadedFuncDef, TypeInfo
from mypy.typeops import make_simplified_union
from mypy.types import (
    AnyType,
    CallableType,
    ExtraAttrs,
    Instance,
    LiteralType,
    NoneType,
    Overloaded,
    Type,
    TypeOfAny,
    UnionType,
    get_proper_type,
)

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.facts import FieldFacts

__all__ = [
    "Column",
    "Member",
    "Relation",
    "allows_none",
    "field_made_by",
    "keys_of",
    "optional",
    "rows_behind",
    "unknown",
    "value_of_field",
    "without_none",
]


class Column(NamedTuple):
    """A field with values of its own. `value` includes None where the column may be null; `kind` is the field's class."""

    name: str
    attname: str
    owner: TypeInfo
    value: Type
    kind: TypeInfo | None
    facts: FieldFacts | None


class Relation(NamedTuple):
    """A way to another model. `target` is None where it is not known; `accessor` None where instances do not have it.

    `field` is the field that makes the relation, on `owner`; it stands on this side unless `reverse`.
    """

    name: str
    accessor: str | None
    owner: TypeInfo
    target: TypeInfo | None
    field: str
    facts: FieldFacts | None
    many: bool
    nullable: bool
    reverse: bool = False


Member: TypeAlias = Column | Relation


def unknown() -> Type:
    """The type of what is not understood."""
    return AnyType(TypeOfAny.special_form)


def optional(value: Type) -> Type:
    """`value` or None."""
    return make_simplified_union([value, NoneType()])


def without_none(value: Type) -> Type:
    """`value` without None."""
    proper = get_proper_type(value)
    if isinstance(proper, UnionType):
        return make_simplified_union([item for item in proper.items if not isinstance(get_proper_type(item), NoneType)])
    return value


def allows_none(value: Type) -> bool:
    """Whether None is among the values."""
    proper = get_proper_type(value)
    items = proper.items if isinstance(proper, UnionType) else [proper]
    return any(isinstance(get_proper_type(item), (NoneType, AnyType)) for item in items)


_ROWS: Final = "<rows>"
"""An attribute of values that are keys of a relation: rows of the model that it leads to. No name in a program is like it."""


def keys_of(target: TypeInfo | None, value: Type) -> Type:
    """`value`, known to be keys of rows of `target`, which stand for their keys; of none for None."""
    proper = get_proper_type(value)
    if isinstance(proper, UnionType):
        return UnionType([keys_of(target, item) for item in proper.items])
    if not isinstance(proper, Instance):
        return value
    made = proper.copy_modified()
    made.extra_attrs = ExtraAttrs({_ROWS: Instance(target, [])}, set(), None) if target is not None else None
    return made


def rows_behind(value: Type) -> Instance | None:
    """The rows that values are known to be keys of."""
    proper = get_proper_type(without_none(value))
    known = proper.extra_attrs if isinstance(proper, Instance) else None
    rows = get_proper_type(known.attrs.get(_ROWS)) if known is not None else None
    return rows if isinstance(rows, Instance) else None


def value_of_field(declared: Instance) -> Type:
    """T of a field that is a Field[T]."""
    for base in declared.type.mro:
        if base.fullname == names.FIELD:
            args = map_instance_to_supertype(declared, base).args
            return args[0] if args else unknown()
    return unknown()


def field_made_by(kind: TypeInfo, *, null: bool) -> Instance | None:
    """What a call of field class `kind` makes, by what its constructor says of itself where `null` is so."""
    symbol = kind.get("__init__")
    node = symbol.node if symbol is not None else None
    made = get_proper_type(node.type) if isinstance(node, (FuncDef, OverloadedFuncDef)) and node.type else None
    items = made.items if isinstance(made, Overloaded) else [made] if isinstance(made, CallableType) else []
    for item in items:
        said = get_proper_type(item.arg_types[0]) if item.arg_types else None
        if isinstance(said, Instance) and said.type.has_base(names.FIELD) and _takes_null(item) in (null, None):
            return said
    return Instance(kind, [unknown()] * len(kind.defn.type_vars)) if not kind.type_vars else None


def _takes_null(signature: CallableType) -> bool | None:
    """The value of `null` that an overload is for; None where it does not say."""
    for name, kind in zip(signature.arg_names, signature.arg_types, strict=True):
        literal = get_proper_type(kind)
        if name == "null" and isinstance(literal, LiteralType):
            return bool(literal.value)
    return None
