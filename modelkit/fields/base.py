"""The base of all scalar fields: what a field is told, how it takes values in, and how it reads from class and instance.

A field knows expressions and scalar types; of its model it knows the class it was put on, and nothing more. It is its own
non-data descriptor: on an instance the value in `__dict__` wins, on the class it gives a typed expression.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partialmethod, total_ordering
from typing import TYPE_CHECKING, Any, ClassVar, Generic, SupportsIndex, cast, overload

from typing_extensions import TypeVar

from modelkit.checks import CheckMessage
from modelkit.errors import FieldError, ImproperlyConfigured, ValidationError, WrongType, did_you_mean, shorten
from modelkit.expressions.base import Path
from modelkit.expressions.faces import Expr, Instance
from modelkit.expressions.functions import Transform
from modelkit.expressions.predicates import BUILT_IN, JSON_BUILT_IN, Lookup
from modelkit.expressions.registration import Registrable
from modelkit.fields import checks
from modelkit.fields.choices import CalledChoices, Pairs, display_of, flatten, normalise
from modelkit.fields.columns import CANONICAL, column_type
from modelkit.fields.options import DEFAULTS, NOT_PROVIDED, Validator
from modelkit.ir import types
from modelkit.ir.schema import DEFAULT

__all__ = ["BLANK_CHOICE_DASH", "DeferredAttribute", "Field", "evaluated", "plain"]

M = TypeVar("M")
T = TypeVar("T")

BLANK_CHOICE_DASH = [("", "---------")]


def evaluated(value: Any) -> Any:
    """`value`, or what it stands for where it is a lazy value as Django makes them (`lazy()`, `gettext_lazy()`)."""
    made = getattr(type(value), "_proxy____cast", None)
    return value if made is None else made(value)


class DeferredAttribute:
    """A base for a field's `descriptor_class`: reads what the field reads, of a class its expression, of an instance the value."""

    def __init__(self, field: Field[Any]) -> None:
        self.field = field

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self.field.__get__(instance, type(instance) if owner is None else owner)


