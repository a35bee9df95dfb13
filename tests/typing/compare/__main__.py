"""`python -m tests.typing.compare`: the same mistakes in several libraries, and which of them mypy and pyright find.

Makes an environment for each library, once, by pip; prints a report, keeps the results beside this file, writes the report to docs/typing.md.
With `--modelkit` only modelkit's own lines are checked again, in this environment.
"""

from __future__ import annotations

import argparse
import sys

from tests.typing.compare.libraries import LIBRARIES, MODELKIT
from tests.typing.compare.results import keep, report, run
from tests.typing.environments import EnvironmentMissing


def main() -> None:
    """Run, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m tests.typing.compare", description=__doc__)
    parser.add_argument("--modelkit", action="store_true", help="check modelkit's own lines only")
    try:
        results = run(MODELKIT if parser.parse_args().modelkit else LIBRARIES)
    except EnvironmentMissing as missing:
        sys.exit(str(missing))
    keep(results)
    print(report(results), end="")


if __name__ == "__main__":
    main()
