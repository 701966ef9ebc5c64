"""What jaxgrad answers for the sources in `functions.py`, in torch's convention."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Function
from tests.recorded.functions import define, inputs, weights


def real_sum(values: list[jax.Array], start: int = 0) -> jax.Array:
    """The real part of the weighted sum, and half of the squares."""
    total = jnp.zeros(())
    for slot, value in enumerate(values, start):
        w = jnp.asarray(weights(value.shape, slot))
        total += (value * w).real.sum() + 0.5 * (jnp.abs(value) ** 2).sum()
    return total


def answers(
    name: str, *, compiled: bool = False, generate_jvp_rule: bool = False
) -> dict[str, list[np.ndarray]]:
    """Outputs, first and second gradients; call it with 64-bit values switched on.

    JAX's gradients are the conjugates of torch's, so they are conjugated here.

    Args:
        name: A key of `SOURCES`.
        compiled: Whether to run under `jax.jit`.
        generate_jvp_rule: The flag that the class gets.

    Returns:
        Lists of arrays under "outputs", "first" and "second".
    """
    cls = define(name, Function, jnp)
    cls.generate_jvp_rule = generate_jvp_rule
    args = inputs(name)
    where = [i for i, v in enumerate(args) if isinstance(v, np.ndarray)]
    arrays = tuple(jnp.asarray(args[i]) for i in where)

    def outputs(*arrays: jax.Array) -> tuple[Any, ...]:
        live: list[Any] = list(args)
        for i, array in zip(where, arrays, strict=True):
            live[i] = array
        out = cls.apply(*live)
        return out if isinstance(out, tuple) else (out,)

    def first_loss(*arrays: jax.Array) -> jax.Array:
        outs = outputs(*arrays)
        return real_sum([v for v in outs if jnp.issubdtype(v.dtype, jnp.inexact)])

    argnums = tuple(range(len(arrays)))
    gradient = jax.grad(first_loss, argnums)

    def second_loss(*arrays: jax.Array) -> jax.Array:
        return real_sum([g.conj() for g in gradient(*arrays)], 10)

    runs = {
        "outputs": outputs,
        "first": lambda *a: [g.conj() for g in gradient(*a)],
        "second": lambda *a: [g.conj() for g in jax.grad(second_loss, argnums)(*a)],
    }
    wrap = jax.jit if compiled else lambda f: f
    return {key: [*map(np.asarray, wrap(f)(*arrays))] for key, f in runs.items()}
