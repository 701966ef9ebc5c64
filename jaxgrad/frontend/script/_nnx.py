"""Objects of Flax NNX, where Flax is in use.

They note in which trace they were made, and refuse to be changed in another. A script
runs its branches and loops as traces of their own, and takes out of them again what was
changed there; so what it holds may be changed anywhere.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from jaxgrad import _compat
from jaxgrad.lower.script import _heap


def is_variable(value: Any) -> bool:
    """Whether a value is a variable of NNX."""
    nnx = sys.modules.get("flax.nnx")
    return nnx is not None and isinstance(value, nnx.Variable)


def is_state(value: Any) -> bool:
    """Whether a value is a variable, but no parameter."""
    return is_variable(value) and not isinstance(value, sys.modules["flax.nnx"].Param)


def _fresh(cls: type) -> dict[str, Any] | None:
    """What of an object of a class is about traces, and how a new object gets it."""
    nnx, pytrees = sys.modules.get("flax.nnx"), sys.modules.get("flax.nnx.pytreelib")
    if nnx is None:
        return None
    if issubclass(cls, nnx.Variable):
        return {"_trace_state": _trace_state}
    if pytrees is None or not hasattr(pytrees, "PytreeState"):
        return None
    if issubclass(cls, pytrees.Pytree):
        return {"_pytree__state": _pytree_state}
    return None


def _trace_state() -> Any:
    if _compat.is_outermost():
        return sys.modules["flax.nnx.tracers"].TraceState()
    return _anywhere()()


@functools.cache
def _anywhere() -> type:
    class Anywhere(sys.modules["flax.nnx.tracers"].TraceState):  # type: ignore[name-defined,misc]
        """The trace state of an object in a script."""

        __slots__ = ()

        def is_valid(self) -> bool:
            """It may be changed in any trace."""
            return True

    return Anywhere


def _pytree_state() -> Any:
    made = sys.modules["flax.nnx.pytreelib"].PytreeState()
    object.__setattr__(made, "_trace_state", _trace_state())
    return made


_heap.ADAPTERS.append(_fresh)
