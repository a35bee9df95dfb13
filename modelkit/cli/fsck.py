"""`python -m modelkit fsck FILE`: what is in a store's files, where damage begins, and the way out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from modelkit.errors import StoreError
from modelkit.stores.memory.files.inspection import cut_log, inspect

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """Say what is in the files; 0 where a store opens them, 1 where they are damaged, 2 where there is nothing to look at."""
    parser = argparse.ArgumentParser(prog="python -m modelkit fsck", description="Look through the files of a store.")
    parser.add_argument("file", help="the store's file, such as data/db.json")
    parser.add_argument(
        "--truncate-at",
        type=int,
        metavar="OFFSET",
        help="cut the log at this byte, at which a commit ends; what is removed is kept beside it",
    )
    given = parser.parse_args(arguments)
    try:
        if given.truncate_at is not None:
            print(f"cut at byte {given.truncate_at}; the removed bytes are in {cut_log(given.file, given.truncate_at)}")
        found = inspect(given.file)
    except StoreError as error:
        print(error, file=sys.stderr)
        return 2
    for line in found.text():
        print(line)
    if found.damage is not None and found.image is not None:
        print(
            f"to keep the {found.image.commits} commits before it: fsck {given.file} --truncate-at {found.image.whole}"
        )
    return 0 if found.is_sound else 1
