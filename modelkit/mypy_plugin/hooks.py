"""Which hook of mypy leads where: the plugin's class, and the tables of methods that it looks at.

Knows all rooms of the plugin. The invariant: every hook that mypy gets is guarded.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from mypy.errorcodes import ATTR_DEFINED
from mypy.messages import format_type_bare
from mypy.nodes import (
    ARG_POS,
    ARG_STAR,
    ARG_STAR2,
    Argument,
    CallExpr,
    Context,
    Expression,
    MemberExpr,
    MypyFile,
    RefExpr,
    SymbolTableNode,
    TypeAlias,
    TypeInfo,
    Var,
)
from mypy.options import Options
from mypy.plugin import (
    AttributeContext,
    ClassDefContext,
    FunctionContext,
    FunctionSigContext,
    MethodContext,
    MethodSigContext,
    Plugin,
    ReportConfigContext,
)
from mypy.plugins.common import add_method_to_class
from mypy.types import (
    AnyType,
    CallableType,
    FunctionLike,
    Instance,
    Type,
    TypeOfAny,
    TypeType,
    TypeVarType,
    UnionType,
    get_proper_type,
    remove_dups,
)

from modelkit.mypy_plugin import (
    __version__,
    accessors,
    annotating,
    carrying,
    conditions,
    generic_self,
    managers,
    meta,
    named_fields,
    names,
    naming,
    related,
    rows,
    targets,
    truth,
    writes,
)
from modelkit.mypy_plugin.answers import Answers
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.facts import facts_of, is_model, record
from modelkit.mypy_plugin.guard import guarded
from modelkit.mypy_plugin.lineage import Lineages
from modelkit.mypy_plugin.models import Model
from modelkit.mypy_plugin.naming import ANY_NAME
from modelkit.mypy_plugin.positions import Bodies
from modelkit.mypy_plugin.project import Project
from modelkit.mypy_plugin.query import Query, attributes, query_of

__all__ = ["ModelkitPlugin"]

Signature = Callable[[Query, CallExpr, CallableType], CallableType]
Result = Callable[[Query, CallExpr, Instance, Type], Type]

_FILTERS: Final = ("filter", "exclude", "get", "aget")
_SIGNATURES: Final[dict[str, Signature]] = {
    **dict.fromkeys(_FILTERS, conditions.checked),
    "complex_filter": conditions.checked_whole,
    **dict.fromkeys(("order_by", "earliest", "latest", "aearliest", "alatest"), named_fields.ordered),
    **dict.fromkeys(("only", "defer", "dates", "datetimes"), named_fields.chosen),
    "distinct": named_fields.distinguished,
    **dict.fromkeys(
        ("in_bulk", "ain_bulk", "bulk_update", "abulk_update", "bulk_create", "abulk_create"), named_fields.of_rows
    ),
    "select_related": named_fields.related,
    "prefetch_related": named_fields.prefetched,
    **dict.fromkeys(("update", "aupdate"), writes.updated),
    **dict.fromkeys(
        ("get_or_create", "aget_or_create", "update_or_create", "aupdate_or_create"), writes.found_or_created
    ),
    **dict.fromkeys(("values", "values_list"), rows.checked),
    **dict.fromkeys(("annotate", "alias", "aggregate", "aaggregate"), annotating.checked),
}
_CREATE: Final = frozenset({"create", "acreate"})
_RESULTS: Final[dict[str, Result]] = {
    "values": rows.of_values,
    "values_list": rows.of_values_list,
    "annotate": partial(annotating.of_annotate, rows=True),
    "alias": partial(annotating.of_annotate, rows=False),
    **dict.fromkeys(("aggregate", "aaggregate"), annotating.of_aggregate),
    **dict.fromkeys(("in_bulk", "ain_bulk"), rows.of_bulk),
    "prefetch_related": named_fields.of_prefetched,
}
_ASKED: Final = frozenset({*_SIGNATURES, *_CREATE, *_RESULTS})
_OF_INSTANCES: Final = frozenset(
    {"save", "asave", "save_base", "refresh_from_db", "arefresh_from_db", "full_clean", "clean_fields"}
)
_RELATIONS: Final = (
    names.FOREIGN_KEY,
    names.ONE_TO_ONE,
    names.MANY_TO_MANY,
    names.FOREIGN_OBJECT,
    names.GENERIC_RELATION,
)
_OF_MODELS: Final = (f"{names.BARE_MODEL}.", f"{names.MODEL_META}.")
_OF_RELATED: Final = f"{names.RELATED_SET}."
_NONE: Final[frozenset[str]] = frozenset()
_LEN: Final = "builtins.len"
_CLASS_STATEMENT: Final = "builtins.object.__init_subclass__"
"""The method that mypy looks up for each class without a metaclass, once it has been through its body."""
_FOREIGN: Final = ("builtins.", "typing.", "collections.", "typing_extensions.", "_typeshed.")
_NEVER: Final = (*_FOREIGN, "modelkit.")
"""Where no attribute is a condition or an expression."""


class ModelkitPlugin(Plugin):
    """What mypy asks; each answer is in a room of its own."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._project = Project()
        self._lineages = Lineages()
        self._bodies = Bodies()
        self._no_models: set[str] = set()
        """Full names of what is called and makes no instance of a model, until a model class is analysed."""
        self._base_class = guarded("a base class", self._of_base_class, _nothing)
        self._called = guarded("a call", self._of_called, _nothing)
        self._relation_made = guarded("a relation", self._relation, _result_as_it_was)
        self._truth_of_result = guarded("a truth value", self._inspect_result, _result_as_it_was)
        self._truth_of_attribute = guarded("a truth value", self._inspect_attribute, _as_it_was)
        self._signatures = {
            **{
                method: guarded(f"{method}()", partial(self._signature, method), _signature_as_it_was)
                for method in (*_SIGNATURES, *_CREATE)
            },
            **{method: guarded(f"{method}()", self._of_instance, _signature_as_it_was) for method in _OF_INSTANCES},
            **{method: guarded(f"{method}()", self._begun, _signature_as_it_was) for method in managers.OF_QUERYSETS},
        }
        self._manager_of = guarded("a class's manager", self._find_manager, _nothing)
        self._inherited_manager = guarded("a manager", self._manager, _as_it_was)
        self._meta = guarded("class Meta", self._of_meta, _signature_as_it_was)
        self._results = {
            method: guarded(f"{method}()", partial(self._result, method), _result_as_it_was) for method in _RESULTS
        }
        self._own_methods = Answers(guarded("a class's methods", self._find_naming_methods, lambda _: _NONE))
        """By the full name of a class its methods that give a queryset more names, or give a queryset that has more."""
        self._models = Answers(self._is_model)
        self._attributes = Answers(guarded("an attribute", self._of_attribute, _nothing))
        self._class_attributes = Answers(guarded("a class's attribute", self._of_class_attribute, _nothing))
        self._functions = Answers(guarded("a function", self._of_function, _nothing))
        self._method_signatures = Answers(self._of_method_signature)
        self._methods = Answers(guarded("a method", self._of_method, _nothing))

    # -- modules

    def get_additional_deps(self, file: MypyFile) -> list[tuple[int, str, int]]:
        """The modules that declare relations to the models of this one, and those that it names by text."""

        def found(tree: MypyFile) -> list[tuple[int, str, int]]:
            self._project.renew(tree.fullname, tree.path)
            self._forget_types(tree)
            return [(10, module, -1) for module in self._project.dependencies(tree.fullname)]

        return guarded("get_additional_deps", found, lambda _: [])(file)

    def report_config_data(self, ctx: ReportConfigContext) -> Any:
        """What else a module's cache depends on: mypy knows which plugin wrote the cache last, and not which wrote each module's."""

        def found(context: ReportConfigContext) -> Any:
            self._project.note(context.id, context.path)
            return [__version__, *self._project.digest(context.id)]

        return guarded("report_config_data", found, lambda _: [])(ctx)

    def _forget_types(self, tree: MypyFile) -> None:
        """Drop the answers that follow from what functions and attributes are declared as: a file is read, anew perhaps."""
        linecache.checkcache(tree.path)
        for answers in (self._attributes, self._class_attributes, self._functions, self._methods, self._models):
            answers.clear()

    # -- classes

    def get_base_class_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """Write down what a model's body says."""
        return self._base_class(fullname)

    def _of_base_class(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        if fullname == "builtins.type":
            return guarded("the metaclass of models", self._missing_of_classes, lambda _: None)
        if fullname.startswith(_FOREIGN):
            return None
        symbol = self.lookup_fully_qualified(fullname)
        node = symbol.node if symbol is not None else None
        if isinstance(node, TypeAlias):
            target = get_proper_type(node.target)
            node = target.type if isinstance(target, Instance) else None
        if isinstance(node, TypeInfo) and is_model(node):
            return guarded("a model's class", self._record, lambda _: None)
        if isinstance(node, TypeInfo) and node.has_base(names.QUERIES) and node.fullname != names.QUERIES:
            return guarded("a queryset's class", self._declare, lambda _: None)
        return None

    def get_metaclass_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """Let instances of models be asked for attributes that no class declares."""
        if fullname == names.MODEL_META:
            return guarded("the base of models", self._missing_of_instances, lambda _: None)
        return None

    def _record(self, context: ClassDefContext) -> None:
        module = context.cls.info.module_name
        self._project.note(module, self._path(module))
        self._project.drop_gone(module, context.cls.name)
        record(context, self._project)
        self._lineages.forget()
        self._no_models.clear()
        self._class_attributes.clear()

    def _declare(self, context: ClassDefContext) -> None:
        if context.cls.fullname == names.RELATED_SET:
            _add_getattr(context)
        elif not context.cls.info.module_name.startswith("modelkit."):
            self._own_methods.clear()
            self._methods.clear()
            naming.record_names(context)
            generic_self.declare(context, _ASKED)

    def _path(self, module: str) -> str:
        tree = (self._modules or {}).get(module)
        return tree.path if tree is not None else ""

    def _missing_of_instances(self, context: ClassDefContext) -> None:
        if context.cls.fullname == names.BARE_MODEL:
            _add_getattr(context)

    def _missing_of_classes(self, context: ClassDefContext) -> None:
        if context.cls.fullname == names.MODEL_META:
            _add_getattr(context)

    # -- attributes

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        """Far sides of relations and other attributes of instances that no class declares."""
        return self._attributes[fullname]

    def _of_attribute(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        if fullname.endswith("_id") or fullname.startswith(_OF_MODELS):
            owner, _, name = fullname.rpartition(".")
            if owner == names.BARE_MODEL:
                return guarded("an attribute", partial(self._instance_attribute, name), _as_it_was)
            if owner == names.MODEL_META:
                return guarded("a class's attribute", partial(self._class_attribute, name), _as_it_was)
            if not owner.startswith(_FOREIGN):
                return guarded("a key's attribute", partial(self._key_attribute, name), _as_it_was)
        name = fullname[fullname.rfind(".") + 1 :]
        if fullname.startswith(_OF_RELATED):
            return guarded("a method of related rows", partial(self._related_attribute, name), _anything)
        if name in _ASKED and not fullname.startswith(_FOREIGN):
            owner = fullname[: -len(name) - 1]
            return guarded("a method of self", partial(self._self_attribute, owner, name), _as_it_was)
        symbol = self._declared(fullname, _NEVER) if not self._models[fullname[: -len(name) - 1]] else None
        return self._truth_of_attribute if symbol is not None and truth.may_be_lacked(symbol) else None

    def get_class_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        """A key's attribute on the class: an expression; a manager that a base declares."""
        return self._class_attributes[fullname]

    def _of_class_attribute(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        if fullname.endswith(".objects"):
            return self._manager_of(fullname)
        if fullname.endswith("_id") and not fullname.startswith(_FOREIGN):
            name = fullname.rpartition(".")[2]
            return guarded("a key's expression", partial(self._key_expression, name), _as_it_was)
        symbol = self._declared(fullname, _NEVER)
        return self._truth_of_attribute if symbol is not None and truth.may_be_lacked_on_class(symbol) else None

    def _find_manager(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        """The hook for `objects` of a class that has it from another model."""
        symbol = self.lookup_fully_qualified(fullname.removesuffix(".objects"))
        node = symbol.node if symbol is not None else None
        if isinstance(node, TypeInfo) and is_model(node):
            owner = next((base for base in node.mro if "objects" in base.names), node)
            if owner is not node and owner.fullname not in names.ROOTS:
                return self._inherited_manager
        return None

    def _manager(self, context: AttributeContext) -> Type:
        found, info = get_proper_type(context.default_attr_type), _class_of(context.type)
        if (
            info is None
            or not isinstance(found, Instance)
            or not found.type.has_base(names.QUERIES)
            or not is_model(info)
        ):
            return context.default_attr_type
        return carrying.of_heir(found, info, self._call(context.api))

    def _instance_attribute(self, name: str, context: AttributeContext) -> Type:
        """An attribute that no class declares; of a value that may be of several models, of all that do not declare it."""
        owners = [owner for owner in _models_of(context.type) if owner.type.get(name) is None]
        found = [self._attribute_of(owner, name, context) for owner in owners]
        return UnionType.make_union(remove_dups(found)) if found else context.default_attr_type

    def _attribute_of(self, owner: Instance, name: str, context: AttributeContext) -> Type:
        named = attributes(owner)
        if name in named or ANY_NAME in named:
            return named.get(name, AnyType(TypeOfAny.special_form))
        call = self._call(context.api)
        found = accessors.of_instance(owner, name, call)
        return found or self._no_attribute(owner, name, accessors.near(owner.type, name, call), context)

    def _class_attribute(self, name: str, context: AttributeContext) -> Type:
        info = _class_of(context.type)
        metaclass = self.lookup_fully_qualified(names.MODEL_META)
        meta = metaclass.node if metaclass is not None else None
        if info is None or (isinstance(meta, TypeInfo) and meta.get(name) is not None):
            return context.default_attr_type
        call = self._call(context.api)
        found = accessors.of_class(Model(info, call), name, call)
        return found or self._no_attribute(context.type, name, accessors.near(info, name, call), context)

    def _no_attribute(self, owner: Type, name: str, near: str | None, context: AttributeContext) -> Type:
        """Report an attribute that is not there as mypy does; where one is near that mypy does not know of, say so."""
        checker: Any = context.api
        if near is not None:
            kind = format_type_bare(owner, checker.options)
            checker.fail(f'"{kind}" has no attribute "{name}"; maybe "{near}"?', context.context, code=ATTR_DEFINED)
        else:
            checker.msg.has_no_attr(owner, owner, name, context.context, None)
        return AnyType(TypeOfAny.from_error)

    def _key_attribute(self, name: str, context: AttributeContext) -> Type:
        call = self._call(context.api)
        owners = [owner for owner in _models_of(context.type) if _is_generated(owner.type, name)]
        found = [accessors.of_instance(owner, name, call) or context.default_attr_type for owner in owners]
        return UnionType.make_union(remove_dups(found)) if found else context.default_attr_type

    def _key_expression(self, name: str, context: AttributeContext) -> Type:
        info = _class_of(context.type)
        if info is None or not is_model(info) or not _is_generated(info, name):
            return context.default_attr_type
        call = self._call(context.api)
        found = accessors.of_class(Model(info, call), name, call)
        if found is None:
            return context.default_attr_type
        self._inspect_truth(context.context, found, context.api)
        return found

    def _self_attribute(self, owner: str, name: str, context: AttributeContext) -> Type:
        call = self._call(context.api)
        info = call.info(owner)
        if info is None or not info.has_base(names.QUERIES) or not _is_generated(info, name):
            return context.default_attr_type
        return generic_self.attribute(info, name, context, call, partial(self._asked, name, call))

    def _related_attribute(self, name: str, context: AttributeContext) -> Type:
        owner = get_proper_type(context.type)
        if not isinstance(owner, Instance):
            return context.default_attr_type
        named = attributes(owner)
        if name in named:
            return named[name]
        call = self._call(context.api)
        found = related.attribute(owner, name, context, call)
        return found or self._no_attribute(owner, name, related.near(owner, name, call), context)

    def _asked(
        self, name: str, call: Call, made_by: CallExpr, queryset: Instance, method: CallableType
    ) -> CallableType:
        """A method with what a call of it on a queryset says."""
        query = query_of(queryset, call, _source(made_by)) if _takes_names(method) else None
        if query is None:
            return method
        told = _SIGNATURES[name](query, made_by, method) if name in _SIGNATURES else method
        if name in _CREATE:
            told = writes.created(query, made_by, method, related=False)
        if name in _RESULTS:
            default = queryset if isinstance(get_proper_type(told.ret_type), TypeVarType) else told.ret_type
            given = _RESULTS[name](query, made_by, queryset, default)
            return told if given is default else told.copy_modified(ret_type=given)
        return told

    # -- calls

    def get_function_signature_hook(self, fullname: str) -> Callable[[FunctionSigContext], FunctionLike] | None:
        """The constructor of a model."""
        return None if fullname in self._no_models else self._called(fullname)

    def _of_called(self, fullname: str) -> Callable[[FunctionSigContext], FunctionLike] | None:
        symbol = self.lookup_fully_qualified(fullname) if "." in fullname else None
        node = symbol.node if symbol is not None else None
        if isinstance(node, TypeInfo) and facts_of(node) is not None and node.fullname not in names.ROOTS:
            init = node.get_method("__init__")
            if init is not None and init.info.fullname == names.BARE_MODEL:
                return guarded("a constructor", partial(self._constructor, node), _signature_as_it_was)
        self._no_models.add(fullname)
        return None

    def _constructor(self, info: TypeInfo, context: FunctionSigContext) -> FunctionLike:
        if not isinstance(context.context, CallExpr):
            return context.default_signature
        query = Query(info, {}, self._call(context.api))
        return writes.constructed(query, context.context, context.default_signature)

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """A relation whose target is named by text; len(); a function that gives what has no truth value."""
        return self._functions[fullname]

    def _of_function(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        if fullname in _RELATIONS:
            return self._relation_made
        if fullname == _LEN:
            return guarded("len()", self._counted, _result_as_it_was)
        symbol = self._declared(fullname, _FOREIGN)
        return self._truth_of_result if symbol is not None and truth.may_be_lacked(symbol) else None

    def _relation(self, context: FunctionContext) -> Type:
        if not isinstance(context.context, CallExpr):
            return context.default_return_type
        return targets.of_relation(self._call(context.api), context.context, context.default_return_type)

    def _counted(self, context: FunctionContext) -> Type:
        counted, rows = context.args[0][0], get_proper_type(context.arg_types[0][0])
        if isinstance(counted, RefExpr) and isinstance(rows, Instance) and rows.type.has_base(names.QUERIES):
            managers.check_counted(counted, self._call(context.api))
        return context.default_return_type

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        """A method of a queryset or manager, or of an instance, that takes names."""
        return self._method_signatures[fullname]

    def _of_method_signature(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        method = fullname[fullname.rfind(".") + 1 :]
        hook = self._signatures.get(method)
        if fullname.startswith(_OF_RELATED):
            return guarded("a method of related rows", partial(self._related_signature, method), _signature_as_it_was)
        if hook is None:
            return self._meta if fullname == _CLASS_STATEMENT else None
        return None if fullname.startswith(_FOREIGN) else hook

    def _related_signature(self, method: str, context: MethodSigContext) -> FunctionLike:
        overriding = related.overriding(get_proper_type(context.type), method, context.context, self._call(context.api))
        if overriding is not None:
            context = context._replace(default_signature=overriding)
        hook = self._signatures.get(method)
        return context.default_signature if hook is None else hook(context)

    def _of_meta(self, context: MethodSigContext) -> FunctionLike:
        """Check the class Meta whose statement is looked at, if it is one."""
        call: Any = context.context
        checker: Any = context.api
        owner = checker.scope.active_class() if call.callee.expr.name == "Meta" else None
        symbol = owner.names.get("Meta") if isinstance(owner, TypeInfo) and is_model(owner) else None
        if isinstance(owner, TypeInfo) and symbol is not None and isinstance(symbol.node, TypeInfo):
            meta.check_options(Query(owner, {}, self._call(checker)), symbol.node.defn)
        return context.default_signature

    def _signature(self, method: str, context: MethodSigContext) -> FunctionLike:
        default = context.default_signature
        if not isinstance(context.context, CallExpr) or not _takes_names(default):
            return default
        call = self._call(context.api)
        query = query_of(context.type, call, _source(context.context))
        if query is None:
            return default
        positions = self._bodies.here(context.api)
        if positions is not None:
            truth.inspect_known(positions, call)
        if method in _CREATE:
            receiver = get_proper_type(context.type)
            related = isinstance(receiver, Instance) and receiver.type.has_base(names.RELATED_SET)
            return writes.created(query, context.context, default, related=related)
        return _SIGNATURES[method](query, context.context, default)

    def _begun(self, context: MethodSigContext) -> FunctionLike:
        receiver = get_proper_type(context.type)
        if isinstance(receiver, Instance) and receiver.type.has_base(names.QUERIES):
            managers.check_begun(context.context, self._call(context.api))
        return context.default_signature

    def _of_instance(self, context: MethodSigContext) -> FunctionLike:
        receiver = get_proper_type(context.type)
        if isinstance(context.context, CallExpr) and isinstance(receiver, Instance) and is_model(receiver.type):
            query = Query(receiver.type, {}, self._call(context.api))
            return named_fields.updated_fields(query, context.context, context.default_signature)
        return context.default_signature

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """What a queryset's method gives, where names say more than types."""
        return self._methods[fullname]

    def _of_method(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        dot = fullname.rfind(".")
        method, owner = fullname[dot + 1 :], fullname[:dot]
        hook = self._results.get(method)
        if hook is not None:
            return None if fullname.startswith(_FOREIGN) else hook
        if owner == names.RELATED_SET:
            hook = self._by_other_manager if method == "__call__" else partial(self._own, method)
            return guarded("a method of related rows", hook, _result_as_it_was)
        if method in self._own_methods[owner]:
            return guarded("a method of a queryset's class", partial(self._own, method), _result_as_it_was)
        symbol = self._declared(fullname, _FOREIGN) if method != "__get__" else None
        return self._truth_of_result if symbol is not None and truth.may_be_lacked(symbol) else None

    def _by_other_manager(self, context: MethodContext) -> Type:
        rows, given = get_proper_type(context.type), context.default_return_type
        if not isinstance(context.context, CallExpr) or not isinstance(rows, Instance):
            return given
        return related.by_other_manager(rows, context.context, given, self._call(context.api))

    def _result(self, method: str, context: MethodContext) -> Type:
        call = self._call(context.api)
        receiver, default = related.enriched(get_proper_type(context.type), context.default_return_type, call)
        if not isinstance(context.context, CallExpr) or not isinstance(receiver, Instance):
            return default
        query = query_of(receiver, call, _source(context.context))
        return default if query is None else _RESULTS[method](query, context.context, receiver, default)

    def _find_naming_methods(self, owner: str) -> frozenset[str]:
        symbol = self.lookup_fully_qualified(owner) if "." in owner else None
        node = symbol.node if symbol is not None else None
        if not isinstance(node, TypeInfo) or not node.has_base(names.QUERIES):
            return _NONE
        return carrying.own_methods(node) or naming.naming_methods(node)

    def _own(self, method: str, context: MethodContext) -> Type:
        call = self._call(context.api)
        receiver, given = related.enriched(get_proper_type(context.type), context.default_return_type, call)
        query = query_of(receiver, call)
        if query is None or not isinstance(receiver, Instance):
            return given
        return annotating.of_naming(query, method, receiver, given)

    # -- truth values

    def _is_model(self, fullname: str) -> bool:
        symbol = self.lookup_fully_qualified(fullname) if "." in fullname else None
        return symbol is not None and isinstance(symbol.node, TypeInfo) and is_model(symbol.node)

    def _declared(self, fullname: str, foreign: tuple[str, ...]) -> SymbolTableNode | None:
        """A function, a method or an attribute, unless it is one of those that are not looked at."""
        owner, _, name = fullname.rpartition(".")
        if not owner or fullname.startswith(foreign):
            return None
        within = self.lookup_fully_qualified(owner)
        info = within.node if within is not None else None
        return info.get(name) if isinstance(info, TypeInfo) else self.lookup_fully_qualified(fullname)

    def _inspect_result(self, context: FunctionContext | MethodContext) -> Type:
        self._inspect_truth(context.context, context.default_return_type, context.api)
        return context.default_return_type

    def _inspect_attribute(self, context: AttributeContext) -> Type:
        self._inspect_truth(context.context, context.default_attr_type, context.api)
        return context.default_attr_type

    def _inspect_truth(self, place: Context, given: Type, checker: Any) -> None:
        positions = self._bodies.here(checker)
        if isinstance(place, Expression) and (positions is not None or truth.is_chain(place)):
            truth.inspect(positions, place, given, self._call(checker))

    def _call(self, api: Any) -> Call:
        return Call(api, self._modules or {}, self._project, self._lineages)


def _takes_names(signature: CallableType) -> bool:
    """Whether an overload is the one for names, not one for typed expressions."""
    is_overload = getattr(signature.definition, "is_overload", False)
    return not is_overload or ARG_STAR in signature.arg_kinds or ARG_STAR2 in signature.arg_kinds


def _source(call: CallExpr) -> Expression | None:
    """The expression that a method is called on."""
    return call.callee.expr if isinstance(call.callee, MemberExpr) else None


def _models_of(value: Type) -> list[Instance]:
    """The models that a value may be an instance of."""
    proper = get_proper_type(value)
    if isinstance(proper, UnionType):
        return [found for item in proper.items for found in _models_of(item)]
    if isinstance(proper, TypeVarType):
        return _models_of(proper.upper_bound)
    return [proper] if isinstance(proper, Instance) and is_model(proper.type) else []


def _is_generated(info: TypeInfo, name: str) -> bool:
    """Whether an attribute of a class was put there by this plugin."""
    symbol = info.get(name)
    return symbol is not None and symbol.plugin_generated


def _class_of(value: Type) -> TypeInfo | None:
    """The class that a value of this type is."""
    proper = get_proper_type(value)
    if isinstance(proper, CallableType) and proper.is_type_obj():
        return proper.type_object()
    if isinstance(proper, TypeType):
        item = get_proper_type(proper.item)
        return item.type if isinstance(item, Instance) else None
    items = getattr(proper, "items", None)
    return _class_of(items[0]) if items and isinstance(proper, FunctionLike) else None


def _nothing(_: object) -> None:
    """No hook, where the question for one failed."""


def _as_it_was(context: AttributeContext) -> Type:
    return context.default_attr_type


def _signature_as_it_was(context: MethodSigContext | FunctionSigContext) -> FunctionLike:
    return context.default_signature


def _anything(_: AttributeContext) -> Type:
    return AnyType(TypeOfAny.special_form)


def _result_as_it_was(context: MethodContext | FunctionContext) -> Type:
    return context.default_return_type


def _add_getattr(context: ClassDefContext) -> None:
    text = context.api.named_type("builtins.str")
    argument = Argument(Var("name", text), text, None, ARG_POS)
    add_method_to_class(context.api, context.cls, "__getattr__", [argument], context.api.named_type("builtins.object"))
