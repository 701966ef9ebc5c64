"""Source is found for what Python can define, or an error says why not."""

import ast
import doctest
import functools
import importlib
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source import Source, range_of, source_of


def text_of(source: Source) -> str:
    """The source of a definition, found by its range."""
    place = source.range()
    lines = linecache.getlines(source.filename)
    text = "".join(lines).replace("\r\n", "\n").split("\n")
    part = text[place.line - 1 : place.end_line]
    part[-1] = part[-1][: place.end_column]
    part[0] = part[0][place.column :]
    return "\n".join(part)


def in_file(folder: Path, name: str, text: str, newline: str = "\n") -> Any:
    """A module of a text."""
    path = folder / f"{name}.py"
    path.write_bytes(text.replace("\n", newline).encode())
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)


def executed(text: str, filename: str) -> dict[str, Any]:
    """What a text defines, whose lines are registered and in no file."""
    linecache.cache[filename] = len(text), None, text.splitlines(True), filename
    space: dict[str, Any] = {"__name__": "executed"}
    exec(compile(text, filename, "exec"), space)
    return space


def wrapping(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def wrapper(*args: Any) -> Any:
        return fn(*args)

    return wrapper


def plain(x: Any) -> Any:
    assert x is not None, "pytest rewrites this"
    return x


@wrapping
@wrapping
def decorated(x: Any) -> Any:
    return x


class Outer:
    def make(self) -> Any:
        class Inner:
            def method(self) -> Any:
                def deep(x: Any) -> Any:
                    return x, self

                return deep

        return Inner

    @staticmethod
    def static(x: Any) -> Any:
        return x

    @classmethod
    def of_class(cls, x: Any) -> Any:
        return x

    @wrapping
    def wrapped(self, x: Any) -> Any:
        return x

    def __private(self, x: Any) -> Any:
        return self.__private, x


def test_functions_and_methods() -> None:
    inner = Outer().make()
    cases = {
        "plain": plain,
        "decorated": decorated,
        "make": Outer.make,
        "method": inner.method,
        "deep": inner().method(),
        "static": Outer.static,
        "of_class": Outer.of_class,
        "wrapped": Outer().wrapped,
        "__private": Outer._Outer__private,
    }
    for name, fn in cases.items():
        source = source_of(fn)
        assert source.name == name
        assert source.filename == __file__
        assert text_of(source).startswith(f"def {name}(")
        assert source.range().function == name
    for fn in (Outer().make, vars(Outer)["static"], vars(Outer)["of_class"]):
        assert source_of(fn).node is source_of(getattr(Outer, fn.__name__)).node
    assert source_of(decorated).lines()[:2] == ["@wrapping", "@wrapping"]


# fmt: off
several = [lambda x: x, lambda x: x + 1, lambda x: (x), lambda: (lambda: (lambda: 1))]
long = (  # noqa: E731
    lambda x,
    y: (x +
        y)
)
alike = lambda x: x, lambda x: x
def defaults(f=lambda x: x, *, g=lambda x: x): return f, g
@(lambda f: lambda x: f(x) + 1)
def replaced(x): return x
captured = (lambda a: (lambda b: a, lambda b: b, lambda b: (a, b)))(1)
# fmt: on


def test_lambdas() -> None:
    nested = several[3]
    cases = [
        (several[0], "lambda x: x"),
        (several[1], "lambda x: x + 1"),
        (several[2], "lambda x: (x)"),
        (nested, "lambda: (lambda: (lambda: 1))"),
        (nested(), "lambda: (lambda: 1)"),
        (nested()(), "lambda: 1"),
        (long, "lambda x,\n    y: (x +\n        y)"),
        (defaults()[0], "lambda x: x"),
        (defaults()[1], "lambda x: x"),
        (replaced, "lambda x: f(x) + 1"),
        (captured[0], "lambda b: a"),
        (captured[1], "lambda b: b"),
        (captured[2], "lambda b: (a, b)"),
    ]
    for fn, text in cases:
        source = source_of(fn)
        assert source.name == "<lambda>"
        assert text_of(source).rstrip(")") == text.rstrip(")")
    first, second = (source_of(fn).range().column for fn in defaults())
    assert first < second
    assert [source_of(fn).range().column for fn in alike] == [8, 21]


def test_lambdas_without_columns() -> None:
    bare = [fn.__code__.replace(co_linetable=b"") for fn in (*several[:2], *alike)]
    assert all(p[2] is None for p in bare[0].co_positions())
    fns = [type(plain)(code, globals()) for code in bare]
    assert text_of(source_of(fns[1])) == "lambda x: x + 1"
    with pytest.raises(ScriptError, match="can't be told apart") as info:
        source_of(fns[2])
    assert info.value.lineno == alike[0].__code__.co_firstlineno
    assert "a line of its own" in str(info.value)


TEXT = """\
# -*- coding: utf-8 -*-
def größe(x, p="é"):
\tif x:
\t\treturn (lambda ü: "é" + ü), x
\treturn x


class A:
    name = "é"; f = lambda self: 1
\f
    def g(self): return 'é' + (lambda: 2)()
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_files_with_unicode_tabs_and_form_feeds(tmp_path: Path, newline: str) -> None:
    name = f"strange_{len(newline)}"
    module = in_file(tmp_path, name, TEXT, newline)
    assert text_of(source_of(module.größe)).startswith('def größe(x, p="é"):\n\tif x:')
    assert text_of(source_of(module.größe(1)[0])) == 'lambda ü: "é" + ü'
    assert text_of(source_of(module.A.f)) == "lambda self: 1"
    place = source_of(module.A.f).range()
    assert (place.line, place.column, place.end_column) == (9, 20, 34)
    assert text_of(source_of(module.A.g)) == "def g(self): return 'é' + (lambda: 2)()"
    assert source_of(module.A.g).lines() == [TEXT.split("\n")[10]]
    assert source_of(module.A).range().line == 8


def test_text_that_is_in_no_file() -> None:
    space = executed("x = 1\ndef f(a): return a, x\ng = lambda: 2\n", "<cell 1>")
    assert text_of(source_of(space["f"])) == "def f(a): return a, x"
    assert text_of(source_of(space["g"])) == "lambda: 2"
    # The same name again, as when a notebook's cell is run again.
    again = executed("def f(a): return a * 2\n", "<cell 1>")
    assert text_of(source_of(again["f"])) == "def f(a): return a * 2"
    with pytest.raises(ScriptError, match="another text than the one f was compiled"):
        source_of(space["f"])


def test_text_that_inherited_a_future() -> None:
    text = "def f(a):\n    def g(b: int) -> later: return b\n    return g\n"
    filename = "<cell of the future>"
    linecache.cache[filename] = len(text), None, text.splitlines(True), filename
    space: dict[str, Any] = {}
    flags = importlib.import_module("__future__").annotations.compiler_flag
    exec(compile(text, filename, "exec", flags, True), space)
    assert source_of(space["f"]).name == "f"
    assert source_of(space["f"](1)).name == "g"


def test_doctests() -> None:
    text = """
    >>> def f(x):
    ...     return x
    >>> g = lambda: 2
    >>> [source_of(fn).lines() for fn in (f, g)]
    [['def f(x):', '    return x'], ['g = lambda: 2']]
    """
    parsed = doctest.DocTestParser().get_doctest(
        text, {"source_of": source_of}, "example", None, 0
    )
    said: list[str] = []
    result = doctest.DocTestRunner().run(parsed, out=said.append)
    assert (result.attempted, result.failed) == (3, 0), said


def test_text_that_was_read_once_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What others registered is theirs.
    monkeypatch.setattr(linecache, "cache", dict(linecache.cache))
    module = in_file(tmp_path, "removed", "def f(x):\n    return x\n")
    space = executed("def f(x): return x\n", "<cleared>")
    wanted = [source_of(fn).node for fn in (module.f, space["f"])]
    (tmp_path / "removed.py").unlink()
    linecache.clearcache()
    assert [source_of(fn).node for fn in (module.f, space["f"])] == wanted


def test_wrappers_that_go_round() -> None:
    class Wrapper:
        pass

    wrapper = Wrapper()
    wrapper.__wrapped__ = wrapper
    with pytest.raises(ScriptError, match="a Wrapper has no source"):
        source_of(wrapper)


def test_what_has_no_source_says_the_ways_out() -> None:
    space: dict[str, Any] = {}
    exec("def f(x):\n    return x\n\nclass A: pass", space)
    space["A"].__module__ = "nowhere"
    frozen = sys.modules["_frozen_importlib"].spec_from_loader
    for obj, name in (
        (space["f"], "f can't be found: there is no text of '<string>'"),
        (space["A"], "the class A can't be found"),
        (len, "'len' (a builtin_function_or_method) can't be found"),
        (int, "the class int can't be found"),
        (frozen, "spec_from_loader can't be found: there is no text of"),
    ):
        with pytest.raises(ScriptError) as info:
            source_of(obj)
        assert str(info.value).startswith(f"the source of {name}")
        assert "script(source_string)" in str(info.value)
    for wrong in (3, functools.partial(plain, 1), property(plain)):
        message = f"a {type(wrong).__name__} has no source"
        with pytest.raises(ScriptError, match=message):
            source_of(wrong)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def f(x):\n    return x\n", "def f(x):\n    return -x\n"),
        ("def f(x):\n    return x + 1\n", "def f(x):\n    return x + 2\n"),
        ("def f(x):\n    return x\n", "def f(y):\n    return y\n"),
        ("def f(x):\n    return x\n", "def g(x):\n    return x\n"),
        ("f = lambda x: x\n", "f = lambda x: -x\n"),
        ("f = lambda x: x\n", "\nf = lambda x: x\n"),
        ("def f(x):\n    return x\n", "def f(x:\n"),
    ],
)
def test_files_that_changed_since(tmp_path: Path, old: str, new: str) -> None:
    module = in_file(tmp_path, "changing", old)
    (tmp_path / "changing.py").write_text(new + "# longer\n")
    with pytest.raises(ScriptError, match="holds another text than the one") as info:
        source_of(module.f)
    assert info.value.filename == str(tmp_path / "changing.py")
    assert info.value.lineno == 1
    assert "import it again" in str(info.value)
    # What was read before the change is still that of the function.
    again = in_file(tmp_path, "changing", old)
    assert source_of(again.f).name == module.f.__code__.co_name


def test_files_that_changed_elsewhere(tmp_path: Path) -> None:
    module = in_file(tmp_path, "edited", "def f(x):\n    return x\n")
    source_of(module.f)
    text = "import os\n\ndef f(x):\n    return x + 1\n"
    module = in_file(tmp_path, "edited", text)
    assert source_of(module.f).range().line == 3
    assert ast.unparse(source_of(module.f).node) == "def f(x):\n    return x + 1"


def test_ranges_of_nodes_in_characters() -> None:
    text = "def f(ä, b: 'ö' = 'ü'):\n    return 'é' + (b\n    * ä), [q for q in b]\n"
    node = source_of(executed(text, "<ranges>")["f"]).node
    made = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)
    assert ast.dump(node) == ast.dump(made)
    returned = node.body[0].value
    place = range_of("<ranges>", returned.elts[0].right, "f")
    assert str(place) == "<ranges>:2:18 (f)"
    assert (place.end_line, place.end_column) == (3, 7)
    assert place.highlight().split("\n") == [
        "    return 'é' + (b",
        " " * 18 + "^",
        "    * ä), [q for q in b]",
        "    ^^^",
    ]
    # Of what has no position itself, where its parts are.
    arguments = range_of("<ranges>", node.args)
    assert (arguments.column, arguments.end_column) == (6, 21)
    loop = returned.elts[1].generators[0]
    assert range_of("<ranges>", loop).column == 17
    assert range_of("<ranges>", ast.Load()).line == 1
