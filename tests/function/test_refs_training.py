"""A batch norm that keeps its running statistics in Refs, trained under `jit(grad)`.

The oracles: NumPy for the statistics, JAX's own derivative for the gradients.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from tests.function.functions import dual

MOMENTUM, EPS, STEPS = 0.9, 1e-5, 4


class BatchNorm(Function):
    """Normalizes over the batch; updates the running mean and variance in place."""

    @staticmethod
    def forward(ctx, x, scale, mean, var):
        ctx.mark_dirty(mean, var)
        now, spread = x.mean(0), x.var(0)
        mean[...] = MOMENTUM * mean[...] + (1 - MOMENTUM) * now
        var[...] = MOMENTUM * var[...] + (1 - MOMENTUM) * spread
        inverse = jax.lax.rsqrt(spread + EPS)
        normal = (x - now) * inverse
        ctx.save_for_backward(normal, inverse, scale)
        return normal * scale

    @staticmethod
    def backward(ctx, g):
        normal, inverse, scale = ctx.saved_tensors
        assert ctx.needs_input_grad[2:] == (False, False)
        d = g * scale
        centred = d - d.mean(0) - normal * (d * normal).mean(0)
        return centred * inverse, (g * normal).sum(0), None, None


def by_jax(x: jax.Array, scale: jax.Array) -> jax.Array:
    return (x - x.mean(0)) * jax.lax.rsqrt(x.var(0) + EPS) * scale


def batches(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(STEPS, 8, 3)).astype(np.float32)


def loss(norm: Callable, params: Any, x: jax.Array) -> jax.Array:
    return jnp.sum(jnp.tanh(norm(x @ params["w"], params["scale"])) ** 2)


def step(norm: Callable, params: Any, x: jax.Array) -> Any:
    gradient = jax.grad(lambda p: loss(norm, p, x))(params)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient)


def python_loop(norm: Callable, params: Any, xs: Any) -> Any:
    one = jax.jit(lambda p, x: step(norm, p, x))
    for x in xs:
        params = one(params, x)
    return params


def eager_loop(norm: Callable, params: Any, xs: Any) -> Any:
    for x in xs:
        params = step(norm, params, x)
    return params


def scan_loop(norm: Callable, params: Any, xs: Any) -> Any:
    return jax.jit(
        lambda p, xs: jax.lax.scan(lambda p, x: (step(norm, p, x), None), p, xs)[0]
    )(params, xs)


def fori_loop(norm: Callable, params: Any, xs: Any) -> Any:
    xs = jnp.asarray(xs)
    return jax.lax.fori_loop(0, STEPS, lambda i, p: step(norm, p, xs[i]), params)


LOOPS = {
    "eager": eager_loop,
    "jit": python_loop,
    "scan": scan_loop,
    "fori": fori_loop,
}


@pytest.mark.parametrize("cls", [BatchNorm, dual(BatchNorm)], ids=["reverse", "dual"])
@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_statistics_and_parameters_of_a_training_loop(
    loop: Callable, cls: Any, rng: np.random.Generator
) -> None:
    xs = batches(rng)
    params = {
        "w": rng.normal(size=(3, 2)).astype(np.float32),
        "scale": np.ones(2, np.float32),
    }
    mean, var = jax.new_ref(jnp.zeros(2)), jax.new_ref(jnp.ones(2))
    trained = loop(lambda x, scale: cls.apply(x, scale, mean, var), params, xs)

    want, want_mean, want_var = params, np.zeros(2), np.ones(2)
    for x in xs:
        h = np.asarray(x @ want["w"])
        want_mean = MOMENTUM * want_mean + (1 - MOMENTUM) * h.mean(0)
        want_var = MOMENTUM * want_var + (1 - MOMENTUM) * h.var(0)
        want = step(by_jax, want, x)
    np.testing.assert_allclose(mean[...], want_mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(var[...], want_var, rtol=1e-4)
    for name in want:
        np.testing.assert_allclose(trained[name], want[name], rtol=1e-4, atol=1e-6)


def test_one_set_of_statistics_for_each_member_of_a_batch(
    rng: np.random.Generator,
) -> None:
    x = jnp.asarray(batches(rng))
    mean, var = jax.new_ref(jnp.zeros((STEPS, 3))), jax.new_ref(jnp.ones((STEPS, 3)))
    scale = jnp.full(3, 2.0)

    def one(x: jax.Array, mean: Any, var: Any) -> jax.Array:
        return jax.grad(lambda x: (BatchNorm.apply(x, scale, mean, var) ** 3).sum())(x)

    got = jax.jit(jax.vmap(one))(x, mean, var)
    want = jax.vmap(jax.grad(lambda x: (by_jax(x, scale) ** 3).sum()))(x)
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(mean[...], 0.1 * x.mean(1), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(var[...], 0.9 + 0.1 * x.var(1), rtol=1e-5)
