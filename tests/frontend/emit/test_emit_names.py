"""Which names a piece of source reads, binds and captures."""

import ast

import pytest

from jaxgrad.frontend.emit._names import (
    Scope,
    base_name,
    captured_targets,
    free_names,
    handed_out,
    local_names,
    parameters,
    reads,
    writes,
)


def function(source: str) -> ast.FunctionDef:
    found = ast.parse(source).body[0]
    assert isinstance(found, ast.FunctionDef)
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = y", {"y"}),
        ("x += y", {"x", "y"}),
        ("x[i] = y", {"x", "i", "y"}),
        ("x.a += y", {"x", "y"}),
        ("f(a, *b, k=c, **d)", {"f", "a", "b", "c", "d"}),
        ("for i in a:\n    b", {"a", "b"}),
        ("def g(a, b=c):\n    return a + d", {"c", "d"}),
        ("def g(a):\n    e = d\n    return e", {"d"}),
        ("@h\ndef g(): pass", {"h"}),
        ("lambda a, *b, k=c: a + e", {"c", "e"}),
        ("lambda a: lambda b: a + b + c", {"c"}),
        ("(y := z)", {"z"}),
        ("f'{a:{b}}'", {"a", "b"}),
        ("del x", set()),
    ],
)
def test_reads(source: str, expected: set[str]) -> None:
    assert reads(ast.parse(source).body) == expected


@pytest.mark.parametrize(
    ("source", "expected", "items"),
    [
        ("x = y", {"x"}, set()),
        ("x, (y, *z) = a", {"x", "y", "z"}, set()),
        ("x[0][1] = y", set(), {"x"}),
        ("x.a[0] = y", set(), set()),
        ("x += 1", {"x"}, set()),
        ("x[0] += 1", set(), {"x"}),
        ("del x, y[0]", {"x"}, {"y"}),
        ("for i in a:\n    b = 1\nelse:\n    c = 1", {"i", "b", "c"}, set()),
        ("with a as b, c as (d, e):\n    f = 1", {"b", "d", "e", "f"}, set()),
        ("while (x := f()):\n    pass", {"x"}, set()),
        ("def g(a=(b := 1)):\n    c = 1", {"g", "b"}, set()),
        ("[x for x in a]", set(), set()),
        ("[(y := x) for x in a if (z := x)]", {"y", "z"}, set()),
        ("lambda a: (b := a)", set(), set()),
    ],
)
def test_writes(source: str, expected: set[str], items: set[str]) -> None:
    tree = ast.parse(source).body
    assert writes(tree, items=False) == expected
    assert writes(tree) == expected | items


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("x", {"x"}),
        ("x[0]", {"x"}),
        ("x[0][a]", {"x"}),
        ("x.a[0]", set()),
        ("f()[0]", set()),
    ],
)
def test_base_name(target: str, expected: set[str]) -> None:
    assert base_name(ast.parse(target, mode="eval").body) == expected


def test_parameters_stand_in_the_order_of_the_signature() -> None:
    found = parameters(function("def f(a, /, b, *c, d=1, **e): pass"))
    assert found == ["a", "b", "c", "d", "e"]


def test_local_and_free_names() -> None:
    found = function("""
def f(a):
    global g
    g = a + h
    b = [c for c in a]
    def inner():
        return b + k
    return inner
""")
    assert local_names(found) == {"a", "b", "inner"}
    # Those that a comprehension binds itself may be among them: they are never needed.
    assert free_names(found) - {"c"} == {"h", "k"}


@pytest.mark.parametrize(
    ("statements", "cells"),
    [
        ("x = 1\ng = lambda: x", set()),
        ("x = 1\ng = lambda x: x\nx = 2", set()),
        ("g = lambda: x\nx = 1", {"x"}),
        ("x = 1\ng = lambda: x\nx = 2", {"x"}),
        ("x = 1\ng = lambda: x\nx += 2", {"x"}),
        ("x = a\ng = lambda: x\nx[0] = 2", {"x"}),
        ("x = 1\ng = lambda: x\ndel x", {"x"}),
        ("x = 1\ng = lambda: x\nfor x in a: pass", {"x"}),
        ("x = 1\ng = lambda: x\nwith a as x: pass", {"x"}),
        ("x = 1\ng = lambda: lambda: x\nx = 2", {"x"}),
        ("x = 1\ng = lambda y=x: y\nx = 2", set()),
        # The next round of a loop binds it again.
        ("for x in a:\n    g = lambda: x", {"x"}),
        ("while a:\n    x = 1\n    g = lambda: x", {"x"}),
        ("x = 1\nfor y in a:\n    g = lambda: x", set()),
        # A function that calls itself, and two that call one another.
        ("def g(n): return g(n - 1)", {"g"}),
        ("def g(n): return h(n)\ndef h(n): return g(n)", {"h"}),
        # What the nested function stores into is bound anew around it.
        ("x = a\ndef g():\n    x[0] = 1", {"x"}),
        ("x = a\ndef g():\n    return lambda: x.b\nreturn g", set()),
        ("x = a\ndef g():\n    def h():\n        x[0] += 1\n    return h", {"x"}),
        # Names of the function around this one, and globals, are not its own.
        ("g = lambda: y\nreturn g", set()),
    ],
)
def test_cells(statements: str, cells: set[str]) -> None:
    lines = "".join(f"    {line}\n" for line in statements.splitlines())
    assert Scope(function(f"def f(a):\n{lines}")).cells == cells


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("[lambda: x for x in a]", ["x"]),
        ("[x for x in a]", []),
        ("[lambda: y for x in a]", []),
        ("[lambda x: x for x in a]", []),
        ("[lambda y=x: y for x in a]", []),
        ("[lambda: lambda: y for x, *y in a]", ["y"]),
        ("{x: lambda: (y, x) for x in a for y in x}", ["x", "y"]),
        ("{x for x in a if f(lambda: x)}", ["x"]),
        ("[[lambda: x for y in a] for x in a]", ["x"]),
    ],
)
def test_captured_targets(source: str, names: list[str]) -> None:
    found = ast.parse(source, mode="eval").body
    assert [name for _, name in captured_targets(found)] == names


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("lambda: x", 1),
        ("(x, [lambda: x], {1: lambda: x})", 2),
        ("f if x else lambda: x", 1),
        ("[lambda: x for y in x]", 1),
        ("f(lambda: x)", 0),
        ("(lambda: x)()", 0),
        ("x[lambda: x]", 0),
    ],
)
def test_functions_that_are_handed_out(source: str, count: int) -> None:
    found = list(handed_out(ast.parse(source, mode="eval").body))
    assert len(found) == count
