"""The mistakes in Tortoise."""
# ruff: noqa: B018 - the lines are for checkers

from __future__ import annotations

from decimal import Decimal

from tortoise.expressions import F, Q
from tortoise.functions import Avg, Count, Lower, Max, Sum

from tests.typing.compare.by_tortoise.models import Author, Book, Publisher, Tag


async def instances(author: Author, book: Book, tag: Tag) -> None:
    author.name  # right: attribute
    author.nmae  # wrong: attribute
    author.age.bit_length()  # right: attribute-type
    author.age.upper()  # wrong: attribute-type
    (author.nick or "").upper()  # right: attribute-null
    author.nick.upper()  # wrong: attribute-null
    book.author.name  # right: hop
    book.author.nmae  # wrong: hop
    book.publisher and book.publisher.name  # right: hop-null
    book.publisher.name  # wrong: hop-null
    book.author_id.bit_length()  # right: key-type
    book.author_id.upper()  # wrong: key-type
    author.books  # right: far-side
    author.boks  # wrong: far-side
    [each.title async for each in author.books]  # right: far-rows
    [each.titel async for each in author.books]  # wrong: far-rows
    await book.tags.add(tag)  # right: far-add
    await book.tags.add(author)  # wrong: far-add


async def values(author: Author, book: Book, publisher: Publisher) -> None:
    author.age = 3  # right: set-type
    author.age = "x"  # wrong: set-type
    author.name = "x"  # right: set-null
    author.name = None  # wrong: set-null
    book.author = author  # right: set-relation
    book.author = publisher  # wrong: set-relation
    Author(name="x", age=3)  # right: new-name
    Author(nmae="x", name="x", age=3)  # wrong: new-name
    Author(name="x", age=3)  # right: new-type
    Author(name="x", age="x")  # wrong: new-type
    Book(title="x", pages=3, price=Decimal(3), author=author)  # right: new-missing
    Book(title="x", pages=3, price=Decimal(3))  # wrong: new-missing
    await Author.create(name="x", age=3)  # right: create-name
    await Author.create(nmae="x", name="x", age=3)  # wrong: create-name


async def conditions(author: Author, publisher: Publisher) -> None:
    await Author.filter(name="x")  # right: where-name
    await Author.filter(nmae="x")  # wrong: where-name
    await Author.filter(age=3)  # right: where-type
    await Author.filter(age="x")  # wrong: where-type
    await Author.filter(age__gte=3)  # right: where-compare
    await Author.filter(age__gte="x")  # wrong: where-compare
    await Author.filter(age__in=[3])  # right: where-in
    await Author.filter(age__in=["x"])  # wrong: where-in
    await Author.filter(age__gt=3)  # right: where-lookup
    await Author.filter(age__gtt=3)  # wrong: where-lookup
    await Author.filter(name__icontains="x")  # right: where-kind
    await Author.filter(age__icontains="x")  # wrong: where-kind
    await Book.filter(published__year=2000)  # right: where-part
    await Book.filter(published__year="x")  # wrong: where-part
    await Book.filter(author__name="x")  # right: where-hop-name
    await Book.filter(author__nmae="x")  # wrong: where-hop-name
    await Book.filter(author__age=3)  # right: where-hop-type
    await Book.filter(author__age="x")  # wrong: where-hop-type
    await Book.filter(author=author)  # right: where-relation
    await Book.filter(author=publisher)  # wrong: where-relation
    await Book.filter(tags__label="x")  # right: where-many
    await Book.filter(tags__labl="x")  # wrong: where-many
    await Author.filter(Q(name="x") | Q(age=3))  # right: q-name
    await Author.filter(Q(nmae="x") | Q(age=3))  # wrong: q-name
    await Book.filter(id__gt=F("pages"))  # right: f-name
    await Book.filter(id__gt=F("pagse"))  # wrong: f-name
    await Book.filter(id__gt=F("pages"))  # right: f-type
    await Book.filter(id__gt=F("title"))  # wrong: f-type


async def rows() -> None:
    await Author.all().order_by("-name")  # right: order-name
    await Author.all().order_by("-nmae")  # wrong: order-name
    await Book.all().select_related("author")  # right: load-name
    await Book.all().select_related("auhtor")  # wrong: load-name
    await Author.all().only("name")  # right: only-name
    await Author.all().only("nmae")  # wrong: only-name
    await Author.all().values("name", "age")  # right: columns-name
    await Author.all().values("nmae", "age")  # wrong: columns-name
    (await Author.all().values("name", "age"))[0]["age"]  # right: columns-key
    (await Author.all().values("name", "age"))[0]["nick"]  # wrong: columns-key
    (await Author.all().values_list("name", "age"))[0][0].upper()  # right: columns-type
    (await Author.all().values_list("name", "age"))[0][1].upper()  # wrong: columns-type
    (first := await Author.first()) and first.name  # right: first-null
    (await Author.first()).name  # wrong: first-null
    (await Author.get(id=1)).name  # right: get-attribute
    (await Author.get(id=1)).nmae  # wrong: get-attribute


async def writes(author: Author) -> None:
    await Author.all().update(age=3)  # right: update-name
    await Author.all().update(aeg=3)  # wrong: update-name
    await Author.all().update(age=3)  # right: update-type
    await Author.all().update(age="x")  # wrong: update-type
    await Author.all().update(age=3)  # right: update-null
    await Author.all().update(age=None)  # wrong: update-null
    await Author.all().update(age=F("age") + 1)  # right: update-f
    await Author.all().update(age=F("aeg") + 1)  # wrong: update-f
    await Author.get_or_create(name="x", defaults={"age": 3})  # right: defaults-name
    await Author.get_or_create(name="x", defaults={"aeg": 3})  # wrong: defaults-name
    await author.save(update_fields=["age"])  # right: save-name
    await author.save(update_fields=["aeg"])  # wrong: save-name


async def aggregates() -> None:
    await Author.annotate(n=Count("books"))  # right: count-name
    await Author.annotate(n=Count("boks"))  # wrong: count-name
    await Author.annotate(a=Avg("age")).values("a")  # right: avg-name
    await Author.annotate(a=Avg("aeg")).values("a")  # wrong: avg-name
    await Author.annotate(a=Sum("age")).values("a")  # right: sum-kind
    await Author.annotate(a=Sum("name")).values("a")  # wrong: sum-kind
    [each.bit_length() for each in [(await Author.annotate(a=Max("age")).values("a"))[0]["a"]] if each is not None]  # right: max-type
    [each.upper() for each in [(await Author.annotate(a=Max("age")).values("a"))[0]["a"]] if each is not None]  # wrong: max-type
    (await Author.annotate(n=Count("books")).get(id=1)).n  # right: annotated-name
    (await Author.annotate(n=Count("books")).get(id=1)).m  # wrong: annotated-name
    (await Author.annotate(n=Count("books")).get(id=1)).n.bit_length()  # right: annotated-type
    (await Author.annotate(n=Count("books")).get(id=1)).n.upper()  # wrong: annotated-type
    await Author.annotate(n=Count("books")).filter(n=3)  # right: having-name
    await Author.annotate(n=Count("books")).filter(m=3)  # wrong: having-name
    await Author.annotate(low=Lower("name"))  # right: function-name
    await Author.annotate(low=Lower("nmae"))  # wrong: function-name
