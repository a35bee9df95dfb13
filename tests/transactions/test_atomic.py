"""What atomic() promises, on a table without models."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from modelkit.database import session, statement, use_store
from modelkit.errors import IntegrityError, TransactionError, TransactionManagementError
from modelkit.ir.query import RowOutput, Select, Source
from modelkit.ir.schema import Column, Table
from modelkit.ir.types import IntegerType
from modelkit.stores.memory.store import MemoryStore
from modelkit.transaction import (
    atomic,
    get_autocommit,
    get_rollback,
    on_commit,
    running,
    savepoint,
    savepoint_commit,
    savepoint_rollback,
    set_rollback,
)

NUMBERS = Table("numbers", (Column("n", IntegerType()),), (0,), label="app.Number")
ALL = Select((Source(NUMBERS),), (RowOutput(0),), bare=True)


@pytest.fixture(autouse=True)
def numbers(store: MemoryStore) -> None:
    store.define([NUMBERS])


def other_store() -> MemoryStore:
    other = MemoryStore()
    other.define([NUMBERS])
    return other


def add(*numbers: int, alias: str | None = None) -> None:
    session(alias).insert(NUMBERS, [(number,) for number in numbers])


def rows(alias: str | None = None) -> list[int]:
    return [row[0] for row in session(alias).select(ALL, ())]


class Stop(Exception):
    """What a test's block is left by."""


def fail_after(*numbers: int, **options: Any) -> None:
    with pytest.raises(Stop), atomic(**options):
        add(*numbers)
        raise Stop


def test_a_block_is_published_when_it_is_left() -> None:
    with atomic():
        add(1)
        assert session().store.select(ALL, ()) == []
        assert rows() == [1]
    assert rows() == [1]


def test_a_block_left_by_an_error_leaves_nothing() -> None:
    fail_after(1, 2)
    assert rows() == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_exceptions_that_are_no_errors_roll_back_too(error: type[BaseException]) -> None:
    with pytest.raises(error), atomic():
        add(1)
        raise error
    assert rows() == []


def test_an_inner_block_is_a_savepoint() -> None:
    with atomic():
        add(1)
        fail_after(2)
        add(3)
    assert rows() == [1, 3]


def test_an_inner_block_without_savepoint_takes_the_outer_one_with_it() -> None:
    with atomic():
        add(1)
        fail_after(2, savepoint=False)
        assert get_rollback()
        with pytest.raises(TransactionManagementError, match="leave the innermost"):
            rows()
    assert rows() == []


def test_after_a_broken_inner_block_the_next_savepoint_out_recovers() -> None:
    with atomic():
        add(1)
        with atomic():
            add(2)
            fail_after(3, savepoint=False)
        add(4)
    assert rows() == [1, 4]


def test_a_failed_statement_outside_leaves_nothing() -> None:
    add(1)
    with pytest.raises(IntegrityError):
        add(2, 1)
    assert rows() == [1]


def test_a_block_can_be_used_again_and_inside_itself() -> None:
    block = atomic()
    with block:
        add(1)
        with pytest.raises(Stop), block:
            add(2)
            raise Stop
    with block:
        add(3)
    assert rows() == [1, 3]


def test_functions_are_decorated_with_and_without_parentheses() -> None:
    @atomic
    def plain(number: int) -> int:
        add(number)
        return number

    @atomic(durable=True)
    def durable(number: int) -> None:
        add(number)
        raise Stop

    assert plain(1) == 1
    with pytest.raises(Stop):
        durable(2)
    assert rows() == [1]
    assert plain.__name__ == "plain"


def test_generators_are_not_decorated() -> None:
    with pytest.raises(TypeError, match="generator"):

        @atomic
        def numbers() -> Any:
            yield 1


def test_a_durable_block_must_be_outermost() -> None:
    with atomic(durable=True):
        add(1)
    with atomic(), pytest.raises(RuntimeError, match="durable"), atomic(durable=True):
        pass
    assert rows() == [1]


def test_isolation_is_said_on_the_outermost_block() -> None:
    with (
        atomic(isolation="snapshot"),
        atomic(isolation="snapshot"),
        pytest.raises(TransactionManagementError, match="outermost"),
        atomic(isolation="serializable"),
    ):
        pass


