"""What deleting takes along, refuses and changes, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from modelkit.database import capture_statements
from modelkit.errors import IntegrityError, ProtectedError, RestrictedError
from modelkit.signals import post_delete, pre_delete
from modelkit.transaction import atomic
from tests.deletion.models import (
    Bistro,
    Cascading,
    Chicken,
    Defaulted,
    Egg,
    Given,
    Grandchild,
    Hidden,
    Ignoring,
    Label,
    Leaf,
    Match,
    Meal,
    Node,
    Nulled,
    Parent,
    Place,
    Protecting,
    Restaurant,
    Restricting,
    Toy,
    Visit,
    Wish,
)


@pytest.fixture
def parent() -> Parent:
    Parent.objects.create(name="first")
    return Parent.objects.create(name="p")


@contextmanager
def heard(*models: type) -> Iterator[list[tuple[str, str, int]]]:
    events: list[tuple[str, str, int]] = []

    def before(sender, instance, **_):
        events.append(("pre", sender.__name__, instance.pk))

    def after(sender, instance, **_):
        events.append(("post", sender.__name__, instance.pk))

    for model in models:
        pre_delete.connect(before, sender=model)
        post_delete.connect(after, sender=model)
    try:
        yield events
    finally:
        for model in models:
            pre_delete.disconnect(before, sender=model)
            post_delete.disconnect(after, sender=model)


class TestCascade:
    def test_counts_are_by_label(self, parent):
        children = [Cascading.objects.create(parent=parent) for _ in range(2)]
        for child in children:
            Grandchild.objects.create(child=child)
        Hidden.objects.create(parent=parent)
        keep = Cascading.objects.create(parent=Parent.objects.first())
        total, counts = parent.delete()
        assert counts == {"deletion.Parent": 1, "deletion.Cascading": 2, "deletion.Grandchild": 2, "deletion.Hidden": 1}
        assert total == 6
        assert parent.pk is None
        assert list(Cascading.objects.all()) == [keep]

    def test_queryset_does_the_same(self, parent):
        Grandchild.objects.create(child=Cascading.objects.create(parent=parent))
        assert Parent.objects.filter(name="p").delete() == (
            3,
            {"deletion.Parent": 1, "deletion.Cascading": 1, "deletion.Grandchild": 1},
        )
        assert Parent.objects.count() == 1

    def test_nothing_found_deletes_nothing(self, parent):
        assert Parent.objects.filter(name="nobody").delete() == (0, {})
        assert Grandchild.objects.all().delete() == (0, {})
        assert parent.pk

    def test_instance_gone_from_the_store(self, parent):
        grandchild = Grandchild(pk=77, child_id=1)
        assert grandchild.delete() == (0, {"deletion.Grandchild": 0})
        assert grandchild.pk is None

    def test_instance_without_key_is_refused(self):
        with pytest.raises(ValueError, match="no primary key"):
            Parent().delete()

    def test_circles_end(self):
        chicken = Chicken.objects.create()
        egg = Egg.objects.create(chicken=chicken)
        chicken.egg = egg
        chicken.save()
        assert egg.delete()[0] == 2
        assert not Chicken.objects.exists()

    def test_self_reference_of_one_row(self):
        node = Node.objects.create()
        node.parent = node
        node.save()
        assert node.delete() == (1, {"deletion.Node": 1})

    def test_depth_needs_no_recursion(self):
        depth = 20_000
        Node.objects.bulk_create(
            [Node(pk=1)] + [Node(pk=number, parent_id=number - 1) for number in range(2, depth + 1)]
        )
        assert Node.objects.get(pk=1).delete() == (depth, {"deletion.Node": depth})

    def test_rows_that_point_by_either_of_two_keys_go_in_one_statement(self, parent):
        other = Parent.objects.create(name="other")
        Match.objects.create(home=parent, guest=other)
        Match.objects.create(home=other, guest=parent)
        Match.objects.create(home=parent, guest=parent)
        kept = Match.objects.create(home=other)
        with capture_statements() as log:
            assert parent.delete() == (4, {"deletion.Match": 3, "deletion.Parent": 1})
        assert log.statements.count("delete deletion.Match") == 1
        assert Match.objects.get() == kept

    def test_leaves_of_a_deep_tree_go_in_one_statement(self):
        depth = 300
        Node.objects.bulk_create(
            [Node(pk=1)] + [Node(pk=number, parent_id=number - 1) for number in range(2, depth + 1)]
        )
        Leaf.objects.bulk_create([Leaf(node_id=number) for number in range(1, depth + 1)])
        with capture_statements() as log:
            assert Node.objects.get(pk=1).delete() == (2 * depth, {"deletion.Node": depth, "deletion.Leaf": depth})
        assert sum("delete deletion.Leaf" in text for text in log.statements) == 1

    def test_statements_do_not_grow_with_rows(self, parent):
        numbers = set()
        for children in (1, 50):
            doomed = Parent.objects.create(name="doomed")
            for _ in range(children):
                Grandchild.objects.create(child=Cascading.objects.create(parent=doomed))
            with capture_statements() as log:
                doomed.delete()
            numbers.add(len(log.statements))
        assert len(numbers) == 1


class TestRefusals:
    def test_protect_names_the_way_and_the_rows(self, parent):
        blocked = Protecting.objects.create(parent=parent)
        with pytest.raises(ProtectedError, match=r"'Protecting\.parent'") as caught:
            parent.delete()
        assert caught.value.protected_objects == {blocked}
        assert Parent.objects.filter(pk=parent.pk).exists()
        assert parent.pk is not None
        with pytest.raises(IntegrityError):
            Parent.objects.all().delete()
        assert Parent.objects.count() == 2

    def test_protect_collects_all_rows(self, parent):
        blocked = {Protecting.objects.create(parent=parent) for _ in range(3)}
        with pytest.raises(ProtectedError) as caught:
            parent.delete()
        assert caught.value.protected_objects == blocked

    def test_restrict_refuses(self, parent):
        blocked = Restricting.objects.create(parent=parent)
        with pytest.raises(RestrictedError, match=r"'Restricting\.parent'") as caught:
            parent.delete()
        assert caught.value.restricted_objects == {blocked}

    def test_restrict_lets_go_what_is_deleted_along(self, parent):
        child = Cascading.objects.create(parent=parent)
        Restricting.objects.create(parent=parent, other=child)
        assert parent.delete()[0] == 3
        assert not Restricting.objects.exists()

    def test_do_nothing_leaves_it_to_the_reference(self, parent):
        Ignoring.objects.create(parent=parent)
        with pytest.raises(IntegrityError):
            parent.delete()
        assert Parent.objects.filter(name="p").exists()
        with atomic():
            Parent.objects.filter(name="p").delete()
            Ignoring.objects.all().delete()
        assert not Parent.objects.filter(name="p").exists()


class TestChanges:
    def test_set_null(self, parent):
        Nulled.objects.create(parent=parent)
        assert parent.delete() == (1, {"deletion.Parent": 1})
        assert Nulled.objects.get().parent is None

    def test_set_default(self, parent):
        Defaulted.objects.create(parent=parent)
        parent.delete()
        assert Defaulted.objects.get().parent_id == 1

    def test_set(self, parent):
        Given.objects.create(parent=parent)
        parent.delete()
        assert Given.objects.get().parent == Parent.objects.get(name="first")


class TestInheritance:
    def test_child_takes_its_parents_rows(self):
        bistro = Bistro.objects.create(name="x")
        Place.objects.create(name="y")
        Visit.objects.create(place_id=bistro.pk)
        Meal.objects.create(restaurant_id=bistro.pk)
        assert bistro.delete() == (
            5,
            {
                "deletion.Bistro": 1,
                "deletion.Restaurant": 1,
                "deletion.Place": 1,
                "deletion.Visit": 1,
                "deletion.Meal": 1,
            },
        )
        assert [place.name for place in Place.objects.all()] == ["y"]

    def test_parent_takes_its_children(self):
        bistro = Bistro.objects.create(name="x")
        assert Place.objects.get(pk=bistro.pk).delete()[0] == 3
        assert not Restaurant.objects.exists()
        assert not Bistro.objects.exists()

    def test_keep_parents(self):
        restaurant = Restaurant.objects.create(name="x")
        Visit.objects.create(place_id=restaurant.pk)
        Meal.objects.create(restaurant=restaurant)
        assert restaurant.delete(keep_parents=True) == (2, {"deletion.Restaurant": 1, "deletion.Meal": 1})
        assert Place.objects.count() == 1
        assert Visit.objects.count() == 1

    def test_queryset_of_children(self):
        Restaurant.objects.create(name="x")
        Restaurant.objects.create(name="y")
        assert Restaurant.objects.filter(name="x").delete()[0] == 2
        assert [place.name for place in Place.objects.all()] == ["y"]


def test_rows_between_go_along():
    place = Place.objects.create(name="x")
    label = Label.objects.create()
    label.places.add(place)
    assert place.delete() == (2, {"deletion.Place": 1, "deletion.Label_places": 1})
    other = Place.objects.create(name="y")
    other.labels.add(label)
    assert label.delete()[1] == {"deletion.Label": 1, "deletion.Label_places": 1}


class TestSignals:
    def test_order_is_children_first_by_key(self, parent):
        one, two = (Cascading.objects.create(parent=parent) for _ in range(2))
        with heard(Parent, Cascading) as events:
            parent.delete()
        assert events == [
            ("pre", "Cascading", one.pk),
            ("pre", "Cascading", two.pk),
            ("pre", "Parent", events[-1][2]),
            ("post", "Cascading", two.pk),
            ("post", "Cascading", one.pk),
            ("post", "Parent", events[-1][2]),
        ]

    def test_instances_still_have_their_key(self, parent):
        with heard(Parent) as events:
            Parent.objects.filter(name="p").delete()
        assert events == [("pre", "Parent", parent.pk), ("post", "Parent", parent.pk)]

    def test_origin_is_what_was_deleted(self, parent):
        Cascading.objects.create(parent=parent)
        origins = []

        def listen(origin, **_):
            origins.append(origin)

        pre_delete.connect(listen, sender=Cascading)
        try:
            parent.delete()
            Cascading.objects.create(parent=Parent.objects.first())
            rows = Parent.objects.all()
            rows.delete()
        finally:
            pre_delete.disconnect(listen, sender=Cascading)
        assert origins[0] is parent
        assert origins[1].model is Parent

    def test_parents_of_children_are_told(self):
        bistro = Bistro.objects.create(name="x")
        key = bistro.pk
        with heard(Place, Restaurant, Bistro) as events:
            bistro.delete()
        assert events == [
            ("pre", "Bistro", key),
            ("pre", "Restaurant", key),
            ("pre", "Place", key),
            ("post", "Bistro", key),
            ("post", "Restaurant", key),
            ("post", "Place", key),
        ]

    def test_a_failing_receiver_undoes_all(self, parent):
        Cascading.objects.create(parent=parent)

        def fail(**_):
            raise RuntimeError("no")

        post_delete.connect(fail, sender=Cascading)
        try:
            with pytest.raises(RuntimeError, match="no"):
                parent.delete()
        finally:
            post_delete.disconnect(fail, sender=Cascading)
        assert Cascading.objects.count() == 1
        assert Parent.objects.count() == 2


def test_callables_are_asked_for_values_where_rows_get_them():
    Toy.objects.create(name="ball").delete()
    assert not Toy.objects.exists()
    ball, doll = Toy.objects.create(name="ball"), Toy.objects.create(name="doll")
    Wish.objects.create(toy=ball, other=doll)
    Toy.objects.exclude(name="spare").delete()
    wish = Wish.objects.get()
    assert (wish.toy.name, wish.other.name) == ("spare", "spare")
