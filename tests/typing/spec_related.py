"""Rows that a relation leads to have the methods of their model's default manager, as the plugin tells. Exactly the marked lines are errors."""
# ruff: noqa: B018 - the lines are for checkers

from __future__ import annotations

from typing import Any, Self, TypeVar, assert_type

from modelkit import (
    CASCADE,
    CharField,
    Count,
    F,
    ForeignKey,
    IntegerField,
    Manager,
    ManyToMany,
    Max,
    Model,
    ModelQuerySet,
    QuerySet,
    RelatedSet,
    Reverse,
)
from modelkit.contrib.contenttypes import ContentType, GenericForeignKey, GenericRelation
from tests.typing.shop.people import Company, Person

M = TypeVar("M")


class Author(Model):
    name = CharField(max_length=50)
    books: Reverse[Book] = Reverse("author")

    class Meta:
        app_label = "spec_related"


class BookQuerySet(ModelQuerySet["Book"]):
    def published(self, since: int = 1900) -> Self:
        return self.filter(year__gte=since)

    def counted(self) -> Self:
        return self.annotate(n=Count("tags"), latest=Max("tags__word"))

    def titles(self) -> list[str]:
        return list(self.values_list("title", flat=True))

    def plain(self) -> QuerySet[Book]:
        return self.all()

    async def aoldest(self) -> Book | None:
        return await self.order_by("year").afirst()


class Book(Model):
    title = CharField(max_length=50)
    year = IntegerField(default=2000)
    author = ForeignKey(Author, CASCADE)
    editor = ForeignKey(Author, CASCADE, null=True, related_name="edited")
    tags = ManyToMany("Tag", related_name="tagged")

    objects = BookQuerySet.as_manager()

    class Meta:
        app_label = "spec_related"


class TagQuerySet(ModelQuerySet["Tag"]):
    def short(self) -> Self:
        return self.filter(word__lt="b")


class TagManager(Manager["Tag"]):
    def long(self) -> QuerySet[Tag]:
        return self.all().filter(word__startswith="abc")

    def exists(self, *, word: str = "x") -> bool:
        return self.filter(word=word).exists()


class Tag(Model):
    word = CharField(max_length=50)
    alike = ManyToMany("self")
    below = ForeignKey("self", CASCADE, null=True, related_name="above")

    mixed = Manager.from_queryset(TagQuerySet)()
    named = TagManager()

    class Meta:
        app_label = "spec_related"
        default_manager_name = "named"


class KeptQuerySet(ModelQuerySet[M]):
    def kept(self) -> Self:
        return self.exclude(pk=1)


class Kept(Model):
    word = CharField(max_length=50)

    kept = KeptQuerySet["Kept"].as_manager()

    class Meta:
        abstract = True
        app_label = "spec_related"


class Chapter(Kept):
    book = ForeignKey(Book, CASCADE, related_name="chapters")
    remarks = GenericRelation("Remark")


class ChapterDraft(Chapter):
    number = IntegerField(default=1)
    made_by = ForeignKey(Author, CASCADE, related_name="drafts")

    class Meta:
        app_label = "spec_related"


class OwnChapterQuerySet(ModelQuerySet["OwnChapter"]):
    def mine(self) -> Self:
        return self.filter(word="mine")


class OwnChapter(Chapter):
    own = OwnChapterQuerySet.as_manager()

    class Meta:
        proxy = True
        app_label = "spec_related"


class Shelf(Model):
    chapters = ManyToMany(Chapter)
    own_chapters = ManyToMany(OwnChapter, related_name="own_shelves")
    plain: ManyToMany[Author] = ManyToMany(Author)

    class Meta:
        app_label = "spec_related"


class Remark(Model):
    content_type = ForeignKey(ContentType, CASCADE, related_name="+")
    object_id = IntegerField()
    of = GenericForeignKey()
    text = CharField(max_length=50)

    objects = Manager.from_queryset(KeptQuerySet["Remark"])()

    class Meta:
        app_label = "spec_related"


def made_elsewhere() -> Any:
    return Manager()


class Note(Model):
    author = ForeignKey(Author, CASCADE, related_name="notes")

    objects = made_elsewhere()

    class Meta:
        app_label = "spec_related"


