"""Names that the methods of a queryset's or manager's class give: `def with_counts(self): return self.annotate(n=Count("pages"))`.

They are written down while mypy analyses the class, as the facts of models are, since a class from mypy's cache has no bodies. The
invariant: a method is told to give every name that it may give; what a name holds may be unknown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from mypy.nodes import CallExpr, Decorator, Expression, FuncDef, MemberExpr, NameExpr, StrExpr, TypeInfo
from mypy.plugin import ClassDefContext

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.facts import leave_trace
from modelkit.mypy_plugin.syntax import descendants

__all__ = ["ANY_NAME", "Given", "given_by", "gives_rows", "may_give", "naming_methods", "record_names"]

ANY_NAME: Final = "*"
"""Among the names that a query or its rows have: there are more, which cannot be told."""

_KEY: Final = "modelkit names"
_NAMING: Final = {"annotate": True, "alias": False}
"""The methods that give names, and whether rows have them, too."""
_NO_NAMES: Final[Mapping[str, Any]] = {}


class Given(NamedTuple):
    """What a name stands for: `kind(path)`, where it is as simple as that; `rows`: rows have it as an attribute."""

    kind: str | None
    path: str | None
    rows: bool


def record_names(context: ClassDefContext) -> None:
    """Write down the names that the methods of a class give, and which methods they call."""
    found: dict[str, Any] = {}
    for part in context.cls.defs.body:
        method = part.func if isinstance(part, Decorator) else part
        if isinstance(method, FuncDef):
            calls = [node for node in descendants(method) if isinstance(node, CallExpr)]
            members = [(call, call.callee) for call in calls if isinstance(call.callee, MemberExpr)]
            given = [pair for call, callee in members for pair in _given(call, callee.name, context)]
            found[method.name] = {"names": dict(given), "calls": sorted({callee.name for _, callee in members})}
    if found:
        text = json.dumps(found, sort_keys=True)
        context.cls.info.metadata[_KEY] = found
        leave_trace(context.cls.info, text, context)


def _given(call: CallExpr, method: str, context: ClassDefContext) -> Iterator[tuple[str, list[Any]]]:
    """The names that one call gives, each with what it stands for."""
    rows = _NAMING.get(method)
    if rows is None:
        return
    for name, value in zip(call.arg_names, call.args, strict=True):
        kind, path = _described(value, context)
        if name is None and kind is not None and path is not None:
            name = f"{path}__{kind.rpartition('.')[2].lower()}"
        yield (name or ANY_NAME), [kind, path, rows]


def _described(value: Expression, context: ClassDefContext) -> tuple[str | None, str | None]:
    """The class and the name of a field in an expression such as `Count("pages")`."""
    match value:
        case CallExpr(callee=NameExpr(name=kind), args=[StrExpr(value=path), *_]):
            pass
        case CallExpr(callee=MemberExpr(expr=NameExpr(name=module), name=last), args=[StrExpr(value=path), *_]):
            kind = f"{module}.{last}"
        case _:
            return None, None
    if set(value.arg_names) - {None, "filter", "distinct"} or value.arg_names[1:].count(None):
        return None, None
    symbol = context.api.lookup_qualified(kind, value, suppress_errors=True)
    info = symbol.node if symbol is not None else None
    known = isinstance(info, TypeInfo) and info.has_base(names.NODE) and info.module_name.startswith("modelkit.")
    return (info.fullname, path) if isinstance(info, TypeInfo) and known else (None, None)


# -- asking


def naming_methods(info: TypeInfo) -> frozenset[str]:
    """The methods of a queryset's or manager's class that give names."""
    return frozenset(method for method in _methods(info) if given_by(info, method))


def given_by(info: TypeInfo, method: str) -> dict[str, Given]:
    """The names that a method gives, by itself or by others of its class that it calls."""
    known = _methods(info)
    found: dict[str, Given] = {}
    waiting, seen = [method], {method}
    while waiting:
        entry = known.get(waiting.pop(), _NO_NAMES)
        for name, described in entry.get("names", _NO_NAMES).items():
            found.setdefault(name, Given(*described))
        called = [each for each in entry.get("calls", ()) if each in known and each not in seen]
        seen.update(called)
        waiting.extend(called)
    return found


def may_give(info: TypeInfo, name: str) -> bool:
    """Whether queries of such a class may have this name: some method gives it, or all begin with names that cannot be told."""
    return _gives(info, name) is not None or ANY_NAME in given_by(info, "get_queryset")


def gives_rows(info: TypeInfo, name: str) -> bool:
    """Whether some method of a queryset's or manager's class gives rows an attribute of this very name."""
    given = _gives(info, name)
    return given is not None and given.rows


def _gives(info: TypeInfo, name: str) -> Given | None:
    found = [Given(*entry["names"][name]) for entry in _methods(info).values() if name in entry["names"]]
    return max(found, key=lambda given: given.rows, default=None)


def _methods(info: TypeInfo) -> Mapping[str, Any]:
    """By name what is written down of the methods of a class and of those that it derives from."""
    found: dict[str, Any] = {}
    for base in reversed(info.mro):
        found.update(base.metadata.get(_KEY, _NO_NAMES))
    return found
