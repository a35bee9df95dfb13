"""ForeignKey, OneToOne and ManyToMany: relations as users declare them.

On a class a relation is a typed face, on an instance the related one or a manager; what instances do is in
`accessors` and `many`. The invariant: a key's column has the type of the field it points to.
"""

from __future__ import annotations

import copy
from typing import Any, Generic, Literal, cast, overload

from typing_extensions import TypeVar, Unpack

from modelkit.deletion import CASCADE, DO_NOTHING, PROTECT, RESTRICT, SET, SET_DEFAULT, SET_NULL, OnDelete
from modelkit.errors import (
    FieldDoesNotExist,
    FieldError,
    ImproperlyConfigured,
    UnresolvedRelation,
    ValidationError,
)
from modelkit.expressions.base import Path
from modelkit.expressions.faces import Expr, Instance
from modelkit.expressions.references import OptRef, Ref
from modelkit.fields.base import Field
from modelkit.fields.numbers import IntegerField
from modelkit.ir.types import ScalarType
from modelkit.modelinfo import ModelClass
from modelkit.queryset.queryset import RelatedSet
from modelkit.relations.accessors import forward_get, forward_set
from modelkit.relations.base import RECURSIVE, RelationField, RelationOptions, check_on_delete
from modelkit.relations.managers import refuse_assignment
from modelkit.relations.many import related_manager
from modelkit.relations.sides import ManyFace, ManyToManyRel, ManyToOneRel, OneToOneRel, OptRefFace, RefFace

__all__ = [
    "CASCADE",
    "DO_NOTHING",
    "PROTECT",
    "RESTRICT",
    "SET",
    "SET_DEFAULT",
    "SET_NULL",
    "ForeignKey",
    "ManyToMany",
    "OnDelete",
    "OneToOne",
]

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

    def related_query_name(self) -> str:
        """What queries from the target call the relation."""
        return self.remote_field.name

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
        limit = self.get_limit_choices_to()
        if limit:
            rows = rows.filter(**limit) if isinstance(limit, dict) else rows.filter(limit)
        if not rows.exists():
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


class _Between:
    """A many-to-many field as the one that waits for its explicit through model."""

    def __init__(self, field: ManyToMany[Any]) -> None:
        self.field = field
        self.name = field.name
        self.model = field.model

    def bind(self, through: ModelClass) -> None:
        field = self.field
        field.remote_field.through = through
        field.model._meta.expire()
        if field.resolved:
            field.target_model()._meta.concrete_model._meta.expire()


class ManyToMany(RelationField[Any], Generic[R]):
    """Any number of rows of `to`: a model class, its name, or "self" (symmetrical, unless told otherwise).

    The pairs are rows of `through`, a model that is made automatically where none is given.
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
    def __get__(self, instance: Instance, owner: type[Any]) -> RelatedSet[R]: ...
    def __get__(self, instance: Any, owner: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if instance is None:
            return ManyFace(Path(owner, (self.name,))) if self.name else self
        return related_manager(instance, self.name)

    def __set__(self, instance: object, value: Any) -> None:
        refuse_assignment(type(instance), self.name, value)

    def __copy__(self) -> Field[Any]:
        copied = cast("ManyToMany[R]", super().__copy__())
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

    def related_query_name(self) -> str:
        """What queries from the target call the relation."""
        return self.remote_field.name

    def value_from_object(self, obj: Any) -> Any:
        """The related rows of `obj`, as a list; none where it has not been saved."""
        return [] if obj.pk is None else list(getattr(obj, self.name).all())

    def save_form_data(self, instance: Any, data: Any) -> None:
        """Make `data` the related rows of `instance`."""
        getattr(instance, self.name).set(data)

    def get_default(self) -> Any:
        """Nothing: there is no column."""
        return None
