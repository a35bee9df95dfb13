"""`python -m tests.typing`: how many of the marked mistakes each checker finds, and what it says beyond them.

With `--mypy 1.20` the tests of this folder run under that version of mypy, in an environment that pip makes once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from tests.typing.checkers import CHECKERS, ROOT, installed
from tests.typing.environments import CACHE, EnvironmentMissing, environment
from tests.typing.marks import marks
from tests.typing.subjects import HERE, specs

BESIDES_MYPY = ("-e", f"{ROOT}[demo]", "pytest", "sortedcontainers-stubs", "types-python-dateutil")


def test_under(version: str) -> int:
    """Run the tests under another version of mypy; what pytest returns.

    Raises EnvironmentMissing where pip cannot install it.
    """
    name = f"mypy_{version}"
    wanted = f"mypy=={version}" if version.count(".") > 1 else f"mypy=={version}.*"
    python = environment(name, [wanted, *BESIDES_MYPY])
    own_cache = {"MYPY_CACHE_DIR": str(CACHE / f"{name}_cache")}
    command = [python, "-m", "pytest", "tests/typing"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | own_cache, check=False).returncode


def compare_checkers() -> None:
    """Print a line for each checker and specification."""
    print(f"{'checker':14}{'specification':24}{'found':>10}{'false':>7}  missed")
    for name, check in CHECKERS.items():
        if not installed(name):
            print(f"{name:14}is not installed")
            continue
        said = check([HERE / spec for spec in specs(name)])
        for spec in specs(name):
            expected, errors = marks(HERE / spec, name), said.get(spec, {})
            missed = [mark for line, mark in expected.items() if line not in errors]
            found = f"{len(expected) - len(missed)}/{len(expected)}"
            print(f"{name:14}{spec:24}{found:>10}{len(errors.keys() - expected):>7}  {' '.join(missed)}")


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.typing", description=__doc__)
    parser.add_argument("--mypy", metavar="VERSION", help="run the tests of this folder under this version of mypy")
    version = parser.parse_args().mypy
    try:
        sys.exit(test_under(version) if version else compare_checkers())
    except EnvironmentMissing as missing:
        sys.exit(str(missing))


if __name__ == "__main__":
    main()
