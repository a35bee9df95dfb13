"""The mistakes in Piccolo."""
# ruff: noqa: B018 - the lines are for checkers

from __future__ import annotations

from decimal import Decimal

from piccolo.query.functions import Avg, Count, Lower, Max, Sum
from piccolo.query.functions.datetime import Year

from tests.typing.compare.by_piccolo.models import Author, Book, Publisher, Tag


async def instances(author: Author, book: Book, tag: Tag) -> None:
    author.name  # right: attribute
    author.nmae  # wrong: attribute
    author.age.bit_length()  # right: attribute-type
    author.age.upper()  # wrong: attribute-type
    (author.nick or "").upper()  # right: attribute-null
    author.nick.upper()  # wrong: attribute-null
    (far := await book.get_related(Book.author)) and far.name  # right: hop
    (far := await book.get_related(Book.author)) and far.nmae  # wrong: hop
    (near := await book.get_related(Book.publisher)) and near.name  # right: hop-null
    (await book.get_related(Book.publisher)).name  # wrong: hop-null
    book.author.bit_length()  # right: key-type
    book.author.upper()  # wrong: key-type
    [each.title for each in await Book.objects().where(Book.author == author)]  # right: far-rows
    [each.titel for each in await Book.objects().where(Book.author == author)]  # wrong: far-rows
    await book.add_m2m(tag, m2m=Book.tags)  # right: far-add
    await book.add_m2m(author, m2m=Book.tags)  # wrong: far-add


async def values(author: Author, book: Book, publisher: Publisher) -> None:
    author.age = 3  # right: set-type
    author.age = "x"  # wrong: set-type
    author.name = "x"  # right: set-null
    author.name = None  # wrong: set-null
    book.author = author  # right: set-relation
    book.author = publisher  # wrong: set-relation
    Author({Author.name: "x", Author.age: 3})  # right: new-name
    Author({Author.nmae: "x", Author.age: 3})  # wrong: new-name
    Author({Author.name: "x", Author.age: 3})  # right: new-type
    Author({Author.name: "x", Author.age: "x"})  # wrong: new-type
    Book({Book.title: "x", Book.pages: 3, Book.price: Decimal(3), Book.author: author})  # right: new-missing
    Book({Book.title: "x", Book.pages: 3, Book.price: Decimal(3)})  # wrong: new-missing
    await Author.objects().create(name="x", age=3)  # right: create-name
    await Author.objects().create(nmae="x", age=3)  # wrong: create-name


async def conditions(author: Author, publisher: Publisher) -> None:
    await Author.objects().where(Author.name == "x")  # right: where-name
    await Author.objects().where(Author.nmae == "x")  # wrong: where-name
    await Author.objects().where(Author.age == 3)  # right: where-type
    await Author.objects().where(Author.age == "x")  # wrong: where-type
    await Author.objects().where(Author.age >= 3)  # right: where-compare
    await Author.objects().where(Author.age >= "x")  # wrong: where-compare
    await Author.objects().where(Author.age.is_in([3]))  # right: where-in
    await Author.objects().where(Author.age.is_in(["x"]))  # wrong: where-in
    await Author.objects().where(Author.age.not_in([3]))  # right: where-lookup
    await Author.objects().where(Author.age.not_inn([3]))  # wrong: where-lookup
    await Author.objects().where(Author.name.ilike("%x%"))  # right: where-kind
    await Author.objects().where(Author.age.ilike("%x%"))  # wrong: where-kind
    await Book.objects().where(Year(Book.published) == 2000)  # right: where-part
    await Book.objects().where(Year(Book.published) == "x")  # wrong: where-part
    await Book.objects().where(Book.author._.name == "x")  # right: where-hop-name
    await Book.objects().where(Book.author._.nmae == "x")  # wrong: where-hop-name
    await Book.objects().where(Book.author._.age == 3)  # right: where-hop-type
    await Book.objects().where(Book.author._.age == "x")  # wrong: where-hop-type
    await Book.objects().where(Book.author == author)  # right: where-relation
    await Book.objects().where(Book.author == publisher)  # wrong: where-relation
    await Author.objects().where((Author.name == "x") | (Author.age == 3))  # right: q-name
    await Author.objects().where((Author.nmae == "x") | (Author.age == 3))  # wrong: q-name
    await Book.objects().where(Book.id > Book.pages)  # right: f-name
    await Book.objects().where(Book.id > Book.pagse)  # wrong: f-name
    await Book.objects().where(Book.id > Book.pages)  # right: f-type
    await Book.objects().where(Book.id > Book.title)  # wrong: f-type
    await Author.objects().where(Author.name == "x")  # right: where-model
    await Author.objects().where(Publisher.name == "x")  # wrong: where-model


