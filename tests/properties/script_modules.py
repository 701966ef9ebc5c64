"""Modules of random functions.

- `Function`: one.
- `module`: several of them, and one that calls all.
- `constructs`: what a program consists of, counted.
- `without_stores`: the same program without changes of arrays in place.
"""

import ast
import collections
from typing import NamedTuple


class Function(NamedTuple):
    """The text of a function, and the static argument it is called with."""

    text: str
    n: int


HEAD = """class Box:
    def __init__(self, x, y):
        self.x = x
        self.y = y
"""
CALL = """
def call{0}(a, b, i, v):
    o = Box(a, b)
    xs = [b, a]
    result = f{0}(a, b, i, v * 1.0, {1}, o, xs)
    return result, o.x, o.y, xs
"""


def module(given: list[Function]) -> str:
    """The text of a module with several functions, and `main` that calls all."""
    parts = [HEAD]
    for number, function in enumerate(given):
        parts.append("\n" + function.text.replace("def f(", f"def f{number}(", 1))
        parts.append(CALL.format(number, function.n))
    calls = "".join(f"        call{n}(a, b, i, v),\n" for n in range(len(given)))
    parts.append(f"\ndef main(a, b, i, v):\n    return (\n{calls}    )\n")
    return "\n".join(parts)


def constructs(text: str) -> collections.Counter[str]:
    """How often each construct stands in a program."""
    found: collections.Counter[str] = collections.Counter()
    for node in ast.walk(ast.parse(text)):
        found[type(node).__name__] += 1
        match node:
            case ast.For() | ast.While():
                found["loop else"] += bool(node.orelse)
                inner = {type(n).__name__ for s in node.body for n in ast.walk(s)}
                found["loop in a loop"] += bool(inner & {"For", "While"})
                found["return in a loop"] += "Return" in inner
            case ast.Compare() if len(node.ops) > 1:
                found["chained comparison"] += 1
            case ast.Subscript(ctx=ast.Store()):
                found["subscript store"] += 1
            case ast.Attribute(ctx=ast.Store()):
                found["attribute store"] += 1
            case ast.Attribute(attr="append" | "pop" as name):
                found[name] += 1
            case ast.Call(func=ast.Name("enumerate" | "zip" | "range" as name)):
                found[name] += 1
            case ast.Assign(targets=[ast.Tuple()]):
                found["swap"] += 1
    return found


class _Stores(ast.NodeTransformer):
    """Stores in arrays as new arrays, for arrays of JAX."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        match node.targets[0]:
            case ast.Subscript(value=ast.Name("u" | "v" as name), slice=where):
                index, value = ast.unparse(where), ast.unparse(node.value)
                return _stored(name, index, "set", value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        match node.target:
            case ast.Subscript(value=ast.Name("u" | "v" as name), slice=where):
                index, value = ast.unparse(where), ast.unparse(node.value)
                return _stored(name, index, "multiply", value)
        return node


def _stored(name: str, index: str, how: str, value: str) -> ast.AST:
    place = f"[jnp.s_[{index}]]"
    return ast.parse(f"{name} = {name}.at{place}.{how}({value})").body[0]


def without_stores(text: str) -> str:
    """A program that runs on arrays of JAX in Python."""
    return ast.unparse(_Stores().visit(ast.parse(text)))
