"""Environments of their own for what this one does not hold: other libraries, other versions of mypy. Kept, so that pip runs once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "typing"


class EnvironmentMissing(Exception):
    """pip could not install what an environment needs."""


def environment(name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of an environment that holds `requirements`, which are installed where that was not done before.

    Raises EnvironmentMissing with pip's words where the installation fails.
    """
    folder = CACHE / name
    python = folder / "bin" / "python"
    wanted = "\n".join([sys.version, *requirements])
    holds = folder / "requirements"
    if holds.exists() and holds.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentMissing(f"pip could not install {' '.join(requirements)}:\n{done.stderr.strip()}")
    holds.write_text(wanted)
    return python
