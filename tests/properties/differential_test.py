"""Random programs give on modelkit what they give on Django with SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_random_programs_give_what_django_gives() -> None:
    """MODELKIT_DIFFERENTIAL is how many programs, MODELKIT_DIFFERENTIAL_SEED where they start; in a process of its own,
    because Django is configured once in one."""
    programs = os.environ.get("MODELKIT_DIFFERENTIAL", "2000")
    seed = os.environ.get("MODELKIT_DIFFERENTIAL_SEED", "1")
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "tests.properties.differential",
        "--programs",
        programs,
        "--seed",
        seed,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"0 differences in {programs} programs, seed {seed}" in done.stdout
