"""Related rows, `author.books`: a RelatedSet of Book has the methods of Book's default manager, too.

Its type stays one that can be written out, `RelatedSet[Book]`; what its methods give, `author.books.all()`, is of a class that derives
from that and from the manager's. Knows the facts of models and mypy's types. The invariant: a model's managers are looked at in the
order in which the model's options take them.
"""

from __future__ import annotations

import difflib
from typing import Final

from mypy.checkmember import analyze_member_access
from mypy.maptype import map_instance_to_supertype
from mypy.nodes import CallExpr, Context, StrExpr, TypeInfo, Var
from mypy.plugin import AttributeContext
from mypy.types import AnyType, CallableType, Instance, ProperType, Type, TypeOfAny, get_proper_type

from modelkit.errors import did_you_mean
from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.carrying import with_methods_of
from modelkit.mypy_plugin.facts import is_model

__all__ = ["attribute", "by_other_manager", "enriched", "near", "overriding"]

_WRITES: Final = frozenset(
    f"{prefix}{name}" for name in ("create", "get_or_create", "update_or_create") for prefix in ("", "a")
)
"""What related rows do in a way of their own, whatever their manager has of that name."""
_UNCLEAR: Final = AnyType(TypeOfAny.special_form)
"""The manager of a model of which it cannot be told."""
_OF_EVERY_MODEL: Final = frozenset({"objects", "_default_manager", "_base_manager"})


def enriched(receiver: ProperType, given: Type, call: Call) -> tuple[ProperType, Type]:
    """A queryset and what a method of it gives; for related rows with the methods of their manager, in both where both are the same."""
    richer = _richer(receiver, call)
    return (receiver, given) if richer is None else (richer, richer if get_proper_type(given) == receiver else given)


def attribute(owner: Instance, name: str, context: AttributeContext, call: Call) -> Type | None:
    """The type of what related rows have by their manager; None where they have no such thing."""
    richer = _richer(owner, call)
    if richer is None or richer.type.get(name) is None:
        return _UNCLEAR if _is_unclear(owner, call) else None
    return _member(richer, name, context.context, call, is_lvalue=context.is_lvalue)


def overriding(owner: ProperType, method: str, context: Context, call: Call) -> CallableType | None:
    """The method of their manager that related rows have in place of a queryset's; None where there is none."""
    richer = _richer(owner, call) if method not in _WRITES else None
    if richer is None or not any(
        not base.names[method].plugin_generated and not base.module_name.startswith("modelkit.")
        for base in richer.type.mro
        if method in base.names
    ):
        return None
    found = get_proper_type(_member(richer, method, context, call))
    return found if isinstance(found, CallableType) else None


def near(owner: Instance, name: str, call: Call) -> str | None:
    """The method of related rows that a name may have been meant for."""
    known = {each for base in (_richer(owner, call) or owner).type.mro for each in base.names if each[0] != "_"}
    found = difflib.get_close_matches(name, known, n=1)
    return found[0] if found else None


def by_other_manager(rows: Instance, call: CallExpr, given: Type, place: Call) -> Type:
    """What `author.books(manager="popular")` gives; a manager that the model lacks is reported."""
    model = get_proper_type(rows.args[0]) if rows.type.fullname == names.RELATED_SET else None
    if len(call.args) != 1 or not isinstance(call.args[0], StrExpr) or not isinstance(model, Instance):
        return given
    name = call.args[0].value
    lineage = place.lineage(model.type)
    known = {each for _, facts in lineage.own for each, _ in facts.managers} | _OF_EVERY_MODEL
    if lineage.has_facts and name not in known and model.type.get(name) is None:
        place.fail(f'"{model.type.name}" has no manager "{name}".{did_you_mean(name, known)}', call.args[0])
    return _richer(rows, place, name) or given


def _richer(rows: ProperType, call: Call, manager: str | None = None) -> Instance | None:
    """Related rows with the methods of a manager of their model, the default one unless told; None where it has none of its own."""
    model = _model_of(rows)
    own = _manager(model, manager, call) if model is not None else None
    if not isinstance(rows, Instance) or not isinstance(own, Instance) or own.type.fullname.startswith("modelkit."):
        return None
    return with_methods_of(own, rows, call)


def _is_unclear(rows: Instance, call: Call) -> bool:
    """Whether the manager of related rows may have methods that nobody can tell."""
    model = _model_of(rows)
    if model is None:
        return bool(rows.args) and isinstance(get_proper_type(rows.args[0]), AnyType)
    return isinstance(_manager(model, None, call), AnyType)


def _model_of(rows: ProperType) -> TypeInfo | None:
    """The model of related rows of no further class; None for anything else."""
    if not isinstance(rows, Instance) or rows.type.fullname != names.RELATED_SET:
        return None
    model = get_proper_type(rows.args[0])
    return model.type if isinstance(model, Instance) and is_model(model.type) else None


def _member(rows: Instance, name: str, context: Context, call: Call, *, is_lvalue: bool = False) -> Type:
    return analyze_member_access(
        name,
        rows,
        context,
        is_lvalue=is_lvalue,
        is_super=False,
        is_operator=False,
        original_type=rows,
        chk=call.api,
    )


def _manager(model: TypeInfo, name: str | None, call: Call) -> Instance | AnyType | None:
    """The class whose methods a manager of `model` has, the default one unless named: Any where that cannot be told, None where no
    class declares it.
    """
    lineage = call.lineage(model)
    wanted = name or lineage.default_manager_name
    unclear = _UNCLEAR if model.fallback_to_any or not lineage.has_facts else None
    for info, facts in lineage.own:
        for each, kind in facts.managers:
            if wanted in (None, each):
                found = _methods_of(info, each, kind, model, call)
                if isinstance(found, Instance):
                    return found
                unclear = unclear or found
    return unclear


def _methods_of(info: TypeInfo, name: str, kind: str | None, model: TypeInfo, call: Call) -> Instance | AnyType | None:
    """The class whose methods `name` of class `info` has; None where that is no manager."""
    call.depends_on_name(info, name)
    symbol = info.names.get(name)
    node = symbol.node if symbol is not None else None
    declared = get_proper_type(node.type) if isinstance(node, Var) and node.type is not None else None
    if declared is None:
        queryset = call.info(kind) if kind is not None else None
        return _UNCLEAR if queryset is None else Instance(queryset, [Instance(model, [])] * len(queryset.type_vars))
    manager_of = call.info(names.MANAGER_OF)
    if isinstance(declared, Instance) and manager_of is not None and declared.type.has_base(names.MANAGER_OF):
        declared = get_proper_type(map_instance_to_supertype(declared, manager_of).args[0])
    if isinstance(declared, Instance):
        return declared if declared.type.has_base(names.QUERIES) else None
    return declared if isinstance(declared, AnyType) else None
