"""A snapshot that is held for long costs what changes under it, not how often, and nothing once it is let go of."""

from __future__ import annotations

import os

import pytest

from tests.transactions import long_snapshot

COMMITS = int(os.environ.get("MODELKIT_COMMITS", "4800"))
ROWS = 999 if COMMITS < 100_000 else 9_999
TRACED = COMMITS < 100_000
"""Else the process as a whole is judged: counting objects takes several times as long."""


@pytest.mark.parametrize("kind", long_snapshot.HOLDERS)
def test_one_snapshot_held_over_many_commits_keeps_bounded_memory_and_frees_it(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = min(
        (long_snapshot.measure(kind, COMMITS, rows=ROWS, traced=TRACED) for _ in range(2 if TRACED else 1)),
        key=lambda run: run.after.traced - run.before.traced if run.after else 0,
    )  # a table of the process that doubles meanwhile is no leak: it does not double twice
    with capsys.disabled():
        print(f"\nheld by a {kind}\nbefore {figures.before}\nheld   {figures.held[-1]}\nfreed  {figures.after}")
    before, after = figures.before, figures.after
    settled = [moment for moment in figures.held if moment.commits > 3 * ROWS]
    assert after is not None
    assert figures.same, "the snapshot changed"
    assert settled[-1].kept == ROWS
    assert after.kept == 0
    if TRACED:
        assert before.traced + 100 * ROWS < settled[-1].traced < before.traced + 300 * ROWS
        assert max(moment.traced for moment in settled) < settled[0].traced + 50 * ROWS, "it grows with the commits"
        assert after.traced < before.traced + 50 * ROWS, "what was kept is still there"
    assert max(moment.resident for moment in settled) < before.resident + 20_000_000
