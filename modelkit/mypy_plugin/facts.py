"""What the body of a model class says, written down while mypy analyses the class: the options of fields and of Meta.

Types alone do not tell `related_name` or `to_field`, and a module that comes from mypy's cache has no body any more, so these facts
are kept in the class's own `TypeInfo.metadata`. The invariant: facts of a class are written when that class is analysed, and of no
other class.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from mypy.nodes import (
    MDEF,
    AssignmentStmt,
    CallExpr,
    ClassDef,
    Expression,
    IndexExpr,
    LambdaExpr,
    MemberExpr,
    NameExpr,
    RefExpr,
    ReturnStmt,
    StrExpr,
    SymbolTableNode,
    TypeAlias,
    TypeInfo,
    Var,
)
from mypy.plugin import ClassDefContext
from mypy.server.trigger import make_trigger
from mypy.types import AnyType, Instance, LiteralType, TypeOfAny, UnboundType, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.project import Project

__all__ = ["FIELD_TRACE", "FieldFacts", "ModelFacts", "facts_of", "is_model", "is_true", "leave_trace", "record"]

_KEY: Final = "modelkit"
FIELD_TRACE: Final = "<facts>"
"""A name in the symbol table of each class of which something is written down: mypy's daemon compares its type, which changes with that."""


class FieldFacts(NamedTuple):
    """What stands in `name = kind(...)`. `kind` is the full name of the class that is called.

    `to` is the target of a relation: the full name of a class, or the text that was given (`label`).
    """

    kind: str
    null: bool = False
    primary_key: bool = False
    defaulted: bool = False
    """Whether a new row has a value without being told: a default, one of the store's, the current time."""
    blank: bool = False
    choices: bool = False
    parent_link: bool = False
    hidden: bool = False
    to: str | None = None
    label: str | None = None
    to_field: str | None = None
    related_name: str | None = None
    related_query_name: str | None = None
    symmetrical: bool | None = None
    via: str | None = None
    """The field whose far side a Reverse names."""


class ModelFacts(NamedTuple):
    """A model class's own body; what it inherits is said by its bases."""

    fields: dict[str, FieldFacts]
    abstract: bool = False
    proxy: bool = False
    app_label: str | None = None
    default_related_name: str | None = None
    default_manager_name: str | None = None
    managers: tuple[tuple[str, str | None], ...] = ()
    """Names of what are managers, or may be, in their order; each with the full name of the class whose methods it has, if that shows."""
    incoming: tuple[str, ...] = ()
    """The full names of classes that may have a relation to this one: to be looked at when somebody asks."""
    derived: tuple[str, ...] = ()
    """The full names of classes that may derive from this one directly, unless it is abstract."""


def is_model(info: TypeInfo) -> bool:
    """Whether `info` is a model class, the roots included."""
    return info.has_base(names.BARE_MODEL)


def facts_of(info: TypeInfo) -> ModelFacts | None:
    """The facts of a model class; None where none were written."""
    data = info.metadata.get(_KEY)
    return None if data is None else _parsed(data["facts"])


@cache
def _parsed(text: str) -> ModelFacts:
    raw = json.loads(text)
    fields = {name: FieldFacts(**field) for name, field in raw.pop("fields", {}).items()}
    incoming, derived = (tuple(raw.pop(name, ())) for name in ("incoming", "derived"))
    managers = tuple((name, kind) for name, kind in raw.pop("managers", ()))
    return ModelFacts(fields=fields, incoming=incoming, derived=derived, managers=managers, **raw)


def record(context: ClassDefContext, project: Project) -> None:
    """Write down the facts of the class that is analysed."""
    definition = context.cls
    info = definition.info
    meta = _meta(definition)
    abstract = is_true(meta.get("abstract"))
    facts = ModelFacts(
        fields=dict(_fields(definition)),
        abstract=abstract,
        proxy=is_true(meta.get("proxy")),
        app_label=_text(meta.get("app_label")),
        default_related_name=_text(meta.get("default_related_name")),
        default_manager_name=_text(meta.get("default_manager_name")),
        managers=tuple(_managers(definition)),
        incoming=tuple(project.incoming(info.module_name, definition.name)),
        derived=() if abstract else tuple(project.derived(info.module_name, definition.name)),
    )
    text = json.dumps(_plain(facts), sort_keys=True)
    info.metadata[_KEY] = {"facts": text}
    leave_trace(info, text, context)
    _declare_keys(info, facts)
    _announce(context, project.reached(info.module_name, definition.name))


