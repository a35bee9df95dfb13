"""A through model that is defined again, or forgotten: the many-to-many relation goes by what its name means now."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from modelkit import CASCADE, CharField, ForeignKey, ManyToMany, Model, Registry, UnresolvedRelation


def declared(local: Registry, name: str, **body: Any) -> Any:
    meta = type("Meta", (), {"registry": local, "app_label": "again"})
    return type(Model)(name, (Model,), {"__module__": __name__, "Meta": meta, **body})


def membership(local: Registry, **fields: Any) -> Any:
    return declared(
        local, "Membership", group=ForeignKey("Group", CASCADE), person=ForeignKey("Person", CASCADE), **fields
    )


@pytest.mark.parametrize("by_name", [True, False])
def test_a_through_model_that_is_defined_again_takes_the_place_of_the_former(by_name: bool) -> None:
    local = Registry()
    person = declared(local, "Person")
    former = membership(local) if not by_name else "Membership"
    group = declared(local, "Group", people=ManyToMany(person, through=former, related_name="groups"))
    if by_name:
        membership(local)
    made, someone, late = group.objects.create(), person.objects.create(), person.objects.create()
    made.people.add(someone)
    present = membership(local, role=CharField(max_length=5, null=True))
    assert group.people.through is present
    assert made.people.through is present
    made.people.add(late, through_defaults={"role": "chair"})
    assert list(present.objects.values_list("role", flat=True)) == [None, "chair"]
    assert list(late.groups.all()) == [made]
    assert list(group.objects.filter(people=someone)) == [made]
    assert list(person.objects.filter(membership__role="chair")) == [late]


def test_a_relation_waits_for_a_through_model_that_was_forgotten() -> None:
    local = Registry()
    person = declared(local, "Person")
    group = declared(local, "Group", people=ManyToMany(person, through="Membership", related_name="groups"))
    local.forget(membership(local))
    assert [str(pending) for pending in local.unresolved()] == ["again.Group.people -> again.Membership"]
    with pytest.raises(UnresolvedRelation, match=r"Group\.people goes through 'again\.Membership'"):
        person.objects.filter(groups=1)
    present = membership(local)
    made, someone = group.objects.create(), person.objects.create()
    made.people.add(someone)
    assert present.objects.get().person == someone
    assert local.unresolved() == []


def test_a_model_that_is_defined_again_leaves_the_rows_of_the_others() -> None:
    local = Registry()
    person, group = declared(local, "Person"), declared(local, "Group")
    former = membership(local)
    former.objects.create(group=group.objects.create(), person=person.objects.create())
    del former
    for _ in range(3):
        present = membership(local)
        gc.collect()
    assert (person.objects.count(), group.objects.count(), present.objects.count()) == (1, 1, 1)
