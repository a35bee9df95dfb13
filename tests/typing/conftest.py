"""One run of each checker for all tests, in whichever process they are."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import pytest

from tests.typing.checkers import CHECKERS, Messages, installed
from tests.typing.subjects import subjects

Said: TypeAlias = Callable[[str], Messages]


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What a checker says of all its subjects. The first process that asks runs it; the others wait, and read what it said."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    @cache
    def said_by(checker: str) -> Messages:
        if not installed(checker):
            pytest.skip(f"{checker} is not installed")
        kept = shared / f"said by {checker}.json"
        with (shared / f"{checker}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                kept.write_text(json.dumps(CHECKERS[checker](subjects(checker))))
        return {
            name: {int(line): text for line, text in lines.items()}
            for name, lines in json.loads(kept.read_text()).items()
        }

    return said_by
