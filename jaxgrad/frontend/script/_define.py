"""Functions from a string of source."""

from __future__ import annotations

import ast
import sys
import types
from typing import Any

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source import parse_text


def functions_of(source: str, obj: Any) -> dict[str, types.FunctionType]:
    """The functions that a string defines, with the globals of an object's module.

    Args:
        source: definitions of functions.
        obj: the object.

    Returns:
        The functions by name.

    Raises:
        ScriptError: it isn't Python, or it is something else than such definitions.
    """
    module, filename = parse_text(source)
    names = [node.name for node in module.body if isinstance(node, ast.FunctionDef)]
    if not names or len(names) != len(module.body):
        raise ScriptError(
            "define takes the definitions of functions, and nothing else.\n"
            "  Write def name(self, ...): ..."
        )
    home = sys.modules.get(type(obj).__module__)
    known = getattr(home, "__dict__", {})
    namespace = dict(known)
    exec(compile(module, filename, "exec"), namespace)
    return {name: namespace[name] for name in names}
