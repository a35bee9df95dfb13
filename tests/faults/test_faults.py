"""What a damaged file, a failing disk, a crash, a fork or a second process does to a store in a file, and what the user sees."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from modelkit import CommitOutcomeUnknown, MemoryStore, StoreClosed, StoreCorrupt, StoreError, StoreLocked
from modelkit.stores.memory import commit
from modelkit.stores.memory.files import journal as journals
from modelkit.stores.memory.files import system as systems
from tests.faults.disks import TEAM, USER, Crash, Disk, abandon, copied, dump, files, opened, reopened, user
from tests.stores.samples import CODE, NAME, add_to_all, delete_where, set_where

RUNS = int(os.environ.get("MODELKIT_KILLS", "25"))
"""How often a process under load is killed."""


def sample(file: Path) -> list[list[Any]]:
    """A file with a snapshot and a log of five commits; what it held after each, the first before any."""
    store = opened(file)
    store.insert(TEAM, [(1, "red"), (2, "blue")])
    store.close()
    store = opened(file)
    states = [dump(store)]
    for work in (
        lambda: store.insert(USER, [user("ann", team=1, age=3), user("bob", code=7)]),
        lambda: store.update(set_where(USER, NAME), (1, "ANN")),
        lambda: store.insert(TEAM, [(9, "grün \U0001f600")]),
        lambda: store.delete(delete_where(USER), (2,)),
        lambda: store.insert(USER, [user("cid")]),
    ):
        work()
        states.append(dump(store))
    abandon(store)
    return states


def contents(file: Path) -> list[bytes]:
    return [path.read_bytes() for path in files(file)]


# 1, 2, 8: damaged files


def test_a_log_cut_at_any_byte_opens_at_the_last_whole_commit(tmp_path: Path) -> None:
    file = tmp_path / "db.json"
    states = sample(file)
    log = file.with_name("db.json.log")
    whole = log.read_bytes()
    ends = [0]
    for line in whole.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    assert len(ends) == len(states)
    for cut in range(len(whole) + 1):
        log.write_bytes(whole[:cut])
        number = sum(end <= cut for end in ends) - 1
        if cut in ends:
            store = opened(file)
        else:
            with pytest.warns(RuntimeWarning, match="middle of a commit"):
                store = opened(file)
            assert file.with_name("db.json.log.torn").read_bytes() == whole[ends[number] : cut]
        assert dump(store) == states[number]
        abandon(store)
        assert log.read_bytes() == whole[: ends[number]]


def test_a_tail_of_zeros_is_a_torn_append(tmp_path: Path) -> None:
    file = tmp_path / "db.json"
    states = sample(file)
    log = file.with_name("db.json.log")
    log.write_bytes(log.read_bytes() + bytes(300))
    with pytest.warns(RuntimeWarning, match="300 bytes"):
        store = opened(file)
    assert dump(store) == states[-1]
    store.close()


def test_every_changed_bit_is_found_and_the_disk_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "db.json"
    sample(file)
    before = contents(file)
    checked = 0
    for path in files(file):
        data = path.read_bytes()
        for place in range(len(data)):
            for bit in range(8):
                path.write_bytes(data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :])
                with pytest.raises(StoreCorrupt) as caught:
                    journals.Journal(file)
                assert str(path.name) in caught.value.file
                assert 0 <= caught.value.offset <= place
                checked += 1
        path.write_bytes(data)
    assert contents(file) == before
    assert checked == 8 * sum(map(len, before))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1, 2]\n",
        b'{"ids": {}, "models": {}}',
        bytes(range(256)),
        b"\0" * 500,
        b"SQLite format 3\0",
        b"\xff\xfe",
    ],
)
def test_what_is_no_file_of_a_store_is_refused_and_left_alone(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "db.json"
    file.write_bytes(data)
    with pytest.raises(StoreCorrupt, match=r"db\.json, byte \d+"):
        MemoryStore(file=file)
    assert file.read_bytes() == data


def test_a_snapshot_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "db.json"
    sample(file)
    data = file.read_bytes()
    for cut in range(0, len(data), 7):
        file.write_bytes(data[:cut])
        with pytest.raises(StoreCorrupt):
            MemoryStore(file=file)


def test_a_log_without_its_snapshot_or_with_a_gap_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "db.json"
    sample(file)
    log = file.with_name("db.json.log")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    with pytest.raises(StoreCorrupt, match="some are missing") as caught:
        MemoryStore(file=file)
    assert caught.value.offset == len(lines[0]) + len(lines[1])
    file.unlink()
    with pytest.raises(StoreError, match="is not"):
        MemoryStore(file=file)


# 3, 4, 9: crashes and failing calls


def insert_one(store: MemoryStore) -> None:
    store.insert(USER, [user("new", team=1)])


def shift_codes(store: MemoryStore) -> None:
    store.update(add_to_all(USER, CODE), (1,))


def whole_transaction(store: MemoryStore) -> None:
    transaction = store.begin()
    try:
        transaction.insert(TEAM, [(5, "five")])
        transaction.insert(USER, [user("in five", team=5)])
        transaction.delete(delete_where(USER), (1,))
        transaction.commit()
    finally:
        transaction.rollback()


def compaction(store: MemoryStore) -> None:
    with store._lock:
        assert store._committer.journal is not None
        store._committer.journal.compact()


WORKS = [insert_one, shift_codes, whole_transaction, compaction]
FAILURES: list[Callable[[], BaseException]] = [
    lambda: OSError(errno.EIO, "Input/output error"),
    lambda: OSError(errno.ENOSPC, "No space left on device"),
    lambda: OSError(errno.EINTR, "Interrupted system call"),
    Crash,
]


@pytest.mark.parametrize("short", [False, True], ids=["nothing written", "short write"])
@pytest.mark.parametrize("number", range(len(FAILURES)), ids=["EIO", "ENOSPC", "EINTR", "crash"])
@pytest.mark.parametrize("work", WORKS)
def test_any_call_may_fail(work: Callable[[MemoryStore], None], number: int, short: bool, tmp_path: Path) -> None:
    sample(tmp_path / "db.json")
    store = opened(copied(tmp_path / "db.json", tmp_path / "done"))
    work(store)
    done = dump(store)
    abandon(store)
    call = 0
    while True:
        call += 1
        disk = Disk()
        file = copied(tmp_path / "db.json", tmp_path / f"at{call}")
        store = opened(file, system=disk)
        before = dump(store)
        disk.fail(call, FAILURES[number](), short=short, stays=number == 3)
        try:
            work(store)
        except CommitOutcomeUnknown:
            assert disk.calls[call - 1] == "sync"
            assert dump(store) == before
            with pytest.raises(StoreError, match="no more writes"):
                insert_one(store)
            assert "sync" not in disk.calls[call:], "a failed fsync is not tried again"
            abandon(store)
            assert reopened(file, tmp_path / f"again{call}") in (before, done)
            continue
        except StoreError:
            disk.heal()
            assert dump(store) == before, "what was not saved is not applied"
            assert reopened(file, tmp_path / f"again{call}") == before
            insert_one(store)
        except Crash:
            abandon(store)
            assert reopened(file, tmp_path / f"again{call}") in (before, done), "half a commit"
            continue
        else:
            assert dump(store) == done
        disk.heal()
        after = dump(store)
        abandon(store)
        assert reopened(file, tmp_path / f"last{call}") == after
        if call > len(disk.calls):
            break
    assert call > 3


@pytest.mark.parametrize("stays", [False, True])
def test_any_call_may_fail_while_a_file_is_made_or_opened(tmp_path: Path, stays: bool) -> None:
    sample(tmp_path / "sample.json")
    (tmp_path / "sample.json.log").write_bytes((tmp_path / "sample.json.log").read_bytes() + b"torn")
    for fresh in (True, False):
        call = 0
        while True:
            call += 1
            directory = tmp_path / f"{fresh}{call}"
            if fresh:
                directory.mkdir()
                file = directory / "db.json"
            else:
                file = copied(tmp_path / "sample.json", directory)
            disk = Disk()
            disk.fail(call, OSError(errno.EIO, "Input/output error"), stays=stays)
            try:
                store = opened_perhaps_torn(file, system=disk)
            except StoreError:
                continue
            disk.heal()
            store.close()
            break
        assert call > 4


def test_a_failed_compaction_after_a_commit_is_a_warning_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "SHORTEST_LOG", 100)
    disk = Disk()
    file = tmp_path / "db.json"
    store = opened(file, system=disk)
    store.insert(TEAM, [(1, "a")])
    monkeypatch.setattr(disk, "rename", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
    with pytest.warns(RuntimeWarning, match="log goes on"):
        store.insert(TEAM, [(number, f"t{number}") for number in range(2, 40)])
    rows = dump(store)
    abandon(store)
    assert reopened(file, tmp_path / "again") == rows


def worker(file: Path) -> tuple[int, int]:
    """A child process that opens `file` and commits, one transaction after the other; its pid, and where it says which are done."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        os.close(reading)
        store = opened_perhaps_torn(file)
        number = len(dump(store)[0])
        os.write(writing, b"0\n")
        while True:
            number += 1
            transaction = store.begin()
            transaction.insert(TEAM, [(number, f"t{number}")])
            transaction.insert(USER, [user(f"u{number}", team=number, code=number)])
            transaction.commit()
            os.write(writing, b"%d\n" % number)
    finally:
        os._exit(1)