def leave_trace(info: TypeInfo, text: str, context: ClassDefContext) -> None:
    """Let mypy's daemon see that what is written down of a class has changed."""
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    trace = Var(FIELD_TRACE, LiteralType(digest, context.api.named_type("builtins.str")))
    trace.info = info
    trace._fullname = f"{info.fullname}.{FIELD_TRACE}"
    info.names[FIELD_TRACE] = SymbolTableNode(MDEF, trace, plugin_generated=True)


def _announce(context: ClassDefContext, modules: list[str]) -> None:
    """Have mypy's daemon analyse modules again when the class's facts change and when it comes or goes.

    These hold the models that the class leads to, and what leads to a model is among its facts.
    """
    fullname = context.cls.info.fullname
    for module in modules:
        for name in (fullname, f"{fullname}.{FIELD_TRACE}"):
            context.api.add_plugin_dependency(make_trigger(name), module)


def _declare_keys(info: TypeInfo, facts: ModelFacts) -> None:
    """Give the class `team_id` for each foreign key `team`; what it holds is said by the attribute's hook."""
    for name, field in facts.fields.items():
        attname = f"{name}_id"
        if field.to is None and field.label is None:
            continue
        if attname in info.names or not _has_key(field):
            continue
        key = Var(attname, AnyType(TypeOfAny.special_form))
        key.info = info
        key._fullname = f"{info.fullname}.{attname}"
        info.names[attname] = SymbolTableNode(MDEF, key, plugin_generated=True)


def _has_key(field: FieldFacts) -> bool:
    return field.kind not in {names.MANY_TO_MANY, names.FOREIGN_OBJECT, names.GENERIC_RELATION} and field.via is None


# -- reading the body


def _meta(definition: ClassDef) -> dict[str, Expression]:
    for statement in definition.defs.body:
        if isinstance(statement, ClassDef) and statement.name == "Meta":
            return {name: value for name, value, _ in _assignments(statement)}
    return {}


def _assignments(definition: ClassDef) -> Iterator[tuple[str, Expression, AssignmentStmt]]:
    for statement in definition.defs.body:
        if isinstance(statement, AssignmentStmt) and len(statement.lvalues) == 1:
            target = statement.lvalues[0]
            if isinstance(target, NameExpr):
                yield target.name, statement.rvalue, statement


def _fields(definition: ClassDef) -> Iterator[tuple[str, FieldFacts]]:
    for name, value, statement in _assignments(definition):
        if not isinstance(value, CallExpr):
            continue
        kind = class_called(value.callee)
        if kind is None:
            continue
        if kind.fullname in {names.REVERSE, names.REVERSE_ONE}:
            yield name, FieldFacts(kind.fullname, via=_via(value), label=_annotated(statement))
        elif kind.has_base(names.FIELD):
            yield name, _field(kind, value)


def _managers(definition: ClassDef) -> Iterator[tuple[str, str | None]]:
    for name, value, _ in _assignments(definition):
        if not isinstance(value, CallExpr):
            continue
        kind = class_called(value.callee)
        if kind is None:
            methods = _started_by(value.callee)
            yield name, methods.fullname if methods is not None else None
        elif kind.has_base(names.QUERIES):
            yield name, kind.fullname


def _started_by(callee: Expression) -> TypeInfo | None:
    """The queryset's class of `BookQuerySet.as_manager` and of `Manager.from_queryset(BookQuerySet)`."""
    match callee:
        case MemberExpr(expr=IndexExpr(base=kind) | kind, name="as_manager"):
            return class_called(kind)
        case CallExpr(callee=MemberExpr(name="from_queryset"), args=[IndexExpr(base=kind) | kind, *_]):
            return class_called(kind)
    return None


