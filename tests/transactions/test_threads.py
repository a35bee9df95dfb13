"""What holds with real threads, on this interpreter and on one without a global lock, where there is one."""

from __future__ import annotations

import os
import random
import shutil
import subprocess

import pytest

from tests.transactions import threads

ROUNDS = int(os.environ.get("MODELKIT_THREAD_ROUNDS", "15"))
INTERPRETER = os.environ.get("MODELKIT_FREE_THREADED") or shutil.which("python3.14t") or shutil.which("python3.13t")


@pytest.mark.parametrize("filed", [False, True], ids=["in memory", "in a file"])
@pytest.mark.parametrize("name", threads.WORKS)
def test_work_of_many_threads_keeps_its_rule(name: str, filed: bool) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    assert threads.run(name, workers=4, rounds=ROUNDS, seed=seed, filed=filed) == []


@pytest.mark.skipif(
    INTERPRETER is None,
    reason="no free-threaded Python: MODELKIT_FREE_THREADED names one, or python3.14t is on the path",
)
def test_work_of_threads_that_run_at_the_same_time_keeps_its_rule() -> None:
    assert INTERPRETER is not None
    told = subprocess.run(
        [INTERPRETER, "-c", "import sys; print(sys._is_gil_enabled())"], capture_output=True, text=True, check=False
    )
    assert told.stdout.strip() == "False", f"{INTERPRETER} has a global lock: {told.stderr}"
    assert threads.elsewhere(INTERPRETER, ["--rounds", str(ROUNDS)]) == 0


def test_a_rule_that_is_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(*_: object) -> None:
        return None

    monkeypatch.setattr("modelkit.stores.memory.commit.Committer.check_unchanged", forget)
    monkeypatch.setattr("modelkit.stores.memory.footprint.Footprint.refuse_changed", forget)
    found = [threads.run("lists", workers=4, rounds=200, seed=seed) for seed in range(5)]
    assert any(found), "lost updates went unnoticed"
