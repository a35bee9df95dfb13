"""A snapshot that is held for long costs what changes under it, not how often, and nothing once it is let go of."""

from __future__ import annotations

import os

import pytest

from modelkit.stores.memory.heap import CHUNK
from tests.transactions import long_snapshot

COMMITS = int(os.environ.get("MODELKIT_COMMITS", "4800"))
ROWS = 999 if COMMITS < 100_000 else 9_999


@pytest.mark.parametrize("kind", long_snapshot.HOLDERS)
def test_one_snapshot_held_over_many_commits_keeps_one_version_of_each_changed_row_and_frees_it(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = long_snapshot.measure(kind, COMMITS, rows=ROWS)
    with capsys.disabled():
        print(f"\nheld by a {kind}\nbefore {figures.before}\nheld   {figures.held[-1]}\nfreed  {figures.after}")
    before, after = figures.before, figures.after
    settled = [moment for moment in figures.held if moment.commits > 3 * ROWS]
    assert after is not None
    assert figures.same, "the snapshot changed"
    assert len(settled) > 2
    assert {moment.kept for moment in settled} == {ROWS}
    # A row is a tuple; a chunk's place is another one, and no list of these need be made at the moment.
    places = ROWS // CHUNK + 2
    for moment in settled:
        assert abs(moment.held["tuple"] - before.held["tuple"] - ROWS) <= places
        assert moment.held.total() <= settled[0].held.total(), "it grows with the commits"
    assert after.kept == 0
    assert after.held <= before.held, "what was kept is still there"
    assert max(moment.resident for moment in settled) < before.resident + 20_000_000
