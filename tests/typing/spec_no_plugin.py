"""What checkers are told without a plugin. Each line marked `# Enn` must be an error, every other line none."""
# ruff: noqa: B018, E701, E702, E711, F403, F405, I001, UP035 - the lines are for checkers, the names are the package's own

from __future__ import annotations
from typing import assert_type
from typing_extensions import Self
from modelkit import *

class Org(Model):
    title = CharField(max_length=10)
class Team(Model):
    name = CharField(max_length=50)
    org = ForeignKey(Org, CASCADE)
    members: Reverse[User] = Reverse("team")
class UserQS(ModelQuerySet["User"]):
    def adults(self) -> Self:
        return self.filter(User.age >= 18)
class User(Model):
    name = CharField(max_length=50)
    nick = CharField(max_length=50, null=True)
    age = IntegerField()
    team = ForeignKey(Team, CASCADE)
    team_id = team.key()
    old_team = ForeignKey(Team, CASCADE, null=True)
    boss: ForeignKey[User | None] = ForeignKey("User", CASCADE, null=True)
    objects = UserQS.as_manager()
class Token(BareModel):
    id = CharField(max_length=8, primary_key=True)
class Pt(TypedModel):
    name: CharField[str] = CharField(max_length=3)
    nick: CharField[str | None] = CharField(max_length=3, null=True, default=None)
    n: IntegerField[int] = IntegerField()
    team: ForeignKey[Team] = ForeignKey(Team, CASCADE)
class NameAge:
    def __init__(self, name: str, age: int) -> None: self.name = name; self.age = age

def ok(u: User, t: Team, o: Org) -> None:
    assert_type(u.name, str)
    assert_type(u.nick, str | None)
    assert_type(u.id, int)
    assert_type(Token().id, str)
    assert_type(u.team, Team)
    assert_type(u.old_team, Team | None)
    assert_type(u.boss, User | None)
    assert_type(u.team_id, int)
    assert_type(t.members, RelatedSet[User])
    t.members.add(u)
    len(t.members.all()), t.members.filter(User.age > 3)[0].name, t.members.filter(User.age > 3) | t.members.all()
    assert_type(t.members(manager="objects").first(), User | None)
    assert_type(User.name, StrExpr[User, str])
    assert_type(Token.objects, ModelQuerySet[Token])
    assert_type(User.objects, UserQS)
    assert_type(User.objects.adults().filter(User.name.icontains("a")).first(), User | None)
    assert_type(User.team[Team.org][Org.title], StrExpr[User, str])
    assert_type(User.old_team[Team.name], StrExpr[User, str | None])
    assert_type(User.objects.values_list(User.name, User.age), QuerySet[User, tuple[str, int]])
    assert_type(User.objects.values_list(User.old_team[Team.name], flat=True), QuerySet[User, str | None])
    assert_type(Team.objects.annotate(Team.members.count()).first(), tuple[Team, int] | None)
    assert_type(User.objects.aggregate(User.age.avg(), User.age.max()), tuple[float | None, int | None])
    assert_type(User.objects.into(NameAge, User.name, User.age).first(), NameAge | None)
    User.objects.filter((User.team[Team.name] == "x") & ~(User.age < 3) | (User.nick == None))
    User.objects.filter(User.team == t, User.old_team == None, User.boss.has(User.age > 50))
    Team.objects.filter(Team.members.any(User.age > 3, User.name == "z"))
    User.objects.order_by(User.age.desc(), User.name)
    User.objects.order_by("-age")
    User.objects.update(User.age.set(User.age + 1))
    User.objects.filter(User.id.in_(User.objects.values_list(User.id, flat=True)))
    assert_type(Pt(name="x", n=1, team=t).nick, str | None)
    assert_type(Pt.create(name="x", n=1, team=t), Pt)

def bad(u: User, t: Team, o: Org) -> None:
    User.agee                                          # E01
    User.objects.filter(User.age == "x")               # E02
    User.objects.filter(User.age >= "x")               # E03
    User.objects.filter(Team.name == "x")              # E04
    User.objects.filter(User.age.icontains("x"))       # E05
    User.objects.filter(User.name == None)             # E06
    User.objects.filter(User.team == o)                # E07
    User.objects.filter(User.team == None)             # E08
    User.team[Org.title]                               # E09
    User.objects.order_by(Team.name)                   # E10
    User.objects.values_list(Team.name)                # E11
    u.name = 3                                         # E12
    u.name = None                                      # E13
    u.team = None                                      # E14
    u.objects                                          # E15
    u.nick.upper()                                     # E16
    User.objects.into(NameAge, User.age, User.name)    # E17
    Team.members.any(Team.name == "x")                 # E18
    User.objects.update(User.age.set("x"))             # E19
    User.objects.filter((User.age > 3) & (Team.name == "x"))  # E20
    User.objects.filter(User.id.in_(["a"]))            # E21
    CharField(max_length="x")                          # E22
    Pt(name="x", nn=1, team=t)                         # E23
    Pt(name="x", n="1", team=t)                        # E24
    Pt(name="x", team=t)                               # E25
    Pt.create(name="x", n="1", team=t)                 # E26
    User.team.has(User.age > 3)                        # E27
    User.objects.aggregate(User.name.sum())            # E28
    User.objects.first().name                          # E29
    u.team = o                                         # E30
    if User.age > 3: pass                              # E31 (mypy truthy-bool)
    User.objects.filter(User.id.in_(User.objects.values_list(User.name, flat=True)))  # E32
    User.objects.update(Team.name.set("x"))            # E33
    User.objects.filter(User.name.icontains(3))        # E34
class BadQS(Model):
    objects = UserQS.as_manager()                      # E35 queryset of another model
class BadAnn(Model):
    f: ForeignKey[Team] = ForeignKey(Team, CASCADE, null=True)  # E36
