"""ManyToMany: a relation by pairs, as users declare it, and the through model that is made where none is given.

On a class it is a typed face, on an instance a manager, which `many` makes. The invariant: pairs are rows of a model like
any other.
"""

from __future__ import annotations

from typing import Any, Generic, cast, overload

from typing_extensions import TypeVar, Unpack

from modelkit.deletion import CASCADE
from modelkit.errors import (
    FieldDoesNotExist,
    FieldError,
    UnresolvedRelation,
)
from modelkit.expressions.base import Path
from modelkit.expressions.faces import Instance
from modelkit.fields.base import Field
from modelkit.modelinfo import ModelClass
from modelkit.queryset.queryset import RelatedSet
from modelkit.relations.base import RECURSIVE, RelationField, RelationOptions
from modelkit.relations.foreign_key import ForeignKey
from modelkit.relations.managers import refuse_assignment
from modelkit.relations.many import manager_maker
from modelkit.relations.sides import ManyFace, ManyToManyRel

__all__ = ["ManyToMany"]

M = TypeVar("M")
R = TypeVar("R")
Rows_co = TypeVar("Rows_co", covariant=True, default=RelatedSet[R])


class _Between:
    """A many-to-many field as the one that waits for its explicit through model."""

    def __init__(self, field: ManyToMany[Any, Any]) -> None:
        self.field = field
        self.name = field.name
        self.model = field.model

    def bind(self, through: ModelClass) -> None:
        field = self.field
        field.remote_field.through = through
        field.model._meta.expire()
        if field.resolved:
            field.target_model()._meta.concrete_model._meta.expire()


