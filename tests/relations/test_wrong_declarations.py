"""Relations that cannot be what they are declared as are refused with their name and the way out."""

from __future__ import annotations

from typing import Any

import pytest

import modelkit as models
from modelkit.contrib.contenttypes import GenericRelation
from modelkit.registry import Registry


@pytest.fixture
def local() -> Registry:
    return Registry()


def model(registry: Registry, name: str, **body: Any) -> Any:
    meta = type("Meta", (), {"app_label": "wrong", "registry": registry})
    return type(models.Model)(name, (models.Model,), {"__module__": __name__, "Meta": meta, **body})


@pytest.fixture
def target(local: Registry) -> Any:
    return model(
        local, "Target", title=models.CharField(max_length=5), code=models.CharField(max_length=5, unique=True)
    )


def key(to: Any, **options: Any) -> Any:
    return models.ForeignKey(to, models.CASCADE, **options)


@pytest.mark.parametrize("name", ["title", "objects", "pk"])
def test_a_related_name_that_the_target_has(local, target, name):
    with pytest.raises(models.FieldError, match=rf"Far\.target would be '{name}' on Target.* another related_name"):
        model(local, "Far", target=key(target, related_name=name))
    assert target.objects.filter(title="x", pk=1).count() == 0


def test_two_relations_of_one_attribute(local, target):
    with pytest.raises(models.FieldError, match="both be 'far_set' on Target"):
        model(local, "Far", one=key(target), two=key(target))


def test_two_relations_of_one_name_in_queries(local, target):
    options = {"related_query_name": "far"}
    with pytest.raises(
        models.FieldError, match=r"Far\.two would be 'far' in queries on Target: Far\.one is reached by"
    ):
        model(local, "Far", one=key(target, related_name="a", **options), two=key(target, related_name="b", **options))


def test_a_query_name_that_is_a_field(local, target):
    with pytest.raises(models.FieldError, match=r"Far\.target would be 'title' in queries.* Target\.title is a field"):
        model(local, "Far", target=key(target, related_name="+", related_query_name="title"))


def test_hidden_relations_do_not_meet(local, target):
    far = model(local, "Far", one=key(target, related_name="+"), two=key(target, related_name="+"))
    assert list(far.objects.filter(one__title="x", two__title="y")) == []


def test_a_model_defined_again_takes_its_own_names_over(local, target):
    model(local, "Far", target=key(target, related_name="far", related_query_name="q"))
    far = model(local, "Far", target=key(target, related_name="far", related_query_name="q"))
    there = target.objects.create(code="x")
    one = far.objects.create(target=there)
    assert list(target.objects.filter(q=one)) == [there]
    assert list(there.far.all()) == [one]


@pytest.mark.parametrize("option", ["related_name", "related_query_name"])
def test_unknown_placeholders(local, target, option):
    with pytest.raises(models.FieldError, match=rf"Far\.target: {option}='%\(klass\)s' .*%\(class\)s"):
        model(local, "Far", target=key(target, **{option: "%(klass)s"}))


def test_a_target_field_that_is_not_there(local, target):
    far = model(local, "Far", target=key(target, to_field="cod"))
    with pytest.raises(models.FieldDoesNotExist, match=r"Far\.target points to to_field='cod': .*Did you mean 'code'"):
        far.objects.count()


def test_keys_that_lead_back_to_themselves(local):
    loop = model(local, "Loop", me=models.OneToOne("self", models.CASCADE, primary_key=True, related_name="+"))
    with pytest.raises(models.ImproperlyConfigured, match=r"Loop\.me -> Loop\.me"):
        loop.objects.count()
    model(local, "Egg", hen=models.OneToOne("Hen", models.CASCADE, primary_key=True, related_name="+"))
    hen = model(local, "Hen", egg=models.OneToOne("Egg", models.CASCADE, primary_key=True, related_name="+"))
    with pytest.raises(models.ImproperlyConfigured, match=r"Hen\.egg -> Egg\.hen -> Hen\.egg"):
        hen.objects.count()


def test_falling_back_on_no_default(target):
    with pytest.raises(models.FieldError, match=r"SET_DEFAULT.* needs a default"):
        models.ForeignKey(target, models.SET_DEFAULT)
    models.ForeignKey(target, models.SET_DEFAULT, null=True, default=None)


class TestManyToMany:
    @pytest.mark.parametrize("option", ["null", "unique", "primary_key"])
    def test_options_of_a_column(self, target, option):
        with pytest.raises(TypeError, match=f"no column that could be .*: drop {option}=True"):
            models.ManyToMany(target, **{option: True})

    def test_keys_of_a_model_that_is_not_named(self, target):
        with pytest.raises(ValueError, match=r"through_fields .* add through="):
            models.ManyToMany(target, through_fields=("a", "b"))

    def test_a_table_for_a_model_that_has_one(self, target):
        with pytest.raises(ValueError, match="drop db_table"):
            models.ManyToMany(target, through="Between", db_table="x")

    def test_keys_that_the_model_between_lacks(self, local, target):
        model(local, "Between", target=key(target, related_name="+"), far=key("Far"))
        far = model(
            local, "Far", targets=models.ManyToMany(target, through="Between", through_fields=("fat", "target"))
        )
        with pytest.raises(models.FieldDoesNotExist, match=r"Far\.targets .*'fat'.*Did you mean 'far'"):
            far.objects.count()

    @pytest.mark.parametrize("number", [0, 2])
    def test_no_one_key_of_the_model_between(self, local, target, number):
        keys = {f"k{each}": key(target, related_name="+") for each in range(number)}
        model(local, "Between", far=key("Far"), **keys)
        far = model(local, "Far", targets=models.ManyToMany(target, through="Between"))
        with pytest.raises(models.FieldError, match=r"Far\.targets: Between needs one .* through_fields"):
            far.objects.count()


