# mypy: disable-error-code="import-untyped,misc"
"""The benchmark's tables as Django models."""

from __future__ import annotations

from typing import Any

from django.db import models

__all__ = ["Author", "Book", "Tag", "six_fields"]


class Author(models.Model):  # noqa: DJ008 - never shown
    name = models.CharField(max_length=100)
    email = models.CharField(max_length=100, unique=True)
    country = models.CharField(max_length=10, db_index=True)
    age = models.IntegerField(null=True)
    score = models.FloatField()

    class Meta:
        db_table = "author"


class Tag(models.Model):  # noqa: DJ008 - never shown
    name = models.CharField(max_length=50, unique=True)

    class Meta:
        db_table = "tag"


class Book(models.Model):  # noqa: DJ008 - never shown
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    stamp = models.IntegerField(db_index=True)
    pages = models.IntegerField()
    price = models.FloatField()
    tags = models.ManyToManyField(Tag, db_table="book_tags", related_name="books")

    class Meta:
        db_table = "book"


def six_fields(name: str, table: str) -> type[Any]:
    meta = type("Meta", (), {"app_label": "django_app", "db_table": table})
    body = {
        "__module__": __name__,
        "name": models.CharField(max_length=100),
        "email": models.CharField(max_length=100),
        "country": models.CharField(max_length=10),
        "age": models.IntegerField(null=True),
        "score": models.FloatField(),
        "Meta": meta,
    }
    return type(name, (models.Model,), body)
