"""Transactions of the running code: `atomic`, `set_autocommit`, savepoints, hooks after commit, and who may use what.

It knows stores and their transactions, never models. All state is one ContextVar that maps an alias to what serves it in
this context; it is set back by hand, since a Token's reset fails across contexts. The invariant: a transaction is used by
the thread and task that began it and by nobody else, and after an error not before the innermost block was left.
"""

from __future__ import annotations

import inspect
import logging
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from threading import get_ident
from types import TracebackType
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar, final, overload

from modelkit.errors import ImproperlyConfigured, TransactionError, TransactionManagementError, did_you_mean
from modelkit.stores.base import Isolation, Savepoint, Store, Transaction

__all__ = [
    "Atomic",
    "Block",
    "Manual",
    "Running",
    "adopt",
    "atomic",
    "commit",
    "datetime_policies",
    "entries",
    "get_autocommit",
    "get_rollback",
    "install",
    "mark_broken",
    "on_commit",
    "present_owner",
    "restore",
    "rollback",
    "running",
    "savepoint",
    "savepoint_commit",
    "savepoint_rollback",
    "serving",
    "set_autocommit",
    "set_rollback",
    "store_of",
    "stores",
]

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT: Final = "default"

logger = logging.getLogger("modelkit.transaction")


class Stores(dict[str, Store]):
    """The process's stores by alias. `opener` makes one for an alias that has none yet, or returns None."""

    opener: Callable[[str], Store | None] | None = None

    def __missing__(self, alias: str) -> Store:
        made = self.opener(alias) if self.opener is not None else None
        if made is None:
            raise ImproperlyConfigured(
                f"There is no store under the alias '{alias}': connect(..., alias='{alias}') makes one."
                f"{did_you_mean(alias, self)}"
            )
        return self.setdefault(alias, made)


stores: Final = Stores()

entries: Final[ContextVar[Mapping[str, Any] | None]] = ContextVar("modelkit_entries", default=None)
"""Alias -> the Running transaction, the Store of `use_store` or the Manual that serves it here; "" -> the log of statements."""


def install(key: str, entry: object) -> object:
    """Put `entry` under `key` for this context; what stood there before (None: nothing)."""
    present = entries.get()
    entries.set({**present, key: entry} if present else {key: entry})
    return present.get(key) if present else None


def restore(key: str, entry: object, before: object) -> None:
    """Put `before` back where `entry` stands; elsewhere (another context, another order) leave all as it is."""
    present = entries.get()
    if present is None or present.get(key) is not entry:
        return
    if before is not None:
        entries.set({**present, key: before})
    elif len(present) == 1:
        entries.set(None)
    else:
        entries.set({name: kept for name, kept in present.items() if name != key})


Owner: TypeAlias = "int | tuple[int, weakref.ref[Any]]"
"""A thread's number, with its task, where there is one."""

_running_loop: Callable[[], object] | None = None
"""What gives the event loop that runs in this thread, once somebody has imported asyncio."""


def present_owner() -> Owner:
    """The present thread and task, without importing asyncio where nobody did."""
    find = _running_loop
    if find is None:
        if "asyncio" not in sys.modules:
            return get_ident()
        find = _asyncio_loop()
    if find is None or find() is None:
        return get_ident()
    task = sys.modules["asyncio"].current_task()
    return get_ident() if task is None else (get_ident(), weakref.ref(task))


def _asyncio_loop() -> Callable[[], object] | None:
    global _running_loop  # noqa: PLW0603 - found once
    # Half imported it has none yet, and nothing runs.
    _running_loop = getattr(sys.modules["asyncio"], "_get_running_loop", None)
    return _running_loop


def _thread_of(owner: Owner) -> int:
    return owner if isinstance(owner, int) else owner[0]


