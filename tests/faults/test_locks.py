"""Who holds a store's file where the system has no flock(): a lock file that names its process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelkit import MemoryStore, StoreLocked
from modelkit.stores.memory.files import system as systems
from tests.faults.disks import TEAM, Disk, dump, opened


@pytest.fixture(autouse=True)
def _without_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "fcntl", None)


class Windows(systems.System):
    """Removes no file that somebody holds open, and is never asked for a process by its number."""

    is_windows = True

    def __init__(self, held: set[Path]) -> None:
        self.held = held

    def is_running(self, process: int) -> bool:
        raise AssertionError("os.kill() ends processes there")

    def lock(self, path: Path) -> int | None:
        descriptor = super().lock(path)
        if descriptor is not None:
            self.held.add(path)
        return descriptor

    def unlock(self, path: Path, descriptor: int) -> None:
        self.held.discard(path)
        super().unlock(path, descriptor)

    def remove(self, path: Path) -> None:
        if path in self.held:
            raise PermissionError(32, "The file is used by another process")
        super().remove(path)


def ended() -> int:
    """The number of a process that is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_the_lock_file_itself_is_the_lock_and_goes_with_it(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    with pytest.raises(StoreLocked) as caught:
        MemoryStore(file=tmp_path / "db.json")
    assert caught.value.pid == os.getpid()
    store.close()
    assert not (tmp_path / "db.json.lock").exists()
    opened(tmp_path / "db.json").close()


def test_a_lock_file_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(TEAM, [(1, "a")])
    store.close()
    lock = tmp_path / "db.json.lock"
    lock.write_text(f"{ended()}\n")
    again = opened(tmp_path / "db.json")
    assert lock.read_text() == f"{os.getpid()}\n"
    assert dump(again)[0] == [(1, "a")]
    again.close()
    assert not lock.exists()


def test_a_lock_file_of_a_process_that_runs_is_not(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lock = tmp_path / "db.json.lock"
    lock.write_text(f"{child.pid}\n")
    with pytest.raises(StoreLocked, match=f"process {child.pid}"):
        opened(tmp_path / "db.json")
    assert lock.read_text() == f"{child.pid}\n"
    child.communicate(b"\n")
    opened(tmp_path / "db.json").close()


def test_a_process_that_may_not_be_asked_counts_as_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: int, signal: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refuse)
    (tmp_path / "db.json.lock").write_text("1\n")
    with pytest.raises(StoreLocked, match="process 1"):
        opened(tmp_path / "db.json")


@pytest.mark.parametrize("content", ["", "soon"])
def test_a_lock_file_that_names_nobody_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "db.json.lock").write_text(content)
    with pytest.raises(StoreLocked) as caught:
        opened(tmp_path / "db.json")
    assert caught.value.pid is None
    assert (tmp_path / "db.json.lock").read_text() == content


def test_windows_itself_tells_whether_a_lock_file_is_held(tmp_path: Path) -> None:
    held: set[Path] = set()
    store = opened(tmp_path / "db.json", system=Windows(held))
    with pytest.raises(StoreLocked) as caught:
        MemoryStore(file=tmp_path / "db.json", system=Windows(held))
    assert caught.value.pid == os.getpid()
    # A crash: the lock file stays, nobody holds it.
    held.clear()
    again = opened(tmp_path / "db.json", system=Windows(held))
    again.close()
    store.close()


def test_of_two_that_take_over_at_once_one_is_refused(tmp_path: Path) -> None:
    class Slow(Disk):
        """Another process makes its lock file between the removal of the old one and this one's."""

        def remove(self, path: Path) -> None:
            super().remove(path)
            if path.suffix == ".lock" and not path.exists():
                path.write_text(f"{os.getppid()}\n")

    (tmp_path / "db.json.lock").write_text(f"{ended()}\n")
    with pytest.raises(StoreLocked, match=f"process {os.getppid()}"):
        opened(tmp_path / "db.json", system=Slow())
