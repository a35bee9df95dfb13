"""`python -m tests.typing`: how many of the marked mistakes each checker finds, and what it says beyond them."""

from __future__ import annotations

from tests.typing.checkers import CHECKERS, installed
from tests.typing.marks import marks
from tests.typing.subjects import HERE, specs


def main() -> None:
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


if __name__ == "__main__":
    main()
