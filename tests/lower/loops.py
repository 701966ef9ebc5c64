"""What the tests of loops share: the strategies, a loop, and the same loop unrolled."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.lower._while import while_loop
from tests.helpers import TripledSin

W = jnp.array([[0.9, 0.2], [-0.3, 1.1]])
X = jnp.array([1.0, 0.3])


def _equinox_works() -> bool:
    """Whether Equinox's own loop has a gradient here.

    On JAX 0.10 with JAX_CUSTOM_VJP3 its closures can't be hashed.
    """
    if not _compat.switched_on():
        return True
    from equinox.internal import while_loop as by_equinox

    def loss(x: jax.Array) -> jax.Array:
        return by_equinox(
            lambda c: c < 2, lambda c: c * x, x, max_steps=2, kind="checkpointed"
        )

    try:
        jax.eval_shape(jax.grad(loss), 1.0)
    except ValueError as error:
        if "Non-hashable" in str(error):
            return False
        raise
    return True


STRATEGIES = ["bounded", "taped", *["checkpointed"] * _equinox_works()]


def looped(
    x: jax.Array,
    steps: Any,
    *,
    sin: Callable[..., Any] = TripledSin.apply,
    max_steps: int | None = 7,
    **options: Any,
) -> jax.Array:
    """A sum over the carry after so many steps; the matrix depends on `x` too."""
    w = W * x[1]
    (_, y, shift), _ = while_loop(
        lambda c: c[0] < steps,
        lambda c: (c[0] + 1, sin(w @ c[1]) * x[0], c[2] + 1.0),
        (jnp.int32(0), x, jnp.float32(0)),
        max_steps=max_steps,
        **options,
    )
    return jnp.sum(y) + shift


def unrolled(
    x: jax.Array, steps: int, *, sin: Callable[..., Any] = TripledSin.apply
) -> jax.Array:
    """The same by a Python loop."""
    w, y = W * x[1], x
    for _ in range(steps):
        y = sin(w @ y) * x[0]
    return jnp.sum(y) + steps


@functools.cache
def expected(steps: int) -> tuple[jax.Array, jax.Array]:
    """Value and gradient of the unrolled loop at `X`."""
    return jax.jit(jax.value_and_grad(functools.partial(unrolled, steps=steps)))(X)
