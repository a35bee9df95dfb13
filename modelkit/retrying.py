"""`retry` and `standing`: one transaction, or one operation, run again where another one committed first.

Knows transactions, no stores. The invariant: a function is run again only after everything of its last run was rolled back,
its hooks included, and only where nothing outside it is part of the transaction.
"""

from __future__ import annotations

import inspect
import random
import sys
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar, overload

from modelkit.errors import OptimisticLockError, TransactionConflict
from modelkit.stores.base import Isolation
from modelkit.transaction import Atomic, get_autocommit

__all__ = ["Pauses", "pauses", "retry", "standing"]

P = ParamSpec("P")
R = TypeVar("R")

SHORTEST: Final = 0.0005
LONGEST: Final = 0.25

ATTEMPTS: Final = 50
"""How often an operation of several statements that stands alone is begun at most."""


class Pauses:
    """How long to wait before the next attempt, and how: exponential backoff with full jitter (Brooker, 2015)."""

    def __init__(self) -> None:
        self.random = random.Random()
        self.sleep: Callable[[float], None] = time.sleep

    def length(self, attempt: int) -> float:
        """Seconds to wait after the `attempt`-th one failed, counted from 1."""
        return self.random.uniform(0, min(LONGEST, SHORTEST * 2.0**attempt))

    def asleep(self, seconds: float) -> Awaitable[None]:
        """As `sleep`, for a coroutine, in whose process asyncio is loaded."""
        pause: Awaitable[None] = sys.modules["asyncio"].sleep(seconds)
        return pause


pauses: Final = Pauses()


@overload
def retry(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def retry(
    *, attempts: int = 10, using: str | None = None, isolation: Isolation | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def retry(
    function: Callable[..., Any] | None = None,
    /,
    *,
    attempts: int = 10,
    using: str | None = None,
    isolation: Isolation | None = None,
) -> Any:
    """Run a function as one transaction, and again on a TransactionConflict, with growing random pauses in between.

    `@retry`, `@retry(attempts=3)`, of plain and of async functions. Called inside a transaction it is part of that one and runs
    once: only the outermost block can be run again. What failed attempts registered with on_commit() is dropped.

    Args:
        attempts: how often it is run at most; the last conflict propagates.
        using: the alias of the store.
        isolation: as for `atomic`.

    Raises:
        ValueError: `attempts` is less than 1.
        TypeError: a generator function, whose body runs when the call is over.
    """
    if attempts < 1:
        raise ValueError(f"retry() makes at least one attempt, not {attempts}.")

    def decorated(target: Callable[..., Any]) -> Callable[..., Any]:
        return _retried(target, attempts, using, isolation)

    return decorated if function is None else decorated(function)


def _retried(
    function: Callable[..., Any], attempts: int, using: str | None, isolation: Isolation | None
) -> Callable[..., Any]:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("retry() cannot decorate a generator function: its body runs when the call is over.")
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            if not get_autocommit(using):
                return await function(*args, **kwargs)
            for attempt in range(1, attempts):
                try:
                    async with Atomic(using, isolation=isolation):
                        return await function(*args, **kwargs)
                except TransactionConflict:
                    await pauses.asleep(pauses.length(attempt))
            async with Atomic(using, isolation=isolation):
                return await function(*args, **kwargs)

        return awaited

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if not get_autocommit(using):
            return function(*args, **kwargs)
        for attempt in range(1, attempts):
            try:
                with Atomic(using, isolation=isolation):
                    return function(*args, **kwargs)
            except TransactionConflict:
                pauses.sleep(pauses.length(attempt))
        with Atomic(using, isolation=isolation):
            return function(*args, **kwargs)

    return called


def standing(alias: str | None, work: Callable[[], R]) -> R:
    """`work`, whose statements are one operation (see `database.statement`), and its result.

    Where the operation is a transaction of its own, it is done again as long as others commit first: like a single statement it ends
    on the latest commit and never conflicts, so `work` must bear being repeated after it was rolled back: receivers of signals that it
    sends are called again, since what they wrote is gone. A stale version is no such conflict, and propagates.
    """
    if not get_autocommit(alias):
        return work()
    for attempt in range(1, ATTEMPTS):
        try:
            return work()
        except OptimisticLockError:
            raise
        except TransactionConflict:
            pauses.sleep(pauses.length(min(attempt, 5)))
    return work()
