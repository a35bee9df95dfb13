"""All contenders give the same answers; how fast is nobody's test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import durability, transactions
from tests.benchmarks.data import Dataset
from tests.benchmarks.measure import Outcome, Result
from tests.benchmarks.operations import OPERATIONS, Operation, select_operations
from tests.benchmarks.report import as_table, goals_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def outcome() -> dict[str, Any]:
    """Every operation at a tiny size, in a process of its own: Django's settings belong to a whole process."""
    command = [sys.executable, "-m", "tests.benchmarks", "--check", "--size", "150", "--json", "-"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("{"), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_modelkit_takes_part(outcome: dict[str, Any]) -> None:
    assert "modelkit" not in outcome["skipped"], outcome["skipped"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.key)
def test_contenders_agree(outcome: dict[str, Any], operation: Operation) -> None:
    found = outcome["operations"][operation.key]
    assert found["disagreeing"] == []
    failed = {name: note for name, note in found["notes"].items() if note.startswith("failed")}
    assert failed == {}


def test_data_follow_from_the_seed() -> None:
    one, other = Dataset(size=50), Dataset(size=50)
    assert (one.authors, one.books, one.tags, one.links) == (other.authors, other.books, other.tags, other.links)
    assert Dataset(size=50, seed=1).authors != one.authors


def test_data_have_the_shape_that_the_goals_speak_of() -> None:
    data = Dataset(size=300)
    assert (len(data.books), len(data.links)) == (1_500, 4_500)
    assert len({row[3] for row in data.books}) == len(data.books)
    assert any(row[4] is None for row in data.authors)
    assert {row[2] for row in data.books} == {row[0] for row in data.authors}


def test_operations_are_selected_by_the_beginning_of_their_key() -> None:
    assert [operation.key for operation in select_operations(["get_by"])] == ["get_by_pk", "get_by_email"]
    with pytest.raises(ValueError, match="no operation 'nothing'"):
        select_operations(["nothing"])


def timed(key: str, **seconds: float) -> Result:
    """A result as a run would leave it."""
    (operation,) = (operation for operation in OPERATIONS if operation.key == key)
    return Result(operation, {name: Outcome(seconds=value) for name, value in seconds.items()})


def test_a_goal_is_met_within_two_or_missed() -> None:
    goals = goals_of(timed("create", modelkit=8e-6, hand=1e-6, django=400e-6, sqlite3=1e-6))
    assert [goal.verdict for goal in goals] == ["within 2x (2.00x off)", "met", "MISSED (8.0x off)"]


def test_a_goal_that_hand_written_code_misses_too_says_so() -> None:
    (goal,) = goals_of(timed("select_related", modelkit=80e-6, hand=50e-6, django=400e-6))[1:]
    assert goal.text == "django /5.0 (>= 10, by hand /8.0)"


def test_the_table_names_who_disagrees_and_who_takes_no_part() -> None:
    result = timed("create", modelkit=8e-6, hand=1e-6)
    result.disagreeing.append("modelkit")
    table = as_table([result], ["modelkit", "hand"], {"peewee": "ImportError: no peewee"})
    assert "create(): modelkit DISAGREES on the answer" in table
    assert "peewee takes no part: ImportError: no peewee" in table


def test_commits_that_wait_for_the_disk_are_compared(tmp_path: Path) -> None:
    medians = durability.compared(1, tmp_path)
    assert list(medians) == list(durability.CONTENDERS)
    assert all(seconds > 0 for seconds in medians.values())


def test_the_limit_of_a_synced_commit_is_judged() -> None:
    medians = dict.fromkeys(durability.CONTENDERS, 1e-4)
    text, met = durability.report({**medians, "journal": 1.4e-4})
    assert met
    assert "x1.40 (<= 1.5): met" in text
    text, met = durability.report({**medians, "journal": 2e-4})
    assert not met
    assert "x2.00 (<= 1.5): MISSED" in text


def test_saves_in_blocks_are_timed_on_tables_of_two_sizes() -> None:
    times = transactions.compared(1, sizes=(200, 300))
    assert list(times) == [200, 300]
    assert all(0 < seconds < float("inf") for taken in times.values() for seconds in taken.values())


def test_what_a_block_costs_is_judged_by_what_it_adds_and_by_its_growth() -> None:
    small = {"save": 3e-6, "block": 5e-6, "ten": 50e-6}
    text, met = transactions.report({10: small, 1_000: {"save": 4e-6, "block": 6e-6, "ten": 90e-6}})
    assert met
    assert "one save of 1,000 rows: 2.00 us more (<= 3): met" in text
    assert "1,000 rows against 10: x1.80 (<= 2): met" in text
    text, met = transactions.report({10: small, 1_000: {"save": 4e-6, "block": 8e-6, "ten": 101e-6}})
    assert not met
    assert "4.00 us more (<= 3): MISSED" in text
    assert "x2.02 (<= 2): MISSED" in text
