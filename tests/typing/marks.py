"""Marks in specifications: which lines must be errors, and for whom.

`# E01` at the end of a line is a mark for every checker; `# E: mypy, pyright` and `# E01: mypy` are marks for those named.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_MARK = re.compile(r"# (E\d*)\b(?:: *([\w+, ]+))?")


@cache
def _read(path: Path) -> tuple[tuple[int, str, frozenset[str]], ...]:
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = _MARK.search(line)
        if match:
            named = frozenset(name.strip() for name in (match[2] or "").split(",") if name.strip())
            found.append((number, match[1] if match[1] != "E" else f"line {number}", named))
    return tuple(found)


def marks(path: Path, checker: str) -> dict[int, str]:
    """Line number -> mark of the lines that must be errors for `checker`."""
    return {number: mark for number, mark, named in _read(path) if not named or checker in named}