def test_set_rollback_undoes_without_an_error() -> None:
    with atomic():
        add(1)
        set_rollback(True)
    assert rows() == []
    with pytest.raises(TransactionManagementError):
        set_rollback(True)


def test_savepoints_by_hand() -> None:
    with atomic():
        add(1)
        mark = savepoint()
        add(2)
        savepoint_rollback(mark)
        add(3)
        savepoint_commit(savepoint())
    assert rows() == [1, 3]
    with pytest.raises(TransactionManagementError):
        savepoint()


def test_rolling_back_to_a_savepoint_by_hand_heals_a_broken_block() -> None:
    with atomic():
        mark = savepoint()
        fail_after(1, savepoint=False)
        savepoint_rollback(mark)
        set_rollback(False)
        add(2)
    assert rows() == [2]


def test_autocommit_is_off_inside_blocks() -> None:
    assert get_autocommit()
    with atomic():
        assert not get_autocommit()
        with atomic():
            assert not get_autocommit()
    assert get_autocommit()


def test_aliases_have_transactions_of_their_own() -> None:
    with use_store(other_store(), alias="archive"):
        with pytest.raises(Stop), atomic(), atomic(using="archive"):
            add(1)
            add(2, alias="archive")
            raise Stop
        with atomic():
            add(1)
            fail_after(using="archive")
            add(3, alias="archive")
        assert rows() == [1]
        assert rows("archive") == [3]


def test_a_store_for_this_context_inside_a_transaction() -> None:
    with atomic():
        add(1)
        with use_store(other_store()):
            assert rows() == []
            with atomic():
                add(2)
            assert rows() == [2]
        assert rows() == [1]


# -- on_commit


def test_hooks_run_in_order_after_the_commit() -> None:
    ran: list[Any] = []
    with atomic():
        add(1)
        on_commit(lambda: ran.append(("a", rows(), get_autocommit())))
        with atomic():
            on_commit(lambda: ran.append("b"))
        assert ran == []
    assert ran == [("a", [1], True), "b"]


def test_a_hook_runs_when_the_disk_has_the_commit_and_others_may_write(tmp_path: Path) -> None:
    filed = MemoryStore(file=tmp_path / "db.json")
    filed.define([NUMBERS])
    seen: list[Any] = []

    def another() -> None:
        with use_store(filed):
            add(2)

    def hook() -> None:
        seen.append(b'"added":[[1]]' in (tmp_path / "db.json.log").read_bytes())
        thread = threading.Thread(target=another)
        thread.start()
        thread.join(60)
        seen.append(rows())

    with use_store(filed), atomic():
        add(1)
        on_commit(hook)
    assert seen == [True, [1, 2]]
    filed.close()


def test_outside_blocks_a_hook_runs_at_once() -> None:
    ran: list[int] = []
    on_commit(lambda: ran.append(1))
    assert ran == [1]


def test_hooks_of_a_rolled_back_savepoint_are_dropped() -> None:
    ran: list[int] = []
    with atomic():
        on_commit(lambda: ran.append(1))
        with pytest.raises(Stop), atomic():
            on_commit(lambda: ran.append(2))
            with atomic():
                on_commit(lambda: ran.append(3))
            raise Stop
        mark = savepoint()
        on_commit(lambda: ran.append(4))
        savepoint_rollback(mark)
        on_commit(lambda: ran.append(5))
    assert ran == [1, 5]


def test_hooks_of_a_rolled_back_block_are_dropped() -> None:
    ran: list[int] = []
    with pytest.raises(Stop), atomic():
        on_commit(lambda: ran.append(1))
        raise Stop
    with atomic():
        add(1)
    assert ran == []


def test_an_error_in_a_hook_propagates_and_the_data_stay() -> None:
    ran: list[int] = []

    def broken() -> None:
        raise Stop

    with pytest.raises(Stop), atomic():
        add(1)
        on_commit(broken)
        on_commit(lambda: ran.append(1))
    assert rows() == [1]
    assert ran == []


def test_a_robust_hook_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    ran: list[int] = []

    def broken() -> None:
        raise Stop

    with atomic():
        on_commit(broken, robust=True)
        on_commit(lambda: ran.append(1))
    assert ran == [1]
    assert "robust" in caplog.text


def test_a_hook_is_callable() -> None:
    with pytest.raises(TypeError):
        on_commit("not a function")  # type: ignore[arg-type]


