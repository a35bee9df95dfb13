"""Managers: what querysets start from, `User.objects`.

A manager is its own descriptor: on the class it gives the manager of that very class, on an instance an error. It knows
querysets, and of a model `_meta` only. The invariant: every method of a queryset that a manager has starts at
`get_queryset()`, so that what a manager leaves out is left out everywhere.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, cast

from typing_extensions import TypeVar

from modelkit.modelinfo import info_of
from modelkit.queryset import rows, writes
from modelkit.queryset.queries import DefaultObjects, ManagerOf, ModelQuerySet, Queries, QuerySet
from modelkit.resolve import filtering, shapes
from modelkit.transaction import DEFAULT

__all__ = ["DefaultObjects", "EmptyManager", "Manager", "ManagerOf"]

M = TypeVar("M")
QS = TypeVar("QS", bound=QuerySet[Any, Any])

_QUERYSET_ONLY = frozenset({"as_manager", "delete", "adelete"})
"""What a queryset does and a manager does not: deleting all rows asks for an explicit all()."""


class _Absent:
    """A method that a manager does not have, where its base has one."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise AttributeError(
            f"{owner.__name__} has no {self._name}(): call it on a queryset, as in objects.all().{self._name}()."
        )


if TYPE_CHECKING:

    class _Start(DefaultObjects, ModelQuerySet[M]):
        """What a manager is to checkers: the queryset that it starts."""

else:

    class _Start(DefaultObjects, Queries[M, M]):
        """What a manager shares with querysets."""


class Manager(_Start[M]):
    """Where queries on a model start. Subclass it and override `get_queryset()`, or add methods."""

    creation_counter: ClassVar[int] = 0
    auto_created: bool = False
    use_in_migrations: ClassVar[bool] = False
    _queryset_class: ClassVar[type[QuerySet[Any, Any]]] = ModelQuerySet
    _plain: ClassVar[bool] = True
    """Whether get_queryset() gives all rows through an unchanged queryset class, so that no queryset need be made first."""

    name: str | None = None
    model: Any = None
    _owner: Any = None
    """The concrete class that this manager was declared on: reading it there gives itself."""
    _hints: Mapping[str, Any] = {}
    _constructor_args: tuple[tuple[Any, ...], dict[str, Any]]
    _as_manager: bool = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        made._constructor_args = (args, kwargs)
        return made

    def __init__(self) -> None:
        Manager.creation_counter += 1
        self.creation_counter = Manager.creation_counter  # type: ignore[misc]  # each manager's own place in the order
        self._db: str | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        changed = cls._queryset_class
        cls._plain = (
            cls.get_queryset is Manager.get_queryset
            and changed.__init__ is QuerySet.__init__
            and all(
                getattr(changed, name) is getattr(QuerySet, name)
                for name in ("get", "filter", "create", "_clone", "_chain", "_results")
            )
        )

    # -- standing on a model

    def __get__(self, instance: None, owner: type[Any], /) -> Self:  # type: ignore[override]
        if instance is not None:
            raise AttributeError(
                f"A manager belongs to the class: use {owner.__name__}.{self.name}, not an instance's."
            )
        if owner is self._owner:
            return self
        meta = getattr(owner, "_meta", None)
        if meta is None:
            return self
        if meta.abstract:
            raise AttributeError(f"{owner.__name__} is abstract: it has no manager '{self.name}'.")
        made: Self = meta.managers_map[self.name]
        return made

    def contribute_to_class(self, cls: Any, name: str) -> None:
        """Become the manager `name` of model class `cls`."""
        self.name = self.name or name
        self.model = cls
        self._owner = None if cls._meta.abstract else cls
        setattr(cls, name, self)
        cls._meta.add_manager(self)

    @classmethod
    def from_queryset(cls, queryset_class: type[QS], class_name: str | None = None) -> type[ManagerOf[QS]]:
        """A subclass of this manager with the public methods of `queryset_class`."""
        namespace = {"_queryset_class": queryset_class, "__module__": cls.__module__, **_borrowed(cls, queryset_class)}
        return cast(
            "type[ManagerOf[QS]]", type(class_name or f"{cls.__name__}From{queryset_class.__name__}", (cls,), namespace)
        )

    def deconstruct(self) -> tuple[bool, str | None, str | None, tuple[Any, ...], dict[str, Any]]:
        """What makes an equal manager: whether as_manager() does, the path of its class or else of the queryset's, the arguments.

        Raises ValueError where the class cannot be imported, as one that from_queryset() made and nobody named.
        """
        kind, queryset = type(self), self._queryset_class
        if self._as_manager:
            return True, None, f"{queryset.__module__}.{queryset.__qualname__}", (), {}
        if getattr(sys.modules.get(kind.__module__), kind.__name__, None) is not kind:
            raise ValueError(
                f"The manager class {kind.__name__} is not to be found in {kind.__module__}: "
                "give what from_queryset() makes a name there, or derive a class from it."
            )
        return False, f"{kind.__module__}.{kind.__qualname__}", None, *self._constructor_args

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Manager)
            and type(self) is type(other)
            and self._constructor_args == other._constructor_args
        )

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    def __copy__(self) -> Self:
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copy.copy(self)

    # -- starting queries

    def get_queryset(self) -> Any:
        """A new queryset of all rows. Override it to leave rows out."""
        return self._queryset_class(model=self.model, using=self._db, hints=self._hints)

    def all(self) -> Self:
        """All rows."""
        everything: Self = self.get_queryset()
        return everything

    def get(self, *conditions: Any, **lookups: Any) -> M:
        """The one row that meets the conditions. Raises the model's DoesNotExist or MultipleObjectsReturned."""
        found: M
        if not self._plain or conditions:
            found = self.get_queryset().get(*conditions, **lookups)
        else:
            found = rows.looked_up(self, shapes.root(info_of(self.model)), lookups)
        return found

    def filter(self, *conditions: Any, **lookups: Any) -> Self:
        """The rows that meet all conditions and lookups."""
        found: Any
        if self._plain:
            query = filtering.filtered(shapes.root(info_of(self.model)), conditions, lookups)
            found = self._queryset_class(self.model, query, self._db, self._hints)
        else:
            found = self.get_queryset().filter(*conditions, **lookups)
        narrowed: Self = found
        return narrowed

    def create(self, **values: Any) -> M:
        """A new instance, saved."""
        made: M = writes.create(self, values) if self._plain else self.get_queryset().create(**values)
        return made

    def db_manager(self, using: str | None = None, hints: Mapping[str, Any] | None = None) -> Self:
        """The same manager on the store connected as `using`."""
        other = copy.copy(self)
        other._db = using or self._db
        other._hints = hints or self._hints
        return other

    @property
    def db(self) -> str:
        """The alias of the store that is used."""
        return self._db or DEFAULT

    def __iter__(self) -> Iterator[M]:
        return iter(self.get_queryset())

    def __getitem__(self, index: Any) -> Any:
        return self.get_queryset()[index]

    def __aiter__(self) -> Any:
        return self.get_queryset().__aiter__()


