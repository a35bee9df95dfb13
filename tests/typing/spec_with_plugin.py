"""What the plugin is to find in keywords. Exactly the marked lines are errors."""


from __future__ import annotations

from typing import assert_type

from modelkit import QuerySet
from tests.typing.spec_no_plugin import Org, Team, User


def ok(t: Team) -> None:
    User.objects.filter(name__icontains="a", age__gte=3, team__name="x", team__org__title__in=["a"], boss__isnull=True, team=t, old_team=None, team_id=3, age__range=(1, 2))
    assert_type(User.objects.adults().filter(name="x").first(), User | None)
    assert_type(User.objects.values_list("name", "age"), QuerySet[User, tuple[str, int]])
    assert_type(User.objects.values_list("old_team__name", "boss__nick", "team_id"), QuerySet[User, tuple[str | None, str | None, int]])
    assert_type(User.objects.values_list("boss__age", flat=True).first(), int | None)
    Team.objects.filter(members__age__gt=3)
    User(name="x", age=3, team=t)
def bad(t: Team, o: Org) -> None:
    User.objects.filter(nmae="x")               # E01
    User.objects.filter(age="x")                # E02
    User.objects.filter(age__icontains="x")     # E03
    User.objects.filter(age__nope=3)            # E04
    User.objects.filter(team__nmae="x")         # E05
    User.objects.filter(team__org__title=3)     # E06
    User.objects.filter(name__in=[1])           # E07
    User.objects.filter(team=o)                 # E08
    User.objects.filter(name=None)              # E09
    User.objects.exclude(age__isnull=1)         # E10
    User.objects.values_list("nmae")            # E11
    User.objects.values_list("team__nmae")      # E12
    User(name="x", age=3)                       # E13
    User(name="x", agee=3, team=t)              # E14
    User(name=None, age=3, team=t)              # E15
    User.objects.create(name=3, age=3, team=t)  # E16
    User.objects.filter(age=1).filter(agee=1)   # E17
    User.objects.adults().get(agee=1)           # E18
    Team.objects.filter(members__agee=3)        # E19
    User.objects.filter(age__range=(1, "b"))    # E20
