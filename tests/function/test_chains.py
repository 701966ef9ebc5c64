"""Functions applied to what Functions returned: one detach, and the same rules."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function

K = 3.0


class MarkedExp(Function):
    """`exp` whose rule is deliberately `K` times the derivative."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        y = jnp.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (y,) = ctx.saved_tensors
        return K * g * y


class Twice(Function):
    """One array, returned twice; the rule tells the two apart."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        y = x * 1.0
        return y, y

    @staticmethod
    def backward(ctx: Context, g: jax.Array, h: jax.Array) -> jax.Array:
        return 2 * g + 3 * h


class MarkedProduct(Function):
    """`a * b` with marked partial derivatives."""

    @staticmethod
    def forward(ctx: Context, a: jax.Array, b: jax.Array) -> jax.Array:
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, jax.Array]:
        a, b = ctx.saved_tensors
        return 5 * g * b, 7 * g * a


def two(x: jax.Array) -> jax.Array:
    return MarkedExp.apply(MarkedExp.apply(x)).sum()


def detaches(function: Callable[..., Any], x: jax.Array) -> int:
    return str(jax.make_jaxpr(function)(x)).count("call=detach")


def test_a_chain_is_detached_once() -> None:
    def chain(x: jax.Array) -> jax.Array:
        for _ in range(10):
            x = MarkedExp.apply(x)
        return x.sum()

    assert detaches(jax.grad(chain), jnp.ones(3)) == 1


def test_a_value_that_was_computed_on_is_detached_again() -> None:
    def chain(x: jax.Array) -> jax.Array:
        for _ in range(10):
            x = 2 * MarkedExp.apply(x)
        return x.sum()

    assert detaches(jax.grad(chain), jnp.ones(3)) == 10


OUTER = {
    "eager": lambda f: f,
    "jit": jax.jit,
    "checkpoint": jax.checkpoint,
    "jit of checkpoint": lambda f: jax.jit(jax.checkpoint(f)),
    "vmap of jit": lambda f: lambda x: jax.vmap(jax.jit(f))(x[None])[0],
    "jit of vmap": lambda f: jax.jit(lambda x: jax.vmap(f)(x[None])[0]),
    "scan": lambda f: (
        lambda x: jax.lax.scan(lambda c, _: (c, f(x)), 0.0, length=1)[1][0]
    ),
}


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("inner", OUTER)
def test_second_derivative_of_a_chain(inner: str, outer: str) -> None:
    x = jnp.array([0.1, -0.4])
    y = np.exp(x)
    z = np.exp(y)
    first = OUTER[inner](jax.grad(OUTER[inner](two)))
    np.testing.assert_allclose(first(x), K**2 * z * y, rtol=1e-5)
    second = OUTER[outer](jax.grad(OUTER[outer](lambda x: first(x).sum())))
    want = K**2 * (K**2 * z * y**2 + K * z * y)
    np.testing.assert_allclose(second(x), want, rtol=1e-5)


@pytest.mark.parametrize("outer", ["eager", "jit", "checkpoint", "jit of vmap"])
@pytest.mark.parametrize("inner", ["eager", "jit", "checkpoint", "jit of vmap"])
def test_one_array_returned_twice_stays_two_values(inner: str, outer: str) -> None:
    def product(x: jax.Array) -> jax.Array:
        return MarkedProduct.apply(*Twice.apply(x)).sum()

    x = jnp.array([0.1, -0.4])
    first = OUTER[inner](jax.grad(OUTER[inner](product)))
    np.testing.assert_allclose(first(x), (2 * 5 + 3 * 7) * x, rtol=1e-5)
    second = OUTER[outer](jax.grad(OUTER[outer](lambda x: first(x).sum())))
    np.testing.assert_allclose(second(x), np.full(2, 5 * 2 * 3 + 7 * 3 * 2), rtol=1e-5)


def test_two_arguments_at_one_point_stay_two() -> None:
    x = jnp.array([0.1, -0.4])

    def other(a: jax.Array, b: jax.Array) -> jax.Array:
        return jax.grad(lambda b: MarkedProduct.apply(a, b).sum())(b).sum()

    in_a, in_b = jax.grad(other, (0, 1))(x, x)
    np.testing.assert_allclose(in_a, np.full(2, 7.0))
    np.testing.assert_allclose(in_b, np.zeros(2))


def test_runs_that_differ_are_told_apart() -> None:
    """One application stands for many runs only where they ended in the same way."""

    class Choosing(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            y = jnp.sin(x)
            if modes[-1] == "attribute":
                ctx.factor = 5.0
            ctx.save_for_backward(*{"input": (x,), "output": (y,)}.get(modes[-1], (y,)))
            ctx.set_materialize_grads(modes[-1] != "output")
            return y

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            (saved,) = ctx.saved_tensors
            return g * saved * getattr(ctx, "factor", 1.0)

    modes = ["input"]
    x = jnp.float32(0.5)
    wanted = {"input": x, "output": jnp.sin(x), "attribute": 5 * jnp.sin(x)}
    for mode in ["input", "output", "attribute", "output", "input", "input"]:
        modes.append(mode)
        got = jax.jit(jax.grad(lambda x: Choosing.apply(x)))(x)
        np.testing.assert_allclose(got, wanted[mode], rtol=1e-6)
    got = jax.jit(jax.grad(lambda x: Choosing.apply(x).astype(x.dtype)))(
        jnp.float16(0.5)
    )
    assert got.dtype == jnp.float16
