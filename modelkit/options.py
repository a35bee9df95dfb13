"""`model._meta`: what a model class declares, as Django users know it.

It holds fields, managers and the options of Meta, and computes views of them on demand. It knows fields generically and
no query; the table and the ModelInfo are made by the `Assembly` it is given. The invariant: whatever was computed is
dropped by `expire()` when a field, a manager or a relation from elsewhere arrives, here and on all subclasses.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn, Protocol

from modelkit.constraints import BaseConstraint, Index, check_options
from modelkit.errors import FieldDoesNotExist, FieldError, did_you_mean, shorten
from modelkit.fields.composite import KeyAttribute
from modelkit.ir.schema import Table
from modelkit.modelinfo import ModelClass, ModelInfo

__all__ = ["IMMUTABLE_WARNING", "Assembly", "FieldList", "Options", "names_together"]

IMMUTABLE_WARNING = "What %s gives is shared by all who ask for it: change a copy of it, list(...)."


class FieldList(tuple[Any, ...]):  # noqa: SLOT001 - a tuple's subclass cannot have slots of its own
    """Fields as `_meta` shows them: a tuple that says what to do instead to who would change it."""

    source: str

    def __new__(cls, source: str, fields: Iterable[Any]) -> FieldList:
        """The `fields` that `source`, such as "get_fields()", gives."""
        made = super().__new__(cls, fields)
        made.source = source
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (FieldList, (self.source, tuple(self)))

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise AttributeError(IMMUTABLE_WARNING % self.source)

    __iadd__ = __imul__ = append = extend = insert = pop = remove = reverse = sort = clear = _refuse


class Assembly(Protocol):
    """Makes what the floors between models and stores read."""

    def table(self, meta: Options) -> Table:
        """The table of a concrete model."""
        ...

    def info(self, meta: Options) -> ModelInfo:
        """The model as data."""
        ...


def names_together(value: Any, model_name: str) -> tuple[tuple[str, ...], ...]:
    """Meta.unique_together in its full form: one group of names may stand alone."""
    if not value:
        return ()
    if not isinstance(value, (list, tuple, set)):
        raise TypeError(f"{model_name}.Meta.unique_together is a list of groups of names, not {shorten(value)}.")
    first = next(iter(value))
    groups = value if isinstance(first, (list, tuple)) else (value,)
    return tuple(tuple(group) for group in groups)


def spaced(name: str) -> str:
    """`name` in words: "CamelCase" -> "camel case"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower().strip()


