"""Querysets and managers of one's own, as Django teaches them, and related rows that are declared to have their methods.

Each line marked `# Enn` must be an error, every other line none.
"""

from __future__ import annotations

from typing import Self, assert_type

from modelkit import (
    CASCADE,
    CharField,
    ForeignKey,
    IntegerField,
    Manager,
    ManyToMany,
    Model,
    ModelQuerySet,
    QuerySet,
    RelatedSet,
    Reverse,
)


class BookQuerySet(QuerySet["Book"]):
    def published(self, since: int = 1900) -> Self:
        return self.filter(Book.year >= since)

    def titles(self) -> list[str]:
        return list(self.values_list(Book.title, flat=True))


class TagQuerySet(ModelQuerySet["Tag"]):
    def short(self) -> Self:
        return self.filter(Tag.word < "c")


class TagManager(Manager["Tag"]):
    def long(self) -> QuerySet[Tag]:
        return self.all().filter(Tag.word > "c")


class Books(RelatedSet["Book"], BookQuerySet):
    """The books of one author."""


class Tags(RelatedSet["Tag"], TagQuerySet):
    """The tags of one book."""


class Author(Model):
    name = CharField(max_length=50)
    books: Reverse[Book, Books] = Reverse("author")
    edited: Reverse[Book] = Reverse("editor")

    class Meta:
        app_label = "spec_managers"


class Book(Model):
    title = CharField(max_length=50)
    year = IntegerField(default=2000)
    author = ForeignKey(Author, CASCADE)
    editor = ForeignKey(Author, CASCADE, null=True)
    tags: ManyToMany[Tag, Tags] = ManyToMany("Tag")

    objects = BookQuerySet.as_manager()
    shelved = Manager.from_queryset(BookQuerySet)()

    class Meta:
        app_label = "spec_managers"


class Tag(Model):
    word = CharField(max_length=50)
    books = ManyToMany(Book, related_name="labels")

    objects = Manager.from_queryset(TagQuerySet)()
    long = TagManager()

    class Meta:
        app_label = "spec_managers"


class Plain(Model):
    word = CharField(max_length=50)

    class Meta:
        app_label = "spec_managers"


def own(book: Book) -> None:
    assert_type(Book.objects, BookQuerySet)
    assert_type(Book.objects.published().get(), Book)
    assert_type(Book.objects.filter(Book.year > 3).published(1950).titles(), list[str])
    assert_type(Book.shelved.published().first(), Book | None)
    assert_type(Book.objects.published()[:3], BookQuerySet)
    assert_type(Tag.objects.short().get(), Tag)
    assert_type(Tag.long.long(), QuerySet[Tag])
    assert_type(Plain.objects, QuerySet[Plain])
    assert_type(Plain.objects, ModelQuerySet[Plain])
    assert_type(Plain.objects.values_list(Plain.word, flat=True).first(), str | None)
    taken(Book.objects.published(), Plain.objects.all())


def unknown(author: Author, book: Book, tag: Tag) -> None:
    Book.objects.publishd()  # E01
    Book.objects.published("x")  # E02
    Book.objects.filter(Tag.word == "x")  # E03
    Tag.objects.long()  # E04
    Plain.objects.published()  # E05
    taken(Plain.objects.all(), Plain.objects.all())  # E06
    taken(Book.objects.all(), Book.objects.all())  # E07
    author.books.publishd()  # E08
    author.books.published("x")  # E09
    author.books.add(tag)  # E10
    author.books.filter(Tag.word == "x")  # E11
    author.books.published().titels()  # E12
    book.tags.long()  # E13
    book.tags.add(book)  # E14


def taken(books: BookQuerySet, plain: QuerySet[Plain]) -> ModelQuerySet[Plain]:
    assert_type(books.union(books).get().title, str)
    return plain


def related(author: Author, book: Book, tag: Tag) -> None:
    assert_type(author.books, Books)
    assert_type(author.books.published().get(), Book)
    assert_type(author.books.filter(Book.year > 3).published(1950).titles(), list[str])
    assert_type(author.edited, RelatedSet[Book])
    assert_type(author.edited.first(), Book | None)
    assert_type(book.tags.short().first(), Tag | None)
    assert_type(tag.books, RelatedSet[Book])
    assert_type(Author.objects.filter(Author.books.any(Book.year > 3)).first(), Author | None)
    author.books.add(book)
    book.tags.set([tag])
