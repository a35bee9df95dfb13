"""What the plugin says of truth values: where, of what, and what to write instead; what it leaves alone where variables change their type."""

from __future__ import annotations

from pathlib import Path

from tests.typing.projects import Project

MODELS = """
from modelkit import BooleanField, CharField, IntegerField, Model

class User(Model):
    name = CharField(max_length=9)
    age = IntegerField()
    active = BooleanField()
"""


def said_of(tmp_path: Path, body: str, *options: str) -> list[str]:
    """What is said of the lines of a function that takes conditions, by line and column in it."""
    head = "from models import User\nfrom modelkit.expressions import Cond\n"
    function = f"def use(flag: bool, cond: Cond[User], maybe: Cond[User] | None) -> None:\n{body}"
    project = Project(tmp_path, {"models.py": MODELS, "views.py": head + function})
    lines = [line.removeprefix("views.py:") for line in project.checked("--show-column-numbers", *options)]
    return [f"{int(line.split(':')[0]) - 3}:{line.partition(':')[2]}" for line in lines]


def test_an_error_stands_at_the_condition_and_says_the_way_out(tmp_path: Path) -> None:
    body = """\
    if User.age > 3: pass
    User.objects.filter(User.age > 3 and User.name == "x")
    print(18 < User.age < 65)
    print(not cond)
    print(User.active or flag)
    if maybe: pass
    assert flag and (
        User.name.icontains("x") or flag)
    User.objects.filter(cond)
"""
    row = "a condition is true or false for each row"
    assert said_of(tmp_path, body) == [
        f'1:8: "Cond[User]" has no truth value: {row}. Ask for rows: filter(...).exists().  [modelkit]',
        f'2:25: "Cond[User]" has no truth value: {row}. Join conditions by & instead of `and`, each side in parentheses.  [modelkit]',
        f'3:11: "Cond[User]" has no truth value: {row}. Write two comparisons joined by &, each in parentheses, or between().  [modelkit]',
        f'4:15: "cond" has no truth value: {row}. Turn a condition round by ~ instead of `not`.  [modelkit]',
        '5:11: "User.active" has no truth value: it stands for what each row has. Ask whether is_true(), or compare it.  [modelkit]',
        '6:8: "maybe" has no truth value where it is a condition. Compare it with None: `is not None`.  [modelkit]',
        f'8:9: "Cond[User]" has no truth value: {row}. Join conditions by | instead of `or`, each side in parentheses.  [modelkit]',
    ]


def test_a_variable_that_may_change_its_type_is_judged_by_what_it_holds_alone(tmp_path: Path) -> None:
    body = """\
    found = User.age > 3
    if found: pass
    found = [User.age > 3]
    if found: pass
    once = User.age > 3
    if once: pass
"""
    options = ("--allow-redefinition", "--local-partial-types")
    assert [line.split(":")[0] for line in said_of(tmp_path, body, *options)] == ["2", "6"]
