"""The commands of `python -m modelkit`. Each is a module that is loaded when it is called; an absent extra is named."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from modelkit.errors import did_you_mean

__all__ = ["main"]

COMMANDS = {
    "check": ("modelkit.cli.check", "say what may be wrong with models"),
    "fsck": ("modelkit.cli.fsck", "look through the files of a store, and repair them"),
    "demo": ("modelkit.cli.demo", "load 28,000 airports and query them every which way"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. An unknown command, or a missing extra, is said on stderr with the way out."""
    parser = argparse.ArgumentParser(prog="python -m modelkit", description="A model layer over an in-memory store.")
    parser.add_argument("command", nargs="?", help="; ".join(f"{name}: {text}" for name, (_, text) in COMMANDS.items()))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return 0
    if given.command not in COMMANDS:
        print(f"There is no command '{given.command}'.{did_you_mean(given.command, COMMANDS)}", file=sys.stderr)
        return 2
    try:
        run = importlib.import_module(COMMANDS[given.command][0]).run
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("modelkit"):
            raise
        print(
            f"The {given.command} needs the package '{missing.name}'. From the checkout: "
            f"{sys.executable} -m pip install -e '.[{given.command}]'",
            file=sys.stderr,
        )
        return 1
    code: int = run(given.rest)
    return code
