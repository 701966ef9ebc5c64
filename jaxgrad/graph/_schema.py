"""Schemas: the kind of a node with the types of its inputs and outputs.

- `of(node)`: as the node has them.
- `matches(node, schema)`: whether it has the types that a schema asks for.
- `input_names(node)`: the names of its inputs.
"""

from __future__ import annotations

import inspect
import re
import string
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxgrad.errors import GraphError, ParseError
from jaxgrad.graph import types
from jaxgrad.graph._callables import lax_function, resolve

if TYPE_CHECKING:
    from jaxgrad.graph._node import Node

_KIND = re.compile(r"\s*([^\s(]+::[^\s(]+|\^?[^\s(]+)\s*\(")
_NAME = re.compile(r"\s*[A-Za-z_][\w.]*")
_ARROW = re.compile(r"\s*->\s*")
_NAMED = {
    "prim::If": ["condition"],
    "prim::Loop": ["max_trip", "condition"],
    "prim::TupleIndex": ["tuple", "index"],
    "prim::TupleUnpack": ["tuple"],
    "prim::ListUnpack": ["list"],
    "prim::GetAttr": ["self"],
    "prim::SetAttr": ["self", "value"],
}


def of(node: Node) -> str:
    """`kind(type name, ...) -> type`, as the node has them."""
    pairs = zip(node.inputs(), input_names(node), strict=True)
    inputs = ", ".join(f"{value.type()} {name}" for value, name in pairs)
    outputs = [str(value.type()) for value in node.outputs()]
    made = outputs[0] if len(outputs) == 1 else f"({', '.join(outputs)})"
    return f"{_kind(node)}({inputs}) -> {made}"


def matches(node: Node, schema: str) -> bool:
    """Whether a node has the kind of a schema, and types at least as narrow.

    Args:
        node: the node.
        schema: like `lax::mul(Tensor a, f32[3] b) -> Tensor`. Names say nothing, and
            may be left out, as may what is returned.

    Returns:
        Whether it does.

    Raises:
        ParseError: the schema can't be read.
    """
    wanted = _read(schema)
    if wanted.kind not in (node.kind(), _kind(node)):
        return False
    sides = [(node.inputs(), wanted.inputs)]
    if wanted.outputs is not None:
        sides.append((node.outputs(), wanted.outputs))
    return all(
        len(values) == len(expected)
        and all(
            value.type().is_subtype_of(type_)
            for value, type_ in zip(values, expected, strict=True)
        )
        for values, expected in sides
    )


def _kind(node: Any) -> str:
    """The kind; the Function of a PythonOp, as it prints."""
    if node.kind() == "prim::PythonOp" and "pyobj" in node._attributes:
        return f"^{node.name()}"
    return node.kind()


# --- reading --------------------------------------------------------------------------


class _Schema(NamedTuple):
    kind: str
    inputs: list[types.Type]
    outputs: list[types.Type] | None


def _read(schema: str) -> _Schema:
    match = _KIND.match(schema)
    if match is None:
        raise _unreadable(schema, 0, "a kind and '('")
    inputs, at = _types(schema, match.end())
    arrow = _ARROW.match(schema, at)
    outputs = None
    if arrow is not None:
        at = arrow.end()
        if schema.startswith("(", at):
            outputs, at = _types(schema, at + 1)
        else:
            only, at = types.parse_at(schema, at)
            outputs, at = [only], _after_name(schema, at)
    if schema[at:].strip():
        raise _unreadable(schema, at, "'->', or the end")
    return _Schema(match[1], inputs, outputs)


def _types(schema: str, at: int) -> tuple[list[types.Type], int]:
    """The types up to a closing parenthesis, with or without names."""
    found: list[types.Type] = []
    while True:
        at += len(schema[at:]) - len(schema[at:].lstrip())
        if schema.startswith(")", at):
            return found, at + 1
        if found:
            if not schema.startswith(",", at):
                raise _unreadable(schema, at, "',' or ')'")
            at += 1
        type_, at = types.parse_at(schema, at)
        found.append(type_)
        at = _after_name(schema, at)


def _after_name(schema: str, at: int) -> int:
    name = _NAME.match(schema, at)
    return at if name is None else name.end()


def _unreadable(schema: str, at: int, expected: str) -> ParseError:
    return ParseError(
        f"{schema!r} is no schema.\n  Expected {expected} at column {at + 1}, as in "
        "'lax::mul(Tensor a, Tensor b) -> Tensor'."
    )


# --- names ----------------------------------------------------------------------------


def input_names(node: Node) -> list[str]:
    """The names of a node's inputs: its function's parameters, else letters.

    Args:
        node: the node.

    Returns:
        A name for each input.
    """
    count = len(node.inputs())
    names = _parameters(node)[:count]
    if len(names) < count and node.kind() not in _NAMED:
        names = []
    letters = (name for name in _letters() if name not in names)
    names = names + [next(letters) for _ in range(count - len(names))]
    return names


def _letters() -> Any:
    yield from string.ascii_lowercase
    number = 1
    while True:
        yield from (f"{letter}{number}" for letter in string.ascii_lowercase)
        number += 1


def _parameters(node: Any) -> list[str]:
    """The names of the parameters that inputs are given for, as far as known."""
    kind = node.kind()
    if kind in _NAMED:
        return _NAMED[kind]
    if kind == "prim::PythonOp":
        return _of_application(node)
    names = _positional(_resolved(kind), len(node.inputs()))
    return [name for name in names if name not in node._attributes]


def _of_application(node: Any) -> list[str]:
    letters = node._attributes.get("cconv")
    if not isinstance(letters, str) or "pyobj" not in node._attributes:
        return []
    function = node.autograd_function()
    if function is None:
        names = _positional(node.pyobj, len(letters))
    else:
        skipped = int(_takes_context(function))
        names = _positional(function.forward, len(letters) + skipped)[skipped:]
    # A container has more letters than one: which are its is not known.
    pairs = zip(names, letters, strict=False) if len(names) >= len(letters) else ()
    return [name for name, letter in pairs if letter == "d"]


def _takes_context(function: Any) -> bool:
    """Whether a Function's forward has a context before its arguments."""
    *_, base, _ = (object, *function.__mro__)
    setup = getattr(function, "setup_context", None)
    return setup is None or setup is getattr(base, "setup_context", None)


def _positional(function: Any, count: int) -> list[str]:
    """The names of a callable's positional parameters; `*xs` is `xs_0`, `xs_1`, ..."""
    if function is None:
        return []
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = max(count - len(names), 0)
            names += [f"{parameter.name}_{i}" for i in range(rest)]
        elif parameter.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            names.append(parameter.name)
    return names


def _resolved(kind: str) -> Any:
    """The callable that a kind names; None if there is none."""
    if kind.startswith("lax::"):
        return lax_function(kind)
    try:
        return resolve(kind)
    except GraphError:
        return None
