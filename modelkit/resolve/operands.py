"""How values become parameters: one converter for each place in a query where a value may stand.

Knows fields, scalar types and models as ModelInfo; builds no IR. The invariant: a converter gives a canonical value, or
raises an error that names the field, or `Unsuited` where the value asks for another structure.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import math
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from modelkit.errors import ValidationError, shorten
from modelkit.expressions.base import Face, Node
from modelkit.fields.base import Field
from modelkit.fields.json import JSONField
from modelkit.fields.numbers import BigIntegerField, BooleanField, DecimalField, FloatField
from modelkit.fields.other import BinaryField, UUIDField
from modelkit.fields.temporal import DateField, DateTimeField, DurationField, TimeField
from modelkit.fields.text import TextField
from modelkit.ir.codec import JSON_NULL
from modelkit.ir.types import (
    AnyType,
    BinaryType,
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    DurationType,
    FloatType,
    IntegerType,
    JsonType,
    ScalarType,
    TextType,
    TimeType,
    UuidType,
)
from modelkit.modelinfo import ModelInfo, info_of
from modelkit.resolve.joins import Unsuited
from modelkit.resolve.paths import Route, ends_of
from modelkit.resolve.query import Convert
from modelkit.transaction import datetime_policies

__all__ = [
    "akin",
    "as_text",
    "bound",
    "canonical",
    "field_speaking_as",
    "instance_key",
    "is_instance",
    "json_keys",
    "members",
    "never_null",
    "pair",
    "part",
    "pattern",
    "regex",
    "related",
    "show_of",
    "standard_field",
    "value_of",
    "value_type",
]

Show: TypeAlias = Callable[[Any], str]
"""How a value stands in a message: cut, and masked where its field is sensitive."""

_STANDARD: Final[dict[type[ScalarType], Field[Any]]] = {
    BooleanType: BooleanField(null=True),
    IntegerType: BigIntegerField(null=True),
    FloatType: FloatField(null=True),
    DecimalType: DecimalField(null=True, max_digits=1000, decimal_places=500),
    TextType: TextField(null=True),
    BinaryType: BinaryField(null=True),
    DateType: DateField(null=True),
    TimeType: TimeField(null=True),
    DateTimeType: DateTimeField(null=True),
    DurationType: DurationField(null=True),
    UuidType: UUIDField(null=True),
    JsonType: JSONField(null=True),
}
"""The field that reads values where only their scalar type is known."""


_TYPES: Final[tuple[tuple[type, ScalarType], ...]] = (
    (bool, BooleanType()),
    (int, IntegerType()),
    (float, FloatType()),
    (decimal.Decimal, DecimalType()),
    (str, TextType()),
    (bytes, BinaryType()),
    (datetime.datetime, DateTimeType()),
    (datetime.date, DateType()),
    (datetime.time, TimeType()),
    (datetime.timedelta, DurationType()),
    (uuid.UUID, UuidType()),
    (dict, JsonType()),
    (list, JsonType()),
)
"""The type of a constant, where nothing else says it."""


def value_type(value: object) -> ScalarType:
    """The type of a constant; nothing is known of values of a class that no type has."""
    for kind, type_ in _TYPES:
        if isinstance(value, kind):
            return type_
    return AnyType()


def show_of(field: Any) -> Show:
    """How to show values of `field`, or of no field."""
    shown: Show = shorten if field is None else field.shown
    return shown


def standard_field(type_: ScalarType) -> Field[Any] | None:
    """A field for values of `type_`; None where nothing is known of them."""
    return _STANDARD.get(type(type_))


def field_speaking_as(label: str, type_: ScalarType, column: Field[Any] | None) -> Field[Any] | None:
    """A field for what is computed from `column`: its messages say `label`, and hide what the column's would hide."""
    standard = standard_field(type_)
    if standard is None:
        return None
    field = copy.copy(standard)
    field.name = label
    field.sensitive = column is not None and column.sensitive
    return field


def value_of(type_: ScalarType, field: Field[Any] | None) -> Convert:
    """One value of `type_`, as `field` (or the type's standard field) takes it."""
    known = field if field is not None else standard_field(type_)
    coerce: Convert = type_.coerce if known is None else known.coerce
    if isinstance(type_, DateTimeType):
        return _moment(coerce, known)
    if not isinstance(type_, JsonType):
        return coerce

    def json_value(value: Any) -> Any:
        return JSON_NULL if value is None else coerce(value)

    return json_value


def _moment(coerce: Convert, field: Any) -> Convert:
    """A moment as the connected stores keep theirs: with a time zone, or without."""

    def moment(value: Any) -> Any:
        found = coerce(value)
        policies = datetime_policies()
        if found is None or len(policies) != 1 or (found.tzinfo is not None) == ("aware" in policies):
            return found
        has, kept, way = (
            ("no", "aware", "timezone.make_aware() gives it one")
            if "aware" in policies
            else ("a", "naive", "timezone.make_naive() takes it off")
        )
        raise ValidationError(
            f"{field.label}: {field.shown(value)} has {has} time zone, and the store keeps {kept} datetimes: {way}."
        )

    return moment


def canonical(type_: ScalarType, field: Any) -> type | None:
    """The Python type whose instances need no conversion; None where values must be looked at.

    A call's key holds the types of its values, so what suits one call's value suits those of every call that shares its shape.
    """
    known = field if field is not None else standard_field(type_)
    return None if known is None or isinstance(type_, JsonType) else known.canonical_type


