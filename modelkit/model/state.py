"""`instance._state` and the making of instances: how values get into an instance's flat `__dict__`.

Knows Options and fields. The invariant: nothing internal reads `_state`; it is a view of `__dict__` for users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final

from modelkit.errors import FieldDoesNotExist, did_you_mean
from modelkit.loading import is_data_descriptor
from modelkit.modelinfo import kept_as
from modelkit.options import Options
from modelkit.owners import ABSENT, LISTS, kept
from modelkit.records import dataclass
from modelkit.transaction import DEFAULT

__all__ = ["DEFERRED", "Construction", "InstanceState", "construction", "share_keys"]


class _Deferred:
    def __repr__(self) -> str:
        return "<Deferred field>"

    def __str__(self) -> str:
        return "<Deferred field>"


DEFERRED: Final = _Deferred()
"""Stands for the value of a field that is not loaded, where instances are made by position."""


class FieldsCache(MutableMapping[str, Any]):
    """The related instances that an instance keeps, by the relation's name."""

    def __init__(self, instance: Any) -> None:
        self._instance = instance

    def __getitem__(self, name: str) -> Any:
        found = kept(self._instance.__dict__, kept_as(name))
        if found is ABSENT:
            raise KeyError(name)
        return found

    def __setitem__(self, name: str, value: Any) -> None:
        self._instance.__dict__[kept_as(name)] = value

    def __delitem__(self, name: str) -> None:
        del self._instance.__dict__[kept_as(name)]

    def __iter__(self) -> Iterator[str]:
        state = self._instance.__dict__
        accessors = self._instance._meta.info.accessors.items()
        return (name for name, relation in accessors if not relation.many and relation.cache in state)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class InstanceState:
    """Where an instance stands: `adding` until it is saved, `db` the alias of its store (None before), `fields_cache`."""

    __slots__ = ("_instance",)

    def __init__(self, instance: Any) -> None:
        self._instance = instance

    @property
    def adding(self) -> bool:
        """Whether the instance has not been saved."""
        return "_adding" in self._instance.__dict__

    @adding.setter
    def adding(self, value: bool) -> None:
        state = self._instance.__dict__
        if value:
            state.setdefault("_db", DEFAULT)
            state["_adding"] = True
        elif state.pop("_adding", None) and state.get("_db") is None:
            state.pop("_db", None)

    @property
    def db(self) -> str | None:
        """The alias of the store that the instance was loaded from or saved to."""
        state = self._instance.__dict__
        alias: str | None = state.get("_db")
        return DEFAULT if alias is None and "_adding" not in state else alias

    @db.setter
    def db(self, alias: str | None) -> None:
        self._instance.__dict__["_db"] = alias

    @property
    def fields_cache(self) -> FieldsCache:
        """The related instances that are kept, by name."""
        return FieldsCache(self._instance)

    def __repr__(self) -> str:
        return f"<InstanceState: adding={self.adding}, db={self.db!r}>"


@dataclass(frozen=True, slots=True)
class Construction:
    """How `Model(...)` fills `__dict__`.

    `constants` are the values that every instance starts with, in the order of the fields; `calls` make the others.
    Keywords among `plain` are written as they are; all others are set as attributes.
    """

    constants: dict[str, Any]
    calls: tuple[tuple[str, str, Callable[[], Any]], ...]
    """Attname and name of a field whose default is called, and the call."""
    watched: tuple[tuple[str, str, Callable[[], Any]], ...]
    """The same of fields whose attribute on the class watches over being set: their defaults are set, too."""
    plain: frozenset[str]
    attnames: tuple[str, ...]
    names: dict[str, str]
    """Name of a foreign key -> its attname."""
    mixed: bool
    """Whether attributes watch over being set, or a class that is no model stands after this package's in the class's order of
    resolution."""


