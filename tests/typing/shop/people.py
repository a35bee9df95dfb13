"""Who buys, and who sells."""

from __future__ import annotations

from typing import Self

from modelkit import (
    CASCADE,
    SET_NULL,
    BooleanField,
    CharField,
    DateField,
    EmailField,
    ForeignKey,
    IntegerChoices,
    IntegerField,
    Manager,
    Model,
    ModelQuerySet,
    OneToOne,
    UUIDField,
)


class Rank(IntegerChoices):
    NEW = 1, "new"
    OLD = 2, "old"


class PersonQuerySet(ModelQuerySet["Person"]):
    def adults(self) -> Self:
        return self.filter(Person.age >= 18)


class Person(Model):
    name = CharField(max_length=100)
    nick = CharField(max_length=50, null=True)
    mail = EmailField(unique=True)
    age = IntegerField()
    born = DateField(null=True)
    rank = IntegerField(choices=Rank, default=Rank.NEW)
    active = BooleanField(default=True)
    boss = ForeignKey("self", SET_NULL, null=True, related_name="team")

    objects = PersonQuerySet.as_manager()

    class Meta:
        app_label = "people"


class Account(Model):
    person = OneToOne(Person, CASCADE)
    token = UUIDField()
    limit = IntegerField(null=True)

    class Meta:
        app_label = "people"


class CompanyManager(Manager["Company"]):
    def large(self) -> ModelQuerySet[Company]:
        return self.all().filter(size__gt=100)


class Company(Model):
    title = CharField(max_length=50)
    size = IntegerField(default=1)
    chief = ForeignKey(Person, CASCADE, null=True, related_name="companies")

    objects = CompanyManager()

    class Meta:
        app_label = "people"
