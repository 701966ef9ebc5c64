"""What a piece of source says by itself, whatever is around it.

- `BINARY`: the function of `operator` for each binary operator.
- `literal`, `mangled`, `text_name`, `last_of_header`: literals, names and places.
- `unsupported`: the error for what can't be compiled.
"""

from __future__ import annotations

import ast
from typing import Any

from jaxgrad.errors import ScriptError
from jaxgrad.graph import SourceRange

BINARY: dict[type, str] = {
    ast.Add: "add",
    ast.BitAnd: "and_",
    ast.BitOr: "or_",
    ast.BitXor: "xor",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.LShift: "lshift",
    ast.MatMult: "matmul",
    ast.Mod: "mod",
    ast.Mult: "mul",
    ast.Pow: "pow",
    ast.RShift: "rshift",
    ast.Sub: "sub",
}


def literal(node: ast.AST) -> tuple[bool, Any]:
    """Whether an expression is a literal without a container, or a tuple of them."""
    if isinstance(node, ast.Constant):
        return True, node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = isinstance(node.operand, ast.Constant) and node.operand.value
        if isinstance(number, int | float | complex) and number is not False:
            return True, -number
    if isinstance(node, ast.Tuple):
        parts = [literal(each) for each in node.elts]
        return all(known for known, _ in parts), tuple([value for _, value in parts])
    return False, None


def mangled(owner: str, name: str) -> str:
    """The name of an attribute, as Python stores the private ones of class `owner`."""
    owner = owner.lstrip("_")
    private = name.startswith("__") and not name.endswith("__") and owner
    return f"_{owner}{name}" if private else name


def text_name(name: str) -> str:
    """The name of a variable as the text of a graph can show it."""
    name = name.replace("$", "_").partition("@")[0]
    return name if name.isascii() else "".join(c if c.isascii() else "_" for c in name)


def last_of_header(node: ast.AST) -> ast.AST | None:
    """The last expression before the colon of a compound statement."""
    if isinstance(node, ast.If | ast.While):
        return node.test
    if isinstance(node, ast.For):
        return node.iter
    if isinstance(node, ast.With):
        last = node.items[-1]
        return last.optional_vars or last.context_expr
    return None


def unsupported(place: SourceRange, what: str) -> ScriptError:
    """The error for a construct that can't be compiled."""
    return ScriptError(
        f"{what} can't be compiled.\n"
        "  Call a function with @jaxgrad.ignore that does it in Python.",
        (
            place.filename,
            place.line,
            None if place.column is None else place.column + 1,
            None,
            place.end_line,
            None if place.end_column is None else place.end_column + 1,
        ),
    )
