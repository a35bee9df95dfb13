"""Models with what saving must mind: keys of all kinds, inheritance, custom fields."""

from __future__ import annotations

import uuid

import modelkit as models


class Upper(models.CharField):
    """Stores text in capitals, and gives it back in small letters."""

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return None if value is None else value.upper()

    def from_db_value(self, value, expression, connection):
        return None if value is None else value.lower()


class Owner(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "persistence"


class Thing(models.Model):
    name = models.CharField(max_length=20)
    size = models.IntegerField(default=1)
    price = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    code = Upper(max_length=10, null=True)
    owner = models.ForeignKey(Owner, models.CASCADE, null=True, related_name="things")
    added = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    level = models.IntegerField(db_default=7)

    class Meta:
        app_label = "persistence"


class Keyed(models.Model):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "persistence"


class Place(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "persistence"


class Bar(Place):
    beers = models.IntegerField(default=0)

    class Meta:
        app_label = "persistence"


class Pub(Bar):
    darts = models.BooleanField(default=False)

    class Meta:
        app_label = "persistence"


class QuietPlace(Place):
    class Meta:
        app_label = "persistence"
        proxy = True
