"""Abstract, multi-table and proxy inheritance in their plain forms."""

from __future__ import annotations

import pytest

import modelkit as models
from modelkit import CASCADE, CharField, FieldError, ForeignKey, IntegerField, ManyToMany, Model, OneToOne, Registry


class Common(Model):
    name = CharField(max_length=50)
    place = ForeignKey("Place", CASCADE, null=True, related_name="%(class)s_here")

    class Meta:
        abstract = True
        app_label = "inheritance"
        ordering = ["-name"]


class Place(Model):
    title = CharField(max_length=50, unique=True)
    tags = ManyToMany("Tag", related_name="places")

    class Meta:
        app_label = "inheritance"
        ordering = ["title"]
        get_latest_by = "title"


class Tag(Model):
    word = CharField(max_length=10)

    class Meta:
        app_label = "inheritance"


class Restaurant(Place):
    stars = IntegerField(default=0)

    class Meta:
        app_label = "inheritance"


class Pizzeria(Restaurant):
    oven = CharField(max_length=10)

    class Meta:
        app_label = "inheritance"


class Supplier(Place):
    place = OneToOne(Place, CASCADE, parent_link=True, related_name="supplies")
    customers = ManyToMany(Restaurant, related_name="suppliers")

    class Meta:
        app_label = "inheritance"


class Waiter(Common):
    restaurant = ForeignKey(Restaurant, CASCADE)


class Cook(Common):
    class Meta(Common.Meta):
        ordering = ["pk"]
        verbose_name = "chef"


class StarredManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(stars__gt=0)


class Starred(Restaurant):
    objects = StarredManager()

    class Meta:
        app_label = "inheritance"
        proxy = True

    def shine(self) -> str:
        return "*" * self.stars


def names(model) -> list[str]:
    return [field.name for field in model._meta.fields]


def test_abstract_fields_are_copied_to_each_child():
    assert names(Waiter) == ["id", "name", "place", "restaurant"]
    assert names(Cook) == ["id", "name", "place"]
    assert Waiter._meta.get_field("name") is not Cook._meta.get_field("name")
    assert Waiter._meta.get_field("name").model is Waiter
    assert {"waiter_here", "cook_here"} <= Place._meta.info.relations.keys()


def test_abstract_meta_is_inherited():
    assert Waiter._meta.ordering == ["-name"]
    assert Waiter._meta.app_label == "inheritance"
    assert (Cook._meta.ordering, str(Cook._meta.verbose_name)) == (["pk"], "chef")
    assert not Cook._meta.abstract


def test_a_child_may_take_an_abstract_field_away_or_replace_it():
    isolated = Registry()

    class Base(Model):
        name = CharField(max_length=50)
        age = IntegerField()

        class Meta:
            abstract = True
            registry = isolated

    class Child(Base):
        name = None
        age = CharField(max_length=3)

    assert names(Child) == ["id", "age"]
    assert isinstance(Child._meta.get_field("age"), CharField)


def test_diamonds_of_abstract_bases_give_one_field():
    isolated = Registry()

    class Base(Model):
        name = CharField(max_length=50)

        class Meta:
            abstract = True
            registry = isolated

    class Left(Base):
        class Meta(Base.Meta):
            abstract = True

    class Right(Base):
        class Meta(Base.Meta):
            abstract = True

    class Both(Left, Right):
        pass

    assert names(Both) == ["id", "name"]


def test_multi_table_children_share_their_parents_rows():
    pizzeria = Pizzeria.objects.create(title="Da Marco", stars=2, oven="stone")
    assert pizzeria.pk == pizzeria.id == pizzeria.place_ptr_id == pizzeria.restaurant_ptr_id
    place = Place.objects.get()
    assert place.restaurant.pizzeria == pizzeria
    assert place.restaurant.stars == 2
    again = Pizzeria.objects.get(title="Da Marco", stars=2)
    assert (again.oven, again.title, again.restaurant_ptr_id, again.place_ptr_id) == (
        "stone",
        "Da Marco",
        place.pk,
        place.pk,
    )
    assert again.restaurant_ptr == Restaurant.objects.get()
    again.title, again.oven = "Marco", "steel"
    again.save()
    assert Place.objects.get().title == "Marco"
    assert Restaurant.objects.filter(pizzeria__oven="steel").count() == 1
    with pytest.raises(Place.restaurant.RelatedObjectDoesNotExist):
        Place.objects.create(title="Empty").restaurant  # noqa: B018


def test_multi_table_meta_as_django_users_know_it():
    meta = Pizzeria._meta
    assert names(Pizzeria) == ["id", "title", "place_ptr", "stars", "restaurant_ptr", "oven"]
    assert meta.pk.name == "restaurant_ptr"
    assert list(meta.parents) == [Restaurant]
    assert meta.all_parents == (Restaurant, Place)
    assert meta.get_base_chain(Place) == [Restaurant, Place]
    assert meta.get_ancestor_link(Place).name == "restaurant_ptr"
    assert (meta.ordering, meta.get_latest_by) == (["title"], "title")
    assert issubclass(Pizzeria.DoesNotExist, Place.DoesNotExist)
    assert [table.name for table in (level.table for level in meta.info.levels)] == [
        "inheritance_place",
        "inheritance_restaurant",
        "inheritance_pizzeria",
    ]


