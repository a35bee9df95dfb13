"""The feed of committed changes: who listens is told of each commit, in order, once.

Knows writes and states. The invariant: a feed holds the changes of all commits since it was opened, whole commits, each once,
however often publishing one was interrupted.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from threading import Condition
from types import TracebackType
from typing import Self

from modelkit.ir.schema import Row
from modelkit.stores.base import Change
from modelkit.stores.memory.constraints import TableWrites
from modelkit.stores.memory.tables import TableState

__all__ = ["Feed", "Feeds"]


class Feed:
    """Changes as they are committed, from the moment this was opened. For one reader; any thread may be it.

    Iterating gives what has come and ends there; iterating again goes on. `wait` waits for more. What nobody takes is kept, until
    `close`, or until the feed is dropped.
    """

    def __init__(self) -> None:
        self._changes: deque[Change] = deque()
        self._come = Condition()
        self._told = 0
        self.closed = False

    def put(self, sequence: int, changes: Sequence[Change]) -> None:
        """One commit's changes; a repetition is passed over. Called under the store's lock."""
        with self._come:
            if sequence > self._told:
                self._told = sequence
                self._changes.extend(changes)
                self._come.notify_all()

    def __iter__(self) -> Iterator[Change]:
        while True:
            try:
                change = self._changes.popleft()
            except IndexError:
                return
            yield change

    def __len__(self) -> int:
        return len(self._changes)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is a change to take, at most `timeout` seconds; whether there is one."""
        with self._come:
            return self._come.wait_for(lambda: bool(self._changes) or self.closed, timeout) and bool(self._changes)

    def close(self) -> None:
        """Listen no more, and wake who waits. Idempotent."""
        with self._come:
            self.closed = True
            self._changes.clear()
            self._come.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Feeds:
    """The feeds of one store, as long as somebody holds them."""

    __slots__ = ("_open", "_told")

    def __init__(self) -> None:
        self._open: dict[weakref.ref[Feed], None] = {}
        """Changed by single steps: a finalizer may open one meanwhile."""
        self._told: tuple[int, object] = (0, None)

    def __bool__(self) -> bool:
        return bool(self._open)

    def open(self) -> Feed:
        """A new feed. Under the lock."""
        feed = Feed()
        feed._told = self._told[0]
        self._open[weakref.ref(feed)] = None
        return feed

    def tell(self, writes: Sequence[TableWrites]) -> None:
        """A commit is being published. May be repeated for the same `writes`. Linear in them."""
        if not self._open or self._told[1] is writes:
            return
        listening: list[Feed] = []
        for ref in list(self._open):
            feed = ref()
            if feed is None or feed.closed:
                self._open.pop(ref, None)
            else:
                listening.append(feed)
        sequence = self._told[0] + 1
        if listening:
            changes = [change for written in writes for change in _changes(written, sequence)]
            for feed in listening:
                feed.put(sequence, changes)
        self._told = sequence, writes

    def close(self) -> None:
        """Close all of them."""
        for ref in list(self._open):
            feed = ref()
            if feed is not None:
                feed.close()
        self._open.clear()


def _changes(written: TableWrites, sequence: int) -> Iterator[Change]:
    state = written.state
    for _, old, new in written.changes:
        yield Change(state.name, state.label, _key(state, old or new or ()), old, new, sequence)
    for row in written.inserts:
        yield Change(state.name, state.label, _key(state, row), None, row, sequence)


def _key(state: TableState, row: Row) -> Row:
    return tuple([row[place] for place in state.key])
