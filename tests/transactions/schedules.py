"""Transactions run step by step in a given order: by threads, by tasks, or by one thread that holds them all.

A script is a generator function: each `yield` ends a step, and what runs between is not interleaved with anything. Its block
is opened and left by the runner. The order of steps is given, so that each interleaving is reproducible.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any, Literal, TypeAlias

from modelkit import atomic
from modelkit.database import use_store
from modelkit.stores.base import Isolation
from modelkit.stores.memory.store import MemoryStore

Script: TypeAlias = Callable[[], Generator[None, None, Any]]
Kind: TypeAlias = Literal["threads", "asyncio"]


class Abort(Exception):
    """A script's way to roll its transaction back."""


class Outcome:
    """What became of one script: `error` that ended it (None: it committed), `result` that it returned."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.result: Any = None

    @property
    def committed(self) -> bool:
        return self.error is None


def run(
    kind: Kind, store: MemoryStore, isolation: Isolation, scripts: Sequence[Script], order: Sequence[int]
) -> list[Outcome]:
    """Run `scripts`, each in a transaction of its own, one step at a time as `order` says; each ends at its last step.

    A script of n yields has n + 1 steps, the last of which commits.
    """
    return (_by_threads if kind == "threads" else _by_tasks)(store, isolation, scripts, order)


def _steps(isolation: Isolation, script: Script, outcome: Outcome) -> Generator[None, None, None]:
    """The steps of a script with its block around them."""
    try:
        with atomic(isolation=isolation):
            outcome.result = yield from script()
    except Exception as error:  # noqa: BLE001 - the outcome tells
        outcome.error = error


def _by_threads(
    store: MemoryStore, isolation: Isolation, scripts: Sequence[Script], order: Sequence[int]
) -> list[Outcome]:
    outcomes = [Outcome() for _ in scripts]
    go = [threading.Semaphore(0) for _ in scripts]
    done = threading.Semaphore(0)
    ended = [False for _ in scripts]

    def work(number: int) -> None:
        with use_store(store):
            steps = _steps(isolation, scripts[number], outcomes[number])
            while not ended[number]:
                go[number].acquire()
                ended[number] = next(steps, "ended") == "ended"
                done.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(scripts))]
    for thread in threads:
        thread.start()
    for number in order:
        if not ended[number]:
            go[number].release()
            done.acquire()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "the order has too few steps"
    return outcomes


def _by_tasks(
    store: MemoryStore, isolation: Isolation, scripts: Sequence[Script], order: Sequence[int]
) -> list[Outcome]:
    outcomes = [Outcome() for _ in scripts]
    ended = [False for _ in scripts]

    async def work(number: int, go: asyncio.Semaphore, done: asyncio.Semaphore) -> None:
        steps = _steps(isolation, scripts[number], outcomes[number])
        while not ended[number]:
            await go.acquire()
            ended[number] = next(steps, "ended") == "ended"
            done.release()

    async def main() -> None:
        go = [asyncio.Semaphore(0) for _ in scripts]
        done = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(work(number, go[number], done)) for number in range(len(scripts))]
        for number in order:
            if not ended[number]:
                go[number].release()
                await done.acquire()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)

    with use_store(store):
        asyncio.run(main())
    return outcomes
