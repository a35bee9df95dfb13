"""Findings about models that could be defined: what each says, about which object, and what is left alone."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

import pytest

from modelkit import (
    CASCADE,
    CharField,
    CheckConstraint,
    CheckMessage,
    DateField,
    DateTimeField,
    Exists,
    F,
    ForeignKey,
    GeneratedField,
    GenericIPAddressField,
    Index,
    IntegerField,
    ManyToMany,
    Model,
    OneToOne,
    OuterRef,
    Q,
    Registry,
    Reverse,
    TextChoices,
    UniqueConstraint,
    timezone,
)
from modelkit.checks import ERROR, WARNING
from modelkit.cli import main
from modelkit.contrib.contenttypes import ContentType, GenericForeignKey

NOW = datetime.datetime.now(datetime.UTC)


class Suit(TextChoices):
    HEARTS = "h"
    SPADES = "s"


def define(registry: Registry, called: str, /, base: type = Model, **body):
    meta = {"registry": registry, "app_label": "app", **body.pop("Meta", {})}
    return type(base)(called, (base,), {"__module__": __name__, "Meta": type("Meta", (), meta), **body})


def findings(**body) -> list[CheckMessage]:
    """What is found about a model of this body beside a sound one, Team."""
    registry = Registry()
    define(registry, "Team", name=CharField(max_length=5))
    model = define(registry, "Sample", **body)
    assert registry.check() == model.check()
    return model.check()


OF_FIELDS = [
    (CharField(max_length=3, default="abcd"), "modelkit.E001", "at most 3"),
    (IntegerField(default="x"), "modelkit.E001", "'x'"),
    (IntegerField(choices=[(1, "a"), ("b", "b")]), "modelkit.E002", "'b'"),
    (CharField(max_length=1, choices={"Group": {"x": "a", "abc": "b"}}), "fields.E009", "'abc'"),
    (IntegerField(default=3, choices=[(1, "a")]), "modelkit.W001", "3 is not one of the choices"),
    (IntegerField(validators=[len, 3]), "fields.E008", "The validator 3"),
    (DateTimeField(default=NOW), "fields.W161", "never change"),
    (DateField(default=NOW.date()), "fields.W161", "never change"),
    (GenericIPAddressField(blank=True), "fields.E150", "blank"),
    (ForeignKey("Team", CASCADE, unique=True), "fields.W342", "OneToOne"),
    (ForeignKey("Teem", CASCADE), "fields.E300", "Did you mean 'app.Team'"),
    (ManyToMany("Team", through="Membreship"), "fields.E300", "'app.Membreship'"),
    (ForeignKey("Team", CASCADE, limit_choices_to={"nme": 1}), "modelkit.E003", "Did you mean 'name'"),
    (ManyToMany("Team", limit_choices_to=Q(id__gt="x")), "modelkit.E003", "'x'"),
    (IntegerField(unique_for_date="day"), "modelkit.E005", "'day', which is no field"),
    (IntegerField(unique_for_year="id"), "modelkit.E005", "'id', which holds no date"),
]


@pytest.mark.parametrize(
    ("field", "kind", "said"), OF_FIELDS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_a_field_may_have_wrong_is_found_once_and_names_it(field, kind, said):
    (finding,) = findings(value=field)
    assert finding.id == kind
    assert finding.level == (WARNING if ".W" in kind else ERROR)
    assert finding.is_error is (finding.level == ERROR)
    assert str(finding.obj) == "app.Sample.value"
    assert str(finding).startswith(f"app.Sample.value: {'error' if finding.is_error else 'warning'} {kind}: ")
    assert said in str(finding)


LIMITS = [{}, {"name": "x"}, Q(name="x"), ~Q(name__in=["x"]), Exists(ContentType.objects.filter(pk=OuterRef("pk")))]


@pytest.mark.parametrize("limit", LIMITS, ids=repr)
def test_any_condition_may_limit_choices(limit):
    assert findings(value=ForeignKey("Team", CASCADE, limit_choices_to=limit)) == []


OF_MODELS = [
    ({"ordering": ["team__nme"]}, "models.E015", r"ordering: .*Did you mean 'name'"),
    ({"get_latest_by": "team__nme"}, "models.E015", r"get_latest_by: .*Did you mean 'name'"),
    ({"constraints": [CheckConstraint(condition=Q(nope=1), name="c")]}, "models.E012", "'nope'"),
    ({"constraints": [UniqueConstraint(fields=["id"], condition=Q(nope=1), name="c")]}, "models.E012", "'nope'"),
    ({"indexes": [Index(F("nope"), name="i")]}, "models.E012", "'nope'"),
    ({"db_table": "app_team"}, "models.E028", "app.Team"),
    ({"default_manager_name": "things"}, "modelkit.E004", "'things'"),
    ({"base_manager_name": "things"}, "modelkit.E004", "'things'"),
]


@pytest.mark.parametrize(("meta", "kind", "said"), OF_MODELS)
def test_what_meta_may_have_wrong_is_found_once_and_names_the_model(meta, kind, said):
    registry = Registry()
    define(registry, "Team", name=CharField(max_length=5))
    model = define(registry, "Sample", team=ForeignKey("Team", CASCADE), Meta=meta)
    (finding,) = model.check()
    assert (finding.id, finding.obj, finding.level) == (kind, model, ERROR)
    assert str(finding).startswith(f"app.Sample: error {kind}: ")
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(str(finding))


def test_a_generated_value_over_a_name_that_is_no_field_is_found():
    made = GeneratedField(expression=F("nope") + 1, output_field=IntegerField(), db_persist=True)
    assert [finding.id for finding in findings(made=made)] == ["models.E012"]


def test_a_far_side_of_no_relation_is_found():
    (finding,) = findings(members=Reverse("leader"))
    assert finding.id == "modelkit.E006"
    assert "'leader'" in finding.message
    assert findings(lead=ForeignKey("self", CASCADE, null=True), members=Reverse("lead")) == []


def test_a_default_of_the_store_that_does_not_fit_is_found():
    (finding,) = findings(value=IntegerField(db_default="x"))
    assert finding.id == "models.E012"
    assert "value" in finding.message


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({}, ["contenttypes.E001", "contenttypes.E002"]),
        ({"object_id": IntegerField()}, ["contenttypes.E002"]),
        ({"object_id": IntegerField(), "content_type": IntegerField()}, ["contenttypes.E004"]),
        ({"object_id": IntegerField(), "content_type": ForeignKey(ContentType, CASCADE, related_name="+")}, []),
    ],
)
def test_a_generic_key_looks_for_its_two_fields(body, ids):
    assert [finding.id for finding in findings(of=GenericForeignKey(), **body)] == ids


def test_sound_models_have_no_findings():
    assert (
        findings(
            suit=CharField(max_length=1, choices=Suit, default=Suit.HEARTS),
            blank=CharField(max_length=1, choices=Suit, blank=True, default=""),
            called=IntegerField(default=lambda: 1 / 0, choices=lambda: 1 / 0),
            at=DateTimeField(default=timezone.now),
            long_ago=DateTimeField(default=datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)),
            day=DateField(auto_now_add=True),
            number=IntegerField(null=True, default=None, unique_for_month="day"),
            team=ForeignKey("Team", CASCADE, limit_choices_to={"name__startswith": "a"}),
            one=OneToOne("Team", CASCADE, related_name="+"),
            others=ManyToMany("self"),
            address=GenericIPAddressField(blank=True, null=True),
            Meta={"ordering": ["team__name", "-day", "?"], "get_latest_by": ["day", "team__id"]},
        )
        == []
    )


def test_looking_reads_no_row_and_changes_nothing(store):
    class Looked(Model):
        other = ForeignKey("self", CASCADE, null=True)

        class Meta:
            ordering = ["other__id"]

    before = store.stats()
    assert Looked.check() == Looked.check() == []
    assert store.stats() == before


def test_a_proxy_shares_its_table_and_is_looked_at_for_its_own_meta():
    registry = Registry()
    base = define(registry, "Base", name=CharField(max_length=3, default="long"))
    proxy = define(registry, "Proxy", base, Meta={"proxy": True, "default_manager_name": "things"})
    assert [finding.id for finding in base.check()] == ["modelkit.E001"]
    assert [finding.id for finding in proxy.check()] == ["modelkit.E004"]


def test_an_abstract_model_is_looked_at_for_its_fields():
    abstract = define(Registry(), "Base", name=CharField(max_length=3, default="long"), Meta={"abstract": True})
    assert [finding.id for finding in abstract.check()] == ["modelkit.E001"]


def test_fields_and_models_add_findings_of_their_own():
    class Even(IntegerField):
        def check(self, **options):
            odd = [value for value, _ in self.flatchoices if value % 2]
            own = [CheckMessage(WARNING, f"{value} is odd.", "", self, "own.W001") for value in odd]
            return [*super().check(**options), *own]

    class Told(Model):
        number = Even(choices=[(2, "two"), (3, "three")])

        class Meta:
            registry = Registry()
            app_label = "app"

        @classmethod
        def check(cls, **options):
            return [*super().check(**options), CheckMessage(ERROR, "Always.", "Never mind.", cls, "own.E001")]

    assert [str(finding) for finding in Told.check()] == [
        "app.Told.number: warning own.W001: 3 is odd.",
        "app.Told: error own.E001: Always. Never mind.",
    ]


def test_a_sensitive_default_is_not_shown():
    (finding,) = findings(secret=CharField(max_length=3, default="hunter2", sensitive=True))
    assert "hunter2" not in str(finding)


def test_a_registry_looks_at_one_app_or_all():
    registry = Registry()
    define(registry, "A", name=CharField(max_length=1, default="long"))
    define(registry, "B", name=CharField(max_length=1, default="long"), Meta={"app_label": "other"})
    assert len(registry.check()) == 2
    assert [finding.obj.model.__name__ for finding in registry.check("other")] == ["B"]


@pytest.mark.parametrize(
    ("field", "options", "code"),
    [
        ("IntegerField(default=1)", [], 0),
        ("IntegerField(default='x')", [], 1),
        ("IntegerField(default=1, choices=[(2, 'two')])", [], 0),
        ("IntegerField(default=1, choices=[(2, 'two')])", ["--strict"], 1),
    ],
)
def test_the_command_line_says_what_it_finds_and_fails_for_errors(tmp_path: Path, field, options, code):
    (tmp_path / "shop.py").write_text(f"from modelkit import *\n\nclass Thing(Model):\n    value = {field}\n")
    command = [sys.executable, "-m", "modelkit", "check", "shop", *options]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(root)}
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "1 models" in done.stdout
    assert ("shop.Thing.value: " in done.stdout) is ("'" in field)


def test_a_module_that_is_not_there_is_named(capsys):
    assert main(["check", "no_such_shop.models"]) == 2
    assert "no module 'no_such_shop'" in capsys.readouterr().err
