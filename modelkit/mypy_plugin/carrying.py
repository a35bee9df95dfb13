"""The types of querysets that know more than their model: names that annotate() gave, rows of another kind.

Knows one query and mypy's types. The invariant: a queryset's type says the same of names as the queryset would, and keeps the methods
of its class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from mypy.maptype import map_instance_to_supertype
from mypy.nodes import GDEF, Block, ClassDef, SymbolTable, SymbolTableNode, TypeInfo
from mypy.types import ExtraAttrs, Instance, TupleType, Type, TypedDictType, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.facts import is_model
from modelkit.mypy_plugin.members import unknown
from modelkit.mypy_plugin.naming import ANY_NAME
from modelkit.mypy_plugin.query import Query, attributes, marked

__all__ = [
    "carrying",
    "in_place",
    "of_heir",
    "own_class",
    "own_methods",
    "returned",
    "retyped",
    "rows_carrying",
    "with_methods_of",
]


_BLEND: Final = "modelkit blend"
"""In the metadata of classes that `_blended` made."""


def carrying(receiver: Instance, query: Query, named: Mapping[str, Type], *, rows: bool) -> Type:
    """The type of a queryset that has named more; `rows`: its rows have the names as attributes or keys, too."""
    found = _model_and_row(receiver, query.call)
    if found is None:
        return receiver
    model, row = found
    richer = _with_attributes(model, named)
    made = _of_class(receiver, model, richer, _row(row, named, query) if rows else row, query.call)
    return marked(made, {**query.named, **named})


def rows_carrying(receiver: Instance, query: Query, named: Mapping[str, Type]) -> Type:
    """The type of a queryset whose instances have more attributes, of which the query itself knows nothing."""
    found = _model_and_row(receiver, query.call)
    if found is None:
        return receiver
    model, row = found
    richer = get_proper_type(_row(row, named, query))
    of = richer if row == model and isinstance(richer, Instance) else model
    made = _of_class(receiver, model, of, richer, query.call)
    return marked(made, {**query.named, **named})


def of_heir(receiver: Instance, heir: TypeInfo, call: Call) -> Type:
    """The type of a manager that a base declares, of another model, as model `heir` has it."""
    found = _model_and_row(receiver, call)
    if found is None or found[0].type is heir or not heir.has_base(found[0].type.fullname):
        return receiver
    model, row = found
    own = Instance(heir, [])
    return _of_class(receiver, model, own, own if row == model else row, call)


def retyped(receiver: Instance, query: Query, row: Type) -> Type:
    """The type of a queryset on the same model whose rows are of type `row`."""
    found = _model_and_row(receiver, query.call)
    if found is None:
        return receiver
    model = _with_attributes(found[0], query.named) if query.named else found[0]
    return marked(query.call.instance(names.QUERYSET, model, row), query.named)


def _model_and_row(receiver: Instance, call: Call) -> tuple[Instance, Type] | None:
    queries = call.info(names.QUERIES)
    if queries is None:
        return None
    model, row = map_instance_to_supertype(receiver, queries).args
    proper = get_proper_type(model)
    return (proper, row) if isinstance(proper, Instance) else None


def _of_class(receiver: Instance, old: Instance, model: Instance, row: Type, call: Call) -> Instance:
    """A queryset of the receiver's class on `model` in place of `old`, whose rows are of type `row`."""
    if receiver.type.fullname == names.QUERYSET:
        return receiver.copy_modified(args=[model, row])
    generic = receiver.copy_modified(args=[_replaced(arg, old, model) for arg in receiver.args])
    if _model_and_row(generic, call) == (model, row):
        return generic
    if receiver.type.fullname.startswith("modelkit."):
        return receiver if row == old else call.instance(names.QUERYSET, model, row)
    for base in own_class(receiver).type.mro:
        if base.fullname.startswith("modelkit.") and base.type_vars:
            started = map_instance_to_supertype(own_class(receiver), base)
            plain = started.copy_modified(args=[_replaced(arg, old, model) for arg in started.args])
            if _model_and_row(plain, call) == (model, row):
                return _blended(receiver, plain, call)
    return _blended(receiver, call.instance(names.QUERYSET, model, row), call)


