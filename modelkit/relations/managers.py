"""Managers of the many side of a foreign key, `team.members`, and what they share with those of many-to-many relations.

A related manager is the target's default manager class with what ties it to one instance mixed in; the class is made
once for each relation and kept with the ModelInfo. It knows ModelInfo and Relation, querysets and managers; it never
reads a descriptor. The invariant: whatever it writes clears what was prefetched for the relation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, Self

from typing_extensions import TypeVar

from modelkit.database import statement
from modelkit.errors import shorten
from modelkit.loading import reads_plainly
from modelkit.managers import Manager
from modelkit.modelinfo import ModelInfo, Relation, back_of, info_of, is_key, values_of
from modelkit.owners import LISTS
from modelkit.prefetch import Prefetched
from modelkit.queryset.late import with_results
from modelkit.relations.accessors import alias_of
from modelkit.resolve import shapes
from modelkit.retrying import standing

__all__ = ["Related", "ReverseManager", "class_of", "mixed_for", "refuse_assignment"]

M = TypeVar("M")

_NO_LISTS: Final[dict[str, Any]] = {}


class Related(Manager[M]):
    """A manager of the rows that a relation leads to from one instance."""

    _relation: ClassVar[Relation]
    """From the instance's model to the manager's."""
    _back: ClassVar[Relation]
    """The same the other way."""
    _mixed: ClassVar[type[Any]]
    """Which kind of related manager this is, without the model's own manager class."""
    _fresh_querysets: ClassVar[bool]
    """Whether the model's own manager makes a new plain queryset each time, which may be changed in place."""

    instance: Any

    def __call__(self, *, manager: str) -> Any:
        """The same rows through another manager of the model, by its name there."""
        chosen = getattr(self._relation.target, manager)
        made = class_of(info_of(type(self.instance)), self._relation, self._mixed, chosen)
        related: Any = object.__new__(made)
        related.__dict__.update(self.__dict__)
        return related

    @property
    def _alias(self) -> str:
        """The alias that is written to."""
        return self._db or alias_of(self.instance)

    def get_queryset(self) -> Any:
        """The rows that belong to the instance: those prefetched, where they were."""
        found = self.instance.__dict__.get(LISTS, _NO_LISTS).get(self._relation.cache)
        if found is not None:
            return self._prefetched(found)
        return self._limited(super().get_queryset(), fresh=self._fresh_querysets)

    def _limited(self, queryset: Any, *, fresh: bool = False) -> Any:
        """`queryset` limited to the rows that belong to the instance; `fresh`: nobody else has it."""
        raise NotImplementedError

    def _tied(self, queryset: Any, key: Any, fresh: bool) -> Any:
        """`queryset` limited to the rows that the relation leads to from `key`."""
        limited = queryset if fresh else queryset._chain()
        instance = self.instance
        limited._hints = {**limited._hints, "instance": instance} if limited._hints else {"instance": instance}
        if self._db or "_db" in instance.__dict__:
            limited._db = self._alias
        limited.query = shapes.related_to(limited.query, self._back, key if type(key) is tuple else (key,))
        return limited

    def _prefetched(self, found: list[Any]) -> Any:
        """A queryset that has `found` as its result; `found` carries the queryset it was read through, if it was the user's own."""
        whole = found.queryset if type(found) is Prefetched else super().get_queryset()
        limited = self._limited(whole)
        limited._result_cache = found
        return limited

    @classmethod
    def _of(cls, instance: Any) -> Self:
        """The manager of `instance`'s rows."""
        made: Self = object.__new__(cls)
        made.instance = instance
        return made

    @classmethod
    def reads_from(cls, instance: Any) -> str | None:
        """The alias that `instance`'s rows are read from; None: the default."""
        alias: str | None = instance.__dict__.get("_db")
        return alias

    @classmethod
    def full_queryset(cls, instance: Any) -> Any:
        """The queryset that would find what was prefetched for `instance`."""
        made = cls._of(instance)
        return made._limited(super(Related, made).get_queryset(), fresh=True)

    def _forget(self) -> None:
        """Clear what was prefetched."""
        cached = self.instance.__dict__.get(LISTS)
        if cached is not None:
            cached.pop(self._relation.cache, None)

    def _fresh(self) -> Any:
        """The model's own queryset of all rows, on the alias that is written to."""
        return super().get_queryset().using(self._alias)

    def _on_alias(self) -> Self:
        """This manager on the alias that is written to."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._db = self._alias
        return other


class _OnlyWhereNullable:
    """Stands for a method that sets a foreign key to NULL where that cannot be: there is none, as AttributeError says."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, manager: Any, owner: type[Related[Any]]) -> NoReturn:
        raise AttributeError(
            f"{owner._relation.field.label} cannot be NULL, so there is no {self._name}(): "
            "delete the rows, or let them point to another one."
        )


