"""Teams, people, books: one relation of every kind."""

from __future__ import annotations

import modelkit as models


class Team(models.Model):
    name = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "relations"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AdultManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(age__gte=18)


class PersonQuerySet(models.ModelQuerySet):
    def named(self, name: str):
        return self.filter(name=name)


class Person(models.Model):
    name = models.CharField(max_length=50)
    age = models.IntegerField(default=30)
    team = models.ForeignKey(Team, models.CASCADE, related_name="members")
    coach_of = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="coaches")
    team_name = models.ForeignKey(
        Team, models.CASCADE, to_field="name", null=True, related_name="people_by_name", db_column="tname"
    )
    friends = models.ManyToMany("self")
    follows = models.ManyToMany("self", symmetrical=False, related_name="followers")

    objects = PersonQuerySet.as_manager()
    adults = AdultManager()

    class Meta:
        app_label = "relations"

    def __str__(self) -> str:
        return self.name


class Passport(models.Model):
    number = models.CharField(max_length=20)
    person = models.OneToOne(Person, models.CASCADE, null=True, related_name="passport")

    class Meta:
        app_label = "relations"


class Locker(models.Model):
    person = models.OneToOne(Person, models.CASCADE)

    class Meta:
        app_label = "relations"


class Tag(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "relations"

    def __str__(self) -> str:
        return self.name


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Person, models.CASCADE, related_name="books")
    tags = models.ManyToMany(Tag, related_name="books")

    class Meta:
        app_label = "relations"

    def __str__(self) -> str:
        return self.title


class Novel(Book):
    pages = models.IntegerField(default=0)

    class Meta:
        app_label = "relations"


class Club(models.Model):
    name = models.CharField(max_length=20)
    people = models.ManyToMany(Person, through="Membership", related_name="clubs")

    class Meta:
        app_label = "relations"


class Membership(models.Model):
    club = models.ForeignKey(Club, models.CASCADE)
    person = models.ForeignKey(Person, models.CASCADE)
    role = models.CharField(max_length=20, default="member")

    class Meta:
        app_label = "relations"
