"""The source of classes, also of those that don't say where they were defined."""

import ast
import dataclasses
import enum
import linecache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source import check, source_of
from tests.frontend.source.test_finding import executed, in_file


class Plain:
    size = 3

    def f(self) -> int:
        return self.size

    class Inner:
        def g(self) -> int:
            return 1

        class Bare:
            x = 1


class Child(Plain):
    pass


@dataclasses.dataclass(frozen=True)
class Data:
    x: int
    y: float = 1.0


class Point(NamedTuple):
    x: int


class Color(enum.Enum):
    RED = 1


if Plain.size == 3:

    class Either:
        here = True
else:

    class Either:
        there = True


def local(which: bool) -> type:
    class Local:
        def f(self) -> int:
            return 1

    first = Local

    class Local:
        def f(self) -> int:
            return 2

    return first if which else Local


def names_and_lines(cls: type) -> tuple[str, str]:
    source = source_of(cls)
    assert isinstance(source.node, ast.ClassDef)
    assert source.filename == __file__
    return source.name, source.lines()[0].strip()


def test_classes() -> None:
    cases: dict[type, str] = {
        Plain: "class Plain:",
        Plain.Inner: "class Inner:",
        Plain.Inner.Bare: "class Bare:",
        Child: "class Child(Plain):",
        Data: "@dataclasses.dataclass(frozen=True)",
        Point: "class Point(NamedTuple):",
        Color: "class Color(enum.Enum):",
    }
    for cls, line in cases.items():
        assert names_and_lines(cls) == (cls.__name__, line)
    for which, value in ((True, 1), (False, 2)):
        node: Any = source_of(local(which)).node
        assert node.body[0].body[0].value.value == value
    either: Any = source_of(Either).node
    assert either.body[0].targets[0].id == "here"


def test_classes_that_are_in_no_file() -> None:
    text = "class A:\n    x = 1\n\nclass B:\n    def f(self): return 1\n"
    space = executed(text, "<cell of classes>")
    assert source_of(space["A"]).range().line == 1
    assert source_of(space["B"]).range().line == 4
    assert source_of(space["A"]).filename == "<cell of classes>"


def test_text_of_another_class_of_the_name_is_not_taken() -> None:
    executed("class Same:\n    x = 1\n    y: int\n", "<cell of another>")
    space: dict[str, Any] = {"__name__": "nowhere"}
    for text in ("x = 1", "x = 1; y = 2", "z: int = 1"):
        exec(f"class Same: {text}; _other = 3", space)
        with pytest.raises(ScriptError, match="the class Same can't be found"):
            source_of(space["Same"])


def test_classes_that_look_alike(tmp_path: Path) -> None:
    text = "for i in range(2):\n    class A: x = 1\n    if i:\n        class A: x = 1\n"
    module = in_file(tmp_path, "look_alike", text)
    # The module is gone from sys.modules: by its text alone.
    path = str(tmp_path / "look_alike.py")
    linecache.cache[path] = len(text), None, text.splitlines(True), path
    if hasattr(module.A, "__firstlineno__"):
        assert source_of(module.A).range().line == 4
        del module.A.__firstlineno__
    with pytest.raises(ScriptError, match="may be any of those on lines 2, 4"):
        source_of(module.A)


def test_methods_that_changed_are_those_of_no_class(tmp_path: Path) -> None:
    module = in_file(tmp_path, "classes", "class A:\n    def f(self): return 1\n")
    (tmp_path / "classes.py").write_text("class A:\n    def g(self): return 22\n")
    with pytest.raises(ScriptError, match="source of the class A can't be found"):
        source_of(module.A)


def test_the_methods_of_a_class_are_checked() -> None:
    text = (
        "class A:\n    try: x = 1\n    except E: pass\n"
        "    def f(self): return 1\n    def g(self):\n        yield 1\n"
    )
    check(source_of(executed(text.replace("yield", "return"), "<checked 1>")["A"]))
    with pytest.raises(ScriptError, match="`yield`") as info:
        check(source_of(executed(text, "<checked 2>")["A"]))
    assert info.value.lineno == 6