class ReverseManager(Related[M]):
    """The rows whose foreign key points to one instance."""

    def _key(self) -> Any:
        """The value that the foreign keys hold; ValueError where the instance has none yet."""
        local = self._relation.local
        key = values_of(self.instance, local)
        if not is_key(key):
            attname = next(name for name in local if getattr(self.instance, name) is None)
            raise ValueError(
                f"{shorten(self.instance)} needs to have a value for field '{attname}' before this relationship can be used: "
                "save it first."
            )
        return key

    def _limited(self, queryset: Any, *, fresh: bool = False) -> Any:
        instance = self.instance
        if not is_key(instance.pk):
            raise ValueError(
                f"This '{info_of(type(instance)).name}' needs to have a primary key before its "
                f"'{self._relation.accessor}' can be used: save it first."
            )
        key = values_of(instance, self._relation.local)
        if not is_key(key):
            return queryset.none()
        limited = self._tied(queryset, key, fresh)
        limited._known_related_objects = {self._back: {key if type(key) is tuple else (key,): instance}}
        return limited

    def _checked(self, objs: Iterable[Any]) -> None:
        target = self._relation.target
        for obj in objs:
            if not isinstance(obj, target):
                refuse_collection(obj, f"{self._relation.accessor}.add")
                raise TypeError(f"A '{info_of(target).name}' instance is expected, not {shorten(obj)}.")

    def add(self, *objs: M, bulk: bool = True) -> None:
        """Point `objs` at the instance: by one update, or with `bulk=False` by saving each (new ones too)."""
        self._key()
        self._forget()
        alias = self._alias
        field = self._relation.field.name
        self._checked(objs)
        if not bulk:

            def saved() -> None:
                with statement(alias):
                    for each in objs:
                        setattr(each, field, self.instance)
                        each.save(using=alias)  # type: ignore[attr-defined]

            standing(alias, saved)
            return
        keys = []
        for obj in objs:
            setattr(obj, field, self.instance)
            if obj.__dict__.get("_adding") or alias_of(obj) != alias:
                raise ValueError(f"{shorten(obj)} is not saved yet: save it first, or use add(..., bulk=False).")
            keys.append(obj.pk)  # type: ignore[attr-defined]
        if keys:
            self._relation.target._base_manager.using(alias).filter(pk__in=keys).update(**{field: self.instance})

    def _related(self, values: dict[str, Any]) -> dict[str, Any]:
        self._key()
        self._forget()
        values[self._relation.field.name] = self.instance
        return values

    def create(self, **values: Any) -> M:
        """Make, save and return an instance that points here."""
        made: M = super(ReverseManager, self._on_alias()).create(**self._related(values))
        return made

    def get_or_create(self, defaults: Any = None, **lookups: Any) -> tuple[M, bool]:
        """The related instance that matches, or a new one that points here; and whether it is new."""
        found: tuple[M, bool] = super(ReverseManager, self._on_alias()).get_or_create(
            defaults, **self._related(lookups)
        )
        return found

    def update_or_create(self, defaults: Any = None, create_defaults: Any = None, **lookups: Any) -> tuple[M, bool]:
        """The related instance that matches, updated with `defaults`, or a new one that points here; and whether it is new."""
        found: tuple[M, bool] = super(ReverseManager, self._on_alias()).update_or_create(
            defaults, create_defaults, **self._related(lookups)
        )
        return found

    def set(self, objs: Iterable[M], *, bulk: bool = True, clear: bool = False) -> None:
        """Make `objs` the related instances; since their key cannot be null, none is taken off."""
        self._key()
        del clear
        self.add(*listed(objs, str(self._relation.accessor)), bulk=bulk)

    async def aadd(self, *objs: M, bulk: bool = True) -> None:
        """As add()."""
        self.add(*objs, bulk=bulk)

    async def acreate(self, **values: Any) -> M:
        """As create()."""
        return self.create(**values)

    async def aget_or_create(self, defaults: Any = None, **lookups: Any) -> tuple[M, bool]:
        """As get_or_create()."""
        return self.get_or_create(defaults, **lookups)

    async def aupdate_or_create(
        self, defaults: Any = None, create_defaults: Any = None, **lookups: Any
    ) -> tuple[M, bool]:
        """As update_or_create()."""
        return self.update_or_create(defaults, create_defaults, **lookups)

    async def aset(self, objs: Iterable[M], *, bulk: bool = True, clear: bool = False) -> None:
        """As set()."""
        self.set(objs, bulk=bulk, clear=clear)

    if not TYPE_CHECKING:
        remove = _OnlyWhereNullable()
        clear = _OnlyWhereNullable()
        aremove = _OnlyWhereNullable()
        aclear = _OnlyWhereNullable()