class Options:
    """The declaration of one model."""

    model: ModelClass
    concrete_model: ModelClass
    pk: Any

    def __init__(self, declared: Mapping[str, Any], app_label: str, registry: Any, assembly: Assembly) -> None:
        self.original_attrs = dict(declared)
        self.assembly = assembly
        self.registry = registry
        self.app_label = app_label
        get = declared.get
        self.abstract: bool = bool(get("abstract", False))
        self.proxy: bool = bool(get("proxy", False))
        self.managed: bool = bool(get("managed", True))
        self.db_table: str = get("db_table", "") or ""
        self.db_table_comment: str = get("db_table_comment", "")
        self.db_tablespace: str = get("db_tablespace", "")
        self.ordering = get("ordering", [])
        self.get_latest_by: Any = get("get_latest_by")
        self.order_with_respect_to: Any = get("order_with_respect_to")
        self.default_related_name: str | None = get("default_related_name")
        self.default_manager_name: str | None = get("default_manager_name")
        self.base_manager_name: str | None = get("base_manager_name")
        self.select_on_save: bool = bool(get("select_on_save", False))
        self.permissions: Any = get("permissions", ())
        self.default_permissions: Any = get("default_permissions", ("add", "change", "delete", "view"))
        self.required_db_features: Any = get("required_db_features", ())
        self.required_db_vendor: Any = get("required_db_vendor")
        self.swappable: str | None = get("swappable")
        self.swapped: str | None = None
        self.unique_together: tuple[tuple[str, ...], ...] = ()
        self.constraints: list[BaseConstraint] = []
        self.indexes: list[Index] = []
        self.verbose_name: Any = ""
        self.verbose_name_plural: Any = ""
        self.auto_created: Any = get("auto_created", False)
        self.local_fields: list[Any] = []
        self.local_many_to_many: list[Any] = []
        self.private_fields: list[Any] = []
        self.local_managers: list[Any] = []
        self.parents: dict[ModelClass, Any] = {}
        self.incoming: list[Any] = []
        """Relation fields of other models (and this one) that lead to this concrete model."""
        self.reverse_names: dict[str, Any] = {}
        """What is declared on this class to name reverse relations: accessor -> declaration."""
        self.pk = None
        self.auto_field: Any = None
        self.proxy_for_model: ModelClass | None = None
        """The class that a proxy stands for: its nearest concrete base or another proxy of that."""
        self.take_place: Callable[[Iterable[Any], str | None], None] | None = None
        """Where rows have an order of their own (order_with_respect_to): what numbers new ones, before they are stored."""
        self.made: dict[str, Any] = {}
        """What others derived from this; goes with `expire()`."""
        self.related_managers: dict[str, Callable[[Any], Any]] = {}
        """What makes the manager of an instance's rows, by the accessor of the to-many relation; goes with `expire()`, too."""
        self._table: Table | None = None
        self._info: ModelInfo | None = None

    # -- becoming a class's

    def contribute_to_class(self, cls: ModelClass, name: str) -> None:
        """Become `cls._meta`."""
        setattr(cls, name, self)
        self.model = cls
        self.concrete_model = cls
        self.object_name: str = cls.__name__
        self.model_name: str = cls.__name__.lower()
        declared = self.original_attrs
        check_options(declared, cls.__name__)
        self.verbose_name = declared.get("verbose_name") or spaced(cls.__name__)
        self.verbose_name_plural = declared.get("verbose_name_plural") or f"{self.verbose_name}s"
        self.unique_together = names_together(declared.get("unique_together"), cls.__name__)
        self._check_ordering()
        if not self.db_table:
            self.db_table = f"{self.app_label}_{self.model_name}"
        if not self.abstract:
            self.constraints = [constraint.named_for(cls) for constraint in declared.get("constraints", ())]
            self.indexes = [index.named_for(cls) for index in declared.get("indexes", ())]
        else:
            self.constraints = list(declared.get("constraints", ()))
            self.indexes = list(declared.get("indexes", ()))
        self._check_names()

    def _check_names(self) -> None:
        """ValueError where two constraints, or two indexes, go by one name."""
        for option in ("constraints", "indexes"):
            given = Counter(item.name for item in self.original_attrs.get(option, ()))
            for name, times in given.items():
                if name and times > 1:
                    raise ValueError(
                        f"{self.object_name}.Meta.{option} has {times} named {name!r}: rename all but one."
                    )

    @property
    def ordering(self) -> Any:
        """The order of rows where a query asks for none. Set, it is that of queries made from then on."""
        return self._ordering

    @ordering.setter
    def ordering(self, keys: Any) -> None:
        self._ordering = keys
        self.expire()

    def _check_ordering(self) -> None:
        if isinstance(self.ordering, str) or not isinstance(self.ordering, Iterable):
            raise TypeError(
                f"{self.object_name}.Meta.ordering is a list or tuple (even of one name), not {shorten(self.ordering)}."
            )

    def add_field(self, field: Any, private: bool = False) -> None:
        """Take in a field that was put on the class."""
        if private:
            self.private_fields.append(field)
        elif field.is_relation and field.many_to_many:
            _insert(self.local_many_to_many, field)
        else:
            _insert(self.local_fields, field)
            if field.primary_key:
                if self.pk is not None and self.pk in self.local_fields and self.pk is not field:
                    raise FieldError(
                        f"{self.object_name} has two primary keys, '{self.pk.name}' and '{field.name}': only one field can be it."
                    )
                self.pk = field
                field.serialize = False
        self.expire(table=True)

    def add_manager(self, manager: Any) -> None:
        """Take in a manager that was put on the class."""
        self.local_managers.append(manager)
        self.expire()

    def setup_proxy(self, target: ModelClass) -> None:
        """Share what `target`, the class this one is a proxy of, keeps its rows in."""
        self.proxy_for_model = target
        self.pk = target._meta.pk
        self.concrete_model = target._meta.concrete_model
        self.db_table = target._meta.db_table
        self.local_fields = target._meta.local_fields

    # -- names

    @property
    def label(self) -> str:
        """The name "app.Model"."""
        return f"{self.app_label}.{self.object_name}"

    @property
    def label_lower(self) -> str:
        """The name "app.model"."""
        return f"{self.app_label}.{self.model_name}"

    @property
    def verbose_name_raw(self) -> str:
        """The verbose name as plain text."""
        return str(self.verbose_name)

    @property
    def apps(self) -> Any:
        """The registry, under Django's name."""
        return self.registry

    def __repr__(self) -> str:
        return f"<Options for {self.object_name}>"

    def __str__(self) -> str:
        return self.label_lower

    # -- what the floors below read

    @property
    def table(self) -> Table:
        """The table that a model's own rows lie in (a proxy's: its concrete model's)."""
        table = self._table
        if table is None:
            with self.registry.lock:
                table = self._table
                if table is None:
                    concrete = self.concrete_model._meta
                    self._table = table = self.assembly.table(self) if concrete is self else concrete.table
        return table

    @property
    def info(self) -> ModelInfo:
        """The model as data. Raises UnresolvedRelation where a relation of it has no target yet."""
        info = self._info
        if info is None:
            with self.registry.lock:
                info = self._info
                if info is None:
                    self._info = info = self.assembly.info(self)
        return info

    @property
    def waits(self) -> bool:
        """Whether the ModelInfo at hand leaves out reverse relations that lacked a model."""
        return self._info is not None and bool(self._info.waiting)

    def expire(self, *, table: bool = False) -> None:
        """Forget what was computed, here and on subclasses; the table too where `table`."""
        for meta in self._family():
            meta._info = None
            meta.made = {}
            meta.related_managers = {}
            if table:
                meta._table = None
            for name in _COMPUTED:
                meta.__dict__.pop(name, None)

    def _family(self) -> Iterator[Options]:
        waiting = [self.model] if "model" in self.__dict__ else []
        if not waiting:
            yield self
        while waiting:
            model = waiting.pop()
            waiting.extend(type.__subclasses__(model))
            meta = model.__dict__.get("_meta")
            if meta is not None:
                yield meta

    # -- fields, Django's views

    @cached_property
    def _lineage_fields(self) -> tuple[Any, ...]:
        """Fields in Django's order: those of parents first."""
        found: dict[int, Any] = {}
        for parent in self.parents:
            found.update((id(field), field) for field in parent._meta._lineage_fields)
        for field in () if self.proxy else self.local_fields:
            found.setdefault(id(field), field)
        return tuple(found.values())

    @cached_property
    def fields(self) -> FieldList:
        """All forward fields but many-to-many, parents' first."""
        return FieldList("fields", self._lineage_fields)

    @cached_property
    def concrete_fields(self) -> FieldList:
        """The fields that have a column."""
        return FieldList("concrete_fields", (field for field in self.fields if field.concrete))

    @cached_property
    def local_concrete_fields(self) -> FieldList:
        """The fields that have a column in the model's own table."""
        return FieldList("local_concrete_fields", (field for field in self.local_fields if field.concrete))

    @cached_property
    def db_returning_fields(self) -> list[Any]:
        """The fields whose values the store may make when a row is inserted: automatic keys, db_default, generated ones."""
        return [
            field
            for field in self.fields
            if field.auto or field.generated or field.has_db_default() or field.db_returning
        ]

    @cached_property
    def many_to_many(self) -> FieldList:
        """All many-to-many fields, parents' first."""
        found = {id(field): field for parent in self.parents for field in parent._meta.many_to_many}
        found |= {id(field): field for field in self.local_many_to_many}
        return FieldList("many_to_many", found.values())

    @cached_property
    def _reverse_sides(self) -> tuple[Any, ...]:
        """The other sides of all relations that lead here or to a parent, hidden ones too."""
        found: dict[int, Any] = {}
        for parent in self.parents:
            for side in parent._meta._reverse_sides:
                if self.proxy or not side.parent_link:
                    found.setdefault(id(side), side)
        for field in self.concrete_model._meta.incoming:
            found.setdefault(id(field.remote_field), field.remote_field)
        return tuple(found.values())

    @cached_property
    def related_objects(self) -> FieldList:
        """The other sides of relations that lead here, hidden ones left out but for many-to-many."""
        sides = (side for side in self._reverse_sides if not side.hidden or side.many_to_many)
        return FieldList("related_objects", sides)

    def get_fields(self, include_parents: bool = True, include_hidden: bool = False) -> FieldList:
        """All fields, reverse relations first."""
        reverse = [side for side in self._reverse_sides if include_hidden or not side.hidden]
        if include_parents:
            found = (*reverse, *self.fields, *self.many_to_many, *self.private_fields)
        else:
            reverse = [side for side in reverse if side.field in self.concrete_model._meta.incoming]
            found = (*reverse, *self.local_fields, *self.local_many_to_many, *self.private_fields)
        return FieldList("get_fields()", found)

    @cached_property
    def _forward_fields_map(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in (*self.fields, *self.many_to_many, *self.private_fields):
            found[field.name] = field
            attname = getattr(field, "attname", None)
            if attname:
                found.setdefault(attname, field)
        return found

    @cached_property
    def fields_map(self) -> dict[str, Any]:
        """Reverse relations by the name that queries use."""
        return {side.name: side for side in self._reverse_sides if not side.hidden}

    def get_field(self, field_name: str) -> Any:
        """The field, or the other side of a relation, of that name; FieldDoesNotExist with the near miss."""
        found = self._forward_fields_map.get(field_name)
        if found is None:
            found = self.fields_map.get(field_name)
        if found is None:
            names = [*self._forward_fields_map, *self.fields_map]
            raise FieldDoesNotExist(
                f"{self.object_name} has no field '{field_name}'.{did_you_mean(str(field_name), names)}"
            )
        return found

    @cached_property
    def pk_fields(self) -> list[Any]:
        """The fields with a column that make up the primary key: one, or several where it is composite."""
        return list(self.pk.fields) if self.pk.composite else [self.pk]

    @property
    def is_composite_pk(self) -> bool:
        """Whether the primary key is made of several fields."""
        return bool(self.pk is not None and self.pk.composite)

    @cached_property
    def total_unique_constraints(self) -> list[Any]:
        """Unique constraints over fields of all rows."""
        from_meta: list[Any] = self.constraints
        return [
            constraint
            for constraint in from_meta
            if getattr(constraint, "fields", ()) and getattr(constraint, "condition", None) is None
        ]

    @cached_property
    def _property_names(self) -> frozenset[str]:
        """Names of the class's properties: what a constructor keyword may set beside fields."""
        return frozenset(
            name
            for name in dir(self.model)
            if name != "_state" and isinstance(inspect.getattr_static(self.model, name, None), (property, KeyAttribute))
        )

    # -- parents

    @cached_property
    def all_parents(self) -> tuple[ModelClass, ...]:
        """Concrete ancestors, nearest first."""
        found = list(self.parents)
        for parent in self.parents:
            found.extend(ancestor for ancestor in parent._meta.all_parents if ancestor not in found)
        return tuple(found)

    def get_parent_list(self) -> list[ModelClass]:
        """Concrete ancestors, nearest first."""
        return list(self.all_parents)

    def get_base_chain(self, model: ModelClass) -> list[ModelClass]:
        """The classes between this one and its ancestor `model`, that one included; empty where it is none."""
        if not self.parents:
            return []
        if model in self.parents:
            return [model]
        for parent in self.parents:
            chain: list[ModelClass] = parent._meta.get_base_chain(model)
            if chain:
                return [parent, *chain]
        return []

    def get_ancestor_link(self, ancestor: ModelClass) -> Any:
        """The field of this model that leads towards `ancestor`; None where there is none."""
        if ancestor in self.parents:
            return self.parents[ancestor]
        for parent in self.parents:
            link = parent._meta.get_ancestor_link(ancestor)
            if link is not None:
                return self.parents[parent] or link
        return None

    # -- managers

    @cached_property
    def managers(self) -> tuple[Any, ...]:
        """Managers of the class and its bases, in the order they were made in, each bound to this model."""
        found: dict[str, tuple[int, int, Any]] = {}
        bases = [base for base in self.model.mro() if "_meta" in base.__dict__]
        for depth, base in enumerate(bases):
            for manager in base.__dict__["_meta"].local_managers:
                if manager.name not in found:
                    bound = copy.copy(manager)
                    bound.model = self.model
                    found[manager.name] = (depth, bound.creation_counter, bound)
        return tuple(entry[2] for entry in sorted(found.values(), key=lambda entry: entry[:2]))

    @cached_property
    def managers_map(self) -> dict[str, Any]:
        """Managers by name."""
        return {manager.name: manager for manager in self.managers}

    @cached_property
    def default_manager(self) -> Any:
        """The manager named by Meta.default_manager_name (a base's, too), else the first."""
        name = self._manager_name("default_manager_name")
        if name is not None:
            if name not in self.managers_map:
                raise ValueError(f"{self.object_name} has no manager '{name}'.{did_you_mean(name, self.managers_map)}")
            return self.managers_map[name]
        return self.managers[0] if self.managers else None

    def _manager_name(self, option: str) -> str | None:
        own: str | None = getattr(self, option)
        if own or (self.local_managers and option == "default_manager_name"):
            return own
        for base in self.model.mro()[1:]:
            meta = base.__dict__.get("_meta")
            if meta is not None:
                name: str | None = getattr(meta, option)
                if name or (meta.local_managers and option == "default_manager_name"):
                    return name
        return None

    @cached_property
    def base_manager(self) -> Any:
        """The manager named by Meta.base_manager_name (a base's, too), else a plain one: what relations are followed with."""
        name = self._manager_name("base_manager_name")
        if name is not None:
            if name not in self.managers_map:
                raise ValueError(f"{self.object_name} has no manager '{name}'.{did_you_mean(name, self.managers_map)}")
            return self.managers_map[name]
        return self.model._plain_manager()


def _insert(fields: list[Any], field: Any) -> None:
    """Keep `fields` in the order of declaration."""
    position = len(fields)
    while position and fields[position - 1].creation_counter > field.creation_counter:
        position -= 1
    fields.insert(position, field)


_COMPUTED: Sequence[str] = tuple(name for name, value in vars(Options).items() if isinstance(value, cached_property))