@final
class Running:
    """One transaction that runs: its owner, its blocks and savepoints, its hooks."""

    __slots__ = (
        "adopted",
        "alias",
        "before",
        "blocks",
        "cause",
        "ended",
        "hooks",
        "isolation",
        "manual",
        "needs_rollback",
        "owner",
        "transaction",
    )

    blocks: tuple[tuple[Savepoint, int] | None, ...]
    """The inner blocks, outermost first: their savepoint and how many hooks there were, None for a block without one."""
    cause: BaseException | None
    """The error that broke the innermost block."""
    before: Any
    """What served the alias here before it."""
    hooks: Sequence[tuple[Callable[[], object], bool]]
    """What is called after the commit, and whether its errors are only logged."""

    def __init__(self, alias: str, store: Store, isolation: Isolation) -> None:
        self.ended = True
        """Whether it was committed or rolled back; what never began has ended, too."""
        self.alias = alias
        self.isolation = isolation
        self.manual = False
        """Whether commit() and rollback() end it, and no block does."""
        self.adopted = self.needs_rollback = False
        self.blocks = self.hooks = ()
        self.cause = None
        self.transaction: Transaction = store.begin(isolation=isolation)
        self.ended = False
        self.owner = present_owner()
        self.before = install(alias, self)

    @property
    def in_block(self) -> bool:
        """Whether an atomic() block is open."""
        return not self.manual or bool(self.blocks)

    def check(self) -> None:
        """Raise where no statement may run: not the owner, or broken by an error."""
        self.check_owner()
        if self.needs_rollback:
            raise TransactionManagementError(
                "An error broke this transaction: leave the innermost atomic() block before the next query."
            ) from self.cause

    def check_owner(self) -> None:
        """Raise TransactionError in a thread or task that may not use this transaction."""
        present = present_owner()
        if present == self.owner:
            return
        if _thread_of(present) != _thread_of(self.owner):
            raise TransactionError(
                f"A transaction on '{self.alias}' is used in another thread than the one that began it. "
                "Begin one there, do this work after the block, or hand the transaction over with adopt()."
            )
        raise TransactionError(
            f"A transaction on '{self.alias}' is used in another task than the one that began it. "
            "Await the work directly, begin a transaction inside the task, or hand this one over with adopt()."
        )

    def enter(self, *, savepoint: bool, isolation: Isolation | None, durable: bool) -> None:
        """Open an inner block."""
        self.check_owner()
        if durable:
            raise RuntimeError(
                "A durable atomic block must be the outermost one, "
                + (
                    "and a transaction runs here already."
                    if self.in_block
                    else "and autocommit is off here: commit() commits."
                )
            )
        if isolation is not None and isolation != self.isolation:
            raise TransactionManagementError(
                f"The running transaction is {self.isolation}: isolation='{isolation}' belongs on the outermost atomic()."
            )
        marks = savepoint or not self.in_block
        self.blocks = (*self.blocks, self.mark() if marks and not self.needs_rollback else None)

    def leave(self, error: BaseException | None) -> None:
        """Close the innermost block, by `error` perhaps, which is undone with what was done in it."""
        mark = self.blocks[-1]
        self.blocks = self.blocks[:-1]
        if error is not None or self.needs_rollback:
            self.needs_rollback = mark is None
            self.cause = error or self.cause if mark is None else None
            if mark is not None:
                self.back_to(mark)

    def add_hook(self, hook: Callable[[], object], *, robust: bool = False) -> None:
        """Let `hook` be called after the commit; errors of a `robust` one are only logged."""
        if isinstance(self.hooks, list):
            self.hooks.append((hook, robust))
        else:
            self.hooks = [(hook, robust)]

    def mark(self) -> tuple[Savepoint, int]:
        """A savepoint: the store's, and how many hooks there are."""
        return self.transaction.savepoint(), len(self.hooks)

    def back_to(self, mark: tuple[Savepoint, int]) -> None:
        """Undo what was written and forget the hooks that were registered since `mark`."""
        self.transaction.rollback_to(mark[0])
        if mark[1] < len(self.hooks):
            self.hooks = self.hooks[: mark[1]]

    def commit(self) -> None:
        """End it with all writes published, then run the hooks; where that fails, nothing is."""
        hooks = self.hooks
        try:
            self.transaction.commit()
        except BaseException:
            self.rollback()
            raise
        self._end()
        for hook, robust in hooks:
            _call_hook(hook, robust)

    def rollback(self) -> None:
        """End it with nothing written."""
        try:
            self.transaction.rollback()
        finally:
            self._end()

    def _end(self) -> None:
        self.ended = True
        if self.hooks:
            self.hooks = ()
        restore(self.alias, self, self.before)

    def __del__(self) -> None:
        if not self.ended:
            self.ended = True
            self.transaction.rollback()
            why = (
                "neither commit() nor rollback() ended it"
                if self.manual
                else "its atomic() block was entered and never left"
            )
            warnings.warn(
                f"A transaction on '{self.alias}' was abandoned: {why}. What it wrote is rolled back.",
                ResourceWarning,
                stacklevel=2,
            )


