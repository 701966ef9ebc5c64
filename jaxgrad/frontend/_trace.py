"""`trace`: a graph of what a callable does on example arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jaxgrad.errors import TraceError
from jaxgrad.frontend._difference import check
from jaxgrad.frontend._recorded import record_graph
from jaxgrad.frontend._signature import Signature
from jaxgrad.frontend._traced import TracedFunction


def trace(
    fn: Callable[..., Any],
    *examples: Any,
    check_inputs: Sequence[Any] | None = None,
) -> TracedFunction:
    """Record what `fn` does on example arguments, as a graph that keeps its Functions.

    Every application of a Function is one node, with its own rule, whatever is done to
    the graph; its forward is traced again when the graph is compiled. JAX arrays that
    `fn` closes over become inputs of the graph too (those that a jitted function inside
    it closes over are constants of that call).

    Args:
        fn: a function of pytrees of arrays that returns a pytree of arrays. Python
            numbers count as arrays of weak type, as for `jax.jit`; other leaves
            (strings, callables) are static.
        *examples: arguments, or `jax.ShapeDtypeStruct`s in their place.
        check_inputs: more arguments, a tuple (or one value) each; `fn` is traced on
            them again, and on the examples, to find what was baked in.

    Returns:
        A callable with the signature of `fn`, for arguments of the examples' types.

    Raises:
        TraceError: `fn` did something else on `check_inputs`, or the second time, than
            its graph does: a Python branch, a constant, a shape that depends on them.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> class Square(jaxgrad.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 100 * grad * x  # on purpose
        >>> traced = jaxgrad.trace(lambda x: jnp.sin(Square.apply(x)), jnp.ones(2))
        >>> [node.kind() for node in traced.graph.nodes()]
        ['prim::PythonOp', 'lax::sin']
        >>> float(jax.grad(lambda x: traced(x).sum())(jnp.zeros(2))[0])
        0.0
    """
    if not callable(fn):
        raise TraceError(f"trace expected a callable; got {type(fn).__name__}.")
    signature = Signature(fn)
    recorded = record_graph(fn, signature, examples)
    if check_inputs is not None:
        sets = [s if isinstance(s, tuple) else (s,) for s in check_inputs]
        check(
            lambda args: record_graph(fn, signature, args),
            recorded.graph,
            examples,
            sets,
            captured=recorded.captured,
        )
    return TracedFunction(fn, signature, recorded)
