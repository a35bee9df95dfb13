"""The related manager of a GenericRelation: the rows of another model that name one instance as theirs.

The invariant: whatever it writes clears what was prefetched for the relation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typing_extensions import TypeVar

from modelkit.contrib.contenttypes.models import ContentType
from modelkit.database import statement
from modelkit.errors import shorten
from modelkit.modelinfo import info_of
from modelkit.relations.accessors import alias_of
from modelkit.relations.managers import Related, listed
from modelkit.retrying import standing

__all__ = ["GenericManager"]

M = TypeVar("M")


class GenericManager(Related[M]):
    """The rows whose generic foreign key leads to one instance."""

    def _held_by(self) -> dict[str, Any]:
        """What the rows hold, by field; ValueError where the instance has no key yet."""
        field, instance = self._relation.field, self.instance
        if instance.pk is None:
            raise ValueError(
                f"{shorten(instance)} needs to have a primary key before its '{field.name}' can be used: save it first."
            )
        types = ContentType.objects.db_manager(self._alias)
        kind = types.get_for_model(instance, for_concrete_model=field.for_concrete_model)
        return {field.content_type_field_name: kind, field.object_id_field_name: instance.pk}

    def _limited(self, queryset: Any, *, fresh: bool = False) -> Any:
        instance = self.instance
        if instance.pk is None:
            return queryset.none()
        limited = queryset if fresh else queryset._chain()
        limited._hints = {**limited._hints, "instance": instance} if limited._hints else {"instance": instance}
        if self._db or "_db" in instance.__dict__:
            limited._db = self._alias
        return limited.filter(**self._held_by())

    def add(self, *objs: M, bulk: bool = True) -> None:
        """Give `objs` to the instance: by one update, or with `bulk=False` by saving each (new ones too)."""
        self._forget()
        owner, alias, target = self._held_by(), self._alias, self._relation.target
        keys = []
        obj: Any
        for obj in objs:
            if not isinstance(obj, target):
                raise TypeError(f"A '{info_of(target).name}' instance is expected, not {shorten(obj)}.")
            if bulk and (obj.__dict__.get("_adding") or alias_of(obj) != alias):
                raise ValueError(f"{shorten(obj)} is not saved yet: save it first, or use add(..., bulk=False).")
            for name, value in owner.items():
                setattr(obj, name, value)
            keys.append(obj.pk)
        if not bulk:

            def saved() -> None:
                with statement(alias):
                    for each in objs:
                        each.save(using=alias)  # type: ignore[attr-defined]  # an instance of the target

            standing(alias, saved)
        elif keys:
            target._base_manager.using(alias).filter(pk__in=keys).update(**owner)

    def remove(self, *objs: M, bulk: bool = True) -> None:
        """Delete `objs`, as far as they are the instance's."""
        if objs:
            keys = [obj.pk for obj in objs]  # type: ignore[attr-defined]  # instances of the target
            self._delete(self._limited(self._fresh()).filter(pk__in=keys), bulk)

    def clear(self, *, bulk: bool = True) -> None:
        """Delete all rows of the instance: at once, or with `bulk=False` one by one."""
        self._delete(self._limited(self._fresh()), bulk)

    def _delete(self, queryset: Any, bulk: bool) -> None:
        self._forget()
        if bulk:
            queryset.delete()
            return

        def deleted() -> None:
            with statement(self._alias):
                for obj in queryset.all():
                    obj.delete()

        standing(self._alias, deleted)

    def set(self, objs: Iterable[M], *, bulk: bool = True, clear: bool = False) -> None:
        """Make `objs` the rows of the instance: add the new ones, delete the rest (with `clear`, all first)."""
        wanted = listed(objs, str(self._relation.accessor))

        def replaced() -> None:
            with statement(self._alias):
                if clear:
                    self.clear()
                    self.add(*wanted, bulk=bulk)
                    return
                present = set(self._limited(self._fresh()))
                self.remove(*present.difference(wanted))
                self.add(*[obj for obj in wanted if obj not in present], bulk=bulk)

        standing(self._alias, replaced)

    def create(self, **values: Any) -> M:
        """Make, save and return a row of the instance."""
        self._forget()
        made: M = super(GenericManager, self._on_alias()).create(**{**values, **self._held_by()})
        return made

    def get_or_create(self, defaults: Any = None, **lookups: Any) -> tuple[M, bool]:
        """The row of the instance that matches, or a new one; and whether it is new."""
        self._forget()
        found: tuple[M, bool] = super(GenericManager, self._on_alias()).get_or_create(
            defaults, **{**lookups, **self._held_by()}
        )
        return found

    def update_or_create(self, defaults: Any = None, create_defaults: Any = None, **lookups: Any) -> tuple[M, bool]:
        """The row of the instance that matches, updated with `defaults`, or a new one; and whether it is new."""
        self._forget()
        found: tuple[M, bool] = super(GenericManager, self._on_alias()).update_or_create(
            defaults, create_defaults, **{**lookups, **self._held_by()}
        )
        return found

    async def aadd(self, *objs: M, bulk: bool = True) -> None:
        """As add()."""
        self.add(*objs, bulk=bulk)

    async def aremove(self, *objs: M, bulk: bool = True) -> None:
        """As remove()."""
        self.remove(*objs, bulk=bulk)

    async def aclear(self, *, bulk: bool = True) -> None:
        """As clear()."""
        self.clear(bulk=bulk)

    async def aset(self, objs: Iterable[M], *, bulk: bool = True, clear: bool = False) -> None:
        """As set()."""
        self.set(objs, bulk=bulk, clear=clear)

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
