"""The models in Piccolo."""

from __future__ import annotations

from piccolo.columns import Date, ForeignKey, Integer, LazyTableReference, Numeric, Serial, Varchar
from piccolo.columns.m2m import M2M
from piccolo.table import Table


class Publisher(Table):
    id: Serial
    name = Varchar(length=50)
    city = Varchar(length=50, null=True)


class Author(Table):
    id: Serial
    name = Varchar(length=50)
    nick = Varchar(length=50, null=True)
    age = Integer()


class Tag(Table):
    id: Serial
    label = Varchar(length=20)


class Book(Table):
    id: Serial
    title = Varchar(length=100)
    pages = Integer()
    price = Numeric(digits=(8, 2))
    published = Date(null=True)
    author = ForeignKey(Author, null=False)
    publisher = ForeignKey(Publisher, null=True)
    tags = M2M(LazyTableReference("BookTag", module_path=__name__))


class BookTag(Table):
    book = ForeignKey(Book)
    tag = ForeignKey(Tag)
