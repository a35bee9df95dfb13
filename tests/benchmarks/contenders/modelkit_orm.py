"""modelkit on its memory store, written as its documentation writes it."""

from __future__ import annotations

import itertools
import types
from typing import Any

from modelkit import (
    CASCADE,
    CharField,
    Count,
    FloatField,
    ForeignKey,
    IntegerField,
    ManyToMany,
    Max,
    MemoryStore,
    Model,
    Sum,
    atomic,
    connect,
)
from tests.benchmarks.contenders.base import Contender, Rollback, Setting, undo
from tests.benchmarks.data import AUTHOR_COLUMNS, BOOK_COLUMNS, Row, digest

__all__ = ["Modelkit"]


class Author(Model):
    name = CharField(max_length=100)
    email = CharField(max_length=100, unique=True)
    country = CharField(max_length=10, db_index=True)
    age = IntegerField(null=True)
    score = FloatField()

    class Meta:
        app_label = "bench"


class Tag(Model):
    name = CharField(max_length=50, unique=True)

    class Meta:
        app_label = "bench"


class Book(Model):
    title = CharField(max_length=100)
    author = ForeignKey(Author, on_delete=CASCADE, related_name="books")
    stamp = IntegerField(db_index=True)
    pages = IntegerField()
    price = FloatField()
    tags = ManyToMany(Tag, related_name="books")

    class Meta:
        app_label = "bench"


def _six_fields(name: str) -> type[Any]:
    body = {
        "__module__": __name__,
        "name": CharField(max_length=100),
        "email": CharField(max_length=100),
        "country": CharField(max_length=10),
        "age": IntegerField(null=True),
        "score": FloatField(),
        "Meta": type("Meta", (), {"app_label": "bench"}),
    }
    made: type[Any] = types.new_class(name, (Model,), exec_body=lambda namespace: namespace.update(body))
    return made


class Modelkit(Contender):
    """Keyword lookups on managers."""

    name = "modelkit"
    import_code = """
from modelkit import CharField, Model
class Author(Model):
    name = CharField(max_length=100)
    class Meta:
        app_label = "bench"
Author.objects.create(name="a")
assert Author.objects.get(pk=1).name == "a"
"""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.store = MemoryStore()
        connect(self.store)
        self.links: Any = Book.tags.through
        self.restore()
        self.cold = [_six_fields(f"Cold{n}") for n in range(setting.data.cold_tables)]
        first = dict(zip(AUTHOR_COLUMNS, setting.data.authors[0], strict=True))
        for model in self.cold:
            model.objects.bulk_create([model(**first)])
        self.names = itertools.count()

    def restore(self) -> None:
        """Bring each table back to the data by its difference: a held snapshot would slow what is measured."""
        data = self.data
        repair(Author, AUTHOR_COLUMNS, data.authors)
        repair(Tag, ("id", "name"), data.tags)
        repair(Book, BOOK_COLUMNS, data.books)
        repair(self.links, ("id", "book_id", "tag_id"), data.links)
        self.held = {author.pk: author for author in Author.objects.filter(pk__lte=500)}

    def digest(self) -> tuple[Any, ...]:
        ages = list(Author.objects.values_list("age", flat=True))
        return digest(len(ages), sum(age or 0 for age in ages), Book.objects.count(), self.links.objects.count())

    def close(self) -> None:
        self.store.close()

    def get_by_pk(self, pk: int) -> Any:
        return Author.objects.get(pk=pk)

    def get_by_email(self, email: str) -> Any:
        return Author.objects.get(email=email)

    def count_indexed(self, country: str) -> int:
        return Author.objects.filter(country=country).count()

    def exists_indexed(self, country: str) -> bool:
        return Author.objects.filter(country=country).exists()

    def equal_indexed(self, country: str) -> list[Any]:
        return list(Author.objects.filter(country=country))

    def scan(self, limits: tuple[int, float]) -> list[Any]:
        return list(Author.objects.filter(age__gte=limits[0], score__lt=limits[1]))

    def range_order_limit(self, limits: tuple[int, int]) -> list[Any]:
        return list(Book.objects.filter(stamp__gte=limits[0], stamp__lt=limits[1]).order_by("stamp")[:20])

    def order_two_keys(self, _: int) -> list[Any]:
        return list(Author.objects.order_by("country", "-score"))

    def join_filter(self, country: str) -> list[Any]:
        return list(Book.objects.filter(author__country=country))

    def select_related(self, country: str) -> list[Any]:
        return list(Book.objects.filter(author__country=country).select_related("author"))

    def prefetch_reverse(self, country: str) -> list[Any]:
        found: Any = Author.objects.filter(country=country).prefetch_related("books")
        return [(author, author.books.all()) for author in found]

    def prefetch_many(self, country: str) -> list[Any]:
        found = Book.objects.filter(author__country=country).prefetch_related("tags")
        return [(book, book.tags.all()) for book in found]

    def group_by(self, _: int) -> list[Any]:
        grouped: Any = Book.objects.values("author_id")
        return list(grouped.annotate(n=Count("id"), pages_sum=Sum("pages"), newest=Max("stamp")).order_by())

    def create(self, values: Row) -> Any:
        name, email, country, age, score = values
        return Author.objects.create(name=name, email=email, country=country, age=age, score=score)

    def bulk_create(self, batch: list[Row]) -> Any:
        return Author.objects.bulk_create(
            [Author(name=name, email=email, country=country, age=age, score=score)
             for name, email, country, age, score in batch]
        )  # fmt: skip

    def save_field(self, change: tuple[int, int]) -> None:
        author = self.held[change[0]]
        author.age = change[1]
        author.save(update_fields=["age"])

    def update_many(self, age: int) -> int:
        return Author.objects.filter(score__lt=0.5).update(age=age)

    def delete_cascade(self, pk: int) -> None:
        Author.objects.filter(pk=pk).delete()

    def create_rollback(self, batch: list[Row]) -> None:
        try:
            with atomic():
                for values in batch:
                    self.create(values)
                undo()
        except Rollback:
            pass

    def reset(self, batch: list[Row]) -> None:
        before = self.store.snapshot()
        for values in batch:
            self.create(values)
        self.store.restore(before)

    def cold_get(self, number: int) -> Any:
        return self.cold[number].objects.get(pk=1)

    def define_class(self, _: int) -> None:
        _six_fields(f"Defined{next(self.names)}")


def repair(model: Any, columns: tuple[str, ...], wanted: list[Row]) -> None:
    """Make `model`'s rows those of `wanted`, writing only what differs."""
    stored = {row[0]: row for row in model.objects.values_list(*columns)}
    target = {row[0]: row for row in wanted}
    if stored == target:
        return
    wrong = [pk for pk, row in stored.items() if target.get(pk) != row]
    if wrong:
        model.objects.filter(pk__in=wrong).delete()
    missing = [row for pk, row in target.items() if stored.get(pk) != row]
    model.objects.bulk_create([model(**dict(zip(columns, row, strict=True))) for row in missing])
