"""SQLAlchemy 2's ORM on an in-memory SQLite database, a session per operation."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy import Column, ForeignKey, Table, create_engine, delete, event, func, select, update
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    contains_eager,
    mapped_column,
    relationship,
    selectinload,
)
from sqlalchemy.pool import StaticPool

from tests.benchmarks.contenders.base import Setting, SqliteContender
from tests.benchmarks.data import Row

__all__ = ["SqlAlchemyOrm"]


class Base(DeclarativeBase):
    pass


links = Table(
    "book_tags",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    country: Mapped[str]
    age: Mapped[int | None]
    score: Mapped[float]
    books: Mapped[list[Book]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    stamp: Mapped[int]
    pages: Mapped[int]
    price: Mapped[float]
    author: Mapped[Author] = relationship(back_populates="books")
    tags: Mapped[list[Tag]] = relationship(secondary=links)


def _six_fields(name: str, table: str) -> type[Any]:
    body = {
        "__tablename__": table,
        "__module__": __name__,
        "id": mapped_column(primary_key=True),
        "name": mapped_column(),
        "email": mapped_column(),
        "country": mapped_column(),
        "age": mapped_column(),
        "score": mapped_column(),
        "__annotations__": {
            "id": Mapped[int],
            "name": Mapped[str],
            "email": Mapped[str],
            "country": Mapped[str],
            "age": Mapped[int | None],
            "score": Mapped[float],
        },
    }
    return type(name, (Base,), body)


class SqlAlchemyOrm(SqliteContender):
    """Sessions, select() and relationship loading options."""

    name = "sqlalchemy"
    import_code = """
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
class Base(DeclarativeBase):
    pass
class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Author(name="a"))
    session.commit()
    assert session.scalars(select(Author).where(Author.id == 1)).one().name == "a"
"""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        event.listen(self.engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA foreign_keys = ON"))
        with self.engine.connect() as opened:
            self.connection = opened.connection.driver_connection  # type: ignore[assignment]
        self.cold = [_six_fields(f"Cold{n}", f"cold_{n}") for n in range(setting.data.cold_tables)]
        self.names = itertools.count()
        self.keeper: Session | None = None
        self.restore()

    def restore(self) -> None:
        if self.keeper is not None:
            self.keeper.close()
        super().restore()
        keeper = self.keeper = Session(self.engine, expire_on_commit=False)
        self.held = {author.id: author for author in keeper.scalars(select(Author).where(Author.id <= 500))}
        keeper.commit()

    def close(self) -> None:
        if self.keeper is not None:
            self.keeper.close()
        self.engine.dispose()

    def get_by_pk(self, pk: int) -> Any:
        with Session(self.engine) as session:
            return session.get_one(Author, pk)

    def get_by_email(self, email: str) -> Any:
        with Session(self.engine) as session:
            return session.scalars(select(Author).where(Author.email == email)).one()

    def count_indexed(self, country: str) -> Any:
        with Session(self.engine) as session:
            return session.scalar(select(func.count()).select_from(Author).where(Author.country == country))

    def exists_indexed(self, country: str) -> bool:
        with Session(self.engine) as session:
            return bool(session.scalar(select(select(Author.id).where(Author.country == country).exists())))

    def equal_indexed(self, country: str) -> list[Any]:
        with Session(self.engine) as session:
            return list(session.scalars(select(Author).where(Author.country == country)))

    def scan(self, limits: tuple[int, float]) -> list[Any]:
        query = select(Author).where(Author.age >= limits[0], Author.score < limits[1])
        with Session(self.engine) as session:
            return list(session.scalars(query))

    def range_order_limit(self, limits: tuple[int, int]) -> list[Any]:
        query = select(Book).where(Book.stamp >= limits[0], Book.stamp < limits[1]).order_by(Book.stamp).limit(20)
        with Session(self.engine) as session:
            return list(session.scalars(query))

    def order_two_keys(self, _: int) -> list[Any]:
        with Session(self.engine) as session:
            return list(session.scalars(select(Author).order_by(Author.country, Author.score.desc())))

    def join_filter(self, country: str) -> list[Any]:
        with Session(self.engine) as session:
            return list(session.scalars(select(Book).join(Book.author).where(Author.country == country)))

    def select_related(self, country: str) -> list[Any]:
        query = select(Book).join(Book.author).where(Author.country == country).options(contains_eager(Book.author))
        with Session(self.engine) as session:
            return list(session.scalars(query))

    def prefetch_reverse(self, country: str) -> list[Any]:
        query = select(Author).where(Author.country == country).options(selectinload(Author.books))
        with Session(self.engine) as session:
            return [(author, author.books) for author in session.scalars(query)]

    def prefetch_many(self, country: str) -> list[Any]:
        query = select(Book).join(Book.author).where(Author.country == country).options(selectinload(Book.tags))
        with Session(self.engine) as session:
            return [(book, book.tags) for book in session.scalars(query)]

    def group_by(self, _: int) -> list[Any]:
        query = select(
            Book.author_id, func.count(Book.id), func.sum(Book.pages), func.max(Book.stamp)
        ).group_by(Book.author_id)  # fmt: skip
        with Session(self.engine) as session:
            return list(session.execute(query))

    def create(self, values: Row) -> Any:
        with Session(self.engine, expire_on_commit=False) as session:
            made = self._author(values)
            session.add(made)
            session.commit()
        return made

    def _author(self, values: Row) -> Author:
        name, email, country, age, score = values
        return Author(name=name, email=email, country=country, age=age, score=score)

    def bulk_create(self, batch: list[Row]) -> Any:
        with Session(self.engine, expire_on_commit=False) as session:
            made = [self._author(values) for values in batch]
            session.add_all(made)
            session.commit()
        return made

    def save_field(self, change: tuple[int, int]) -> None:
        self.held[change[0]].age = change[1]
        if self.keeper is not None:
            self.keeper.commit()

    def update_many(self, age: int) -> Any:
        query = update(Author).where(Author.score < 0.5).values(age=age).execution_options(synchronize_session=False)
        with Session(self.engine) as session:
            found = session.connection().execute(query).rowcount
            session.commit()
        return found

    def delete_cascade(self, pk: int) -> None:
        books = select(Book.id).where(Book.author_id == pk)
        with Session(self.engine) as session:
            session.execute(delete(links).where(links.c.book_id.in_(books)))
            session.execute(delete(Book).where(Book.author_id == pk))
            session.execute(delete(Author).where(Author.id == pk))
            session.commit()

    def create_rollback(self, batch: list[Row]) -> None:
        with Session(self.engine) as session:
            for values in batch:
                session.add(self._author(values))
                session.flush()
            session.rollback()

    def reset(self, batch: list[Row]) -> None:
        self.create_rollback(batch)

    def cold_get(self, number: int) -> Any:
        with Session(self.engine) as session:
            return session.get_one(self.cold[number], 1)

    def define_class(self, _: int) -> None:
        number = next(self.names)
        _six_fields(f"Defined{number}", f"defined_{number}")
