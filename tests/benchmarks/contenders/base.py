"""What a contender is, and what all those on SQLite share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from tests.benchmarks.data import Dataset, digest_sqlite

__all__ = ["Contender", "Rollback", "Setting", "SqliteContender", "undo"]


class Rollback(Exception):
    """Leaves a transaction's block and undoes it."""


def undo() -> NoReturn:
    """Leave the transaction's block that this is called in."""
    raise Rollback


@dataclass(frozen=True)
class Setting:
    """What contenders are made from: the rows, and a SQLite database that holds them."""

    data: Dataset
    pristine: sqlite3.Connection


class Contender:
    """One way to do the operations, each a method of its own that takes one argument.

    An operation that a contender lacks is not a method of it. `digest` gives the contents in a few numbers, `restore`
    puts them back to the data's; neither is timed. `import_code` is a program that imports the library and runs a first query.
    """

    name: ClassVar[str]
    import_code: ClassVar[str | None] = None

    def __init__(self, setting: Setting) -> None:
        self.data = setting.data

    def digest(self) -> tuple[Any, ...]:
        """The contents in four numbers, as `data.digest` orders them."""
        raise NotImplementedError

    def restore(self) -> None:
        """Put the contents back."""
        raise NotImplementedError

    def warm_up(self, operation: str) -> None:
        """Do what the first call of `operation` may find done; for most, nothing."""

    def close(self) -> None:
        """Release what is held."""

    def method(self, operation: str) -> Callable[[Any], Any] | None:
        """The method named `operation`, or None."""
        found: Callable[[Any], Any] | None = getattr(self, operation, None)
        return found


class SqliteContender(Contender):
    """A contender over an in-memory SQLite database, copied from the pristine one."""

    connection: sqlite3.Connection

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.pristine = setting.pristine

    def digest(self) -> tuple[Any, ...]:
        return digest_sqlite(self.connection)

    def restore(self) -> None:
        self.pristine.backup(self.connection)
