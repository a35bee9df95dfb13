"""Runs the comparison: `python -m tests.properties.differential --programs N --seed S`."""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Sequence

from tests.properties.differential.compare import Referee


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each difference and what was covered; 1 if there was a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.properties.differential", description=__doc__)
    parser.add_argument("--programs", type=int, default=int(os.environ.get("MODELKIT_DIFFERENTIAL", "300")))
    parser.add_argument(
        "--seed", type=int, default=None, help="where the random choices start; printed if it was drawn"
    )
    parser.add_argument("--skip", type=int, default=0, help="programs to draw and not to run, before those")
    parser.add_argument("--stop", type=int, default=10, help="differences after which to stop")
    parser.add_argument("--raw", action="store_true", help="show differences as they were found, not shrunk")
    parser.add_argument("--quiet", action="store_true", help="no coverage tables")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**31)
    referee, found = Referee(seed), 0
    for difference in referee.differences(options.programs, skip=options.skip, shrink=not options.raw):
        found += 1
        print(f"seed {seed}, {difference.report()}\n", flush=True)
        if found >= options.stop:
            break
    if not options.quiet:
        print(referee.coverage.report())
    print(f"{found} differences in {options.programs} programs, seed {seed}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