def several(local: Registry, target: Any, **options: Any) -> tuple[Any, Any]:
    """A model with a many-to-many relation whose through model has two keys to it."""
    near = model(local, "Near", targets=models.ManyToMany(target, through="Between", related_name="nears", **options))
    between = model(local, "Between", near=key(near), other=key(near, related_name="others"), target=key(target))
    return near, between


@pytest.mark.parametrize(
    ("options", "error"),
    [({}, r"through_fields=\(\.\.\.\)"), ({"through_fields": ("near", "taget")}, "'taget'.*Did you mean 'target'")],
)
def test_a_through_model_that_does_not_fit_fails_where_it_is_declared_and_the_way_back(local, target, options, error):
    near, between = several(local, target, **options)
    other = target.objects.create(title="x")
    assert target.objects.filter(between__isnull=True).get() == other
    assert between.objects.count() == 0
    for use in (
        near.objects.count,
        lambda: list(other.nears.all()),
        lambda: target.objects.filter(nears=1),
        lambda: list(target.objects.prefetch_related("nears")),
    ):
        with pytest.raises((models.FieldError, models.FieldDoesNotExist), match=rf"Near\.targets.*{error}"):
            use()
    assert other.delete()[0] == 1


def test_a_constraint_that_does_not_fit_fails_its_own_model_and_the_ways_to_it(local, target):
    options = {"constraints": [models.CheckConstraint(condition=models.Q(nmae="x"), name="named")]}
    meta = type("Meta", (), {"app_label": "wrong", "registry": local, **options})
    body = {"__module__": __name__, "Meta": meta, "name": models.CharField(max_length=5), "target": key(target)}
    type(models.Model)("Note", (models.Model,), body)
    made = target.objects.create(title="x")
    assert target.objects.get() == made
    for use in (lambda: list(made.note_set.all()), lambda: target.objects.filter(note__name="x")):
        with pytest.raises(models.FieldError, match=r"Note\.Meta\.constraints \('named'\).*Did you mean 'name'"):
            use()
    made.delete()
    assert not target.objects.exists()


def test_models_of_one_name_are_told_apart_by_their_apps(local, target):
    def far(app_label: str) -> Any:
        meta = type("Meta", (), {"app_label": app_label, "registry": local})
        return type(models.Model)("Far", (models.Model,), {"__module__": __name__, "Meta": meta, "target": key(target)})

    far("here")
    with pytest.raises(models.FieldError, match=r"there\.Far\.target and here\.Far\.target would both be 'far_set'"):
        far("there")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"related_name": "class"}, models.FieldError, "no keyword.*'class'"),
        ({"related_query_name": "from"}, models.FieldError, "no keyword.*'from'"),
        ({"related_name": 5}, TypeError, "Far.target: related_name is text, not 5"),
    ],
)
def test_a_name_of_the_far_side_is_an_identifier(local, target, options, error, message):
    with pytest.raises(error, match=message):
        model(local, "Far", target=key(target, **options))


def test_a_many_to_many_relation_has_no_on_delete(target):
    with pytest.raises(TypeError, match="takes no on_delete: when a row goes, the pairs"):
        models.ManyToMany(target, on_delete=models.CASCADE)


def test_a_constraint_reads_no_other_row(local, target):
    class Far(models.Model):
        to = key(target)

        class Meta:
            app_label = "wrong"
            registry = local
            constraints = [models.CheckConstraint(condition=models.Q(to__title="x"), name="titled")]

    with pytest.raises(
        models.FieldError, match=r"'titled'\): Far\.to is a relation, and 'title' would be read from another"
    ):
        Far.objects.count()


@pytest.mark.parametrize(
    ("option", "items"),
    [
        ("constraints", [models.UniqueConstraint(fields=["n"], name="same"), models.CheckConstraint(condition=models.Q(n=1), name="same")]),
        ("indexes", [models.Index(fields=["n"], name="same"), models.Index(fields=["-n"], name="same")]),
    ],
)  # fmt: skip
def test_two_of_one_name(local, option, items):
    meta = type("Meta", (), {"app_label": "wrong", "registry": local, option: items})
    with pytest.raises(ValueError, match=rf"Far\.Meta\.{option} has 2 named 'same'"):
        type(models.Model)("Far", (models.Model,), {"__module__": __name__, "Meta": meta, "n": models.IntegerField()})


def test_the_class_of_a_manager_is_no_manager(local):
    class Live(models.Manager[Any]):
        pass

    with pytest.warns(RuntimeWarning, match=r"Far\.live is the class Live, not a manager.*Live\(\)"):
        model(local, "Far", live=Live)


def test_a_model_with_managers_of_its_own_has_no_objects(local):
    far = model(local, "Far", live=models.Manager(), kept=models.Manager())
    with pytest.raises(AttributeError, match="Far has no manager 'objects': it declares live, kept"):
        _ = far.objects


def test_a_generic_relation_goes_by_fields_of_its_target(local, target):
    far = model(local, "Far", rows=GenericRelation(target))
    with pytest.raises(
        models.FieldDoesNotExist, match=r"Far\.rows goes by content_type and object_id of Target.*no field"
    ):
        far.objects.count()
