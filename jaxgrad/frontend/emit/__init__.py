"""Python source to graphs of the `py::` dialect.

- `emit`: the program of a function's source.

Inside, from the bottom up: `_names` and `_flow` say what the source reads, binds and
leaves; `_emitter` holds what is known while a graph is built; `_calls`, `_targets`,
`_loops`, `_expressions` and `_statements` say how each piece is emitted; `_function`
puts a whole function together.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaxgrad.frontend.emit._function import FunctionEmitter

if TYPE_CHECKING:
    from jaxgrad.frontend.source import Source
    from jaxgrad.graph import SourceRange
    from jaxgrad.lower.script import Program


def emit(
    source: Source,
    places: Callable[[ast.AST], SourceRange],
    known: Callable[[ast.expr], Any],
    owner: str = "",
) -> Program:
    """The program of a function.

    Args:
        source: its source.
        places: where a piece of it stands.
        known: what library function a callee names; None if none.
        owner: the class that it is a method of, for private names.

    Returns:
        The program.
    """
    node = source.node
    assert isinstance(node, ast.FunctionDef | ast.Lambda)
    return FunctionEmitter(node, places, known, owner=owner).run()
