"""ForeignKey and OneToOne: relations whose key is a column, as users declare them.

On a class such a relation is a typed face, on an instance the related one; what instances do is in `accessors`. The
invariant: a key's column has the type of the field it points to.
"""

from __future__ import annotations

import copy
from typing import Any, Literal, overload

from typing_extensions import TypeVar, Unpack

from modelkit.checks import CheckMessage, warning
from modelkit.deletion import SET_DEFAULT, OnDelete
from modelkit.errors import (
    FieldDoesNotExist,
    FieldError,
    ImproperlyConfigured,
    ValidationError,
)
from modelkit.expressions.base import Path
from modelkit.expressions.faces import Expr, Instance
from modelkit.expressions.references import OptRef, Ref
from modelkit.fields.numbers import IntegerField
from modelkit.ir.types import ScalarType
from modelkit.modelinfo import ModelClass
from modelkit.relations.accessors import forward_get, forward_set
from modelkit.relations.base import RelationField, RelationOptions, check_on_delete
from modelkit.relations.sides import ManyToOneRel, OneToOneRel, OptRefFace, RefFace

__all__ = ["ForeignKey", "OneToOne"]

M = TypeVar("M")
R = TypeVar("R")
FKT = TypeVar("FKT")


class KeyOptions(RelationOptions, total=False):
    """The options of ForeignKey and OneToOne, beside `null`."""

    to_field: str | None
    parent_link: bool
    default: Any


class OneToOneOptions(RelationOptions, total=False):
    """The options of OneToOne, beside `null` and to_field."""

    related_name: str | None
    parent_link: bool
    default: Any


class KeyAttribute:
    """`user.team_id`: the value of a foreign key. A non-data descriptor, like a scalar field."""

    def __init__(self, field: Any) -> None:
        self.field = field

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self.field.key_face(owner)
        attname = self.field.attname
        try:
            return instance.__dict__[attname]
        except KeyError:
            return instance._load_deferred(attname)


class _DeclaredKey:
    """`team_id = team.key()`: names and types the attribute that a foreign key has anyway."""

    def __init__(self, field: Any) -> None:
        self.field = field

    def contribute_to_class(self, cls: Any, name: str) -> None:
        """Check that the name is the attribute's."""
        if name != self.field.get_attname():
            raise FieldError(
                f"{cls.__name__}.{name} is declared as the key of '{self.field.name}', which is '{self.field.get_attname()}'."
            )


