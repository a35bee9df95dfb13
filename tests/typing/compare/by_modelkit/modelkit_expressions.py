"""The mistakes in modelkit's typed expressions."""
# ruff: noqa: B018 - the lines are for checkers

from __future__ import annotations

from tests.typing.compare.by_modelkit.models import Author, Book, Publisher, Tag, TypedAuthor


def instances(author: Author, book: Book, tag: Tag) -> None:
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
    [each.title for each in author.books.all()]  # right: far-rows
    [each.titel for each in author.books.all()]  # wrong: far-rows
    book.tags.add(tag)  # right: far-add
    book.tags.add(author)  # wrong: far-add


def values(author: Author, book: Book, publisher: Publisher) -> None:
    author.age = 3  # right: set-type
    author.age = "x"  # wrong: set-type
    author.name = "x"  # right: set-null
    author.name = None  # wrong: set-null
    book.author = author  # right: set-relation
    book.author = publisher  # wrong: set-relation
    TypedAuthor(name="x", age=3)  # right: new-name
    TypedAuthor(nmae="x", name="x", age=3)  # wrong: new-name
    TypedAuthor(name="x", age=3)  # right: new-type
    TypedAuthor(name="x", age="x")  # wrong: new-type
    TypedAuthor(name="x", age=3)  # right: new-missing
    TypedAuthor(name="x")  # wrong: new-missing
    TypedAuthor.create(name="x", age=3)  # right: create-name
    TypedAuthor.create(nmae="x", name="x", age=3)  # wrong: create-name


def conditions(author: Author, publisher: Publisher) -> None:
    Author.objects.filter(Author.name == "x")  # right: where-name
    Author.objects.filter(Author.nmae == "x")  # wrong: where-name
    Author.objects.filter(Author.age == 3)  # right: where-type
    Author.objects.filter(Author.age == "x")  # wrong: where-type
    Author.objects.filter(Author.age >= 3)  # right: where-compare
    Author.objects.filter(Author.age >= "x")  # wrong: where-compare
    Author.objects.filter(Author.age.in_([3]))  # right: where-in
    Author.objects.filter(Author.age.in_(["x"]))  # wrong: where-in
    Author.objects.filter(Author.age.between(1, 3))  # right: where-lookup
    Author.objects.filter(Author.age.betwene(1, 3))  # wrong: where-lookup
    Author.objects.filter(Author.name.icontains("x"))  # right: where-kind
    Author.objects.filter(Author.age.icontains("x"))  # wrong: where-kind
    Book.objects.filter(Book.published.year == 2000)  # right: where-part
    Book.objects.filter(Book.published.year == "x")  # wrong: where-part
    Book.objects.filter(Book.author[Author.name] == "x")  # right: where-hop-name
    Book.objects.filter(Book.author[Author.nmae] == "x")  # wrong: where-hop-name
    Book.objects.filter(Book.author[Author.age] == 3)  # right: where-hop-type
    Book.objects.filter(Book.author[Author.age] == "x")  # wrong: where-hop-type
    Book.objects.filter(Book.author == author)  # right: where-relation
    Book.objects.filter(Book.author == publisher)  # wrong: where-relation
    Book.objects.filter(Book.tags.any(Tag.label == "x"))  # right: where-many
    Book.objects.filter(Book.tags.any(Tag.labl == "x"))  # wrong: where-many
    Author.objects.filter((Author.name == "x") | (Author.age == 3))  # right: q-name
    Author.objects.filter((Author.nmae == "x") | (Author.age == 3))  # wrong: q-name
    Book.objects.filter(Book.id > Book.pages)  # right: f-name
    Book.objects.filter(Book.id > Book.pagse)  # wrong: f-name
    Book.objects.filter(Book.id > Book.pages)  # right: f-type
    Book.objects.filter(Book.id > Book.title)  # wrong: f-type
    Author.objects.filter(Author.name == "x")  # right: where-model
    Author.objects.filter(Publisher.name == "x")  # wrong: where-model


def rows() -> None:
    Author.objects.order_by(Author.name.desc())  # right: order-name
    Author.objects.order_by(Author.nmae.desc())  # wrong: order-name
    Author.objects.order_by(Author.name)  # right: order-model
    Author.objects.order_by(Publisher.name)  # wrong: order-model
    Author.objects.values_list(Author.name, Author.age)  # right: columns-name
    Author.objects.values_list(Author.nmae, Author.age)  # wrong: columns-name
    Author.objects.values_list(Author.name, Author.age).get()[1]  # right: columns-key
    Author.objects.values_list(Author.name, Author.age).get()[2]  # wrong: columns-key
    Author.objects.values_list(Author.name, Author.age).get()[0].upper()  # right: columns-type
    Author.objects.values_list(Author.name, Author.age).get()[1].upper()  # wrong: columns-type
    (first := Author.objects.first()) and first.name  # right: first-null
    Author.objects.first().name  # wrong: first-null
    Author.objects.get(Author.id == 1).name  # right: get-attribute
    Author.objects.get(Author.id == 1).nmae  # wrong: get-attribute


def writes() -> None:
    Author.objects.update(Author.age.set(3))  # right: update-name
    Author.objects.update(Author.aeg.set(3))  # wrong: update-name
    Author.objects.update(Author.age.set(3))  # right: update-type
    Author.objects.update(Author.age.set("x"))  # wrong: update-type
    Author.objects.update(Author.age.set(3))  # right: update-null
    Author.objects.update(Author.age.set(None))  # wrong: update-null
    Author.objects.update(Author.age.set(Author.age + 1))  # right: update-f
    Author.objects.update(Author.age.set(Author.aeg + 1))  # wrong: update-f


def aggregates() -> None:
    Author.objects.annotate(Author.books.count())  # right: count-name
    Author.objects.annotate(Author.boks.count())  # wrong: count-name
    Author.objects.aggregate(Author.age.avg())  # right: avg-name
    Author.objects.aggregate(Author.aeg.avg())  # wrong: avg-name
    Author.objects.aggregate(Author.age.sum())  # right: sum-kind
    Author.objects.aggregate(Author.name.sum())  # wrong: sum-kind
    [each.bit_length() for each in [Author.objects.aggregate(Author.age.max())] if each is not None]  # right: max-type
    [each.upper() for each in [Author.objects.aggregate(Author.age.max())] if each is not None]  # wrong: max-type
    Author.objects.annotate(Author.books.count()).get()[1]  # right: annotated-name
    Author.objects.annotate(Author.books.count()).get()[2]  # wrong: annotated-name
    Author.objects.annotate(Author.books.count()).get()[1].bit_length()  # right: annotated-type
    Author.objects.annotate(Author.books.count()).get()[1].upper()  # wrong: annotated-type
    Author.objects.values_list(Author.name.lower())  # right: function-name
    Author.objects.values_list(Author.nmae.lower())  # wrong: function-name