# -- owners


def test_another_thread_is_refused_only_where_it_took_the_context_along() -> None:
    add(1)
    found: list[Any] = []

    def look() -> None:
        try:
            found.append(rows())
        except TransactionError as error:
            found.append(error)

    with atomic():
        add(2)
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(look))
        thread.start()
        thread.join()
    (refused,) = found
    assert isinstance(refused, TransactionError)
    assert "thread" in str(refused)


def test_a_child_task_is_refused_and_a_direct_await_is_not() -> None:
    async def work(number: int) -> list[int]:
        add(number)
        return rows()

    async def main() -> None:
        async with atomic():
            assert await work(1) == [1]
            with pytest.raises(TransactionError, match="task"):
                await asyncio.create_task(work(2))
            with pytest.raises(TransactionError, match="thread"):
                await asyncio.to_thread(rows)
        assert await asyncio.create_task(work(3)) == [1, 3]

    asyncio.run(main())


def test_gathered_work_is_refused_as_are_tasks_of_a_group() -> None:
    async def work(number: int) -> None:
        add(number)

    async def main() -> None:
        async with atomic():
            refused = await asyncio.gather(work(1), work(2), return_exceptions=True)
            assert [type(error) for error in refused] == [TransactionError] * 2
            with pytest.raises(ExceptionGroup) as caught:
                async with asyncio.TaskGroup() as group:
                    group.create_task(work(3))
            assert isinstance(caught.value.exceptions[0], TransactionError)
            add(4)
        assert rows() == [4]

    asyncio.run(main())


def test_a_block_may_be_left_in_another_context_than_it_was_entered_in() -> None:
    context = contextvars.copy_context()
    block = atomic()
    context.run(block.__enter__)
    context.run(add, 1)
    assert running() is None
    assert rows() == []
    with atomic():
        add(2)
        outer = running()
        block.__exit__(None, None, None)
        assert running() is outer
    assert context.run(running) is None
    assert context.run(rows) == rows() == [1, 2]
    context.run(add, 3)
    assert rows() == [1, 2, 3]


def test_tasks_have_transactions_of_their_own() -> None:
    async def work(number: int, order: list[int]) -> None:
        async with atomic(isolation="snapshot"):
            add(number)
            await asyncio.sleep(0)
            assert rows() == [number]
            order.append(number)

    async def main() -> list[int]:
        order: list[int] = []
        await asyncio.gather(work(1, order), work(2, order))
        return order

    assert asyncio.run(main()) == [1, 2]


def test_a_cancelled_task_rolls_back() -> None:
    async def work(entered: asyncio.Event) -> None:
        async with atomic():
            add(1)
            entered.set()
            await asyncio.Event().wait()

    async def main() -> None:
        entered = asyncio.Event()
        task = asyncio.create_task(work(entered))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert rows() == []

    asyncio.run(main())


def test_async_functions_are_decorated() -> None:
    @atomic
    async def work(number: int) -> None:
        add(number)
        await asyncio.sleep(0)
        raise Stop

    with pytest.raises(Stop):
        asyncio.run(work(1))
    assert rows() == []


def test_an_abandoned_transaction_is_rolled_back_with_a_warning() -> None:
    def abandon() -> None:
        atomic().__enter__()
        add(1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        contextvars.copy_context().run(abandon)
        gc.collect()
    assert any(
        issubclass(warning.category, ResourceWarning) and "abandoned" in str(warning.message) for warning in caught
    )
    assert rows() == []


# -- statements of several steps


def test_a_statement_is_a_transaction_of_its_own() -> None:
    with statement() as running_session:
        running_session.insert(NUMBERS, [(1,)])
        assert running() is not None
    assert rows() == [1]
    with pytest.raises(Stop), statement():
        add(2)
        raise Stop
    assert rows() == [1]


def test_a_failed_statement_breaks_the_block_it_stands_in() -> None:
    with atomic():
        with pytest.raises(Stop), statement():
            add(1)
            raise Stop
        with pytest.raises(TransactionManagementError):
            rows()
    assert rows() == []


def test_a_failed_reading_statement_breaks_nothing() -> None:
    with atomic():
        add(1)
        with pytest.raises(Stop), statement(reading=True):
            raise Stop
        add(2)
    assert rows() == [1, 2]
