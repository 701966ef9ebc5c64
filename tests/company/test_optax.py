"""A Function inside an Optax training loop."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tests.helpers import TripledSin, tripled_sin


def train(activation: Callable, x: jax.Array, y: jax.Array) -> np.ndarray:
    """Fits one layer with Adam, and returns the loss before each of its steps."""

    def loss(params: dict[str, jax.Array]) -> jax.Array:
        return jnp.mean((activation(x @ params["w"] + params["b"]) - y) ** 2)

    @jax.jit
    def step(params: dict, state: optax.OptState) -> tuple:
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    optimizer = optax.adam(3e-2)
    params = {"w": jnp.zeros((3, 2)), "b": jnp.zeros(2)}
    state = optimizer.init(params)
    losses = []
    for _ in range(40):
        params, state, value = step(params, state)
        losses.append(value)
    return np.asarray(losses)


def test_training_equals_the_hand_written_loop(rng: np.random.Generator) -> None:
    x = jnp.asarray(rng.normal(size=(32, 3)))
    y = jnp.sin(x @ jnp.asarray(rng.normal(size=(3, 2)) / 2))

    losses = train(TripledSin.apply, x, y)

    assert losses[-1] < losses[0] / 4
    np.testing.assert_allclose(losses, train(tripled_sin, x, y), rtol=1e-5)