@final
class Manual:
    """Autocommit is off for an alias: a statement outside transactions begins one, which lasts until commit() or rollback()."""

    __slots__ = ("alias", "before")

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.before = install(alias, self)

    def begin(self, isolation: Isolation | None = None) -> Running:
        """The transaction that the next statement needs."""
        begun = Running(self.alias, store_of(self.alias), isolation or "serializable")
        begun.manual = True
        return begun


def _call_hook(hook: Callable[[], object], robust: bool) -> None:
    if not robust:
        hook()
        return
    try:
        hook()
    except Exception:
        logger.exception("A robust on_commit() hook failed: %r", hook)


def store_of(alias: str) -> Store:
    """The store under `alias` in this context, whatever transaction runs on it."""
    present = entries.get()
    entry: Any = present.get(alias) if present else None
    while isinstance(entry, (Running, Manual)):
        entry = entry.before
    return stores[alias] if entry is None else entry


def datetime_policies() -> set[str]:
    """How the stores that may be asked keep moments: those of this context, and all that are connected."""
    found: set[str] = {store.capabilities.datetimes for store in stores.values()}
    for entry in (entries.get() or {}).values():
        at: Any = entry
        while hasattr(at, "before"):
            at = at.before
        if hasattr(at, "capabilities"):
            found.add(at.capabilities.datetimes)
    return found


def serving(alias: str | None = None) -> Any:
    """What serves `alias` here: a Running that has not ended, a Manual, a Store of this context's own, or None: the process's."""
    present = entries.get()
    entry = present.get(alias or DEFAULT) if present else None
    while type(entry) is Running and entry.ended:
        entry = entry.before
    return entry


def running(alias: str | None = None) -> Running | None:
    """The transaction that runs on `alias` in this context, whoever owns it; None where there is none."""
    entry = serving(alias)
    return entry if type(entry) is Running else None


def _manual(alias: str | None) -> Manual | None:
    """What says that autocommit is off on `alias` here."""
    present = entries.get()
    entry = present.get(alias or DEFAULT) if present else None
    while isinstance(entry, Running):
        entry = entry.before
    return entry if isinstance(entry, Manual) else None


def mark_broken(alias: str | None = None, cause: BaseException | None = None) -> None:
    """Note that a statement failed: the innermost block must be left before the next one. Nothing outside blocks.

    `cause` is told to whoever tries.
    """
    current = running(alias)
    if current is not None and current.in_block and not current.needs_rollback:
        current.needs_rollback = True
        current.cause = cause


