"""The `connection` that Django's test harness touches, over a modelkit store."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modelkit import transaction
from modelkit.database import aliases
from modelkit.transaction import running, store_of
from tests.django_suite.shim.facade import Unbuilt
from tests.django_suite.shim.features import Features

__all__ = ["BaseDatabaseWrapper", "Connections"]


class _Refusing:
    """A part of a connection that only SQL databases have."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unbuilt(f"A modelkit store has no connection.{self._part}.{name}.")


class _Operations(_Refusing):
    """The few operations that tests of models ask for."""

    integer_field_ranges = {
        "SmallIntegerField": (-32_768, 32_767),
        "IntegerField": (-2_147_483_648, 2_147_483_647),
        "BigIntegerField": (-9_223_372_036_854_775_808, 9_223_372_036_854_775_807),
        "PositiveBigIntegerField": (0, 9_223_372_036_854_775_807),
        "PositiveSmallIntegerField": (0, 32_767),
        "PositiveIntegerField": (0, 2_147_483_647),
        "SmallAutoField": (-32_768, 32_767),
        "AutoField": (-2_147_483_648, 2_147_483_647),
        "BigAutoField": (-9_223_372_036_854_775_808, 9_223_372_036_854_775_807),
    }

    def integer_field_range(self, internal_type: str) -> tuple[int, int]:
        return self.integer_field_ranges[internal_type]

    def quote_name(self, name: str) -> str:
        return name

    def bulk_batch_size(self, fields: Any, objs: Any) -> int:
        return len(objs)

    def sequence_reset_sql(self, style: Any, models: Any) -> list[str]:
        """Nothing to run: a sequence moves past the keys that rows are given."""
        return []

    def check_expression_support(self, expression: Any) -> None:
        """Everything is supported, or raises where it is built."""


class _Validation:
    """System checks of fields: the memory store has none of its own."""

    def check(self, **_: Any) -> list[Any]:
        return []

    def check_field(self, field: Any, **_: Any) -> list[Any]:
        return []


class BaseDatabaseWrapper:
    """One alias's store, with the attributes that Django's tests and test cases read."""

    vendor = "modelkit"
    display_name = "modelkit"
    queries_limit = 9_000
    allow_thread_sharing = True
    timezone = None
    settings_dict: dict[str, Any]

    def __init__(self, alias: str, queries_log: list[tuple[str, str]]) -> None:
        self.alias = alias
        self.queries_log = queries_log
        self.features = Features()
        self.ops = _Operations("ops")
        self.introspection = _Refusing("introspection")
        self.creation = _Refusing("creation")
        self.client = _Refusing("client")
        self.validation = _Validation()
        self.connection: Any = None
        self.force_debug_cursor = False
        self.settings_dict = {
            "NAME": alias,
            "ENGINE": "modelkit",
            "TIME_ZONE": None,
            "ATOMIC_REQUESTS": False,
            "AUTOCOMMIT": True,
            "TEST": {"MIRROR": None},
        }

    @property
    def store(self) -> Any:
        return store_of(self.alias)

    @property
    def queries(self) -> list[dict[str, str]]:
        return [{"sql": text, "time": "0"} for alias, text in self.queries_log if alias == self.alias]

    @property
    def in_atomic_block(self) -> bool:
        current = running(self.alias)
        return current is not None and current.in_block

    @property
    def autocommit(self) -> bool:
        return transaction.get_autocommit(self.alias)

    def get_autocommit(self) -> bool:
        return self.autocommit

    def set_autocommit(self, autocommit: bool) -> None:
        transaction.set_autocommit(autocommit, self.alias)

    def commit(self) -> None:
        transaction.commit(self.alias)

    def rollback(self) -> None:
        transaction.rollback(self.alias)

    @property
    def needs_rollback(self) -> bool:
        current = running(self.alias)
        return current is not None and current.needs_rollback

    @property
    def savepoint_ids(self) -> list[Any]:
        current = running(self.alias)
        return [] if current is None else [None if block is None else block[0] for block in current.blocks]

    @property
    def run_on_commit(self) -> list[tuple[set[Any], Any, bool]]:
        current = running(self.alias)
        return [] if current is None else [(set(), hook, robust) for hook, robust in current.hooks]

    def check_constraints(self, table_names: Any = None) -> None:
        """Raise what the commit would raise of references and deferred uniques."""
        current = running(self.alias)
        if current is not None:
            current.transaction.check_references()

    @contextmanager
    def constraint_checks_disabled(self) -> Iterator[None]:
        """A store checks references when the outermost transaction commits, and never before."""
        yield

    def ensure_connection(self) -> None:
        self.connection = self.store

    def ensure_timezone(self) -> bool:
        """A store keeps no session's time zone."""
        return False

    def connect(self) -> None:
        self.connection = self.store

    def is_usable(self) -> bool:
        return True

    def close(self) -> None:
        self.connection = None

    def close_if_unusable_or_obsolete(self) -> None:
        """A store does not age."""

    def validate_thread_sharing(self) -> None:
        """Any thread may use a store."""

    def inc_thread_sharing(self) -> None:
        """Any thread may use a store."""

    def dec_thread_sharing(self) -> None:
        """Any thread may use a store."""

    @contextmanager
    def temporary_connection(self) -> Iterator[Any]:
        yield self.cursor()

    def cursor(self) -> Any:
        raise Unbuilt("A modelkit store has no cursor: it runs no SQL.")

    def chunked_cursor(self) -> Any:
        raise Unbuilt("A modelkit store has no cursor: it runs no SQL.")

    def schema_editor(self, *_: Any, **__: Any) -> Any:
        raise Unbuilt("A modelkit store has no schema editor.")


class Connections:
    """`django.db.connections`: one wrapper per alias that has a store."""

    def __init__(self, queries_log: list[tuple[str, str]]) -> None:
        self._log = queries_log
        self._made: dict[str, BaseDatabaseWrapper] = {}

    @functools.cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        return {alias: self[alias].settings_dict for alias in self}

    def __getitem__(self, alias: str) -> BaseDatabaseWrapper:
        if alias not in self._made:
            self._made[alias] = BaseDatabaseWrapper(alias, self._log)
        return self._made[alias]

    def __setitem__(self, alias: str, connection: BaseDatabaseWrapper) -> None:
        self._made[alias] = connection

    def __iter__(self) -> Iterator[str]:
        return iter(aliases())

    def __contains__(self, alias: object) -> bool:
        return alias in aliases()

    def all(self, initialized_only: bool = False) -> list[BaseDatabaseWrapper]:
        return [self[alias] for alias in self]

    def close_all(self) -> None:
        for connection in self.all():
            connection.close()
