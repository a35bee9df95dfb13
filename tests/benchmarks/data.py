"""The rows that every contender works on: authors, their books, and the books' tags.

Everything follows from the size and one seed, so two processes see the same rows.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

__all__ = ["AUTHOR_COLUMNS", "BOOK_COLUMNS", "Dataset", "Row", "build_sqlite", "digest_sqlite"]

Row: TypeAlias = tuple[Any, ...]

AUTHOR_COLUMNS = ("id", "name", "email", "country", "age", "score")
BOOK_COLUMNS = ("id", "title", "author_id", "stamp", "pages", "price")

SCHEMA = """
CREATE TABLE author (
    id integer PRIMARY KEY AUTOINCREMENT, name varchar(100) NOT NULL, email varchar(100) NOT NULL UNIQUE,
    country varchar(10) NOT NULL, age integer NULL, score real NOT NULL);
CREATE INDEX author_country ON author (country);
CREATE TABLE tag (id integer PRIMARY KEY AUTOINCREMENT, name varchar(50) NOT NULL UNIQUE);
CREATE TABLE book (
    id integer PRIMARY KEY AUTOINCREMENT, title varchar(100) NOT NULL,
    author_id integer NOT NULL REFERENCES author (id) DEFERRABLE INITIALLY DEFERRED,
    stamp integer NOT NULL, pages integer NOT NULL, price real NOT NULL);
CREATE INDEX book_author ON book (author_id);
CREATE INDEX book_stamp ON book (stamp);
CREATE TABLE book_tags (
    id integer PRIMARY KEY AUTOINCREMENT,
    book_id integer NOT NULL REFERENCES book (id) DEFERRABLE INITIALLY DEFERRED,
    tag_id integer NOT NULL REFERENCES tag (id) DEFERRABLE INITIALLY DEFERRED);
CREATE UNIQUE INDEX book_tags_pair ON book_tags (book_id, tag_id);
CREATE INDEX book_tags_tag ON book_tags (tag_id);
"""

BOOKS_PER_AUTHOR = 5
TAGS_PER_BOOK = 3
AUTHORS_PER_COUNTRY = 91


@dataclass(frozen=True)
class Dataset:
    """`size` authors, five books each, three tags a book; `cold_tables` one-row tables nobody has queried."""

    size: int = 10_000
    cold_tables: int = 64
    seed: int = 20_250_521

    @cached_property
    def countries(self) -> list[str]:
        """As many as give each about 91 authors."""
        return [f"c{number:03d}" for number in range(max(2, round(self.size / AUTHORS_PER_COUNTRY)))]

    @cached_property
    def authors(self) -> list[Row]:
        """Rows in the order of AUTHOR_COLUMNS; every seventh or so has no age."""
        source = random.Random(self.seed)
        return [self.author(pk, source) for pk in range(1, self.size + 1)]

    def author(self, pk: int, source: random.Random) -> Row:
        """One author's row, its values drawn from `source`."""
        age = None if source.random() < 0.15 else source.randint(18, 90)
        return (pk, f"Author {pk}", f"author{pk}@example.org", source.choice(self.countries), age, source.random())

    @cached_property
    def books(self) -> list[Row]:
        """Rows in the order of BOOK_COLUMNS; no two share a stamp."""
        source = random.Random(self.seed + 1)
        count = self.size * BOOKS_PER_AUTHOR
        stamps = source.sample(range(count * 100), count)
        owners = [number % self.size + 1 for number in range(count)]
        source.shuffle(owners)
        return [
            (pk, f"Book {pk}", owners[pk - 1], stamps[pk - 1], source.randint(40, 900), source.randint(1, 9_000) / 100)
            for pk in range(1, count + 1)
        ]

    @cached_property
    def tags(self) -> list[tuple[int, str]]:
        """(id, name) rows."""
        return [(pk, f"tag{pk}") for pk in range(1, max(8, self.size // 20) + 1)]

    @cached_property
    def links(self) -> list[tuple[int, int, int]]:
        """(id, book, tag) rows."""
        source = random.Random(self.seed + 2)
        names = range(1, len(self.tags) + 1)
        pairs = [(book, tag) for book in range(1, len(self.books) + 1) for tag in source.sample(names, TAGS_PER_BOOK)]
        return [(pk, book, tag) for pk, (book, tag) in enumerate(pairs, 1)]

    @cached_property
    def digest(self) -> tuple[Any, ...]:
        """What `Contender.digest` must give while nothing has been written."""
        return digest(len(self.authors), sum(row[4] or 0 for row in self.authors), len(self.books), len(self.links))

    def new_authors(self, count: int) -> list[Row]:
        """Rows without a key (name, email, country, age, score), of which none is stored."""
        source = random.Random(self.seed + 3)
        return [self.author(self.size + 1 + number, source)[1:] for number in range(count)]


def digest(authors: int, ages: int, books: int, links: int) -> tuple[int, ...]:
    """A store's contents in four numbers, enough to see that a write did what it should and was undone.

    Keys are left out: whether a number once given out is given out again is the store's rule.
    """
    return (authors, ages, books, links)


def build_sqlite(data: Dataset) -> sqlite3.Connection:
    """A database with all rows, from which every SQL contender copies its own."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    for table, rows in _tables(data):
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    for number in range(data.cold_tables):
        connection.execute(
            f"CREATE TABLE cold_{number} (id integer PRIMARY KEY AUTOINCREMENT, name varchar(100) NOT NULL,"
            " email varchar(100) NOT NULL, country varchar(10) NOT NULL, age integer NULL, score real NOT NULL)"
        )
        connection.execute(f"INSERT INTO cold_{number} VALUES (?, ?, ?, ?, ?, ?)", data.authors[0])
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    return connection


def _tables(data: Dataset) -> Sequence[tuple[str, Sequence[Row]]]:
    return (("author", data.authors), ("tag", data.tags), ("book", data.books), ("book_tags", data.links))


def digest_sqlite(connection: sqlite3.Connection) -> tuple[Any, ...]:
    """`digest` of a SQLite database."""
    authors, ages = connection.execute("SELECT count(*), sum(age) FROM author").fetchone()
    (books,) = connection.execute("SELECT count(*) FROM book").fetchone()
    (links,) = connection.execute("SELECT count(*) FROM book_tags").fetchone()
    return digest(authors, ages or 0, books, links)
