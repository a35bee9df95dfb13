"""Small projects that mypy checks in this process, with a cache that already holds modelkit: written, edited, checked again."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mypy import api
from mypy.dmypy_server import Server
from mypy.main import process_options

ROOT = Path(__file__).parent.parent.parent
WARM = ROOT / ".mypy_cache" / "warm"

_CONFIG = """[mypy]
plugins = modelkit.mypy_plugin
strict = True
disable_error_code = misc
"""
_SEED = "import modelkit.functions\nimport modelkit.contrib.contenttypes\nimport modelkit.expressions\n"


@contextlib.contextmanager
def collecting() -> Iterator[None]:
    """What mypy sets of the garbage collector is as it was after the block."""
    kept = gc.get_threshold()
    try:
        yield
    finally:
        gc.set_threshold(*kept)
        gc.unfreeze()
        gc.collect()


def _run(folder: Path, cache_dir: Path, *options: str) -> tuple[str, str, int]:
    config = ["--config-file", str(folder / "mypy.ini"), "--cache-dir", str(cache_dir), "--no-error-summary"]
    with collecting():
        return api.run([*config, *options])


@cache
def _warm() -> Path:
    """A cache that holds modelkit, written by this very plugin."""
    WARM.mkdir(parents=True, exist_ok=True)
    with (WARM / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be at it
        (WARM / "mypy.ini").write_text(_CONFIG)
        (WARM / "seed.py").write_text(_SEED)
        said, errors, _ = _run(WARM, WARM / "cache", str(WARM / "seed.py"))
    assert not said, said
    assert not errors, errors
    return WARM / "cache"


class Project:
    """Files in a folder, and mypy over them."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.folder = folder
        self.cache = folder / ".cache"
        warm = _warm()
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
        said, errors, _ = _run(self.folder, self.cache, *options, str(self.folder))
        assert not errors, errors
        return self.listed(said)

    def listed(self, said: str) -> list[str]:
        """The errors in what mypy printed."""
        lines = [line for line in said.splitlines() if ": error: " in line]
        return [line.replace(f"{self.folder}/", "").replace("error: ", "") for line in lines]


class Daemon:
    """mypy's daemon over a project, in this process: it keeps all in memory and checks what an edit concerns."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._arguments = [
            *("--config-file", str(project.folder / "mypy.ini")),
            *("--cache-dir", str(project.cache)),
            *("--no-error-summary", str(project.folder)),
        ]
        _, options = process_options(self._arguments, server_options=True)
        self._server = Server(options, str(project.folder / "status.json"))

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.fine_grained_manager = None
        gc.collect()

    def checked(self) -> list[str]:
        """What the daemon says after the latest edit."""
        sources, _ = process_options(self._arguments, server_options=True)
        with collecting():
            said = self._server.check(sources, export_types=False, is_tty=False, terminal_width=80)
        assert not said["err"], said["err"]
        return self._project.listed(str(said["out"]))
