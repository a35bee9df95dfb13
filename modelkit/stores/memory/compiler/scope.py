"""What generated code is written into: blocks of lines, the program's prologue, and the rows that are in reach.

Knows tables and parameters, not how conditions are written. Its one invariant: whatever the loops share (parameters,
methods of views, tables built once) is bound once, in the prologue, before the first line that uses it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import field
from operator import itemgetter
from typing import Any

from modelkit.codegen import Source as Code
from modelkit.ir.query import Source
from modelkit.ir.schema import Table
from modelkit.records import dataclass

__all__ = ["Block", "Program", "Scope", "Text", "atom", "wrap"]

ATOM, SIGN, COMPARISON, NOT, AND, OR, TERNARY, WALRUS = range(8)


class Text(str):
    """Source text of an expression and how tightly its outermost operator binds."""

    __slots__ = ("level",)
    level: int

    def __new__(cls, text: str, level: int = ATOM) -> Text:
        made = super().__new__(cls, text)
        made.level = level
        return made


def wrap(text: str, level: int) -> str:
    """`text`, in parentheses where it binds more loosely than `level`."""
    return f"({text})" if isinstance(text, Text) and text.level > level else str(text)


def atom(text: str) -> str:
    """`text` as it can stand beside any operator."""
    return wrap(text, ATOM)


def _same(value: Any) -> Any:
    return value


def _getter(place: int | tuple[int, int]) -> Callable[[Any], Any]:
    match place:
        case (outer, inner):
            return lambda item: item[outer][inner]
        case -1:
            return _same
        case _:
            return itemgetter(place)


class Block:
    """Lines of source with an indentation of their own."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._depth = 0

    def line(self, text: str) -> None:
        """Add a line at the present depth."""
        self.lines.append("    " * self._depth + text)

    def extend(self, lines: list[str]) -> None:
        """Add finished lines at the present depth."""
        for text in lines:
            self.line(text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add `head` and indent what follows inside the `with`."""
        self.line(head)
        self._depth += 1
        yield
        self._depth -= 1

    def open(self, head: str) -> None:
        """Add `head` and indent all that follows, until `close`."""
        self.line(head)
        self._depth += 1

    def close(self, depth: int = 0) -> None:
        """Return to `depth`."""
        self._depth = depth

    @property
    def depth(self) -> int:
        """How many blocks are open."""
        return self._depth


@dataclass
class Scope:
    """The sources of one query and the names of their rows; `parent` is the query around it.

    `missing`: sources whose row may be a row of NULLs. `known`: texts of columns that are not NULL where code now stands.
    `facts`: whether a node may be NULL, by the id of the node, which stands beside it to stay alive.
    `rendered`: the names of a group's keys and aggregates, and of the results of window functions.
    """

    sources: tuple[Source, ...]
    missing: frozenset[int]
    rows: dict[int, str]
    parent: Scope | None = None
    known: set[str] = field(default_factory=set)
    rendered: dict[Any, str] = field(default_factory=dict)
    facts: dict[int, tuple[Any, bool]] = field(default_factory=dict)


class Program:
    """One function `run(views, params)` in the making: prologue, inner functions, body."""

    def __init__(self, title: str, *, lasting: bool = False) -> None:
        self.code = Code(title)
        self.lasting = lasting
        """Whether the prologue runs once for many statements: what is one per statement cannot stand there."""
        self.prologue: list[str] = []
        self.tables: list[Table] = []
        self.touched: set[str] = set()
        self.scans = False
        self._once: dict[Hashable, str] = {}
        self._counts: dict[str, int] = {}

    def fresh(self, hint: str) -> str:
        """A name not given out before: hint0, hint1, ..."""
        number = self._counts.get(hint, 0)
        self._counts[hint] = number + 1
        return f"{hint}{number}"

    def bind(self, value: object, hint: str) -> str:
        """The global name of a constant."""
        return self.code.bind(value, hint)

    def helper(self, function: Callable[..., Any]) -> str:
        """The global name of a function of the run-time library."""
        return self.code.bind(function, function.__name__.rstrip("_"))

    def getter(self, place: int | tuple[int, int]) -> str:
        """The global name of a function that takes item `place` out of a tuple; the tuple itself for -1, an item's item for two."""
        key = ("getter", place)
        if key not in self._once:
            self._once[key] = self.code.bind(_getter(place), "key")
        return self._once[key]

    def once(self, key: Hashable, text: Callable[[], str], name: str) -> str:
        """The name of a value computed in the prologue, the same for the same `key`."""
        known = self._once.get(key)
        if known is None:
            line = text()
            known = self._once[key] = name
            self.prologue.append(f"{name} = {line}")
        return known

    def known(self, key: Hashable) -> str | None:
        """The name that `once` gave for `key`, if it did."""
        return self._once.get(key)

    def param(self, slot: int) -> str:
        """The name of a parameter."""
        return self.once(("param", slot), lambda: f"params[{slot:d}]", f"p{slot:d}")

    def view(self, table: Table) -> int:
        """The number of the view of `table`."""
        for number, known in enumerate(self.tables):
            if known is table:
                return number
        self.tables.append(table)
        return len(self.tables) - 1

    def method(self, table: Table, name: str) -> str:
        """The name of a bound method of the view of `table`."""
        if name in ("chunks", "slotted", "span", "span_slots", "size"):
            self.scans = True
        number = self.view(table)
        return self.once(("view", number, name), lambda: f"views[{number}].{name}", f"{name}_{number}")

    def define(self, lines: list[str]) -> None:
        """Put a finished inner function into the prologue."""
        self.prologue.extend(lines)

    @contextmanager
    def frame(self) -> Iterator[set[str]]:
        """Collect the rows that the code written inside the `with` reads."""
        outside = self.touched
        inside: set[str] = set()
        self.touched = inside
        yield inside
        self.touched = outside

    def finish(self, body: list[str], name: str = "run") -> Callable[..., Any]:
        """The function, compiled."""
        with self.code.block(f"def {name}(views, params):"):
            for line in _folded(self.prologue, body):
                self.code.line(line)
        return self.code.function(name)


_SIMPLE = re.compile(r"(\w+) = ((?:views|params)\[\d+\](?:\.\w+)?)")
_NAME = re.compile(r"[^\W\d]\w*")


def _folded(prologue: list[str], body: list[str]) -> list[str]:
    """Both together; where nothing loops, what is named once and used once is written where it is used."""
    lines = [*prologue, *body]
    text = "\n".join(lines)
    if "for " in text or "def " in text:
        return lines
    uses = Counter(_NAME.findall(text))
    named = [found for line in prologue if (found := _SIMPLE.fullmatch(line)) is not None]
    folded = {found[1]: found[2] for found in named if uses[found[1]] == 2}
    kept = [line for line in lines if line.partition(" ")[0] not in folded]
    return _NAME.sub(lambda name: folded.get(name[0], name[0]), "\n".join(kept)).split("\n")