def killed(child: int, reading: int, after: int) -> int:
    """Kill a worker once it has said `after` lines; the last number it said."""
    said = b""
    while said.count(b"\n") < after:
        more = os.read(reading, 1 << 16)
        assert more, "the worker ended by itself"
        said += more
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reading, 1 << 16):
        said += more
    os.close(reading)
    return int((b"0\n" + said).split(b"\n")[-2])


def test_no_acknowledged_commit_is_lost_when_the_process_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(journals, "SHORTEST_LOG", 3000)
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    file = tmp_path / "db.json"
    done = torn = 0
    snapshots = set()
    for run in range(RUNS):
        acknowledged = max(done, killed(*worker(file), chance.randint(1, 60)))
        store = opened_perhaps_torn(file)
        teams, users = dump(store)
        numbers = [row[0] for row in teams]
        where = f"seed {seed}, run {run}"
        assert numbers == list(range(1, len(numbers) + 1)), f"{where}: commits are missing"
        assert acknowledged <= len(numbers) <= acknowledged + 1, f"{where}: an acknowledged commit is lost"
        assert [row[3] for row in users] == numbers, f"{where}: half a transaction"
        store._check()
        abandon(store)
        done = len(numbers)
        snapshots.add(file.read_bytes()[:80])
        torn += file.with_name("db.json.log.torn").exists()
        file.with_name("db.json.log.torn").unlink(missing_ok=True)
    assert len(snapshots) > 1, "no snapshot was written"
    with capsys.disabled():
        print(
            f"\n{RUNS} processes killed (seed {seed}), {done} commits, {len(snapshots)} snapshots, {torn} torn appends"
        )


