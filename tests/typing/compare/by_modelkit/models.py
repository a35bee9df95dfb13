"""The models in modelkit."""

from __future__ import annotations

from modelkit import (
    CASCADE,
    CharField,
    DateField,
    DecimalField,
    ForeignKey,
    IntegerField,
    ManyToMany,
    Model,
    Reverse,
    TypedModel,
)


class Publisher(Model):
    name = CharField(max_length=50)
    city = CharField(max_length=50, null=True)


class Author(Model):
    name = CharField(max_length=50)
    nick = CharField(max_length=50, null=True)
    age = IntegerField()
    books: Reverse[Book] = Reverse("author")


class Tag(Model):
    label = CharField(max_length=20)


class Book(Model):
    title = CharField(max_length=100)
    pages = IntegerField()
    price = DecimalField(max_digits=8, decimal_places=2)
    published = DateField(null=True)
    author = ForeignKey(Author, CASCADE, related_name="books")
    author_id = author.key()
    publisher = ForeignKey(Publisher, CASCADE, null=True)
    tags = ManyToMany(Tag)


class TypedAuthor(TypedModel):
    name: CharField[str] = CharField(max_length=50)
    age: IntegerField[int] = IntegerField()
