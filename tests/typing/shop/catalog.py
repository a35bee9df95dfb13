"""What is sold."""

from __future__ import annotations

import decimal

from modelkit import CASCADE, CharField, DecimalField, ForeignKey, IntegerField, JSONField, ManyToMany, Model
from tests.typing.shop.base import Owned


class Tag(Model):
    label = CharField(max_length=20, unique=True)

    class Meta:
        app_label = "catalog"


class Category(Model):
    title = CharField(max_length=50)
    parent = ForeignKey("Category", CASCADE, null=True, related_name="children")

    class Meta:
        app_label = "catalog"


class Product(Owned):
    title = CharField(max_length=100)
    price = DecimalField(max_digits=8, decimal_places=2)
    stock = IntegerField(default=0)
    weight = DecimalField(max_digits=8, decimal_places=2, null=True, default=decimal.Decimal(1))
    data = JSONField(default=dict)
    category = ForeignKey(Category, CASCADE)
    tags = ManyToMany(Tag, related_name="products")

    class Meta:
        app_label = "catalog"
