# mypy: disable-error-code="attr-defined,no-untyped-call"
"""peewee on an in-memory SQLite database."""

from __future__ import annotations

import itertools
from typing import Any

import peewee
from peewee import CharField, FloatField, ForeignKeyField, IntegerField, SqliteDatabase, fn, prefetch

from tests.benchmarks.contenders.base import Setting, SqliteContender
from tests.benchmarks.data import Row

__all__ = ["PeeweeOrm"]

database = SqliteDatabase(":memory:", pragmas={"foreign_keys": 1})


class Base(peewee.Model):
    class Meta:
        database = database


class Author(Base):
    name = CharField(max_length=100)
    email = CharField(max_length=100, unique=True)
    country = CharField(max_length=10, index=True)
    age = IntegerField(null=True)
    score = FloatField()


class Tag(Base):
    name = CharField(max_length=50, unique=True)


class Book(Base):
    title = CharField(max_length=100)
    author = ForeignKeyField(Author, backref="books", on_delete="CASCADE")
    stamp = IntegerField(index=True)
    pages = IntegerField()
    price = FloatField()


class BookTag(Base):
    book = ForeignKeyField(Book, backref="links", on_delete="CASCADE")
    tag = ForeignKeyField(Tag, backref="links", on_delete="CASCADE")

    class Meta:
        table_name = "book_tags"


def _six_fields(name: str, table: str) -> type[Any]:
    body = {
        "__module__": __name__,
        "name": CharField(max_length=100),
        "email": CharField(max_length=100),
        "country": CharField(max_length=10),
        "age": IntegerField(null=True),
        "score": FloatField(),
        "Meta": type("Meta", (), {"table_name": table}),
    }
    return type(name, (Base,), body)


class PeeweeOrm(SqliteContender):
    """peewee's select() chains."""

    name = "peewee"
    import_code = """
from peewee import CharField, Model, SqliteDatabase
database = SqliteDatabase(":memory:")
class Author(Model):
    name = CharField(max_length=100)
    class Meta:
        database = database
database.create_tables([Author])
Author.create(name="a")
assert Author.get_by_id(1).name == "a"
"""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        database.connect(reuse_if_open=True)
        self.connection = database.connection()
        self.cold = [_six_fields(f"Cold{n}", f"cold_{n}") for n in range(setting.data.cold_tables)]
        self.names = itertools.count()
        self.restore()

    def restore(self) -> None:
        super().restore()
        self.held = {author.id: author for author in Author.select().where(Author.id <= 500)}

    def close(self) -> None:
        database.close()

    def get_by_pk(self, pk: int) -> Any:
        return Author.get_by_id(pk)

    def get_by_email(self, email: str) -> Any:
        return Author.get(Author.email == email)

    def count_indexed(self, country: str) -> Any:
        return Author.select().where(Author.country == country).count()

    def exists_indexed(self, country: str) -> Any:
        return Author.select().where(Author.country == country).exists()

    def equal_indexed(self, country: str) -> list[Any]:
        return list(Author.select().where(Author.country == country))

    def scan(self, limits: tuple[int, float]) -> list[Any]:
        return list(Author.select().where((Author.age >= limits[0]) & (Author.score < limits[1])))

    def range_order_limit(self, limits: tuple[int, int]) -> list[Any]:
        condition = (Book.stamp >= limits[0]) & (Book.stamp < limits[1])
        return list(Book.select().where(condition).order_by(Book.stamp).limit(20))

    def order_two_keys(self, _: int) -> list[Any]:
        return list(Author.select().order_by(Author.country, Author.score.desc()))

    def join_filter(self, country: str) -> list[Any]:
        return list(Book.select(Book).join(Author).where(Author.country == country))

    def select_related(self, country: str) -> list[Any]:
        return list(Book.select(Book, Author).join(Author).where(Author.country == country))

    def prefetch_reverse(self, country: str) -> list[Any]:
        found = prefetch(Author.select().where(Author.country == country), Book.select())
        return [(author, author.books) for author in found]

    def prefetch_many(self, country: str) -> list[Any]:
        books = Book.select(Book).join(Author).where(Author.country == country)
        found = prefetch(books, BookTag.select(BookTag, Tag).join(Tag))
        return [(book, [link.tag for link in book.links]) for book in found]

    def group_by(self, _: int) -> list[Any]:
        counted = fn.COUNT(Book.id).alias("n")
        pages, newest = fn.SUM(Book.pages).alias("pages_sum"), fn.MAX(Book.stamp).alias("newest")
        return list(Book.select(Book.author, counted, pages, newest).group_by(Book.author).tuples())

    def create(self, values: Row) -> Any:
        name, email, country, age, score = values
        return Author.create(name=name, email=email, country=country, age=age, score=score)

    def bulk_create(self, batch: list[Row]) -> None:
        made = [
            Author(name=name, email=email, country=country, age=age, score=score)
            for name, email, country, age, score in batch
        ]
        with database.atomic():
            Author.bulk_create(made, batch_size=500)

    def save_field(self, change: tuple[int, int]) -> None:
        author = self.held[change[0]]
        author.age = change[1]
        author.save(only=[Author.age])

    def update_many(self, age: int) -> Any:
        return Author.update(age=age).where(Author.score < 0.5).execute()

    def delete_cascade(self, pk: int) -> None:
        with database.atomic():
            Author.get_by_id(pk).delete_instance(recursive=True)

    def create_rollback(self, batch: list[Row]) -> None:
        with database.atomic() as transaction:
            for values in batch:
                self.create(values)
            transaction.rollback()

    def reset(self, batch: list[Row]) -> None:
        self.create_rollback(batch)

    def cold_get(self, number: int) -> Any:
        return self.cold[number].get_by_id(1)

    def define_class(self, _: int) -> None:
        number = next(self.names)
        _six_fields(f"Defined{number}", f"defined_{number}")
