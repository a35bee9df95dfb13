"""One kind of wrong value, one error, whichever way it is written: the table of docs/values.md."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from modelkit import (
    CASCADE,
    BinaryField,
    BooleanField,
    CharField,
    DataError,
    DateField,
    DateTimeField,
    DecimalField,
    FloatField,
    ForeignKey,
    IntegrityError,
    JSONField,
    Model,
    PositiveIntegerField,
    SmallIntegerField,
    TextField,
    UUIDField,
    ValidationError,
)


class Sample(Model):
    code = CharField(max_length=5, unique=True, null=True)
    note = TextField(max_length=5, null=True)
    small = SmallIntegerField(null=True)
    positive = PositiveIntegerField(null=True)
    price = DecimalField(max_digits=4, decimal_places=2, null=True)
    ratio = FloatField(null=True, unique=True)
    data = BinaryField(max_length=3, null=True)
    day = DateField(null=True)
    at = DateTimeField(null=True)
    extra = JSONField(null=True)
    token = UUIDField(null=True)
    done = BooleanField(default=False)
    parent = ForeignKey("self", CASCADE, null=True)

    class Meta:
        app_label = "unfit"


def save(field: str, value: Any) -> None:
    sample = Sample.objects.get()
    setattr(sample, field, value)
    sample.save()


def save_this_field(field: str, value: Any) -> None:
    sample = Sample.objects.get()
    setattr(sample, field, value)
    sample.save(update_fields=[field])


def bulk_update(field: str, value: Any) -> None:
    sample = Sample.objects.get()
    setattr(sample, field, value)
    Sample.objects.bulk_update([sample], [field])


WRITES: list[Callable[[str, Any], Any]] = [
    lambda field, value: Sample.objects.create(**{field: value}),
    lambda field, value: Sample.objects.bulk_create([Sample(), Sample(**{field: value})]),
    lambda field, value: Sample.objects.update(**{field: value}),
    lambda field, value: Sample.objects.update_or_create(defaults={field: value}),
    save,
    save_this_field,
    bulk_update,
]

NO_VALUE_OF_THE_TYPE = [
    ("small", "abc", ValueError),
    ("small", 1.5, ValidationError),
    ("small", True, ValidationError),
    ("small", object(), TypeError),
    ("price", "abc", ValidationError),
    ("price", Decimal("NaN"), ValidationError),
    ("day", "2024-13-01", ValidationError),
    ("token", "abc", ValidationError),
    ("done", "abc", ValidationError),
    ("extra", float("inf"), ValidationError),
    ("parent_id", "abc", ValueError),
]
TOO_LARGE = [
    ("code", "x" * 6),
    ("small", 2**15),
    ("small", 2**70),
    ("positive", 2**31),
    ("price", Decimal("100.00")),
    ("price", 1e300),
    ("data", b"xxxx"),
]
UNSTORABLE = [
    ("code", "a\0"),
    ("note", "\ud800"),
    ("ratio", float("nan")),
    ("ratio", float("inf")),
    ("at", datetime.datetime(2024, 1, 1)),
]


def named(field: str) -> str:
    """What a message calls a field: a key goes by the field that it holds values of, or by its relation."""
    return r"Sample\.(id|parent)" if field == "parent_id" else rf"Sample\.{field}"


def refused(write: Callable[[str, Any], Any], field: str, value: Any, error: type[Exception]) -> None:
    Sample.objects.create(note="as is")
    before = list(Sample.objects.values())
    with pytest.raises(error, match=named(field)):
        write(field, value)
    assert list(Sample.objects.values()) == before


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("field", "value", "error"), NO_VALUE_OF_THE_TYPE)
def test_what_is_no_value_of_the_type(write, field, value, error):
    refused(write, field, value, error)
    with pytest.raises(error, match=named(field)):
        Sample.objects.filter(**{field: value})


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("field", "value"), TOO_LARGE)
def test_what_the_column_is_too_narrow_for(write, field, value):
    refused(write, field, value, DataError)
    assert not Sample.objects.filter(**{field: value}).exists()


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("field", "value"), UNSTORABLE)
def test_what_no_database_keeps(write, field, value):
    refused(write, field, value, ValidationError)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("field", "value"), [("done", None), ("positive", -1), ("parent_id", 99)])
def test_what_breaks_a_rule_of_the_table(write, field, value):
    refused(write, field, value, IntegrityError)


@pytest.mark.parametrize(
    ("field", "value"), [*[case[:2] for case in NO_VALUE_OF_THE_TYPE], *TOO_LARGE, *UNSTORABLE[:3], ("done", None)]
)
def test_validation_names_the_field(field, value):
    name = field.removesuffix("_id")
    with pytest.raises(ValidationError) as caught:
        Sample(**{field: value}).full_clean(exclude=[each.name for each in Sample._meta.fields if each.name != name])
    assert set(caught.value.message_dict) == {name}


def test_what_only_validators_object_to_is_written():
    Sample.objects.create(note="longer than five")
    with pytest.raises(ValidationError, match="note"):
        Sample.objects.get().full_clean()


def test_decimals_are_rounded_to_their_places():
    for value in ("1.005", 1.005, Decimal("1.005")):
        Sample.objects.create(price=value)
    assert set(Sample.objects.values_list("price", flat=True)) <= {Decimal("1.00"), Decimal("1.01")}
    assert Sample.objects.filter(price="1.01").count() >= 2
