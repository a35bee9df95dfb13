"""Every reason for which Django on SQLite is no referee is one that the documentation gives."""

from __future__ import annotations

import re
from pathlib import Path

from tests.properties.differential.incomparable import REASONS

INTERNALS = Path(__file__).parent.parent.parent / "docs" / "internals.md"


def test_the_documentation_lists_each_reason_and_no_other() -> None:
    section = INTERNALS.read_text().partition("### Where Django on SQLite is no referee")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)
    assert listed[0] == "reason"
    assert listed[1:] == list(REASONS)
