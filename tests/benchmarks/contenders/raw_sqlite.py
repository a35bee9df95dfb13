"""The sqlite3 module: bare tuples from C, no validation, no instances."""

from __future__ import annotations

import sqlite3
from typing import Any

from tests.benchmarks.contenders.base import Setting, SqliteContender
from tests.benchmarks.data import Row

__all__ = ["RawSqlite"]

_INSERT = "INSERT INTO author (name, email, country, age, score) VALUES (?, ?, ?, ?, ?)"


class RawSqlite(SqliteContender):
    """Statements written out, each prepared once by the module's own cache."""

    name = "sqlite3"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        self.restore()
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.run = self.connection.execute

    def close(self) -> None:
        self.connection.close()

    def get_by_pk(self, pk: int) -> Any:
        return self.run("SELECT id, name, email, country, age, score FROM author WHERE id = ?", (pk,)).fetchone()

    def get_by_email(self, email: str) -> Any:
        return self.run("SELECT id, name, email, country, age, score FROM author WHERE email = ?", (email,)).fetchone()

    def count_indexed(self, country: str) -> Any:
        return self.run("SELECT count(*) FROM author WHERE country = ?", (country,)).fetchone()[0]

    def exists_indexed(self, country: str) -> bool:
        return self.run("SELECT 1 FROM author WHERE country = ? LIMIT 1", (country,)).fetchone() is not None

    def equal_indexed(self, country: str) -> list[Row]:
        query = "SELECT id, name, email, country, age, score FROM author WHERE country = ?"
        return self.run(query, (country,)).fetchall()

    def scan(self, limits: tuple[int, float]) -> list[Row]:
        query = "SELECT id, name, email, country, age, score FROM author WHERE age >= ? AND score < ?"
        return self.run(query, limits).fetchall()

    def range_order_limit(self, limits: tuple[int, int]) -> list[Row]:
        query = (
            "SELECT id, title, author_id, stamp, pages, price FROM book WHERE stamp >= ? AND stamp < ?"
            " ORDER BY stamp LIMIT 20"
        )
        return self.run(query, limits).fetchall()

    def order_two_keys(self, _: int) -> list[Row]:
        query = "SELECT id, name, email, country, age, score FROM author ORDER BY country, score DESC"
        return self.run(query).fetchall()

    def join_filter(self, country: str) -> list[Row]:
        query = (
            "SELECT b.id, b.title, b.author_id, b.stamp, b.pages, b.price FROM book b"
            " JOIN author a ON a.id = b.author_id WHERE a.country = ?"
        )
        return self.run(query, (country,)).fetchall()

    def select_related(self, country: str) -> list[tuple[Row, Row]]:
        query = (
            "SELECT b.id, b.title, b.author_id, b.stamp, b.pages, b.price,"
            " a.id, a.name, a.email, a.country, a.age, a.score"
            " FROM book b JOIN author a ON a.id = b.author_id WHERE a.country = ?"
        )
        return [(row[:6], row[6:]) for row in self.run(query, (country,)).fetchall()]

    def prefetch_reverse(self, country: str) -> list[tuple[Row, list[Row]]]:
        authors = self.equal_indexed(country)
        books: dict[int, list[Row]] = {row[0]: [] for row in authors}
        marks = ", ".join("?" * len(authors))
        query = f"SELECT id, title, author_id, stamp, pages, price FROM book WHERE author_id IN ({marks})"
        for row in self.run(query, tuple(books)).fetchall():
            books[row[2]].append(row)
        return [(row, books[row[0]]) for row in authors]

    def prefetch_many(self, country: str) -> list[tuple[Row, list[Row]]]:
        found = self.join_filter(country)
        tags: dict[int, list[Row]] = {row[0]: [] for row in found}
        marks = ", ".join("?" * len(found))
        query = (
            "SELECT l.book_id, t.id, t.name FROM tag t JOIN book_tags l ON l.tag_id = t.id"
            f" WHERE l.book_id IN ({marks})"
        )
        for book, pk, name in self.run(query, tuple(tags)).fetchall():
            tags[book].append((pk, name))
        return [(row, tags[row[0]]) for row in found]

    def group_by(self, _: int) -> list[Row]:
        return self.run("SELECT author_id, count(id), sum(pages), max(stamp) FROM book GROUP BY author_id").fetchall()

    def create(self, values: Row) -> Row:
        return (self.run(_INSERT, values).lastrowid, *values)

    def bulk_create(self, batch: list[Row]) -> None:
        self.run("BEGIN")
        self.connection.executemany(_INSERT, batch)
        self.run("COMMIT")

    def save_field(self, change: tuple[int, int]) -> None:
        self.run("UPDATE author SET age = ? WHERE id = ?", (change[1], change[0]))

    def update_many(self, age: int) -> int:
        return self.run("UPDATE author SET age = ? WHERE score < 0.5", (age,)).rowcount

    def delete_cascade(self, pk: int) -> None:
        key = (pk,)
        self.run("BEGIN")
        self.run("DELETE FROM book_tags WHERE book_id IN (SELECT id FROM book WHERE author_id = ?)", key)
        self.run("DELETE FROM book WHERE author_id = ?", key)
        self.run("DELETE FROM author WHERE id = ?", key)
        self.run("COMMIT")

    def create_rollback(self, batch: list[Row]) -> None:
        self.run("BEGIN")
        for values in batch:
            self.run(_INSERT, values)
        self.run("ROLLBACK")

    def reset(self, batch: list[Row]) -> None:
        self.create_rollback(batch)

    def cold_get(self, number: int) -> Any:
        return self.run(f"SELECT id, name, email, country, age, score FROM cold_{number} WHERE id = 1").fetchone()
