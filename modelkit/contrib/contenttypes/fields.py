"""GenericForeignKey and GenericRelation: a key to a row of any model, and its far side.

The key is two fields, one for the content type and one for the row's own key; both relations are virtual, without a
column. The invariant: queries know a content type by app label and model name, so that a query means the same on each store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Literal, overload

from typing_extensions import TypeVar, Unpack

from modelkit.assembly.lineage import column_of
from modelkit.checks import CheckMessage, error
from modelkit.contrib.contenttypes.managers import GenericManager
from modelkit.contrib.contenttypes.models import ContentType, natural_key
from modelkit.deletion import CASCADE
from modelkit.errors import FieldDoesNotExist, FieldError, ObjectDoesNotExist, did_you_mean, shorten
from modelkit.expressions.base import Path
from modelkit.expressions.faces import Instance
from modelkit.fields.base import Field
from modelkit.ir.expr import BOOLEAN, And, Col, Compare, Expr, Param, Subquery
from modelkit.ir.query import Select, Source, ValueOutput
from modelkit.modelinfo import Guard, ModelClass, kept_as
from modelkit.queryset.queryset import RelatedSet
from modelkit.relations.accessors import alias_of
from modelkit.relations.base import RelationField, RelationOptions
from modelkit.relations.managers import refuse_assignment
from modelkit.relations.many import manager_maker
from modelkit.relations.sides import ManyFace, Side

__all__ = ["GenericForeignKey", "GenericRelation"]

M = TypeVar("M")
R = TypeVar("R")
Rows_co = TypeVar("Rows_co", covariant=True, default=RelatedSet[R])

_ABSENT: Any = object()


class GenericForeignKey(Field[Any]):
    """The row of any model that the fields `ct_field` (a foreign key to ContentType) and `fk_field` (its key) name.

    `for_concrete_model=False` tells proxies from the models they stand for. Read on an instance it is the row, or None;
    assigned, it sets both fields. Queries filter the two fields, or go through a GenericRelation's related_query_name.
    """

    is_relation: ClassVar[bool] = True
    many_to_many = False
    many_to_one = True
    one_to_many = False
    one_to_one = False

    def __init__(
        self, ct_field: str = "content_type", fk_field: str = "object_id", for_concrete_model: bool = True
    ) -> None:
        super().__init__(editable=False)
        self.ct_field = ct_field
        self.fk_field = fk_field
        self.goes_by = (ct_field, fk_field)
        self.for_concrete_model = for_concrete_model

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = True) -> None:
        """Become the relation `name` of model class `cls`."""
        super().contribute_to_class(cls, name, private_only=True)

    def get_attname_column(self) -> tuple[str, Any]:
        """The name; there is no column."""
        return self.get_attname(), None

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        key = self._key(instance)
        state = instance.__dict__
        related = state.get(kept_as(self.name), _ABSENT)
        if related is None and state.get("_related_keys", {}).get(kept_as(self.name), key) == key:
            return None
        if related is None or related is _ABSENT or not self._leads_to(key, related):
            related = self._fetch(key, alias_of(instance))
            self._cache(instance, key, related)
        return related

    def __set__(self, instance: Any, value: Any) -> None:
        if value is None:
            setattr(instance, self.ct_field, None)
            setattr(instance, self.fk_field, None)
        elif not hasattr(value, "_meta"):
            raise ValueError(f"{self.label} takes an instance of a model or None, not {shorten(value)}.")
        elif value._meta.is_composite_pk:
            raise ValueError(f"{self.label}: {_no_one_key(type(value), self.fk_field)}")
        else:
            setattr(instance, self._end(self.ct_field).name, self._type_of(value, alias_of(value)))
            setattr(instance, self._end(self.fk_field).name, value.pk)
        self._cache(instance, self._key(instance), value)

    def check(self, **options: Any) -> list[CheckMessage]:
        """What may be wrong; the two fields are looked for, which may stand below it in the class."""
        found = super().check(**options)
        known = {field.name: field for field in self.model._meta.fields}
        for id_, name in (("contenttypes.E001", self.fk_field), ("contenttypes.E002", self.ct_field)):
            if name not in known:
                found.append(error(self, id_, f"It goes by '{name}', which is no field.{did_you_mean(name, known)}"))
        kind = known.get(self.ct_field)
        if kind is not None and kind.related_model is not ContentType:
            hint = f"Declare {self.ct_field} = ForeignKey(ContentType, ...)."
            found.append(error(self, "contenttypes.E004", f"'{self.ct_field}' does not lead to ContentType.", hint))
        return found

    @property
    def _type_attname(self) -> str:
        return str(self._end(self.ct_field).attname)

    def _end(self, name: str) -> Any:
        """A field of the model that the relation goes by; FieldDoesNotExist where there is none of that name."""
        try:
            return self.model._meta.get_field(name)
        except FieldDoesNotExist as error:
            raise FieldDoesNotExist(f"{self.label} goes by {self.ct_field} and {self.fk_field}: {error}") from None

    def _type_of(self, model: Any, alias: str) -> ContentType:
        return ContentType.objects.db_manager(alias).get_for_model(model, for_concrete_model=self.for_concrete_model)

    def _key(self, instance: Any) -> tuple[Any, Any]:
        return getattr(instance, self._type_attname), getattr(instance, self.fk_field)

    def _cache(self, instance: Any, key: tuple[Any, Any], related: Any) -> None:
        instance.__dict__[kept_as(self.name)] = related
        if related is None:
            instance.__dict__.setdefault("_related_keys", {})[kept_as(self.name)] = key

    def _leads_to(self, key: tuple[Any, Any], related: Any) -> bool:
        """Whether `key` is that of `related`, or was before it was deleted or is not yet."""
        kind, pk = key
        if kind != self._type_of(related, alias_of(related)).pk:
            return False
        return related.pk is None if pk is None else bool(related._meta.pk.to_python(pk) == related.pk)

    def _fetch(self, key: tuple[Any, Any], alias: str) -> Any:
        kind, pk = key
        if kind is None or pk is None:
            return None
        found = ContentType.objects.db_manager(alias).get_for_id(kind)
        try:
            return found.require_model(self.model._meta.registry)._base_manager.using(alias).get(pk=pk)
        except ObjectDoesNotExist:
            return None

    # -- what the floors below ask of virtual relations

    def check_saved(self, instance: Any, operation: str) -> None:
        """ValueError where `instance` would be written with an unsaved related instance; a key that came later is taken over."""
        related = instance.__dict__.get(kept_as(self.name))
        if related is None:
            return
        if related.pk is None:
            raise ValueError(
                f"{operation}() prohibited to prevent data loss due to unsaved related object '{self.name}': "
                f"save {shorten(related)} first."
            )
        if getattr(instance, self.fk_field) is None:
            setattr(instance, self.fk_field, related.pk)

    def is_cached(self, instance: Any) -> bool:
        """Whether `instance` keeps the related one."""
        return kept_as(self.name) in instance.__dict__

    def prefetched(self, instances: Sequence[Any], querysets: Sequence[Any], alias: str | None) -> list[Any]:
        """What each of `instances` leads to, or None: one statement for each model. ValueError for two querysets of one."""
        types = ContentType.objects.db_manager(alias)
        own: dict[Any, Any] = {}
        for queryset in querysets:
            kind = types.get_for_model(queryset.model, for_concrete_model=self.for_concrete_model).pk
            if kind in own:
                raise ValueError(f"'{self.name}' is prefetched with two querysets of {queryset.model.__name__}.")
            own[kind] = queryset
        keys = [self._key(instance) for instance in instances]
        wanted: dict[Any, dict[Any, None]] = {}
        for kind, pk in keys:
            if kind is not None and pk is not None:
                wanted.setdefault(kind, {})[pk] = None
        found: dict[Any, Any] = {}
        fields: dict[Any, Any] = {}
        for kind, pks in wanted.items():
            queryset = own.get(kind)
            if queryset is None:
                model = types.get_for_id(kind).require_model(self.model._meta.registry)
                queryset = model._base_manager.using(alias)
            fields[kind] = queryset.model._meta.pk
            for each in queryset.filter(pk__in=list(pks)):
                found[kind, each.pk] = each
        return [found.get((kind, fields[kind].to_python(pk))) if kind in fields else None for kind, pk in keys]

    def keep(self, instance: Any, related: Any) -> None:
        """Let `instance` keep what was prefetched."""
        self._cache(instance, self._key(instance), related)


class GenericRelation(RelationField[Any], Generic[R, Rows_co]):
    """The rows of `to` whose generic foreign key leads to a row of this model: the far side of a GenericForeignKey.

    `related_query_name` lets queries on `to` come back. Deleting a row deletes those that are related to it.
    """

    many_to_many = False
    many_to_one = False
    one_to_many = True
    one_to_one = False
    manager_class = GenericManager

    @overload
    def __init__(
        self,
        to: type[R],
        object_id_field: str = ...,
        content_type_field: str = ...,
        for_concrete_model: bool = ...,
        **options: Unpack[RelationOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        to: str,
        object_id_field: str = ...,
        content_type_field: str = ...,
        for_concrete_model: bool = ...,
        **options: Unpack[RelationOptions],
    ) -> None: ...
    def __init__(
        self,
        to: Any,
        object_id_field: str = "object_id",
        content_type_field: str = "content_type",
        for_concrete_model: bool = True,
        related_query_name: str | None = None,
        limit_choices_to: Any = None,
        **options: Any,
    ) -> None:
        side = Side(
            self,
            to,
            related_name="+",
            related_query_name=related_query_name,
            limit_choices_to=limit_choices_to,
            on_delete=CASCADE,
        )
        super().__init__(to, side, {"null": True, "blank": True, "editable": False, "serialize": False, **options})
        self.object_id_field_name = object_id_field
        self.content_type_field_name = content_type_field
        self.for_concrete_model = for_concrete_model

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = True) -> None:
        """Become the relation `name` of model class `cls`."""
        super().contribute_to_class(cls, name, private_only=True)

    def check_ends(self) -> None:
        """Raise FieldError where the key of the model is more than one value."""
        if self.model._meta.is_composite_pk:
            raise FieldError(f"{self.label}: {_no_one_key(self.model, self.object_id_field_name)}")

    def get_attname_column(self) -> tuple[str, Any]:
        """The name; there is no column."""
        return self.get_attname(), None

    @overload  # type: ignore[override]  # a relation's face is no scalar expression
    def __get__(self, instance: None, owner: type[M]) -> ManyFace[M, R]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> Rows_co: ...
    def __get__(self, instance: Any, owner: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if instance is None:
            return ManyFace(Path(owner, (self.name,)))
        return (owner._meta.related_managers.get(self.name) or manager_maker(owner, self.name))(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        refuse_assignment(type(instance), self.name, value)

    # -- what the floors below ask of virtual relations

    @property
    def end_field(self) -> Any:
        """The field of the target that holds the keys of rows of this model."""
        return self._end(self.object_id_field_name)

    def _end(self, name: str) -> Any:
        """A field of the target that the relation goes by; FieldDoesNotExist where it has none of that name."""
        target = self.target_model()
        try:
            return target._meta.get_field(name)
        except FieldDoesNotExist as error:
            raise FieldDoesNotExist(
                f"{self.label} goes by {self.content_type_field_name} and {self.object_id_field_name} of "
                f"{target.__name__}, as its GenericForeignKey does: {error}"
            ) from None

    def restriction(self, model: ModelClass) -> dict[str, str]:
        """The lookups on the target that hold for the rows that belong to rows of `model`."""
        app_label, name = natural_key(model, self.for_concrete_model)
        kind = self.content_type_field_name
        return {f"{kind}__app_label": app_label, f"{kind}__model": name}

    def guard(self, model: ModelClass, side: Literal["left", "right"]) -> Guard:
        """What keeps the rows of other models than `model` out of a join; `side` is where the target stands."""
        field = self._end(self.content_type_field_name)
        if field.model._meta.concrete_model is not self.end_field.model._meta.concrete_model:
            raise FieldError(
                f"{self.label}: '{self.content_type_field_name}' and '{self.object_id_field_name}' of "
                f"{self.target_model().__name__} stand in different tables, so they are no generic foreign key."
            )
        return Guard(side, column_of(field), _is_of_type, natural_key(model, self.for_concrete_model))

    def own_key(self, instance: Any) -> Any:
        """What tells `instance` from all other rows that could have rows of the target; None before it has a key."""
        pk = instance.pk
        return None if pk is None else (natural_key(instance, self.for_concrete_model), pk)

    def owner_key(self, row: Any, alias: str | None) -> Any:
        """The same of the instance that `row` of the target belongs to."""
        attname = row._meta.get_field(self.content_type_field_name).attname
        found = ContentType.objects.db_manager(alias).get_for_id(getattr(row, attname))
        pk = getattr(row, self.object_id_field_name)
        model = found.model_class(self.model._meta.registry)
        return found.natural_key(), pk if model is None else model._meta.pk.to_python(pk)


def _no_one_key(model: ModelClass, fk_field: str) -> str:
    """Why rows of `model` can be no end of a generic relation."""
    return (
        f"the primary key of {model._meta.object_name} is composite, and '{fk_field}' holds one value. "
        "Declare the columns of the key, and a ForeignObject over them."
    )


def _is_of_type(value: Expr, slot: int) -> Expr:
    """Whether `value` is the id of the content type whose app label and model name stand in `slot` and after."""
    meta = ContentType._meta
    columns = [Col(field.scalar_type, False, 0, column_of(field)) for field in meta.local_concrete_fields]
    by_name = dict(zip([field.name for field in meta.local_concrete_fields], columns, strict=True))
    tests = tuple(
        Compare(BOOLEAN, False, "eq", by_name[name], Param(by_name[name].type, False, slot + offset))
        for offset, name in enumerate(("app_label", "model"))
    )
    key = by_name["id"]
    select = Select((Source(meta.table),), (ValueOutput(key),), where=And(BOOLEAN, False, tests), bare=True)
    return Compare(BOOLEAN, True, "eq", value, Subquery(key.type, True, select))
