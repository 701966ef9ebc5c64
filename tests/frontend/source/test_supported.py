"""What script's language leaves out is refused, at its place, with a way out."""

import ast
import textwrap
from typing import Any

import pytest

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source import Source, check, parse_text, trees

# What a function holds, where the error is, its message, and a word of the remedy.
REFUSED = [
    ("try:\n    x\nexcept E:\n    pass", (2, 5, 2, 8), "`try`", "catch"),
    ("try:\n    x\nfinally:\n    x", (2, 5, 2, 8), "`try`", "catch"),
    ("try:\n    x\nexcept* E:\n    pass", (2, 5, 2, 8), "`try`", "catch"),
    ("if x:\n    import os", (3, 9, 3, 18), "`import`", "module"),
    ("from os import path", (2, 5, 2, 24), "`import`", "module"),
    ("yield x", (2, 5, 2, 12), "`yield`", "list"),
    ("y = yield", (2, 9, 2, 14), "`yield`", "list"),
    ("yield from x", (2, 5, 2, 17), "`yield from`", "list"),
    ("def g():\n    yield x", (3, 9, 3, 16), "`yield`", "list"),
    ("g = lambda: (yield)", (2, 18, 2, 23), "`yield`", "list"),
    ("async def g():\n    pass", (2, 5, 2, 16), "`async def`", "plain function"),
    ("class A:\n    pass", (2, 5, 2, 12), "a class inside a function", "outside"),
    ("match x:\n    case 1:\n        pass", (2, 5, 2, 12), "`match`", "elif"),
    ("'é', x; raise", (2, 13, 2, 18), "`raise` without an exception", "ValueError"),
    ("global a\na = 1", (3, 5, 3, 6), "'a' is global", "return the new value"),
    ("global a, b\nfor b in x: pass", (3, 9, 3, 10), "'b' is global", "attribute"),
    ("global a\ndel a", (3, 9, 3, 10), "'a' is global", "attribute"),
    ("global a\ndef a(): pass", (3, 5, 3, 18), "'a' is global", "attribute"),
    ("global a\nif (a := 1): pass", (3, 9, 3, 10), "'a' is global", "attribute"),
    (
        "a = 1\ndef g():\n    nonlocal a\n    a += 1",
        (5, 9, 5, 10),
        "'a' is nonlocal",
        "attribute",
    ),
    ("def g(a, b=[]): pass", (2, 16, 2, 18), "the default of 'b' is a list", "None"),
    ("g = lambda *, b={1}: b", (2, 21, 2, 24), "the default of 'b' is a set", "None"),
]
ALLOWED = """
def f(x, *args, y: (yield) = 1, z=(), **kwargs):
    '''Doc.'''
    global counter
    def inner(a, b=2, *c, **d) -> {}:
        nonlocal x
        counter = x + counter if False else x
        return inner
    g = lambda a, *b: [a for a in b for c in b if c]
    for i, *j in x:
        if (k := i):
            continue
        break
    else:
        del x[0], k
    with x as y, z:
        assert x, f"{x!r:>{y}}"
    while x < y < z:
        raise ValueError(x) from y
    else:
        return g(*x, **y), {a: b for a in x}, {*x}, [*x], {**x}, any(q for q in x)
    counter.value = x[1:2, ...] = x @ y
    x: int = f(x)
    y: [1]
    return x
"""


def source(text: str) -> Source:
    module, filename = parse_text(text)
    node: Any = module.body[0]
    return Source(filename, node, node.name)


@pytest.mark.parametrize(("body", "place", "message", "remedy"), REFUSED)
def test_refused(body: str, place: tuple[int, ...], message: str, remedy: str) -> None:
    text = "def f(x):\n" + textwrap.indent(body, "    ") + "\n    return x\n"
    with pytest.raises(ScriptError) as info:
        check(source(text))
    error = info.value
    assert error.msg.startswith(message)
    assert remedy in error.msg.split("\n")[1]
    got = (error.lineno, error.offset, error.end_lineno, error.end_offset)
    assert got == place
    assert error.text == text.split("\n")[place[0] - 1]
    assert error.filename.startswith("<jaxgrad script")


def test_allowed() -> None:
    text = ALLOWED.replace("nonlocal x\n        counter = ", "nonlocal x\n        k = ")
    text = text.replace("(yield)", "int")
    assert check(source(text.strip())) is None


def test_what_python_runs_itself_is_not_checked() -> None:
    text = "@d((lambda: (yield)))\ndef f(x: [1] = g(), *, y=lambda: (yield)): return x"
    assert check(source(text)) is None


def test_the_first_is_told() -> None:
    text = "def f(x):\n    if x:\n        def g(): yield\n    import os\n    yield 1\n"
    with pytest.raises(ScriptError, match="`yield`") as info:
        check(source(text))
    assert info.value.lineno == 3


def test_functions_that_are_async() -> None:
    for text, what in (
        ("async def f(x):\n    pass", "`async def`"),
        ("def f():\n    async def g(): await x", "`async def`"),
        ("def f(): return [x async for x in y]", "an async comprehension"),
    ):
        node: Any = ast.parse(text).body[0]
        _, filename = parse_text("# " + text.split("\n")[0])
        with pytest.raises(ScriptError, match=what):
            check(Source(filename, node, "f"))


def test_type_aliases() -> None:
    message = "a type alias" if hasattr(ast, "TypeAlias") else "isn't Python"
    with pytest.raises(ScriptError, match=message):
        check(source("def f(x):\n    type A = int\n    return x\n"))


@pytest.mark.parametrize(("body", "place", "message", "remedy"), REFUSED[:13])
def test_tree_views_refuse_the_same(
    body: str, place: tuple[int, ...], message: str, remedy: str
) -> None:
    text = "def f(x):\n" + textwrap.indent(body, "    ") + "\n    return x\n"
    with pytest.raises(ScriptError) as info:
        trees.parse_def(text)
    assert info.value.msg.startswith(message)
    assert info.value.lineno == place[0]
    assert remedy in info.value.msg
