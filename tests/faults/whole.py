"""`python -m tests.faults.whole FILE`: makes a store's file with models of which `test_undeclared.py` declares only some."""

from __future__ import annotations

import sys
from typing import Any

from modelkit import (
    CASCADE,
    DO_NOTHING,
    PROTECT,
    RESTRICT,
    SET,
    SET_DEFAULT,
    SET_NULL,
    CharField,
    CheckConstraint,
    F,
    ForeignKey,
    GeneratedField,
    IntegerField,
    MemoryStore,
    Model,
    Q,
    UniqueConstraint,
)
from modelkit.database import use_store
from modelkit.functions import Cast, Concat, Lower, Upper


class Base(Model):
    class Meta:
        abstract = True
        app_label = "partly"


class Owner(Base):
    name = CharField(max_length=20)


class Place(Base):
    name = CharField(max_length=20)


class Visit(Base):
    place = ForeignKey(Place, CASCADE)


class Restaurant(Place):
    chef = ForeignKey(Owner, CASCADE)

    class Meta:
        app_label = "partly"


class Review(Base):
    owner = ForeignKey(Owner, CASCADE)
    place = ForeignKey(Place, CASCADE, null=True)


class Comment(Base):
    review = ForeignKey(Review, CASCADE)
    answer = ForeignKey("self", CASCADE, null=True)


class Note(Base):
    owner = ForeignKey(Owner, SET_NULL, null=True)


class Label(Base):
    owner = ForeignKey(Owner, SET_DEFAULT, default=1)


class Badge(Base):
    owner = ForeignKey(Owner, SET(1))


class Guard(Base):
    owner = ForeignKey(Owner, PROTECT)


class Rope(Base):
    owner = ForeignKey(Owner, RESTRICT)
    review = ForeignKey(Review, CASCADE, null=True)


class Ghost(Base):
    owner = ForeignKey(Owner, DO_NOTHING, db_constraint=False)


class Trace(Base):
    owner = ForeignKey(Owner, CASCADE, db_constraint=False)


class Held(Base):
    owner = ForeignKey(Owner, DO_NOTHING)


def first_owner() -> Any:
    return Owner.objects.get(pk=1)


class Late(Base):
    owner = ForeignKey(Owner, CASCADE)


class Asked(Base):
    owner = ForeignKey(Owner, SET(first_owner))


class Called(Base):
    """Held to what functions say: a file cannot hold that."""

    name = CharField(max_length=20)
    owner = ForeignKey(Owner, SET_NULL, null=True)
    other = ForeignKey(Owner, SET_NULL, null=True, related_name="+")
    shown = GeneratedField(
        expression=Concat(Upper("name"), Cast("owner_id", CharField(max_length=20))),
        output_field=CharField(max_length=50),
        db_persist=True,
    )

    class Meta:
        app_label = "partly"
        constraints = [
            UniqueConstraint(Lower("name"), name="name_in_any_case"),
            CheckConstraint(condition=Q(other__isnull=True) | Q(name__regex="^[A-Z]"), name="named_with_another"),
        ]


class Rule(Base):
    """Formulas that a file can hold, and some that it cannot: those that run functions."""

    number = IntegerField()
    name = CharField(max_length=20)
    owner = ForeignKey(Owner, SET_NULL, null=True)
    double = GeneratedField(expression=F("number") * 2, output_field=IntegerField(), db_persist=True)

    class Meta:
        app_label = "partly"
        constraints = [
            CheckConstraint(condition=Q(number__gte=0), name="number_from_0"),
            CheckConstraint(condition=Q(owner__isnull=False) | Q(number__lt=5), name="large_numbers_are_owned"),
            UniqueConstraint(fields=["name"], condition=Q(number__gt=5), name="name_of_large_numbers"),
        ]


def fill() -> None:
    owners = {number: Owner.objects.create(pk=number, name=f"owner {number}") for number in range(1, 20)}
    place = Place.objects.create(name="square")
    review = Review.objects.create(owner=owners[2], place=place)
    comment = Comment.objects.create(review=review)
    Comment.objects.create(review=Review.objects.create(owner=owners[3]), answer=comment)
    Note.objects.create(owner=owners[4])
    Label.objects.create(owner=owners[5])
    Badge.objects.create(owner=owners[6])
    Guard.objects.create(owner=owners[7])
    Rope.objects.create(owner=owners[8])
    Rope.objects.create(owner=owners[9], review=Review.objects.create(owner=owners[9]))
    Ghost.objects.create(owner=owners[10])
    Held.objects.create(owner=owners[11])
    Late.objects.create(owner=owners[15])
    Asked.objects.create(owner=owners[12])
    restaurant = Restaurant.objects.create(name="tavern", chef=owners[13])
    Visit.objects.create(place=restaurant)
    Trace.objects.create(owner=owners[14])
    for number in (1, 7):
        Rule.objects.create(number=number, name="a", owner=owners[17 + number // 6])
    Called.objects.create(name="Ann", owner=owners[17])


if __name__ == "__main__":
    store = MemoryStore(file=sys.argv[1])
    with use_store(store):
        fill()
    store.close()
