"""The type checkers, each run once over many files: what it says of which line.

A checker is asked as its users ask it: from the outside, in its strictest common setting.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).parent.parent.parent
PYTHON = Path(sys.executable)

Messages: TypeAlias = dict[str, dict[int, list[str]]]
"""Name of a file -> line -> what is said of it."""

_MYPY_LINE = re.compile(r"(.+?):(\d+):(?:\d+:)? error: (.*)")


def _run(command: Sequence[str | Path]) -> str:
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout or not done.stderr, done.stderr
    return done.stdout


def tool(name: str) -> Path:
    """The command `name` of this interpreter's environment."""
    return Path(sys.executable).parent / name


def parsed(output: str) -> Messages:
    """What mypy printed."""
    lines = (_MYPY_LINE.match(line) for line in output.splitlines())
    return _gathered((match[1], int(match[2]), match[3]) for match in lines if match)


def mypy(files: Sequence[Path], *options: str, python: Path = PYTHON) -> Messages:
    """mypy --strict, as mypy.ini says, of the environment of `python`."""
    return parsed(
        _run(
            [
                python,
                "-m",
                "mypy",
                "--no-error-summary",
                "--no-pretty",
                "--show-absolute-path",
                *options,
                *files,
            ]
        )
    )


def plugged(files: Sequence[Path]) -> Messages:
    """The same with modelkit.mypy_plugin."""
    return mypy(files, "--config-file", str(ROOT / "tests" / "typing" / "plugin.ini"))


def pyright(files: Sequence[Path], *, python: Path = PYTHON) -> Messages:
    """pyright in its standard mode, over what the environment of `python` holds."""
    output = _run([tool("pyright"), "--outputjson", "--pythonpath", python, *files])
    errors = [entry for entry in json.loads(output)["generalDiagnostics"] if entry["severity"] == "error"]
    return _gathered((entry["file"], entry["range"]["start"]["line"] + 1, entry["message"]) for entry in errors)


def ty(files: Sequence[Path]) -> Messages:
    """ty as it comes."""
    output = _run([tool("ty"), "check", "--python", sys.prefix, "--output-format", "gitlab", *files])
    return _gathered(
        (entry["location"]["path"], entry["location"]["positions"]["begin"]["line"], entry["description"])
        for entry in json.loads(output)
    )


def pyrefly(files: Sequence[Path]) -> Messages:
    """pyrefly with its strict preset."""
    options = ("--python-interpreter-path", sys.executable, "--preset", "strict", "--output-format", "json")
    errors = json.loads(_run([tool("pyrefly"), "check", *options, *files]))["errors"]
    return _gathered(
        (entry["path"], entry["line"], entry["description"]) for entry in errors if entry["severity"] == "error"
    )


def _gathered(entries: Any) -> Messages:
    found: Messages = {}
    for path, line, message in entries:
        found.setdefault(Path(path).name, {}).setdefault(line, []).append(message)
    return found


CHECKERS: dict[str, Callable[[Sequence[Path]], Messages]] = {
    "mypy": mypy,
    "mypy+plugin": plugged,
    "pyright": pyright,
    "ty": ty,
    "pyrefly": pyrefly,
}


def installed(name: str) -> bool:
    """Whether this environment has the checker."""
    with contextlib.suppress(ModuleNotFoundError):
        return importlib.util.find_spec(name.partition("+")[0]) is not None
    return False
