"""Managers of many-to-many relations, `book.tags`, and what makes a related manager of either kind.

It writes rows of the model between the two ends and never touches those at the ends. The invariant: for an automatic
model between, a pair stands there at most once, and for a symmetrical relation beside its mirror image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Self, TypeVar

from modelkit import bulk
from modelkit.database import statement
from modelkit.deletion import delete_queryset
from modelkit.errors import IntegrityError, shorten
from modelkit.ir.query import Conflict
from modelkit.ir.schema import DEFAULT
from modelkit.modelinfo import ModelInfo, Relation, info_of, is_key, values_of
from modelkit.relations.accessors import value_of
from modelkit.relations.managers import Related, class_of, listed, mixed_for, refuse_collection
from modelkit.resolve import shapes
from modelkit.retrying import standing
from modelkit.signals import m2m_changed
from modelkit.stores.base import Session

__all__ = ["ManyManager", "manager_maker"]

M = TypeVar("M")


class ManyManager(Related[M]):
    """The rows at the other end of a many-to-many relation."""

    _related_key: Any
    """What the rows between hold for the instance."""

    @classmethod
    def _of(cls, instance: Any) -> Self:
        made = super()._of(instance)
        made._related_key = values_of(instance, cls._relation.local)
        return made

    @property
    def through(self) -> Any:
        """The model between."""
        return self._relation.through

    def _ends(self, mirrored: bool = False) -> tuple[Relation, Relation]:
        """The foreign keys of the model between: towards the instance, towards the target."""
        relations = info_of(self._relation.through).relations
        source, target = self._relation.through_names
        return (relations[target], relations[source]) if mirrored else (relations[source], relations[target])

    @property
    def _reverse(self) -> bool:
        return self._relation.kind == "reverse_many_to_many"

    @property
    def _symmetrical(self) -> bool:
        return not self._reverse and bool(self._relation.field.remote_field.symmetrical)

    def _limited(self, queryset: Any, *, fresh: bool = False) -> Any:
        return self._tied(queryset, self._related_key, fresh)

    def _key_of(self, obj: Any, target: Relation) -> Any:
        """What the rows between hold for `obj`, an instance or a key: a tuple where these are several values."""
        if isinstance(obj, self._relation.target):
            return values_of(obj, target.remote)
        named = info_of(self._relation.through).named
        if len(target.local) == 1:
            return named[target.local[0]].field.coerce(obj)
        if not isinstance(obj, (tuple, list)) or len(obj) != len(target.local):
            raise ValueError(
                f"'{target.name}' of {info_of(self.through).name} goes by {len(target.local)} values, not {shorten(obj)}."
            )
        return tuple([named[attname].field.coerce(part) for attname, part in zip(target.local, obj, strict=True)])

    def _target_keys(self, objs: Iterable[Any], target: Relation) -> list[Any]:
        """What the rows between hold for `objs`, instances or keys; each once, in order."""
        model = self._relation.target
        keys: dict[Any, None] = {}
        for obj in objs:
            if isinstance(obj, model):
                missing = next((name for name in target.remote if value_of(obj, name) is None), None)
                if missing is not None:
                    raise ValueError(
                        f"{shorten(obj)} cannot be added: its '{missing}' is None, so field '{target.name}' would "
                        "point nowhere. Save it first."
                    )
                self._same_store(obj)
            elif hasattr(obj, "_meta"):
                raise TypeError(f"A '{info_of(model).name}' instance is expected, not {shorten(obj)}.")
            elif len(target.local) == 1 or not isinstance(obj, (tuple, list)):
                refuse_collection(obj, f"{self._relation.accessor}.add")
            keys[self._key_of(obj, target)] = None
        return list(keys)

    def _same_store(self, obj: Any) -> None:
        """ValueError where `obj` and the instance are not rows of one store, one perhaps not being a row yet."""
        theirs, ours = (
            state.get("_db") or (None if "_adding" in state else "default")
            for state in (obj.__dict__, self.instance.__dict__)
        )
        if theirs == ours:
            return
        for each, alias in ((obj, theirs), (self.instance, ours)):
            if alias is None:
                raise ValueError(f"{shorten(obj)} cannot be added: {shorten(each)} is not saved yet. Save it first.")
        raise ValueError(
            f"{shorten(obj)} cannot be added: it is stored in '{theirs}', {shorten(self.instance)} in '{ours}'."
        )

    def add(self, *objs: M | Any, through_defaults: Mapping[str, Any] | None = None) -> None:
        """Relate `objs` (instances or keys) to the instance; those that are related already stay as they are."""
        self._forget()
        if not objs:
            return
        keys = self._target_keys(objs, self._ends()[1])

        def added() -> None:
            with statement(self._alias) as running:
                self._insert(running, keys, through_defaults, mirrored=False)
                if self._symmetrical:
                    self._insert(running, keys, through_defaults, mirrored=True)

        standing(self._alias, added)

    def _insert(self, running: Session, keys: list[Any], defaults: Mapping[str, Any] | None, *, mirrored: bool) -> None:
        """Add the rows between that are missing; mirrored, those that lead back."""
        source, target = self._ends(mirrored)
        heard = not mirrored and m2m_changed.has_listeners(self.through)
        automatic = bool(self.through._meta.auto_created)
        if not automatic or heard:
            present = self.through._base_manager.using(self._alias).filter(
                **{_asked(source): self._related_key, f"{_asked(target)}__in": keys}
            )
            known = set(present.values_list(_asked(target), flat=True))
            keys = [key for key in keys if key not in known]
        if heard:
            self._tell("pre_add", set(keys))
        if automatic and not defaults:
            self._insert_pairs(running, source.local[0], target.local[0], keys)
        elif keys:
            filled = {name: value() if callable(value) else value for name, value in (defaults or {}).items()}
            made = [self.through(**filled, **self._pair(source, target, key)) for key in keys]
            try:
                bulk.bulk_create(self.through, made, ignore_conflicts=automatic, using=self._alias)
            except IntegrityError as error:
                self._explain(error)
                raise
        if heard:
            self._tell("post_add", set(keys))

    def _explain(self, error: IntegrityError) -> None:
        """Note on an error about a missing value of a row between how add() takes it."""
        if error.kind == "not_null" and error.model == info_of(self.through).label:
            given = ", ".join(f'"{name}": ...' for name in error.fields)
            error.add_note(
                f"{self._relation.accessor}.add() fills rows of {info_of(self.through).name} from "
                f"through_defaults={{{given}}}."
            )

    def _pair(self, source: Relation, target: Relation, key: Any) -> dict[str, Any]:
        """The values of a row between; ValueError where the two ends want different ones for a field that they share."""
        pair = _spread(source, self._related_key)
        for attname, value in _spread(target, key).items():
            if pair.setdefault(attname, value) != value:
                raise ValueError(
                    f"{shorten(self.instance)} and the {info_of(self._relation.target).name} with {shorten(key)} cannot be "
                    f"related: '{attname}' of {info_of(self.through).name} would be {pair[attname]!r} and {value!r}."
                )
        return pair

    def _insert_pairs(self, running: Session, source: str, target: str, keys: list[Any]) -> None:
        """Rows of an automatic model between, straight to its table; a pair that is there already is left out."""
        info = info_of(self.through)
        first, second = info.named[source], info.named[target]
        owner = first.field.coerce(self._related_key)
        rows = []
        for key in keys:
            row = [DEFAULT] * len(info.table.columns)
            row[first.column], row[second.column] = owner, second.field.coerce(key)
            rows.append(tuple(row))
        if rows:
            running.insert(info.table, rows, Conflict("ignore"))

    def _tell(self, action: str, keys: set[Any] | None) -> None:
        m2m_changed.send(
            sender=self.through,
            action=action,
            instance=self.instance,
            reverse=self._reverse,
            model=self._relation.target,
            pk_set=keys,
            using=self._alias,
        )

    def remove(self, *objs: M | Any) -> None:
        """Take the relation to `objs` (instances or keys) away; those that are not related are passed over."""
        self._forget()
        if not objs:
            return
        target = self._ends()[1]
        keys = {self._key_of(obj, target) for obj in objs}

        def removed() -> None:
            with statement(self._alias):
                self._tell("pre_remove", keys)
                self._delete_between(self._visible(keys))
                self._tell("post_remove", keys)

        standing(self._alias, removed)

    def _visible(self, keys: set[Any] | None) -> Any:
        """`keys`, or a queryset of them where the model's default manager hides rows; None: all rows."""
        rows = super(Related, self).get_queryset().using(self._alias)
        remote = self._ends()[1].remote
        if rows.query.shape is shapes.root(info_of(self._relation.target)).shape:
            return keys
        if keys is not None:
            rows.query = shapes.among(rows.query, remote, tuple(keys))
        return rows.order_by().values_list(*remote, flat=len(remote) == 1)

    def _delete_between(self, targets: Any) -> None:
        """Delete the rows between the instance and `targets` (None: all), both ways where the relation is symmetrical."""
        for mirrored in (False, True) if self._symmetrical else (False,):
            source, target = self._ends(mirrored)
            rows = self.through._default_manager.using(self._alias).filter(**{_asked(source): self._related_key})
            if targets is not None:
                rows = rows.filter(**{f"{_asked(target)}__in": targets})
            delete_queryset(rows)

    def clear(self) -> None:
        """Take all relations of the instance away."""
        self._forget()

        def cleared() -> None:
            with statement(self._alias):
                self._tell("pre_clear", None)
                self._delete_between(self._visible(None))
                self._tell("post_clear", None)

        standing(self._alias, cleared)

    def set(
        self, objs: Iterable[M | Any], *, clear: bool = False, through_defaults: Mapping[str, Any] | None = None
    ) -> None:
        """Make `objs` the related ones: add those that are new, remove the rest (with `clear`, all first)."""
        wanted = listed(objs, str(self._relation.accessor))

        def replaced() -> None:
            with statement(self._alias):
                if clear:
                    self.clear()
                    self.add(*wanted, through_defaults=through_defaults)
                    return
                target = self._ends()[1]
                rows = self._limited(super(Related, self).get_queryset()).using(self._alias).order_by()
                present = set(rows.values_list(*target.remote, flat=len(target.remote) == 1))
                keys = [self._key_of(obj, target) for obj in wanted]
                self.remove(*present.difference(keys))
                self.add(
                    *[obj for obj, key in zip(wanted, keys, strict=True) if key not in present],
                    through_defaults=through_defaults,
                )

        standing(self._alias, replaced)

    def create(self, *, through_defaults: Mapping[str, Any] | None = None, **values: Any) -> M:
        """Make, save and relate an instance."""
        made: M = super(ManyManager, self._on_alias()).create(**values)
        self.add(made, through_defaults=through_defaults)
        return made

    def get_or_create(
        self, defaults: Any = None, *, through_defaults: Mapping[str, Any] | None = None, **lookups: Any
    ) -> tuple[M, bool]:
        """The related instance that matches, or a new one, related; and whether it is new."""
        made: M
        made, created = super(ManyManager, self._on_alias()).get_or_create(defaults, **lookups)
        if created:
            self.add(made, through_defaults=through_defaults)
        return made, created

    def update_or_create(
        self,
        defaults: Any = None,
        create_defaults: Any = None,
        *,
        through_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[M, bool]:
        """The related instance that matches, updated, or a new one, related; and whether it is new."""
        made: M
        made, created = super(ManyManager, self._on_alias()).update_or_create(defaults, create_defaults, **lookups)
        if created:
            self.add(made, through_defaults=through_defaults)
        return made, created

    async def aadd(self, *objs: M | Any, through_defaults: Mapping[str, Any] | None = None) -> None:
        """As add()."""
        self.add(*objs, through_defaults=through_defaults)

    async def aremove(self, *objs: M | Any) -> None:
        """As remove()."""
        self.remove(*objs)

    async def aclear(self) -> None:
        """As clear()."""
        self.clear()

    async def aset(
        self, objs: Iterable[M | Any], *, clear: bool = False, through_defaults: Mapping[str, Any] | None = None
    ) -> None:
        """As set()."""
        self.set(objs, clear=clear, through_defaults=through_defaults)

    async def acreate(self, *, through_defaults: Mapping[str, Any] | None = None, **values: Any) -> M:
        """As create()."""
        return self.create(through_defaults=through_defaults, **values)

    async def aget_or_create(
        self, defaults: Any = None, *, through_defaults: Mapping[str, Any] | None = None, **lookups: Any
    ) -> tuple[M, bool]:
        """As get_or_create()."""
        return self.get_or_create(defaults, through_defaults=through_defaults, **lookups)

    async def aupdate_or_create(
        self,
        defaults: Any = None,
        create_defaults: Any = None,
        *,
        through_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[M, bool]:
        """As update_or_create()."""
        return self.update_or_create(defaults, create_defaults, through_defaults=through_defaults, **lookups)


def _mixed(relation: Relation) -> type[Any]:
    """The kind of manager of a to-many relation."""
    if relation.kind == "reverse_foreign_key":
        return mixed_for(relation)
    chosen: type[Any] = relation.field.manager_class if relation.kind == "reverse_generic" else ManyManager
    return chosen


def manager_maker(owner: Any, name: str) -> Callable[[Any], Any]:
    """What makes the manager for the to-many accessor `name` of an instance of `owner`, kept with the model for its descriptors.

    For a many-to-many relation it raises ValueError where the instance has no key yet.
    """
    meta = owner._meta
    relation = meta.info.accessor(name)
    mixed = _mixed(relation)
    kind = class_of(meta.info, relation, mixed, relation.target._default_manager)
    made = meta.related_managers[name] = _with_key(kind, relation, meta.info) if mixed is ManyManager else kind._of
    return made


def _with_key(kind: type[ManyManager[Any]], relation: Relation, info: ModelInfo) -> Callable[[Any], Any]:
    """What makes a manager of class `kind` for an instance of the model that holds what `relation` leads on from."""
    new, read = object.__new__, attrgetter(*relation.local)
    by_primary = [relation.local] == [(attribute.attname,) for attribute in info.key]

    def manager(instance: Any) -> ManyManager[Any]:
        made: ManyManager[Any] = new(kind)
        made.instance = instance
        key: Any = read(instance)
        made._related_key = key
        if key is None or not (by_primary or (is_key(key) and instance._is_pk_set())):
            missing = next((name for name in relation.local if getattr(instance, name) is None), relation.local[0])
            raise ValueError(
                f"{shorten(instance)} needs to have a value for field '{missing}' before this many-to-many relationship can "
                "be used: save it first."
            )
        return made

    return manager


def _asked(key: Relation) -> str:
    """What lookups call what the rows between hold for an end."""
    return key.local[0] if len(key.local) == 1 else key.name


def _spread(key: Relation, value: Any) -> dict[str, Any]:
    """The attributes of a row between that hold the key of an end."""
    return dict(zip(key.local, value if len(key.local) > 1 else (value,), strict=True))
