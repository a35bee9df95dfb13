"""What every field does: options, standing on a model, reading, values, validation, copying."""

import copy

import pytest

from modelkit import CASCADE, ForeignKey, Model
from modelkit.errors import FieldError, ImproperlyConfigured, ValidationError
from modelkit.expressions import NumExpr, Path, StrExpr
from modelkit.fields import (
    NOT_PROVIDED,
    AutoField,
    BigAutoField,
    BigIntegerField,
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    EmailField,
    Field,
    FloatField,
    GenericIPAddressField,
    IntegerField,
    JSONField,
    PositiveBigIntegerField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    SlugField,
    SmallAutoField,
    SmallIntegerField,
    TextField,
    TimeField,
    URLField,
    UUIDField,
)
from modelkit.ir import types
from modelkit.ir.schema import DEFAULT

EVERY = [
    AutoField, BigAutoField, SmallAutoField, CharField, TextField, SlugField, EmailField, URLField, UUIDField, BooleanField,
    IntegerField, SmallIntegerField, BigIntegerField, PositiveIntegerField, PositiveSmallIntegerField, PositiveBigIntegerField,
    FloatField, DecimalField, DateField, TimeField, DateTimeField, DurationField, BinaryField, JSONField, GenericIPAddressField,
]  # fmt: skip


@pytest.mark.parametrize("kind", EVERY)
def test_a_field_takes_its_verbose_name_first(kind, put):
    assert put(kind("the name")).verbose_name == "the name"
    assert put(kind(), "two_words").verbose_name == "two words"


@pytest.mark.parametrize("kind", EVERY)
def test_a_field_has_the_type_of_its_internal_type(kind, put):
    field = put(kind())
    assert isinstance(field.scalar_type, types.ScalarType)
    assert type(field.scalar_type) is not types.AnyType


@pytest.mark.parametrize("kind", EVERY)
def test_none_passes_through(kind, put):
    field = put(kind())
    assert field.to_python(None) is None
    assert field.coerce(None) is None
    assert field.fitted(None) is None


@pytest.mark.parametrize("kind", EVERY)
def test_a_misspelt_option_is_named_with_its_near_miss(kind):
    with pytest.raises(TypeError, match=r"no option 'uniqu'.*Did you mean 'unique'"):
        kind(uniqu=True)


@pytest.mark.parametrize("kind", EVERY)
def test_deconstruct_makes_an_equal_field_again(kind, put):
    field = put(kind("n", db_column="c", help_text="h", validators=[len]))
    name, path, arguments, options = field.deconstruct()
    again = kind(*arguments, **options)
    assert name == "value"
    assert path == f"modelkit.{kind.__name__}"
    assert options == {**options, "verbose_name": "n", "db_column": "c", "help_text": "h", "validators": [len]}
    assert put(again).deconstruct() == field.deconstruct()
    assert field.clone().deconstruct()[1:] == field.deconstruct()[1:]


def test_defaults_are_not_deconstructed(put):
    for kind in EVERY:
        assert put(kind()).deconstruct()[2:] == ([], {})


def test_contributing_registers_and_names(holder):
    field = CharField(max_length=3, db_column="col")
    field.contribute_to_class(holder, "title")
    assert (field.name, field.attname, field.column, field.model) == ("title", "title", "col", holder)
    assert holder._meta.added == [(field, False)]
    assert field.label == "Holder.title"
    assert str(field) == "app.Holder.title"
    assert str(CharField()) == repr(CharField()) == "<modelkit.fields.text.CharField>"
    assert repr(field) == "<modelkit.fields.text.CharField: title>"


def test_the_class_gives_an_expression_and_an_instance_the_value(holder, put):
    put(CharField(), "name")
    assert type(holder.name) is StrExpr
    assert holder.name.node == Path(holder, ("name",))
    assert holder(name="x").name == "x"


def test_the_expression_is_rooted_in_the_class_it_is_read_from(holder, put):
    put(IntegerField(), "age")

    class Sub(holder):
        pass

    assert type(Sub.age) is NumExpr
    assert Sub.age.node == Path(Sub, ("age",))
    assert holder.age.node == Path(holder, ("age",))


def test_an_absent_value_is_loaded_once(holder, put):
    put(CharField(), "name")
    instance = holder()
    assert instance.name == "loaded name"
    assert instance.__dict__["name"] == "loaded name"


def test_assignment_and_deletion_are_the_instance_s_own(holder, put):
    put(CharField(), "name")
    instance = holder(name="x")
    instance.name = "y"
    assert instance.name == "y"
    del instance.name
    assert instance.name == "loaded name"


