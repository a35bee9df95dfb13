"""What checkers are told where a truth value is asked for that is none. Each line marked `# Enn` must be an error, every other line none."""
# ruff: noqa: B015, B018, E701, F403, F405, F841, PT018 - the lines are for checkers, the names are the package's own

from __future__ import annotations

from modelkit import *
from modelkit.expressions import Cond


class Team(Model):
    name = CharField(max_length=50)
    members: Reverse[User] = Reverse("team")

    class Meta:
        app_label = "spec_truth"


class User(Model):
    name = CharField(max_length=50)
    age = IntegerField()
    active = BooleanField()
    team = ForeignKey(Team, CASCADE)
    boss: ForeignKey[User | None] = ForeignKey("User", CASCADE, null=True)

    class Meta:
        app_label = "spec_truth"


ADULT = User.age >= 18


def older(age: int) -> Cond[User]:
    return User.age > age


class Search:
    chosen = User.age > 3

    def __init__(self, given: Cond[User] | None) -> None:
        self.given = given
        self.made = User.age > 5

    @property
    def current(self) -> Cond[User]:
        return self.made

    def built(self) -> Cond[User]:
        return self.made

    def asked(self) -> None:
        if self.given: pass  # E01: mypy+plugin, pyright, ty
        if self.made: pass  # E02: mypy+plugin, pyright, ty
        if self.current: pass  # E03: mypy+plugin, pyright, ty
        if self.built(): pass  # E04: mypy+plugin, pyright, ty
        if self.chosen or Search.chosen: pass  # E05: mypy+plugin, pyright, ty
        if self.given is not None: User.objects.filter(self.given)


def bad(flag: bool) -> None:
    if User.age > 3: pass  # E06: mypy+plugin, pyright, ty
    while User.age > 3: pass  # E07: mypy+plugin, pyright, ty
    assert User.age > 3  # E08: mypy+plugin, pyright, ty
    1 if User.age > 3 else 2  # E09: mypy+plugin, pyright, ty
    User.objects.filter(User.age > 3 and User.name == "x")  # E10: mypy+plugin, ty
    User.objects.filter(User.age > 3 or User.name == "x")  # E11: mypy+plugin, ty
    User.objects.filter(not User.age > 3)  # E12
    User.objects.filter(18 < User.age < 65)  # E13: mypy+plugin, ty
    [number for number in (1, 2) if User.age > number]  # E14: mypy+plugin, pyright, ty
    {number: 1 for number in (1, 2) if User.age > number}  # E15: mypy+plugin, pyright, ty
    bool(User.age > 3)  # E16: mypy+plugin
    any(User.age > number for number in (1, 2))  # E17: mypy+plugin
    all([User.age > 3, User.age < 5])  # E18: mypy+plugin
    if (User.age > 3) & (User.name == "x"): pass  # E19: mypy+plugin, pyright, ty
    if ~(User.age > 3) | (User.name == "x"): pass  # E20: mypy+plugin, pyright, ty
    if older(3) and flag: pass  # E21: mypy+plugin, pyright, ty
    if flag and User.name.icontains("x"): pass  # E22: mypy+plugin, pyright, ty
    if User.active: pass  # E23: mypy+plugin, pyright, ty
    User.objects.filter(User.active and User.age > 3)  # E24
    if User.team: pass  # E25: mypy+plugin, pyright, ty
    if User.boss: pass  # E26: mypy+plugin, pyright, ty
    if User.team[Team.name]: pass  # E27: mypy+plugin, pyright, ty
    if Team.members: pass  # E28: mypy+plugin, pyright, ty
    if User.age + 3: pass  # E29: mypy+plugin, pyright, ty
    if ADULT: pass  # E30: mypy+plugin, pyright, ty
    if (found := User.age > 3): pass  # E31: mypy+plugin, pyright, ty
    print(1 < User.age <= 3)  # E32: mypy+plugin, ty


def in_variables(flag: bool, given: Cond[User], maybe: Cond[User] | None = None) -> None:
    alone = User.age > 3
    if alone: pass  # E33: mypy+plugin, pyright, ty
    if flag and (not alone or older(3)): pass  # E34: mypy+plugin, pyright, ty
    late = None
    if flag:
        late = User.age > 3
    if late: pass  # E35: mypy+plugin, pyright, ty
    if late is not None: pass
    if given: pass  # E36: mypy+plugin, pyright, ty
    if maybe: pass  # E37: mypy+plugin, pyright, ty
    if maybe is not None and given is not None: User.objects.filter(maybe, given)
    for each in (User.age > 3, User.age < 4):
        if each: pass  # E38: mypy+plugin, pyright, ty
        User.objects.filter(each)
    match flag:
        case True if alone: pass  # E39: mypy+plugin, pyright, ty
        case _: pass
    if (  # E: pyright
        flag  # E: ty
        and User.age > 3  # E40: mypy+plugin
    ): pass
    sorted([1, 2], key=lambda number: 1 if User.age > number else 2)  # E41: mypy+plugin, pyright, ty
    for name, one in {"adult": older(18)}.items():
        if name == "adult" or not one: pass  # E42: mypy+plugin, pyright
        User.objects.filter(one)


def out_of_collections(conditions: list[Cond[User]], named: dict[str, Cond[User]]) -> None:
    if conditions[0]: pass  # E43: mypy+plugin, pyright, ty
    if named.get("adult"): pass  # E44: mypy+plugin, pyright, ty
    while conditions.pop(): pass  # E45: mypy+plugin, pyright, ty
    User.objects.filter(*conditions)


def good(flag: bool, q: Q, maybe: Cond[User] | None, users: list[User], wide: Cond[User] | list[int], named: dict[str, int]) -> None:
    if named["x"] or named.get("y"): pass
    if (User.age > 3) & Q(age=3): pass
    if Q(age=3) and q and flag: pass
    if not q: q = Q(User.age > 3)
    if maybe is None or flag: pass
    for user in users:
        if user.age > 3 and user.active and 3 < user.age < 5: pass
    rows = User.objects.filter(User.age > 3) if flag else User.objects.filter(older(3))
    if rows and flag: pass
    if User.objects.filter(User.age > 3).exists(): pass
    if not User.objects.filter((User.age > 3) & ~(User.age < 3)): pass
    if isinstance(wide, list) and wide: pass
    User.objects.filter(*[User.age > number for number in (1, 2) if number > 1])
    chosen = (User.age > 3) if flag else (User.age < 3)
    assert User.objects.filter(chosen) and (chosen is not None)
    any(user.age > 3 for user in users)
    0 < 1 < User.age
    if User.objects.filter(User.age > 3).first() and flag: pass
    filters = [User.age > 3]
    if filters and named: User.objects.filter(*filters)
    found = {"adult": User.age > 3} if flag else {}
    if found and "adult" in found: pass