def _passed_on(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """A manager's method that calls the queryset's `name`: a coroutine function where that is one."""
    if inspect.iscoroutinefunction(method):

        @wraps(method)
        async def awaited(self: Manager[Any], /, *args: Any, **kwargs: Any) -> Any:
            return await getattr(self.get_queryset(), name)(*args, **kwargs)

        return awaited

    @wraps(method)
    def passed_on(self: Manager[Any], /, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.get_queryset(), name)(*args, **kwargs)

    return passed_on


def _borrowed(manager_class: type[Any], queryset_class: type[Any]) -> dict[str, Callable[..., Any]]:
    """The methods that managers of `manager_class` take over from `queryset_class`.

    Public ones, and private ones marked `queryset_only = False`; none that is marked `queryset_only = True`, or that the
    manager has of its own.
    """
    found = {}
    for name, method in inspect.getmembers(queryset_class, inspect.isfunction):
        only = getattr(method, "queryset_only", None)
        if only or (only is None and name.startswith("_")) or name in _QUERYSET_ONLY or hasattr(manager_class, name):
            continue
        found[name] = _passed_on(name, method)
    return found


def _start_at_get_queryset() -> None:
    for name, method in inspect.getmembers(QuerySet, inspect.isfunction):
        if not name.startswith("_") and name not in Manager.__dict__ and name not in _QUERYSET_ONLY:
            setattr(Manager, name, _passed_on(name, method))
    for name in _QUERYSET_ONLY:
        absent = _Absent()
        absent.__set_name__(Manager, name)
        setattr(Manager, name, absent)


def _manager_of(queryset_class: type[Any]) -> Any:
    made: Any = Manager.from_queryset(queryset_class)()
    made._as_manager = True
    return made


_start_at_get_queryset()
QuerySet._manager = _manager_of


class EmptyManager(Manager[M]):
    """A manager of no rows, for objects that only look like a model's."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def get_queryset(self) -> Any:
        return super().get_queryset().none()
