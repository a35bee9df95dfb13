"""Django's source distribution, tests included, in a cache that version control ignores."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

__all__ = ["CACHE", "SourceMissing", "django_source"]

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "django_suite"
REQUIREMENT = "Django==5.2.*"


class SourceMissing(Exception):
    """Django's source distribution could not be had."""


def django_source(given: str | None = None) -> Path:
    """The directory that holds `django/` and `tests/`: `given`, or the cached one, downloaded where there is none.

    Raises SourceMissing with pip's words where the download fails.
    """
    if given is not None:
        found = Path(given).resolve()
        if not _complete(found):
            raise SourceMissing(f"{found} holds no Django source distribution (django/ and tests/).")
        return found
    cached = _cached()
    return cached if cached is not None else _download()


def _complete(directory: Path) -> bool:
    return (directory / "django" / "db").is_dir() and (directory / "tests" / "basic").is_dir()


def _cached() -> Path | None:
    found = [path for path in sorted(CACHE.glob("*jango-5.2*")) if path.is_dir() and _complete(path)]
    return found[-1] if found else None


def _download() -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-binary",
        ":all:",
        "--no-deps",
        "--dest",
        str(CACHE),
        REQUIREMENT,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SourceMissing(f"pip could not download {REQUIREMENT}:\n{done.stderr.strip() or done.stdout.strip()}")
    for archive in CACHE.glob("*jango-5.2*.tar.gz"):
        with tarfile.open(archive) as opened:
            if hasattr(tarfile, "data_filter"):  # since Python 3.11.4
                opened.extraction_filter = tarfile.data_filter
            opened.extractall(CACHE)
        archive.unlink()
    found = _cached()
    if found is None:
        raise SourceMissing(f"What pip downloaded to {CACHE} holds no Django tests.")
    return found
