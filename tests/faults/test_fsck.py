"""`python -m modelkit fsck`: what it says of sound, torn and damaged files, and how it repairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelkit.cli import main
from tests.faults.disks import TEAM, abandon, dump, opened


def made(file: Path) -> list[bytes]:
    """A file with three commits in its log; the log's lines."""
    store = opened(file)
    for number in (1, 2, 3):
        store.insert(TEAM, [(number, f"t{number}")])
    abandon(store)
    return file.with_name("db.json.log").read_bytes().splitlines(keepends=True)


def test_a_sound_file_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path / "db.json")
    assert main(["fsck", str(tmp_path / "db.json")]) == 0
    said = capsys.readouterr().out
    assert "3 commits" in said
    assert "Team: 3 rows, next number 4" in said


def test_a_torn_append_is_no_damage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = made(tmp_path / "db.json")
    log = tmp_path / "db.json.log"
    log.write_bytes(b"".join(lines)[:-5])
    assert main(["fsck", str(tmp_path / "db.json")]) == 0
    said = capsys.readouterr().out
    assert "2 commits" in said
    assert f"the last {len(lines[2]) - 5} bytes" in said


def test_damage_is_located_and_cut_away_with_the_removed_bytes_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, log = tmp_path / "db.json", tmp_path / "db.json.log"
    lines = made(file)
    whole = b"".join(lines)
    place = len(lines[0]) + 40
    damaged = whole[:place] + b"#" + whole[place + 1 :]
    log.write_bytes(damaged)
    assert main(["fsck", str(file)]) == 1
    said = capsys.readouterr().out
    offset = len(lines[0])
    assert f"byte {offset}" in said
    assert f"--truncate-at {offset}" in said
    assert log.read_bytes() == damaged

    assert main(["fsck", str(file), "--truncate-at", str(offset - 1)]) == 2
    assert "No commit ends" in capsys.readouterr().err
    assert log.read_bytes() == damaged

    assert main(["fsck", str(file), "--truncate-at", str(offset)]) == 0
    capsys.readouterr()
    assert log.read_bytes() == lines[0]
    assert (tmp_path / f"db.json.log.cut-{offset}").read_bytes() == damaged[offset:]
    store = opened(file)
    assert dump(store)[0] == [(1, "t1")]
    store.close()


def test_a_damaged_snapshot_and_no_file_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "db.json"
    assert main(["fsck", str(file)]) == 2
    made(file)
    file.write_bytes(file.read_bytes()[:-3])
    assert main(["fsck", str(file)]) == 1
    assert "damaged" in capsys.readouterr().out


def test_an_open_file_is_not_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = opened(tmp_path / "db.json")
    assert main(["fsck", str(tmp_path / "db.json"), "--truncate-at", "0"]) == 2
    assert "open already" in capsys.readouterr().err
    store.close()
