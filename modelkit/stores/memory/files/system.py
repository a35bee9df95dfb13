"""What the files room asks of the operating system, one method a call, so that a test can make the n-th one fail.

Knows files and descriptors, not what is in them. The invariant: a method either did all of what it says or raises OSError.
"""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["System"]


class System:
    """The operating system."""

    is_windows = os.name == "nt"

    def exists(self, path: Path) -> bool:
        """Whether there is a file."""
        return path.exists()

    def read(self, path: Path) -> bytes:
        """All of a file."""
        return path.read_bytes()

    def open(self, path: Path, *, append: bool = False) -> int:
        """A descriptor to write to; the file is made where there is none, and emptied unless this is to `append`."""
        flags = os.O_RDWR | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC)
        return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o644)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of `data`, in as many calls as the system takes."""
        left = memoryview(data)
        while left:
            left = left[self.write_some(descriptor, left) :]

    def write_some(self, descriptor: int, data: memoryview) -> int:
        """Write some of `data`; how many bytes."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Wait until what was written stands on the disk."""
        getattr(os, "fdatasync", os.fsync)(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file to its first `size` bytes."""
        os.ftruncate(descriptor, size)

    def rename(self, path: Path, to: Path) -> None:
        """Let `to` be the file that was `path`, at once."""
        path.replace(to)

    def sync_directory(self, path: Path) -> None:
        """Wait until the names in a directory stand on the disk; nothing where the system cannot."""
        if self.is_windows:
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove a file, where there is one."""
        path.unlink(missing_ok=True)

    def close(self, descriptor: int) -> None:
        """Let go of a descriptor."""
        os.close(descriptor)

    def is_running(self, process: int) -> bool:
        """Whether there is a process of that number now, whichever it is. Not for Windows."""
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True

    def lock(self, path: Path) -> int | None:
        """A descriptor that holds the lock file for this process until it is closed; None where another one holds it.

        Without flock(), the file itself is the lock: it must not be there, or the process that it names must be gone.
        """
        if fcntl is None:
            made = self._made(path)
            return self._made(path) if made is None and self._is_left(path) else made
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _made(self, path: Path) -> int | None:
        """A descriptor of a file that was not there before; None where it was."""
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return None

    def _is_left(self, path: Path) -> bool:
        """Remove the lock file of a process that is gone; whether it was one.

        Windows removes no file that somebody holds open, so that trying tells. Elsewhere the number in the file does.
        """
        try:
            if not self.is_windows and self.is_running(int(path.read_text())):
                return False
            self.remove(path)
        except (PermissionError, ValueError):
            return False
        except FileNotFoundError:
            return True
        return True

    def unlock(self, path: Path, descriptor: int) -> None:
        """Give a lock back."""
        os.close(descriptor)
        if fcntl is None:
            self.remove(path)
