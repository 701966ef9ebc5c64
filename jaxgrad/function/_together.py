"""`together`: JAX batches all outputs of an application, or none of them.

Under `vmap` an output that depends on no batched input is shared by the examples. Where
the application is differentiated, `attach` gives each example its own (`_primitives`);
forward alone must have outputs of the same shapes, because JAX may trace it first and
differentiate it later, under `jax.grad(jax.jit(jax.vmap(f)))` say. Where the outputs
visibly depend on every input, nothing is to be done.
"""

from collections.abc import Sequence
from typing import Any

from jaxgrad import _compat
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._trees import is_differentiable


def _run(*values: Any, count: int) -> list[Any]:
    return list(values[:count])


def _jvp(primals: Any, tangents: Any, *, count: int) -> tuple[Any, list[Any]]:
    return together_p.bind(*primals, count=count), list(tangents[:count])


def _batch(
    axis: _compat.BatchAxis, args: Any, dims: Any, *, count: int
) -> tuple[Any, list[Any]]:
    if all(dim is None for dim in dims) and not axis.named:
        return together_p.bind(*args, count=count), [None] * count
    if not any(isinstance(a, _compat.Tracer) for a in args):
        # Nobody will differentiate what is computed now: shared outputs stay shared.
        return list(args[:count]), list(dims[:count])
    front = [axis.to_front(a, d) for a, d in zip(args, dims, strict=True)]
    return _tied(front, count), [0] * count


def _tied(values: Sequence[Any], count: int) -> list[Any]:
    """The first `count` values, tied to the others if they may not depend on them."""
    results, inputs = list(values[:count]), values[count:]
    if _compat.depend_on_all(results, inputs):
        return results
    return together_p.bind(*values, count=count)


together_p = _compat.define("function_together", _run, _run, jvp=_jvp, batch=_batch)


def together(
    raw: Outputs, outputs: Outputs, inputs: Sequence[Any], marked: Sequence[Any] | None
) -> Outputs:
    """The outputs that have a tangent, tied to the inputs.

    Args:
        raw: what forward returned.
        outputs: the same as JAX arrays.
        inputs: the arrays that it was given.
        marked: which of `raw` were declared non-differentiable.

    Returns:
        The outputs, with the same values.
    """
    if not any(isinstance(x, _compat.Tracer) for x in inputs):
        return outputs
    constants = {id(value) for value in marked or ()}
    arrays = list(outputs.arrays)
    moving = [
        i
        for i, (given, array) in enumerate(zip(raw.arrays, arrays, strict=True))
        if is_differentiable(array) and id(given) not in constants
    ]
    if not moving:
        return outputs
    operands = [arrays[i] for i in moving]
    tied = _tied([*operands, *inputs], len(moving))
    for i, array in zip(moving, tied, strict=True):
        arrays[i] = array
    return outputs.with_arrays(arrays)
