"""Attributes that no class body declares: the far sides of relations, keys (`team_id`), get_size_display() and their like.

Knows models. The invariant: an attribute that nobody makes is the error that mypy itself would report.
"""

from __future__ import annotations

import difflib

from mypy.nodes import ARG_STAR, ARG_STAR2, TypeInfo, Var
from mypy.types import AnyType, CallableType, Instance, Type, TypeOfAny, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.facts import is_model
from modelkit.mypy_plugin.lookups import scalar_of
from modelkit.mypy_plugin.members import Column, Relation, optional, unknown
from modelkit.mypy_plugin.models import Model
from modelkit.mypy_plugin.naming import gives_rows

__all__ = ["near", "of_class", "of_instance"]


def of_instance(instance: Instance, name: str, call: Call) -> Type | None:
    """The type of an attribute that an instance of a model has without a declaration; None where it has none."""
    if not is_model(instance.type):
        return None
    model = Model(instance.type, call)
    if not model.understood:
        return unknown()
    relation = _by_accessor(model, name)
    if relation is not None:
        return _reached(relation, call)
    own = model.declared(name)
    if isinstance(own, Column):
        return own.value
    if isinstance(own, Relation):
        return _reached(own, call)
    method = _method(model, name, instance, call)
    return unknown() if method is None and _is_given(model, name) else method


def _is_given(model: Model, name: str) -> bool:
    """Whether a queryset or manager that the model declares gives its rows such an attribute: this one may be among them."""
    declared = (symbol.node for info in model.info.mro if is_model(info) for symbol in info.names.values())
    for variable in (node for node in declared if isinstance(node, Var)):
        if variable.type is None and model.declared(variable.name) is None:
            return True  # mypy has not come to it yet: it may be such a manager
        said = get_proper_type(variable.type)
        if isinstance(said, Instance):
            kinds = [said, *(arg for arg in map(get_proper_type, said.args) if isinstance(arg, Instance))]
            if any(kind.type.has_base(names.QUERIES) and gives_rows(kind.type, name) for kind in kinds):
                return True
    return False


def of_class(model: Model, name: str, call: Call) -> Type | None:
    """The type of such an attribute of the class itself: an expression."""
    if not model.understood:
        return unknown()
    owner = Instance(model.info, [])
    relation = _by_accessor(model, name)
    if relation is not None and relation.target is not None:
        kind = names.MANY_REFERENCE if relation.many else names.OPTIONAL_REFERENCE
        return call.instance(kind, owner, Instance(relation.target, []))
    own = model.declared(name)
    if isinstance(own, Column):
        return call.instance(_face(own), owner, own.value)
    return None


def _by_accessor(model: Model, name: str) -> Relation | None:
    return next((relation for relation in model.reverse() if relation.accessor == name), None)


def _reached(relation: Relation, call: Call) -> Type:
    """What a relation's attribute gives: a manager of the rows, or the one row."""
    if relation.target is None:
        return unknown()
    target = Instance(relation.target, [])
    if relation.many:
        return call.instance(names.RELATED_SET, target)
    return optional(target) if relation.nullable and not relation.reverse else target


def _face(column: Column) -> str:
    """The class of the expression that a column is on its model."""
    scalar = scalar_of(column.kind) if column.kind is not None else None
    kinds = {"integer": "NumExpr", "float": "NumExpr", "decimal": "NumExpr", "text": "StrExpr", "boolean": "BoolExpr"}
    module = names.FACE.rpartition(".")[0]
    return f"{module}.{kinds.get(scalar.name if scalar is not None else '', 'Expr')}"


def _method(model: Model, name: str, instance: Instance, call: Call) -> Type | None:
    """The methods that fields give: get_size_display(), get_next_by_born(), get_user_order()."""
    for prefix, suffix in (("get_", "_display"), ("get_next_by_", ""), ("get_previous_by_", "")):
        if name.startswith(prefix) and name.endswith(suffix):
            field = name.removeprefix(prefix).removesuffix(suffix)
            column = model.declared(field)
            if isinstance(column, Column) and (suffix == "" or (column.facts is not None and column.facts.choices)):
                gives = call.instance("builtins.str") if suffix else instance
                return _callable(gives, call)
    if name.startswith(("get_", "set_")) and name.endswith("_order"):
        return unknown()
    return None


def _callable(gives: Type, call: Call) -> CallableType:
    anything = AnyType(TypeOfAny.special_form)
    return CallableType(
        [anything, anything], [ARG_STAR, ARG_STAR2], [None, None], gives, call.instance("builtins.function")
    )


def near(info: TypeInfo, name: str, call: Call) -> str | None:
    """The far side of a relation that a name on a model may have been meant for."""
    known = [relation.accessor for relation in Model(info, call).reverse() if relation.accessor is not None]
    found = difflib.get_close_matches(name, known, n=1)
    return found[0] if found else None
