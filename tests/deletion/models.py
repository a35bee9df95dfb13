"""A parent, and a child for every on_delete."""

from __future__ import annotations

import modelkit as models


class Base(models.Model):
    class Meta:
        abstract = True
        app_label = "deletion"


class Parent(Base):
    name = models.CharField(max_length=20, default="", unique=False)


class Cascading(Base):
    parent = models.ForeignKey(Parent, models.CASCADE, related_name="cascading")


class Grandchild(Base):
    child = models.ForeignKey(Cascading, models.CASCADE, related_name="grandchildren")


class Protecting(Base):
    parent = models.ForeignKey(Parent, models.PROTECT)


class Nulled(Base):
    parent = models.ForeignKey(Parent, models.SET_NULL, null=True)


class Defaulted(Base):
    parent = models.ForeignKey(Parent, models.SET_DEFAULT, default=1)


def first_parent() -> int:
    return Parent.objects.order_by("pk").first().pk


class Given(Base):
    parent = models.ForeignKey(Parent, models.SET(first_parent))


class Ignoring(Base):
    parent = models.ForeignKey(Parent, models.DO_NOTHING)


class Restricting(Base):
    parent = models.ForeignKey(Parent, models.RESTRICT, related_name="restricting")
    other = models.ForeignKey(Cascading, models.CASCADE, null=True)


class Hidden(Base):
    parent = models.ForeignKey(Parent, models.CASCADE, related_name="+")


class Match(Base):
    home = models.ForeignKey(Parent, models.CASCADE, related_name="at_home", null=True)
    guest = models.ForeignKey(Parent, models.CASCADE, related_name="away", null=True)


class Node(Base):
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")


class Leaf(Base):
    node = models.ForeignKey(Node, models.CASCADE, related_name="leaves")


class Place(Base):
    name = models.CharField(max_length=20)


class Restaurant(Place):
    stars = models.IntegerField(default=0)


class Bistro(Restaurant):
    cheap = models.BooleanField(default=True)


class Visit(Base):
    place = models.ForeignKey(Place, models.CASCADE)


class Meal(Base):
    restaurant = models.ForeignKey(Restaurant, models.CASCADE)


class Label(Base):
    places = models.ManyToMany(Place, related_name="labels")


class Chicken(Base):
    egg = models.ForeignKey("Egg", models.CASCADE, null=True)


class Egg(Base):
    chicken = models.ForeignKey(Chicken, models.CASCADE, null=True)


class Toy(Base):
    name = models.CharField(max_length=20)


def spare_toy() -> Toy:
    return Toy.objects.get_or_create(name="spare")[0]


class Wish(Base):
    toy = models.ForeignKey(Toy, models.SET_DEFAULT, default=spare_toy, related_name="+")
    other = models.ForeignKey(Toy, models.SET(spare_toy), null=True, related_name="+")
