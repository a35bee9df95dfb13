"""What a hook may ask of mypy while it looks at one call or attribute: classes by name, errors at a place, dependencies.

The one place that touches the checker's inner state. The invariant: whatever class an answer was read from is a dependency of the
module that asked, for mypy's cache and for its daemon alike.
"""

from __future__ import annotations

import linecache
import re
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

from mypy.errorcodes import ErrorCode
from mypy.nodes import Context, Expression, MypyFile, TempNode, TypeInfo
from mypy.server.trigger import make_trigger
from mypy.types import AnyType, ExtraAttrs, Instance, PartialType, TupleType, Type, TypedDictType, TypeOfAny

from modelkit.mypy_plugin.facts import FIELD_TRACE, FieldFacts, facts_of
from modelkit.mypy_plugin.lineage import Kinds, Lineage, Lineages
from modelkit.mypy_plugin.project import Project

__all__ = ["QUERY", "Call", "Keyword", "Place"]

_LIBRARIES: Final = frozenset({"modelkit", "builtins", "typing", "abc"})

QUERY: Final = ErrorCode("modelkit", "Names and values in queries fit the models", "modelkit")


class Keyword(NamedTuple):
    """Where a keyword argument's name stands, which mypy does not keep: before its value."""

    name: str
    value: Expression


Place: TypeAlias = Context | Keyword


