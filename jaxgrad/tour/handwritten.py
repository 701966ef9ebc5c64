"""The four functions again, without jaxgrad: what the tour measures itself against.

- `silu`, `lsq`, `reversal`, `sparsemax`: each rule by hand, with `jax.custom_vjp`.
- `plain_silu`, `plain_lsq`, `plain_reversal`, `plain_sparsemax`: the same bodies left
  to JAX's own differentiation; where the true derivative is not what is wanted, the
  usual `stop_gradient` trick gives the same gradient.
"""

import functools
import math

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient


def plain_silu(x: jax.Array) -> jax.Array:
    """The sigmoid-weighted unit under JAX's own differentiation."""
    return x * jax.nn.sigmoid(x)


silu = jax.custom_vjp(plain_silu)


def _silu_fwd(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    return plain_silu(x), x


def _silu_bwd(x: jax.Array, g: jax.Array) -> tuple[jax.Array]:
    s = jax.nn.sigmoid(x)
    return (g * s * (1 + x * (1 - s)),)


silu.defvjp(_silu_fwd, _silu_bwd)


def _range(bits: int) -> tuple[int, int]:
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def plain_lsq(x: jax.Array, step: jax.Array, bits: int = 4) -> jax.Array:
    """The quantizer with both gradients expressed through `stop_gradient`."""
    low, high = _range(bits)
    scale = 1 / math.sqrt(x.size * high)
    step = stop_gradient(step - step * scale) + step * scale
    clipped = jnp.clip(x / step, low, high)
    return (clipped + stop_gradient(jnp.round(clipped) - clipped)) * step


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def lsq(x: jax.Array, step: jax.Array, bits: int = 4) -> jax.Array:
    """The quantizer with its rule by hand."""
    low, high = _range(bits)
    return jnp.round(jnp.clip(x / step, low, high)) * step


def _lsq_fwd(
    x: jax.Array, step: jax.Array, bits: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return lsq(x, step, bits), (x, step)


def _lsq_bwd(
    bits: int, saved: tuple[jax.Array, jax.Array], g: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, step = saved
    low, high = _range(bits)
    scaled = x / step
    inside = (scaled > low) & (scaled < high)
    by_step = jnp.where(inside, jnp.round(scaled) - scaled, jnp.clip(scaled, low, high))
    grad_step = jnp.sum(g * by_step) * (1 / math.sqrt(x.size * high))
    return g * inside, grad_step.reshape(step.shape)


lsq.defvjp(_lsq_fwd, _lsq_bwd)


def plain_reversal(x: jax.Array, strength: float) -> jax.Array:
    """The identity with a reversed gradient, through `stop_gradient`."""
    return stop_gradient(x + strength * x) - strength * x


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def reversal(x: jax.Array, strength: float) -> jax.Array:
    """The identity with a reversed gradient, by hand."""
    return x


def _reversal_fwd(x: jax.Array, strength: float) -> tuple[jax.Array, None]:
    return x, None


def _reversal_bwd(strength: float, _: None, g: jax.Array) -> tuple[jax.Array]:
    return (-strength * g,)


reversal.defvjp(_reversal_fwd, _reversal_bwd)


def plain_sparsemax(z: jax.Array) -> jax.Array:
    """The projection onto the simplex under JAX's own differentiation."""
    ordered = jnp.flip(jnp.sort(z, axis=-1), axis=-1)
    sums = jnp.cumsum(ordered, axis=-1)
    ranks = jnp.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    size = jnp.sum(1 + ranks * ordered > sums, axis=-1, keepdims=True)
    total = jnp.take_along_axis(sums, size - 1, axis=-1)
    return jnp.maximum(z - (total - 1) / size.astype(z.dtype), 0)


sparsemax = jax.custom_vjp(plain_sparsemax)


def _sparsemax_fwd(z: jax.Array) -> tuple[jax.Array, jax.Array]:
    output = sparsemax(z)
    return output, output


def _sparsemax_bwd(output: jax.Array, g: jax.Array) -> tuple[jax.Array]:
    support = output > 0
    size = jnp.sum(support, axis=-1, keepdims=True)
    kept = jnp.where(support, g, 0)
    mean = jnp.sum(kept, axis=-1, keepdims=True) / size.astype(output.dtype)
    return (jnp.where(support, kept - mean, 0),)


sparsemax.defvjp(_sparsemax_fwd, _sparsemax_bwd)
