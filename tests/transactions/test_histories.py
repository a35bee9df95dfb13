"""Random histories hold what their level promises, and the checker finds what it must not miss."""

from __future__ import annotations

import os
import random

import pytest

from modelkit.stores.base import Isolation
from modelkit.stores.memory.footprint import Footprint
from tests.transactions import histories

TRANSACTIONS = int(os.environ.get("MODELKIT_HISTORIES", "10000"))
"""For each level."""


@pytest.mark.parametrize("level", ["serializable", "snapshot"])
def test_random_histories_show_no_anomaly(level: Isolation, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("MODELKIT_HISTORIES_SEED", random.randrange(1 << 30)))
    committed, problems = histories.run(TRANSACTIONS, seed, level)
    with capsys.disabled():
        print(f"\n{level}: {committed} of {TRANSACTIONS} transactions committed, seed {seed}")
    assert problems == []
    assert committed > TRANSACTIONS // 4


def test_a_history_is_reproduced_by_its_seed() -> None:
    first, second = (histories.record(5, 100, "serializable") for _ in range(2))
    assert [attempt.reads for attempt in first] == [attempt.reads for attempt in second]


def test_the_checker_finds_write_skew() -> None:
    found = [histories.check(histories.record(seed, 200, "snapshot"), "serializable") for seed in range(5)]
    assert all("cycle" in problems[0] for problems in found)


def test_the_checker_finds_a_store_that_does_not_look_at_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Footprint, "refuse_changed", lambda *_: None)
    assert any(histories.check(histories.record(seed, 200, "serializable"), "serializable") for seed in range(5))


def test_the_checker_finds_aborted_intermediate_and_skewed_reads() -> None:
    def attempt(number: int, reads: list[histories.Read], began: int, committed: int) -> histories.Attempt:
        return histories.Attempt(number, began, committed, reads)

    aborted = attempt(1, [(0, ())], 0, 0)
    aborted.appends[0] = [101]
    assert "never committed" in histories.check([aborted, attempt(2, [(0, (101,))], 0, 1)], "snapshot")[0]

    twice = attempt(1, [(0, ()), (0, (101,))], 0, 1)
    twice.appends[0] = [101, 102]
    assert "middle" in histories.check([twice, attempt(2, [(0, (101,))], 0, 2)], "snapshot")[0]

    writer = attempt(1, [(0, ()), (1, ())], 0, 1)
    writer.appends[0], writer.appends[1] = [101], [102]
    reader = attempt(2, [(0, ()), (1, (102,))], 0, 2)
    assert "did not see" in histories.check([writer, reader], "snapshot")[0]
