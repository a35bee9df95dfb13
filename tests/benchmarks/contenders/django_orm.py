# mypy: disable-error-code="import-untyped"
"""Django on an in-memory SQLite database. Importing this module configures Django's settings."""

from __future__ import annotations

import itertools
from typing import Any

import django
from django.conf import settings

from tests.benchmarks.contenders.base import Rollback, Setting, SqliteContender, undo
from tests.benchmarks.data import Row

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["tests.benchmarks.contenders.django_app"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=False,
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402 - settings come first

from tests.benchmarks.contenders.django_app.models import Author, Book, six_fields  # noqa: E402 - settings come first

__all__ = ["DjangoOrm"]


class DjangoOrm(SqliteContender):
    """Django's querysets, as its documentation writes them."""

    name = "django"
    import_code = """
import django
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()
from django.db import connection, models
class Author(models.Model):
    name = models.CharField(max_length=100)
    class Meta:
        app_label = "bench"
with connection.schema_editor() as editor:
    editor.create_model(Author)
Author.objects.create(name="a")
assert Author.objects.get(pk=1).name == "a"
"""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        connection.ensure_connection()
        self.connection = connection.connection
        self.restore()
        self.cold = [six_fields(f"Cold{n}", f"cold_{n}") for n in range(setting.data.cold_tables)]
        self.names = itertools.count()

    def restore(self) -> None:
        super().restore()
        self.held = {author.pk: author for author in Author.objects.filter(pk__lte=500)}

    def close(self) -> None:
        connection.close()

    def get_by_pk(self, pk: int) -> Any:
        return Author.objects.get(pk=pk)

    def get_by_email(self, email: str) -> Any:
        return Author.objects.get(email=email)

    def count_indexed(self, country: str) -> Any:
        return Author.objects.filter(country=country).count()

    def exists_indexed(self, country: str) -> Any:
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
        found = Author.objects.filter(country=country).prefetch_related("books")
        return [(author, author.books.all()) for author in found]

    def prefetch_many(self, country: str) -> list[Any]:
        found = Book.objects.filter(author__country=country).prefetch_related("tags")
        return [(book, book.tags.all()) for book in found]

    def group_by(self, _: int) -> list[Any]:
        return list(
            Book.objects.values("author_id")
            .annotate(n=models.Count("id"), pages_sum=models.Sum("pages"), newest=models.Max("stamp"))
            .order_by()
        )

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

    def update_many(self, age: int) -> Any:
        return Author.objects.filter(score__lt=0.5).update(age=age)

    def delete_cascade(self, pk: int) -> None:
        Author.objects.filter(pk=pk).delete()

    def create_rollback(self, batch: list[Row]) -> None:
        try:
            with transaction.atomic():
                for values in batch:
                    self.create(values)
                undo()
        except Rollback:
            pass

    def reset(self, batch: list[Row]) -> None:
        with transaction.atomic():
            for values in batch:
                self.create(values)
            transaction.set_rollback(True)

    def cold_get(self, number: int) -> Any:
        return self.cold[number].objects.get(pk=1)

    def define_class(self, _: int) -> None:
        number = next(self.names)
        six_fields(f"Defined{number}", f"defined_{number}")
