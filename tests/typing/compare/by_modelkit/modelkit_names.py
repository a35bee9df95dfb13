"""The mistakes in modelkit's names and keywords, as Django's documentation writes queries."""
# ruff: noqa: B018 - the lines are for checkers

from __future__ import annotations

from decimal import Decimal

from modelkit import Avg, Count, F, Max, Q, Sum
from modelkit.functions import Lower
from tests.typing.compare.by_modelkit.models import Author, Book, Publisher, Tag


def instances(author: Author, book: Book, publisher: Publisher, tag: Tag) -> None:
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
    (book.publisher_id or 0).bit_length()  # right: key-type
    (book.publisher_id or 0).upper()  # wrong: key-type
    publisher.book_set  # right: far-side
    publisher.boks_set  # wrong: far-side
    [each.title for each in publisher.book_set.all()]  # right: far-rows
    [each.titel for each in publisher.book_set.all()]  # wrong: far-rows
    book.tags.add(tag)  # right: far-add
    book.tags.add(author)  # wrong: far-add


def values(author: Author, book: Book, publisher: Publisher) -> None:
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
    Author.objects.create(name="x", age=3)  # right: create-name
    Author.objects.create(nmae="x", name="x", age=3)  # wrong: create-name


def conditions(author: Author, publisher: Publisher) -> None:
    Author.objects.filter(name="x")  # right: where-name
    Author.objects.filter(nmae="x")  # wrong: where-name
    Author.objects.filter(age=3)  # right: where-type
    Author.objects.filter(age="x")  # wrong: where-type
    Author.objects.filter(age__gte=3)  # right: where-compare
    Author.objects.filter(age__gte="x")  # wrong: where-compare
    Author.objects.filter(age__in=[3])  # right: where-in
    Author.objects.filter(age__in=["x"])  # wrong: where-in
    Author.objects.filter(age__gt=3)  # right: where-lookup
    Author.objects.filter(age__gtt=3)  # wrong: where-lookup
    Author.objects.filter(name__icontains="x")  # right: where-kind
    Author.objects.filter(age__icontains="x")  # wrong: where-kind
    Book.objects.filter(published__year=2000)  # right: where-part
    Book.objects.filter(published__year="x")  # wrong: where-part
    Book.objects.filter(author__name="x")  # right: where-hop-name
    Book.objects.filter(author__nmae="x")  # wrong: where-hop-name
    Book.objects.filter(author__age=3)  # right: where-hop-type
    Book.objects.filter(author__age="x")  # wrong: where-hop-type
    Book.objects.filter(author=author)  # right: where-relation
    Book.objects.filter(author=publisher)  # wrong: where-relation
    Book.objects.filter(tags__label="x")  # right: where-many
    Book.objects.filter(tags__labl="x")  # wrong: where-many
    Author.objects.filter(Q(name="x") | Q(age=3))  # right: q-name
    Author.objects.filter(Q(nmae="x") | Q(age=3))  # wrong: q-name
    Book.objects.filter(id__gt=F("pages"))  # right: f-name
    Book.objects.filter(id__gt=F("pagse"))  # wrong: f-name
    Book.objects.filter(id__gt=F("pages"))  # right: f-type
    Book.objects.filter(id__gt=F("title"))  # wrong: f-type


def rows() -> None:
    Author.objects.order_by("-name")  # right: order-name
    Author.objects.order_by("-nmae")  # wrong: order-name
    Book.objects.select_related("author")  # right: load-name
    Book.objects.select_related("auhtor")  # wrong: load-name
    Author.objects.only("name")  # right: only-name
    Author.objects.only("nmae")  # wrong: only-name
    Author.objects.values("name", "age")  # right: columns-name
    Author.objects.values("nmae", "age")  # wrong: columns-name
    Author.objects.values("name", "age").get()["age"]  # right: columns-key
    Author.objects.values("name", "age").get()["nick"]  # wrong: columns-key
    Author.objects.values_list("name", "age").get()[0].upper()  # right: columns-type
    Author.objects.values_list("name", "age").get()[1].upper()  # wrong: columns-type
    (first := Author.objects.first()) and first.name  # right: first-null
    Author.objects.first().name  # wrong: first-null
    Author.objects.get(pk=1).name  # right: get-attribute
    Author.objects.get(pk=1).nmae  # wrong: get-attribute


def writes(author: Author) -> None:
    Author.objects.update(age=3)  # right: update-name
    Author.objects.update(aeg=3)  # wrong: update-name
    Author.objects.update(age=3)  # right: update-type
    Author.objects.update(age="x")  # wrong: update-type
    Author.objects.update(age=3)  # right: update-null
    Author.objects.update(age=None)  # wrong: update-null
    Author.objects.update(age=F("age") + 1)  # right: update-f
    Author.objects.update(age=F("aeg") + 1)  # wrong: update-f
    Author.objects.get_or_create(name="x", defaults={"age": 3})  # right: defaults-name
    Author.objects.get_or_create(name="x", defaults={"aeg": 3})  # wrong: defaults-name
    author.save(update_fields=["age"])  # right: save-name
    author.save(update_fields=["aeg"])  # wrong: save-name


def aggregates() -> None:
    Author.objects.annotate(n=Count("books"))  # right: count-name
    Author.objects.annotate(n=Count("boks"))  # wrong: count-name
    Author.objects.aggregate(a=Avg("age"))  # right: avg-name
    Author.objects.aggregate(a=Avg("aeg"))  # wrong: avg-name
    Author.objects.aggregate(a=Sum("age"))  # right: sum-kind
    Author.objects.aggregate(a=Sum("name"))  # wrong: sum-kind
    [each.bit_length() for each in [Author.objects.aggregate(a=Max("age"))["a"]] if each is not None]  # right: max-type
    [each.upper() for each in [Author.objects.aggregate(a=Max("age"))["a"]] if each is not None]  # wrong: max-type
    Author.objects.annotate(n=Count("books")).get().n  # right: annotated-name
    Author.objects.annotate(n=Count("books")).get().m  # wrong: annotated-name
    Author.objects.annotate(n=Count("books")).get().n.bit_length()  # right: annotated-type
    Author.objects.annotate(n=Count("books")).get().n.upper()  # wrong: annotated-type
    Author.objects.annotate(n=Count("books")).filter(n=3)  # right: having-name
    Author.objects.annotate(n=Count("books")).filter(m=3)  # wrong: having-name
    Author.objects.values_list(Lower("name"))  # right: function-name
    Author.objects.values_list(Lower("nmae"))  # wrong: function-name
