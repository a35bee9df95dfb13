"""Small projects that mypy checks in this process, with a cache that already holds modelkit: written, edited, checked again."""

from __future__ import annotations

import contextlib
import fcntl
import io
import multiprocessing
import os
import shutil
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

from mypy import api
from mypy.dmypy_server import Server
from mypy.main import process_options

T = TypeVar("T")

ROOT = Path(__file__).parent.parent.parent
WARM = Path(os.environ.get("MYPY_CACHE_DIR", ROOT / ".mypy_cache")) / "warm"

_CONFIG = """[mypy]
plugins = modelkit.mypy_plugin
strict = True

[mypy-modelkit.*]
follow_imports = silent
"""
"""modelkit's own lines are no subject here, as they are none where it is installed."""
_SEED = "import modelkit.functions\nimport modelkit.contrib.contenttypes\nimport modelkit.expressions\n"


class TimedOut(Exception):
    """mypy gave up a process of its own."""


def in_child(work: Callable[[], T]) -> T:
    """What `work` gives, done in a forked process: whatever mypy leaves in memory goes with that. AssertionError where it fails, TimedOut where mypy had not the time."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def report() -> None:
        try:
            sender.send((True, work()))
        except BaseException:
            sender.send((False, traceback.format_exc()))
            raise

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child touches none
        process = context.Process(target=report)
        process.start()
    sender.close()  # so that a child that dies without a word ends recv()
    done, given = receiver.recv()
    process.join()
    if not done and "subprocess.TimeoutExpired" in given:
        raise TimedOut(given)
    assert done, given
    return given


def run_mypy(*options: str) -> tuple[str, str]:
    """What mypy prints; what it or the plugin says on standard error goes to that of this process, too."""

    def work() -> tuple[str, str]:
        with contextlib.redirect_stderr(io.StringIO()) as told:
            said, errors = _run_patiently("--no-error-summary", *options)
        return said, errors + told.getvalue()

    said, told = in_child(work)
    sys.stderr.write(told)
    return said, told


def _run_patiently(*options: str) -> tuple[str, str]:
    """A run of mypy; again where its workers were late, to which it gives three seconds on however busy a machine."""
    for _ in range(3):
        with contextlib.suppress(OSError):
            return api.run([*options])[:2]
    return api.run([*options])[:2]


def _run(folder: Path, cache_dir: Path, *options: str) -> tuple[str, str]:
    return run_mypy("--config-file", str(folder / "mypy.ini"), "--cache-dir", str(cache_dir), *options)


@contextlib.contextmanager
def _locked(kind: int) -> Iterator[None]:
    """While no other worker writes the warm cache, nor, if `kind` is exclusive, reads it."""
    with (WARM / "lock").open("w") as lock:
        fcntl.flock(lock, kind)
        yield


@cache
def _warm() -> Path:
    """A cache that holds modelkit, written by this very plugin."""
    WARM.mkdir(parents=True, exist_ok=True)
    with _locked(fcntl.LOCK_EX):
        (WARM / "mypy.ini").write_text(_CONFIG)
        (WARM / "seed.py").write_text(_SEED)
        said, told = _run(WARM, WARM / "cache", str(WARM / "seed.py"))
    assert not said, said
    assert not told, told
    return WARM / "cache"


class Project:
    """Files in a folder, and mypy over them."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.folder = folder
        self.cache = folder / ".cache"
        warm = _warm()
        with _locked(fcntl.LOCK_SH):
            shutil.copytree(warm, self.cache, dirs_exist_ok=True)
        (folder / "mypy.ini").write_text(_CONFIG)
        for name, text in files.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        """Make or replace a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def replace(self, name: str, old: str, new: str) -> None:
        """Edit a file; `old` must stand in it."""
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def checked(self, *options: str) -> list[str]:
        """What mypy says, as `file:line: message`, notes left out; the cache is read and written."""
        said, _ = _run(self.folder, self.cache, *options, str(self.folder))
        return self.listed(said)

    def listed(self, said: str) -> list[str]:
        """The errors in what mypy printed."""
        lines = [line for line in said.splitlines() if ": error: " in line]
        return [line.replace(f"{self.folder}/", "").replace("error: ", "") for line in lines]


class Daemon:
    """mypy's daemon over a project: it keeps all in memory and checks what an edit concerns. To be used inside `in_child()`."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._arguments = [
            *("--config-file", str(project.folder / "mypy.ini")),
            *("--cache-dir", str(project.cache)),
            *("--no-error-summary", str(project.folder)),
        ]
        _, options = process_options(self._arguments, server_options=True)
        self._server = Server(options, str(project.folder / "status.json"))

    def checked(self) -> list[str]:
        """What the daemon says after the latest edit."""
        sources, _ = process_options(self._arguments, server_options=True)
        said = self._server.check(sources, export_types=False, is_tty=False, terminal_width=80)
        assert not said["err"], said["err"]
        return self._project.listed(str(said["out"]))
