"""The lists that the runner goes by: which tests could pass on any store, and which failures are expected and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Portable", "app_of", "expected_failures", "portable_tests"]

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Portable:
    """A test that does not look at SQL text; `counts`: it counts queries."""

    id: str
    counts: bool


def app_of(test: str) -> str:
    """The Django test app that a dotted test id belongs to."""
    return test.partition(".")[0]


def portable_tests(path: Path = _HERE / "portable.txt") -> dict[str, Portable]:
    """The portable tests by id, in the file's order: an id a line, `~` in front of those that count queries."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name = line.strip()
        if name and not name.startswith("#"):
            test = name.lstrip("~")
            found[test] = Portable(test, name.startswith("~"))
    return found


def expected_failures(path: Path = _HERE / "expected_failures.txt") -> dict[str, str]:
    """Reasons by test id: a line is the id, white space, the reason.

    Raises ValueError for a line without a reason and for an id that comes twice.
    """
    reasons: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        test, _, reason = line.strip().partition(" ")
        if not reason.strip():
            raise ValueError(f"{path.name}, line {number}: '{test}' has no reason.")
        if test in reasons:
            raise ValueError(f"{path.name}, line {number}: '{test}' is listed twice.")
        reasons[test] = reason.strip()
    return reasons
