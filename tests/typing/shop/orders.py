"""What was sold, to whom, and what they thought of it."""

from __future__ import annotations

from modelkit import CASCADE, PROTECT, DateTimeField, DecimalField, ForeignKey, IntegerField, Model, Reverse, TextField
from tests.typing.shop.catalog import Product
from tests.typing.shop.people import Person
from tests.typing.shop.places import Store


class Order(Model):
    buyer = ForeignKey(Person, CASCADE)
    store = ForeignKey(Store, PROTECT, null=True)
    at = DateTimeField()
    paid = DecimalField(max_digits=8, decimal_places=2, null=True)
    lines: Reverse[Line] = Reverse("order")

    class Meta:
        app_label = "orders"
        default_related_name = "orders"


class Line(Model):
    order = ForeignKey(Order, CASCADE)
    product = ForeignKey(Product, CASCADE, related_name="lines", related_query_name="line")
    number = IntegerField(default=1)

    class Meta:
        app_label = "orders"


class Review(Model):
    product = ForeignKey(Product, CASCADE)
    author = ForeignKey("people.Person", CASCADE, null=True)
    stars = IntegerField()
    text = TextField(blank=True)

    class Meta:
        app_label = "orders"