class NullableReverseManager(ReverseManager[M]):
    """The rows whose foreign key points to one instance, and may be null: they can be taken off it."""

    def remove(self, *objs: M, bulk: bool = True) -> None:
        """Take `objs` off the instance. DoesNotExist of the instance's model for one that does not belong to it."""
        if not objs:
            return
        key = self._key()
        self._checked(objs)
        for obj in objs:
            if values_of(obj, self._relation.remote) != key:
                raise type(self.instance).DoesNotExist(f"{shorten(obj)} is not related to {shorten(self.instance)}.")
        self._take_off(self._limited(self._fresh()).filter(pk__in={obj.pk for obj in objs}), bulk)  # type: ignore[attr-defined]

    def clear(self, *, bulk: bool = True) -> None:
        """Take all rows off the instance."""
        self._key()
        self._take_off(self._limited(self._fresh()), bulk)

    def _take_off(self, queryset: Any, bulk: bool) -> None:
        self._forget()
        field = self._relation.field.name
        if bulk:
            queryset.update(**{field: None})
            return

        def saved() -> None:
            with statement(self._alias):
                for obj in queryset.all():
                    setattr(obj, field, None)
                    obj.save(update_fields=[field])

        standing(self._alias, saved)

    def set(self, objs: Iterable[M], *, bulk: bool = True, clear: bool = False) -> None:
        """Make `objs` the related instances: add the new ones, take off the rest (with `clear`, all first)."""
        self._key()
        wanted = listed(objs, str(self._relation.accessor))

        def replaced() -> None:
            with statement(self._alias):
                if clear:
                    self.clear(bulk=bulk)
                    self.add(*wanted, bulk=bulk)
                    return
                present = set(self._limited(self._fresh()))
                self.remove(*present.difference(wanted), bulk=bulk)
                self.add(*[obj for obj in wanted if obj not in present], bulk=bulk)

        standing(self._alias, replaced)

    async def aremove(self, *objs: M, bulk: bool = True) -> None:
        """As remove()."""
        self.remove(*objs, bulk=bulk)

    async def aclear(self, *, bulk: bool = True) -> None:
        """As clear()."""
        self.clear(bulk=bulk)


def listed(objs: Any, name: str) -> tuple[Any, ...]:
    """What is passed to set() of the relation `name`; TypeError for one instance alone."""
    if isinstance(objs, str) or not isinstance(objs, Iterable):
        raise TypeError(
            f"{name}.set() takes a list of instances or a queryset, not one {type(objs).__name__}: {shorten(objs)}."
        )
    return tuple(objs)


def refuse_collection(obj: Any, call: str) -> None:
    """TypeError where `obj`, one of several arguments of `call`, holds several instances itself."""
    if isinstance(obj, (list, tuple, set, frozenset)) or hasattr(obj, "query"):
        raise TypeError(f"{call}() takes instances one by one, as in {call}(*several), not {shorten(obj)}.")


def class_of(info: ModelInfo, relation: Relation, mixed: type[Any], manager: Any) -> type[Any]:
    """The related manager class of one relation over a manager of its target: its class, and what it was set up with."""
    known = info.made.setdefault("related managers", {})
    key = (relation.name, manager.name)
    made: type[Any] | None = known.get(key)
    if made is None:
        kind = type(manager)
        namespace = {
            **manager.__dict__,
            "_relation": relation,
            "_back": None if relation.kind == "reverse_generic" else back_of(relation),
            "_mixed": mixed,
            "_fresh_querysets": kind._plain,
            "__module__": kind.__module__,
            "__doc__": f"The {info_of(relation.target).name} rows of one {info.name}.",
        }
        get_queryset = mixed.get_queryset
        if kind._plain and reads_plainly(info.model):
            get_queryset = namespace["get_queryset"] = with_results(kind._queryset_class, relation.cache, get_queryset)
        if kind.all is Manager.all:
            namespace["all"] = get_queryset
        made = known[key] = type("RelatedManager", (mixed, kind), namespace)
    return made


def mixed_for(relation: Relation) -> type[Any]:
    """The kind of manager of a reverse foreign key."""
    return NullableReverseManager if relation.field.null else ReverseManager


def refuse_assignment(owner: Any, name: str, value: Any) -> NoReturn:
    """Raise the TypeError for `team.members = [...]`, naming `.set()`; for the `__set__` of to-many descriptors."""
    side = info_of(owner if isinstance(owner, type) else type(owner)).name
    raise TypeError(f"{side}.{name} cannot be assigned to ({shorten(value)}): use {name}.set() instead.")
