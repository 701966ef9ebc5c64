"""A Function inside `jax.lax.scan` over layers, with `jax.checkpoint`."""

import jax
import jax.numpy as jnp
import numpy as np

from tests.helpers import TripledSin, tripled_sin


def layer(x: jax.Array, weight: jax.Array) -> jax.Array:
    return TripledSin.apply(x @ weight)


def scanned(weights: jax.Array, x: jax.Array) -> jax.Array:
    """All layers as one rolled loop, which computes its activations twice."""
    body = jax.checkpoint(lambda x, weight: (layer(x, weight), None))
    return jnp.sum(jax.lax.scan(body, x, weights)[0])


def unrolled(weights: jax.Array, x: jax.Array) -> jax.Array:
    for weight in weights:
        x = tripled_sin(x @ weight)
    return jnp.sum(x)


def test_scan_over_checkpointed_layers_equals_unrolled_layers(
    rng: np.random.Generator,
) -> None:
    weights = jnp.asarray(rng.normal(size=(4, 3, 3)))
    x = jnp.asarray(rng.normal(size=(5, 3)))

    actual = jax.jit(jax.grad(scanned, argnums=(0, 1)))(weights, x)
    expected = jax.grad(unrolled, argnums=(0, 1))(weights, x)

    jax.tree.map(
        lambda a, e: np.testing.assert_allclose(a, e, rtol=1e-4, atol=1e-4),
        actual,
        expected,
    )
