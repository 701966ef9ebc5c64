"""How statements end, and which names are needed after them."""

import ast
import textwrap

import pytest

from jaxgrad.frontend.emit._flow import (
    Ending,
    Liveness,
    bound_at_breaks,
    endings,
    is_endless,
)

N, B, C, R, X = Ending


def body(source: str) -> list[ast.stmt]:
    """The statements of a function that has this body."""
    text = "def f():\n" + textwrap.indent(textwrap.dedent(source).strip("\n"), "    ")
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function.body


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1", {N}),
        ("return", {R}),
        ("raise E", {X}),
        ("assert x", {N}),
        ("return 1\nraise E", {R}),
        ("def g():\n    return 1", {N}),
        ("if a:\n    return", {N, R}),
        ("if a:\n    return\nelse:\n    raise E", {R, X}),
        ("if a:\n    return\nelse:\n    raise E\nx = 1", {R, X}),
        ("if a:\n    return\nreturn", {R}),
        ("with a:\n    return", {R}),
        ("with a:\n    if b:\n        return", {N, R}),
        ("for i in a:\n    pass", {N}),
        ("for i in a:\n    return", {N, R}),
        ("for i in a:\n    break", {N}),
        ("for i in a:\n    continue", {N}),
        ("for i in a:\n    raise E", {N}),
        ("for i in a:\n    pass\nelse:\n    return", {R}),
        ("for i in a:\n    break\nelse:\n    return", {N, R}),
        ("for i in a:\n    return\nelse:\n    return", {R}),
        ("while a:\n    return", {N, R}),
        ("while True:\n    return", {R}),
        ("while True:\n    if a:\n        return", {R}),
        ("while True:\n    if a:\n        break\n    return", {N, R}),
        ("while True:\n    break\nelse:\n    return", {N}),
        ("while 1:\n    return", {R}),
        ("while 0:\n    return", {N, R}),
        ("while True:\n    for i in a:\n        break\n    return", {R}),
    ],
)
def test_endings(source: str, expected: set[Ending]) -> None:
    assert endings(body(source)) == expected


def test_endings_inside_a_loop() -> None:
    (loop,) = body("""
        for i in a:
            if b:
                continue
            if c:
                break
            raise E
    """)
    assert isinstance(loop, ast.For)
    assert endings(loop.body) == {C, B, X}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("while True: pass", True),
        ("while 1: pass", True),
        ("while 0: pass", False),
        ("while x: pass", False),
        ("for i in x: pass", False),
    ],
)
def test_is_endless(source: str, expected: bool) -> None:
    assert is_endless(body(source)[0]) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("for i in a:\n    pass", set()),
        ("for i in a:\n    break", {"i"}),
        ("while a:\n    x = 1\n    break", {"x"}),
        ("while a:\n    if b: x = 1; break\n    y = 1\n    break", set()),
        ("while a:\n    z = 1\n    if b: break\n    y = 1\n    break", {"z"}),
        ("while a:\n    if b: x = 1\n    else: x = 2\n    break", {"x"}),
        ("while a:\n    if b: x = 1\n    break", set()),
        ("while a:\n    if b: x = 1\n    else: return\n    break", {"x"}),
        ("while a:\n    x = 1\n    del x\n    break", set()),
        ("while a:\n    for i in b: break\n    (x, *y) = b\n    break", {"x", "y"}),
        ("while a:\n    with b:\n        x = 1\n        break", {"x"}),
    ],
)
def test_bound_at_breaks(source: str, expected: set[str]) -> None:
    (loop,) = body(source)
    assert isinstance(loop, ast.For | ast.While)
    assert bound_at_breaks(loop) == expected


def live(source: str) -> dict[str, tuple[set[str], set[str] | None]]:
    """What is needed after, and at the head of, the statement in each line."""
    found = Liveness(body(source))
    return {
        ast.unparse(node).partition("\n")[0]: (after, found.head.get(node))
        for node, after in found.after.items()
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if a:\n    x = 1\nreturn x", {"if a:": ({"x"}, None)}),
        ("if a:\n    x = 1\nx = 2\nreturn x", {"if a:": (set(), None)}),
        ("if a:\n    x = 1\nx += 2\nreturn 1", {"if a:": ({"x"}, None)}),
        ("if a:\n    x = 1\nx[0] = 2\nreturn 1", {"if a:": ({"x"}, None)}),
        ("if a:\n    x = 1\nx: int\nreturn x", {"if a:": ({"x"}, None)}),
        ("if a:\n    x = 1\nx: int = 3\nreturn x", {"if a:": (set(), None)}),
        ("if a:\n    x = 1\n(x, *y) = b\nreturn x", {"if a:": ({"b"}, None)}),
        ("if a:\n    x = 1\ndel x\nreturn 1", {"if a:": ({"x"}, None)}),
        ("if a:\n    x = 1\nreturn lambda y: y + x", {"if a:": ({"x"}, None)}),
        ("if a:\n    x = 1\nreturn lambda x: x", {"if a:": (set(), None)}),
        ("if a:\n    x = 1\nreturn lambda y=x: y", {"if a:": ({"x"}, None)}),
        ("if a:\n    x = 1\nraise E(x)", {"if a:": ({"E", "x"}, None)}),
        (
            "if a:\n    if b:\n        x = 1\n    y = x\nreturn y",
            {"if a:": ({"y"}, None), "if b:": ({"x"}, None)},
        ),
        (
            "with a:\n    if b:\n        x = 1\nreturn x",
            {"with a:": ({"x"}, None), "if b:": ({"x"}, None)},
        ),
        # What a round leaves is needed at its head.
        ("for i in a:\n    x = x + i\nreturn 1", {"for i in a:": (set(), {"x"})}),
        ("for i in a:\n    x = i\nreturn x", {"for i in a:": ({"x"}, {"x"})}),
        ("for i in a:\n    x = i\n    y = x", {"for i in a:": (set(), set())}),
        ("while x:\n    x = y", {"while x:": (set(), {"x", "y"})}),
        # Through one more round than that.
        (
            "while a:\n    x = y\n    y = z\n    z = b\nreturn x",
            {"while a:": ({"x"}, {"a", "b", "x", "y", "z"})},
        ),
        # What a break and a continue lead to.
        (
            "for i in a:\n    if b:\n        x = 1\n        break\n    x = 2\nreturn x",
            {"for i in a:": ({"x"}, {"b", "x"}), "if b:": ({"x", "b"}, None)},
        ),
        (
            "while a:\n    if b:\n        x = 1\n        continue\n    y = x\nreturn y",
            {
                "while a:": ({"y"}, {"a", "b", "x", "y"}),
                "if b:": ({"a", "b", "x", "y"}, None),
            },
        ),
        (
            "for i in a:\n    x = 1\nelse:\n    y = x\nreturn y",
            {"for i in a:": ({"x", "y"}, {"x"})},
        ),
    ],
)
def test_liveness(
    source: str, expected: dict[str, tuple[set[str], set[str] | None]]
) -> None:
    assert live(source) == expected