def construction(meta: Options) -> Construction:
    """The construction of a concrete model; TypeError for an abstract one."""
    if meta.abstract:
        raise TypeError(f"{meta.object_name} is abstract: it has no instances.")
    constants: dict[str, Any] = {}
    calls = []
    watched = []
    plain = set()
    for field in meta.concrete_fields:
        if field.generated:
            continue
        if is_data_descriptor(meta.model, field.attname):
            watched.append((field.attname, field.name, field.get_default))
            continue
        constants[field.attname] = None
        if (field.has_default() and callable(field.default)) or _own_default(field):
            calls.append((field.attname, field.name, field.get_default))
        else:
            constants[field.attname] = field.get_default()
        plain.add(field.attname)
    constants["_adding"] = True
    if meta.model.__setattr__ is not object.__setattr__:
        plain.clear()
    made = Construction(
        constants,
        tuple(calls),
        tuple(watched),
        frozenset(plain),
        tuple(field.attname for field in meta.concrete_fields),
        {field.name: field.attname for field in meta.concrete_fields if field.name != field.attname},
        _is_mixed(meta.model) or bool(watched),
    )
    meta.made["construction"] = made
    return made


def share_keys(model: Any) -> None:
    """Make known to CPython which attributes instances of a concrete model have, before there are any.

    It keeps an instance's values in an array beside those of the others, instead of a dictionary of its own, as long as
    the class's table has all of their names; and the table takes in names only while there are few instances.
    A model with a finalizer is left as it is: the instance that teaches the names must not be finalized.
    """
    if hasattr(model, "__del__"):
        return
    meta = model._meta
    names = [field.attname for field in meta.concrete_fields]
    related = [kept_as(field.name) for field in meta.fields if field.is_relation]
    first = object.__new__(model)
    for name in (*names, "_adding", "_db", LISTS, *related):
        if not is_data_descriptor(model, name):
            object.__setattr__(first, name, None)


def _is_mixed(model: Any) -> bool:
    order = model.mro()
    root = max(number for number, base in enumerate(order) if base.__module__.startswith("modelkit.model."))
    return any("__init__" in base.__dict__ for base in order[root + 1 : -1])


def _own_default(field: Any) -> bool:
    """Whether get_default() may give another value each time it is called."""
    overridden = not str(field.get_default.__func__.__module__).startswith("modelkit.")
    return overridden or bool(field.is_relation and field.has_default())


def by_position(meta: Options, plan: Construction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Positional arguments as keywords. Raises IndexError where there are too many, TypeError where one is given twice."""
    if len(args) > len(plan.attnames):
        raise IndexError(
            f"{meta.object_name}() takes at most {len(plan.attnames)} positional values, {len(args)} were given."
        )
    merged = dict(kwargs)
    for field, value in zip(meta.concrete_fields, args, strict=False):
        if field.name in kwargs or field.attname in kwargs:
            raise TypeError(
                f"{meta.model.__qualname__}() got both positional and keyword arguments for field '{field.name}'."
            )
        merged[field.attname] = value
    return merged


def assign(instance: Any, meta: Options, plan: Construction, kwargs: dict[str, Any]) -> None:
    """Set keywords that are not all plain columns: related instances, properties, deferred values. "pk" has the last word.

    Raises TypeError for a name that the model does not have, with the near miss.
    """
    state = instance.__dict__
    unexpected = []
    for name, attname in plan.names.items():
        if name in kwargs and attname in kwargs:
            raise TypeError(f"{meta.object_name}() got both '{name}' and '{attname}': give one of them.")
    if "pk" in kwargs:
        kwargs = {**{name: value for name, value in kwargs.items() if name != "pk"}, "pk": kwargs["pk"]}
    for name, value in kwargs.items():
        if value is DEFERRED:
            state.pop(plan.names.get(name, name), None)
        elif name in plan.plain:
            state[name] = value
        elif name in plan.names or (name in plan.constants and name != "_adding") or name in meta._property_names:
            setattr(instance, name, value)
        else:
            try:
                meta.get_field(name)
            except FieldDoesNotExist:
                unexpected.append(name)
            else:
                setattr(instance, name, value)
    if unexpected:
        known = [*plan.names, *plan.attnames, *(field.name for field in meta.private_fields)]
        raise TypeError(
            f"{meta.object_name}() got unexpected keyword arguments: {', '.join(map(repr, unexpected))}."
            f"{did_you_mean(unexpected[0], known)}"
        )
