"""Reading and assigning foreign keys and one-to-one relations."""

from __future__ import annotations

import pickle

import pytest

from modelkit.database import capture_statements
from modelkit.modelinfo import info_of
from tests.relations.models import Book, Locker, Membership, Novel, Passport, Person, Team


def person(name: str = "Ada", **values) -> Person:
    values.setdefault("team", Team.objects.get_or_create(name="red")[0])
    return Person.objects.create(name=name, **values)


def test_a_field_kept_on_a_class_that_is_no_model_is_itself():
    class Form:
        key = Person._meta.get_field("team")
        name = Person._meta.get_field("name")

    assert Form.key is Person._meta.get_field("team")
    assert Form.name is Person._meta.get_field("name")
    assert Form().key is Person._meta.get_field("team")
    assert Form().name is Person._meta.get_field("name")


@pytest.mark.parametrize("model", [Person, Passport, Locker, Book, Novel, Membership])
def test_what_a_relation_keeps_stands_under_a_key_that_no_descriptor_holds(model):
    to_one = {name: relation for name, relation in info_of(model).accessors.items() if not relation.many}
    assert to_one
    for name, relation in to_one.items():
        assert hasattr(model, name)
        assert not hasattr(model, relation.cache)


def test_a_kept_instance_is_shown_under_the_name_of_its_relation():
    ada = person()
    passport = Passport.objects.create(number="1", person=ada)
    found = Passport.objects.select_related("person__team").get()
    assert list(found._state.fields_cache) == ["person"]
    assert found.__dict__[info_of(Passport).accessors["person"].cache] is found.person
    assert "person" not in found.__dict__
    assert dict(found.person._state.fields_cache) == {"team": ada.team, "passport": passport}


class TestForward:
    def test_fetches_once_and_keeps(self):
        person()
        ada = Person.objects.get(name="Ada")
        with capture_statements() as log:
            first = ada.team
            assert ada.team is first
        assert first.name == "red"
        assert len(log.statements) == 1

    def test_assigned_instance_is_kept_without_a_statement(self):
        red = Team.objects.create(name="red")
        ada = Person(name="Ada", team=red)
        with capture_statements() as log:
            assert ada.team is red
        assert ada.team_id == red.pk
        assert log.statements == []

    def test_changed_key_fetches_the_other(self):
        ada = person()
        blue = Team.objects.create(name="blue")
        assert ada.team.name == "red"
        ada.team_id = blue.pk
        assert ada.team == blue

    def test_key_given_as_text_is_fetched_once(self):
        red = Team.objects.create(name="red")
        ada = Person(name="Ada", team_id=str(red.pk))
        assert ada.team == red
        with capture_statements() as log:
            assert ada.team == red
        assert log.statements == []

    def test_missing_is_an_error_of_both_kinds(self):
        ada = Person(name="Ada")
        with pytest.raises(Team.DoesNotExist, match="team"):
            ada.team  # noqa: B018
        with pytest.raises(AttributeError):
            ada.team  # noqa: B018
        assert not hasattr(ada, "team")
        assert hasattr(ada, "coach_of")

    def test_null_key_is_none(self):
        assert person().coach_of is None
        with capture_statements() as log:
            assert Person.objects.get().coach_of is None
        assert len(log.statements) == 1

    def test_none_then_a_key_fetches(self):
        ada = person()
        red = ada.team
        assert ada.coach_of is None
        ada.coach_of_id = red.pk
        assert ada.coach_of == red
        ada.coach_of = None
        assert ada.coach_of_id is None
        ada.coach_of_id = red.pk
        assert ada.coach_of == red

    def test_unsaved_target_is_kept_after_it_is_saved(self):
        red = Team(name="red")
        ada = Person(name="Ada", team=red)
        assert ada.team_id is None
        red.save()
        assert ada.team is red
        ada.save()
        assert ada.team_id == red.pk
        assert Person.objects.get(team=red) == ada

    def test_unsaved_target_gives_way_to_a_key(self):
        blue = Team.objects.create(name="blue")
        ada = Person(name="Ada", team=Team(name="red"))
        ada.team_id = blue.pk
        assert ada.team == blue

    def test_key_set_to_none_lets_the_instance_go(self):
        red = Team.objects.create(name="red")
        ada = person(coach_of=red, team=red)
        ada.coach_of_id = None
        assert ada.coach_of is None
        ada.save()
        assert Person.objects.get().coach_of_id is None

    def test_unsaved_target_cannot_be_saved_to(self):
        with pytest.raises(ValueError, match="team"):
            Person(name="Ada", team=Team(name="red")).save()

    def test_deleted_target_stays_in_reach(self):
        red = Team.objects.create(name="red")
        ada = Person(name="Ada", team=red)
        red.delete()
        assert ada.team is red

    def test_wrong_type_is_refused(self):
        with pytest.raises(ValueError, match=r"Person\.team must be a 'Team' instance"):
            Person(name="Ada", team="red")
        ada = person()
        with pytest.raises(ValueError, match="must be a 'Team' instance"):
            ada.team = ada
        with pytest.raises(ValueError, match=r"Person\.coach_of must be a 'Team' instance or None"):
            ada.coach_of = 3

    def test_to_field_is_followed(self):
        red = Team.objects.create(name="red")
        ada = person(team=red, team_name=red)
        assert ada.team_name_id == "red"
        assert Person.objects.get().team_name == red
        assert list(red.people_by_name.all()) == [ada]

    def test_unenforced_key_to_nothing_is_an_error(self):
        ada = Person(name="Ada", team_id=99)
        with pytest.raises(Team.DoesNotExist, match="99"):
            ada.team  # noqa: B018

    def test_pickle_keeps_the_cached_instance(self):
        ada = person()
        assert ada.team.name == "red"
        copied = pickle.loads(pickle.dumps(ada))
        with capture_statements() as log:
            assert copied.team.name == "red"
        assert log.statements == []


