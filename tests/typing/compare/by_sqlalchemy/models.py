"""The models in SQLAlchemy, as dataclasses, so that checkers see their constructors."""

from __future__ import annotations

import datetime
from decimal import Decimal

from sqlalchemy import Column, ForeignKey, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column, relationship


class Base(MappedAsDataclass, DeclarativeBase):
    pass


book_tags = Table(
    "book_tags",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Publisher(Base, kw_only=True):
    __tablename__ = "publisher"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(50))
    city: Mapped[str | None] = mapped_column(String(50), default=None)


class Author(Base, kw_only=True):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(50))
    nick: Mapped[str | None] = mapped_column(String(50), default=None)
    age: Mapped[int]
    books: Mapped[list[Book]] = relationship(back_populates="author", default_factory=list)


class Tag(Base, kw_only=True):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    label: Mapped[str] = mapped_column(String(20))


class Book(Base, kw_only=True):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    title: Mapped[str] = mapped_column(String(100))
    pages: Mapped[int]
    price: Mapped[Decimal]
    published: Mapped[datetime.date | None] = mapped_column(default=None)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), init=False)
    author: Mapped[Author] = relationship(back_populates="books")
    publisher_id: Mapped[int | None] = mapped_column(ForeignKey("publisher.id"), init=False)
    publisher: Mapped[Publisher | None] = relationship(default=None)
    tags: Mapped[list[Tag]] = relationship(secondary=book_tags, default_factory=list)
