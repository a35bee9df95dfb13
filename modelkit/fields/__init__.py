"""The scalar fields, their validators and choices."""

from modelkit.fields.base import BLANK_CHOICE_DASH, Field
from modelkit.fields.choices import Choices, IntegerChoices, TextChoices
from modelkit.fields.composite import CompositePrimaryKey
from modelkit.fields.generated import GeneratedField
from modelkit.fields.json import JSONField
from modelkit.fields.numbers import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    DecimalField,
    FloatField,
    IntegerField,
    OrderWrt,
    PositiveBigIntegerField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    SmallAutoField,
    SmallIntegerField,
    VersionField,
)
from modelkit.fields.options import NOT_PROVIDED, Options
from modelkit.fields.other import BinaryField, UUIDField
from modelkit.fields.temporal import DateField, DateTimeField, DurationField, TimeField
from modelkit.fields.text import CharField, EmailField, GenericIPAddressField, SlugField, TextField, URLField

__all__ = [
    "BLANK_CHOICE_DASH",
    "NOT_PROVIDED",
    "AutoField",
    "BigAutoField",
    "BigIntegerField",
    "BinaryField",
    "BooleanField",
    "CharField",
    "Choices",
    "CompositePrimaryKey",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "DurationField",
    "EmailField",
    "Field",
    "FloatField",
    "GeneratedField",
    "GenericIPAddressField",
    "IntegerChoices",
    "IntegerField",
    "JSONField",
    "Options",
    "OrderWrt",
    "PositiveBigIntegerField",
    "PositiveIntegerField",
    "PositiveSmallIntegerField",
    "SlugField",
    "SmallAutoField",
    "SmallIntegerField",
    "TextChoices",
    "TextField",
    "TimeField",
    "URLField",
    "UUIDField",
    "VersionField",
]