class TestOneToOne:
    def test_both_sides_know_each_other(self):
        passport = Passport.objects.create(number="1", person=person())
        found = Passport.objects.get()
        with capture_statements() as log:
            assert found.person.passport is found
        assert len(log.statements) == 1
        ada = Person.objects.get()
        with capture_statements() as log:
            assert ada.passport.person is ada
            assert ada.passport == passport
        assert len(log.statements) == 1

    def test_absence_is_an_error_and_remembered(self):
        ada = person()
        with capture_statements() as log:
            for _ in range(2):
                with pytest.raises(Passport.DoesNotExist, match="passport"):
                    ada.passport  # noqa: B018
        assert len(log.statements) == 1
        assert not hasattr(ada, "passport")

    def test_unsaved_has_none_without_a_statement(self):
        ada = Person(name="Ada")
        with capture_statements() as log, pytest.raises(Passport.DoesNotExist):
            ada.passport  # noqa: B018
        assert log.statements == []

    def test_assigning_the_reverse_sets_the_key(self):
        ada = person()
        passport = Passport(number="2")
        ada.passport = passport
        assert passport.person_id == ada.pk
        assert passport.person is ada
        passport.save()
        assert Person.objects.get().passport == passport

    def test_assigning_none_to_the_reverse_takes_the_key_off(self):
        ada = person()
        passport = Passport.objects.create(number="1", person=ada)
        assert ada.passport is passport
        ada.passport = None
        assert passport.person is None
        assert passport.person_id is None

    def test_assigning_none_forward_clears_the_other_side(self):
        ada = person()
        passport = Passport.objects.create(number="1", person=ada)
        passport.person = None
        with pytest.raises(Passport.DoesNotExist):
            ada.passport  # noqa: B018

    def test_reverse_refuses_the_wrong_type(self):
        with pytest.raises(ValueError, match=r"Person\.passport must be a 'Passport' instance"):
            person().passport = 3

    def test_reverse_none_for_a_key_that_may_not_be_null(self):
        ada = person()
        Locker.objects.create(person=ada)
        assert ada.locker.person is ada
        locker = ada.locker
        ada.locker = None
        assert locker.person_id is None


class TestParentLink:
    def test_parent_is_made_of_the_child(self):
        novel = Novel.objects.create(title="Emma", author=person(), pages=3)
        found = Novel.objects.get()
        with capture_statements() as log:
            parent = found.book_ptr
        assert log.statements == []
        assert (parent.pk, parent.title) == (novel.pk, "Emma")
        assert parent.novel is found

    def test_child_is_reached_from_the_parent(self):
        novel = Novel.objects.create(title="Emma", author=person(), pages=3)
        book = person("Bob").books.create(title="Notes")
        assert type(novel.author.books.get()).__name__ == "Book"
        assert novel.author.books.get().novel == novel
        with pytest.raises(Novel.DoesNotExist):
            book.novel  # noqa: B018
