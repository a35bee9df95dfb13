"""What mypy kept of a module is dropped when a model it reads by name changes, however far away: cold, incremental, parallel, in the daemon."""

from __future__ import annotations

import contextlib

import pytest
from mypy.version import __version__

from tests.typing.projects import ROOT, Daemon, Project, TimedOut, in_child

FILES = {
    "app/__init__.py": "",
    "app/teams.py": """
from modelkit import CharField, Model

class Team(Model):
    name = CharField(max_length=9)
""",
    "app/kinds.py": """
from typing import TypeVar
from modelkit import ForeignKey, IntegerField, OneToOne, TextField

T = TypeVar("T")

class Age(IntegerField[int]):
    pass

class Key(ForeignKey[T]):
    pass
""",
    "app/users.py": """
from app.kinds import Age, Key
from app.teams import Team
from modelkit import CASCADE, CharField, ForeignKey, Model

class User(Model):
    name = CharField(max_length=9)
    age = Age()
    team = ForeignKey(Team, CASCADE)
    lead: Key[Team] = Key(Team, CASCADE, related_name="leads")
""",
    "app/views.py": """
from app.users import User

def names() -> list[str]:
    return list(User.objects.filter(team__name="x").values_list("team__name", flat=True))

def ages() -> int:
    return User.objects.filter(age=3).count()
""",
    "app/pages.py": """
from app.teams import Team

def members(team: Team) -> int:
    return team.user_set.filter(age=3).count()

def leads(team: Team) -> int:
    return team.leads.filter(age=3).count()
""",
    "app/authors.py": """
from modelkit import CharField, Model

class Author(Model):
    name = CharField(max_length=9)

FAMOUS = Author(name="x").book_set.known().count()
""",
    "app/books.py": """
from typing import Self
from app.authors import Author
from modelkit import CASCADE, CharField, Count, ForeignKey, ModelQuerySet, Model

class BookQuerySet(ModelQuerySet["Book"]):
    def known(self) -> Self:
        return self.filter(author__name="x")

    def counted(self) -> Self:
        return self.annotate(n=Count("author"))

class Book(Model):
    title = CharField(max_length=9)
    author = ForeignKey(Author, CASCADE)
    objects = BookQuerySet.as_manager()
""",
    "app/writers.py": """
from app.authors import Author

def famous(author: Author) -> int:
    return author.book_set.known().filter(pk=3).known().count()
""",
    "app/labels.py": """
from app.badges import Badge
from modelkit import ManyToMany, Model

class Label(Model):
    badges = ManyToMany(Badge, related_name="labels")
""",
    "app/marks.py": """
from modelkit import CharField, Manager, Model, ModelQuerySet, QuerySet

class Marks(ModelQuerySet["Mark"]):
    def seen(self, times: int) -> QuerySet["Mark"]:
        return self.filter(word="x" * times)

class Other(Manager["Mark"]):
    def unseen(self) -> int:
        return 3

class Mark(Model):
    word = CharField(max_length=9)
    marks = Marks.as_manager()
    others = Other()

    class Meta:
        abstract = True
        default_manager_name = "marks"
""",
    "app/badges.py": """
from app.marks import Mark

class Badge(Mark):
    pass
""",
    "app/walls.py": """
from app.labels import Label

def badges(label: Label) -> int:
    return label.badges.filter(word="x").seen(3).count()
""",
    "app/prints.py": """
from app.books import Book
from modelkit import CASCADE, ForeignKey, Model

class Print(Model):
    book = ForeignKey(Book, CASCADE, limit_choices_to={"author__name": "x"})

    class Meta:
        ordering = ["book__title"]
""",
    "app/shelves.py": """
from app.books import Book
from modelkit import Count, Q

KNOWN = Q(author__name="x")

def numbers() -> list[int]:
    return [book.n + book.m for book in Book.objects.annotate(m=Count("author")).known().counted().filter(n=3)]

def known() -> int:
    return Book.objects.filter(KNOWN).count()
""",
    "app/rules.py": """
from app.books import Book
from modelkit.expressions import Cond

class Rule:
    def __init__(self) -> None:
        self.famous = Book.objects.filter(Book.id > 3).exists()

def long() -> bool:
    return bool(3)
""",
    "app/gates.py": """
from app.books import Book
from app.rules import Rule, long

def gate(rule: Rule) -> int:
    if long() or rule.famous:
        return 1
    return Book.objects.filter(Book.id > 3).count()
""",
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # so that mypy's workers, other processes, import this tree's plugin
    return Project(tmp_path, FILES)


FOLLOWS = {"no-any-return", "misc"}
"""What mypy says of a value whose type it could not tell, beside the error itself."""


def found(lines: list[str]) -> set[str]:
    """Files and codes of what is said."""
    pairs = [(line.split(":")[0], line.rpartition("[")[2][:-1]) for line in lines]
    return {f"{file} {code}" for file, code in pairs if code not in FOLLOWS}


EDITS = {
    "a field is renamed two modules away": (
        ("app/teams.py", "name =", "named ="),
        {"app/views.py modelkit"},
    ),
    "a field is of another type two modules away": (
        ("app/teams.py", "name = CharField(max_length=9)", "name = CharField(max_length=9, null=True)"),
        {"app/views.py arg-type"},
    ),
    "a class of fields derives from another": (
        ("app/kinds.py", "Age(IntegerField[int])", "Age(TextField[str])"),
        {"app/views.py arg-type", "app/pages.py arg-type"},
    ),
    "a class of keys leads to one row": (
        ("app/kinds.py", "Key(ForeignKey[T])", "Key(OneToOne[T])"),
        {"app/pages.py attr-defined"},
    ),
    "a field of a relation's far side is renamed": (
        ("app/users.py", "age =", "years ="),
        {"app/views.py modelkit", "app/pages.py modelkit"},
    ),
    "the far side gets another name": (
        ("app/users.py", "ForeignKey(Team, CASCADE)", 'ForeignKey(Team, CASCADE, related_name="people")'),
        {"app/pages.py attr-defined"},
    ),
    "the relation goes": (
        ("app/users.py", "team = ForeignKey(Team, CASCADE)", "pass"),
        {"app/views.py modelkit", "app/pages.py attr-defined"},
    ),
    "a field is renamed by which rows of another module are ordered": (
        ("app/books.py", "title =", "titled ="),
        {"app/prints.py modelkit"},
    ),
    "a field is renamed that a method on self, a variable and a limit name": (
        ("app/authors.py", "name =", "named ="),
        {*(f"app/{name}.py modelkit" for name in ("books", "shelves", "prints", "authors"))},
    ),
    "a method of a queryset's class gets another name": (
        ("app/books.py", "def known", "def famous"),
        {"app/shelves.py attr-defined", "app/writers.py attr-defined", "app/authors.py attr-defined"},
    ),
    "a method of a queryset's class names something else": (
        ("app/books.py", "n=Count", "number=Count"),
        {"app/shelves.py modelkit", "app/shelves.py attr-defined"},
    ),
    "an attribute becomes a condition two modules away": (
        ("app/rules.py", "Book.objects.filter(Book.id > 3).exists()", "Book.id > 3"),
        {"app/gates.py modelkit"},
    ),
    "a function gives a condition two modules away": (
        ("app/rules.py", "bool:\n    return bool(3)", "Cond[Book]:\n    return Book.id > 3"),
        {"app/gates.py modelkit"},
    ),
    "a truth value is asked where none was": (
        ("app/gates.py", "return 1", "return 1 if Book.id > 3 else 2"),
        {"app/gates.py modelkit"},
    ),
    "a queryset's class becomes another one": (
        ("app/books.py", "BookQuerySet.as_manager()", 'ModelQuerySet["Book"].as_manager()'),
        {f"app/{name}.py attr-defined" for name in ("shelves", "writers", "authors")},
    ),
    "a method of related rows gets another name": (
        ("app/marks.py", "def seen", "def noticed"),
        {"app/walls.py attr-defined"},
    ),
    "a method of related rows takes another type": (
        ("app/marks.py", "times: int", "times: bytes"),
        {"app/walls.py arg-type", "app/marks.py operator"},
    ),
    "another manager is the default one": (
        ("app/marks.py", 'default_manager_name = "marks"', 'default_manager_name = "others"'),
        {"app/walls.py attr-defined"},
    ),
    "a model gets a manager of its own": (
        ("app/badges.py", "pass", "from app.marks import Other; others = Other()"),
        {"app/walls.py attr-defined"},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_is_stale_is_checked_again(edit, project):
    (name, old, new), expected = EDITS[edit]
    assert project.checked() == []
    project.replace(name, old, new)
    assert found(project.checked()) == expected
    project.replace(name, new, old)
    assert project.checked() == []


def test_a_new_module_gives_a_model_a_new_far_side(project):
    project.replace("app/pages.py", "team.user_set", "team.guest_set")
    assert found(project.checked()) == {"app/pages.py attr-defined"}
    project.write("app/guests.py", FILES["app/users.py"].replace("class User", "class Guest"))
    assert project.checked() == []
    (project.folder / "app/guests.py").unlink()
    assert found(project.checked()) == {"app/pages.py attr-defined"}


def in_parallel(project: Project, *options: str) -> list[str]:
    """What mypy says with two workers, or alone: mypy 1 has none that work. It gives its workers three seconds to end, which is too
    short for a busy machine, and fails: then once more."""
    workers = () if __version__.startswith("1.") else ("--num-workers", "2")
    for _ in range(5):
        with contextlib.suppress(TimedOut):
            return project.checked(*options, *workers)
    pytest.fail("mypy's workers never ended in time")


def test_a_cold_run_and_parallel_workers_say_the_same(project):
    project.replace("app/teams.py", "name =", "named =")
    incremental = project.checked()
    assert found(incremental) == {"app/views.py modelkit"}
    assert in_parallel(project) == incremental
    assert in_parallel(project, "--cache-dir", str(project.folder / "other")) == incremental


def test_the_daemon_says_the_same(project):
    def edited() -> list[tuple[set[str], list[str]]]:
        daemon = Daemon(project)
        seen = [(set(), daemon.checked())]
        for (name, old, new), _ in EDITS.values():
            project.replace(name, old, new)
            stale = found(daemon.checked())
            project.replace(name, new, old)
            seen.append((stale, daemon.checked()))
        return seen

    assert in_child(edited) == [(set(), []), *((expected, []) for _, expected in EDITS.values())]


GUEST = """
from modelkit import CharField, Model

class Guest(Model):
    name = CharField(max_length=9)
"""
NEW = {
    "a class that had no relation gets one": (
        "app/guests.py",
        GUEST.replace("import", "import CASCADE, ForeignKey,").replace(
            "Model\n", "Model\nfrom app.teams import Team\n", 1
        )
        + "    team = ForeignKey(Team, CASCADE)\n",
        "team.guest_set.count()",
    ),
    "a class that derived from no model derives from one": (
        "app/guests.py",
        "from app.teams import Team\n\nclass Guest(Team):\n    pass\n",
        "int(team.guest.name)",
    ),
    "a module is new": (
        "app/visits.py",
        FILES["app/users.py"].replace("class User", "class Visit"),
        "team.visit_set.filter(age=3).count()",
    ),
}


@pytest.mark.parametrize("edit", NEW)
def test_the_daemon_sees_the_first_that_leads_to_a_model_and_that_it_goes(edit, project):
    name, text, use = NEW[edit]
    project.write("app/guests.py", GUEST)
    project.replace("app/pages.py", "team.user_set.filter(age=3).count()", use)

    def edited() -> list[set[str]]:
        daemon = Daemon(project)
        seen = [found(daemon.checked())]
        for each in (text, "", text, None):
            if each is None:
                (project.folder / name).unlink()
            else:
                project.write(name, each)
            seen.append(found(daemon.checked()))
        return seen

    absent = {"app/pages.py attr-defined"}
    assert in_child(edited) == [absent, set(), absent, set(), absent]