def known(author: Author, book: Book, tag: Tag, chapter: Chapter, shelf: Shelf, person: Person) -> None:
    assert_type(author.books, RelatedSet[Book])
    assert_type(author.books.published().get(), Book)
    assert_type(author.books.published(1950).filter(title="x").published().titles(), list[str])
    assert_type(author.edited.published().first(), Book | None)
    assert_type(author.edited.filter(year=3).plain(), QuerySet[Book])
    assert_type(tag.tagged.published(since=3).order_by("year")[:3].get(), Book)
    assert_type(book.tags, RelatedSet[Tag])
    assert_type(book.tags.long().get(), Tag)
    assert_type(tag.alike.long(), QuerySet[Tag])
    assert_type(tag.above.long().get().above, RelatedSet[Tag])
    assert_type(book.tags(manager="mixed").short().get(), Tag)
    assert_type(book.chapters.kept().get(), Chapter)
    assert_type(author.drafts.kept().filter(number=3).kept().get(), ChapterDraft)
    assert_type(shelf.chapters.kept().get().remarks.kept().get(), Remark)
    assert_type(shelf.own_chapters.mine().get(), OwnChapter)
    assert_type(chapter.remarks, RelatedSet[Remark])
    assert_type(person.team.adults().get().companies.large().first(), Company | None)
    author.books.add(book)
    shelf.chapters.add(chapter)
    book.tags.create(word="x")
    book.tags.create(word="x", below=tag)
    assert_type(book.tags.exists(word="x"), bool)
    assert_type([found.title for found in author.books.published()], list[str])


def unknown(author: Author, book: Book, tag: Tag, chapter: Chapter, shelf: Shelf, person: Person) -> None:
    author.books.publishd()  # E01
    author.edited.publishd()  # E02
    author.books.published("x")  # E03
    author.books.published().publishd()  # E04
    author.books.published(until=3)  # E05
    author.books.published().filter(titel="x")  # E06
    author.books.filter(titel="x").published()  # E07
    author.books.all().publishd()  # E08
    tag.tagged.order_by("year").titels()  # E09
    book.tags.short()  # E10
    book.tags.lng()  # E11
    book.tags(manager="mixd")  # E12
    book.tags(manager="mixed").long()  # E13
    book.tags.exists(wrd="x")  # E14
    book.chapters.kept().filter(wrod="x")  # E15
    shelf.chapters.mine()  # E16
    shelf.plain.published()  # E17
    chapter.remarks.ket()  # E18
    chapter.remarks.filter(txt="x")  # E19
    shelf.own_chapters.kept().mine()  # E20
    person.team.adult()  # E21
    person.companies.lage()  # E22
    author.books.published.titles()  # E23
    author.books.add(tag)  # E24
    author.books.published = 3  # E25
    book.tags.create(wrd="x")  # E26


def names(author: Author, tag: Tag) -> None:
    assert_type(author.books.counted().get().n, int)
    assert_type(author.books.annotate(m=Count("tags")).published().get().m, int)
    assert_type(author.edited.annotate(m=F("year")).counted().filter(m=3, n=4).get().latest, str | None)
    tag.tagged.counted().filter(n="x")  # E27
    tag.tagged.counted().get().m  # E28
    author.books.annotate(m=Count("tags")).published().filter(k=3)  # E29


def steps(author: Author, flag: bool) -> BookQuerySet:
    books = author.books.all()
    if flag:
        books = books.published()
    elif books.titles():
        books = books.annotate(m=Count("tags"))
    written_out: RelatedSet[Book] = author.edited
    written_out = written_out.published()
    of_related(author.books, written_out)
    books.filter(m=3).publishd()  # E30
    return books.published()


def of_related(books: RelatedSet[Book], others: RelatedSet[Book]) -> None:
    assert_type(books.published().counted().get().n, int)
    others.published().add(books.get())
    if hasattr(books, "shelved"):
        assert_type(books.shelved, Any)
    books.shelved  # E31


def unclear(author: Author) -> None:
    assert_type(author.notes.whatever(), Any)
    assert_type(author.notes.get(), Note)
    author.notes.filter(autor=author)  # E43


async def later(author: Author) -> None:
    assert_type(await author.books.aoldest(), Book | None)
    assert_type(await author.books.published().aoldest(), Book | None)
    await author.books.ayoungest()  # E32


def managers_are_no_querysets(author: Author, book: Book, tag: Tag, kind: type[Book]) -> None:
    len(book.tags)  # E33
    len(author.books)  # E34
    len(tag.tagged)  # E35
    len(Book.objects)  # E36
    len(Tag.named)  # E37
    len(kind.objects)  # E38
    book.tags.delete()  # E39
    Book.objects.delete()  # E40
    Tag.mixed | Tag.mixed.all()  # E41
    book.tags & Tag.mixed.all()  # E42


def what_they_begin_are(author: Author, book: Book, tag: Tag) -> None:
    tags, short = book.tags, Tag.mixed.short()
    some = tags.all()
    assert_type(len(book.tags.all()) + len(some) + len(Tag.mixed.all()) + len(short), int)
    assert_type([found.word for found in book.tags], list[str])
    assert_type(book.tags[0].word, str)
    assert_type(book.tags[:3].get(), Tag)
    assert_type(bool(book.tags), bool)
    assert_type(book in author.books, bool)
    assert_type(list(Book.objects), list[Book])
    assert_type((some | book.tags.all()).count(), int)
    some.filter(word="x").delete()
    Book.objects.published(3000).delete()
