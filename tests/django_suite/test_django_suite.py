"""The fast half of Django's suite runs in a process of its own; the parts of the runner that decide are tested here."""

from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path

import pytest

import modelkit
import modelkit.errors
from tests.django_suite.catalogue import app_of, expected_failures, portable_tests
from tests.django_suite.download import SourceMissing, django_source
from tests.django_suite.entered import reads, watch
from tests.django_suite.report import Report
from tests.django_suite.wording import Worded, missing_names

ROOT = Path(__file__).resolve().parents[2]
APPS = (ROOT / "tests" / "django_suite" / "ci_apps.txt").read_text().split()


def test_djangos_tests_pass_but_for_the_listed_ones() -> None:
    try:
        source = django_source()
    except SourceMissing as error:
        pytest.skip(str(error))
    command = [sys.executable, "-m", "tests.django_suite", *APPS, "--source", str(source)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nine_of_ten_portable_tests_are_not_expected_to_fail() -> None:
    listed = [test for test in portable_tests() if app_of(test) in APPS]
    failing = [test for test in expected_failures() if app_of(test) in APPS]
    assert {app_of(test) for test in listed} == set(APPS)
    assert len(failing) <= len(listed) // 10


def test_expected_failures_are_portable_tests() -> None:
    assert set(expected_failures()) <= set(portable_tests())


def test_a_mark_in_the_list_says_that_a_test_counts_queries() -> None:
    listed = portable_tests()
    assert listed["basic.tests.ModelRefreshTests.test_refresh"].counts
    assert not listed["basic.tests.ModelLookupTest.test_all_lookup"].counts


def test_an_expected_failure_needs_a_reason(tmp_path: Path) -> None:
    listed = tmp_path / "expected.txt"
    listed.write_text("# heading\nbasic.tests.A.test_b   SQL text\n\nbasic.tests.A.test_c\n")
    with pytest.raises(ValueError, match=r"line 4: 'basic\.tests\.A\.test_c' has no reason"):
        expected_failures(listed)
    listed.write_text("a.b  one\na.b  two\n")
    with pytest.raises(ValueError, match="listed twice"):
        expected_failures(listed)
    listed.write_text("basic.tests.A.test_b   SQL text\n")
    assert expected_failures(listed) == {"basic.tests.A.test_b": "SQL text"}


def test_a_message_counts_when_it_carries_the_quoted_names() -> None:
    expected = "Cannot resolve keyword 'teem' into field. Choices are: id, team"
    assert missing_names(expected, "User has no field 'teem'. Did you mean 'team'?") == []
    assert missing_names(expected, "There is no such field.") == ["teem"]
    assert missing_names('Cannot assign "3": "Article.reporter" must be one', "reporter takes a Reporter") == []
    assert missing_names("isn't here, aren't names", "") == []


def test_a_text_of_our_wording_equals_one_that_quotes_no_other_names() -> None:
    ours = Worded("The constraint “price_positive” is violated.")
    assert {"__all__": [ours]} == {"__all__": ["Constraint “price_positive” does not hold."]}
    assert ours != "Constraint “price_negative” does not hold."
    assert ours != ""
    assert ours != 3
    assert {"price": [ours]} != {"__all__": [str(ours)]}
    assert [ours] != [str(ours), str(ours)]


def test_a_call_into_modelkit_is_seen_and_other_calls_are_not() -> None:
    with watch() as untouched:
        sorted([3, 1], key=str)
    with watch() as touched:
        modelkit.errors.shorten("x")
    assert not untouched
    assert touched


class Tabled(modelkit.Model):
    class Meta:
        app_label = "entered"


TABLED = {"model": [Tabled]}


class _Case(unittest.TestCase):
    kept = (Tabled._meta.pk,)

    def test_model(self) -> None:
        assert [each.DoesNotExist for each in (Tabled,)]

    def test_table(self) -> None:
        assert any(TABLED["model"])

    def test_field(self) -> None:
        assert self.kept[0].primary_key

    def test_neither(self) -> None:
        assert sorted([3, 1]) == [1, 3]


@pytest.mark.parametrize(("name", "read"), [("model", True), ("table", True), ("field", True), ("neither", False)])
def test_a_body_that_names_a_model_or_a_field_reads_it(name: str, read: bool) -> None:
    case = _Case(f"test_{name}")
    assert reads(case, getattr(case, f"test_{name}")) is read


def test_what_does_not_pass_needs_a_reason_and_what_passes_may_have_none() -> None:
    report = Report()
    report.add({"a.x": "passed", "a.y": "failed", "a.z": "error", "b.u": "not entered", "b.v": "skipped"}, {}, [3, 2])
    assert report.unexpected({"a.z": "SQL text"}) == (["a.y", "b.u", "b.v"], [])
    assert report.unexpected(dict.fromkeys(report.outcomes, "SQL text")) == ([], ["a.x"])
    table = report.table({"a.x", "a.y", "a.z", "b.u"})
    assert "1 of 4 portable tests passed: 25.0%" in table
    assert "2 of 3 with exactly Django's number" in table
