"""Generated functions: their text, their globals, their tracebacks."""

from __future__ import annotations

import gc
import linecache
import traceback

import pytest

from modelkit import codegen
from modelkit.codegen import Source
from tests.interpreter import CLASSES_STAY


def adder(number: int, title: str) -> Source:
    source = Source(title)
    with source.block("def add(value):"):
        with source.block("def inner():"):
            source.line(f"return value + {source.bind(number, 'number')}")
        source.line("return inner()")
    return source


def test_equal_texts_share_code_but_not_constants() -> None:
    one, two = adder(1, "first").function("add"), adder(2, "second").function("add")
    assert (one(10), two(10)) == (11, 12)
    assert one.__code__.co_code == two.__code__.co_code


def test_a_traceback_names_and_shows_the_function_that_failed() -> None:
    adder(1, "first").function("add")
    failing = adder(2, "second").function("add")
    with pytest.raises(TypeError) as raised:
        failing("text")
    frames = traceback.extract_tb(raised.value.__traceback__)[-2:]
    assert all("second" in frame.filename for frame in frames)
    assert [frame.line for frame in frames] == ["return inner()", "return value + number_0"]


@pytest.mark.skipif(CLASSES_STAY, reason="this interpreter never collects classes and functions")
def test_the_lines_of_a_function_go_with_it() -> None:
    function = adder(3, "short-lived").function("add")
    filename = function.__code__.co_filename
    assert filename in linecache.cache
    del function
    gc.collect()
    assert filename not in linecache.cache


def test_kept_code_is_bounded() -> None:
    for number in range(1200):
        source = Source("many")
        source.line(f"def f(): return {number:d}")
        source.function("f")
    assert len(codegen._codes) <= codegen._MOST_CODES


def test_a_value_has_one_name_and_blocks_nest() -> None:
    source = Source("names")
    value = object()
    assert source.bind(value) == source.bind(value)
    source.line("if True:")
    source.indent()
    source.line("pass")
    source.dedent()
    assert (source.text, source.depth) == ("if True:\n    pass\n", 0)
