"""Spellings of Django 5.2 that work and warn: the warning names the new one, and the line of whoever wrote the old one."""

from __future__ import annotations

import asyncio
import warnings

import pytest

from modelkit import CharField, CheckConstraint, DeprecatedSpelling, Model, Q, UniqueConstraint
from modelkit.constraints import BaseConstraint
from modelkit.relations.sides import FieldCacheMixin


class Note(Model):
    title = CharField(max_length=20)
    body = CharField(max_length=20, default="")


class Counted(Note):
    saved = 0

    class Meta:
        proxy = True

    def save(self, *args, **kwargs):
        Counted.saved += 1
        super().save(*args, **kwargs)


def stored() -> list[tuple[str, str]]:
    return list(Note.objects.values_list("title", "body"))


def test_save_takes_its_options_by_position_with_a_warning_at_the_callers_line():
    note = Note.objects.create(title="a")
    note.title, note.body = "b", "c"
    with pytest.warns(
        DeprecatedSpelling, match=r"Model\.save\(\) .* force_insert=\.\.\., force_update=\.\.\."
    ) as caught:
        note.save(False, False, None, ["title"])
    assert [warning.filename for warning in caught] == [__file__]
    assert stored() == [("b", "")]


def test_positions_and_names_mix_where_none_is_given_twice():
    note = Note.objects.create(title="a", body="b")
    note.title, note.body = "c", "d"
    with pytest.warns(DeprecatedSpelling):
        note.save(False, update_fields=["body"])
    assert stored() == [("a", "d")]
    with pytest.warns(DeprecatedSpelling), pytest.raises(TypeError, match="'force_insert' twice"):
        note.save(False, force_insert=True)
    with pytest.warns(DeprecatedSpelling), pytest.raises(TypeError, match=r"takes 4 options .*, not 5"):
        note.save(False, False, None, None, None)


def test_asave_warns_at_the_line_that_awaits_it_and_calls_a_save_of_ones_own():
    Counted.saved = 0

    async def main():
        with pytest.warns(DeprecatedSpelling, match=r"Model\.asave\(\)") as caught:
            await Counted(title="x").asave(True)
        return [warning.filename for warning in caught]

    assert asyncio.run(main()) == [__file__]
    assert Counted.saved == 1
    assert stored() == [("x", "")]


def test_options_by_name_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        note = Note(title="a")
        note.save(force_insert=True)
        note.save(update_fields=["title"])
        CheckConstraint(condition=Q(title="a"), name="a")
        UniqueConstraint(fields=["title"], name="b")


def test_the_former_name_of_a_check_constraints_condition_reads_and_writes_it():
    first, second = Q(title="a"), Q(title="b")
    with pytest.warns(DeprecatedSpelling, match="condition") as caught:
        constraint = CheckConstraint(check=first, name="only_a")
    assert [warning.filename for warning in caught] == [__file__]
    assert constraint.condition is first
    with pytest.warns(DeprecatedSpelling):
        assert constraint.check is first
    with pytest.warns(DeprecatedSpelling):
        constraint.check = second
    assert constraint.condition is second
    with pytest.raises(TypeError, match="one condition"):
        CheckConstraint(check=first, condition=second, name="two")


def test_a_constraint_takes_its_name_by_position_and_needs_one():
    class Always(BaseConstraint):
        pass

    with pytest.warns(DeprecatedSpelling, match=r"Always\(\)"):
        constraint = Always("mine", "%(name)s is broken")
    assert constraint.get_violation_error_message() == "mine is broken"
    with pytest.raises(TypeError, match="takes a name"):
        Always()


def test_a_field_that_names_its_cache_the_old_way_is_heard():
    class Old(FieldCacheMixin):
        def get_cache_name(self) -> str:
            return "kept"

    class New(FieldCacheMixin):
        cache_name = "kept"

    with pytest.warns(DeprecatedSpelling, match=r"Old\.get_cache_name\(\).*cache_name"):
        assert Old().cache_name == "kept"
    assert New().cache_name == New().get_cache_name() == "kept"
    with pytest.raises(NotImplementedError, match="declare cache_name"):
        _ = FieldCacheMixin().cache_name