class ManyToMany(RelationField[Any], Generic[R, Rows_co]):
    """Any number of rows of `to`: a model class, its name, or "self" (symmetrical, unless told otherwise).

    The pairs are rows of `through`, a model that is made automatically where none is given. An annotation may say what
    checkers take the related rows for, as that of a Reverse may: `tags: ManyToMany["Tag", "Tags"]`.
    """

    internal_type = "ManyToManyField"
    many_to_many = True

    @overload
    def __init__(
        self,
        to: type[R],
        related_name: str | None = ...,
        *,
        symmetrical: bool | None = ...,
        through: Any = ...,
        through_fields: tuple[str, ...] | None = ...,
        db_table: str | None = ...,
        **options: Unpack[RelationOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        to: str,
        related_name: str | None = ...,
        *,
        symmetrical: bool | None = ...,
        through: Any = ...,
        through_fields: tuple[str, ...] | None = ...,
        db_table: str | None = ...,
        **options: Unpack[RelationOptions],
    ) -> None: ...
    def __init__(self, to: Any, related_name: str | None = None, **options: Any) -> None:
        symmetrical = options.pop("symmetrical", None)
        through = options.pop("through", None)
        self.db_table: str | None = options.pop("db_table", None)
        if through is not None and self.db_table is not None:
            raise ValueError("A many-to-many relation with a through model has its table: drop db_table.")
        if through is None and options.get("through_fields"):
            raise ValueError(
                "through_fields names keys of a through model, and none is given: add through=... or drop it."
            )
        side = ManyToManyRel(
            self,
            to,
            related_name=related_name,
            related_query_name=options.pop("related_query_name", None),
            limit_choices_to=options.pop("limit_choices_to", None),
            db_constraint=options.pop("db_constraint", True),
            symmetrical=to == RECURSIVE if symmetrical is None else symmetrical,
            through=through,
            through_fields=options.pop("through_fields", None),
            many=True,
        )
        self._through = through
        if "on_delete" in options:
            raise TypeError("A many-to-many relation takes no on_delete: when a row goes, the pairs that it is in go.")
        for option, what in (("null", "be null"), ("unique", "be unique"), ("primary_key", "be the primary key")):
            if options.pop(option, False):
                raise TypeError(f"A many-to-many relation has no column that could {what}: drop {option}=True.")
        super().__init__(to, side, options)

    @overload  # type: ignore[override]  # a relation's face is no scalar expression
    def __get__(self, instance: None, owner: type[M]) -> ManyFace[M, R]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> Rows_co: ...
    def __get__(self, instance: Any, owner: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if instance is None:
            return ManyFace(Path(owner, (self.name,))) if self.name else self
        return (owner._meta.related_managers.get(self.name) or manager_maker(owner, self.name))(instance)

    def __set__(self, instance: object, value: Any) -> None:
        refuse_assignment(type(instance), self.name, value)

    def __copy__(self) -> Field[Any]:
        copied = cast("ManyToMany[R, Rows_co]", super().__copy__())
        copied.remote_field.through = self._through
        return copied

    def get_attname_column(self) -> tuple[str, Any]:
        """The name; there is no column."""
        return self.get_attname(), None

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        """Become the field `name` of model class `cls`, and make the through model where none is given."""
        side = self.remote_field
        if side.symmetrical and self._to in (RECURSIVE, cls.__name__):
            side.related_name = f"{name}_rel_+"
        super().contribute_to_class(cls, name, private_only)
        if cls._meta.abstract or self._through is None:
            return
        if isinstance(self._through, str):
            label = self._through if "." in self._through else f"{cls._meta.app_label}.{self._through}"
            cls._meta.registry.refer(cls, self.await_through(label), label)

    def bind(self, target: ModelClass) -> None:
        """Lead to `target` from now on."""
        super().bind(target)
        if self._through is None:
            self.remote_field.through = self._made_through(target)

    def unbind(self) -> None:
        """Lead nowhere; the automatic through model goes."""
        through = self.remote_field.through
        super().unbind()
        if self._through is None and through is not None:
            through._meta.registry.forget(through)
            self.remote_field.through = None

    def _made_through(self, target: ModelClass) -> ModelClass:
        model = self.model
        name = f"{model._meta.object_name}_{self.name}"
        if target is model:
            source_name, target_name = f"from_{model._meta.model_name}", f"to_{model._meta.model_name}"
        else:
            source_name, target_name = model._meta.model_name, target._meta.model_name
        options = {
            "app_label": model._meta.app_label,
            "auto_created": model,
            "db_table": self.db_table or f"{model._meta.db_table}_{self.name}",
            "registry": model._meta.registry,
            "unique_together": ((source_name, target_name),),
            "verbose_name": f"{source_name}-{target_name} relationship",
            "verbose_name_plural": f"{source_name}-{target_name} relationships",
        }
        constraint = self.remote_field.db_constraint
        body = {
            "__module__": model.__module__,
            "__qualname__": f"{model.__qualname__}_{self.name}",
            "Meta": type("Meta", (), options),
            source_name: ForeignKey(model, CASCADE, f"{name}+", db_constraint=constraint),
            target_name: ForeignKey(target, CASCADE, f"{name}+", db_constraint=constraint),
        }
        return model._auto_model(name, body)

    # -- the through model

    def await_through(self, label: str) -> _Between:
        """Have no through model until what is returned is bound to the one that goes by `label`."""
        self.remote_field.through = label
        return _Between(self)

    def through_model(self) -> ModelClass:
        """The model of the pairs; UnresolvedRelation where it has not been defined."""
        self.target_model()
        through = self.remote_field.through
        if through is None or isinstance(through, str):
            registry = self.model._meta.registry
            waiting = through or "its through model"
            hint = registry.hint(str(waiting))
            raise UnresolvedRelation(f"{self.label} goes through '{waiting}', which has not been defined.{hint}")
        return through

    def require(self) -> None:
        """Raise UnresolvedRelation where one of the two models or the one between lacks one that it refers to."""
        super().require()
        self.through_keys()
        _ = self.through_model()._meta.table

    def through_keys(self) -> tuple[Any, Any]:
        """The through model's keys to this model and to the target. FieldError where they cannot be told."""
        through = self.through_model()
        given = self.remote_field.through_fields
        if given:
            try:
                first, second = (through._meta.get_field(name) for name in given[:2])
            except FieldDoesNotExist as error:
                raise FieldDoesNotExist(f"{self.label} goes by through_fields={given!r}: {error}") from None
            return first, second
        source = self._keys_to(through, self.model)
        target = self._keys_to(through, self.target_model())
        if self.model._meta.concrete_model is self.target_model()._meta.concrete_model:
            if len(source) == 2:
                return source[0], source[1]
        elif len(source) == 1 and len(target) == 1:
            return source[0], target[0]
        raise FieldError(
            f"{self.label}: {through.__name__} needs one foreign key to {self.model.__name__} and one to "
            f"{self.target_model().__name__}; name them in through_fields=(...) where there are more."
        )

    def _keys_to(self, through: ModelClass, target: ModelClass) -> list[Any]:
        """The fields of `through` that lead to `target`, to it rather than its parents, foreign keys before all others."""
        lineage = {target._meta.concrete_model, *target._meta.all_parents}
        relations = [field for field in through._meta.fields if isinstance(field, RelationField)]
        for keys in ([field for field in relations if isinstance(field, ForeignKey)], relations):
            ends = [(field, field.target_model()._meta.concrete_model) for field in keys]
            found = [field for field, end in ends if end is target._meta.concrete_model]
            found = found or [field for field, end in ends if end in lineage]
            if found:
                return found
        return []

    def m2m_field_name(self) -> str:
        """The through model's key to this model."""
        return str(self.through_keys()[0].name)

    def m2m_reverse_field_name(self) -> str:
        """The through model's key to the target."""
        return str(self.through_keys()[1].name)

    def m2m_column_name(self) -> str:
        """The column of the through model's key to this model."""
        return str(self.through_keys()[0].column)

    def m2m_reverse_name(self) -> str:
        """The column of the through model's key to the target."""
        return str(self.through_keys()[1].column)

    def m2m_db_table(self) -> str:
        """The through model's table."""
        return str(self.through_model()._meta.db_table)

    def m2m_target_field_name(self) -> str:
        """The field of this model that the through model's key points to."""
        return str(self.through_keys()[0].target_field.name)

    def m2m_reverse_target_field_name(self) -> str:
        """The field of the target that the through model's key points to."""
        return str(self.through_keys()[1].target_field.name)

    def _chosen(self) -> str:
        return str(self.through_keys()[1].target_field.attname)

    def value_from_object(self, obj: Any) -> Any:
        """The related rows of `obj`, as a list; none where it has not been saved."""
        return [] if obj.pk is None else list(getattr(obj, self.name).all())

    def save_form_data(self, instance: Any, data: Any) -> None:
        """Make `data` the related rows of `instance`."""
        getattr(instance, self.name).set(data)

    def get_default(self) -> Any:
        """Nothing: there is no column."""
        return None
