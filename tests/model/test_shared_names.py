"""Names that a model has from several bases, and constraints that are refused when they are made."""

from __future__ import annotations

from typing import Any

import pytest

from modelkit import (
    CASCADE,
    BooleanField,
    CharField,
    CheckConstraint,
    Deferrable,
    ExpressionWrapper,
    FieldError,
    ForeignKey,
    IntegerField,
    Model,
    Q,
    Registry,
    UniqueConstraint,
    ValidationError,
    validators,
)


@pytest.fixture
def local() -> Registry:
    return Registry()


def test_a_copied_field_beside_a_concrete_ancestors_is_refused(local: Registry) -> None:
    class Concrete(Model):
        name = CharField(max_length=10)

        class Meta:
            registry = local

    class Plain(Model):
        name = IntegerField()

        class Meta:
            abstract = True

    class Fitting(Concrete, Plain):
        pass

    assert isinstance(Fitting._meta.get_field("name"), CharField)
    with pytest.raises(FieldError, match="Clashing cannot have the field 'name'"):

        class Clashing(Plain, Concrete):
            pass


def test_a_field_named_like_a_keys_attribute_is_refused(local: Registry) -> None:
    class Target(Model):
        class Meta:
            registry = local

    class Keyed(Model):
        target = ForeignKey(Target, on_delete=CASCADE)

        class Meta:
            abstract = True

    with pytest.raises(FieldError, match="'target_id'"):

        class Clashing(Keyed):
            target_id = IntegerField()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"include": ["b"], "deferrable": Deferrable.DEFERRED}, ValueError),
        ({"opclasses": ["x"], "deferrable": Deferrable.DEFERRED}, ValueError),
        ({"opclasses": ["x", "y"]}, ValueError),
        ({"opclasses": "x"}, TypeError),
        ({"nulls_distinct": "no"}, TypeError),
        ({"condition": "b"}, ValueError),
    ],
)
def test_options_of_a_unique_constraint_that_do_not_fit_are_refused(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        UniqueConstraint(fields=["a"], name="a", **options)


def test_a_check_takes_conditions_and_wrapped_ones_only() -> None:
    CheckConstraint(condition=ExpressionWrapper(Q(a=1), output_field=BooleanField()), name="a")
    with pytest.raises(TypeError):
        CheckConstraint(condition=UniqueConstraint(fields=["a"], name="b"), name="a")


def test_a_constraint_is_judged_by_the_stores_default() -> None:
    class Defaulted(Model):
        code = CharField(max_length=10, db_default="new")

        class Meta:
            app_label = "shared_names"
            constraints = [UniqueConstraint(fields=["code"], name="code")]

    Defaulted().full_clean()
    Defaulted.objects.create()
    with pytest.raises(ValidationError):
        Defaulted().full_clean()
    Defaulted(code="old").full_clean()


def test_a_validators_error_takes_the_fields_message_with_what_it_fills_in() -> None:
    field = IntegerField(validators=[validators.RegexValidator("^1")])
    field.set_attributes_from_name("number")
    with pytest.raises(ValidationError) as caught:
        field.clean(27, None)
    assert caught.value.messages == ["27 is not a whole number."]
