"""The mistakes in SQLAlchemy, in statements of its second version."""
# ruff: noqa: B018 - the lines are for checkers

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import extract, func, insert, or_, select, update
from sqlalchemy.orm import Session, joinedload, load_only

from tests.typing.compare.by_sqlalchemy.models import Author, Book, Publisher, Tag


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
    [each.title for each in author.books]  # right: far-rows
    [each.titel for each in author.books]  # wrong: far-rows
    book.tags.append(tag)  # right: far-add
    book.tags.append(author)  # wrong: far-add


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
    insert(Author).values({Author.name: "x", Author.age: 3})  # right: create-name
    insert(Author).values({Author.nmae: "x", Author.age: 3})  # wrong: create-name


def conditions(author: Author, publisher: Publisher) -> None:
    select(Author).where(Author.name == "x")  # right: where-name
    select(Author).where(Author.nmae == "x")  # wrong: where-name
    select(Author).where(Author.age == 3)  # right: where-type
    select(Author).where(Author.age == "x")  # wrong: where-type
    select(Author).where(Author.age >= 3)  # right: where-compare
    select(Author).where(Author.age >= "x")  # wrong: where-compare
    select(Author).where(Author.age.in_([3]))  # right: where-in
    select(Author).where(Author.age.in_(["x"]))  # wrong: where-in
    select(Author).where(Author.age.between(1, 3))  # right: where-lookup
    select(Author).where(Author.age.betwene(1, 3))  # wrong: where-lookup
    select(Author).where(Author.name.icontains("x"))  # right: where-kind
    select(Author).where(Author.age.icontains("x"))  # wrong: where-kind
    select(Book).where(extract("year", Book.published) == 2000)  # right: where-part
    select(Book).where(extract("year", Book.published) == "x")  # wrong: where-part
    select(Book).join(Book.author).where(Author.name == "x")  # right: where-hop-name
    select(Book).join(Book.author).where(Author.nmae == "x")  # wrong: where-hop-name
    select(Book).join(Book.author).where(Author.age == 3)  # right: where-hop-type
    select(Book).join(Book.author).where(Author.age == "x")  # wrong: where-hop-type
    select(Book).where(Book.author == author)  # right: where-relation
    select(Book).where(Book.author == publisher)  # wrong: where-relation
    select(Book).where(Book.tags.any(Tag.label == "x"))  # right: where-many
    select(Book).where(Book.tags.any(Tag.labl == "x"))  # wrong: where-many
    select(Author).where(or_(Author.name == "x", Author.age == 3))  # right: q-name
    select(Author).where(or_(Author.nmae == "x", Author.age == 3))  # wrong: q-name
    select(Book).where(Book.id > Book.pages)  # right: f-name
    select(Book).where(Book.id > Book.pagse)  # wrong: f-name
    select(Book).where(Book.id > Book.pages)  # right: f-type
    select(Book).where(Book.id > Book.title)  # wrong: f-type
    select(Author).where(Author.name == "x")  # right: where-model
    select(Author).where(Publisher.name == "x")  # wrong: where-model


def rows(session: Session) -> None:
    select(Author).order_by(Author.name.desc())  # right: order-name
    select(Author).order_by(Author.nmae.desc())  # wrong: order-name
    select(Author).order_by(Author.name)  # right: order-model
    select(Author).order_by(Publisher.name)  # wrong: order-model
    select(Book).options(joinedload(Book.author))  # right: load-name
    select(Book).options(joinedload(Book.auhtor))  # wrong: load-name
    select(Author).options(load_only(Author.name))  # right: only-name
    select(Author).options(load_only(Author.nmae))  # wrong: only-name
    select(Author.name, Author.age)  # right: columns-name
    select(Author.nmae, Author.age)  # wrong: columns-name
    session.execute(select(Author.name, Author.age)).one()[1]  # right: columns-key
    session.execute(select(Author.name, Author.age)).one()[2]  # wrong: columns-key
    session.execute(select(Author.name, Author.age)).one()[0].upper()  # right: columns-type
    session.execute(select(Author.name, Author.age)).one()[1].upper()  # wrong: columns-type
    (first := session.scalars(select(Author)).first()) and first.name  # right: first-null
    session.scalars(select(Author)).first().name  # wrong: first-null
    session.scalars(select(Author).where(Author.id == 1)).one().name  # right: get-attribute
    session.scalars(select(Author).where(Author.id == 1)).one().nmae  # wrong: get-attribute


def writes() -> None:
    update(Author).values({Author.age: 3})  # right: update-name
    update(Author).values({Author.aeg: 3})  # wrong: update-name
    update(Author).values({Author.age: 3})  # right: update-type
    update(Author).values({Author.age: "x"})  # wrong: update-type
    update(Author).values({Author.age: 3})  # right: update-null
    update(Author).values({Author.age: None})  # wrong: update-null
    update(Author).values({Author.age: Author.age + 1})  # right: update-f
    update(Author).values({Author.age: Author.aeg + 1})  # wrong: update-f


def aggregates(session: Session) -> None:
    select(Author, func.count(Book.id)).join(Author.books).group_by(Author.id)  # right: count-name
    select(Author, func.count(Book.id)).join(Author.boks).group_by(Author.id)  # wrong: count-name
    select(func.avg(Author.age))  # right: avg-name
    select(func.avg(Author.aeg))  # wrong: avg-name
    select(func.sum(Author.age))  # right: sum-kind
    select(func.sum(Author.name))  # wrong: sum-kind
    [each.bit_length() for each in [session.scalar(select(func.max(Author.age)))] if each is not None]  # right: max-type
    [each.upper() for each in [session.scalar(select(func.max(Author.age)))] if each is not None]  # wrong: max-type
    session.execute(select(Author, func.count(Book.id)).join(Book).group_by(Author.id)).one()[1]  # right: annotated-name
    session.execute(select(Author, func.count(Book.id)).join(Book).group_by(Author.id)).one()[2]  # wrong: annotated-name
    session.execute(select(Author, func.count(Book.id)).join(Book).group_by(Author.id)).one()[1].bit_length()  # right: annotated-type
    session.execute(select(Author, func.count(Book.id)).join(Book).group_by(Author.id)).one()[1].upper()  # wrong: annotated-type
    select(func.lower(Author.name))  # right: function-name
    select(func.lower(Author.nmae))  # wrong: function-name
