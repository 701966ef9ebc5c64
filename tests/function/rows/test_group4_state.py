"""Rows 4.13 to 4.22: what is saved for jvp, and the transformations round it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Function, errors
from jaxgrad.errors import ContextError
from tests.function.rows.functions import TRACES, Double, V, X, define, refuses

ONE = jnp.float32(1.0)


def test_row_4_13() -> None:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x, x)
        ctx.save_for_forward(3 * x)
        return 2 * x

    def jvp(ctx: Any, t: Any) -> Any:
        (saved,) = ctx.saved_tensors
        return saved * t

    f = define(forward=forward, jvp=jvp)
    assert jax.jvp(f.apply, (X,), (ONE,))[1] == 6.0

    def only_backward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return 2 * x

    bad = define(forward=only_backward, jvp=jvp)
    refuses(
        ContextError,
        lambda: jax.jvp(bad.apply, (X,), (ONE,)),
        "F.jvp",
        "save_for_forward",
        "save_for_backward",
    )


def test_row_4_14() -> None:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_forward(x)
        return 2 * x

    f = define(
        forward=forward, backward=lambda ctx, g: (len(ctx.saved_tensors) + 7) * g
    )
    assert jax.grad(f.apply)(X) == 7.0


def test_row_4_15() -> None:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_forward(None, jnp.cos(x))
        return jnp.sin(x)

    def jvp(ctx: Any, t: Any) -> Any:
        none, cos = ctx.saved_tensors
        assert none is None
        return 3 * cos * t

    f = define(forward=forward, jvp=jvp)
    got = jax.jvp(f.apply, (X,), (ONE,))[1]
    np.testing.assert_allclose(got, 3 * np.cos(2.0), rtol=1e-6)


class Both(Function):
    """x squared; its backward says 7 x and its jvp says 11 x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 7 * ctx.saved_tensors[0] * g

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        return 11 * ctx.saved_tensors[0] * t


def test_row_4_16() -> None:
    """There is no mode that could be off: a jvp that is asked for is given."""
    inside = lambda x: x * jax.lax.stop_gradient(jax.jvp(Both.apply, (x,), (ONE,))[1])  # noqa: E731
    assert jax.jvp(Both.apply, (X,), (ONE,))[1] == 22.0
    assert jax.grad(inside)(X) == 22.0


def test_row_4_17() -> None:
    """A part of an input, or an input as it is, needs no view of its tangent."""
    f = define(forward=lambda ctx, x: (x, x[1:]), jvp=lambda ctx, t: (t, 2 * t[1:]))
    whole, part = jax.jvp(f.apply, (V,), (V,))[1]
    np.testing.assert_array_equal(whole, V)
    np.testing.assert_array_equal(part, 2 * V[1:])


def test_row_4_18() -> None:
    """The tangent of a dirty argument's new value is returned, as any other."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return 2 * x

    f = define(forward=forward, jvp=lambda ctx, t: 11 * t)
    assert jax.jvp(f.apply, (X,), (ONE,)) == (4.0, 11.0)


def test_row_4_19() -> None:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(2 * x)
        return 2 * x

    f = define(forward=forward, jvp=lambda c, t: 11 * t, backward=lambda c, g: 7 * g)
    for way in (
        lambda: jax.jvp(f.apply, (X,), (ONE,)),
        lambda: jax.grad(f.apply)(X),
        lambda: f.apply(X),
    ):
        refuses(errors.DirtyError, way, "F", "mark_dirty")


def test_row_4_20() -> None:
    """Every forward-mode transformation, of both styles, without a vmap rule."""
    hessian = np.diag(np.full(3, 7.0))
    squares = lambda v: Both.apply(v).sum()  # noqa: E731
    np.testing.assert_array_equal(jax.hessian(squares)(V), hessian)
    np.testing.assert_array_equal(jax.jacfwd(Both.apply)(V), np.diag(11 * V))
    np.testing.assert_array_equal(jax.jacrev(Both.apply)(V), np.diag(7 * V))
    twice = lambda x: jax.jvp(Both.apply, (x,), (ONE,))[1]  # noqa: E731
    assert jax.jvp(twice, (X,), (ONE,))[1] == 11.0


def test_row_4_21() -> None:
    """A forward that takes `ctx` is as good as one with setup_context."""
    combined = define(forward=lambda ctx, x: 2 * x, backward=lambda ctx, g: 7 * g)
    for f in (combined.apply, Double.apply):
        np.testing.assert_array_equal(jax.vmap(jax.grad(f))(V), np.full(3, 7.0))
        assert jax.jacrev(f)(X) == 7.0


def test_row_4_22() -> None:
    """Forward and setup_context run once, however deep the gradients nest."""
    calls = []

    def forward(x: Any) -> Any:
        calls.append("forward")
        return x**3

    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        calls.append("setup_context")
        ctx.save_for_backward(*inputs)

    f = define(
        forward=forward,
        setup_context=setup_context,
        backward=lambda ctx, g: 100 * ctx.saved_tensors[0] ** 2 * g,
    )
    assert jax.grad(jax.grad(f.apply))(X) == 400.0
    assert calls == ["forward", "setup_context"] * TRACES
