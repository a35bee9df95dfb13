"""When a store waits for the disk: at each commit, at each new snapshot, or only when it is closed."""

from __future__ import annotations

import errno
import warnings
from pathlib import Path

import pytest

from modelkit import MemoryStore
from modelkit.stores.memory.files import journal as journals
from modelkit.stores.memory.files.journal import Sync
from tests.faults.disks import TEAM, Disk, abandon, dump, opened, reopened

COMMITS = 20


class Log(Disk):
    """Notes which file each wait is for; `settled` holds the bytes of each as they stood at the last wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[int, str] = {}
        self.paths: dict[int, Path] = {}
        self.waited: list[str] = []
        self.settled: dict[str, bytes] = {}

    def open(self, path: Path, *, append: bool = False) -> int:
        descriptor = super().open(path, append=append)
        self.names[descriptor], self.paths[descriptor] = path.name, path
        return descriptor

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self.waited.append(self.names[descriptor])
        self.settled[self.names[descriptor]] = self.paths[descriptor].read_bytes()

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        self.waited.append("directory")

    def took(self) -> list[str]:
        """What was waited for since this was asked last."""
        waited, self.waited = self.waited, []
        return waited


def commits(store: MemoryStore) -> None:
    first = len(dump(store)[0]) + 1
    for number in range(first, first + COMMITS):
        store.insert(TEAM, [(number, f"t{number}")])


def compact(store: MemoryStore) -> None:
    assert store._committer.journal is not None
    store._committer.journal.compact()


SNAPSHOT = ["db.json.tmp", "directory", "db.json.log"]
"""A new snapshot is there before it takes the old one's name, the name is, and only then is the log emptied."""


@pytest.mark.parametrize(
    ("sync", "commit", "snapshot"), [("full", ["db.json.log"], SNAPSHOT), ("normal", [], SNAPSHOT), ("off", [], [])]
)
def test_each_mode_waits_where_it_says(sync: Sync, commit: list[str], snapshot: list[str], tmp_path: Path) -> None:
    disk = Log()
    store = opened(tmp_path / "db.json", sync=sync, system=disk)
    disk.took()
    commits(store)
    assert disk.took() == commit * COMMITS
    compact(store)
    assert disk.took() == snapshot
    commits(store)
    assert disk.took() == commit * COMMITS
    store.close()
    assert disk.took() == SNAPSHOT
    assert disk.settled["db.json.tmp"] == (tmp_path / "db.json").read_bytes()


@pytest.mark.parametrize("sync", ["full", "normal", "off"])
def test_after_close_everything_stands_on_the_disk(sync: Sync, tmp_path: Path) -> None:
    for compacted in (False, True):
        disk = Log()
        file = tmp_path / f"{compacted}" / "db.json"
        file.parent.mkdir()
        store = opened(file, sync=sync, system=disk)
        commits(store)
        if compacted:
            compact(store)
        disk.took()
        store.close()
        settled = disk.settled.get("db.json", b"") if sync == "off" and compacted else disk.settled["db.json.tmp"]
        assert settled == file.read_bytes()
        assert disk.settled.get("db.json.log", b"") == file.with_name("db.json.log").read_bytes() == b""
        waited = disk.took()
        assert (waited == []) == (compacted and sync != "off")


@pytest.mark.parametrize("sync", ["full", "normal"])
def test_opening_waits_for_what_a_process_before_left_to_the_system(sync: Sync, tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json", sync="off")
    commits(store)
    compact(store)
    commits(store)
    abandon(store)
    disk = Log()
    store = opened(tmp_path / "db.json", sync=sync, system=disk)
    assert disk.took() == ["db.json.log", "db.json", "directory"]
    assert disk.settled["db.json"] == (tmp_path / "db.json").read_bytes()
    store.close()


def test_with_off_nothing_is_waited_for_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "SHORTEST_LOG", 300)
    disk = Log()
    store = opened(tmp_path / "db.json", sync="off", system=disk)
    commits(store)
    assert "rename" in disk.calls, "no snapshot was written"
    assert disk.waited == []
    store.close()
    assert disk.waited


@pytest.mark.parametrize("sync", ["full", "normal", "off"])
def test_every_mode_survives_the_end_of_the_process(sync: Sync, tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json", sync=sync)
    commits(store)
    rows = dump(store)
    abandon(store)
    assert reopened(tmp_path / "db.json", tmp_path / "again") == rows


@pytest.mark.parametrize("sync", ["full", "normal", "off"])
def test_a_disk_that_fails_while_a_store_is_closed_is_a_warning_and_loses_nothing(sync: Sync, tmp_path: Path) -> None:
    call = 0
    while True:
        call += 1
        disk = Disk()
        file = tmp_path / f"{call}" / "db.json"
        file.parent.mkdir()
        store = opened(file, sync=sync, system=disk)
        commits(store)
        rows = dump(store)
        disk.fail(call, OSError(errno.EIO, "Input/output error"), stays=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            store.close()
        assert reopened(file, tmp_path / f"again{call}") == rows
        if len(disk.calls) < call:
            assert caught == []
            break
        assert "Input/output error" in str(caught[0].message)
    assert call > 5


def test_a_store_whose_last_snapshot_was_not_waited_for_is_told_of_a_failure(tmp_path: Path) -> None:
    disk = Disk()
    store = opened(tmp_path / "db.json", sync="off", system=disk)
    commits(store)
    compact(store)
    disk.fail(1, OSError(errno.EIO, "Input/output error"), stays=True)
    with pytest.warns(RuntimeWarning, match="may not stand on the disk"):
        store.close()
    opened(tmp_path / "db.json").close()
