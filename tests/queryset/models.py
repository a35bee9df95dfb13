"""Models with a field of every kind that matters to reading and writing."""

from __future__ import annotations

import uuid

import modelkit as models


class Team(models.Model):
    name = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "querysets"


class AdultManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(age__gte=18)


class PersonQuerySet(models.ModelQuerySet):
    def named(self, name):
        return self.filter(name=name)

    def _hidden(self):
        return "hidden"

    def _shown(self):
        return "shown"

    _shown.queryset_only = False


class Person(models.Model):
    name = models.CharField(max_length=50)
    age = models.IntegerField(null=True, db_index=True)
    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="members")
    data = models.JSONField(null=True)
    tags = models.ManyToMany("Tag", related_name="people")
    joined = models.DateField(null=True)

    objects = PersonQuerySet.as_manager()
    adults = AdultManager()

    class Meta:
        app_label = "querysets"
        get_latest_by = "joined"


class Tag(models.Model):
    word = models.CharField(max_length=20)
    extra = models.JSONField(default=dict)

    class Meta:
        app_label = "querysets"
        ordering = ["word"]


class Ticket(models.Model):
    code = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=20, unique=True)
    count = models.IntegerField(default=0)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "querysets"


class Place(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "querysets"


class Restaurant(Place):
    stars = models.IntegerField(default=0)
    menu = models.JSONField(default=list)

    class Meta:
        app_label = "querysets"


class Loud(models.Model):
    """Overrides __init__ and from_db."""

    name = models.CharField(max_length=20)
    size = models.IntegerField(default=1)

    class Meta:
        app_label = "querysets"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.made = "init"

    @classmethod
    def from_db(cls, db, field_names, values):
        made = super().from_db(db, field_names, values)
        made.loaded_from = db
        return made
