"""One application, differentiated for one set of inputs after another.

JAX remembers the trace of forward for each set, and hands backward what is static in
the residuals of the last one.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Context, Function

X, Y, Z = jnp.float32(2.0), jnp.float32(5.0), jnp.float32(0.5)


class Product(Function):
    """Its gradients are deliberately 100, 3 and 7 times the derivative."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any, c: Any) -> Any:
        ctx.save_for_backward(a, b, c)
        return a * b * c

    @staticmethod
    def backward(ctx: Context, grad: Any) -> Any:
        a, b, c = ctx.saved_tensors
        return 100 * grad * b * c, 3 * grad * a * c, 7 * grad * a * b


class Needed(Product):
    """The same, but it saves what the flags ask for, and gives no more."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any, c: Any) -> Any:
        of_a, of_b, of_c = ctx.needs_input_grad
        if of_a:
            ctx.for_a = 100.0 * b * c
        if of_b or of_c:
            ctx.save_for_backward(a, b, c)
        return a * b * c

    @staticmethod
    def backward(ctx: Context, grad: Any) -> Any:
        of_a, of_b, of_c = ctx.needs_input_grad
        a, b, c = ctx.saved_tensors if of_b or of_c else (None,) * 3
        return (
            grad * ctx.for_a if of_a else None,
            3 * grad * a * c if of_b else None,
            7 * grad * a * b if of_c else None,
        )


class Least(Product):
    """It saves more where fewer are differentiated."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any, c: Any) -> Any:
        ctx.save_for_backward(a, b, c)
        if not all(ctx.needs_input_grad):
            ctx.more = a + b + c
        return a * b * c


class Many(Product):
    """It saves far more for one argument than for the others."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any, c: Any) -> Any:
        more = [b * c * (1.0 + i) for i in range(12)] if ctx.needs_input_grad[0] else []
        ctx.save_for_backward(a, b, c, *more)
        return a * b * c

    @staticmethod
    def backward(ctx: Context, grad: Any) -> Any:
        of_a, of_b, of_c = ctx.needs_input_grad
        a, b, c, *more = ctx.saved_tensors
        assert len(more) == 12 * of_a
        return (
            100 * grad * more[0] if of_a else None,
            3 * grad * a * c if of_b else None,
            7 * grad * a * b if of_c else None,
        )


EXPECTED = {0: 100 * Y * Z, 1: 3 * X * Z, 2: 7 * X * Y}
SETS = [(0, 1, 2), (1,), (0,), (0, 2), (1, 2), (0, 1, 2), (2,)]
AROUND: dict[str, Callable[[Any], Any]] = {
    "plain": lambda f: f,
    "jit": lambda f: jax.jit(f),
    "checkpoint": lambda f: jax.checkpoint(f),
    "vmap": lambda f: lambda *xs: jax.vmap(f)(*[x[None] for x in xs])[0],
    "scan": lambda f: (
        lambda *xs: jax.lax.scan(lambda c, _: (c, f(*xs)), 0.0, None, length=1)[1][0]
    ),
    "custom_vjp": lambda f: f,
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("cls", [Product, Needed, Least, Many])
def test_each_set_of_inputs_gets_its_own_gradients(cls: Any, around: str) -> None:
    function = cls.to_custom_vjp() if around == "custom_vjp" else cls.apply
    inner = jax.jit(lambda a, b, c: function(a, b, c))
    outer = AROUND[around](inner)
    for argnums in SETS + SETS[::-1]:
        found = jax.grad(outer, argnums)(X, Y, Z)
        for i, value in zip(argnums, found, strict=True):
            np.testing.assert_allclose(value, EXPECTED[i], rtol=1e-6)


@pytest.mark.parametrize("cls", [Product, Needed])
def test_checkpoint_after_another_set(cls: Any) -> None:
    inner = jax.jit(cls.apply)
    jax.grad(inner, (0, 1, 2))(X, Y, Z)
    jax.grad(inner, 1)(X, Y, Z)
    found = jax.grad(jax.checkpoint(inner), (0, 1, 2))(X, Y, Z)
    np.testing.assert_allclose(jnp.array(found), jnp.array(list(EXPECTED.values())))


def test_packed_residuals_of_each_set() -> None:
    inner = jax.jit(Needed.apply)
    with jaxgrad.saved_tensors_hooks(jaxgrad.packers.bfloat16):
        for argnums in SETS:
            found = jax.grad(inner, argnums)(X, Y, Z)
            for i, value in zip(argnums, found, strict=True):
                np.testing.assert_allclose(value, EXPECTED[i], rtol=1e-2)


def test_flags_in_backward_are_those_of_the_set() -> None:
    seen = []

    class Looks(Product):
        jit = False

        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            seen.append(ctx.needs_input_grad)
            return Product.backward(ctx, grad)

    inner = jax.jit(lambda a, b, c: Looks.apply(a, b, c))
    jax.grad(inner, (0, 2))(X, Y, Z)
    jax.grad(inner, 1)(X, Y, Z)
    jax.grad(jax.checkpoint(inner), (0, 2))(X, Y, Z)
    if not getattr(jax.config, "jax_remat3", False):
        assert seen[0] == seen[-1] == (True, False, True)


def test_more_inputs_than_bits_in_one_axis() -> None:
    class Sum(Function):
        @staticmethod
        def forward(ctx: Context, *xs: Any) -> Any:
            return sum(xs)

        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            assert len(ctx.needs_input_grad) == 40
            return tuple(i * grad for i in range(40))

    xs = [jnp.float32(i) for i in range(40)]
    inner = jax.jit(Sum.apply)
    for argnums in ((39, 0), (17,), tuple(range(40)), (16, 31, 32)):
        assert list(map(float, jax.grad(inner, argnums)(*xs))) == list(argnums)
        checked = jax.grad(jax.checkpoint(inner), argnums)(*xs)
        assert list(map(float, checked)) == list(argnums)