class Call:
    """The place where a hook was called. `api` is the type checker."""

    def __init__(
        self,
        api: Any,
        modules: dict[str, MypyFile],
        project: Project,
        lineages: Lineages,
        *,
        looks_back: bool = False,
    ) -> None:
        self.api = api
        self._modules = modules
        self._project = project
        self._lineages = lineages
        self._asked: dict[TypeInfo, Lineage] = {}
        self._looks_back = looks_back
        self._for_daemon: bool = api.options.fine_grained_incremental or api.options.cache_fine_grained
        """Whether mypy goes by what functions depend on; elsewhere it goes by modules alone."""

    def looking_back(self) -> Call:
        """The same place, for a look at expressions that mypy went over before."""
        return Call(self.api, self._modules, self._project, self._lineages, looks_back=True)

    @property
    def module(self) -> str:
        """The module that is checked."""
        return str(self.api.tree.fullname)

    @property
    def redefines(self) -> bool:
        """Whether a variable may be of another type with each value that it is assigned: options that versions of mypy call otherwise."""
        return any(getattr(self.api.options, f"allow_redefinition{ending}", False) for ending in ("", "_new", "_old"))

    # -- classes

    def info(self, fullname: str) -> TypeInfo | None:
        """The class of that full name; None where mypy has not read its module."""
        module, _, name = fullname.rpartition(".")
        tree = self._modules.get(module)
        symbol = tree.names.get(name) if tree is not None else None
        return symbol.node if symbol is not None and isinstance(symbol.node, TypeInfo) else None

    def named(self, module: str, label: str) -> TypeInfo | None:
        """The model that text names in `module`: "User", or "shop.User" by its app's label."""
        if "." not in label:
            own = self.info(f"{module}.{label}")
            if own is not None:
                return own
        for fullname in self._project.named(module, label):
            found = self.info(fullname)
            if found is not None and facts_of(found) is not None:
                return found
        return None

    def target(self, facts: FieldFacts, owner: TypeInfo, seen_on: TypeInfo) -> TypeInfo | None:
        """The model that a relation leads to: one that `owner` declares and `seen_on` has. None where it is not known."""
        if facts.to is not None:
            return self.info(facts.to)
        if facts.label == "self":
            return seen_on
        return None if facts.label is None else self.named(owner.module_name, facts.label)

    def lineage(self, info: TypeInfo) -> Lineage:
        """What a model class consists of; what asked depends on all of it."""
        found = self._asked.get(info)
        if found is None:
            found = self._asked[info] = self._lineages.of(info)
            self.api.module_refs.update(found.modules)
            if self._for_daemon:
                for trigger in found.triggers:
                    self._depends_on(trigger)
        return found

    def registers(self, module: str, name: str) -> bool:
        """Whether somebody registers a lookup or transform of this name."""
        return self._project.registers(module, name)

    # -- types

    def instance(self, fullname: str, *args: Type) -> Instance:
        """An instance of a class that is there for sure: Python's, or this package's."""
        info = self.info(fullname)
        if info is None:
            made: Instance = self.api.named_generic_type(fullname, list(args))
            return made
        return Instance(info, list(args))

    def row(self, items: dict[str, Type]) -> TypedDictType:
        """A dict with exactly these keys."""
        return TypedDictType(items, set(items), set(), self.api.named_generic_type("typing._TypedDict", []))

    def named_row(self, items: dict[str, Type]) -> TupleType:
        """A tuple of these values, each of which is an attribute, too."""
        fallback: Instance = self.api.named_generic_type("typing.NamedTuple", []).copy_modified()
        fallback.extra_attrs = ExtraAttrs(dict(items), set(items), None)
        return TupleType(list(items.values()), fallback)

    def type_of(self, expression: Expression, context: Type | None = None) -> Type:
        """The type of an expression, as mypy infers it where a value of `context` is expected, or did when it went over it."""
        found: Type
        if self._looks_back:
            found = (
                self.api.lookup_type(expression) if self.api.has_type(expression) else AnyType(TypeOfAny.special_form)
            )
            return AnyType(TypeOfAny.special_form) if isinstance(found, PartialType) else found
        found = self.api.get_expression_type(expression, context)
        return found

    def worked_out(self, expression: Expression) -> Type | None:
        """The type that mypy found for an expression; None where it was not there yet."""
        found: Type | None = self.api.lookup_type_or_none(expression)
        return found

    # -- dependencies

    def depends_on(self, info: TypeInfo) -> None:
        """Check the module that asked again when a model's fields change."""
        self.api.module_refs.add(info.module_name)
        self.depends_on_name(info, FIELD_TRACE)

    def depends_on_kinds(self, kinds: Kinds) -> None:
        """Check what asked again when a class of fields changes."""
        for kind in kinds:
            self.api.module_refs.add(kind.module_name)
            if self._for_daemon:
                self._depends_on(make_trigger(kind.fullname))

    def depends_on_name(self, info: TypeInfo, name: str) -> None:
        """Check what asked again when `name` of a class appears, goes, or is of another type."""
        if self._for_daemon:
            self._depends_on(make_trigger(f"{info.fullname}.{name}"))

    def _depends_on(self, trigger: str) -> None:
        self._dependencies.setdefault(trigger, set()).add(self._target)

    @cached_property
    def _dependencies(self) -> dict[str, set[str]]:
        """Triggers of mypy's daemon -> what of this module is to be checked again."""
        known: dict[str, set[str]] = self.api.tree.plugin_deps
        return known

    @cached_property
    def _target(self) -> str:
        """The function that is checked, else the module."""
        return str(self.api.tscope.current_target())

    def depends_on_methods(self, info: TypeInfo) -> None:
        """Check what asked again when the project's own classes in the lineage of `info` get, lose or change a method."""
        for base in info.mro:
            if base.module_name.partition(".")[0] not in _LIBRARIES:
                self.api.module_refs.add(base.module_name)
                for name in base.names:
                    self.depends_on_name(base, name)

    # -- errors

    def fail(self, message: str, place: Place) -> None:
        """Report an error there."""
        self.api.fail(message, self._context(place) if isinstance(place, Keyword) else place, code=QUERY)

    def insist(self, message: str, place: Context) -> None:
        """Report an error there, though mypy may be trying one of several ways to understand a call, and holds back their errors.

        Nothing is said where that way has failed already.
        """
        errors = self.api.errors
        held = errors._watchers
        if held and held[-1].has_new_errors():
            return
        errors._watchers = []
        try:
            self.fail(message, place)
        finally:
            errors._watchers = held

    def _context(self, keyword: Keyword) -> Context:
        """Where a keyword stands; its value where that cannot be told."""
        name, value = keyword.name, keyword.value
        line = linecache.getline(self.api.path, value.line)
        found = [match.start() for match in re.finditer(rf"\b{re.escape(name)}\s*=", line[: value.column + 1])]
        if not found:
            return value
        place = TempNode(self.api.named_generic_type("builtins.object", []))
        place.set_line(value.line, found[-1], value.line, found[-1] + len(name))
        return place