class Block:
    """What `atomic` and `database.statement` share: entering and leaving one block of a transaction."""

    __slots__ = ("_durable", "_entered", "_isolation", "_savepoint", "using")

    isolation: Isolation = "serializable"
    """Of a transaction that this begins where nothing is demanded."""

    def __init__(
        self,
        using: str | None = None,
        savepoint: bool = True,
        durable: bool = False,
        isolation: Isolation | None = None,
    ) -> None:
        self.using = using or DEFAULT
        self._savepoint = savepoint
        self._durable = durable
        self._isolation: Isolation | None = isolation
        self._entered: Any = None
        """The transaction that was entered last, whether that began it, and what was entered before."""

    def begin(self) -> Running:
        """Enter: begin the transaction, or mark a savepoint in the running one."""
        entry = serving(self.using) if entries.get() is not None else None
        if type(entry) is Manual:
            entry = entry.begin(self._isolation)
        if type(entry) is Running:
            entry.enter(savepoint=self._savepoint, isolation=self._isolation, durable=self._durable)
            self._entered = entry, False, self._entered
            return entry
        store: Store = stores[self.using] if entry is None else entry
        begun = Running(self.using, store, self._isolation or self.isolation)
        self._entered = begun, True, self._entered
        return begun

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave what was entered last, by `error` perhaps: commit or roll back, the transaction or the savepoint."""
        current, outermost, self._entered = self._entered
        if current.ended:
            return
        if current.owner != present_owner():
            current.check_owner()
        if not outermost:
            current.leave(error)
        elif error is None and not current.needs_rollback:
            current.commit()
        else:
            current.rollback()


class Atomic(Block):
    """One use of `atomic`: a context manager, sync and async, and a decorator of plain and async functions."""

    __slots__ = ()

    __enter__ = Block.begin

    async def __aenter__(self) -> Running:
        return self.begin()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _again(self) -> Atomic:
        return Atomic(self.using, self._savepoint, self._durable, self._isolation)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """`function` with a block of its own around each call."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("atomic() cannot decorate a generator function: its body runs when the block is over.")
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                async with self._again():
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]

        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._again():
                return function(*args, **kwargs)

        return called


