"""Writes a Python function line by line and compiles it: the only `exec` in the package.

Knows nothing of queries. Its one invariant: no value ever becomes source text. Constants are bound as names of the
function's globals; every identifier is checked, after NFKC as the compiler itself reads it.
"""

from __future__ import annotations

import itertools
import keyword
import linecache
import unicodedata
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any, Final

__all__ = ["Source", "identifier"]

_serial = itertools.count(1)


def identifier(name: str) -> str:
    """`name` itself where it can stand in source; ValueError where it is no identifier, a keyword, or not its own NFKC form."""
    if not name.isidentifier() or keyword.iskeyword(name) or unicodedata.normalize("NFKC", name) != name:
        raise ValueError(f"{name!r} cannot be used as a Python identifier")
    return name


class Source:
    """The text of one module of generated functions, and the objects its names are bound to.

    >>> source = Source("double")
    >>> with source.block("def double(x):"):
    ...     source.line(f"return x * {source.bind(2, 'factor')}")
    >>> source.function("double")(21)
    42
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._lines: list[str] = []
        self._depth = 0
        self._globals: dict[str, Any] = {}
        self._bound: dict[int, str] = {}
        self._names = itertools.count()

    @property
    def text(self) -> str:
        """The source so far."""
        return "\n".join(self._lines) + "\n"

    @property
    def depth(self) -> int:
        """How deep the next line is indented, in blocks."""
        return self._depth

    def line(self, text: str) -> None:
        """Add one line at the present depth."""
        self._lines.append("    " * self._depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add `head` and indent what is added inside the `with`."""
        self.line(head)
        self._depth += 1
        yield
        self._depth -= 1

    def indent(self) -> None:
        """Open a block by hand, where its end is not lexical in the caller."""
        self._depth += 1

    def dedent(self) -> None:
        """Close what `indent` opened."""
        self._depth -= 1

    def name(self, hint: str = "v") -> str:
        """A fresh local name that starts with `hint`."""
        return identifier(f"{hint}_{next(self._names)}")

    def bind(self, value: object, hint: str = "k") -> str:
        """The global name of `value`, the same for the same object; never its text."""
        known = self._bound.get(id(value))
        if known is not None:
            return known
        name = self.name(hint)
        self._globals[name] = value
        self._bound[id(value)] = name
        return name

    def function(self, name: str) -> Callable[..., Any]:
        """Compile what was written and return its function `name`; tracebacks show the source."""
        text = self.text
        filename = f"<modelkit {self.title} {next(_serial)}>"
        namespace = dict(self._globals)
        exec(_code(text, filename), namespace)  # noqa: S102 - the package's one exec
        function: Callable[..., Any] = namespace[identifier(name)]
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        weakref.finalize(function, linecache.cache.pop, filename, None)
        return function


_MOST_CODES: Final = 512
_MOST_CHARACTERS: Final = 8_000
_codes: dict[str, CodeType] = {}
"""Compiled modules by their text: two tables of one shape are read by one text, and compiling it is most of a first run's time."""


def _code(text: str, filename: str) -> CodeType:
    known = _codes.get(text)
    if known is not None:
        return _renamed(known, filename)
    code = compile(text, filename, "exec")
    if len(text) <= _MOST_CHARACTERS:
        if len(_codes) >= _MOST_CODES:
            _codes.clear()
        _codes[text] = code
    return code


def _renamed(code: CodeType, filename: str) -> CodeType:
    """`code` and the functions inside of it as if they stood in `filename`, for tracebacks."""
    constants = tuple([_renamed(part, filename) if isinstance(part, CodeType) else part for part in code.co_consts])
    return code.replace(co_filename=filename, co_consts=constants)
