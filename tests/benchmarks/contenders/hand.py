"""Hand-written code on tuples in dicts and lists, a fresh instance per result: the limit for pure Python."""

from __future__ import annotations

import bisect
from collections import defaultdict
from operator import itemgetter
from typing import Any

from tests.benchmarks.contenders.base import Contender, Setting
from tests.benchmarks.data import Row, digest

__all__ = ["Hand"]


class Author:
    """An author as a result shows it."""

    id: int
    name: str
    email: str
    country: str
    age: int | None
    score: float


class Book:
    """A book as a result shows it."""

    id: int
    title: str
    author_id: int
    stamp: int
    pages: int
    price: float
    author: Author


class Tag:
    """A tag as a result shows it."""

    id: int
    name: str


def _author(row: Row) -> Author:
    made = Author.__new__(Author)
    made.id, made.name, made.email, made.country, made.age, made.score = row
    return made


def _book(row: Row) -> Book:
    made = Book.__new__(Book)
    made.id, made.title, made.author_id, made.stamp, made.pages, made.price = row
    return made


def _authors(rows: list[Row]) -> list[Author]:
    made = []
    new = Author.__new__
    for row in rows:
        one = new(Author)
        one.id, one.name, one.email, one.country, one.age, one.score = row
        made.append(one)
    return made


def _books(rows: list[Row]) -> list[Book]:
    made = []
    new = Book.__new__
    for row in rows:
        one = new(Book)
        one.id, one.title, one.author_id, one.stamp, one.pages, one.price = row
        made.append(one)
    return made


