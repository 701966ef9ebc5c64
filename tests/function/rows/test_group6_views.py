"""Rows 6.2 to 6.6, 6.11 to 6.16 and 6.18: leaves, views and versions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxgrad
from tests.function.functions import SaveInput
from tests.function.rows.functions import V, X, define


def doubles(ctx: Any, x: Any) -> Any:
    ctx.mark_dirty(x)
    return 2 * x


Doubles = define(forward=doubles, backward=lambda ctx, g: 7 * g)


def test_row_6_2() -> None:
    """There are no leaves: what is differentiated may be marked, and is unchanged."""
    f = lambda x: Doubles.apply(x).sum()  # noqa: E731
    value, grad = jax.value_and_grad(f)(V)
    assert value == 12.0
    np.testing.assert_array_equal(grad, [7, 7, 7])
    np.testing.assert_array_equal(V, [1, 2, 3])


def test_row_6_3() -> None:
    """A part of an array is an array of its own."""
    grad = jax.grad(lambda v: Doubles.apply(v[1:]).sum())(V)
    np.testing.assert_array_equal(grad, [0, 7, 7])
    np.testing.assert_array_equal(V, [1, 2, 3])


def test_row_6_4() -> None:
    """So are the parts of a split."""

    def loss(v: Any) -> Any:
        head, tail = jnp.split(v, [1])
        return Doubles.apply(head).sum() + tail.sum()

    np.testing.assert_array_equal(jax.grad(loss)(V), [7, 1, 1])


def test_row_6_5() -> None:
    """Writing a new value into its place is `.at[...].set`, and differentiable."""
    f = lambda v: v.at[:2].set(Doubles.apply(v[:2]))  # noqa: E731
    np.testing.assert_array_equal(f(V), [2, 4, 3])
    np.testing.assert_array_equal(jax.grad(lambda v: f(v).sum())(V), [7, 7, 1])


def test_row_6_6() -> None:
    """A dirty part of an array may come with other outputs."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return 2 * x, 3 * x

    f = define(forward=forward, backward=lambda ctx, a, b: 7 * a + 100 * b).apply
    grad = jax.grad(lambda v: sum(part.sum() for part in f(v[1:])))(V)
    np.testing.assert_array_equal(grad, [0, 107, 107])


def test_row_6_11() -> None:
    """Marking an argument doesn't touch what an earlier Function saved of it."""

    def loss(x: Any) -> Any:
        return SaveInput.apply(x) + Doubles.apply(x)

    assert jax.grad(loss)(X) == 407.0


def test_row_6_12() -> None:
    """An output that is a part of an input may be updated; the rule answers."""
    f = define(forward=lambda ctx, x: x[:], backward=lambda ctx, g: 7 * g).apply
    loss = lambda v: f(v).at[0].multiply(10.0).sum()  # noqa: E731
    np.testing.assert_array_equal(jax.grad(loss)(V), [70, 7, 7])


def test_row_6_13() -> None:
    f = define(
        forward=lambda ctx, x: (x[:1], x[1:]),
        backward=lambda ctx, a, b: jnp.concatenate([7 * a, 100 * b]),
    ).apply
    loss = lambda v: f(v)[1].at[0].multiply(10.0).sum()  # noqa: E731
    np.testing.assert_array_equal(jax.grad(loss)(V), [0, 1000, 100])


def test_row_6_14() -> None:
    """A constant is made by stop_gradient, and updated like any other array."""
    f = define(forward=lambda ctx, x: x, backward=lambda ctx, g: 7 * g).apply
    loss = lambda v: jax.lax.stop_gradient(f(v)).at[0].add(v[0]).sum()  # noqa: E731
    np.testing.assert_array_equal(jax.grad(loss)(V), [1, 0, 0])


def test_row_6_15() -> None:
    """The flag is accepted; nothing is replayed, and the own rule answers."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx._is_pure_view = True
        return x[1:]

    f = define(
        forward=forward,
        backward=lambda ctx, g: jnp.concatenate([jnp.zeros(1, g.dtype), 7 * g]),
    ).apply
    loss = lambda v: f(v).at[0].multiply(10.0).sum()  # noqa: E731
    np.testing.assert_array_equal(jax.grad(loss)(V), [0, 70, 7])


def test_row_6_16() -> None:
    """A marked output is a constant, whether it is a part of an input or an input."""

    def part(ctx: Any, x: Any) -> Any:
        y = x[1:]
        ctx.mark_non_differentiable(y)
        return y

    def whole(ctx: Any, x: Any) -> Any:
        ctx.mark_non_differentiable(x)
        return x

    for forward in (part, whole):
        f = define(forward=forward, backward=lambda ctx, g: 7 * g).apply
        grad = jax.grad(lambda v, f=f: f(v).sum() + v[0])(V)
        np.testing.assert_array_equal(grad, [1, 0, 0])


def test_row_6_18() -> None:
    """There are no versions to count."""
    assert not hasattr(V, "_version")
    assert not hasattr(jaxgrad, "increment_version")
