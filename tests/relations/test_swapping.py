"""Relations assigned, changed and assigned again, before and after either side is saved."""

from __future__ import annotations

import pytest

from modelkit import IntegrityError
from modelkit.database import capture_statements
from tests.relations.models import Locker, Passport, Person, Team


@pytest.fixture
def red() -> Team:
    return Team.objects.create(name="red")


@pytest.fixture
def blue() -> Team:
    return Team.objects.create(name="blue")


@pytest.fixture
def ada(red) -> Person:
    return Person.objects.create(name="Ada", team=red)


def stored(person: Person) -> Person:
    return Person.objects.get(pk=person.pk)


class TestForeignKey:
    def test_target_saved_between_assignment_and_save(self):
        team = Team(name="new")
        bob = Person(name="Bob", team=team)
        with pytest.raises(ValueError, match="team"):
            bob.save()
        team.save()
        assert bob.team_id is None
        bob.save()
        assert bob.team_id == team.pk
        assert bob.team is team
        assert stored(bob).team == team

    def test_other_key_wins_over_the_instance_assigned_before(self, ada, red, blue):
        ada.team = blue
        ada.team_id = red.pk
        assert ada.team == red
        ada.save()
        assert stored(ada).team == red

    def test_instance_wins_over_the_key_set_before(self, ada, red, blue):
        ada.team_id = blue.pk
        ada.team = red
        assert ada.team_id == red.pk
        assert ada.team is red

    def test_same_key_keeps_the_instance(self, ada, red):
        ada.team = red
        ada.team_id = red.pk
        with capture_statements() as log:
            assert ada.team is red
        assert log.statements == []

    def test_unsaved_target_given_up_for_none(self, ada):
        ada.coach_of = Team(name="never")
        with pytest.raises(ValueError, match="coach_of"):
            ada.save()
        ada.coach_of = None
        ada.save()
        assert stored(ada).coach_of is None

    def test_unsaved_target_does_not_hinder_saving_other_fields(self, ada):
        ada.name = "Ada L."
        with pytest.raises(ValueError, match="coach_of"):
            ada.coach_of = Team(name="never")
            ada.save(update_fields=["coach_of"])
        assert stored(ada).name == "Ada"

    def test_none_is_kept_until_it_is_saved(self, ada):
        ada.team = None
        assert ada.team_id is None
        with pytest.raises(Team.DoesNotExist):
            ada.team  # noqa: B018
        assert stored(ada).team.name == "red"
        ada.refresh_from_db()
        assert ada.team.name == "red"

    def test_key_of_another_field_follows_the_target_until_saved(self, ada):
        team = Team(name="early")
        ada.team_name = team
        assert ada.team_name_id == "early"
        team.name = "late"
        team.save()
        ada.team_name = team
        ada.save()
        assert stored(ada).team_name == team
        assert list(team.people_by_name.all()) == [ada]

    def test_refresh_forgets_what_was_assigned(self, ada, red, blue):
        ada.team = blue
        ada.refresh_from_db(fields=["team"])
        assert ada.team == red
        ada.name = "x"
        ada.team = blue
        ada.refresh_from_db(fields=["name"])
        assert ada.team is blue

    def test_refused_assignment_changes_nothing(self, ada, red):
        before = ada.team
        with pytest.raises(ValueError, match="must be a 'Team' instance"):
            ada.team = ada
        assert ada.team is before
        assert ada.team_id == red.pk


class TestOneToOne:
    def test_moving_from_one_to_another(self, ada, red):
        bob = Person.objects.create(name="Bob", team=red)
        passport = Passport.objects.create(number="1", person=ada)
        bob.passport = passport
        assert passport.person is bob
        passport.save()
        assert Person.objects.get(passport=passport) == bob
        with pytest.raises(Passport.DoesNotExist):
            stored(ada).passport  # noqa: B018

    def test_both_sides_unsaved(self, red):
        bob = Person(name="Bob", team=red)
        passport = Passport(number="1", person=bob)
        assert bob.passport is passport
        with pytest.raises(ValueError, match="person"):
            passport.save()
        bob.save()
        passport.save()
        assert Passport.objects.get().person == bob

    def test_two_cannot_have_the_same(self, ada):
        Locker.objects.create(person=ada)
        with pytest.raises(IntegrityError):
            Locker.objects.create(person=ada)
        assert Locker.objects.count() == 1

    def test_taken_off_and_put_back(self, ada):
        passport = Passport.objects.create(number="1", person=ada)
        ada.passport = None
        passport.refresh_from_db()
        assert passport.person == ada
        passport.person = None
        passport.save()
        with pytest.raises(Passport.DoesNotExist):
            stored(ada).passport  # noqa: B018
        ada.passport = passport
        passport.save()
        assert stored(ada).passport == passport


class TestKnownInstances:
    """Rows found through a related manager know the instance that they were found for."""

    @pytest.mark.parametrize(
        "rows",
        [
            lambda team: team.members.all(),
            lambda team: team.members.filter(name="Ada"),
            lambda team: team.members.order_by("-name").reverse(),
            lambda team: team.members.all()[:1],
            lambda team: team.members.iterator(),
            lambda team: [team.members.get(), team.members.first(), team.members.latest("name")],
            lambda team: team.members.in_bulk().values(),
            lambda team: team.members.defer("age"),
            lambda team: [team.members.create(name="new"), team.members.get_or_create(name="Ada")[0]],
            lambda team: [team.members.update_or_create(name="Ada", defaults={"age": 1})[0]],
        ],
    )
    def test_without_a_statement(self, ada, red, rows):
        found = list(rows(red))
        with capture_statements() as log:
            assert all(each.team is red for each in found)
        assert found
        assert log.statements == []

    def test_two_managers_joined_know_their_own(self, ada, red, blue):
        Person.objects.create(name="Bob", team=blue)
        found = red.members.all() | blue.members.all()
        assert {each.name: each.team.name for each in found} == {"Ada": "red", "Bob": "blue"}

    def test_a_changed_key_is_believed(self, ada, red, blue):
        (found,) = red.members.all()
        found.team_id = blue.pk
        assert found.team == blue
