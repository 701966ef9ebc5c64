"""A Function inside a Flax NNX module."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from tests.helpers import TripledSin


class Net(nnx.Module):
    """A dense layer and a free parameter, both behind a Function."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.linear = nnx.Linear(3, 2, rngs=rngs)
        self.phase = nnx.Param(jnp.full(2, 0.5))

    def __call__(self, x: jax.Array) -> jax.Array:
        return TripledSin.apply(self.linear(x) + self.phase[...])


def loss(model: Net, x: jax.Array) -> jax.Array:
    return jnp.sum(model(x))


def test_grad_and_jit_ask_the_backward(rng: np.random.Generator) -> None:
    model = Net(nnx.Rngs(0))
    x = jnp.asarray(rng.normal(size=(5, 3)))

    grads = nnx.jit(nnx.grad(loss))(model, x)

    slope = 3 * np.cos(model.linear(x) + model.phase[...])
    np.testing.assert_allclose(grads["linear"]["kernel"][...], x.T @ slope, rtol=1e-5)
    np.testing.assert_allclose(grads["phase"][...], slope.sum(0), rtol=1e-5)