@overload
def atomic(using: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def atomic(
    using: str | None = None, savepoint: bool = True, durable: bool = False, *, isolation: Isolation | None = None
) -> Atomic: ...
def atomic(
    using: str | Callable[..., Any] | None = None,
    savepoint: bool = True,
    durable: bool = False,
    *,
    isolation: Isolation | None = None,
) -> Any:
    """All or nothing: a block whose writes are published together when it is left, or not at all where it raises.

    `with atomic():`, `async with atomic():`, `@atomic`, `@atomic(using="archive")`. A block inside another one is a
    savepoint, unless `savepoint` is False. `durable` refuses to be inside another. `isolation` ("serializable" or
    "snapshot") belongs on the outermost block. Leaving raises IntegrityError or TransactionConflict where it cannot commit.
    """
    if using is not None and callable(using):
        return Atomic(None, savepoint, durable, isolation)(using)
    return Atomic(using, savepoint, durable, isolation)


@contextmanager
def adopt(transaction: Running) -> Iterator[Running]:
    """Use a transaction that another thread or task began, inside the `with`; its owner may not until this is left.

    `with atomic() as transaction:` gives what is handed over. Blocks in here are savepoints of it; ending it stays the
    owner's. Raises TransactionError where it has ended, and where somebody has adopted it already.
    """
    if transaction.ended:
        raise TransactionError("adopt() takes a transaction that runs: this one has ended.")
    if transaction.adopted:
        raise TransactionError("This transaction is adopted already: one thread or task at a time may use it.")
    owner, present = transaction.owner, (entries.get() or {}).get(transaction.alias)
    transaction.adopted = True
    transaction.owner = present_owner()
    before = install(transaction.alias, transaction) if present is not transaction else present
    try:
        yield transaction
    finally:
        transaction.owner = owner
        transaction.adopted = False
        if present is not transaction:
            restore(transaction.alias, transaction, before)


def get_autocommit(using: str | None = None) -> bool:
    """Whether each statement on `using` is a transaction of its own here."""
    return running(using) is None and _manual(using) is None


def set_autocommit(autocommit: bool, using: str | None = None) -> None:
    """Turn autocommit off, or on again, for `using` in this thread or task.

    While it is off, the first statement begins a transaction that lasts until `commit()` or `rollback()`; blocks of
    `atomic()` are savepoints in it. Raises TransactionManagementError inside a block, and where a transaction is to be ended first.
    """
    alias = using or DEFAULT
    current, manual = _outside(using, "set_autocommit()"), _manual(using)
    if current is not None and autocommit:
        raise TransactionManagementError(
            f"A transaction runs on '{alias}': commit() or rollback() must end it before autocommit is turned on."
        )
    if manual is not None and autocommit:
        restore(alias, manual, manual.before)
    elif manual is None and not autocommit:
        Manual(alias)


def commit(using: str | None = None) -> None:
    """Publish what was written since autocommit was turned off or the last transaction ended. Not inside a block."""
    current = _outside(using, "commit()")
    if current is not None:
        current.commit()


def rollback(using: str | None = None) -> None:
    """Undo what was written since autocommit was turned off or the last transaction ended. Not inside a block."""
    current = _outside(using, "rollback()")
    if current is not None:
        current.rollback()


def _outside(using: str | None, what: str) -> Running | None:
    """The transaction of manual management, if one runs; TransactionManagementError inside a block."""
    current = running(using)
    if current is None:
        return None
    current.check_owner()
    if current.in_block:
        raise TransactionManagementError(f"{what} is not for inside an atomic() block, which ends by itself.")
    return current


def _inside(using: str | None, what: str) -> Running:
    current = running(using)
    if current is None or not current.in_block:
        raise TransactionManagementError(f"{what} belongs inside an atomic() block, and none is open here.")
    current.check_owner()
    return current


def _transaction(using: str | None, what: str) -> Running:
    """The transaction that savepoints belong to: a block's, or that of manual management, which this may begin."""
    manual = _manual(using)
    if manual is None:
        return _inside(using, what)
    current = running(using) or manual.begin()
    current.check_owner()
    return current


def get_rollback(using: str | None = None) -> bool:
    """Whether the innermost block will roll back when it is left."""
    return _inside(using, "get_rollback()").needs_rollback


def set_rollback(rollback: bool, using: str | None = None) -> None:
    """Make the innermost block roll back when it is left, or, after a rollback to a savepoint, let it go on."""
    _inside(using, "set_rollback()").needs_rollback = rollback


def on_commit(func: Callable[[], object], using: str | None = None, robust: bool = False) -> None:
    """Call `func` after the outermost block has committed; at once where no block is open.

    Not called where the block, or a savepoint that encloses this call, is rolled back. An error of a hook propagates, the
    data stay committed; a `robust` hook's is logged. Raises TransactionManagementError where autocommit is off and no block is open.
    """
    if not callable(func):
        raise TypeError(f"on_commit() takes a callable, not {type(func).__name__}.")
    current = running(using)
    if current is None and _manual(using) is None:
        _call_hook(func, robust)
        return
    if current is None or not current.in_block:
        raise TransactionManagementError("on_commit() belongs inside an atomic() block where autocommit is off.")
    current.check_owner()
    current.add_hook(func, robust=robust)


def savepoint(using: str | None = None) -> tuple[Savepoint, int]:
    """Mark the present state of the running transaction, to roll back to."""
    current = _transaction(using, "savepoint()")
    current.check()
    return current.mark()


def savepoint_rollback(sid: tuple[Savepoint, int], using: str | None = None) -> None:
    """Undo what was written since the savepoint `sid`, which stays usable."""
    _transaction(using, "savepoint_rollback()").back_to(sid)


def savepoint_commit(sid: tuple[Savepoint, int], using: str | None = None) -> None:  # noqa: ARG001 - as Django's
    """Forget the savepoint `sid`; what was written since stays part of the transaction."""
    _transaction(using, "savepoint_commit()").check()
