"""Fields that the store makes of the others of the row."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

import modelkit as models
from modelkit import F, atomic, capture_statements
from modelkit.errors import FieldError, IntegrityError, ValidationError


class Box(models.Model):
    width = models.IntegerField()
    height = models.IntegerField(null=True)
    area = models.GeneratedField(
        expression=F("width") * F("height"), output_field=models.IntegerField(), db_persist=True, null=True
    )
    twice = models.GeneratedField(
        expression=F("width") * 2, output_field=models.IntegerField(), db_persist=False, unique=True
    )

    class Meta:
        app_label = "generated"
        constraints = (models.CheckConstraint(condition=models.Q(area__lt=10_000), name="small"),)


class LabelledBox(Box):
    label = models.CharField(max_length=20)

    class Meta:
        app_label = "generated"


def areas() -> list[Any]:
    return list(Box.objects.order_by("pk").values_list("area", "twice"))


def test_every_way_to_write_makes_the_value() -> None:
    box = Box.objects.create(width=2, height=3)
    assert (box.area, box.twice) == (6, 4)
    Box.objects.bulk_create([Box(width=5, height=None), Box(width=6, height=1)])
    Box.objects.filter(area=None).update(height=2)
    with atomic():
        Box.objects.filter(width=6).update(width=F("width") + 1)
    box.height = 10
    Box.objects.bulk_update([box], ["height"])
    assert areas() == [(20, 4), (10, 10), (7, 14)]


@pytest.mark.parametrize("inside", [False, True])
def test_a_row_merged_into_another_makes_it_anew(inside: bool) -> None:
    Box.objects.create(width=2, height=3)
    with atomic() if inside else nullcontext():
        Box.objects.bulk_create(
            [Box(width=2, height=7)], update_conflicts=True, update_fields=["height"], unique_fields=["twice"]
        )
    assert areas() == [(14, 4)]


def test_it_is_found_by_its_new_value() -> None:
    Box.objects.create(width=2, height=3)
    Box.objects.update(width=4)
    assert Box.objects.filter(twice=4).count() == 0
    assert Box.objects.get(twice=8).area == 12


def test_a_unique_one_is_held_to_it() -> None:
    Box.objects.create(width=1)
    other = Box.objects.create(width=2)
    with pytest.raises(IntegrityError, match="twice"):
        Box.objects.create(width=1)
    with pytest.raises(IntegrityError, match="twice"):
        Box.objects.filter(pk=other.pk).update(width=1)


def test_after_a_change_it_is_read_anew() -> None:
    box = Box.objects.create(width=2, height=3)
    box.width = 3
    with capture_statements() as log:
        box.save()
    assert len(log.statements) == 1
    assert box.area == 9
    Box.objects.update(height=1)
    box.refresh_from_db()
    with capture_statements() as log:
        assert box.area == 3
    assert not log.statements


def test_an_instance_that_is_not_saved_has_none() -> None:
    with pytest.raises(AttributeError, match=r"Box\.area"):
        Box(width=1).area  # noqa: B018 - reading is what raises


def test_children_inherit_it() -> None:
    box = LabelledBox.objects.create(width=2, height=3, label="a")
    assert box.area == 6
    assert LabelledBox.objects.get(area=6) == box


def test_nobody_writes_it() -> None:
    box = Box.objects.create(width=2, height=3)
    with pytest.raises(FieldError, match="generated"):
        Box.objects.update(area=1)
    with pytest.raises(ValueError, match="generated"):
        Box.objects.bulk_update([box], ["area"])
    with pytest.raises(ValueError, match="area"):
        box.save(update_fields=["area"])


def test_validation_judges_what_will_be_generated() -> None:
    Box.objects.create(width=1, height=1)
    Box(width=2, height=1).full_clean()
    with pytest.raises(ValidationError, match=r"[Tt]wice"):
        Box(width=1).full_clean()
    large = Box(width=200, height=100)
    with pytest.raises(ValidationError, match="small"):
        large.full_clean()
    large.full_clean(exclude={"height"})


@pytest.mark.parametrize(
    "options", [{"editable": True}, {"blank": False}, {"default": 1}, {"db_default": 1}, {"db_persist": None}]
)
def test_options_that_make_no_sense_are_refused(options: Any) -> None:
    with pytest.raises(ValueError, match="GeneratedField"):
        models.GeneratedField(
            **{"expression": F("a"), "output_field": models.IntegerField(), "db_persist": True, **options}
        )
