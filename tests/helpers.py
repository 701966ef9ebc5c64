"""A Function whose rule is marked: it says three times the true derivative.

Wherever JAX differentiated its forward instead of asking its backward, the factor of
three would be missing, so a comparison with `tripled_sin` shows a dropped rule.

- `TripledSin`: the Function.
- `tripled_sin`: the same rule as a hand-written `jax.custom_vjp`.
"""

import jax
import jax.numpy as jnp

from jaxgrad import Context, Function


class TripledSin(Function):
    """`sin`, with a rule that is deliberately three times too large."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return jnp.sin(x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        return 3 * g * jnp.cos(x)


@jax.custom_vjp
def tripled_sin(x: jax.Array) -> jax.Array:
    """What `TripledSin.apply` has to equal, written by hand."""
    return jnp.sin(x)


tripled_sin.defvjp(
    lambda x: (jnp.sin(x), x),
    lambda x, g: (3 * g * jnp.cos(x),),
)