def test_a_field_on_no_model_gives_itself():
    class Plain:
        name = CharField()

    assert isinstance(Plain.name, CharField)


@pytest.mark.parametrize("default", [[], {}, set(), bytearray()])
def test_a_mutable_default_is_refused_when_the_class_is_defined(default, put):
    with pytest.raises(ImproperlyConfigured, match=rf"Holder.value.*default={type(default).__name__}"):
        put(JSONField(default=default))


def test_defaults(put):
    assert put(CharField(default="x")).get_default() == "x"
    assert put(JSONField(default=dict)).get_default() == {}
    assert put(CharField()).get_default() == ""
    assert put(CharField(null=True)).get_default() is None
    assert put(IntegerField()).get_default() is None
    assert put(IntegerField(db_default=3)).get_default() is DEFAULT
    assert put(IntegerField(db_default=3, default=4)).get_default() == 4
    assert not put(IntegerField()).has_default()
    assert put(IntegerField(default=None)).has_default()
    assert IntegerField().default is NOT_PROVIDED


def test_a_callable_default_is_called_each_time(put):
    field = put(JSONField(default=list))
    assert field.get_default() is not field.get_default()


def test_a_null_primary_key_is_refused():
    with pytest.raises(ImproperlyConfigured, match="primary key"):
        IntegerField(primary_key=True, null=True)


@pytest.mark.parametrize("length", [0, -1, "3", True, 1.5])
def test_a_length_is_a_positive_whole_number(length):
    with pytest.raises(FieldError, match="max_length"):
        CharField(max_length=length)


def test_a_primary_key_is_unique():
    assert IntegerField(primary_key=True).unique
    assert IntegerField(unique=True).unique
    assert not IntegerField().unique


def test_fields_sort_by_creation_and_automatic_ones_come_first():
    first, second = CharField(), IntegerField()
    automatic = AutoField(auto_created=True, primary_key=True)
    assert sorted([second, first, automatic]) == [automatic, first, second]
    assert first != second
    assert first == first
    assert len({first, second, copy.copy(first)}) == 2


def test_the_same_field_on_two_models_is_two(put):
    field = CharField()
    twin = copy.deepcopy(field)
    put(field)

    class Other:
        _meta = put.__closure__[0].cell_contents._meta

    twin.contribute_to_class(Other, "value")
    assert field != twin
    assert Other.value.node == Path(Other, ("value",))


def test_a_copy_forgets_what_was_computed_for_the_original(put):
    field = put(CharField(max_length=3))
    assert field.scalar_type == types.TextType(3)
    twin = copy.copy(field)
    twin.max_length = 5
    assert twin.scalar_type == types.TextType(5)


class TestValidation:
    def code(self, field, value):
        with pytest.raises(ValidationError) as caught:
            field.clean(value, None)
        return caught.value.error_list[0].code

    def test_null_and_blank(self, put):
        assert self.code(put(CharField()), None) == "null"
        assert self.code(put(CharField()), "") == "blank"
        assert put(CharField(blank=True)).clean("", None) == ""
        assert put(CharField(null=True, blank=True)).clean(None, None) is None
        assert self.code(put(CharField(null=True)), None) == "blank"

    def test_choices(self, put):
        field = put(IntegerField(choices=[(1, "one"), ("group", [(2, "two")])]))
        assert field.clean("2", None) == 2
        assert self.code(field, 3) == "invalid_choice"
        assert self.code(field, None) == "null"

    def test_what_is_not_editable_is_not_validated(self, put):
        assert put(CharField(editable=False)).clean(None, None) is None

    def test_validators_all_run_and_all_failures_are_told(self, put):
        def first(value):
            raise ValidationError("first", code="one")

        def second(value):
            raise ValidationError("second", code="two")

        with pytest.raises(ValidationError) as caught:
            put(CharField(validators=[first, second])).clean("x", None)
        assert caught.value.messages == ["first", "second"]

    def test_validators_skip_empty_values(self, put):
        def never(value):
            raise AssertionError

        assert put(CharField(blank=True, validators=[never])).clean("", None) == ""

    def test_error_messages_can_be_replaced(self, put):
        field = put(CharField(error_messages={"null": "gone", "max_length": "long"}, max_length=2))
        with pytest.raises(ValidationError, match="gone"):
            field.clean(None, None)
        with pytest.raises(ValidationError, match="long"):
            field.clean("abc", None)


