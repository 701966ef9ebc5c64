"""`ctx.needs_input_grad`: one flag per argument, by what is being differentiated."""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function

# Under this switch JAX over-reports what is differentiated, so every flag is true.
ALL_TRUE = os.environ.get("JAX_REMAT3", "").lower() in ("1", "true", "yes")


class Flags(Function):
    """x * y + sum of a container, noting the flags in forward and in backward."""

    forwards: list
    backwards: list

    @classmethod
    def forward(cls, ctx, x, y, more, mode):
        ctx.in_forward = ctx.needs_input_grad
        cls.forwards.append(ctx.needs_input_grad)
        ctx.save_for_backward(
            x if ctx.needs_input_grad[1] else None,
            y if ctx.needs_input_grad[0] else None,
        )
        return x * y + sum(more["a"]) + more["b"]

    @classmethod
    def backward(cls, ctx, g):
        assert ctx.needs_input_grad == ctx.in_forward
        cls.backwards.append(ctx.needs_input_grad)
        x, y = ctx.saved_tensors
        gx = 10 * g * y if ctx.needs_input_grad[0] else None
        gy = 10 * g * x if ctx.needs_input_grad[1] else None
        return gx, gy, {"a": [10 * g, 10 * g], "b": 10 * g}, None


def flags() -> type[Flags]:
    return type("F", (Flags,), {"forwards": [], "backwards": []})


X, Y, A, B = map(jnp.float32, (3.0, 4.0, 5.0, 6.0))


def expected(*want: bool) -> tuple[bool, ...]:
    """The flags, last one static, with what the switch does to them."""
    return (*(ALL_TRUE or w for w in want), False)


def call(cls: type[Flags], x: Any, y: Any, a: Any, b: Any) -> Any:
    return cls.apply(x, y, {"a": [a, a], "b": b}, "mode")


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.checkpoint, None])
@pytest.mark.parametrize(
    ("argnums", "want"),
    [
        ((0,), (True, False, False)),
        ((1,), (False, True, False)),
        ((0, 1), (True, True, False)),
        ((2,), (False, False, True)),
        ((3,), (False, False, True)),
        ((0, 3), (True, False, True)),
    ],
)
def test_flags_follow_what_is_differentiated(
    argnums: tuple, want: tuple, wrap: Callable | None
) -> None:
    cls = flags()
    f = lambda *args: call(cls, *args)  # noqa: E731
    grad = jax.grad(wrap(f), argnums) if wrap else jax.jit(jax.grad(f, argnums))
    slopes = {0: 40.0, 1: 30.0, 2: 20.0, 3: 10.0}
    assert grad(X, Y, A, B) == tuple(slopes[i] for i in argnums)
    assert set(cls.backwards) == {expected(*want)}
    assert all(type(flag) is bool for flag in cls.forwards[-1])
    assert type(cls.forwards[-1]) is tuple


def test_no_flag_is_set_where_nothing_is_differentiated() -> None:
    cls = flags()
    for f in (call, call, call):
        assert f(cls, X, Y, A, B) == 28.0
    assert set(cls.forwards) == {(False, False, False, False)}


def test_flags_under_vmap_in_both_orders() -> None:
    cls = flags()
    xs = jnp.stack([X, X])
    f = lambda x: call(cls, x, Y, A, B)  # noqa: E731
    np.testing.assert_array_equal(jax.vmap(jax.grad(f))(xs), [40.0, 40.0])
    total = jax.grad(lambda xs: jax.vmap(f)(xs).sum())
    np.testing.assert_array_equal(total(xs), [40.0, 40.0])
    assert set(cls.backwards) == {expected(True, False, False)}


def test_flags_under_scan() -> None:
    cls = flags()

    def loss(x, y):
        step = lambda c, _: (call(cls, c, y, A, B), None)  # noqa: E731
        return jax.lax.scan(step, x, None, length=2)[0]

    # Each step's rule says 10 times the truth.
    assert jax.grad(loss)(X, Y) == 40.0 * 40.0
    assert set(cls.backwards) == {expected(True, False, False)}
    # Here scan finds out only in a second round that the carry is differentiated too.
    second = X * Y + 2 * A + B
    assert jax.grad(loss, 1)(X, Y) == 10 * second + 40.0 * 30.0
    assert expected(True, True, False) in cls.backwards


def test_integer_arrays_and_keys_have_no_flag() -> None:
    seen = []

    class F(Function):
        @staticmethod
        def forward(ctx, x, i, key, n):
            seen.append(ctx.needs_input_grad)
            return x * i.astype(x.dtype)

        @staticmethod
        def backward(ctx, g):
            return 7 * g, None, None, None

    assert jax.grad(F.apply)(X, jnp.int32(2), jax.random.key(0), 1) == 7.0
    assert seen[-1][0]
    assert not any(seen[-1][1:])


def test_flags_exist_in_setup_context() -> None:
    seen = []

    class F(Function):
        @staticmethod
        def forward(x, y):
            return x * y

        @staticmethod
        def setup_context(ctx, inputs, output):
            seen.append(ctx.needs_input_grad)
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * y, g * x

    assert jax.grad(F.apply, 1)(X, Y) == 3.0
    assert seen[-1] == (ALL_TRUE, True)


class Product(Function):
    """x * y, saving only what the flags ask for, with 10 times the true rule."""

    @staticmethod
    def forward(ctx, x, y):
        needs_x, needs_y = ctx.needs_input_grad
        ctx.save_for_backward(x if needs_y else None, y if needs_x else None)
        return x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        needs_x, needs_y = ctx.needs_input_grad
        return (10 * g * y if needs_x else None, 10 * g * x if needs_y else None)


f = Product.apply
# An outer level differentiates what an inner one gives in the other input, for which
# forward saved nothing.
OUTER = {
    "value": (lambda y: jax.value_and_grad(f)(X, y)[0], 30.0),
    "vjp-value": (lambda y: jax.vjp(lambda x: f(x, y), X)[0], 30.0),
    "slope": (lambda y: jax.grad(f)(X, y), 10.0),
    "both": (lambda y: sum(jax.value_and_grad(f)(X, y)), 40.0),
    "square": (lambda y: jax.grad(lambda x: f(x, y) ** 2)(X), 2 * (1200 + 120.0)),
}


@pytest.mark.parametrize("name", OUTER)
@pytest.mark.parametrize("outer", [lambda f: f, jax.jit, jax.checkpoint])
def test_an_outer_level_differentiates_another_input(
    name: str, outer: Callable
) -> None:
    inner, want = OUTER[name]
    assert jax.grad(outer(inner))(Y) == want
    batched = jax.vmap(jax.grad(outer(inner)))(jnp.stack([Y, Y]))
    np.testing.assert_array_equal(batched, [want, want])
