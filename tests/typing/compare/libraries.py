"""The libraries that are compared: which files make the mistakes, what they need, how they are checked."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from tests.typing.checkers import CHECKERS, ROOT, Messages, mypy, pyright
from tests.typing.environments import CACHE, environment
from tests.typing.subjects import COMPARED_EXPRESSIONS, COMPARED_NAMES, PLUGIN

HERE = Path(__file__).parent

Verdict: TypeAlias = dict[str, list[str]]
"""What one checker made of one library's lines: the mistakes "missed", and the correct lines that it took for "mistaken" ones."""

_BOTH = {"mypy": "mypy", "pyright": "pyright"}
_MARK = re.compile(r"# (right|wrong): ([\w-]+)$")


@dataclass(frozen=True)
class Library:
    """One column of the table."""

    title: str
    queries: Path
    checkers: Mapping[str, str] = field(default_factory=lambda: _BOTH)
    """What runs where the table says "mypy" and "pyright"."""
    requirements: tuple[str, ...] = ()
    """None where the lines are modelkit's: this environment holds it."""
    setup: str = ""
    """What a program runs before it can import models."""

    @property
    def models(self) -> Path:
        return self.queries.parent / "models.py"

    def marked(self) -> Iterator[tuple[int, str, str]]:
        """Number, "right" or "wrong", and key of the marked lines."""
        for number, line in enumerate(self.queries.read_text().splitlines(), 1):
            if match := _MARK.search(line):
                yield number, match[1], match[2]

    @property
    def digest(self) -> str:
        """A digest of the files, by which stale results are known."""
        return hashlib.sha256(self.models.read_bytes() + self.queries.read_bytes()).hexdigest()[:16]

    @property
    def asked(self) -> set[str]:
        """The mistakes that have an idiom in this library."""
        return {key for _, kind, key in self.marked() if kind == "wrong"}

    def judged(self, messages: Messages) -> Verdict:
        """The verdict of a checker that said `messages`. It must tell the two lines of a pair apart to have found the mistake."""
        errors = messages.get(self.queries.name, {})
        wrong = {key: number in errors for number, kind, key in self.marked() if kind == "wrong"}
        right = {key: number in errors for number, kind, key in self.marked() if kind == "right"}
        known = {number for number, _, _ in self.marked()}
        elsewhere = [f"{self.queries.name}:{line}" for line in errors if line not in known]
        elsewhere += [f"models.py:{line}" for line in messages.get("models.py", {})]
        return {
            "missed": [key for key, found in wrong.items() if right[key] or not found],
            "mistaken": [key for key, found in right.items() if found] + sorted(elsewhere),
        }


_DJANGO = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.typing.compare.by_django.settings"
django.setup()
"""

MODELKIT = (
    Library("modelkit, expressions", COMPARED_EXPRESSIONS),
    Library("modelkit, names", COMPARED_NAMES, {"mypy": PLUGIN, "pyright": "pyright"}),
)
OTHERS = (
    Library(
        "Django",
        HERE / "by_django" / "queries.py",
        requirements=("django-stubs==6.1.2", "Django==5.2.19"),
        setup=_DJANGO,
    ),
    Library("SQLAlchemy", HERE / "by_sqlalchemy" / "queries.py", requirements=("SQLAlchemy==2.1.9",)),
    Library("Tortoise", HERE / "by_tortoise" / "queries.py", requirements=("tortoise-orm==1.1.9",)),
    Library("Piccolo", HERE / "by_piccolo" / "queries.py", requirements=("piccolo==1.38.0",)),
)
LIBRARIES = (*MODELKIT, *OTHERS)


def checked(library: Library) -> dict[str, Verdict]:
    """What mypy and pyright say of a library's lines; another library's in an environment that holds it.

    Raises EnvironmentMissing where that cannot be made, and CalledProcessError where the lines cannot even be imported.
    """
    files = [library.models, library.queries]
    if not library.requirements:
        return {name: library.judged(CHECKERS[checker](files)) for name, checker in library.checkers.items()}
    package = library.queries.parent.name
    python = environment(package, [*library.requirements, f"mypy=={version('mypy')}"])
    imports = f"{library.setup}\nimport tests.typing.compare.{package}.queries"
    subprocess.run([python, "-c", imports], check=True, cwd=ROOT)
    own = library.queries.parent / "mypy.ini"
    config = own if own.exists() else HERE / "plain.ini"
    options = ("--config-file", str(config), "--cache-dir", str(CACHE / f"{package}_cache"))
    return {
        "mypy": library.judged(mypy(files, *options, python=python)),
        "pyright": library.judged(pyright(files, python=python)),
    }