def opened_perhaps_torn(file: Path, **options: Any) -> MemoryStore:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return opened(file, **options)


# 5, 6: full, read-only and missing places


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, Disk | None]]:
    """A directory with little room: a file system of its own where that may be mounted, else a disk that says it is full."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        print("a full disk is simulated: no file system can be mounted here")
        yield place, Disk()
        return
    try:
        yield place, None
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_refuses_a_commit_and_takes_a_small_one_after(
    small_disk: tuple[Path, Disk | None], tmp_path: Path
) -> None:
    place, disk = small_disk
    file = place / "db.json"
    store = opened(file, system=disk)
    store.insert(TEAM, [(1, "a")])
    before = dump(store)
    if disk is not None:
        disk.fail(2, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(StoreError, match="not saved: No space left on device"):
        store.insert(USER, [user(f"name {number}") for number in range(20_000)])
    assert dump(store) == before
    store.insert(TEAM, [(2, "small")])
    after = dump(store)
    abandon(store)
    assert reopened(file, tmp_path / "again") == after


def test_a_read_only_place_is_named_when_a_file_is_opened(tmp_path: Path) -> None:
    place = tmp_path / "fixed"
    place.mkdir()
    sample(place / "db.json")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        print("a read-only place is simulated: no file system can be mounted here")
        disk = Disk()
        disk.fail(1, OSError(errno.EROFS, "Read-only file system"), stays=True)
        with pytest.raises(StoreError, match="Read-only file system"):
            MemoryStore(file=place / "db.json", system=disk)
        return
    try:
        with pytest.raises(StoreError, match="Read-only file system"):
            MemoryStore(file=place / "db.json")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no directory .*nowhere"):
        MemoryStore(file=tmp_path / "nowhere" / "db.json")
    assert not (tmp_path / "nowhere").exists()


# 7, 11: locks, forks, closing


def test_a_second_store_is_told_who_has_the_file(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    with pytest.raises(StoreLocked) as caught:
        MemoryStore(file=tmp_path / "db.json")
    assert caught.value.pid == os.getpid()
    store.close()
    opened(tmp_path / "db.json").close()


def test_the_lock_of_another_process_ends_with_it(tmp_path: Path) -> None:
    file = tmp_path / "db.json"
    child, reading = worker(file)
    assert os.read(reading, 2) == b"0\n"
    with pytest.raises(StoreLocked, match=f"process {child}") as caught:
        MemoryStore(file=file)
    assert caught.value.pid == child
    killed(child, reading, 1)
    opened_perhaps_torn(file).close()


def test_a_forked_child_finds_its_copy_closed_and_harms_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(TEAM, [(1, "a")])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            store.insert(TEAM, [(2, "b")])
        except StoreClosed:
            store.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.insert(TEAM, [(3, "c")])
    with pytest.raises(StoreLocked):
        MemoryStore(file=tmp_path / "db.json")
    abandon(store)
    assert reopened(tmp_path / "db.json", tmp_path / "again")[0] == [(1, "a"), (3, "c")]


def test_closing_twice_is_once_and_use_after_it_is_refused(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(TEAM, [(1, "a")])
    store.close()
    store.close()
    with pytest.raises(StoreClosed):
        store.insert(TEAM, [(2, "b")])
    with pytest.raises(StoreClosed):
        store.begin().insert(TEAM, [(2, "b")])


# 10: interrupts


WATCHED = {
    function.__code__
    for owner in (commit.Committer, journals.Journal, journals._Known, systems.System)
    for function in vars(owner).values()
    if hasattr(function, "__code__")
} | {commit._publish_table.__code__}


def interrupted(work: Callable[[], object], step: int, error: type[BaseException]) -> bool:
    """Run `work`, raising `error` at the `step`-th line of the code that commits; False if it ended before."""
    left = step

    def local(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left == 0:
                raise error
        return local

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: local if frame.f_code in WATCHED else None)
    try:
        work()
    except error:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize(("work", "error"), [(insert_one, MemoryError), (whole_transaction, KeyboardInterrupt)])
def test_an_interrupt_at_any_line_of_a_commit_leaves_all_or_nothing(
    work: Callable[[MemoryStore], None], error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "SHORTEST_LOG", 1200)
    sample(tmp_path / "db.json")
    step = 0
    outcomes = set()
    while True:
        step += 1
        file = copied(tmp_path / "db.json", tmp_path / f"at{step}")
        store = opened(file, sync="off")
        before = dump(store)
        ended = not interrupted(lambda: work(store), step, error)  # noqa: B023 - run at once
        found = dump(store)
        outcomes.add(found == before)
        store._check()
        assert reopened(file, tmp_path / f"again{step}") == found, f"memory and disk differ after line {step}"
        insert_one(store)
        after = dump(store)
        assert len(after[1]) == len(found[1]) + 1
        abandon(store)
        assert reopened(file, tmp_path / f"last{step}") == after, f"a commit after line {step} is lost"
        if ended:
            break
    assert step > 60
    assert outcomes == {True, False}
