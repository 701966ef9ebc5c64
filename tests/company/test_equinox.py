"""A Function inside an Equinox module."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from tests.helpers import TripledSin


class Layer(eqx.Module):
    """One dense layer behind a Function, with a field that is no array."""

    weight: jax.Array
    bias: jax.Array
    name: str = "layer"

    def __call__(self, x: jax.Array) -> jax.Array:
        return TripledSin.apply(self.weight @ x + self.bias)


def loss(model: Layer, batch: jax.Array) -> jax.Array:
    return jnp.sum(jax.vmap(model)(batch))


def test_filter_grad_and_filter_jit_ask_the_backward(rng: np.random.Generator) -> None:
    weight, bias = rng.normal(size=(2, 3)), rng.normal(size=2)
    batch = rng.normal(size=(5, 3))
    model = Layer(jnp.asarray(weight), jnp.asarray(bias))

    value, grads = eqx.filter_jit(eqx.filter_value_and_grad(loss))(model, batch)

    inner = batch @ weight.T + bias
    slope = 3 * np.cos(inner)
    np.testing.assert_allclose(value, np.sin(inner).sum(), rtol=1e-5)
    np.testing.assert_allclose(grads.weight, slope.T @ batch, rtol=1e-5)
    np.testing.assert_allclose(grads.bias, slope.sum(0), rtol=1e-5)
    assert grads.name is None
