"""The text of a script: its code, its constants, its schema."""

from __future__ import annotations

import builtins
import dataclasses
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jaxgrad.frontend.script._host import defaults_of
from jaxgrad.frontend.script._programs import find, is_missing
from jaxgrad.frontend.source import source_of, trees
from jaxgrad.frontend.source._build_definitions import view_of

if TYPE_CHECKING:
    from jaxgrad.frontend.script._function import ScriptFunction


def view(script: ScriptFunction) -> trees.Def:
    """The source as a tree view, without its decorators."""
    found = view_of(source_of(script.function, unwrap=False))
    if hasattr(found, "decorators"):
        found = dataclasses.replace(found, decorators=())
    return found


def code(script: ScriptFunction) -> str:
    """The source as Python."""
    source = source_of(script.function, unwrap=False)
    if source.name == "<lambda>":
        text = trees.code(view_of(source))
        return text
    return trees.code(view(script))


def code_with_constants(script: ScriptFunction) -> tuple[str, dict[str, Any]]:
    """The source, and what its global names and closures stand for."""
    found = {}
    for name in _names(script.function.__code__):
        value, _ = find(script.function, name)
        if not is_missing(value) and not hasattr(builtins, name):
            found[name] = value
    return code(script), found


def _names(made: types.CodeType) -> Iterator[str]:
    """The global and free names that code and the functions in it read."""
    yield from made.co_names
    yield from made.co_freevars
    for constant in made.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def schema(script: ScriptFunction) -> str:
    """The parameters and the result, with their types."""
    tree, function = view(script), script.function
    space = dict(function.__globals__)
    for name in function.__code__.co_freevars:
        value, _ = find(function, name)
        if not is_missing(value):
            space[name] = value
    decl = tree.decl()
    declared = trees.types_of(decl, space)
    defaults = defaults_of(script.program, function)
    parts = [
        f"{kind} {name}" + (f"={defaults[name]!r}" if name in defaults else "")
        for name, kind in declared.parameters.items()
    ]
    returned = "Tensor" if declared.returns is None else str(declared.returns)
    return f"{script.__name__}({', '.join(parts)}) -> {returned}"