@total_ordering
class Field(Registrable, Generic[T]):
    """A scalar field that holds a T.

    Custom fields override `to_python`, `get_prep_value`, `from_db_value(self, value, expression, connection)`, `pre_save` and
    `get_internal_type`, as in Django.
    """

    internal_type: ClassVar[str] = ""
    face: ClassVar[type[Expr[Any, Any]]] = Expr
    empty_values: ClassVar[tuple[Any, ...]] = (None, "", [], (), {})
    empty_strings_allowed: ClassVar[bool] = True
    description: ClassVar[str] = "Field"
    default_validators: ClassVar[Sequence[Validator]] = ()
    option_defaults: ClassVar[Mapping[str, Any]] = {}
    """Options that the class adds, or whose default it changes; added ones become attributes."""
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid_choice": "%(shown)s is not one of the choices.",
        "null": "A value is needed here: it may not be null.",
        "blank": "A value is needed here: it may not be blank.",
        "unique": "There is a %(model_name)s with this %(field_label)s already.",
        "unique_for_date": "%(field_label)s must be unique for each %(lookup_type)s of %(date_field_label)s.",
    }
    from_db_value: Callable[[Any, Any, Any], Any] | None = None

    descriptor_class: ClassVar[type[DeferredAttribute] | None] = None
    """What stands on the model in place of the field itself, for fields that watch over reading and writing."""

    is_relation: ClassVar[bool] = False
    many_to_many: bool | None = None
    many_to_one: bool | None = None
    one_to_many: bool | None = None
    one_to_one: bool | None = None
    related_model: Any = None
    remote_field: Any = None
    hidden: bool = False
    concrete: bool = True
    goes_by: tuple[str, ...] = ()
    """The names of the fields whose values say what a relation without a column leads to."""
    auto: bool = False
    """Whether the store counts its values up where none is given."""
    generated: bool = False
    composite: ClassVar[bool] = False
    """Whether its values are tuples of the values of other fields, `parts`."""
    db_collation: str | None = None
    """What texts of the column compare under, where that is not the store's own order."""
    db_returning: ClassVar[bool] = False
    """Whether an inserted instance takes in what was stored, where that was given as an expression."""

    name: str
    attname: str
    column: str
    model: Any
    verbose_name: str

    _counter: ClassVar[int] = 0
    _auto_counter: ClassVar[int] = -1

    def __init__(self, verbose_name: str | None = None, name: str | None = None, **options: Any) -> None:
        if name is not None:
            options["name"] = name
        defaults = self._defaults()
        for unknown in options.keys() - defaults.keys():
            raise TypeError(f"{type(self).__name__}() has no option {unknown!r}.{did_you_mean(unknown, defaults)}")
        given: dict[str, Any] = {**defaults, **options}
        for own in defaults.keys() - DEFAULTS.keys():
            setattr(self, own, given[own])
        self._declared_verbose_name = verbose_name
        self.name = given["name"]
        self.verbose_name = verbose_name  # type: ignore[assignment]  # a text as soon as the field has a name
        self.primary_key: bool = given["primary_key"]
        self.max_length: int | None = _checked_length(self, given["max_length"])
        self._unique: bool = given["unique"]
        self.blank: bool = given["blank"]
        self.null: bool = given["null"]
        self.db_index: bool = given["db_index"]
        self.default: Any = given["default"]
        self.db_default: Any = given["db_default"]
        self.editable: bool = given["editable"]
        self.serialize: bool = given["serialize"]
        self.unique_for_date: str | None = given["unique_for_date"]
        self.unique_for_month: str | None = given["unique_for_month"]
        self.unique_for_year: str | None = given["unique_for_year"]
        self.choices = given["choices"]
        self.help_text: str = given["help_text"]
        self.db_column: str | None = given["db_column"]
        self.db_comment: str | None = given["db_comment"]
        self.db_tablespace: str | None = given["db_tablespace"]
        self.auto_created: bool = given["auto_created"]
        self.sensitive: bool = given["sensitive"]
        self._validators: list[Validator] = list(given["validators"])
        self._error_messages: Mapping[str, str] | None = given["error_messages"]
        self.error_messages: dict[str, str] = self._messages()
        if self.null and self.primary_key:
            raise ImproperlyConfigured(f"A primary key cannot be null: drop null=True from {type(self).__name__}.")
        if self.auto_created:
            self.creation_counter = Field._auto_counter
            Field._auto_counter -= 1
        else:
            self.creation_counter = Field._counter
            Field._counter += 1

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """Every option with its default."""
        defaults = dict(DEFAULTS)
        for kind in reversed(cls.__mro__):
            defaults.update(kind.__dict__.get("option_defaults", {}))
        return defaults

    def _messages(self) -> dict[str, str]:
        messages: dict[str, str] = {}
        for kind in reversed(type(self).__mro__):
            messages.update(getattr(kind, "default_error_messages", {}))
        return {**messages, **(self._error_messages or {})}

    # -- reading

    @overload
    def __get__(self, instance: None, owner: type[M]) -> Expr[M, T]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self.class_value(owner)
        try:
            return instance.__dict__[self.attname]
        except (KeyError, AttributeError):
            return instance._load_deferred(self.attname) if hasattr(owner, "_meta") else self

    if TYPE_CHECKING:

        def __set__(self, instance: object, value: T) -> None: ...

    else:

        def __class_getitem__(cls, _parameters: object) -> type[Field]:
            """The class itself: the type of values is for checkers alone."""
            return cls

    def class_value(self, owner: type) -> Any:
        """What reading the field on class `owner` gives: its expression; the field itself where it stands on no model."""
        if self.name is None:
            return self
        if owner is self.__dict__.get("model"):
            known = self.__dict__.get("_own_face")
            if known is not None:
                return known
            self._own_face = made = self.face(Path(owner, (self.name,)))
            return made
        return self.face(Path(owner, (self.name,))) if hasattr(owner, "_meta") else self

    # -- standing on a model

    def set_attributes_from_name(self, name: str) -> None:
        """Take `name`, and from it attname, column and verbose name."""
        self.name = self.name or name
        self.attname, self.column = self.get_attname_column()
        self.concrete = self.column is not None
        if self.verbose_name is None:
            self.verbose_name = self.name.replace("_", " ")

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        """Become the field `name` of model class `cls`."""
        self.set_attributes_from_name(name)
        self.__dict__.pop("_own_face", None)
        self.model = cls
        if isinstance(self.default, (list, dict, set, bytearray)):
            raise ImproperlyConfigured(
                f"{self.label}: the default {shorten(self.default)} would be shared by all instances. "
                f"Pass a callable, as in default={type(self.default).__name__}."
            )
        cls._meta.add_field(self, private=private_only)
        setattr(cls, self.name, self if self.descriptor_class is None else self.descriptor_class(self))
        if self.choices is not None and f"get_{self.name}_display" not in cls.__dict__:
            setattr(cls, f"get_{self.name}_display", partialmethod(_display, self))

    def get_attname(self) -> str:
        """The attribute of instances that holds the value."""
        return self.name

    def get_attname_column(self) -> tuple[str, str]:
        """The attname and the column's name."""
        attname = self.get_attname()
        return attname, self.db_column or attname

    @property
    def label(self) -> str:
        """`Model.field`, for messages."""
        model = self.__dict__.get("model")
        name = self.name or type(self).__name__
        return name if model is None else f"{model.__name__}.{name}"

    @property
    def parts(self) -> tuple[Any, ...]:
        """The fields whose values make up one of this field's: itself, unless it is composite."""
        return (self,)

    @property
    def unique(self) -> bool:
        """Whether no two rows may have the same value."""
        return self._unique or self.primary_key

    @property
    def unique_for(self) -> tuple[tuple[str, str], ...]:
        """(lookup type, name of the date field) for each unique_for_* option."""
        options = (("date", self.unique_for_date), ("month", self.unique_for_month), ("year", self.unique_for_year))
        return tuple((kind, name) for kind, name in options if name)

    def get_internal_type(self) -> str:
        """The name of the built-in field whose columns this one uses."""
        return self.internal_type or type(self).__name__

    def db_type(self, connection: Any = None) -> str | None:
        """The name of the type of the column; a custom field may name one of its own, which a store in memory does not read."""
        return self.scalar_type.name

    def rel_db_type(self, connection: Any = None) -> str | None:
        """The name of the type of columns that refer to this one."""
        return self.db_type(connection)

    def db_parameters(self, connection: Any = None) -> dict[str, Any]:
        """What describes the column: its type, and no check beside the constraints of the model."""
        return {"type": self.db_type(connection), "check": None}

    @cached_property
    def scalar_type(self) -> types.ScalarType:
        """What the column holds, with its length, range or digits."""
        found = column_type(self.get_internal_type(), self)
        if found is None:
            raise ImproperlyConfigured(
                f"{self.label}: {type(self).__name__} does not say what it stores. "
                "Let get_internal_type() return the name of a built-in field, such as 'CharField', or override scalar_type."
            )
        return found

    @cached_property
    def canonical_type(self) -> type | None:
        """The Python type whose instances (exactly of it) are stored as they are; None where values must be looked at."""
        kind = type(self)
        if all(method in _PLAIN for method in (kind.to_python, kind.get_prep_value, kind.get_db_prep_value)):
            return CANONICAL.get(self.scalar_type.name)
        return None

    # -- values

    def has_default(self) -> bool:
        """Whether a Python default was given."""
        return self.default is not NOT_PROVIDED

    def has_db_default(self) -> bool:
        """Whether the store fills the value in."""
        return self.db_default is not NOT_PROVIDED

    def get_default(self) -> Any:
        """A new instance's value: the default, the store's (`DEFAULT`), "" for text, else None."""
        default = self.default
        if default is not NOT_PROVIDED:
            return default() if callable(default) else default
        if self.db_default is not NOT_PROVIDED:
            return DEFAULT
        return "" if self.empty_strings_allowed and not self.null else None

    def to_python(self, value: Any) -> Any:
        """`value` as the field's Python type; ValidationError where it is none."""
        return value

    def get_prep_value(self, value: Any) -> Any:
        """`value` as queries and rows take it."""
        return evaluated(value)

    def get_db_prep_value(self, value: Any, connection: Any = None, prepared: bool = False) -> Any:
        """`value` for a store; the same as get_prep_value() unless overridden."""
        return value if prepared else self.get_prep_value(value)

    def get_db_prep_save(self, value: Any, connection: Any = None) -> Any:
        """`value` for a row; the same as get_db_prep_value() unless overridden."""
        return self.get_db_prep_value(value, connection, prepared=False)

    def coerce(self, value: Any) -> Any:
        """The canonical value for `value`, None for None: for query parameters and rows alike.

        Raises ValueError, TypeError or ValidationError, as Django does, naming the field.
        """
        if value is None or type(value) is self.canonical_type:
            return value
        try:
            prepared = self.get_db_prep_value(value, None)
            return None if prepared is None else self.scalar_type.coerce(prepared)
        except types.UnfitValue as error:
            raise self.unfit(value, error) from None
        except ValidationError as error:
            raise self._named(error) from None

    def fitted(self, value: Any) -> Any:
        """The canonical value for `value` as this very column stores it: coerced, rounded, checked for length and range.

        Raises what coerce() does, and ValidationError for what does not fit. None passes: the store knows about NULL.
        """
        if type(value) is not self.canonical_type:
            value = self.coerce(value)
            if value is None:
                return None
        kind = self.scalar_type
        try:
            if isinstance(kind, types.DecimalType):
                value = kind.fit(value)
            kind.check(value)
        except types.UnfitValue as error:
            raise self._not_kept(value, error) from None
        return value

    def _not_kept(self, value: Any, error: types.UnfitValue) -> ValidationError:
        """The exception for a canonical `value` that the column does not keep."""
        return ValidationError(
            "%(label)s: %(value)s %(reason)s.",
            code=error.code,
            params={"label": self.label, "value": self.shown(value), "reason": str(error)},
        )

    def unfit(self, value: Any, error: types.UnfitValue) -> Exception:
        """The exception for a `value` that coerce() cannot take."""
        kind = WrongType if error.code == "class" else ValidationError
        return kind(
            "%(label)s: %(reason)s, got %(value)s.",
            code="invalid",
            params={"label": self.label, "reason": str(error), "value": self.shown(value)},
        )

    def _named(self, error: ValidationError) -> ValidationError:
        """`error`, its text led by the field's name."""
        if not hasattr(error, "message") or "label" in (error.params or {}):
            return error
        return ValidationError(f"{self.label}: {error.message}", code=error.code, params=error.params)

    def shown(self, value: Any) -> str:
        """`value` for a message: cut, and masked where the field is sensitive."""
        return "***" if self.sensitive else shorten(value)

    def invalid(self, value: Any, code: str = "invalid", **params: Any) -> ValidationError:
        """A ValidationError with the field's message for `code`."""
        return ValidationError(self.error_messages[code], code=code, params={**self._spoken_of(value), **params})

    def _spoken_of(self, value: Any) -> dict[str, Any]:
        """What the field's own messages fill in about `value`."""
        return {"value": "***" if self.sensitive else value, "shown": self.shown(value)}

    def pre_save(self, instance: Any, add: bool) -> Any:
        """The value about to be saved."""
        return getattr(instance, self.attname)

    def get_pk_value_on_save(self, instance: Any) -> Any:
        """A new primary key where the default makes one, else None."""
        return self.get_default() if self.has_default() else None

    def value_from_object(self, obj: Any) -> Any:
        """The value on `obj`."""
        return getattr(obj, self.attname)

    def value_to_string(self, obj: Any) -> str:
        """The value on `obj` as text, as serialisers want it."""
        return str(self.value_from_object(obj))

    def get_filter_kwargs_for_object(self, obj: Any) -> dict[str, Any]:
        """Lookups that find `obj` by this field."""
        return {self.name: getattr(obj, self.attname)}

    # -- lookups

    def get_lookup(self, lookup_name: str) -> type[Lookup] | None:
        """The class of lookups of that name on this field, registered or built in; None where there is none."""
        registered = self.get_lookups().get(lookup_name)
        if registered is not None:
            return registered if issubclass(registered, Lookup) else None
        return (JSON_BUILT_IN if isinstance(self.scalar_type, types.JsonType) else BUILT_IN).get(lookup_name)

    def get_transform(self, lookup_name: str) -> Callable[[Any], Any] | None:
        """The class of transforms that is registered under that name for this field; None where there is none."""
        registered = self.get_lookups().get(lookup_name)
        return registered if registered is not None and issubclass(registered, Transform) else None

    # -- validation

    @cached_property
    def validators(self) -> list[Validator]:
        """All validators: the class's, those that were given, and those that other options imply."""
        return [*self.default_validators, *self._validators, *self.implied_validators()]

    def implied_validators(self) -> list[Validator]:
        """Validators that follow from other options, such as a length."""
        return []

    def run_validators(self, value: Any) -> None:
        """Run all validators over `value` unless it is empty; ValidationError with all that fail."""
        if value in self.empty_values:
            return
        errors: list[ValidationError] = []
        for validator in self.validators:
            try:
                validator(value)
            except ValidationError as error:
                if getattr(error, "code", None) in self.error_messages:
                    error.message = self.error_messages[cast("str", error.code)]
                    error.params = {**self._spoken_of(value), **(error.params or {})}
                errors.extend(error.error_list)
        if errors:
            raise ValidationError(errors)

    def validate(self, value: Any, model_instance: Any) -> None:
        """Check choices, null and blank; ValidationError where one is broken."""
        if not self.editable:
            return
        if self.choices is not None and value not in self.empty_values:
            if all(value != key for key, _ in self.flatchoices):
                raise self.invalid(value, "invalid_choice")
            return
        if value is None and not self.null:
            raise self.invalid(value, "null")
        if not self.blank and value in self.empty_values:
            raise self.invalid(value, "blank")

    def clean(self, value: Any, model_instance: Any) -> Any:
        """`value` converted and validated."""
        value = self.to_python(value)
        self.validate(value, model_instance)
        self.run_validators(value)
        self._check_storable(value)
        return value

    def _check_storable(self, value: Any) -> None:
        """ValidationError for text and floats that no database keeps: what a write would say."""
        check: Callable[[Any], None] = self.scalar_type.check
        match self.scalar_type, value:
            case (types.TextType(), str()) | (types.FloatType(), float()):
                try:
                    check(value)
                except types.UnfitValue as error:
                    if error.code == "unstorable":
                        raise self._not_kept(value, error) from None

    # -- choices

    @property
    def choices(self) -> Pairs | None:
        """The choices in normal form; None where any value will do. Any form that the option takes may be set."""
        return self._choices

    @choices.setter
    def choices(self, choices: Any) -> None:
        self._choices = normalise(choices)

    @property
    def flatchoices(self) -> list[tuple[Any, Any]]:
        """The choices without their groups."""
        return flatten(self.choices)

    def get_choices(
        self, include_blank: bool = True, blank_choice: Iterable[tuple[Any, Any]] = tuple(BLANK_CHOICE_DASH)
    ) -> list[tuple[Any, Any]]:
        """The choices for a selection, led by a blank one where it may be left open."""
        if self.choices is None:
            return []
        blank_defined = any(key in ("", None) for key, _ in self.flatchoices)
        return [*(blank_choice if include_blank and not blank_defined else ()), *self.choices]

    # -- looking over

    def check(self, **_: Any) -> list[CheckMessage]:
        """What may be wrong with the field's options; a class of one's own adds to what `super().check()` finds."""
        return list(checks.of_options(self))

    # -- copying and comparing

    def deconstruct(self) -> tuple[str | None, str, list[Any], dict[str, Any]]:
        """Name, import path, positional and keyword arguments that make an equal field."""
        kind = type(self)
        inside = kind.__module__.startswith("modelkit.fields")
        path = f"modelkit.{kind.__name__}" if inside else f"{kind.__module__}.{kind.__qualname__}"
        options = {}
        for option, default in self._defaults().items():
            value = self._option(option)
            if value is not default and value != default:
                options[option] = value
        options.pop("name", None)
        if self._declared_verbose_name is not None:
            options["verbose_name"] = self._declared_verbose_name
        return self.name, path, [], options

    def _option(self, name: str) -> Any:
        match name:
            case "unique":
                return self._unique
            case "validators":
                return list(self._validators) or ()
            case "error_messages":
                return self._error_messages
            case "choices":
                return self._choices.func if isinstance(self._choices, CalledChoices) else self._choices
            case _:
                return getattr(self, name)

    def clone(self) -> Field[T]:
        """A new field of the same options, on no model."""
        _, _, args, options = self.deconstruct()
        return type(self)(*args, **options)

    def __copy__(self) -> Field[T]:
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        for cached in ("_own_face", "scalar_type", "canonical_type", "validators"):
            copied.__dict__.pop(cached, None)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Field[T]:
        copied = copy.copy(self)
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Pickled, a field of a model is that very field."""
        model = self.__dict__.get("model")
        return super().__reduce_ex__(protocol) if model is None else (_field_of, (model, self.name))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Field):
            return NotImplemented
        return self.creation_counter == other.creation_counter and self.__dict__.get("model") is other.__dict__.get(
            "model"
        )

    def __lt__(self, other: Field[Any]) -> bool:
        if not isinstance(other, Field):
            return NotImplemented
        return self._place() < other._place()

    def _place(self) -> tuple[int, str]:
        """In the order of declaration; what several models inherit, by model, after the field on no model."""
        model = self.__dict__.get("model")
        return self.creation_counter, "" if model is None else model._meta.label_lower

    def __hash__(self) -> int:
        return hash(self.creation_counter)

    def __repr__(self) -> str:
        kind = f"{type(self).__module__}.{type(self).__qualname__}"
        return f"<{kind}: {self.name}>" if self.name else f"<{kind}>"

    def __str__(self) -> str:
        model = self.__dict__.get("model")
        return repr(self) if model is None else f"{model._meta.label}.{self.name}"


_PLAIN: set[Any] = {Field.to_python, Field.get_prep_value, Field.get_db_prep_value}
"""Methods that give a value of the canonical type back unchanged."""

_Method = TypeVar("_Method")


def plain(method: _Method) -> _Method:
    """Mark a to_python() or get_prep_value() that gives a value of the canonical type back unchanged."""
    _PLAIN.add(method)
    return method


def _checked_length(field: Field[Any], max_length: Any) -> int | None:
    if max_length is None:
        return None
    if isinstance(max_length, bool) or not isinstance(max_length, int) or max_length <= 0:
        raise FieldError(f"{type(field).__name__}: max_length is a positive whole number, not {max_length!r}.")
    return max_length


def _field_of(model: Any, name: str) -> Any:
    return model._meta.get_field(name)


def _display(instance: Any, field: Field[Any]) -> Any:
    """The human-readable name of `instance`'s choice."""
    return display_of(field.choices, getattr(instance, field.attname))