def bound(type_: ScalarType, convert: Convert, op: str) -> Convert:
    """One end of a comparison: with whole numbers, a fraction becomes the next whole number that gives the same answer."""
    if not isinstance(type_, IntegerType) or op in {"eq", "ne"}:
        return convert
    rounded: Callable[[Any], int] = math.ceil if op in {"ge", "lt"} else math.floor

    def whole(value: Any) -> Any:
        if isinstance(value, (float, decimal.Decimal)) and math.isfinite(value):
            value = rounded(value)
        return convert(value)

    return whole


def is_instance(value: object) -> bool:
    """Whether `value` is an instance of some model, or a proxy that says it is one."""
    return not isinstance(value, type) and hasattr(value.__class__, "_meta")


def akin(model: type, info: ModelInfo) -> bool:
    """Whether a row of the one can be a row of the other: they are the same model, or one is above the other."""
    return issubclass(model, info.concrete) or issubclass(info.concrete, model)


def instance_key(route: Route, value: Any) -> Any:
    """The key of the related instance `value`, a tuple where the relation goes by several fields.

    ValueError where the instance is of another model or not saved.

    A relation that is its model's primary key is met by an instance of that model too.
    """
    target = route.target
    assert target is not None
    kind = value.__class__
    label = route.label
    info: ModelInfo = target
    attributes = target.key if route.relation is None else ends_of(route.relation)
    if not akin(kind, target):
        if not route.own_key or not akin(kind, route.owner):
            raise ValueError(f"{label} leads to {target.name}: {shorten(value)} is a {kind.__name__}.")
        info, attributes = route.owner, route.attributes
    attribute, *more = attributes
    if more:
        return tuple([_known(value, each.attname, label) for each in attributes])
    while not isinstance(value, info.concrete) or (
        attribute.level < len(info.levels) - 1 and not hasattr(value, attribute.attname)
    ):
        parent = info.relations.get(attribute.name)
        if parent is None:
            break
        info = info_of(parent.target)
        attribute = info.named[parent.remote[0]]
    return _known(value, attribute.attname, label)


def _known(instance: Any, attname: str, label: str) -> Any:
    """A part of an instance's key; ValueError where it has none yet."""
    key = getattr(instance, attname)
    if key is None:
        raise ValueError(f"{label}: {shorten(instance)} has no {attname} yet. Save it before it stands in a query.")
    return key


def related(key_of: Convert, convert: Convert) -> Convert:
    """A related instance, or the value of its key."""

    def key(value: Any) -> Any:
        return convert(key_of(value) if hasattr(value.__class__, "_meta") else value)

    return key


def folded(convert: Convert, fold: Callable[[Any], Any]) -> Convert:
    """What `convert` makes of a value, as it is compared under a collation."""
    return lambda value: fold(convert(value))


def members(convert: Convert, label: str, show: Show, canonical: type | None = None) -> Convert:
    """The values of an `in`, without None."""

    def choices(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, (list, tuple, set, frozenset)):
            if not isinstance(values, Iterable):
                raise TypeError(f"{label}__in takes several values or a queryset, not {show(values)}.")
            values = list(values)
        kinds = set(map(type, values))
        if len(kinds) == 1 and canonical in kinds:
            return tuple(values)
        if any(issubclass(kind, (Node, Face)) for kind in kinds):
            raise Unsuited
        return tuple([convert(value) for value in values if value is not None])

    return choices


def pair(convert: Convert, which: int, label: str, show: Show) -> Convert:
    """One of the two values of a `range`."""

    def end(values: Any) -> Any:
        if isinstance(values, (str, bytes)) or not isinstance(values, Iterable) or len(both := tuple(values)) != 2:
            raise ValueError(f"{label}__range takes two values, not {show(values)}.")
        if both[which] is None or isinstance(both[which], (Node, Face)):
            raise Unsuited
        return convert(both[which])

    return end


def never_null(convert: Convert) -> Convert:
    """`convert` for a comparison, which has another structure for what a field prepares as NULL."""

    def value(given: Any) -> Any:
        made = convert(given)
        if made is None:
            raise Unsuited
        return made

    return value


def part(convert: Convert, which: int) -> Convert:
    """One value of several that stand in one leaf."""
    return lambda values: convert(values[which])


def pattern(type_: ScalarType) -> Convert:
    """The text of contains, startswith and the like."""
    if isinstance(type_, UuidType):
        return lambda value: str(value).replace("-", "")
    return as_text


def as_text(value: Any) -> str:
    """The text of a value in contains and the like."""
    return value if type(value) is str else str.__str__(str(value))


def regex(label: str, show: Show, *, fold: bool) -> Convert:
    """A regular expression, compiled; ValueError where it is none."""
    flags = re.IGNORECASE if fold else re.NOFLAG

    def compiled(value: Any) -> re.Pattern[str]:
        try:
            return re.compile(value if isinstance(value, str) else str(value), flags)
        except re.error as error:
            raise ValueError(f"{label}: {show(value)} is no regular expression: {error.msg}.") from None
        except (RecursionError, OverflowError):
            raise ValueError(f"{label}: {shorten(value)} is too complex for a regular expression.") from None

    return compiled


def json_keys(label: str) -> Convert:
    """The keys of has_keys and has_any_keys."""

    def keys(values: Any) -> list[str]:
        if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
            raise TypeError(f"{label} takes several keys, not {shorten(values)}.")
        return [str(key) for key in values]

    return keys