class TestMessages:
    def test_they_name_the_field_and_the_value(self, put):
        field = put(IntegerField(), "age")
        with pytest.raises(ValueError, match=r"Holder\.age: .*'x'"):
            field.coerce("x")
        with pytest.raises(ValidationError, match=r"Holder\.age: .*\[\]"):
            field.coerce([])
        with pytest.raises(ValidationError, match=r"Holder\.age: .*True"):
            field.coerce(True)
        with pytest.raises(ValidationError, match=r"Holder\.age: 99999999999 must lie between"):
            field.fitted(99999999999)

    def test_the_name_stands_once(self, put):
        for kind, value in [
            (DateField, "x"),
            (UUIDField, "x"),
            (IntegerField, True),
            (DecimalField, "x"),
            (BooleanField, 5),
        ]:
            with pytest.raises(ValidationError) as caught:
                put(kind()).coerce(value)
            assert caught.value.messages[0].count("Holder.value") == 1

    def test_long_values_are_cut(self, put):
        with pytest.raises(ValueError, match=r"\.\.\.") as caught:
            put(IntegerField()).coerce("x" * 10_000)
        assert len(str(caught.value)) < 200

    @pytest.mark.parametrize("kind", [IntegerField, DateField, UUIDField, DecimalField])
    def test_sensitive_values_are_masked_everywhere(self, kind, put):
        field = put(kind(sensitive=True))
        for attempt in (lambda: field.coerce("secret"), lambda: field.clean("secret", None)):
            with pytest.raises((ValueError, ValidationError)) as caught:
                attempt()
            assert "secret" not in str(caught.value)
            assert "secret" not in repr(caught.value.__dict__)


class TestCustomFields:
    def test_a_field_names_a_built_in_type(self, put):
        class HexField(Field[int]):
            def get_internal_type(self):
                return "CharField"

            def to_python(self, value):
                return int(value, 16) if isinstance(value, str) else value

            def get_prep_value(self, value):
                return None if value is None else f"{value:x}"

        field = put(HexField(max_length=4))
        assert field.scalar_type == types.TextType(4)
        assert field.coerce(255) == "ff"
        assert field.canonical_type is None
        with pytest.raises(ValidationError, match="at most 4"):
            field.fitted(0xFFFFF)

    def test_a_field_that_says_nothing_of_its_type_is_told_so(self, put):
        class Mystery(Field[int]):
            pass

        with pytest.raises(ImproperlyConfigured, match="get_internal_type"):
            _ = put(Mystery()).scalar_type

    @pytest.mark.parametrize("method", ["to_python", "get_prep_value", "get_db_prep_value"])
    def test_an_override_is_never_passed_by(self, method, put):
        def override(self, value, *args, **kwargs):
            return "changed" if value == "x" else value

        kind = type("Custom", (CharField,), {method: override, "__module__": __name__})
        field = put(kind())
        assert field.canonical_type is None
        if method != "to_python":
            assert field.coerce("x") == "changed"

    def test_a_subclass_keeps_the_internal_type_and_adds_options(self, put):
        class TagField(CharField):
            option_defaults = {"separator": ","}

        field = put(TagField(max_length=9, separator=";"))
        assert field.get_internal_type() == "CharField"
        assert field.separator == ";"
        assert field.deconstruct()[1].endswith("TagField")
        assert field.deconstruct()[3] == {"max_length": 9, "separator": ";"}


def test_the_name_may_come_second():
    assert Field("shown", "kept").name == "kept"
    assert Field("shown", "kept").verbose_name == "shown"


def test_fields_of_one_declaration_come_in_the_order_of_their_models():
    class Meta:
        def __init__(self, label):
            self.label_lower = label

    first, second, free = (copy.copy(field) for field in [IntegerField()] * 3)
    first.model, second.model = type("A", (), {"_meta": Meta("a")}), type("B", (), {"_meta": Meta("b")})
    assert sorted([second, first, free]) == [free, first, second]
    assert first != second
    assert hash(first) == hash(second)


def test_a_copy_of_a_bound_relation_leads_where_it_leads():
    class Place(Model):
        class Meta:
            app_label = "field_copies"

    class Guest(Model):
        place = ForeignKey(Place, CASCADE)

        class Meta:
            app_label = "field_copies"

    field = Guest._meta.get_field("place")
    for copied in (copy.copy(field), copy.deepcopy(field)):
        assert copied.related_model is Place
        assert copied.get_choices(include_blank=False) == []
    assert Place._meta.incoming == [field]
