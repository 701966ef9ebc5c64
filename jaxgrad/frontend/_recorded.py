"""`record_graph`: one recording of a callable, as a graph and what belongs to it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from jaxgrad import _compat
from jaxgrad.errors import TraceError
from jaxgrad.frontend._import import graph_of
from jaxgrad.frontend._incoming import argument_names, captured_names
from jaxgrad.frontend._signature import Call, Signature
from jaxgrad.function._recording import check_steady, recording
from jaxgrad.graph import Graph


class Recorded(NamedTuple):
    """One recording of a callable.

    Attributes:
        graph: what it did.
        call: the flat arguments that it was given.
        avals: the types of the arrays among them.
        out_tree: the structure of what it returned.
        captured: the arrays that it closes over: the last inputs of the graph.
    """

    graph: Graph
    call: Call
    avals: tuple[Any, ...]
    out_tree: Any
    captured: tuple[Any, ...]


def record_graph(
    fn: Callable[..., Any], signature: Signature, args: Sequence[Any]
) -> Recorded:
    """Trace `fn` once, with applications as nodes.

    Returns:
        The graph and what belongs to it.
    """
    call = signature.flatten(args)
    out_tree: list[Any] = []

    def flat(*leaves: Any) -> list[Any]:
        result = fn(*call.unflatten(leaves))
        out, tree = jax.tree.flatten(result)
        out_tree.append(tree)
        return out

    # JAX's own errors name what is traced.
    functools.update_wrapper(flat, fn, ("__name__", "__qualname__"), ())
    with recording():
        closed = jax.make_jaxpr(flat)(*call.arrays)
    check_steady(signature.name, closed)
    names = argument_names(fn, tuple(args), {})
    kept = [name for name, dynamic in zip(names, call.dynamic, strict=True) if dynamic]
    consts = _compat.plain_jaxpr(closed)[1]
    _refuse_dead(signature.name, consts)
    captured = captured_names(fn, consts)
    graph, values = graph_of(closed, kept, [captured.get(id(c)) for c in consts])
    return Recorded(graph, call, tuple(closed.in_avals), out_tree[-1], tuple(values))


def _refuse_dead(name: str, consts: Sequence[Any]) -> None:
    """Refuse tracers that an earlier trace left behind in the callable."""
    if _compat.is_outermost() and any(isinstance(c, _compat.Tracer) for c in consts):
        raise TraceError(
            f"{name} uses a traced value of an earlier trace, which is over.\n"
            "  Expected values that it computes from its arguments, or arrays; got one "
            "that it had stored somewhere, in a global or an attribute.\n"
            "  Return such a value, or compute it anew."
        )
