"""`Operator`: what runs a node that was recorded, as the graph sees it.

The graph knows neither tracing nor JAX's equations; whoever records a node hangs such
an object on it. A node without one is run by what its kind says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from jaxgrad.graph import types

if TYPE_CHECKING:
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._source import SourceRange

# Kinds that do more than making their outputs.
EFFECTFUL = frozenset(
    {"prim::Print", "prim::Assert", "prim::RaiseException", "prim::SetAttr"}
    | {"prim::CellSet", "prim::SetItem", "prim::Unchanged", "prim::With"}
    # These raise where a variable has no value, and use an iterator up.
    | {"prim::Use", "prim::Iterate"}
)

# Primitives with effects, for nodes that nobody recorded.
_EFFECTFUL_PRIMITIVES = frozenset(
    {"debug_callback", "debug_print", "io_callback", "outfeed", "infeed"}
    | {"get", "swap", "addupdate", "masked_load", "masked_swap"}
)
_PURE_MODULES = (
    "builtins.",
    "cmath.",
    "jax.image.",
    "jax.lax.",
    "jax.nn.",
    "jax.numpy.",
    "jax.random.",
    "jax.scipy.",
    "math.",
    "operator.",
    "_operator.",
)
# What they have that isn't: input and output, changes in place, settings.
_IMPURE = re.compile(
    r"jax\.numpy\.(save|load|from|set_)|operator\.(i(?!n(dex|v)|s_|temg)|setitem|delitem|call)|"
    r"builtins\.(print|input|open|exec|eval|compile|next|iter|setattr|delattr|"
    r"breakpoint|exit|quit|__|map|filter|getattr|vars)"
)


def acts(node: Node) -> bool:
    """Whether a node that nobody recorded may do more than making its outputs."""
    # The callables of modules that are known to be pure don't. Of any other, and of one
    # that is given a callable or a Ref, nothing is known, so that it may.
    kind = node._kind
    if kind in EFFECTFUL or kind == "prim::CallMethod":
        return True
    if kind == "prim::CallFunction":
        return _call_acts(node)
    if kind == "prim::TupleUnpack":  # of what may have another length, or be used up
        return not isinstance(node._inputs[0].type(), types.TupleType)
    dialect, _, name = kind.partition("::")
    if dialect not in ("lax", "py"):
        return False
    if any(isinstance(v.type(), types.RefType) for v in node._inputs):
        return True
    if dialect == "lax":
        return name in _EFFECTFUL_PRIMITIVES
    if not name.startswith(_PURE_MODULES) or _IMPURE.match(name):
        return True
    given = node._attributes.values()
    return any(callable(v) and not isinstance(v, type) for v in given)


def _call_acts(call: Node) -> bool:
    """Whether the graph that is called, or one that it calls, has effects."""
    called = call._attributes.get("graph")
    if called is None:
        return True
    todo, seen = [called.block()], {id(called)}
    while todo:
        for node in todo.pop().nodes():
            inner = node._attributes.get("graph")
            if node._kind == "prim::CallFunction" and inner is not None:
                # Each graph is looked at once, also where it calls itself.
                if id(inner) not in seen:
                    seen.add(id(inner))
                    todo.append(inner.block())
            elif node.has_side_effects():
                return True
    return False


class Operator(Protocol):
    """What runs a recorded node."""

    def run(self, node: Node, inputs: list[Any], evaluate: Any = None) -> list[Any]:
        """The outputs of `node`, which may have other attributes and blocks by now.

        `evaluate(block, inputs)` runs a block; it is needed where blocks were edited.
        """
        ...

    def has_effects(self) -> bool:
        """Whether running it does more than making its outputs."""
        ...

    def regions(self) -> Iterable[str]:
        """The names of the attributes that are shown as blocks."""
        ...

    def expand(self, node: Node) -> None:
        """Make the blocks of `node`."""
        ...

    def opens(self) -> bool:
        """Whether its block is a plain call, whose body may stand in its place."""
        ...

    def source_range(self) -> SourceRange | None:
        """Where the user's code says what it does."""
        ...

    def scope(self) -> str:
        """The name scopes that it was recorded in."""
        ...