async def rows() -> None:
    await Author.objects().order_by(Author.name, ascending=False)  # right: order-name
    await Author.objects().order_by(Author.nmae, ascending=False)  # wrong: order-name
    await Author.objects().order_by(Author.name)  # right: order-model
    await Author.objects().order_by(Publisher.name)  # wrong: order-model
    await Book.objects(Book.author)  # right: load-name
    await Book.objects(Book.auhtor)  # wrong: load-name
    await Author.select(Author.name, Author.age)  # right: columns-name
    await Author.select(Author.nmae, Author.age)  # wrong: columns-name
    (await Author.select(Author.name, Author.age))[0]["age"]  # right: columns-key
    (await Author.select(Author.name, Author.age))[0]["nick"]  # wrong: columns-key
    (await Author.select(Author.name, Author.age))[0]["name"].upper()  # right: columns-type
    (await Author.select(Author.name, Author.age))[0]["age"].upper()  # wrong: columns-type
    (first := await Author.objects().first()) and first.name  # right: first-null
    (await Author.objects().first()).name  # wrong: first-null
    (found := await Author.objects().get(Author.id == 1)) and found.name  # right: get-attribute
    (found := await Author.objects().get(Author.id == 1)) and found.nmae  # wrong: get-attribute


async def writes(author: Author) -> None:
    await Author.update({Author.age: 3}, force=True)  # right: update-name
    await Author.update({Author.aeg: 3}, force=True)  # wrong: update-name
    await Author.update({Author.age: 3}, force=True)  # right: update-type
    await Author.update({Author.age: "x"}, force=True)  # wrong: update-type
    await Author.update({Author.age: 3}, force=True)  # right: update-null
    await Author.update({Author.age: None}, force=True)  # wrong: update-null
    await Author.update({Author.age: Author.age + 1}, force=True)  # right: update-f
    await Author.update({Author.age: Author.aeg + 1}, force=True)  # wrong: update-f
    await Author.objects().get_or_create(Author.name == "x", defaults={Author.age: 3})  # right: defaults-name
    await Author.objects().get_or_create(Author.name == "x", defaults={Author.aeg: 3})  # wrong: defaults-name
    await author.save([Author.age])  # right: save-name
    await author.save([Author.aeg])  # wrong: save-name


async def aggregates() -> None:
    await Book.select(Book.author, Count(Book.id)).group_by(Book.author)  # right: count-name
    await Book.select(Book.author, Count(Book.id)).group_by(Book.auhtor)  # wrong: count-name
    await Author.select(Avg(Author.age))  # right: avg-name
    await Author.select(Avg(Author.aeg))  # wrong: avg-name
    await Author.select(Sum(Author.age))  # right: sum-kind
    await Author.select(Sum(Author.name))  # wrong: sum-kind
    [each.bit_length() for each in [(await Author.select(Max(Author.age)))[0]["max"]] if each is not None]  # right: max-type
    [each.upper() for each in [(await Author.select(Max(Author.age)))[0]["max"]] if each is not None]  # wrong: max-type
    (await Book.select(Book.author, Count(Book.id)).group_by(Book.author))[0]["count"]  # right: annotated-name
    (await Book.select(Book.author, Count(Book.id)).group_by(Book.author))[0]["cuont"]  # wrong: annotated-name
    (await Book.select(Book.author, Count(Book.id)).group_by(Book.author))[0]["count"].bit_length()  # right: annotated-type
    (await Book.select(Book.author, Count(Book.id)).group_by(Book.author))[0]["count"].upper()  # wrong: annotated-type
    await Author.select(Lower(Author.name))  # right: function-name
    await Author.select(Lower(Author.nmae))  # wrong: function-name
