"""Where things are: a place, and what a place may be."""

from __future__ import annotations

from modelkit import CASCADE, BooleanField, CharField, FloatField, ForeignKey, Model
from tests.typing.shop.people import Company


class Country(Model):
    code = CharField(max_length=2, primary_key=True)
    name = CharField(max_length=50)

    class Meta:
        app_label = "places"


class Place(Model):
    name = CharField(max_length=50)
    height = FloatField(null=True)
    country = ForeignKey(Country, CASCADE)

    class Meta:
        app_label = "places"


class Store(Place):
    open_late = BooleanField(default=False)
    company = ForeignKey(Company, CASCADE, related_name="stores")

    class Meta:
        app_label = "places"


class BigStore(Store):
    class Meta:
        proxy = True
        app_label = "places"
