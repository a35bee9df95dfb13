"""The models in Tortoise."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Publisher(Model):
    name = fields.CharField(max_length=50)
    city = fields.CharField(max_length=50, null=True)
    book_set: fields.ReverseRelation[Book]


class Author(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=50)
    nick = fields.CharField(max_length=50, null=True)
    age = fields.IntField()
    books: fields.ReverseRelation[Book]


class Tag(Model):
    label = fields.CharField(max_length=20)


class Book(Model):
    id = fields.IntField(primary_key=True)
    title = fields.CharField(max_length=100)
    pages = fields.IntField()
    price = fields.DecimalField(max_digits=8, decimal_places=2)
    published = fields.DateField(null=True)
    author_id: int
    author: fields.ForeignKeyRelation[Author] = fields.ForeignKeyField("by_tortoise.Author", related_name="books")
    publisher: fields.ForeignKeyNullableRelation[Publisher] = fields.ForeignKeyField(
        "by_tortoise.Publisher", related_name="book_set", null=True
    )
    tags: fields.ManyToManyRelation[Tag] = fields.ManyToManyField("by_tortoise.Tag")
