"""full_clean and its parts."""

from __future__ import annotations

import datetime

import pytest

from modelkit import (
    CASCADE,
    CharField,
    CheckConstraint,
    DateField,
    EmailField,
    Exists,
    F,
    ForeignKey,
    IntegerField,
    IntegrityError,
    Model,
    Q,
    SlugField,
    UniqueConstraint,
    ValidationError,
)
from modelkit.database import capture_statements


class Shelf(Model):
    name = CharField(max_length=10, unique=True)
    open = IntegerField(default=1)

    class Meta:
        app_label = "validation"


class Label(Model):
    shelf = ForeignKey(Shelf, CASCADE, limit_choices_to=Shelf.open == 1)
    below = ForeignKey(Shelf, CASCADE, related_name="+", limit_choices_to=lambda: Exists(Label.objects.all()))

    class Meta:
        app_label = "validation"


class Item(Model):
    name = CharField(max_length=10)
    kind = CharField(max_length=1, choices=[("a", "Apple"), ("b", "Bean")], default="a")
    email = EmailField(blank=True)
    shelf = ForeignKey(Shelf, CASCADE, null=True, blank=True, limit_choices_to={"open": 1})
    low = IntegerField(default=0)
    high = IntegerField(default=10)
    on = DateField(null=True, blank=True)
    slug = SlugField(unique_for_date="on", unique_for_month="on", unique_for_year="on", blank=True)

    class Meta:
        app_label = "validation"
        unique_together = [("name", "kind")]
        constraints = [
            CheckConstraint(condition=Q(low__lte=F("high")), name="%(app_label)s_%(class)s_order"),
            UniqueConstraint(fields=["shelf", "low"], name="one_low_per_shelf", condition=Q(kind="b")),
            UniqueConstraint(
                fields=["high"], name="high_once", condition=~Q(high=10), violation_error_message="High taken."
            ),
        ]

    def clean(self):
        if self.name == "forbidden":
            raise ValidationError({"name": "Not this one."})
        if self.name == "bad":
            raise ValidationError("Bad as a whole.", code="bad")


class Child(Item):
    extra = CharField(max_length=3, unique=True)

    class Meta:
        app_label = "validation"


def codes(instance, **options) -> dict[str, list[str | None]]:
    with pytest.raises(ValidationError) as caught:
        instance.full_clean(**options)
    return {name: [error.code for error in errors] for name, errors in caught.value.error_dict.items()}


def test_a_valid_instance_passes_and_its_values_are_converted():
    item = Item(name="x", low="1", high="2", on="2024-02-29")
    item.full_clean()
    assert (item.low, item.high, item.on) == (1, 2, datetime.date(2024, 2, 29))


def test_every_field_is_checked_and_all_errors_come_at_once():
    assert codes(Item(name="", kind="z", email="nonsense", low=None)) == {
        "name": ["blank"],
        "kind": ["invalid_choice"],
        "email": ["invalid"],
        "low": ["null"],
    }


def test_excluded_fields_are_not_looked_at():
    Item(name="", kind="z").full_clean(exclude=["name", "kind"])
    with pytest.raises(ValidationError) as caught:
        Item(name="", kind="z").clean_fields(exclude={"name"})
    assert set(caught.value.message_dict) == {"kind"}


def test_clean_reports_by_field_or_as_a_whole():
    assert codes(Item(name="forbidden")) == {"name": [None]}
    assert codes(Item(name="bad")) == {"__all__": ["bad"]}


def test_unique_fields_and_groups_are_looked_up():
    Shelf.objects.create(name="one")
    assert codes(Shelf(name="one")) == {"name": ["unique"]}
    Item.objects.create(name="x")
    assert codes(Item(name="x")) == {"__all__": ["unique_together"]}
    item = Item.objects.get()
    item.full_clean()
    Shelf(name="one").full_clean(validate_unique=False)
    Shelf(name="one").full_clean(exclude=["name"])
    assert codes(Shelf(pk=Shelf.objects.get().pk, name="two")) == {"id": ["unique"]}


def test_children_are_checked_against_their_parents_rows():
    Item.objects.create(name="x")
    Child.objects.create(name="y", extra="e")
    assert codes(Child(name="x", extra="e")) == {"__all__": ["unique_together"], "extra": ["unique"]}
    assert codes(Child(name="z", extra="f", low=20)) == {"__all__": [None]}


def test_uniqueness_by_date_month_and_year():
    Item.objects.create(name="x", slug="s", on=datetime.date(2024, 2, 29))
    assert codes(Item(name="y", slug="s", on=datetime.date(2024, 2, 29))) == {"slug": ["unique_for_date"] * 3}
    assert codes(Item(name="y", slug="s", on=datetime.date(2024, 2, 1))) == {"slug": ["unique_for_date"] * 2}
    assert codes(Item(name="y", slug="s", on=datetime.date(2024, 5, 1))) == {"slug": ["unique_for_date"]}
    Item(name="y", slug="s", on=datetime.date(2025, 3, 28)).full_clean()
    Item(name="y", slug="s").full_clean()


def test_a_key_must_lead_to_a_row_that_may_be_chosen():
    closed = Shelf.objects.create(name="closed", open=0)
    assert codes(Item(name="x", shelf_id=99)) == {"shelf": ["invalid"]}
    assert codes(Item(name="x", shelf=closed)) == {"shelf": ["invalid"]}


def test_any_condition_may_say_which_rows_may_be_chosen():
    shown, closed = Shelf.objects.create(name="shown"), Shelf.objects.create(name="closed", open=0)
    assert codes(Label(shelf=closed, below=shown)) == {"shelf": ["invalid"], "below": ["invalid"]}
    label = Label.objects.create(shelf=shown, below=closed)
    label.full_clean()
    field = Label._meta.get_field("shelf")
    assert field.get_choices(include_blank=False) == [(shown.pk, str(shown))]
    assert field.get_choices(include_blank=False, limit_choices_to=Q(open=0)) == [(closed.pk, str(closed))]
    assert len(field.get_choices(include_blank=False, limit_choices_to={})) == 1


def test_check_constraints_are_judged_without_a_statement():
    with capture_statements() as log:
        with pytest.raises(ValidationError, match="validation_item_order"):
            Item(name="x", low=15, high=10).validate_constraints()
        Item(name="x", low=15, high=10).validate_constraints(exclude={"high"})
    assert log.statements == []
    with pytest.raises(IntegrityError) as caught:
        Item.objects.create(name="x", low=5, high=1)
    assert caught.value.constraint == "validation_item_order"


def test_conditional_unique_constraints_apply_where_their_condition_does():
    shelf = Shelf.objects.create(name="one")
    Item.objects.create(name="x", kind="b", shelf=shelf, low=1)
    assert codes(Item(name="y", kind="b", shelf=shelf, low=1)) == {"__all__": [None]}
    Item(name="y", kind="a", shelf=shelf, low=1).full_clean()
    Item(name="y", kind="b", low=1).full_clean()
    with pytest.raises(IntegrityError):
        Item.objects.create(name="y", kind="b", shelf=shelf, low=1)
    Item.objects.create(name="z", high=7)
    with pytest.raises(ValidationError, match="High taken"):
        Item(name="v", high=7).validate_constraints()


def test_unique_checks_can_be_listed_and_errors_made_by_hand():
    together, dates = Item()._get_unique_checks(exclude=["slug"])
    assert (Item, ("name", "kind")) in together
    assert dates == []
    error = Item().unique_error_message(Item, ("name", "kind"))
    assert error.messages == ["Another item has this name and kind already."]