class ForeignKey(RelationField[FKT]):
    """A key to one row of `to`: a model class, its name ("Model", "app.Model"), or "self".

    `on_delete` says what becomes of the rows that point to a deleted one. `related_name` is what the target calls the
    relation ("+": nothing), `to_field` a unique field of it that the key holds instead of the primary key.
    """

    internal_type = "ForeignKey"
    many_to_one = True
    unique_key = False

    @overload
    def __init__(
        self: ForeignKey[R | None],
        to: type[R],
        on_delete: OnDelete,
        related_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[KeyOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: ForeignKey[R],
        to: type[R],
        on_delete: OnDelete,
        related_name: str | None = ...,
        *,
        null: Literal[False] = False,
        **options: Unpack[KeyOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        to: str,
        on_delete: OnDelete,
        related_name: str | None = ...,
        *,
        null: bool = ...,
        **options: Unpack[KeyOptions],
    ) -> None: ...
    def __init__(self, to: Any, on_delete: OnDelete, related_name: str | None = None, **options: Any) -> None:
        _declare_key(self, to, on_delete, related_name, options)

    # -- reading

    @overload  # type: ignore[override]  # a relation's face is no scalar expression
    def __get__(self: ForeignKey[R | None], instance: None, owner: type[M]) -> OptRef[M, R]: ...
    @overload
    def __get__(self: ForeignKey[R], instance: None, owner: type[M]) -> Ref[M, R]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> FKT: ...
    def __get__(self, instance: Any, owner: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if instance is None and self.name is None:
            return self
        if owner is not self.model and not hasattr(owner, "_meta"):
            return self
        if instance is None:
            path = Path(owner, (self.name,))
            return OptRefFace(path) if self.null else RefFace(path)
        return forward_get(instance, self.name)

    def __set__(self, instance: object, value: FKT) -> None:
        forward_set(instance, self.name, value)

    @overload
    def key(  # pyright: ignore[reportOverlappingOverload]  # the nullable one must come first
        self: ForeignKey[R | None],
    ) -> IntegerField[int | None]: ...
    @overload
    def key(self: ForeignKey[R]) -> IntegerField[int]: ...
    def key(self) -> Any:
        """Declares the key's own attribute, for type checkers: `team_id = team.key()`."""
        return _DeclaredKey(self)

    def key_face(self, owner: Any) -> Any:
        """What the key's own attribute is on class `owner`."""
        face: type[Expr[Any, Any]] = self.value_field.face if self.resolved else Expr
        return face(Path(owner, (self.attname,)))

    # -- standing on a model

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        """Become the field `name`, and its key the attribute `name`_id, of model class `cls`."""
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, KeyAttribute(self))

    def get_attname(self) -> str:
        """The attribute that holds the key."""
        return f"{self.name}_id"

    def get_attname_column(self) -> tuple[str, str]:
        """The attname and the column's name."""
        attname = self.get_attname()
        return attname, self.db_column or attname

    def bind(self, target: ModelClass) -> None:
        """Lead to `target` from now on."""
        self.__dict__.pop("_value_field", None)
        self.check_key(target._meta)
        super().bind(target)

    def check(self, **options: Any) -> list[CheckMessage]:
        """What may be wrong; a unique key is a one-to-one relation, whose far side gives one row."""
        found = super().check(**options)
        if self._unique and not self.unique_key:
            found.append(
                warning(self, "fields.W342", "It is unique: one row at most leads to each.", "Declare a OneToOne.")
            )
        return found

    def check_key(self, meta: Any) -> None:
        """Raise FieldError where the target's key, which this one would hold, is more than one value."""
        if self.remote_field.to_field is None and meta.is_composite_pk:
            if self.remote_field.parent_link:
                way_out = "Models with such a key have no child models of their own table: make the parent abstract."
            elif self.model._meta.auto_created:
                way_out = "Give the relation a model of its pairs (through=...) that has a ForeignObject to it."
            else:
                way_out = (
                    "Point to a unique field (to_field=...), or declare the columns and a ForeignObject over them."
                )
            raise FieldError(
                f"{self.label} leads to {meta.object_name}, whose primary key is composite: one column cannot hold it. {way_out}"
            )

    @property
    def target_field(self) -> Any:
        """The field that the key holds a value of. UnresolvedRelation where the target has not been defined."""
        meta = self.target_model()._meta
        name = self.remote_field.to_field
        try:
            found = meta.pk if name is None else meta.get_field(name)
        except FieldDoesNotExist as error:
            raise FieldDoesNotExist(f"{self.label} points to to_field={name!r}: {error}") from None
        if found is None:
            raise ImproperlyConfigured(f"{self.label} leads to {meta.object_name}, which has no primary key.")
        if name is not None and not found.unique and not _alone_unique(meta, name):
            raise FieldError(f"{self.label} points to {meta.object_name}.{name}, which is not unique.")
        return found

    @property
    def value_field(self) -> Any:
        """A field like the one pointed to, under this field's name: it takes values in as that one does."""
        known: Any = self.__dict__.get("_value_field")
        if known is None:
            known = copy.copy(self._pointed_to())
            for name in ("name", "attname", "model", "null", "primary_key"):
                known.__dict__[name] = self.__dict__.get(name)
            self.__dict__["_value_field"] = known
            self.from_db_value = known.from_db_value
        return known

    def _pointed_to(self) -> Any:
        """The field with a value of its own that the key leads to, over keys; ImproperlyConfigured where these go round."""
        passed: list[Any] = [self]
        found = self.target_field
        while isinstance(found, ForeignKey):
            if any(found is each for each in passed):
                way = " -> ".join(each.label for each in (*passed, found))
                raise ImproperlyConfigured(
                    f"{self.label} has no value of its own: its key leads back to itself ({way})."
                )
            passed.append(found)
            found = found.target_field
        return found

    @property
    def foreign_related_fields(self) -> tuple[Any, ...]:
        """The fields of the target that the key points to."""
        return (self.target_field,)

    @property
    def local_related_fields(self) -> tuple[Any, ...]:
        """The fields of this model that make up the key: this one."""
        return (self,)

    @property
    def related_fields(self) -> list[tuple[Any, Any]]:
        """Pairs of own field and target's field; FieldError where `to_field` is inherited by the target."""
        target, name = self.target_field, self.remote_field.field_name
        if name is not None and target.model._meta.concrete_model is not self.target_model()._meta.concrete_model:
            raise FieldError(
                f"{self.label} refers to field '{name}' which is not local to model '{self.target_model()._meta.label}', but to "
                f"{target.model.__name__}."
            )
        return [(self, target)]

    @property
    def to_fields(self) -> list[str | None]:
        """The name of the target's field as declared; None for the primary key."""
        return [self.remote_field.to_field]

    # -- values

    @property
    def scalar_type(self) -> ScalarType:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The type of the field pointed to; another one perhaps when the target is defined again."""
        kind: ScalarType = self.value_field.scalar_type
        return kind

    @property
    def canonical_type(self) -> type | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the field pointed to has it."""
        kind: type | None = self.value_field.canonical_type
        return kind

    def coerce(self, value: Any) -> Any:
        """The canonical key for `value`: a key, or an instance of the target."""
        target = self._bound
        if target is not None and isinstance(value, target._meta.concrete_model):
            value = getattr(value, self.target_field.attname)
        return self.value_field.coerce(value)

    def fitted(self, value: Any) -> Any:
        """The canonical key for `value`, checked."""
        return self.value_field.fitted(value)

    def to_python(self, value: Any) -> Any:
        """`value` as the type of the field pointed to."""
        return self.value_field.to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        """`value` as queries and rows take it."""
        return self.value_field.get_prep_value(value)

    def get_default(self) -> Any:
        """A new instance's key; a default that is an instance gives its key."""
        value = super().get_default()
        if self._bound is not None and isinstance(value, self._bound):
            return getattr(value, self.target_field.attname)
        return value

    def validate(self, value: Any, model_instance: Any) -> None:
        """Check null and blank, and that there is such a row (one that limit_choices_to allows)."""
        if self.remote_field.parent_link:
            return
        super().validate(value, model_instance)
        if value is None:
            return
        target = self.target_model()
        alias = model_instance._state.db
        rows = target._base_manager.using(alias).filter(**{self.target_field.attname: value})
        if not rows.complex_filter(self.get_limit_choices_to()).exists():
            params = {
                "model": target._meta.verbose_name,
                "pk": value,
                "field": self.target_field.attname,
                "value": value,
            }
            raise ValidationError(self.error_messages["invalid"], code="invalid", params=params)

    def _chosen(self) -> str:
        return str(self.target_field.attname)

    def deconstruct(self) -> tuple[str | None, str, list[Any], dict[str, Any]]:
        """Name, import path, positional and keyword arguments that make an equal field."""
        name, _, args, options = super().deconstruct()
        side = self.remote_field
        options |= {"to": self._to, "on_delete": side.on_delete}
        for option in ("related_name", "related_query_name", "limit_choices_to", "parent_link"):
            if getattr(side, option):
                options[option] = getattr(side, option)
        if side.to_field is not None:
            options["to_field"] = side.to_field
        if not side.db_constraint:
            options["db_constraint"] = False
        if options.pop("db_index", True) is False:
            options["db_index"] = False
        return name, f"modelkit.{type(self).__name__}", args, options


def _declare_key(
    field: ForeignKey[Any], to: Any, on_delete: OnDelete, related_name: str | None, options: dict[str, Any]
) -> None:
    """What the constructors of ForeignKey and OneToOne do."""
    check_on_delete(on_delete)
    if on_delete is SET_DEFAULT and not {"default", "db_default"} & options.keys():
        raise FieldError(
            f"{type(field).__name__}(on_delete=SET_DEFAULT) needs a default: the key to fall back on, or default=None."
        )
    unique = field.unique_key
    side = (OneToOneRel if unique else ManyToOneRel)(
        field,
        to,
        related_name=related_name,
        related_query_name=options.pop("related_query_name", None),
        limit_choices_to=options.pop("limit_choices_to", None),
        on_delete=on_delete,
        parent_link=options.pop("parent_link", False),
        to_field=options.pop("to_field", None),
        db_constraint=options.pop("db_constraint", True),
        unique=unique,
    )
    if unique:
        options["unique"] = True
    options.setdefault("db_index", True)
    RelationField.__init__(field, to, side, options)


def _alone_unique(meta: Any, name: str) -> bool:
    """Whether a constraint without conditions makes the one field unique."""
    return (name,) in meta.unique_together or any(
        tuple(constraint.fields) == (name,) for constraint in meta.total_unique_constraints
    )


class OneToOne(ForeignKey[FKT]):
    """A key to one row of `to` that no other row points to; the target has one related instance, or none.

    `parent_link`: the key to the parent's row in multi-table inheritance.
    """

    internal_type = "OneToOneField"
    many_to_one = False
    one_to_one = True
    unique_key = True

    @overload
    def __init__(
        self: OneToOne[R | None],
        to: type[R],
        on_delete: OnDelete,
        to_field: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[OneToOneOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: OneToOne[R],
        to: type[R],
        on_delete: OnDelete,
        to_field: str | None = ...,
        *,
        null: Literal[False] = False,
        **options: Unpack[OneToOneOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        to: str,
        on_delete: OnDelete,
        to_field: str | None = ...,
        *,
        null: bool = ...,
        **options: Unpack[OneToOneOptions],
    ) -> None: ...
    def __init__(self, to: Any, on_delete: OnDelete, to_field: str | None = None, **options: Any) -> None:
        _declare_key(self, to, on_delete, options.pop("related_name", None), {**options, "to_field": to_field})
