"""Teams, authors, books, tags: the models of Django's join rules, and one of each field that has lookups of its own."""

from __future__ import annotations

import modelkit as models
from modelkit.modelinfo import ModelInfo, info_of


class Team(models.Model):
    name = models.CharField(max_length=9, null=True)
    size = models.IntegerField(null=True)

    class Meta:
        app_label = "resolve"
        ordering = ["-size", "name"]


class Author(models.Model):
    name = models.CharField(max_length=9, null=True)
    age = models.IntegerField(default=0)
    born = models.DateField(null=True)
    seen = models.DateTimeField(null=True)
    secret = models.CharField(max_length=9, default="", sensitive=True)
    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="members")
    mentor = models.ForeignKey("self", models.CASCADE, null=True, related_name="pupils")

    class Meta:
        app_label = "resolve"


class Book(models.Model):
    name = models.CharField(max_length=9, null=True)
    rating = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=6, decimal_places=2, default=1)
    data = models.JSONField(null=True)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    editor = models.ForeignKey(Author, models.CASCADE, null=True, related_name="edited")

    class Meta:
        app_label = "resolve"


class Tag(models.Model):
    name = models.CharField(max_length=9, null=True)
    books = models.ManyToManyField(Book, related_name="tags")

    class Meta:
        app_label = "resolve"


class Profile(models.Model):
    bio = models.CharField(max_length=9, null=True)
    author = models.OneToOneField(Author, models.CASCADE, related_name="profile")

    class Meta:
        app_label = "resolve"


class Place(models.Model):
    name = models.CharField(max_length=9)
    size = models.IntegerField(default=0)

    class Meta:
        app_label = "resolve"


class Cafe(Place):
    cups = models.IntegerField(default=0)

    class Meta:
        app_label = "resolve"


def library() -> None:
    """Three authors: A of team x with three books, B without a team with one, C of a nameless team with none."""
    x, nameless = Team.objects.create(name="x", size=3), Team.objects.create(name=None)
    for name, team, books in (
        ("A", x, [("p", 1), ("q", 2), ("p", 2)]),
        ("B", None, [("p", 1)]),
        ("C", nameless, []),
    ):
        author = Author.objects.create(name=name, team=team)
        for title, rating in books:
            Book.objects.create(name=title, rating=rating, author=author)
    first = Book.objects.earliest("pk")
    first.tags.add(Tag.objects.create(name="t1"), Tag.objects.create(name="t2"))


AUTHOR: ModelInfo = info_of(Author)
