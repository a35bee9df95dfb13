"""What was found, kept as a file, and the report that the documentation shows of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TypedDict

from tests.typing.checkers import ROOT
from tests.typing.compare.libraries import HERE, LIBRARIES, Library, Verdict, checked
from tests.typing.compare.mistakes import GROUPS

PAGE = ROOT / "docs" / "typing.md"
FILE = HERE / "results.json"
_BEGIN, _END = "<!-- table of python -m tests.typing.compare -->\n", "<!-- end of the table -->\n"


class Found(TypedDict):
    """What was found of one library."""

    versions: list[str]
    digest: str
    verdicts: dict[str, Verdict]


class Results(TypedDict):
    """What was found, with which checkers."""

    checkers: dict[str, str]
    libraries: dict[str, Found]


def run(libraries: Sequence[Library] = LIBRARIES) -> Results:
    """Check these libraries' lines; of the others, what was found before."""
    known = kept()["libraries"] if libraries != LIBRARIES else {}
    found = {library.title: _found(library) for library in libraries}
    return {
        "checkers": {name: version(name) for name in ("mypy", "pyright")},
        "libraries": {library.title: found.get(library.title) or known[library.title] for library in LIBRARIES},
    }


def _found(library: Library) -> Found:
    return {"versions": list(library.requirements), "digest": library.digest, "verdicts": checked(library)}


def kept() -> Results:
    """What the latest run found."""
    results: Results = json.loads(FILE.read_text())
    return results


def keep(results: Results) -> None:
    """Write the results to their file, and the table of them to the page."""
    FILE.write_text(json.dumps(results, indent=1) + "\n")
    before, rest = PAGE.read_text().split(_BEGIN)
    after = rest.split(_END)[1]
    PAGE.write_text(f"{before}{_BEGIN}\n{report(results)}\n{_END}{after}")


def shown() -> str:
    """The report that the page shows."""
    return PAGE.read_text().split(_BEGIN)[1].split(_END)[0].strip() + "\n"


def report(results: Results) -> str:
    """The results in Markdown: a table, and of which versions it tells."""
    table = "".join(f"| {' | '.join(row)} |\n" for row in _rows(results))
    checkers = [f"{name} {number}" for name, number in results["checkers"].items()]
    versions = [
        required.replace("==", " ") for found in results["libraries"].values() for required in found["versions"]
    ]
    return f"{table}\nFound with {', '.join([*checkers, *versions])}.\n"


def _rows(results: Results) -> Iterator[tuple[str, ...]]:
    verdicts = [results["libraries"][library.title]["verdicts"] for library in LIBRARIES]
    yield ("the mistake", *(library.title for library in LIBRARIES))
    yield ("---",) * (len(LIBRARIES) + 1)
    for title, group in GROUPS.items():
        yield (f"**{title}**", *("" for _ in LIBRARIES))
        for key, says in group.items():
            yield (says, *(_cell(library, key, of) for library, of in zip(LIBRARIES, verdicts, strict=True)))
    yield ("**In all**", *("" for _ in LIBRARIES))
    for checker in ("mypy", "pyright"):
        yield (
            f"found by {checker}",
            *(_share(library, of[checker]) for library, of in zip(LIBRARIES, verdicts, strict=True)),
        )
    for checker in ("mypy", "pyright"):
        yield (
            f"correct lines that {checker} takes for errors",
            *(str(len(of[checker]["mistaken"])) for of in verdicts),
        )


def _cell(library: Library, key: str, verdicts: dict[str, Verdict]) -> str:
    if key not in library.asked:
        return "–"
    match [checker for checker, verdict in verdicts.items() if key not in verdict["missed"]]:
        case []:
            return "no"
        case [checker]:
            return checker
        case _:
            return "yes"


def _share(library: Library, verdict: Verdict) -> str:
    asked = len(library.asked)
    return f"{asked - len(verdict['missed'])} of {asked}"