def test_a_parent_link_can_be_written_out():
    supplier = Supplier.objects.create(title="Mill")
    assert Supplier._meta.pk.name == "place"
    assert supplier.place_id == supplier.pk
    assert Place.objects.get().supplies == supplier
    assert "place_ptr" not in names(Supplier)


def test_children_have_their_parents_relations():
    tag = Tag.objects.create(word="warm")
    pizzeria = Pizzeria.objects.create(title="Da Marco", oven="stone")
    pizzeria.tags.add(tag)
    mill = Supplier.objects.create(title="Mill")
    mill.customers.add(pizzeria)
    Waiter.objects.create(name="Ugo", restaurant=pizzeria, place=pizzeria)
    assert Pizzeria.objects.get(tags__word="warm", suppliers__title="Mill", waiter__name="Ugo") == pizzeria
    assert [waiter.name for waiter in pizzeria.waiter_set.all()] == ["Ugo"]
    assert [place.pk for place in tag.places.all()] == [pizzeria.pk]
    assert Waiter.objects.get(restaurant__title="Da Marco").restaurant.pizzeria == pizzeria


def test_deleting_a_child_deletes_its_parents_and_the_other_way_round():
    Pizzeria.objects.create(title="Da Marco", oven="stone").delete()
    assert (Place.objects.count(), Restaurant.objects.count(), Pizzeria.objects.count()) == (0, 0, 0)
    Pizzeria.objects.create(title="Da Marco", oven="stone")
    Place.objects.get().delete()
    assert (Place.objects.count(), Restaurant.objects.count(), Pizzeria.objects.count()) == (0, 0, 0)


def test_proxies_share_table_and_relations_and_have_their_own_behaviour():
    Restaurant.objects.create(title="Plain")
    Restaurant.objects.create(title="Fine", stars=3)
    starred = Starred.objects.get()
    assert type(starred) is Starred
    assert starred.shine() == "***"
    assert Starred._meta.table is Restaurant._meta.table
    assert Starred._meta.concrete_model is Restaurant
    assert starred == Restaurant.objects.get(title="Fine")
    assert Starred._base_manager.count() == 2
    Waiter.objects.create(name="Ugo", restaurant=starred)
    assert starred.waiter_set.get().name == "Ugo"
    assert Starred.objects.filter(waiter__name="Ugo").count() == 1
    assert starred.delete()[1] == {"inheritance.Waiter": 1, "inheritance.Starred": 1, "inheritance.Place": 1}


def test_what_cannot_be_inherited_is_refused_by_name():
    isolated = Registry()

    class Parent(Model):
        name = CharField(max_length=50)

        class Meta:
            registry = isolated

    with pytest.raises(FieldError, match=r"'name' of Child.*Parent"):

        class Child(Parent):
            name = IntegerField()

    with pytest.raises(FieldError, match=r"parent_ptr.*parent_link=True"):

        class Linked(Parent):
            parent_ptr = IntegerField()

    with pytest.raises(FieldError, match=r"proxy Own.*'extra'"):

        class Own(Parent):
            extra = IntegerField()

            class Meta:
                proxy = True

    with pytest.raises(TypeError, match="no concrete base"):

        class Nothing(Model):
            class Meta:
                proxy = True
                registry = isolated

    assert [model.__name__ for model in isolated.models()] == ["Parent"]
    assert Parent._meta.incoming == []


def test_two_concrete_parents():
    isolated = Registry()

    class First(Model):
        first_id = IntegerField(primary_key=True)
        a = IntegerField()

        class Meta:
            registry = isolated

    class Second(Model):
        second_id = IntegerField(primary_key=True)
        b = IntegerField()

        class Meta:
            registry = isolated

    class Both(First, Second):
        c = IntegerField()

    both = Both.objects.create(first_id=1, second_id=7, a=1, b=2, c=3)
    again = Both.objects.get(a=1, b=2, c=3)
    assert (again.first_ptr_id, again.second_ptr_id, again.pk) == (1, 7, 1)
    assert (First.objects.get().both, Second.objects.get().both) == (both, both)
    again.delete()
    assert (First.objects.count(), Second.objects.count(), Both.objects.count()) == (0, 0, 0)


def test_a_key_to_a_child_points_to_the_childs_own_table():
    table = Waiter._meta.table
    references = {reference.columns: reference.target for reference in table.references}
    assert references[(table.positions["restaurant_id"],)] == "inheritance_restaurant"
    assert Waiter._meta.info.relations["restaurant"].remote == ("place_ptr_id",)


def test_a_parent_link_of_an_abstract_base_counts_wherever_the_base_stands():
    own = Registry()

    class Ground(Model):
        class Meta:
            app_label = "links"
            registry = own

    class Linked(Model):
        ground = OneToOne(Ground, CASCADE, parent_link=True)

        class Meta:
            abstract = True
            app_label = "links"
            registry = own

    class First(Linked, Ground):
        pass

    class Second(Ground, Linked):
        pass

    for model in (First, Second):
        assert model._meta.get_ancestor_link(Ground) is model._meta.get_field("ground")
        assert model.objects.create().ground.pk == model.objects.get().pk
