"""All contenders give the same answers; how fast is nobody's test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.data import Dataset
from tests.benchmarks.operations import OPERATIONS, Operation, select_operations

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
