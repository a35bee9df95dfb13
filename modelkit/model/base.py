"""What all models have: construction, identity, saving, deleting, validating.

One of the rooms that know everything; saving and deleting are `persistence` and `deletion`. The invariant: an instance's
`__dict__` is flat: attnames, annotations, related instances by the name of their relation, `_adding`, `_db`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from typing_extensions import dataclass_transform

from modelkit import deletion, deprecation, persistence
from modelkit import registry as registries
from modelkit.checks import CheckMessage
from modelkit.database import statement
from modelkit.errors import MultipleObjectsReturned, ObjectDoesNotExist, ValidationError, shorten
from modelkit.expressions.base import Node
from modelkit.expressions.conditions import Q
from modelkit.fields import (
    BigAutoField,
    BigIntegerField,
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    EmailField,
    FloatField,
    GenericIPAddressField,
    IntegerField,
    JSONField,
    PositiveBigIntegerField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    SlugField,
    SmallIntegerField,
    TextField,
    TimeField,
    URLField,
    UUIDField,
)
from modelkit.fields.composite import KeyAttribute
from modelkit.managers import DefaultObjects
from modelkit.model import checking, validation
from modelkit.model.metaclass import ModelMeta
from modelkit.model.state import DEFERRED, InstanceState, assign, by_position, construction
from modelkit.modelinfo import ModelClass, is_key
from modelkit.options import Options
from modelkit.owners import LISTS, without_owners
from modelkit.relations.foreign_key import ForeignKey, OneToOne
from modelkit.resolve import untrusted
from modelkit.retrying import standing
from modelkit.signals import post_init, pre_init
from modelkit.version import PICKLED_BY, __version__, check_pickled

__all__ = ["BareModel", "Model", "TypedModel"]

_SAVE_OPTIONS: Final = {"force_insert": False, "force_update": False, "using": None, "update_fields": None}


class BareModel(metaclass=ModelMeta, root=True):
    """A model without an implicit id: declare a primary key of your own."""

    objects = DefaultObjects()
    DoesNotExist: ClassVar[type[ObjectDoesNotExist]] = ObjectDoesNotExist
    MultipleObjectsReturned: ClassVar[type[MultipleObjectsReturned]] = MultipleObjectsReturned
    _meta: ClassVar[Options]
    _has_implicit_key: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        meta = self._meta
        plan = meta.made.get("construction")
        if plan is None:
            plan = construction(meta)
        if pre_init.receivers:
            pre_init.send(type(self), args=args, kwargs=kwargs)
        whole = True
        if args:
            kwargs = by_position(meta, plan, args, kwargs)
            whole = not any(value is DEFERRED for value in kwargs.values())
        state: dict[str, Any] = self.__dict__  # pyright: ignore[reportAssignmentType]  # an instance's own, not the class's
        state.update(plan.constants)
        for attname, name, make in plan.calls:
            if attname not in kwargs and name not in kwargs:
                state[attname] = make()
        if whole and kwargs.keys() <= plan.plain:
            state.update(kwargs)
        else:
            assign(self, meta, plan, kwargs)
        if plan.mixed:
            for attname, name, make in plan.watched:
                if attname not in kwargs and name not in kwargs:
                    setattr(self, attname, make())
            super().__init__()
        if post_init.receivers:
            post_init.send(type(self), instance=self)

    @classmethod
    def from_untrusted(cls, data: Mapping[str, Any], *, fields: Iterable[str]) -> Self:
        """A new instance, not saved, of data from outside, which may set `fields` alone and never the primary key.

        Raises FieldError for any other name, ValidationError by field for values that do not fit.
        """
        return cls(**untrusted.values(cls._meta.info, data, fields))

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any]) -> Self:
        """An instance from the values of a row, for models that override this or `__init__`."""
        fields = cls._meta.concrete_fields
        if len(values) != len(fields):
            given = dict(zip(field_names, values, strict=True))
            values = [given.get(field.attname, DEFERRED) for field in fields]
        made = cls(*values)
        made._state.adding = False
        made._state.db = db
        return made

    @classmethod
    def _auto_model(cls, name: str, body: dict[str, Any]) -> ModelClass:
        """A model made for this one, such as that of a many-to-many relation's pairs."""
        return ModelMeta(name, (Model,), body)

    # -- identity

    @property
    def _state(self) -> InstanceState:
        return InstanceState(self)

    pk = KeyAttribute()

    def _get_pk_val(self, meta: Options | None = None) -> Any:
        return getattr(self, (meta or self._meta).pk.attname)

    def _set_pk_val(self, value: Any) -> None:
        meta = self._meta
        for link in meta.parents.values():
            if link is not None and link is not meta.pk:
                setattr(self, link.target_field.attname, value)
        setattr(self, meta.pk.attname, value)

    def _is_pk_set(self, meta: Options | None = None) -> bool:
        return is_key(self._get_pk_val(meta))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BareModel):
            return NotImplemented
        if self._meta.concrete_model is not other._meta.concrete_model:
            return False
        key = self.pk
        return bool(key == other.pk) if is_key(key) else self is other

    def __hash__(self) -> int:
        key = self.pk
        if not is_key(key):
            raise TypeError(
                f"This {type(self).__name__} has no primary key yet, so it cannot be hashed: save it first."
            )
        return hash(key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __str__(self) -> str:
        return f"{type(self).__name__} object ({self.pk})"

    # -- copying and pickling

    def __reduce__(self) -> tuple[Any, ...]:
        meta = self._meta
        kind = meta.label if meta.registry is registries.default and registries.default.find(meta.label) else type(self)
        return (_remade, (kind,), {**self.__getstate__(), PICKLED_BY: __version__})

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and copied: the attributes; caches as copies."""
        state = without_owners(self.__dict__)
        for name in (LISTS, "_related_keys"):
            if name in state:
                state[name] = dict(state[name])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = check_pickled(state, type(self).__name__)
        self.__dict__.update(kept)  # pyright: ignore[reportAttributeAccessIssue]  # an instance's own, not the class's

    # -- values

    def _load_deferred(self, attname: str) -> Any:
        """The value of a field that was not loaded."""
        return persistence.load_deferred(self, attname)

    def get_deferred_fields(self) -> set[str]:
        """The attnames that are not loaded."""
        state = self.__dict__
        return {field.attname for field in self._meta.concrete_fields if field.attname not in state}

    def serializable_value(self, field_name: str) -> Any:
        """The value of a field by name, a foreign key's being the key; any other attribute by its own name."""
        field = self._meta._forward_fields_map.get(field_name)
        return getattr(self, field_name if field is None else field.attname)

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        """Read all loaded fields (or `fields`) again. Raises DoesNotExist where the row is gone."""
        persistence.refresh(self, using=using, fields=fields, from_queryset=from_queryset)

    async def arefresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        """As refresh_from_db()."""
        self.refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)

    def _neighbour(self, field: Any, forward: bool, **lookups: Any) -> Self:
        """The next or previous instance by a date, among those that meet `lookups`; DoesNotExist where there is none."""
        if not self._is_pk_set():
            raise ValueError("get_next/get_previous cannot be used on unsaved objects.")
        beyond, sign = ("gt", "") if forward else ("lt", "-")
        date = getattr(self, field.attname)
        later = Q((f"{field.name}__{beyond}", date)) | Q((field.name, date), (f"pk__{beyond}", self.pk))
        rows = type(self)._default_manager.using(self._state.db).filter(later, **lookups)
        found: Self | None = rows.order_by(f"{sign}{field.name}", f"{sign}pk").first()
        if found is None:
            raise self.DoesNotExist(
                f"{type(self).__name__} matching query does not exist: there is none beyond {date}."
            )
        return found

    # -- writing

    if TYPE_CHECKING:  # options go by name; at run time those that go by position work still, and warn

        def save(
            self,
            *,
            force_insert: bool | tuple[type, ...] = False,
            force_update: bool = False,
            using: str | None = None,
            update_fields: Iterable[str] | None = None,
        ) -> None:
            """Write this instance: its row is updated, or inserted where there is none.

            Raises IntegrityError where a constraint would be broken, ObjectNotUpdated where an update was forced in vain.
            """

        async def asave(
            self,
            *,
            force_insert: bool | tuple[type, ...] = False,
            force_update: bool = False,
            using: str | None = None,
            update_fields: Iterable[str] | None = None,
        ) -> None:
            """As save()."""

    else:

        def save(
            self,
            *positional: Any,
            force_insert: Any = False,
            force_update: Any = False,
            using: Any = None,
            update_fields: Any = None,
        ) -> None:
            """Write this instance: its row is updated, or inserted where there is none.

            Raises IntegrityError where a constraint would be broken, ObjectNotUpdated where an update was forced in vain.
            """
            if positional:
                given = (force_insert, force_update, using, update_fields)
                options = deprecation.by_name("Model.save", _SAVE_OPTIONS, given, positional)
                force_insert, force_update, using, update_fields = options
            persistence.save(
                self, force_insert=force_insert, force_update=force_update, update_fields=update_fields, using=using
            )

        async def asave(
            self,
            *positional: Any,
            force_insert: Any = False,
            force_update: Any = False,
            using: Any = None,
            update_fields: Any = None,
        ) -> None:
            """As save()."""
            if positional:
                given = (force_insert, force_update, using, update_fields)
                options = deprecation.by_name("Model.asave", _SAVE_OPTIONS, given, positional)
                force_insert, force_update, using, update_fields = options
            self.save(force_insert=force_insert, force_update=force_update, using=using, update_fields=update_fields)

    def save_base(
        self,
        raw: bool = False,
        force_insert: bool | tuple[type, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """As save() without what a subclass's save() adds; `raw` writes values as they are, parents left out."""
        persistence.save(
            self,
            force_insert=force_insert,
            force_update=force_update,
            update_fields=update_fields,
            using=using,
            raw=raw,
        )

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Delete this instance's row and what cascades from it: how many rows in all, and by model."""
        if not self._is_pk_set():
            raise ValueError(
                f"This {type(self).__name__} has no primary key (pk is {shorten(self.pk)}), so there is no row of it "
                "to delete."
            )
        if not persistence.plan_of(self._meta.info).versioned:
            return deletion.delete_instances([self], using, keep_parents=keep_parents, origin=self)
        alias, key = using or self.__dict__.get("_db"), self.pk

        def checked() -> tuple[int, dict[str, int]]:
            # An attempt that was rolled back took it off.
            self.pk = key
            with statement(alias, reading=True, isolation="serializable"):
                persistence.check_versions(self, alias)
                return deletion.delete_instances([self], using, keep_parents=keep_parents, origin=self)

        return standing(alias, checked)

    async def adelete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """As delete()."""
        return self.delete(using=using, keep_parents=keep_parents)

    # -- validating

    @classmethod
    def check(cls, **_: Any) -> list[CheckMessage]:
        """What may be wrong with the model although it could be defined, and what shows only once all models are.

        A class of one's own adds to what `super().check()` finds. Reads no row.
        """
        return list(checking.of_model(cls))

    def clean(self) -> None:
        """For subclasses: checks over several fields, run by full_clean()."""

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Clean every field but those in `exclude`. Raises ValidationError by field."""
        validation.clean_fields(self, exclude or ())

    def full_clean(
        self, exclude: Iterable[str] | None = None, validate_unique: bool = True, validate_constraints: bool = True
    ) -> None:
        """All checks; one ValidationError with everything that failed, by field."""
        validation.full_clean(self, exclude, validate_unique, validate_constraints)

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        """Raise ValidationError where another row has what must be unique."""
        validation.validate_unique(self, exclude or ())

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Raise ValidationError where a constraint of Meta would be broken."""
        validation.validate_constraints(self, exclude or ())

    def _get_unique_checks(
        self, exclude: Collection[str] | None = None, include_meta_constraints: bool = False
    ) -> tuple[list[Any], list[Any]]:
        together, on_dates = validation.unique_checks(self, exclude or (), include_meta_constraints)
        return (
            [(check.model, check.names) for check in together],
            [(check.model, check.kind, check.name, check.date_name) for check in on_dates],
        )

    def unique_error_message(self, model_class: ModelClass, unique_check: tuple[str, ...]) -> ValidationError:
        """The error for rows that agree in the fields `unique_check`."""
        return validation.unique_error_message(self, model_class, unique_check)

    def date_error_message(self, lookup_type: str, field_name: str, unique_for: str) -> ValidationError:
        """The error for rows of one date, month or year that agree in a field."""
        return validation.date_error_message(self, lookup_type, field_name, unique_for)

    def _meets(self, condition: Node, model: ModelClass) -> bool:
        """Whether `condition`, of a constraint of `model`, is not false for this instance."""
        return validation.evaluated(self, condition, model) is not False

    def _evaluated(self, node: Node) -> Any:
        return validation.evaluated(self, node)


def _remade(kind: Any) -> Any:
    """An empty instance for unpickling, of a class or of the model with that label."""
    model = registries.default.get(kind) if isinstance(kind, str) else kind
    return model.__new__(model)


class Model(BareModel, root=True):
    """A model whose primary key is an automatic `id`, unless it declares another."""

    _has_implicit_key: ClassVar[bool] = True

    if TYPE_CHECKING:
        id = BigAutoField(primary_key=True)


@dataclass_transform(
    kw_only_default=True,
    field_specifiers=(
        BigAutoField,
        BigIntegerField,
        BinaryField,
        BooleanField,
        CharField,
        DateField,
        DateTimeField,
        DecimalField,
        DurationField,
        EmailField,
        FloatField,
        ForeignKey,
        GenericIPAddressField,
        IntegerField,
        JSONField,
        OneToOne,
        PositiveBigIntegerField,
        PositiveIntegerField,
        PositiveSmallIntegerField,
        SlugField,
        SmallIntegerField,
        TextField,
        TimeField,
        URLField,
        UUIDField,
    ),
)
class TypedModel(BareModel, root=True):
    """A model whose constructor every type checker knows: annotate each field, `name: CharField[str] = CharField(...)`."""

    _has_implicit_key: ClassVar[bool] = True

    if TYPE_CHECKING:
        id: BigAutoField[int] = BigAutoField(primary_key=True, default=0)
