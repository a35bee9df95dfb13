"""Transactions managed by hand: autocommit off, commit() and rollback()."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator

import pytest

from modelkit import transaction
from modelkit.database import statement, use_store
from modelkit.errors import IntegrityError, TransactionError, TransactionManagementError
from modelkit.stores.memory.store import MemoryStore
from modelkit.transaction import atomic, commit, get_autocommit, on_commit, rollback, running, set_autocommit
from tests.transactions.test_atomic import NUMBERS, Stop, add, rows


@pytest.fixture(autouse=True)
def numbers(store: MemoryStore) -> None:
    store.define([NUMBERS])


@pytest.fixture
def manual() -> Iterator[None]:
    set_autocommit(False)
    yield
    rollback()
    set_autocommit(True)


@pytest.mark.usefixtures("manual")
def test_nothing_is_published_before_commit(store: MemoryStore) -> None:
    add(1)
    assert rows() == [1]
    with use_store(store):
        assert rows() == []
    commit()
    with use_store(store):
        assert rows() == [1]


@pytest.mark.usefixtures("manual")
def test_rollback_undoes_what_was_written_since_the_last_commit() -> None:
    add(1)
    commit()
    add(2)
    rollback()
    assert rows() == [1]


@pytest.mark.usefixtures("manual")
def test_a_transaction_begins_with_its_first_statement(store: MemoryStore) -> None:
    with use_store(store):
        add(1)
    assert rows() == [1]
    with use_store(store):
        add(2)
    assert rows() == [1]
    commit()
    assert rows() == [1, 2]


@pytest.mark.usefixtures("manual")
def test_a_block_is_a_savepoint() -> None:
    add(1)
    with atomic():
        add(2)
    with pytest.raises(Stop), atomic():
        add(3)
        raise Stop
    assert rows() == [1, 2]
    rollback()
    assert rows() == []


@pytest.mark.usefixtures("manual")
@pytest.mark.parametrize("savepoint", [True, False])
def test_the_outermost_block_undoes_its_own_writes_alone(savepoint: bool) -> None:
    add(1)
    with pytest.raises(Stop), atomic(savepoint=savepoint):
        add(2)
        raise Stop
    assert rows() == [1]


@pytest.mark.usefixtures("manual")
def test_a_failed_statement_leaves_the_transaction_usable() -> None:
    add(1)
    with pytest.raises(IntegrityError):
        add(1)
    with pytest.raises(Stop), statement():
        add(2)
        raise Stop
    assert rows() == [1]
    commit()
    assert rows() == [1]


@pytest.mark.usefixtures("manual")
def test_inside_a_block_nothing_is_ended_by_hand() -> None:
    with atomic():
        for call in (commit, rollback, lambda: set_autocommit(True), lambda: set_autocommit(False)):
            with pytest.raises(TransactionManagementError, match="atomic"):
                call()
        add(1)
    assert rows() == [1]


def test_without_a_block_inside_or_out_the_same_holds_with_autocommit_on() -> None:
    with atomic(), pytest.raises(TransactionManagementError, match="atomic"):
        set_autocommit(False)
    commit()
    rollback()
    set_autocommit(True)
    assert get_autocommit()


def test_autocommit_comes_back_only_after_the_transaction_is_ended() -> None:
    set_autocommit(False)
    assert not get_autocommit()
    add(1)
    with pytest.raises(TransactionManagementError, match=r"commit\(\) or rollback\(\)"):
        set_autocommit(True)
    commit()
    assert not get_autocommit()
    set_autocommit(True)
    assert get_autocommit()
    add(2)
    assert running() is None
    assert rows() == [1, 2]


@pytest.mark.usefixtures("manual")
def test_savepoints_by_hand_need_no_block() -> None:
    mark = transaction.savepoint()
    add(1)
    transaction.savepoint_rollback(mark)
    add(2)
    transaction.savepoint_commit(transaction.savepoint())
    commit()
    assert rows() == [2]


@pytest.mark.usefixtures("manual")
def test_hooks_need_a_block_and_wait_for_the_commit() -> None:
    ran: list[str] = []
    with pytest.raises(TransactionManagementError, match="autocommit"):
        on_commit(lambda: ran.append("never"))
    with atomic():
        on_commit(lambda: ran.append("hook"))
        add(1)
    assert ran == []
    commit()
    assert ran == ["hook"]


@pytest.mark.usefixtures("manual")
def test_a_block_cannot_be_durable_where_leaving_it_commits_nothing() -> None:
    with pytest.raises(RuntimeError, match="autocommit is off"), atomic(durable=True):
        pass


@pytest.mark.usefixtures("manual")
def test_rollback_marks_belong_to_blocks() -> None:
    with pytest.raises(TransactionManagementError):
        transaction.get_rollback()
    add(1)
    with pytest.raises(TransactionManagementError):
        transaction.set_rollback(True)
    with atomic():
        add(2)
        transaction.set_rollback(True)
    assert rows() == [1]


def test_a_task_turns_autocommit_off_for_itself_alone() -> None:
    async def manage() -> None:
        set_autocommit(False)
        add(1)
        commit()
        set_autocommit(True)

    async def both() -> None:
        await asyncio.gather(manage(), asyncio.sleep(0))
        assert get_autocommit()

    asyncio.run(both())
    assert rows() == [1]


@pytest.mark.usefixtures("manual")
def test_a_child_task_does_not_write_in_its_parents_transaction() -> None:
    add(1)

    async def child() -> None:
        add(2)

    with pytest.raises(TransactionError, match="another task"):
        asyncio.run(child())


def test_an_abandoned_transaction_is_rolled_back_with_a_warning(store: MemoryStore) -> None:
    async def forgetful() -> None:
        set_autocommit(False)
        add(1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(forgetful())
        gc.collect()
    assert any("neither commit() nor rollback()" in str(warning.message) for warning in caught)
    assert rows() == []


@pytest.mark.usefixtures("manual")
def test_a_reading_statement_does_not_decide_the_isolation_of_the_transaction_it_begins() -> None:
    with statement(reading=True):
        rows()
    current = running()
    assert current is not None
    assert current.isolation == "serializable"