def class_called(callee: Expression) -> TypeInfo | None:
    """The class that a call makes an instance of; None where it calls something else."""
    if not isinstance(callee, RefExpr):
        return None
    node = callee.node
    if isinstance(node, TypeAlias):
        target = get_proper_type(node.target)
        return target.type if isinstance(target, Instance) else None
    return node if isinstance(node, TypeInfo) else None


def _via(call: CallExpr) -> str | None:
    argument = call.args[0] if call.args else None
    if isinstance(argument, LambdaExpr) and argument.body.body:
        last = argument.body.body[-1]
        if isinstance(last, ReturnStmt) and isinstance(last.expr, MemberExpr):
            return last.expr.name
    return _text(argument)


def _annotated(statement: AssignmentStmt) -> str | None:
    """`User` of an annotation `Reverse[User]` or `Reverse["shop.User"]`."""
    said = statement.unanalyzed_type
    inner = said.args[0] if isinstance(said, UnboundType) and said.args else None
    return inner.name.rpartition(".")[2] if isinstance(inner, UnboundType) else None


def _field(kind: TypeInfo, call: CallExpr) -> FieldFacts:
    options = {name: value for name, value in zip(call.arg_names, call.args, strict=True) if name is not None}
    positional = [value for name, value in zip(call.arg_names, call.args, strict=True) if name is None]
    related = kind.has_base(names.RELATION_FIELD) or kind.fullname == names.GENERIC_RELATION
    target = options.get("to", positional[0] if positional else None) if related else None
    many = kind.has_base(names.MANY_TO_MANY)
    if related and len(positional) > (1 if many else 2):
        option = "to_field" if kind.has_base(names.ONE_TO_ONE) else "related_name"
        options.setdefault(option, positional[1 if many else 2])
    related_name = _text(options.get("related_name"))
    return FieldFacts(
        kind=kind.fullname,
        null=is_true(options.get("null")),
        primary_key=is_true(options.get("primary_key")) or kind.fullname == names.COMPOSITE_KEY,
        defaulted=_is_defaulted(kind, options),
        blank=is_true(options.get("blank")),
        choices="choices" in options,
        parent_link=is_true(options.get("parent_link")),
        hidden=related_name is not None and related_name.endswith("+"),
        to=target.fullname or None if isinstance(target, RefExpr) and class_called(target) is not None else None,
        label=_text(target),
        to_field=_text(options.get("to_field")),
        related_name=related_name,
        related_query_name=_text(options.get("related_query_name")),
        symmetrical=None if "symmetrical" not in options else is_true(options["symmetrical"]),
    )


_FILLED: Final = ("default", "db_default", "auto_now", "auto_now_add")


def _is_defaulted(kind: TypeInfo, options: dict[str, Expression]) -> bool:
    """Whether a new row gets a value without being given one, or may; a class of the user's own may in ways of its own."""
    if any(option in options for option in _FILLED) or kind.fullname in {names.GENERATED, names.COMPOSITE_KEY}:
        return True
    return not kind.fullname.startswith("modelkit.") or any(
        part in kind.name for part in ("Auto", "OrderWrt", "Version")
    )


def is_true(value: Expression | None) -> bool:
    """Whether an option is the constant True."""
    return isinstance(value, NameExpr) and value.fullname == "builtins.True"


def _text(value: Expression | None) -> str | None:
    return value.value if isinstance(value, StrExpr) else None


# -- keeping


def _plain(facts: ModelFacts) -> dict[str, Any]:
    """`facts` without what is as it is by default."""
    plain = _told(facts)
    plain["fields"] = {name: _told(field) for name, field in facts.fields.items()}
    return plain


def _told(facts: FieldFacts | ModelFacts) -> dict[str, Any]:
    defaults = facts._field_defaults
    return {
        name: value
        for name, value in zip(facts._fields, facts, strict=True)
        if name not in defaults or value != defaults[name]
    }
