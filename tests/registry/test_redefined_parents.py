"""A model that is defined again: what derives from it derives from the new class."""

from __future__ import annotations

from typing import Any

from modelkit import CharField, IntegerField, Model, Registry


def place(local: Registry, **fields: Any) -> Any:
    meta = type("Meta", (), {"registry": local, "app_label": "again"})
    return type("Place", (Model,), {"__module__": __name__, "Meta": meta, "name": CharField(max_length=5), **fields})


def test_children_and_proxies_follow_a_parent_that_is_defined_again() -> None:
    local = Registry()
    former = place(local)

    class Tent(former):  # type: ignore[misc]
        beds = IntegerField(default=1)

        class Meta:
            app_label = "again"

    class Big(Tent):
        class Meta:
            app_label = "again"

    class Nearby(former):  # type: ignore[misc]
        class Meta:
            app_label = "again"
            proxy = True

    present = place(local, town=CharField(max_length=5, default="Rome"))
    assert issubclass(Big, present)
    assert not issubclass(Big, former)
    assert list(Tent._meta.parents) == [present]
    assert Nearby._meta.concrete_model is present
    made = Big.objects.create(name="a", beds=2)
    assert Big.objects.get(town="Rome", beds=2) == made
    assert present.objects.get().tent.big == made
    assert Nearby.objects.get().town == "Rome"
    assert present.objects.all().delete()[0] == 3


def test_a_class_that_was_replaced_itself_stays_unbound() -> None:
    local = Registry()
    former = place(local)
    for _ in range(2):
        meta = type("Meta", (), {"app_label": "again"})
        tent: Any = type("Tent", (former,), {"__module__": __name__, "Meta": meta})
    present = place(local)
    assert [field.model for field in present._meta.incoming] == [tent]
