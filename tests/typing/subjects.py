"""What each checker is asked to look at: specifications, corpora and the lines that are compared with other libraries'."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
PLUGIN = "mypy+plugin"

FOR_ALL = (
    "spec_no_plugin.py",
    "spec_fields.py",
    "spec_queries.py",
    "spec_keys.py",
    "spec_truth.py",
    "spec_managers.py",
)
OF_NAMES = ("spec_with_plugin.py", "spec_names.py", "spec_chains.py", "spec_options.py", "spec_related.py")
"""Specifications of what only names in text say: nobody sees that without the plugin."""

NAMES = HERE / "corpus_names.py"
FACES = HERE / "corpus_faces.py"
CORPORA = {PLUGIN: (NAMES, FACES), "pyright": (FACES,), "mypy": (FACES,)}

COMPARED_EXPRESSIONS = HERE / "compare" / "by_modelkit" / "modelkit_expressions.py"
COMPARED_NAMES = HERE / "compare" / "by_modelkit" / "modelkit_names.py"
COMPARED = {
    PLUGIN: (COMPARED_NAMES,),
    "mypy": (COMPARED_EXPRESSIONS,),
    "pyright": (COMPARED_EXPRESSIONS, COMPARED_NAMES),
}


def specs(checker: str) -> tuple[str, ...]:
    """The specifications that a checker is to meet."""
    return (*FOR_ALL, *OF_NAMES) if checker == PLUGIN else FOR_ALL


def subjects(checker: str) -> list[Path]:
    """All that a checker looks at, so that it need run but once."""
    return [*(HERE / spec for spec in specs(checker)), *CORPORA.get(checker, ()), *COMPARED.get(checker, ())]