class Hand(Contender):
    """Dicts by key, dicts of lists as indexes, one sorted list."""

    name = "hand"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.restore()

    def restore(self) -> None:
        data = self.data
        self.authors = {row[0]: row for row in data.authors}
        self.by_email = {row[2]: row[0] for row in data.authors}
        self.by_country: dict[str, list[int]] = defaultdict(list)
        for row in data.authors:
            self.by_country[row[3]].append(row[0])
        self.books = {row[0]: row for row in data.books}
        self.by_author: dict[int, list[int]] = defaultdict(list)
        for row in data.books:
            self.by_author[row[2]].append(row[0])
        self.by_stamp = sorted((row[3], row[0]) for row in data.books)
        self.tags: dict[int, str] = dict(data.tags)
        self.links: dict[int, list[int]] = defaultdict(list)
        for _, book, tag in data.links:
            self.links[book].append(tag)
        self.last = data.size
        self.held = {pk: _author(self.authors[pk]) for pk in range(1, min(data.size, 500) + 1)}

    def digest(self) -> tuple[Any, ...]:
        ages = sum(row[4] or 0 for row in self.authors.values())
        links = sum(map(len, self.links.values()))
        return digest(len(self.authors), ages, len(self.books), links)

    def get_by_pk(self, pk: int) -> Author:
        return _author(self.authors[pk])

    def get_by_email(self, email: str) -> Author:
        return _author(self.authors[self.by_email[email]])

    def count_indexed(self, country: str) -> int:
        return len(self.by_country[country])

    def exists_indexed(self, country: str) -> bool:
        return bool(self.by_country[country])

    def equal_indexed(self, country: str) -> list[Author]:
        authors = self.authors
        return _authors([authors[pk] for pk in self.by_country[country]])

    def scan(self, limits: tuple[int, float]) -> list[Author]:
        least, most = limits
        return _authors(
            [row for row in self.authors.values() if row[4] is not None and row[4] >= least and row[5] < most]
        )

    def range_order_limit(self, limits: tuple[int, int]) -> list[Book]:
        low, high = limits
        start = bisect.bisect_left(self.by_stamp, (low,))
        stop = min(start + 20, bisect.bisect_left(self.by_stamp, (high,)))
        return _books([self.books[pk] for _, pk in self.by_stamp[start:stop]])

    def order_two_keys(self, _: int) -> list[Author]:
        rows = sorted(self.authors.values(), key=itemgetter(5), reverse=True)
        rows.sort(key=itemgetter(3))
        return _authors(rows)

    def join_filter(self, country: str) -> list[Book]:
        books, by_author = self.books, self.by_author
        return _books([books[pk] for author in self.by_country[country] for pk in by_author[author]])

    def select_related(self, country: str) -> list[Book]:
        made = []
        new, new_author = Book.__new__, Author.__new__
        books, by_author = self.books, self.by_author
        for key in self.by_country[country]:
            row = self.authors[key]
            for pk in by_author[key]:
                one = new(Book)
                one.id, one.title, one.author_id, one.stamp, one.pages, one.price = books[pk]
                owner = new_author(Author)
                owner.id, owner.name, owner.email, owner.country, owner.age, owner.score = row
                one.author = owner
                made.append(one)
        return made

    def prefetch_reverse(self, country: str) -> list[tuple[Author, list[Book]]]:
        books, by_author = self.books, self.by_author
        made = []
        for author in self.equal_indexed(country):
            owned = _books([books[pk] for pk in by_author[author.id]])
            for book in owned:
                book.author = author
            made.append((author, owned))
        return made

    def prefetch_many(self, country: str) -> list[tuple[Book, list[Tag]]]:
        links, names = self.links, self.tags
        new = Tag.__new__
        made = []
        for book in self.join_filter(country):
            tags = []
            for pk in links[book.id]:
                tag = new(Tag)
                tag.id, tag.name = pk, names[pk]
                tags.append(tag)
            made.append((book, tags))
        return made

    def group_by(self, _: int) -> list[dict[str, int]]:
        groups: dict[int, list[int]] = {}
        for _pk, _title, author, stamp, pages, _price in self.books.values():
            group = groups.get(author)
            if group is None:
                groups[author] = [1, pages, stamp]
            else:
                group[0] += 1
                group[1] += pages
                if stamp > group[2]:
                    group[2] = stamp
        return [
            {"author_id": author, "n": count, "pages_sum": pages, "newest": newest}
            for author, (count, pages, newest) in groups.items()
        ]

    def create(self, values: Row) -> Author:
        self.last = pk = self.last + 1
        row = (pk, *values)
        self._add(row)
        return _author(row)

    def _add(self, row: Row) -> None:
        pk, email = row[0], row[2]
        if email in self.by_email:
            raise ValueError(email)
        self.authors[pk] = row
        self.by_email[email] = pk
        self.by_country[row[3]].append(pk)

    def bulk_create(self, batch: list[Row]) -> list[Author]:
        made = []
        for values in batch:
            self.last = pk = self.last + 1
            row = (pk, *values)
            self._add(row)
            made.append(_author(row))
        return made

    def save_field(self, change: tuple[int, int]) -> None:
        pk, age = change
        author = self.held[pk]
        author.age = age
        row = self.authors[pk]
        self.authors[pk] = (*row[:4], age, row[5])

    def update_many(self, age: int) -> int:
        authors = self.authors
        changed = [row for row in authors.values() if row[5] < 0.5]
        for pk, name, email, country, _, score in changed:
            authors[pk] = (pk, name, email, country, age, score)
        return len(changed)

    def delete_cascade(self, pk: int) -> None:
        for book in self.by_author.pop(pk):
            row = self.books.pop(book)
            del self.by_stamp[bisect.bisect_left(self.by_stamp, (row[3], book))]
            del self.links[book]
        self._remove(pk)

    def _remove(self, pk: int) -> None:
        row = self.authors.pop(pk)
        del self.by_email[row[2]]
        self.by_country[row[3]].remove(pk)

    def create_rollback(self, batch: list[Row]) -> None:
        before = self.last
        for values in batch:
            self.create(values)
        for pk in range(self.last, before, -1):
            self._remove(pk)

    def reset(self, batch: list[Row]) -> None:
        self.create_rollback(batch)
