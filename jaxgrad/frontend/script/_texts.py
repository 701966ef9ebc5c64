"""Functions whose source comes as a string."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source import parse_text


def functions_of_text(
    text: str, around: Mapping[str, Any], live: bool = False
) -> list[Any]:
    """The functions and classes that a text defines, made in a copy of a namespace.

    Args:
        text: statements, run once; or one lambda.
        around: the namespace; `jax`, `jnp` and `jaxgrad` are added where they are
            missing.
        live: whether the namespace itself is used, which is a dict, and not a copy.

    Returns:
        What the text defines, in order.

    Raises:
        ScriptError: it isn't Python, or defines nothing.
    """
    module, filename = parse_text(text)
    space: Any = around if live else dict(around)
    known = {
        "jax": jax,
        "jnp": jnp,
        "jaxgrad": sys.modules["jaxgrad"],
        "__name__": "__main__",
    }
    for name, value in known.items():
        space.setdefault(name, value)
    body = module.body
    only = body[0] if len(body) == 1 else None
    if isinstance(only, ast.Expr) and isinstance(only.value, ast.Lambda):
        tree = ast.Expression(only.value)
        return [eval(compile(tree, filename, "eval", dont_inherit=True), space)]
    names = [n.name for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    if not names:
        raise ScriptError(
            "the source defines no function\n  Expected a `def`, or one lambda; got "
            f"{text.strip()[:60]!r}."
        )
    exec(compile(module, filename, "exec", dont_inherit=True), space)
    found = [space[name] for name in dict.fromkeys(names)]
    for each in found:
        if isinstance(each, types.FunctionType | type):
            each.__module__ = space["__name__"]
    return found
