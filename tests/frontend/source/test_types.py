"""Types that annotations and type comments give."""

import linecache
import typing
from typing import Any

import jax
import pytest

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source import trees


def schema(text: str, **names: Any) -> str:
    tree = trees.parse_def(text)
    return trees.types_of(tree.decl(), names).schema(tree.name().name)


def test_annotations() -> None:
    class Mine:
        pass

    text = "def f(x, n: int, m: 'Mine', *xs: float, k: List['Tensor']) -> None: pass"
    found = trees.types_of(trees.parse_def(text).decl(), {"Mine": Mine})
    assert found.parameters["m"].python_class is Mine
    assert schema(text, Mine=int) == (
        "f(Tensor x, int n, int m, float xs, List[Tensor] k) -> None"
    )
    assert schema("def f(x: array): pass", array=jax.Array) == "f(Tensor x) -> Tensor"
    # The user's own meaning goes first.
    assert schema("def f(x: Tensor): pass", Tensor=int) == "f(int x) -> Tensor"
    assert schema("def f(x: t.Optional[int]): pass", t=typing) == (
        "f(Optional[int] x) -> Tensor"
    )


@pytest.mark.parametrize(
    "text",
    [
        "def f(x, y):\n    # type: (int, List[Tensor]) -> float\n    return x",
        "def f(x, y):  # type: (int, List[Tensor]) -> float\n    return x",
        "def f(x, y):\n    # type: (int, List[Tensor]) -> float  # so\n    return x",
        "def f(x,  # type: int\n      y,  # type: List[Tensor]\n      ):\n"
        "    # type: (...) -> float\n    return x",
        "def f(x: str, y):\n    # type: (int, List[Tensor]) -> float\n    return x",
        "def f(x: int, y: List[Tensor]):\n    # type: (...) -> float\n    return x",
    ],
)
def test_comments(text: str) -> None:
    assert schema(text) == "f(int x, List[Tensor] y) -> float"
    tree = trees.parse_def(text)
    assert tree.decl().commented
    assert "# type" not in trees.code(tree)


def test_comments_of_methods_and_functions_inside() -> None:
    text = (
        "class A:\n"
        "    def f(self, x):\n"
        "        # type: (int) -> int\n"
        "        def g(y):\n"
        "            # type: (str) -> str\n"
        "            return y\n"
        "        return x\n"
        "    def h(self, x):\n"
        "        # type: (A, int) -> int\n"
        "        z = x  # type: int\n"
        "        return z  # type: ignore[thing]\n"
    )
    filename = "<comments of methods>"
    linecache.cache[filename] = len(text), None, text.splitlines(True), filename
    space: dict[str, Any] = {"__name__": "comments"}
    exec(compile(text, filename, "exec"), space)
    cls = space["A"]
    tree = trees.get_def(cls.f, self_name="A")
    assert [trees.code(p.type) for p in tree.decl().params] == ["A", "int"]
    assert trees.code(tree.statements[0].decl().params[0].type) == "str"
    tree = trees.get_def(cls.h, self_name="A")
    assert [trees.code(p.type) for p in tree.decl().params] == ["A", "int"]
    assert trees.code(tree.statements[0].type) == "int"
    found = trees.get_class_def(cls)
    assert trees.code(found.body[0].decl().return_type) == "int"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            "def f(x):\n    # type: (int, int) -> int\n    pass",
            1,
            "2 types for 1 param",
        ),
        ("def f(x):\n    # type: (int -> int\n    pass", 1, "is no signature"),
        ("def f(x):\n    # type: (int)\n    pass", 1, "is no signature"),
        (
            "def f(x,  # type: int int\n  ):\n    # type: (...) -> int\n    pass",
            1,
            "no type",
        ),
        ("def f(x):\n    y = x  # type: 1 +\n    return y", 2, "is no type"),
        ("def f(x):\n    y = (x +  # type: int\n         1)\n    return y", 2, "stand"),
    ],
)
def test_wrong_comments(text: str, line: int, message: str) -> None:
    with pytest.raises(ScriptError, match=message) as info:
        trees.parse_def(text)
    assert info.value.lineno == line
    assert "\n  write " in info.value.msg


def test_comments_that_are_not_types() -> None:
    text = "def f(x):\n    # type: ignore\n    return x  # type: ignore[a]\n"
    assert schema(text) == "f(Tensor x) -> Tensor"
    text = "def f(x):\n    return '# type: (int) -> int'\n"
    assert schema(text) == "f(Tensor x) -> Tensor"


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (
            "def f(x: Foo): pass",
            (10, 13),
            "'Foo' in the annotation Foo is no known name",
        ),
        ("def f(é, y: Dict[str, Foo]): pass", (13, 27), "'Foo' in the annotation Dict"),
        ("def f(x) -> 3: pass", (13, 14), "the annotation 3 is no type"),
        ("def f(x: list): pass", (10, 14), "the annotation list is no type: .*inside"),
        ("def f(x: Tuple[3 + 4]): pass", (10, 22), "the annotation Tuple"),
    ],
)
def test_wrong_annotations(text: str, columns: tuple[int, int], message: str) -> None:
    tree = trees.parse_def(text)
    with pytest.raises(ScriptError, match=message) as info:
        trees.types_of(tree.decl(), {})
    error = info.value
    assert (error.lineno, error.offset, error.end_offset) == (1, *columns)
    assert error.msg.split("\n  ")[1].startswith("use an array, a Python type")
    assert error.__cause__ is not None