def _replaced(arg: Type, old: Instance, model: Instance) -> Type:
    proper = get_proper_type(arg)
    return model if isinstance(proper, Instance) and proper.type is old.type else arg


def _blended(receiver: Instance, plain: Instance, call: Call) -> Instance:
    """The type of a queryset of a class that is not generic: that class's methods, and the model and rows of `plain`."""
    own = own_class(receiver)
    made = _of_both(plain, own, [], call)
    made.metadata[_BLEND] = {}
    return Instance(made, [])


def with_methods_of(own: Instance, related: Instance, call: Call) -> Instance:
    """The type of a RelatedSet that has the methods of a queryset's or manager's class, too.

    It stands for a class of the project's own: what knows more than it derives from it.
    """
    return Instance(_of_both(related, own, [related.type], call), [])


def _of_both(plain: Instance, own: Instance, first: list[TypeInfo], call: Call) -> TypeInfo:
    """A class that derives from both, and looks names up in the classes `first` before those of `own`.

    It stands in the module that asked, as mypy makes one for a value of which isinstance() told two things.
    """
    described = f"{own!r} {plain!r} {[_attributes(arg) for arg in plain.args]}"
    key = f"<{own.type.name} {hashlib.sha1(described.encode(), usedforsecurity=False).hexdigest()[:12]}>"
    symbols = call.api.tree.names
    known = symbols.get(key)
    if known is None or not isinstance(known.node, TypeInfo):
        info = TypeInfo(SymbolTable(), ClassDef(own.type.name, Block([])), call.module)
        info.defn.info = info
        info.defn.fullname = info._fullname = f"{call.module}.{key}"
        symbols[key] = SymbolTableNode(GDEF, info, module_public=False, module_hidden=True)
    else:
        info = known.node
    info.bases = [plain, own]
    info.mro = [info, *first, *own.type.mro]
    info.metaclass_type = own.type.metaclass_type
    call.depends_on_methods(own.type)
    return info


def in_place(given: Type, change: Callable[[Type], Type]) -> Type:
    """What a method gives with its result changed, also where that is to be awaited."""
    proper = get_proper_type(given)
    if isinstance(proper, Instance) and proper.type.fullname == "typing.Coroutine":
        return proper.copy_modified(args=[*proper.args[:2], change(proper.args[2])])
    return change(given)


def own_class(queryset: Instance) -> Instance:
    """A queryset's type with the class that the project itself declares, where it is of one made of that."""
    return queryset.type.bases[1] if _BLEND in queryset.type.metadata else queryset


def own_methods(info: TypeInfo) -> frozenset[str]:
    """The methods of the project's own that querysets have which know more than their class; none for other classes."""
    if _BLEND not in info.metadata:
        return frozenset()
    return frozenset(name for base in info.mro if not base.module_name.startswith("modelkit.") for name in base.names)


def returned(receiver: Instance, given: Type, query: Query) -> Type:
    """What a method gives on a queryset that knows more than its class: where it says that it gives that class, one that knows it too."""
    proper = get_proper_type(given)
    if not isinstance(proper, Instance) or not proper.type.has_base(names.QUERIES) or not query.named:
        return given
    if own_class(receiver).type.has_base(proper.type.fullname):
        return receiver
    return given


def _attributes(value: Type) -> list[str]:
    proper = get_proper_type(value)
    return [f"{name}: {type_!r}" for name, type_ in attributes(proper).items()] if isinstance(proper, Instance) else []


def _with_attributes(model: Instance, named: Mapping[str, Type]) -> Instance:
    made = model.copy_modified()
    made.extra_attrs = ExtraAttrs({**attributes(model), **named}, set(), None)
    return made


def _row(row: Type, named: Mapping[str, Type], query: Query) -> Type:
    proper = get_proper_type(row)
    if isinstance(proper, Instance) and is_model(proper.type):
        return _with_attributes(proper, named)
    if isinstance(proper, TypedDictType) and ANY_NAME not in named:
        return query.call.row({**proper.items, **named})
    if isinstance(proper, TupleType) and ANY_NAME not in named:
        known = proper.partial_fallback.extra_attrs
        if known is not None:
            return query.call.named_row({**known.attrs, **named})
        return proper.copy_modified(items=[*proper.items, *named.values()])
    return unknown()
